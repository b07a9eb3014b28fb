/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config_keys.h"
#include "cleanup.h"
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MBIT_S UINT64_C(125000)                /* 1 Mbit/s in bytes/s */
#define MAX_RATE (UINT64_C(10000000) * MBIT_S) /* 10 Tbit/s */
#define SECOND UINT64_C(1000)
#define DAY (UINT64_C(86400) * SECOND)
#define MAX_DOWNTIME UINT64_C(2000000) /* QEMU's own bound on downtime-limit, ms */

/* Enums are read and written through unsigned. */
_Static_assert(sizeof(enum mt_mode) == sizeof(unsigned) && sizeof(enum mt_urgency) == sizeof(unsigned) &&
                       sizeof(enum mt_strategy) == sizeof(unsigned) && sizeof(enum mt_permission) == sizeof(unsigned),
               "enums are as wide as unsigned");
_Static_assert(sizeof(enum mt_models_choice) == sizeof(unsigned) && sizeof(enum mt_caller_limits) == sizeof(unsigned) &&
                       sizeof(enum mt_resume_choice) == sizeof(unsigned),
               "so are the configuration's own");

#define WORD_OF(what, type)                                                                                                 \
        static const char *what##_word(unsigned i)                                                                          \
        {                                                                                                                   \
                return mt_##what##_name((enum type)i);                                                                      \
        }
WORD_OF(mode, mt_mode)
WORD_OF(strategy, mt_strategy)
WORD_OF(technique_choice, mt_technique_choice)
WORD_OF(urgency, mt_urgency)
WORD_OF(permission, mt_permission)
WORD_OF(post_copy_switch, mt_post_copy_switch)
WORD_OF(no_convergence, mt_no_convergence)
WORD_OF(models_choice, mt_models_choice)
WORD_OF(caller_limits, mt_caller_limits)
WORD_OF(resume_choice, mt_resume_choice)
WORD_OF(cost_bandwidth, mt_cost_bandwidth)
WORD_OF(calm_cost_function, mt_calm_cost_function)

#define INTENT(file_path, name, field) .path = (file_path), .intent = (name), AT_INTENT(field)
#define AT_INTENT(field) .offset = offsetof(struct mt_intent, field), .size = sizeof(((struct mt_intent *)NULL)->field)
#define CONFIG(file_path, field)                                                                                            \
        .path = (file_path), .offset = offsetof(struct mt_config, field), .size = sizeof(((struct mt_config *)NULL)->field)
#define WORDS(n, fn) .kind = MT_KEY_WORD, .n_words = (n), .word = (fn)
#define RATE(least) .kind = MT_KEY_RATE, .min = (least), .max = MAX_RATE
#define TIME(least, most) .kind = MT_KEY_TIME, .min = (least), .max = (most)
#define COUNT(least, most) .kind = MT_KEY_COUNT, .min = (least), .max = (most)
#define FLOAT(least, most) .kind = MT_KEY_FLOAT, .float_min = (least), .float_max = (most)
#define OR_AUTO .may_be_auto = true
#define DEADLINE TIME(SECOND, DAY), OR_AUTO
#define DELAY TIME(0, 60 * SECOND), OR_AUTO

