/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_job itself, and the steps of its life; for the files of steer/ that make up a job (job.c, begin.c,
 * control.c, act.c, finish.c).
 */
#ifndef MT_STEER_JOB_STATE_H
#define MT_STEER_JOB_STATE_H

#include "enforce/qemu.h"
#include "measure/domain.h"
#include "measure/domain_xml.h"
#include "measure/sockets.h"
#include "model/hot.h"
#include "record/outcome.h"
#include "steer/agent.h"
#include "steer/call.h"
#include "steer/host.h"
#include "steer/meter.h"
#include "steer/recover.h"
#include "steer/state.h"

#include <sys/types.h>

#define MT_HOT_ROUNDS 12 /* so many of the last rounds tell of hot pages */

struct mt_job {
        struct mt_job *next;
        enum mt_job_state state;
        bool post_copy;         /* it was switched: as state tells, but when it is over as well */
        virDomainPtr domain;    /* NULL while libvirt is away */
        struct mt_agent *agent; /* NULL likewise, or when its thread did not start */
        bool at_boundary;       /* an iteration began and its statistics are still to come */
        uint64_t over_ms;       /* when it became OVER; 0: it runs */
        pid_t pid;              /* of the domain's QEMU; 0: not found */
        struct mt_domain_xml xml;
        uint64_t since_ms;        /* CLOCK_MONOTONIC */
        uint64_t first_iteration; /* libvirt's count may go on from an earlier, cancelled run */
        uint64_t iteration;       /* of this run, from 1 */
        struct mt_facts facts;    /* as of now */
        struct mt_intent intent;
        struct mt_plan plan;       /* as of now; the first one is in the outcome */
        struct mt_job_stats stats; /* the last ones */

        bool has_turn; /* algorithm 3 lets it go; else facts.waits_turn (steer/turn.h) */
        struct mt_flows flows;
        struct mt_link link;
        uint16_t minor;
        bool shaped;
        struct mt_class_spec spec; /* of the class, as last set */
        bool limits_saved;         /* limits_before is what to put back */
        struct mt_qemu_limits limits_before;
        uint64_t speed_bytes_s;   /* as last asked for; 0: never */
        uint64_t downtime_ms;     /* likewise */
        uint64_t forced_limit_ms; /* the iteration cap's, which no new plan lowers; 0: none */
        struct {
                unsigned evidence;              /* rounds in a row that led nowhere */
                unsigned waited;                /* rounds, for a better moment */
                uint64_t last_remaining_bytes;  /* as the round before began; 0: not yet */
                uint64_t least_remaining_bytes; /* since it stalled; 0: it did not */
                int said;                       /* the remedy that was told last, plus 1 */
        } stall;                                /* see converge.c */
        bool gave_up;                           /* it does not converge, and nothing more can be done about it */
        char why[128];                          /* if we ended it: the reason, for the record */
        struct mt_announced *call;              /* the call that it came from, if somebody stands in that; NULL: nobody */
        bool aborted;                           /* its caller asked for that */
        struct mt_meter meter;                  /* what the migration puts on the wire */
        uint64_t second_pass_ms, second_pass_bytes; /* when it began, and the meter's count then; 0: not yet */
        struct mt_hot_point dirtied[MT_HOT_ROUNDS]; /* by the rounds, oldest first */
        unsigned n_dirtied;
        uint64_t round_began_ms, last_round_ms;              /* the round that is copied; how long the one before took */
        double rounds;                                       /* done, those that QEMU cut short counted in part (rounds.c) */
        uint64_t round_to_send_bytes, round_processed_bytes; /* as it began: what remained; what had been sent */
        uint64_t stopped_at_bytes;                           /* the meter's count when the guest stopped; 0: it runs */
        bool switch_asked;                                   /* post-copy was asked for */
        uint64_t asked_in; /* the iteration in which it was, by us or by a caller (QEMU begins another one for it); 0: not */
        uint64_t pace_bytes_s;       /* post-copy's own limit as asked for in flight; 0: not */
        struct mt_recovery recovery; /* of its post-copy */
        struct mt_meter others;      /* what the default class lets through: the other traffic, as tc counts */
        struct mt_outcome outcome;
};

/* begin.c: the beginning. */

