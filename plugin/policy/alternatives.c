/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A table of what the plan was chosen from: each technique at each of four bandwidths (the plan's own, what nobody uses now,
 * the whole link, the least that is wanted), and pre-copy as the other strategies would have it. All are predicted by what
 * predicts the plan. None is left out because it may not be had: it is marked with what bars it, by the same bounds that
 * made the plan's R, so that an operator sees which wish or rule a faster or gentler way would cost. The verdict then
 * compares the plan with those that nothing bars. It does not claim that the plan was chosen by that comparison: the
 * technique comes from the traffic's rules and R from the strategy, unless technique = "predicted" is configured.
 */
#include "policy/alternatives.h"
#include "array.h"
#include "policy/flags.h"
#include "policy/option.h"
#include "policy/predict.h"
#include "policy/technique.h"
#include "reason.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define ALIKE 0.005 /* bandwidths that differ by less than this share are one */

#define MOST_BANDWIDTHS 4
#define NEVER UINT_MAX

/* What all of it is worked out from. */
struct table {
        const struct mt_facts *facts;
        const struct mt_intent *intent;
        struct mt_inputs in;
        struct mt_plan *plan;
};

void mt_alternatives_none(struct mt_plan *plan)
{
        plan->n_alternatives = 0;
        (void)memset(plan->alternatives, 0, sizeof(plan->alternatives)); /* plans are compared whole in tests */
        (void)memset(&plan->tenants, 0, sizeof(plan->tenants));
        (void)memset(plan->bars, 0, sizeof(plan->bars));
        (void)memset(plan->verdict, 0, sizeof(plan->verdict));
}

/* What bars a technique, whatever its bandwidth. */
static enum mt_bar technique_bar(enum mt_technique technique, const struct table *t, const char **ret_obstacle)
{
        *ret_obstacle = NULL;
        if (technique == t->plan->technique)
                return MT_BAR_NONE;
        if (technique != MT_PRE_COPY && mt_flags_post_copy(t->facts, t->intent, ret_obstacle) != MT_CALLER_YES)
                return MT_BAR_POST_COPY;
        return mt_technique_is_ours(t->intent) ? MT_BAR_NONE : MT_BAR_TECHNIQUE;
}

/* In words, once. */
static void name_bar(struct table *t, enum mt_bar bar, const char *obstacle)
{
        const struct mt_intent *intent = t->intent;
        const char *urgency = mt_urgency_name(intent->urgency);
        char *text = t->plan->bars[bar];

#define SAY(...) mt_sentence(text, MT_BAR_SIZE, __VA_ARGS__)
        if (text[0] != '\0')
                return;
        switch (bar) {
        case MT_BAR_NONE:
                break;
        case MT_BAR_TECHNIQUE:
                SAY("technique = \"%s\"", mt_technique_choice_name(intent->technique));
                break;
        case MT_BAR_POST_COPY:
                SAY("no post-copy: %s", obstacle);
                break;
        case MT_BAR_STRATEGY:
                SAY("strategy = \"%s\"", mt_strategy_name(intent->strategy));
                break;
        case MT_BAR_CALLER:
                SAY("more than the caller's own limit, %.1f Mbit/s", t->in.caller_limit);
                break;
        case MT_BAR_TURN:
                SAY("other migrations go first");
                break;
        case MT_BAR_SHARE:
                SAY("more than its share beside the other migrations, %.1f Mbit/s", t->in.granted);
                break;
        case MT_BAR_LOW_URGENCY:
                SAY("low urgency takes nothing that others use now");
                break;
        case MT_BAR_SLA:
                SAY("more than sla.%s leaves to %s urgency", intent->urgency == MT_URGENCY_LOW ? "upper" : "lower", urgency);
                break;
        case MT_BAR_URGENCY:
                SAY("more than %s urgency's share of the ideal bandwidth", urgency);
                break;
        case MT_BAR_TOO_SLOW:
                if (t->in.deadline_bandwidth > 0.0)
                        SAY("less than the deadline or min_bandwidth needs, %.1f Mbit/s",
                            fmax(t->in.deadline_bandwidth, t->in.min_bandwidth));
                else
                        SAY("less than deadline = \"auto\" gives %s urgency, its share of the ideal", urgency);
                break;
        case MT_BAR_LAMBDA:
                SAY("lambda would lie above lambda.high, %.4g", intent->lambda_high);
                break;
        }
#undef SAY
}

/* What a way takes from others, as far as their traffic is known. */
static struct mt_tenants taken_from(const struct table *t, const struct mt_way *way, const struct mt_option *option,
                                    const struct mt_prediction *prediction)
{
        struct mt_tenants tenants = mt_predict_tenants(way, option->switch_after, &t->in, &option->bandwidth, prediction);

        tenants.known = t->facts->src.known || t->facts->dst.known;
        return tenants;
}

