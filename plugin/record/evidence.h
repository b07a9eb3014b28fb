/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What finished migrations tell of this host and its network: bandwidth got against background traffic, time lost between
 * rounds, time lost while the guest stands still. Taken from records, kept in memory (the newest of each kind), and judged
 * by calibration.c.
 */
#ifndef MT_RECORD_EVIDENCE_H
#define MT_RECORD_EVIDENCE_H

#include "model/regression.h"
#include "model/traffic.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many of each kind are kept. More would not make a fit better than the network is steady, and take longer. */
#define MT_EVIDENCE_WINDOW 512

struct mt_evidence_entry {
        uint64_t wall_ms; /* when the migration began, since 1970 */
        struct mt_observation o;
};

struct mt_evidence_window {
        struct mt_evidence_entry *entry; /* owned; in no order */
        size_t n, allocated;
        bool changed; /* since mt_calibrate last saw it */
};

/* Two kinds of migrations that must not be mixed, since their bandwidth is known from different things. */
enum mt_evidence_kind {
        MT_EVIDENCE_SHAPED, /* ours: a tc class held the bandwidth that was planned */
        MT_EVIDENCE_FREE,   /* neither a class nor QEMU's limit was set by us: it got what the network gave */
        MT_EVIDENCE_KINDS
};

/* Zeroed: none. */
struct mt_evidence {
        /*
         * The bandwidth that free migrations got: x[0] background, as traffic.h's models want it, y Mbit/s on the wire, both
         * scaled to a link of 1000 Mbit/s.
         */
        struct mt_evidence_window bandwidth[MT_TECHNIQUES][MT_TRAFFIC_CLASSES];
        /*
         * Time of copying over s, the seconds that sending the bytes takes at the known bandwidth: y = time / s, x[0] =
         * 1 / s, x[1] = iterations / s. So y = b0 + b1 / s + b2 * iterations / s, b1 what is lost once and b2 tau, in
         * seconds; divided by s because a bandwidth that is off by some percent makes long migrations err by more seconds.
         */
        struct mt_evidence_window rounds[MT_EVIDENCE_KINDS];
        /* The guest's standstill: y seconds, x[0] those of the last copy at the known bandwidth. y = t_g + b1 * x. */
        struct mt_evidence_window standstill[MT_EVIDENCE_KINDS];
        unsigned records;   /* that were looked at */
        unsigned completed; /* of them */
        unsigned free;      /* of those: MT_EVIDENCE_FREE */
};

/*
 * Takes what a migration's record tells, in any order of time. Only completed migrations that the watcher saw from their
 * beginning count; of those that began in the same millisecond one counts, so that a record may be told twice. Without
 * memory for it, it is not kept.
 */
void mt_evidence_learn(struct mt_evidence *evidence, json_object *record);

void mt_evidence_done(struct mt_evidence *evidence);

#endif