/*
 * Makes a job of the domain's running migration, plans and installs. What is no migration, or is not to be tuned, is
 * left alone.
 */
void mt_job_begin(struct mt_host *host, virDomainPtr domain, bool adopted);
/* Takes the domain, and an agent for the calls about it. */
void mt_job_hold(struct mt_host *host, struct mt_job *job, virDomainPtr domain);
/* A watcher that comes late may find the guest stopped already, or running on the other side. */
void mt_job_catch_up(struct mt_host *host, struct mt_job *job);

/* act.c: carrying out plans. */

/* Saves QEMU's limits, sets the plan's, and makes the class. Each part that fails is logged and left out. */
void mt_job_install(struct mt_host *host, struct mt_job *job, const struct mt_uplink *uplink);
/* Follows the current plan where it differs enough from what is set. */
void mt_job_apply(struct mt_host *host, struct mt_job *job);
/* Asks the agent for a downtime limit, if it differs from the last one. */
void mt_job_want_downtime(struct mt_job *job, uint64_t downtime_ms);
/* What the agent has set, into the outcome. */
void mt_job_note_set(struct mt_job *job, const struct mt_agent_news *news);
/*
 * Lifts the class's ceil to the link: for the last copy with the switchover's rate guaranteed; without a new guarantee
 * where that may go on for long (post-copy, or libvirt is away and could not tell of the switchover).
 */
void mt_job_lift(struct mt_host *host, struct mt_job *job, bool guarantee);
/* Asks for post-copy's own limit, once, where nobody gave it with the call. */
void mt_job_pace(struct mt_job *job);
/* Asks for the switch to post-copy when its iteration has come. */
void mt_job_switch_when_due(struct mt_job *job);
/*
 * The filters follow the migration's connections: multifd and NBD may connect after the first look, a resumed post-copy has
 * new ones. A job that had none to begin with (found broken) gets its class now.
 */
void mt_job_follow_connections(struct mt_host *host, struct mt_job *job);
/* Removes the class. */
void mt_job_unshape(struct mt_host *host, struct mt_job *job);
/* Takes everything back: the class at once; QEMU's limits, where the domain is still here, as the agent's last errand. */
void mt_job_withdraw(struct mt_host *host, struct mt_job *job);
/* Reads the class's counter (or, unshaped, the job's statistics) into the meter. */
void mt_job_meter(struct mt_host *host, struct mt_job *job, uint64_t now_ms);

/* control.c: deciding again. */

/* Takes statistics over: D is QEMU's own from iteration 2 on, smoothed. */
void mt_job_use_stats(struct mt_job *job, const struct mt_job_stats *stats);
/* rounds.c: what each round tells of the copy and of hot pages, into the facts. */
void mt_job_note_round(const struct mt_host *host, struct mt_job *job);

/* Plans with the facts of this moment and follows the plan. */
void mt_job_plan_again(struct mt_host *host, struct mt_job *job);
/* The same with the facts as they are, when only its share or its turn has changed. */
void mt_job_replan(struct mt_host *host, struct mt_job *job);
/* n rounds are done: QEMU is to stop now, if what remains fits in the blackout allowed. */
void mt_job_iteration_cap(struct mt_job *job);
/* Asks for a downtime limit at which QEMU stops at its next look; it holds until the next round begins. */
void mt_job_stop_now(struct mt_job *job);
/* converge.c: a round begins: will they come to an end? If not, the remedy. */
void mt_job_judge(struct mt_job *job);

/* finish.c: the end. */

/* Withdraws, records, unlinks and frees. stats: the final ones, or NULL. error: "" or why. */
void mt_job_finish(struct mt_host *host, struct mt_job *job, enum mt_result result, const struct mt_job_stats *stats,
                   const char *error);
/* Sends a record: to the host, and to the history. outcome: a job's, or that of a call that had none. */
void mt_job_send_record(struct mt_host *host, const struct mt_outcome *outcome);
/* Unlinks and frees, without withdrawing or recording. */
void mt_job_free(struct mt_host *host, struct mt_job *job);
/* The current sample into the outcome. */
void mt_job_sample(struct mt_job *job);
/* What changed its course, into the outcome and the debug log. */
void mt_job_event(struct mt_job *job, const char *format, ...) MT_PRINTF(2, 3);

#endif
