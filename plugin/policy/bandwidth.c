/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/bandwidth.h"
#include "policy/strategy.h"
#include "reason.h"

#include <math.h>

#define TESTBED_MBPS 1000.0
#define TOLERANCE_MBPS 0.05 /* as much as is shown */

/* Thesis algorithm 2: the part of the ideal bandwidth that an urgency may have. */
static const double urgency_share[] = {
        [MT_URGENCY_HIGH] = 1.0,
        [MT_URGENCY_MEDIUM] = 0.75,
        [MT_URGENCY_LOW] = 0.5,
};

/* *ret_migrations: what this host's own fit rests on; 0: the thesis's model. */
static double ideal_and_basis(enum mt_technique technique, const struct mt_inputs *in, unsigned *ret_migrations)
{
        double scale = in->link / TESTBED_MBPS;
        double vm_in = fmin(in->vm_in / scale, TESTBED_MBPS); /* the models hold for 0..1000 Mbit/s */
        double vm_out = fmin(in->vm_out / scale, TESTBED_MBPS);

        return mt_traffic_ideal_bw_by(in->models, technique, vm_in, vm_out, ret_migrations) * scale;
}

double mt_bandwidth_ideal(enum mt_technique technique, const struct mt_inputs *in)
{
        return ideal_and_basis(technique, in, NULL);
}

static void explain_ideal(double ideal, unsigned migrations, enum mt_technique technique, const struct mt_inputs *in,
                          struct mt_reasons *why)
{
        const char *assumed = in->link_known ? "" : " (assumed: its speed is not known)";

        if (migrations == 0)
                mt_reason(why, "ideal for %s on a %.0f Mbit/s link%s: %.1f Mbit/s; available now: %.1f Mbit/s",
                          mt_technique_name(technique), in->link, assumed, ideal, in->available);
        else
                mt_reason(why,
                          "ideal for %s on a %.0f Mbit/s link%s: %.1f Mbit/s (this host's own fit of %u migrations); "
                          "available "
                          "now: %.1f Mbit/s",
                          mt_technique_name(technique), in->link, assumed, ideal, migrations, in->available);
}

/* Raises *R to at least bound; says so. */
static void at_least(double *R, double bound, const char *name, struct mt_reasons *why)
{
        if (*R >= bound)
                return;
        mt_reason(why, "bound: at least %s, %.1f Mbit/s (was %.1f)", name, bound, *R);
        *R = bound;
}

static void at_most(double *R, double bound, const char *name, struct mt_reasons *why)
{
        if (*R <= bound)
                return;
        mt_reason(why, "bound: at most %s, %.1f Mbit/s (was %.1f)", name, bound, *R);
        *R = bound;
}

static double lower_bounds(double R, double share, bool keeps_lambda, const struct mt_inputs *in, struct mt_reasons *why)
{
        if (keeps_lambda)
                at_least(&R, in->D / in->lH, "D/lambda.high", why);
        if (in->deadline_bandwidth > 0.0)
                at_least(&R, in->deadline_bandwidth, "what the deadline needs", why);
        else
                at_least(&R, share, "the share of the ideal (deadline auto)", why);
        at_least(&R, in->min_bandwidth, "min_bandwidth", why);
        return R;
}

/* High urgency may go below sla.lower for what it needs, not for what it merely wants. */
static double sla_bound(const struct mt_inputs *in)
{
        double carries = in->link * MT_USABLE;

        switch (in->urgency) {
        case MT_URGENCY_MEDIUM:
                return fmax(carries - in->sla_lower, 0.0);
        case MT_URGENCY_LOW:
                return fmax(carries - in->sla_upper, 0.0);
        case MT_URGENCY_HIGH:
                break;
        }
        return fmax(carries - in->sla_lower, fmax(in->D / in->lH, fmax(in->min_bandwidth, in->deadline_bandwidth)));
}

