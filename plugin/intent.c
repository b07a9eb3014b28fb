/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "intent.h"
#include "cleanup.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const mode_words[] = { "enforce", "observe", "off" };
static const char *const strategy_words[] = { "lambda-range",  "delta-increment", "min-bandwidth",
                                              "max-bandwidth", "clark",           "cost-aware" };
static const char *const technique_words[] = { "traffic-aware", "predicted", "pre-copy", "post-copy", "hybrid" };
static const char *const permission_words[] = { "never", "permitted", "add" };
static const char *const switch_words[] = { "auto", "immediate", "first-pass" };
static const char *const cost_bandwidth_words[] = { "stepwise", "fixed" };
static const char *const no_convergence_words[] = { "continue", "exceed", "abort" };

static const char *word_name(const char *const *words, size_t n, unsigned value)
{
        return value < n ? words[value] : "?";
}

/* The index of text among words, or -EINVAL. */
static int word_index(const char *const *words, size_t n, const char *text)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(words[i], text) == 0)
                        return (int)i;
        return -EINVAL;
}

/* Defines mt_WHAT_name and mt_WHAT_parse for an enum whose values count from 0 in the order of words. */
#define MT_WORDS(what, type, words)                                                                                         \
        const char *mt_##what##_name(type value)                                                                            \
        {                                                                                                                   \
                return word_name(words, MT_ARRAY_SIZE(words), (unsigned)value);                                             \
        }                                                                                                                   \
        int mt_##what##_parse(const char *text, type *ret)                                                                  \
        {                                                                                                                   \
                int i = word_index(words, MT_ARRAY_SIZE(words), text);                                                      \
                                                                                                                            \
                if (i < 0)                                                                                                  \
                        return i;                                                                                           \
                *ret = (type)i;                                                                                             \
                return 0;                                                                                                   \
        }

MT_WORDS(mode, enum mt_mode, mode_words)
MT_WORDS(strategy, enum mt_strategy, strategy_words)
MT_WORDS(technique_choice, enum mt_technique_choice, technique_words)
MT_WORDS(permission, enum mt_permission, permission_words)
MT_WORDS(post_copy_switch, enum mt_post_copy_switch, switch_words)
MT_WORDS(no_convergence, enum mt_no_convergence, no_convergence_words)
MT_WORDS(cost_bandwidth, enum mt_cost_bandwidth, cost_bandwidth_words)

void mt_intent_defaults(struct mt_intent *ret_intent)
{
        /* memset first: rules and records compare and copy whole structs, padding included */
        (void)memset(ret_intent, 0, sizeof(*ret_intent));
        ret_intent->mode = MT_MODE_ENFORCE;
        ret_intent->strategy = MT_LAMBDA_RANGE;
        ret_intent->technique = MT_CHOOSE_TRAFFIC_AWARE;
        ret_intent->urgency = MT_URGENCY_MEDIUM;
        ret_intent->max_downtime_ms = 300;
        ret_intent->max_iterations = 20;
        ret_intent->deadline_ms_per_gib[MT_URGENCY_HIGH] = MT_AUTO;
        ret_intent->deadline_ms_per_gib[MT_URGENCY_MEDIUM] = 60000;
        ret_intent->deadline_ms_per_gib[MT_URGENCY_LOW] = 240000;
        ret_intent->min_bandwidth_bytes_s = 8 * MT_MIB;
        ret_intent->post_copy = MT_PERMITTED;
        ret_intent->post_copy_switch = MT_SWITCH_AUTO;
        ret_intent->auto_converge = MT_PERMITTED;
        ret_intent->parallel = MT_PERMITTED;
        ret_intent->compression = MT_PERMITTED;
        ret_intent->on_no_convergence = MT_CONTINUE;
        ret_intent->exceed_downtime_ms = 2000;
        ret_intent->inter_iteration_delay_ms = MT_AUTO;
        ret_intent->reconfiguration_time_ms = MT_AUTO;
        ret_intent->lambda_low = 0.1;
        ret_intent->lambda_high = 0.4;
        ret_intent->dirty_low_bytes_s = MT_AUTO;
        ret_intent->dirty_high_bytes_s = MT_AUTO;
        ret_intent->alpha_floor = 0.002;
        ret_intent->max_network_utilisation = 1.0;
        ret_intent->sla_lower_bytes_s = 0;
        ret_intent->sla_upper_bytes_s = 0;
        ret_intent->idle_below_bytes_s = UINT64_C(1250000); /* 10Mbit */
        ret_intent->direction_factor = 1.2;
        ret_intent->clark_initial_bytes_s = UINT64_C(12500000); /* 100Mbit */
        ret_intent->clark_addition_bytes_s = UINT64_C(6250000); /* 50Mbit */
        ret_intent->clark_maximum_bytes_s = MT_AUTO;
        ret_intent->cost_bandwidth = MT_COST_STEPWISE;
        ret_intent->cost_function = MT_CALM_EXP;
        ret_intent->cost_scale_bytes_s = MT_AUTO;
        (void)snprintf(ret_intent->from, sizeof(ret_intent->from), "default");
}
