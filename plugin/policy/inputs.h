/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_inputs: facts and intent in the models' units, with every "auto" resolved. Made once for each decision and
 * passed down, so that no other file of policy/ converts units.
 */
#ifndef MT_POLICY_INPUTS_H
#define MT_POLICY_INPUTS_H

#include "facts.h"
#include "intent.h"
#include "model/calm.h"
#include "model/hot.h"
#include "plan.h"

#include <stdbool.h>

/* Rate assumed where the link's is unknown; only predictions and shares use it, nothing is shaped then. */
#define MT_UNKNOWN_LINK_MBPS 1000.0

/* One way of migrating that is considered. */
struct mt_way {
        enum mt_technique technique;
        enum mt_strategy strategy;
};

/* Where a copy stands as a round of pre-copy begins. */
struct mt_round {
        unsigned i;       /* 1: the first */
        double clean;     /* Mbit that were copied and not dirtied since */
        double last_rate; /* Mbit/s that the round before saw dirtied; without meaning in the first */
};

struct mt_inputs {
        double memory, resident; /* Mbit */
        double D;                /* Mbit/s */
        struct mt_hot_pages hot; /* hot 0: every page is as likely to be dirtied as any other */
        double link;             /* Mbit/s; MT_UNKNOWN_LINK_MBPS if not known */
        bool link_known;
        double path;      /* Mbit/s that the way to the destination was seen to give; 0: not seen to be narrow */
        double free;      /* Mbit/s of the link that other running migrations have not taken */
        double granted;   /* Mbit/s: the ledger's share of the link; INFINITY: no other migration runs */
        bool waits_turn;  /* it only trickles */
        double available; /* Mbit/s that nobody uses now: min(link - src out, link - dst in), >= 0 */
        double src_in, src_out, dst_in, dst_out, vm_in, vm_out;
        double tau, tg; /* s */
        double setup;   /* s, from libvirt's start of the job to the first pass */
        double limit;   /* s, max_downtime */
        double DL, DH, lL, lH;
        double sla_lower, sla_upper;
        double min_bandwidth;
        double caller_limit; /* Mbit/s that the caller of the migration allowed itself; 0: none that binds */
        bool paced;          /* who stands in the call sets post-copy's own limit (mt_flags_pace) */
        double pace_limit;   /* Mbit/s of payload: the caller's, or once the call is made, what is set; INFINITY: none */
        double deadline_bandwidth; /* Mbit/s that moves the memory within its deadline; 0: none (auto) */
        unsigned max_iterations;
        enum mt_urgency urgency;
        const struct mt_traffic_models *models;              /* the facts'; NULL: the built-in ones */
        struct mt_round now;                                 /* the running job's; before it, the first */
        double clark_initial, clark_addition, clark_maximum; /* maximum: INFINITY where it is left to the urgency */
        struct mt_calm cost;                                 /* CALM in Mbit and seconds: a page is 1 Mbit */
        bool cost_fixed;
};

/* libvirt's handshake between the call and the first byte, in its own statistics part of the total time. */
#define MT_DEFAULT_SETUP_MS UINT64_C(250)

/* Built-in values for "auto". */
#define MT_DEFAULT_DL_MBPS 0.1
#define MT_DEFAULT_DH_MBPS 500.0

void mt_inputs_make(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_inputs *ret,
                    struct mt_reasons *why);

#endif
