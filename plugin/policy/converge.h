/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a pre-copy that runs will come to its end, and what to do if not. Pure. */
#ifndef MT_POLICY_CONVERGE_H
#define MT_POLICY_CONVERGE_H

#include "policy/inputs.h"

/* A round that leaves more than this part of what it began with leads nowhere. */
#define MT_STALL_SHARE 0.96

/* How the rounds to come will go. */
struct mt_outlook {
        bool converges;  /* what remains comes down to what may remain */
        unsigned rounds; /* until it does, or until another one leads nowhere */
        double seconds;  /* of those */
        double least;    /* Mbit that remain then */
};

/*
 * Predicts from a round that begins with `remaining` Mbit to send, at R Mbit/s of payload: V_(i+1) = what V_i/R + tau sees
 * dirtied (the WAN paper's recursion, Eqs (1) and (3), from here on). enough: Mbit that may remain. R > 0.
 */
struct mt_outlook mt_outlook(double remaining, double enough, double R, const struct mt_inputs *in);

/* What can be done about one that does not converge, or not in time; the best that is permitted. */
enum mt_remedy {
        MT_REMEDY_POST_COPY, /* ask libvirt to switch */
        MT_REMEDY_THROTTLE,  /* QEMU's auto-converge slows the guest down already: wait for that */
        MT_REMEDY_EXCEED,    /* stop for longer than max_downtime, up to exceed_downtime */
        MT_REMEDY_WAIT,      /* that would take longer still: for a moment with less to send, while it is not late */
        MT_REMEDY_CONTINUE,  /* go on, and say so */
        MT_REMEDY_ABORT,
};

/* "post-copy" "auto-converge" "exceed" "exceed, later" "continue" "abort". */
const char *mt_remedy_name(enum mt_remedy remedy);

/* What a remedy depends on, beside facts and intent. */
struct mt_stall {
        double needed_ms; /* that a stop now would take */
        bool local_least; /* there has been no better moment lately */
        bool throttling;  /* QEMU slows the guest down, and can do more of it */
        bool late;        /* its deadline is past, or max_iterations are done */
};

enum mt_remedy mt_remedy_choose(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_stall *stall);

#endif
