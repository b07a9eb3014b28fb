/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* struct mt_outcome: one migration as it was planned and as it went, and its record. */
#ifndef MT_RECORD_OUTCOME_H
#define MT_RECORD_OUTCOME_H

#include "config.h"
#include "facts.h"
#include "intent.h"
#include "plan.h"
#include "record/timestamp.h"

#include <json-c/json.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_MAX_SAMPLES 512
#define MT_MAX_TC_ENTRIES 8
#define MT_MAX_EVENTS 24

/* A record must fit in one datagram to the syslog daemon: rsyslog cuts messages at 8 KiB unless told otherwise. */
#define MT_SYSLOG_RECORD_BYTES ((size_t)8000)

enum mt_result { MT_COMPLETED, MT_FAILED, MT_CANCELLED };
enum mt_attach { MT_ATTACH_WATCHER, MT_ATTACH_CLIENT_SHIM, MT_ATTACH_DAEMON_SHIM };

/* The running job at one moment. */
struct mt_sample {
        uint64_t t_ms; /* since the start */
        unsigned iteration;
        uint64_t remaining_bytes;
        uint64_t dirty_rate_bytes_s;
        uint64_t bandwidth_bytes_s; /* what it carried */
        uint64_t planned_bytes_s;   /* what it was to have: R */
        double lambda;              /* dirty rate / R; INFINITY when nothing moved */
        uint64_t others_bytes_s;    /* other traffic that leaves by the uplink; MT_AUTO: not known */
};

/* Something that changed the migration's course. */
struct mt_outcome_event {
        uint64_t t_ms; /* since the start */
        char text[160];
};

/* A tc class that was installed for the migration. */
struct mt_tc_entry {
        char device[IFNAMSIZ];
        bool ingress;
        uint16_t minor;                      /* of class 4d54:minor */
        uint64_t rate_bytes_s, ceil_bytes_s; /* as last set while copying */
        uint64_t installed_after_ms;         /* since the start */
        bool removed;
};

/* Zeroed, it is an empty outcome; mt_outcome_done frees what it holds. */
struct mt_outcome {
        char id[MT_RECORD_ID_SIZE]; /* mt_record_id */
        enum mt_result result;
        uint64_t started_ms; /* since 1970 */
        enum mt_attach attach;
        struct mt_identity domain;
        char source[256], destination[256]; /* host names, or an address */
        struct mt_facts facts;
        struct mt_intent intent; /* its mode is the record's */
        struct mt_plan plan;
        struct {
                uint64_t total_ms;
                uint64_t downtime_ms; /* as QEMU tells; UINT64_MAX: not known */
                uint64_t bytes;
                unsigned iterations;
                enum mt_technique technique; /* what it came to: post-copy or hybrid only if it switched */
                uint64_t setup_ms;           /* until the first pass began, as libvirt counts; 0: not known */
                uint64_t touched_bytes;      /* of the memory, without pages of zeros; 0: not known */
                uint64_t last_copy_bytes;    /* on the wire while the guest stood still; 0: not known */
                uint64_t stopped_ms;         /* when it stopped, or moved by post-copy, since the start; 0: not seen */
        } actual;
        unsigned n_samples;        /* <= MT_MAX_SAMPLES */
        struct mt_sample *samples; /* owned */
        size_t sample_room;        /* how many samples is allocated for */
        unsigned sample_stride;    /* one in so many is kept; 0 counts as 1 */
        unsigned samples_offered;
        unsigned n_events;
        struct mt_outcome_event events[MT_MAX_EVENTS];
        unsigned n_tc;
        struct mt_tc_entry tc[MT_MAX_TC_ENTRIES];
        struct { /* what was last set in QEMU while it copied; zero: nothing was */
                uint64_t bandwidth_bytes_s;
                uint64_t downtime_limit_ms;
                uint64_t pace_bytes_s; /* post-copy's own limit, in flight; 0: none was */
                unsigned changes;      /* how often the bandwidth was set */
                uint64_t after_ms;     /* from the first event to the first limit set */
        } applied;
        struct { /* a post-copy whose connection broke; zero: it did not */
                unsigned breaks;
                unsigned attempts; /* at resuming it, by us */
                uint64_t lost_ms;  /* how long it was broken, in all */
        } recovery;
        struct { /* limits that callers asked for while the plan's stood */
                unsigned downtimes, speeds;
        } arbitrated;
        bool adopted;       /* it was running before the watcher was */
        char unshaped[512]; /* why there is no tc class; "": there is one */
        char error[256];    /* "": none */
};

/*
 * Keeps a sample. When there are MT_MAX_SAMPLES every other one is dropped, from then on only every other one is kept, and
 * so on; the first of an iteration is kept wherever there is room. -ENOMEM: it was not kept.
 */
int mt_outcome_sample(struct mt_outcome *outcome, const struct mt_sample *sample);

/* Adds an event; beyond MT_MAX_EVENTS the last one is replaced. */
void mt_outcome_event(struct mt_outcome *outcome, uint64_t t_ms, const char *text);

/* Frees the samples and zeroes the outcome. */
void mt_outcome_done(struct mt_outcome *outcome);

/* Mean dirty rate of the samples from iteration 2 on (QEMU measures none before). False: there is none. */
bool mt_outcome_dirty_rate(const struct mt_outcome *outcome, uint64_t *ret_bytes_s);

const char *mt_result_name(enum mt_result result);
const char *mt_attach_name(enum mt_attach attach);

/* The record, whole. The caller puts it. */
json_object *mt_outcome_json(const struct mt_outcome *outcome);

/*
 * The record as one line of text, to be freed by the caller, of at most max_bytes (0: no limit): the alternatives are
 * left out (the history has them), then samples thinned out. Returns NULL when memory is short, and a longer line when that
 * is not enough.
 */
char *mt_outcome_text(const struct mt_outcome *outcome, size_t max_bytes);

#endif
