/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pre-copy as it will go: round by round, with the bandwidth and the dirtied memory of each. */
#ifndef MT_POLICY_COPY_H
#define MT_POLICY_COPY_H

#include "policy/bandwidth.h"
#include "policy/inputs.h"

struct mt_copy {
        unsigned rounds; /* done */
        double to_send;  /* Mbit that the next round, or the stop, has to send */
        double seconds;  /* of all rounds, tau included */
        double sent;     /* Mbit */
};

/*
 * Rounds from the beginning until at most `enough` Mbit remain, at least one and at most most_rounds: T_i = V_i/R_i +
 * tau, V_(i+1) = what T_i saw dirtied, at most all that was ever touched (the WAN paper's recursion, Eqs (1) and (3), with a
 * bandwidth of each round's own where the strategy gives one). Where the bandwidth follows what is clean, a round is taken in
 * steps, and what is clean grows and decays as CALM has it. bandwidth: the one of now, for strategies with one for all rounds.
 */
struct mt_copy mt_copy_until(double enough, unsigned most_rounds, const struct mt_way *way, const struct mt_inputs *in,
                             const struct mt_bandwidth *bandwidth);

/* Mbit that t seconds see dirtied. */
double mt_copy_dirtied(const struct mt_inputs *in, double t);

#endif
