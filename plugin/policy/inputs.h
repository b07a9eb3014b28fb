/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_inputs: facts and intent in the models' units, with every "auto" resolved. Made once for each decision and
 * passed down, so that no other file of policy/ converts units.
 */
#ifndef MT_POLICY_INPUTS_H
#define MT_POLICY_INPUTS_H

#include "facts.h"
#include "intent.h"
#include "plan.h"

#include <stdbool.h>

/*
 * Share of a shaped rate that is QEMU's payload: tc counts Ethernet frames of 1514 bytes, of which 1448 are TCP payload
 * at an MTU of 1500 with time stamps.
 */
#define MT_PAYLOAD (1448.0 / 1514.0)

/* Share of a link that can be given away: frames of 1514 bytes, as tc counts them, take 1538 bytes of the wire. */
#define MT_USABLE (1514.0 / 1538.0)

/* Rate assumed where the link's is unknown; only predictions and shares use it, nothing is shaped then. */
#define MT_UNKNOWN_LINK_MBPS 1000.0

struct mt_inputs {
        double memory, resident; /* Mbit */
        double D;                /* Mbit/s */
        double link;             /* Mbit/s; MT_UNKNOWN_LINK_MBPS if not known */
        bool link_known;
        double path;      /* Mbit/s that the way to the destination was seen to give; 0: not seen to be narrow */
        double free;      /* Mbit/s of the link that other running migrations have not taken */
        double available; /* Mbit/s that nobody uses now: min(link - src out, link - dst in), >= 0 */
        double src_in, src_out, dst_in, dst_out, vm_in, vm_out;
        double tau, tg; /* s */
        double limit;   /* s, max_downtime */
        double DL, DH, lL, lH;
        double sla_lower, sla_upper;
        double min_bandwidth;
        double deadline_bandwidth; /* Mbit/s that moves the memory within its deadline; 0: none (auto) */
        unsigned max_iterations;
        enum mt_urgency urgency;
};

/* Built-in values for "auto". */
#define MT_DEFAULT_DL_MBPS 0.1
#define MT_DEFAULT_DH_MBPS 500.0

void mt_inputs_make(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_inputs *ret,
                    struct mt_reasons *why);

#endif