static const struct mt_key keys[] = {
        { INTENT("mode", "mode", mode), WORDS(3, mode_word) },
        { INTENT("lambda.low", "lambda_low", lambda_low), FLOAT(0.001, 0.999) },
        { INTENT("lambda.high", "lambda_high", lambda_high), FLOAT(0.001, 0.999) },
        { INTENT("lambda.dirty_low", "dirty_low", dirty_low_bytes_s), RATE(MBIT_S / 1000), OR_AUTO },
        { INTENT("lambda.dirty_high", "dirty_high", dirty_high_bytes_s), RATE(MBIT_S / 1000), OR_AUTO },
        { INTENT("migration.strategy", "strategy", strategy), WORDS(MT_STRATEGIES, strategy_word) },
        { INTENT("migration.technique", "technique", technique), WORDS(MT_CHOOSE_HYBRID + 1, technique_choice_word) },
        { INTENT("migration.urgency", "urgency", urgency), WORDS(MT_URGENCIES, urgency_word) },
        { INTENT("migration.max_downtime", "max_downtime", max_downtime_ms), TIME(1, MAX_DOWNTIME) },
        { INTENT("migration.max_iterations", "max_iterations", max_iterations), COUNT(1, 1000) },
        { INTENT("migration.deadline", "deadline", deadline_ms_per_gib), DEADLINE },
        { INTENT("migration.deadline.high", "deadline_high", deadline_ms_per_gib[MT_URGENCY_HIGH]), DEADLINE },
        { INTENT("migration.deadline.medium", "deadline_medium", deadline_ms_per_gib[MT_URGENCY_MEDIUM]), DEADLINE },
        { INTENT("migration.deadline.low", "deadline_low", deadline_ms_per_gib[MT_URGENCY_LOW]), DEADLINE },
        { INTENT("migration.min_bandwidth", "min_bandwidth", min_bandwidth_bytes_s), RATE(MBIT_S) },
        { INTENT("migration.post_copy", "post_copy", post_copy), WORDS(MT_ADD + 1, permission_word) },
        { INTENT("migration.post_copy_switch", "post_copy_switch", post_copy_switch), WORDS(3, post_copy_switch_word) },
        { INTENT("migration.auto_converge", "auto_converge", auto_converge), WORDS(MT_ADD + 1, permission_word) },
        { INTENT("migration.parallel", "parallel", parallel), WORDS(MT_ADD + 1, permission_word) },
        { INTENT("migration.compression", "compression", compression), WORDS(MT_ADD + 1, permission_word) },
        { INTENT("migration.on_no_convergence", "on_no_convergence", on_no_convergence), WORDS(3, no_convergence_word) },
        { INTENT("migration.exceed_downtime", "exceed_downtime", exceed_downtime_ms), TIME(1, MAX_DOWNTIME) },
        { INTENT("migration.inter_iteration_delay", "inter_iteration_delay", inter_iteration_delay_ms), DELAY },
        { INTENT("migration.reconfiguration_time", "reconfiguration_time", reconfiguration_time_ms), DELAY },
        { INTENT("alpha.floor", "alpha_floor", alpha_floor), FLOAT(0.0, 0.5) },
        { INTENT("alpha.max_network_utilisation", "max_network_utilisation", max_network_utilisation), FLOAT(0.05, 1.0) },
        { INTENT("sla.lower", "sla_lower", sla_lower_bytes_s), RATE(0) },
        { INTENT("sla.upper", "sla_upper", sla_upper_bytes_s), RATE(0) },
        { INTENT("traffic.idle_below", "idle_below", idle_below_bytes_s), RATE(0) },
        { INTENT("traffic.direction_factor", "direction_factor", direction_factor), FLOAT(1.0, 100.0) },
        { INTENT("clark.initial", "clark_initial", clark_initial_bytes_s), RATE(MBIT_S) },
        { INTENT("clark.addition", "clark_addition", clark_addition_bytes_s), RATE(0) },
        { INTENT("clark.maximum", "clark_maximum", clark_maximum_bytes_s), RATE(MBIT_S), OR_AUTO },
        { INTENT("cost.bandwidth", "cost_bandwidth", cost_bandwidth), WORDS(2, cost_bandwidth_word) },
        { INTENT("cost.function", "cost_function", cost_function), WORDS(MT_CALM_TABLE + 1, calm_cost_function_word) },
        { INTENT("cost.scale", "cost_scale", cost_scale_bytes_s), RATE(MBIT_S), OR_AUTO },
        { INTENT("cost.table", "cost_table", cost_table), .kind = MT_KEY_TABLE },

        { CONFIG("link.device", link.device), .kind = MT_KEY_DEVICE },
        { CONFIG("link.rate", link.rate_bytes_s), RATE(MBIT_S), OR_AUTO },
        { CONFIG("traffic.models", traffic.models), WORDS(MT_MODELS_AUTO + 1, models_choice_word) },
        { CONFIG("tc.enable", tc.enable), .kind = MT_KEY_SWITCH },
        { CONFIG("tc.ingress", tc.ingress), .kind = MT_KEY_SWITCH },
        { CONFIG("tc.parent", tc.parent), .kind = MT_KEY_CLASS },
        { CONFIG("tc.max_link", tc.max_link_bytes_s), RATE(MBIT_S) },
        { CONFIG("measure.dirty_rate_every", measure.dirty_rate_every_ms), TIME(10 * SECOND, DAY) },
        { CONFIG("measure.traffic_every", measure.traffic_every_ms), TIME(100, 4 * SECOND) },
        { CONFIG("measure.before_start", measure.before_start_ms), TIME(0, 30 * SECOND) },
        { CONFIG("history.file", history.file), .kind = MT_KEY_PATH },
        { CONFIG("history.keep", history.keep), COUNT(1, 10000000) },
        { CONFIG("metrics.textfile", metrics.textfile), .kind = MT_KEY_PATH },
        { CONFIG("destination.uri", destination.uri), .kind = MT_KEY_URI },
        { CONFIG("destination.share_dir", destination.share_dir), .kind = MT_KEY_PATH },
        { CONFIG("destination.resume", destination.resume), WORDS(MT_RESUME_NEVER + 1, resume_choice_word) },
        { CONFIG("shim.caller_limits", shim.caller_limits), WORDS(MT_LIMITS_OVERRIDE + 1, caller_limits_word) },
        { CONFIG("shim.max_wait", shim.max_wait_ms), TIME(0, DAY) },
        { CONFIG("shim.timeout", shim.timeout_ms), TIME(100, 60 * SECOND) },
};