/* The share bends as far as converging asks for it, up to the ideal. */
static double converging(double ideal, const struct mt_inputs *in)
{
        return fmin(in->D / in->lH, ideal);
}

static double upper_bounds(double R, double share, double ideal, const struct mt_inputs *in, struct mt_reasons *why)
{
        double converge = converging(ideal, in);
        double floor = fmax(in->min_bandwidth, in->deadline_bandwidth);

        if (converge > share && R > share) {
                mt_reason(why,
                          "the %s share of the ideal, %.1f Mbit/s, would leave lambda above lambda.high: up to %.1f Mbit/s",
                          mt_urgency_name(in->urgency), share, converge);
                share = converge;
        }
        at_most(&R, share, "the urgency's share of the ideal bandwidth", why);
        at_most(&R, sla_bound(in), "what the SLA leaves", why);
        at_most(&R, in->link * MT_USABLE, "what the link carries", why);
        if (in->urgency == MT_URGENCY_LOW)
                at_most(&R, fmax(in->available, floor),
                        in->available >= floor ? "what nobody uses now (low urgency)"
                                               : "the floor, since others use the link (low urgency)",
                        why);
        R = fmax(R, fmin(in->min_bandwidth, in->link)); /* a migration that is running must move */
        if (in->caller_limit > 0.0)
                at_most(&R, in->caller_limit, "the caller's own limit", why);
        return R;
}

/* What of it is needed, whatever others do. */
static double need(double wanted, bool keeps_lambda, const struct mt_inputs *in)
{
        double rate = fmax(in->min_bandwidth, in->deadline_bandwidth);

        return fmin(wanted, keeps_lambda ? fmax(rate, in->D / in->lH) : rate);
}

/* What it has beside the other migrations. */
static double shared(double wanted, const struct mt_inputs *in, struct mt_reasons *why)
{
        double R = wanted;

        if (in->waits_turn)
                at_most(&R, MT_TRICKLE_MBPS, "a trickle, since others go first", why);
        else
                at_most(&R, fmax(in->granted, in->min_bandwidth), "its share beside the other migrations", why);
        return R;
}

static double switchover_rate(double R, const struct mt_inputs *in)
{
        double rate = in->link;

        if (!in->link_known)
                return R;
        if (in->urgency == MT_URGENCY_LOW)
                rate = in->available;
        else if (in->urgency == MT_URGENCY_MEDIUM)
                rate = in->link - in->sla_lower;
        return fmax(fmin(rate, in->free), R);
}

/*
 * Mbit/s that get through to the destination, where its other traffic is known: what that leaves, or what the destination's own
 * class of the migration is sure of (steer/incoming.c). What is reserved here does not help there.
 */
static double arriving(const struct mt_inputs *in)
{
        double sure = in->urgency == MT_URGENCY_HIGH ? in->link * MT_SURE_AT_HIGH / 100.0
                                                     : fmax(in->min_bandwidth, in->deadline_bandwidth);

        return in->dst_in > 0.0 ? fmax(in->link * MT_USABLE - in->dst_in, sure) : (double)INFINITY;
}

static void bound_by_arrival(struct mt_bandwidth *bandwidth, const struct mt_inputs *in, struct mt_reasons *why)
{
        double most = arriving(in);

        if (most < bandwidth->expected)
                mt_reason(why, "the destination's other traffic leaves %.1f Mbit/s: the copy counts on that", most);
        bandwidth->expected = fmin(bandwidth->expected, most);
        bandwidth->switchover = fmin(bandwidth->switchover, fmax(most, bandwidth->expected));
}

