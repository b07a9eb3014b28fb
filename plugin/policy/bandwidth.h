/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the strategy's demand to the bandwidth that is used: bounds, reservation, switchover rate. */
#ifndef MT_POLICY_BANDWIDTH_H
#define MT_POLICY_BANDWIDTH_H

#include "policy/inputs.h"

struct mt_bandwidth {
        double wanted;     /* Mbit/s on the wire, if no other migration ran */
        double need;       /* of that, to converge, and in time */
        double R;          /* Mbit/s on the wire: the class's ceil */
        double expected;   /* Mbit/s that it will really get: R, or what the path gives */
        double reserve;    /* Mbit/s guaranteed; 0: none, R fits in what is free */
        double switchover; /* Mbit/s the last copy can count on; >= R, unless the path is narrower */
        bool low_priority;
};

/* The piecewise model for technique (this host's own fit, else the thesis's), scaled to the link. Mbit/s. */
double mt_bandwidth_ideal(enum mt_technique technique, const struct mt_inputs *in);

/* Mbit/s on the wire of a migration that waits for its turn: the 1 MiB/s that libvirt can set at least. */
#define MT_TRICKLE_MBPS (8.0 * 1.048576)

/* Per cent of the link that a migration of high urgency is sure of at its destination, where that has a class for it. */
#define MT_SURE_AT_HIGH 90

/*
 * Bounds demand: at least the deadline's and the smallest bandwidth, and D/lambda_high for a strategy that keeps lambda; at
 * most the urgency's share of the ideal, what the SLA and the ledger leave and, at low urgency, what nobody uses now. The
 * share alone bends: up to the ideal where lambda_high asks for it, since a migration that does not converge helps nobody.
 * Each bound that acted is named in why.
 */
struct mt_bandwidth mt_bandwidth_bound(double demand, const struct mt_way *way, const struct mt_inputs *in,
                                       struct mt_reasons *why);

/* R Mbit/s as they are, within no bound: for the ways that are not taken. */
struct mt_bandwidth mt_bandwidth_fixed(double R, const struct mt_inputs *in);

/*
 * Which of those bounds keeps this way from R Mbit/s; MT_BAR_NONE: none. One of MT_BAR_CALLER to MT_BAR_LAMBDA, the strictest
 * first: the caller's limit, the others' shares, then what the floor may break, then what makes it too slow.
 */
enum mt_bar mt_bandwidth_bar(double R, const struct mt_way *way, const struct mt_inputs *in);

#endif