_Static_assert(MT_ARRAY_SIZE(keys) <= 64, "mt_rule.fields has a bit for each row");

unsigned mt_key_count(void)
{
        return (unsigned)MT_ARRAY_SIZE(keys);
}

const struct mt_key *mt_key_at(unsigned i)
{
        return &keys[i];
}

const struct mt_key *mt_key_by_path(const char *path)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(keys); i++)
                if (strcmp(keys[i].path, path) == 0)
                        return &keys[i];
        return NULL;
}

static bool same_name(const char *name, const char *given)
{
        for (; *name != '\0'; name++, given++)
                if (*given != *name && !(*name == '_' && *given == '-'))
                        return false;
        return *given == '\0';
}

const struct mt_key *mt_key_by_intent(const char *name)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(keys) && keys[i].intent != NULL; i++)
                if (same_name(keys[i].intent, name))
                        return &keys[i];
        return NULL;
}

unsigned mt_key_index(const struct mt_key *key)
{
        return (unsigned)(key - keys);
}

uint64_t mt_key_bit(const struct mt_key *key)
{
        return UINT64_C(1) << mt_key_index(key);
}

bool mt_key_is_group(const struct mt_key *key)
{
        return (key->kind == MT_KEY_RATE || key->kind == MT_KEY_TIME) && key->size > sizeof(uint64_t);
}

void mt_key_copy(const struct mt_key *key, void *to, const void *from)
{
        (void)memcpy((char *)to + key->offset, (const char *)from + key->offset, key->size);
}

/* Pairs of settings that must be in order, first < second, or first <= second where equal is allowed. */
static const struct {
        const char *first, *second;
        bool equal;
} orders[] = {
        { "lambda_low", "lambda_high", false },     { "dirty_low", "dirty_high", false },
        { "sla_lower", "sla_upper", true },         { "max_downtime", "exceed_downtime", false },
        { "clark_initial", "clark_maximum", true },
};

/* Does the pair say anything in this intent? */
static bool order_applies(const char *first, const struct mt_intent *intent)
{
        if (strcmp(first, "dirty_low") == 0)
                return intent->dirty_low_bytes_s != MT_AUTO && intent->dirty_high_bytes_s != MT_AUTO;
        if (strcmp(first, "sla_lower") == 0)
                return intent->sla_upper_bytes_s != 0;
        if (strcmp(first, "clark_initial") == 0)
                return intent->clark_maximum_bytes_s != MT_AUTO;
        if (strcmp(first, "max_downtime") == 0)
                return intent->on_no_convergence == MT_EXCEED;
        return true;
}

/* Compares the fields of two keys of the same kind: negative, 0 or positive. */
static int compare(const struct mt_key *a, const struct mt_key *b, const struct mt_intent *intent)
{
        if (a->kind == MT_KEY_FLOAT) {
                double x, y;

                (void)memcpy(&x, (const char *)intent + a->offset, sizeof(x));
                (void)memcpy(&y, (const char *)intent + b->offset, sizeof(y));
                return (x > y) - (x < y);
        } else {
                uint64_t x, y;

                (void)memcpy(&x, (const char *)intent + a->offset, sizeof(x));
                (void)memcpy(&y, (const char *)intent + b->offset, sizeof(y));
                return (x > y) - (x < y);
        }
}

int mt_intent_verify(const struct mt_intent *intent, const struct mt_key **ret_key, const struct mt_key **ret_other,
                     struct mt_err *err)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(orders); i++) {
                const struct mt_key *a = mt_key_by_intent(orders[i].first);
                const struct mt_key *b = mt_key_by_intent(orders[i].second);
                int order;

                if (!order_applies(orders[i].first, intent))
                        continue;
                order = compare(a, b, intent);
                if (order < 0 || (order == 0 && orders[i].equal))
                        continue;
                *ret_key = a;
                *ret_other = b;
                return mt_fail(err, EINVAL, "expected %s %s", orders[i].equal ? "not more than" : "less than", b->path);
        }
        if (intent->cost_function == MT_CALM_TABLE && intent->cost_table.n == 0) {
                *ret_key = mt_key_by_intent("cost_function");
                *ret_other = mt_key_by_intent("cost_table");
                return mt_fail(err, EINVAL, "expected points in %s", (*ret_other)->path);
        }
        return 0;
}
