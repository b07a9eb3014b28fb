/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_facts: everything measured about one migration, each value with its source and age. Filled by measure/ and
 * steer/, read by policy/ and record/. Plain data: no pointers, copied by assignment.
 */
#ifndef MT_FACTS_H
#define MT_FACTS_H

#include "model/traffic.h"
#include "units.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

/* Where a dirty rate comes from, worst first. */
enum mt_dirty_source {
        MT_DIRTY_DEFAULT,   /* nothing known: the middle of the configured range */
        MT_DIRTY_HISTORY,   /* this domain's last migration */
        MT_DIRTY_MEASURED,  /* background page sampling; reads 2-3 times low against a running job */
        MT_DIRTY_IN_FLIGHT, /* the running job's own statistics */
        MT_DIRTY_GIVEN,     /* an operator's number (plan --offline) */
};

/* Where the destination's traffic comes from; the other ends' is always this host's own measurement. */
enum mt_traffic_source {
        MT_TRAFFIC_UNKNOWN,
        MT_TRAFFIC_SHARE,   /* its watcher's sample in destination.share_dir */
        MT_TRAFFIC_LIBVIRT, /* the statistics of its VMs, by destination.uri */
        MT_TRAFFIC_GIVEN,   /* an operator's number (plan --offline) */
};

/* Where the hot and cold pages come from. */
enum mt_hot_source {
        MT_HOT_NONE,      /* nothing known: they are all alike */
        MT_HOT_WINDOWS,   /* background page sampling over windows of different length; may say that there are none */
        MT_HOT_IN_FLIGHT, /* the running job's iterations */
        MT_HOT_GIVEN,     /* an operator's numbers (plan --offline) */
};

/* Where a value comes from that may be configured, learnt or read. */
enum mt_value_source {
        MT_VALUE_UNKNOWN,
        MT_VALUE_BUILT_IN,
        MT_VALUE_CONFIGURED,
        MT_VALUE_HISTORY, /* learnt from this host's migrations */
        MT_VALUE_READ,    /* from libvirt, the device or the kernel, at that moment */
        MT_VALUE_GIVEN,   /* an operator's number (plan --offline) */
};

/* One end's traffic without the migration itself, smoothed. */
struct mt_traffic_fact {
        bool known; /* false: counts as idle, and the reasons say so */
        uint64_t in_bytes_s;
        uint64_t out_bytes_s;
        uint64_t age_ms;
        enum mt_traffic_source source; /* of the destination's */
};

/*
 * Whether the caller started the job with VIR_MIGRATE_POSTCOPY, as far as it shows without the call (struct mt_call_fact);
 * MT_CALLER_NO as well where libvirt refused a switch.
 */
enum mt_caller_permits { MT_CALLER_UNKNOWN, MT_CALLER_NO, MT_CALLER_YES };

/* The migration call itself, where somebody stands in it, or told of it before it was made. */
struct mt_call_fact {
        bool known;           /* false: nobody does, and nothing else in here means anything */
        bool made;            /* it runs, with these flags: nothing in it can be changed any more */
        bool fixed_flags;     /* the destination was prepared already: only bandwidths can be changed */
        bool paused;          /* the guest does not run */
        bool by_rdma;         /* memory goes by RDMA, which QEMU combines with nothing else */
        bool by_unix_socket;  /* or through a socket of the caller's own, made for one connection */
        bool override_limits; /* shim.caller_limits = "override": the caller's own limits do not bind */
        uint64_t flags;       /* MT_FLAG_* and more, as the caller gave them; once it is made, as they are */
        /* The caller's own, 0: none. Once it is made, post-copy's is what QEMU has. */
        uint64_t bandwidth_bytes_s, bandwidth_postcopy_bytes_s, bandwidth_switchover_bytes_s;
        uint64_t libvirt_version, qemu_version; /* as MT_VERSION(); 0: not known, and counts as old */
};

