/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_plan: what is to be done with one migration, what it should cost, and why. Made by policy/, carried out by
 * steer/, shown by the commands and the outcome record. Plain data, no pointers.
 */
#ifndef MT_PLAN_H
#define MT_PLAN_H

#include "call_flags.h"
#include "intent.h"
#include "model/traffic.h"

#include <stdbool.h>
#include <stdint.h>

#define MT_MAX_REASONS 32
#define MT_REASON_SIZE 192
#define MT_MAX_ALTERNATIVES 16

/* Explanation: every rule that fired, with its inputs, in order. */
struct mt_reasons {
        unsigned n;
        char text[MT_MAX_REASONS][MT_REASON_SIZE];
};

struct mt_prediction {
        uint64_t total_ms;    /* from the first byte to the guest running on the destination; UINT64_MAX: never ends */
        uint64_t downtime_ms; /* UINT64_MAX: no end */
        uint64_t bytes;
        unsigned iterations;
        uint64_t stall_ms; /* after a switch to post-copy: how long in all it waits for pages, beside downtime_ms */
};

/* What a migration takes from the other traffic of its link, at the end where that is more. */
struct mt_tenants {
        bool known;            /* false: neither end's traffic is, and the rest means nothing */
        uint64_t bytes_s;      /* on average, while it takes something */
        uint64_t peak_bytes_s; /* >= bytes_s */
        uint64_t ms;           /* for so long in all; UINT64_MAX: it never ends */
        uint64_t bytes;        /* bytes_s for so long; UINT64_MAX: no end */
};

/* Why an alternative could not have been taken: who or what does not permit it. */
enum mt_bar {
        MT_BAR_NONE,
        MT_BAR_TECHNIQUE,   /* the intent names another technique */
        MT_BAR_POST_COPY,   /* the call, the guest or the intent has no post-copy */
        MT_BAR_STRATEGY,    /* the intent names another strategy */
        MT_BAR_CALLER,      /* more than the caller of the migration allowed itself */
        MT_BAR_TURN,        /* others go first */
        MT_BAR_SHARE,       /* more than its share beside the other migrations */
        MT_BAR_LOW_URGENCY, /* takes what others use, at low urgency */
        MT_BAR_SLA,         /* more than the SLA leaves */
        MT_BAR_URGENCY,     /* more than the urgency's share of the ideal bandwidth */
        MT_BAR_TOO_SLOW,    /* less than min_bandwidth, or than the deadline asks for */
        MT_BAR_LAMBDA,      /* lambda would lie above lambda.high */
};
#define MT_BARS 12
#define MT_BAR_SIZE 112
#define MT_VERDICT_SIZE 320

/* A way that was not taken, so that an operator sees what it would have cost. */
struct mt_alternative {
        char name[48]; /* "pre-copy, whole link" */
        enum mt_technique technique;
        enum mt_bar bar;
        uint64_t bandwidth_bytes_s;
        struct mt_prediction prediction;
        struct mt_tenants tenants;
};

/* How memory is to be compressed: deltas against a cache of pages sent before, or whole pages over multifd. */
enum mt_compression { MT_COMPRESSION_LEAVE, MT_COMPRESSION_XBZRLE, MT_COMPRESSION_ZSTD };

/*
 * What is to be changed in the migration call, beside its bandwidth, which is the plan's R; by who stands in it, and only
 * where the mode is "enforce". 0 leaves what the caller gave. Whoever drops a flag drops the parameters that go with it
 * ("auto_converge.*", "parallel.connections", "compression" and "compression.*"): libvirt refuses them without it.
 */
struct mt_call_changes {
        bool known;                            /* false: there is no call that could be changed, and all else is zero */
        uint64_t flags_add, flags_drop;        /* MT_FLAG_*; no bit is in both */
        uint64_t bandwidth_postcopy_bytes_s;   /* QEMU's own limit, so payload; to be rounded down to MiB/s, at least 1 */
        uint64_t bandwidth_switchover_bytes_s; /* likewise; only where libvirt and QEMU can set it */
        unsigned connections;                  /* of multifd, 2 to MT_MOST_CONNECTIONS; MT_FLAG_PARALLEL is in flags_add */
        enum mt_compression compression;       /* MT_FLAG_COMPRESSED is in flags_add */
        uint64_t xbzrle_cache_bytes;           /* a power of two */
};

#define MT_MOST_CONNECTIONS 8u

struct mt_plan {
        enum mt_strategy strategy;
        enum mt_technique technique;
        unsigned switch_iteration; /* switch to post-copy as this one begins: 1 at once, 2 after a full pass; 0: never */
        enum mt_traffic_class src_class, dst_class, vm_class;
        double lambda;               /* D / bandwidth as planned; 0 when D is 0 */
        uint64_t wanted_bytes_s;     /* what R would be if no other migration ran */
        uint64_t need_bytes_s;       /* what of that it needs to converge, and in time */
        uint64_t bandwidth_bytes_s;  /* R: tc ceil while copying; QEMU's cap is the next MiB/s above */
        uint64_t reserve_bytes_s;    /* tc rate: guaranteed even against the VMs' own traffic */
        uint64_t switchover_bytes_s; /* rate that the last copy can count on; less than bandwidth only on a narrow path */
        double alpha;                /* fraction of memory that may remain at stop */
        unsigned iterations;         /* n: pre-copy rounds until remaining <= alpha * memory */
        uint64_t downtime_limit_ms;  /* for QEMU: remaining < rate * limit stops the guest */
        bool limit_met;              /* false: no n within max_iterations holds max_downtime */
        bool low_priority;           /* tc: others' demand goes first */
        struct mt_call_changes call;
        struct mt_prediction prediction;
        struct mt_reasons reasons;
        /* Of plans that somebody is to read (mt_alternatives); else zero. */
        unsigned n_alternatives;
        struct mt_alternative alternatives[MT_MAX_ALTERNATIVES];
        struct mt_tenants tenants;       /* what the plan itself takes */
        char bars[MT_BARS][MT_BAR_SIZE]; /* by enum mt_bar: in words, of those that bar an alternative; else "" */
        char verdict[MT_VERDICT_SIZE];   /* one sentence: how the plan compares with them */
};

#endif