/* What follows from R, for the connection, the last copy and the others. */
static void expect(struct mt_bandwidth *bandwidth, const struct mt_inputs *in, struct mt_reasons *why)
{
        double R = bandwidth->R;

        bandwidth->low_priority = in->urgency == MT_URGENCY_LOW;
        bandwidth->expected = R;
        bandwidth->switchover = switchover_rate(R, in);
        if (in->path > 0.0 && in->path < R) {
                mt_reason(why,
                          "the path gives only %.1f Mbit/s (the destination, or the network between): the last copy counts "
                          "on that",
                          in->path);
                bandwidth->expected = bandwidth->switchover = in->path;
        } else {
                bound_by_arrival(bandwidth, in, why);
        }
        if (R > in->available + TOLERANCE_MBPS) {
                bandwidth->reserve = R;
                mt_reason(why, "reserve %.1f Mbit/s: more than the %.1f available (%s urgency)", R, in->available,
                          mt_urgency_name(in->urgency));
        } else {
                mt_reason(why, "no reservation: %.1f Mbit/s fit in the %.1f available", R, in->available);
        }
}

struct mt_bandwidth mt_bandwidth_bound(double demand, const struct mt_way *way, const struct mt_inputs *in,
                                       struct mt_reasons *why)
{
        bool keeps_lambda = mt_strategy_keeps_lambda(way->strategy);
        unsigned migrations;
        double ideal = ideal_and_basis(way->technique, in, &migrations);
        double share = urgency_share[in->urgency] * ideal;
        struct mt_bandwidth result = { .reserve = 0.0 };

        explain_ideal(ideal, migrations, way->technique, in, why);
        result.wanted = lower_bounds(demand, share, keeps_lambda, in, why);
        result.wanted = upper_bounds(result.wanted, share, ideal, in, why);
        result.need = need(result.wanted, keeps_lambda, in);
        result.R = shared(result.wanted, in, why);
        expect(&result, in, why);
        return result;
}

struct mt_bandwidth mt_bandwidth_fixed(double R, const struct mt_inputs *in)
{
        struct mt_bandwidth result = { .wanted = R, .need = R, .R = R };

        expect(&result, in, /* why= */ NULL);
        return result;
}

/* The bounds that min_bandwidth may break. */
static enum mt_bar soft_bar(double R, double share, double ideal, const struct mt_inputs *in)
{
        if (R <= in->min_bandwidth + TOLERANCE_MBPS)
                return MT_BAR_NONE;
        if (in->urgency == MT_URGENCY_LOW &&
            R > fmax(in->available, fmax(in->min_bandwidth, in->deadline_bandwidth)) + TOLERANCE_MBPS)
                return MT_BAR_LOW_URGENCY;
        if (R > sla_bound(in) + TOLERANCE_MBPS)
                return MT_BAR_SLA;
        return R > fmax(share, converging(ideal, in)) + TOLERANCE_MBPS ? MT_BAR_URGENCY : MT_BAR_NONE;
}

enum mt_bar mt_bandwidth_bar(double R, const struct mt_way *way, const struct mt_inputs *in)
{
        double ideal = ideal_and_basis(way->technique, in, NULL), share = urgency_share[in->urgency] * ideal;
        bool keeps_lambda = mt_strategy_keeps_lambda(way->strategy);
        enum mt_bar bar = soft_bar(R, share, ideal, in);
        double least;

        if (in->caller_limit > 0.0 && R > in->caller_limit + TOLERANCE_MBPS)
                return MT_BAR_CALLER;
        if (shared(R, in, /* why= */ NULL) < R - TOLERANCE_MBPS)
                return in->waits_turn ? MT_BAR_TURN : MT_BAR_SHARE;
        if (bar != MT_BAR_NONE)
                return bar;
        least = upper_bounds(lower_bounds(R, share, /* keeps_lambda= */ false, in, NULL), share, ideal, in, NULL);
        if (R < shared(least, in, NULL) - TOLERANCE_MBPS)
                return MT_BAR_TOO_SLOW;
        least = upper_bounds(lower_bounds(R, share, keeps_lambda, in, NULL), share, ideal, in, NULL);
        return R < shared(least, in, NULL) - TOLERANCE_MBPS ? MT_BAR_LAMBDA : MT_BAR_NONE;
}