/* What the host has to spare for a migration's own work. */
struct mt_headroom_fact {
        bool cpu_known;
        double cpu_idle_share;      /* 0 to 1, of all CPUs */
        unsigned cpus;              /* online */
        uint64_t memory_free_bytes; /* available without swapping; 0: not known */
        bool given;                 /* an operator's numbers (plan --offline); else the load average and /proc/meminfo */
};

struct mt_facts {
        uint64_t memory_bytes;   /* the domain's memory now (balloon) */
        uint64_t process_bytes;  /* that QEMU's process holds resident, its own included; 0: not known */
        uint64_t overhead_bytes; /* of them not to be sent: QEMU's own, and pages that are zero again */
        uint64_t resident_bytes; /* of the memory really touched: what a first pass must send; <= memory_bytes */
        uint64_t dirty_rate_bytes_s;
        enum mt_dirty_source dirty_source;
        uint64_t dirty_age_ms;
        uint64_t dirty_spread_bytes_s; /* in flight: the standard deviation of D from round to round; 0: not known */
        uint64_t hot_bytes;            /* written over and over (model/hot.h); 0: no such set, or none known */
        uint64_t hot_rate_bytes_s;     /* what is written to it; only a part of that is distinct */
        uint64_t cold_rate_bytes_s;    /* dirtied of the rest; 0 where hot_source is MT_HOT_NONE */
        enum mt_hot_source hot_source;
        char device[IFNAMSIZ];                    /* uplink; "" when none was found (then only QEMU's cap is used) */
        uint64_t link_bytes_s;                    /* the uplink's rate; 0: unknown */
        uint64_t taken_bytes_s;                   /* planned on this uplink by other running migrations */
        uint64_t granted_bytes_s;                 /* the ledger's share for this one among them; 0: it shares with nobody */
        bool waits_turn;                          /* others go first (algorithm 3, serial): it only trickles */
        unsigned parallel;                        /* so many of them; 0: the next two mean nothing */
        uint64_t vms_in_bytes_s, vms_out_bytes_s; /* own traffic of all VMs that move there, this one and the others */
        uint64_t path_bytes_s; /* what the connection carries, if well below what it may; 0: not seen to be narrow */
        /* The running job: the round that is being copied (0: none yet), what is clean, and what the round before dirtied. */
        unsigned round;
        uint64_t clean_bytes, round_dirty_rate_bytes_s; /* 0: not known */
        struct mt_traffic_fact src, dst, vm;
        unsigned dst_migrations;         /* of other hosts into the destination, as these tell; 0: none */
        uint64_t dst_migrations_bytes_s; /* planned for those */
        uint64_t rtt_us;                 /* to the destination; 0: unknown */
        uint64_t tau_ms;                 /* delay between iterations */
        uint64_t tg_ms;                  /* reconfiguration time at switchover */
        uint64_t setup_ms;               /* from the start of libvirt's job to the first pass; 0: the built-in value */
        uint64_t dirty_low_bytes_s, dirty_high_bytes_s; /* the host's calibrated range, or MT_AUTO */
        struct mt_traffic_models models;                /* this host's own fits; zeroed: the built-in models hold */
        bool host_device; /* a device of the host's is passed through to the guest (VFIO, USB) */
        bool huge_pages;  /* the guest's memory is in huge pages */
        enum mt_caller_permits post_copy;
        struct mt_call_fact call;
        struct mt_headroom_fact headroom;
        bool switchover_bandwidth; /* libvirt can set QEMU's avail-switchover-bandwidth */
        enum mt_value_source memory_source, link_source, tau_source, tg_source;
        enum mt_value_source dirty_range_source; /* of dirty_low and dirty_high; the intent's own go before them */
};

/* "default" "history" "measured" "in-flight" "given". */
const char *mt_dirty_source_name(enum mt_dirty_source source);

/* "none" "windows" "in-flight" "given". */
const char *mt_hot_source_name(enum mt_hot_source source);

/* "unknown" "share" "libvirt" "given". */
const char *mt_traffic_source_name(enum mt_traffic_source source);

/* "unknown" "built-in" "configuration" "history" "read" "given". */
const char *mt_value_source_name(enum mt_value_source source);

#endif