static void add(struct table *t, const struct mt_way *way, const char *what, enum mt_bar bar, const char *obstacle,
                const struct mt_option *option)
{
        struct mt_alternative *one;

        if (t->plan->n_alternatives == MT_MAX_ALTERNATIVES)
                return;
        name_bar(t, bar, obstacle);
        one = &t->plan->alternatives[t->plan->n_alternatives++];
        mt_sentence(one->name, sizeof(one->name), "%s, %s", mt_technique_name(way->technique), what);
        one->technique = way->technique;
        one->bar = bar;
        one->bandwidth_bytes_s = mt_bytes_s(option->bandwidth.R);
        one->prediction = option->prediction;
        one->tenants = taken_from(t, way, option, &option->prediction);
}

struct bandwidth {
        const char *name;
        double R;
};

/* The columns: those that are there and differ. Returns how many. */
static size_t bandwidths(const struct table *t, struct bandwidth *ret)
{
        const struct mt_inputs *in = &t->in;
        const double usable = in->link * MT_USABLE;
        const struct bandwidth all[MOST_BANDWIDTHS] = {
                { "as planned", mt_mbps(t->plan->bandwidth_bytes_s) },
                { "what is free", fmin(in->available, in->free) },
                { "whole link", usable },
                { "floor", fmin(fmax(in->min_bandwidth, in->deadline_bandwidth), usable) },
        };
        size_t n = 0;

        for (size_t i = 0; i < MT_ARRAY_SIZE(all); i++) {
                bool is_new = all[i].R >= MT_TRICKLE_MBPS || i == 0;

                for (size_t k = 0; k < n; k++)
                        if (fabs(ret[k].R - all[i].R) <= ALIKE * ret[k].R)
                                is_new = false;
                if (is_new)
                        ret[n++] = all[i];
        }
        return n;
}

/*
 * A technique at all bandwidths, but for the plan itself. switched: after how many rounds the first technique that switches
 * does so at each bandwidth; another one that switches no later and no sooner is the same, and left out.
 */
static void add_technique(struct table *t, enum mt_technique technique, const struct bandwidth *bandwidth, size_t n,
                          unsigned *switched)
{
        const struct mt_way fixed = { technique, MT_MAX_BANDWIDTH }; /* as mt_option_at has it */
        const struct mt_way own = { technique, t->plan->strategy };  /* whose bounds count */
        const char *obstacle;
        enum mt_bar bar = technique_bar(technique, t, &obstacle);

        for (size_t i = 0; i < n; i++) {
                const struct mt_option option = mt_option_at(bandwidth[i].R, technique, t->facts, t->intent, &t->in);
                bool is_plan = i == 0 && technique == t->plan->technique;
                unsigned after = is_plan ? t->plan->switch_iteration - 1 : option.switch_after;

                if (technique != MT_PRE_COPY && switched[i] == after)
                        continue;
                if (technique != MT_PRE_COPY && switched[i] == NEVER)
                        switched[i] = after;
                if (!is_plan)
                        add(t, &fixed, bandwidth[i].name,
                            bar != MT_BAR_NONE ? bar : mt_bandwidth_bar(bandwidth[i].R, &own, &t->in), obstacle, &option);
        }
}

/* The plan's own technique first. */
static void add_techniques(struct table *t)
{
        static const enum mt_technique techniques[] = { MT_PRE_COPY, MT_POST_COPY, MT_HYBRID };
        unsigned switched[MOST_BANDWIDTHS] = { NEVER, NEVER, NEVER, NEVER };
        struct bandwidth bandwidth[MOST_BANDWIDTHS];
        size_t n = bandwidths(t, bandwidth);

        add_technique(t, t->plan->technique, bandwidth, n, switched);
        for (size_t i = 0; i < MT_ARRAY_SIZE(techniques); i++)
                if (techniques[i] != t->plan->technique)
                        add_technique(t, techniques[i], bandwidth, n, switched);
}

/* Those that give one bandwidth for D: what they give, others would give as well. */
static void add_strategies(struct table *t)
{
        static const enum mt_strategy strategies[] = { MT_LAMBDA_RANGE, MT_MAX_BANDWIDTH, MT_MIN_BANDWIDTH,
                                                       MT_DELTA_INCREMENT };

        for (size_t i = 0; i < MT_ARRAY_SIZE(strategies); i++) {
                const struct mt_way way = { MT_PRE_COPY, strategies[i] };
                struct mt_option option;

                if (strategies[i] == t->plan->strategy)
                        continue;
                option = mt_option_by_strategy(&way, t->facts, t->intent, &t->in, /* why= */ NULL);
                add(t, &way, mt_strategy_name(strategies[i]), MT_BAR_STRATEGY, NULL, &option);
        }
}

