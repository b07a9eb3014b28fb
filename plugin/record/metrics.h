/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_metrics: what the watcher counts, and struct mt_metrics_now: what holds at this moment; and both as text in
 * Prometheus's exposition format (text, version 0.0.4), for the node exporter's textfile collector.
 *
 * No label names a domain: their number has no bound, and the records have them. Not thread-safe.
 */
#ifndef MT_RECORD_METRICS_H
#define MT_RECORD_METRICS_H

#include "record/outcome.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define MT_METRICS_RESULTS (MT_CANCELLED + 1)
#define MT_METRICS_BOUNDS 13
#define MT_METRICS_DEVICES 8

/* What was left out so that migrations go on: "fail open". */
enum mt_fail_open {
        MT_FAIL_OPEN_CONFIGURATION, /* a reloaded file was refused; the last good one stays */
        MT_FAIL_OPEN_DOMAIN,        /* a domain's description could not be read: its migration was left untuned */
        MT_FAIL_OPEN_METADATA,      /* a domain's own wishes were refused: rules and defaults held */
        MT_FAIL_OPEN_LIMITS,        /* QEMU's limits could not be read or set */
        MT_FAIL_OPEN_SHAPING,       /* a migration had no class, although tc.enable is on */
        MT_FAIL_OPEN_LIBVIRT,       /* the connection to libvirt was lost */
        MT_FAIL_OPEN_MEASUREMENT,   /* the devices' counters could not be read: traffic counted as unknown */
        MT_FAIL_OPEN_RECORD,        /* a record could not be made, or not be appended to the history */
        MT_FAIL_OPEN_CAUSES,
};

/* What is predicted of a migration. */
enum mt_predicted { MT_PREDICTED_DURATION, MT_PREDICTED_BLACKOUT, MT_PREDICTED_BYTES, MT_PREDICTED_QUANTITIES };

/* Observations by size: in[i] counts those above bound i-1 and up to bound i, the last one those above all bounds. */
struct mt_metrics_histogram {
        uint64_t in[MT_METRICS_BOUNDS + 1];
        uint64_t sum; /* in the histogram's own unit */
};

/* Counters: they only rise, and survive the watcher (mt_metrics_load). Zeroed: nothing was seen. */
struct mt_metrics {
        uint64_t migrations[MT_METRICS_RESULTS][MT_TECHNIQUES][2]; /* [1]: they were only observed */
        uint64_t sent_bytes[MT_METRICS_RESULTS];
        uint64_t memory_bytes[MT_METRICS_RESULTS];
        uint64_t iterations[MT_METRICS_RESULTS];
        struct mt_metrics_histogram duration_ms, blackout_ms;           /* of completed migrations */
        struct mt_metrics_histogram predicted[MT_PREDICTED_QUANTITIES]; /* actual / predicted, in thousandths */
        struct mt_metrics_histogram plan_ns;
        uint64_t limit_unmet; /* plans that said so */
        uint64_t over_limit;  /* blackouts that were longer than max_downtime */
        uint64_t breaks, resume_attempts, broken_ms;
        uint64_t overruled[2]; /* callers' own limits: downtimes, speeds */
        uint64_t fail_open[MT_FAIL_OPEN_CAUSES];
        uint64_t reloads[2]; /* [1]: refused */
};

/* One direction of a device's traffic, bytes/s on the wire. */
struct mt_metrics_way {
        bool known;               /* false: background is not known, nor what is available */
        uint64_t budget_bytes_s;  /* what can be given to migrations; 0: the link's rate is not known */
        uint64_t granted_bytes_s; /* what they were given of it */
        uint64_t carried_bytes_s; /* what they carry */
        uint64_t background_bytes_s;
};

struct mt_metrics_device {
        char name[IFNAMSIZ];
        uint64_t link_bytes_s; /* 0: not known */
        struct mt_metrics_way egress, ingress;
};

/* Gauges. Zeroed: a watcher that has ended. */
struct mt_metrics_now {
        const char *version; /* of migtune */
        bool up;             /* false: the watcher has ended, and nothing below is shown but the start and the reload */
        bool libvirt;        /* there is a connection */
        bool reload_ok;      /* the last reload was taken */
        uint64_t start_ms, reload_ms; /* wall clock; of the last reload that was taken, the first loading included */
        unsigned outgoing, incoming, waiting;
        unsigned n_devices;
        struct mt_metrics_device device[MT_METRICS_DEVICES];
};

/* Counts a migration that has ended. */
void mt_metrics_outcome(struct mt_metrics *metrics, const struct mt_outcome *outcome);

/* Counts one decision's time. */
void mt_metrics_plan(struct mt_metrics *metrics, uint64_t ns);

/* The whole text, to be freed by the caller; NULL: out of memory. */
char *mt_metrics_text(const struct mt_metrics *metrics, const struct mt_metrics_now *now);

/*
 * Adds the counters that an earlier text of ours tells. What is missing or damaged in it counts as zero; a histogram of
 * which a part is missing is left out whole.
 */
void mt_metrics_load(struct mt_metrics *metrics, const char *text);

#endif
