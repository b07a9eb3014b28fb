/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Migration calls that were announced to the watcher by who stands in them (a shim), from the first question to the end of
 * their migration. See call.c for the states.
 */
#ifndef MT_STEER_CALL_H
#define MT_STEER_CALL_H

#include "enforce/qemu.h"
#include "facts.h"
#include "measure/resolve.h"
#include "record/outcome.h"
#include "steer/host.h"
#include "wishes.h"

#include <json-c/json.h>
#include <migtune/plugin.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define MT_TICKET_SIZE 33 /* 128 random bits in hexadecimal: who has none guesses none */

enum mt_announced_state {
        MT_ANNOUNCED_GATHERING, /* its facts are not complete, or it has just been announced */
        MT_ANNOUNCED_WAITING,   /* others go first */
        MT_ANNOUNCED_ADVISED,   /* its caller may make it, and it has not begun */
        MT_ANNOUNCED_RUNNING,   /* it has a job */
        MT_ANNOUNCED_ENDED,     /* its caller says that it is over, and no job was seen (yet) */
};

/* Who stands in a call: the shim in its client, or the one in libvirt's daemon. */
struct mt_asker {
        char ticket[MT_TICKET_SIZE]; /* "": it has not asked */
        uid_t uid;                   /* whose process it is in */
        bool ended;                  /* the call has returned to it */
};

/* One call. Times are CLOCK_MONOTONIC; 0: not yet. */
struct mt_announced {
        struct mt_announced *next;
        struct mt_asker asker[MT_CALL_BY_DAEMON + 1]; /* by MT_CALL_BY_*; both may stand in one call (call_match.c) */
        enum mt_announced_state state;
        uint64_t since_ms, asked_ms, waiting_ms, advised_ms, checked_ms, ended_ms;
        struct mt_resolver *resolver; /* owned; while the destination's name is looked up */
        bool resolved;                /* peer is as good as it gets */
        struct sockaddr_storage peer; /* where it goes; family AF_UNSPEC: not known */
        char uri[256], migrate_uri[256]; /* of the destination's libvirt, and for memory, as announced; "": not said, or too long */
        struct {
                uint64_t flags, bandwidth_mib_s;
        } asked;                   /* as it was announced first */
        struct mt_call_fact given; /* as its caller would make it */
        bool seen;                 /* the daemon announced it after its client: so it was made */
        uint64_t seen_flags;
        struct mt_wishes wishes; /* its caller's, for this one migration */
        bool tuned;              /* it is made with the plan's changes */
        bool refused;            /* libvirt's daemon had the changes, and refused them */
        bool aborted;            /* its caller asked for that */
        bool limits_known;
        struct mt_qemu_limits limits; /* before the call: while it runs, libvirt tells the call's own bandwidth */
        /* Its record, as far as it is known. Sent only if no job takes it over. */
        struct mt_outcome outcome;
};

/*
 * What to make of a call (migtune/plugin.h's advise). wishes: its caller's own, or NULL. uid: the user who asks; as
 * MT_CALL_BY_DAEMON only root may. Never fails: what cannot be advised is left as it is, and the reason says why.
 */
void mt_call_advise(struct mt_host *host, const struct mt_call *call, const struct mt_wishes *wishes, uid_t uid,
                    struct mt_advice *ret);

/* What the call tells of the migration that it began, into the job's facts. */
void mt_call_facts(const struct mt_announced *announced, struct mt_facts *facts);

/*
 * The call's share in its job's record: who stood in it, the facts and the plan that it was made with (unless they are too
 * old or incomplete), and what happened before.
 */
void mt_call_record(const struct mt_announced *announced, struct mt_outcome *outcome);

/*
 * The call has returned to who stands in it (by: MT_CALL_BY_*). result < 0: it failed, and text (or NULL) is libvirt's.
 * Where both the client and the daemon do, the client has the last word.
 */
void mt_call_ended(struct mt_announced *announced, uint32_t by, int32_t result, const char *text);

/* The caller's own call is made instead by who stands in it (by): libvirt refused the changed one, for that reason. */
void mt_call_retried(struct mt_announced *announced, uint32_t by, const char *text);

/* Something that belongs in the record. */
void mt_call_event(struct mt_announced *announced, const char *format, ...) MT_PRINTF(2, 3);

/* Forgets it, without a record. */
void mt_call_forget(struct mt_host *host, struct mt_announced *announced);

/* Once a second: forgets those whose callers ask no more, sends the records of those that ended without a job. */
void mt_call_tick(struct mt_host *host);

/* Adds the waiting ones to a JSON array, for `migtune status`. */
void mt_call_status(const struct mt_host *host, json_object *array);

/* Forgets all: at the watcher's end. */
void mt_call_clear(struct mt_host *host);

#endif