/* What the plan itself takes, worked out as it was. */
static void weigh_plan(struct table *t)
{
        const struct mt_way way = { t->plan->technique, t->plan->strategy };
        const struct mt_option option = mt_option_by_strategy(&way, t->facts, t->intent, &t->in, /* why= */ NULL);

        t->plan->tenants = taken_from(t, &way, &option, &t->plan->prediction);
}

/* How the technique and the bandwidth were found. */
static const char *chosen_by(const struct table *t)
{
        switch (t->intent->technique) {
        case MT_CHOOSE_TRAFFIC_AWARE:
                return "by the traffic's direction and what is permitted";
        case MT_CHOOSE_PREDICTED:
                return "as the best predicted that is permitted";
        case MT_CHOOSE_PRE_COPY:
        case MT_CHOOSE_POST_COPY:
        case MT_CHOOSE_HYBRID:
                break;
        }
        return "as configured and permitted";
}

static bool holds(const struct mt_prediction *prediction, const struct table *t)
{
        return prediction->downtime_ms <= t->intent->max_downtime_ms;
}

/* The fastest that holds max_downtime; barred: among those that something bars. NULL: there is none. */
static const struct mt_alternative *fastest(const struct table *t, bool barred)
{
        const struct mt_alternative *best = NULL;

        for (unsigned i = 0; i < t->plan->n_alternatives; i++) {
                const struct mt_alternative *one = &t->plan->alternatives[i];

                if ((one->bar != MT_BAR_NONE) == barred && holds(&one->prediction, t) &&
                    (best == NULL || one->prediction.total_ms < best->prediction.total_ms))
                        best = one;
        }
        return best;
}

/* What the faster one costs more. */
static void price(char *text, size_t size, const struct mt_alternative *other, const struct mt_plan *plan)
{
        if (other->tenants.known && other->tenants.bytes > plan->tenants.bytes)
                mt_sentence(text, size, "but would take up to %.1f Mbit/s from others for %.1f s",
                            mt_mbps(other->tenants.peak_bytes_s), mt_seconds(other->tenants.ms));
        else if (other->bandwidth_bytes_s > plan->bandwidth_bytes_s)
                mt_sentence(text, size, "at %.1f Mbit/s", mt_mbps(other->bandwidth_bytes_s));
        else
                mt_sentence(text, size, "with a blackout of %.0f ms instead of %.0f", (double)other->prediction.downtime_ms,
                            (double)plan->prediction.downtime_ms);
}

/* How the plan compares: at most one other way is named. */
static void compare(const struct table *t, char *text, size_t size)
{
        const struct mt_plan *plan = t->plan;
        const struct mt_alternative *free = fastest(t, false), *barred = fastest(t, true);
        char cost[96];

        if (holds(&plan->prediction, t) && (free == NULL || free->prediction.total_ms >= plan->prediction.total_ms)) {
                mt_sentence(text, size, "nothing that is permitted and holds max_downtime is faster");
        } else if (holds(&plan->prediction, t)) {
                price(cost, sizeof(cost), free, plan);
                mt_sentence(text, size, "%s would be faster (%.1f s instead of %.1f) %s", free->name,
                            mt_seconds(free->prediction.total_ms), mt_seconds(plan->prediction.total_ms), cost);
        } else if (free != NULL) {
                mt_sentence(text, size, "it does not hold max_downtime; %s would, in %.1f s", free->name,
                            mt_seconds(free->prediction.total_ms));
        } else if (barred != NULL) {
                mt_sentence(text, size, "nothing that is permitted holds max_downtime; %s would, but: %s", barred->name,
                            plan->bars[barred->bar]);
        } else {
                mt_sentence(text, size, "no way that was looked at holds max_downtime");
        }
}

static void judge(struct table *t)
{
        struct mt_plan *plan = t->plan;
        char comparison[208];

        compare(t, comparison, sizeof(comparison));
        mt_sentence(plan->verdict, sizeof(plan->verdict), "%s %s, %.1f Mbit/s by %s within its bounds; %s",
                    mt_technique_name(plan->technique), chosen_by(t), mt_mbps(plan->bandwidth_bytes_s),
                    mt_strategy_name(plan->strategy), comparison);
}

void mt_alternatives(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *plan)
{
        struct table t = { .facts = facts, .intent = intent, .plan = plan };

        mt_alternatives_none(plan);
        mt_inputs_make(facts, intent, &t.in, /* why= */ NULL);
        weigh_plan(&t);
        add_techniques(&t);
        add_strategies(&t);
        judge(&t);
}
