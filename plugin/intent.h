/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_intent: what the operator wants for one VM: the configuration's defaults, overridden by the first rule that
 * matches, overridden by the VM's own metadata. Plain data.
 */
#ifndef MT_INTENT_H
#define MT_INTENT_H

#include "model/calm.h"
#include "model/traffic.h"
#include "units.h"

#include <stdint.h>

enum mt_mode { MT_MODE_ENFORCE, MT_MODE_OBSERVE, MT_MODE_OFF };
/* The strategies for the demand R; policy/strategy.c has one row each. */
enum mt_strategy {
        MT_LAMBDA_RANGE,
        MT_DELTA_INCREMENT,
        MT_MIN_BANDWIDTH,
        MT_MAX_BANDWIDTH,
        MT_CLARK,      /* the dirty rate of the last round plus a constant, round by round */
        MT_COST_AWARE, /* CALM */
};
#define MT_STRATEGIES 6
enum mt_technique_choice {
        MT_CHOOSE_TRAFFIC_AWARE, /* the thesis's rules */
        MT_CHOOSE_PREDICTED,     /* the best predicted */
        MT_CHOOSE_PRE_COPY,
        MT_CHOOSE_POST_COPY,
        MT_CHOOSE_HYBRID,
};
/* Of a flag of the migration call: taken from a caller's, kept, or added where it helps. */
enum mt_permission { MT_NEVER, MT_PERMITTED, MT_ADD };
enum mt_post_copy_switch { MT_SWITCH_AUTO, MT_SWITCH_IMMEDIATE, MT_SWITCH_FIRST_PASS };
enum mt_cost_bandwidth { MT_COST_STEPWISE, MT_COST_FIXED };
enum mt_no_convergence { MT_CONTINUE, MT_EXCEED, MT_ABORT };

#define MT_URGENCIES 3

/* Where a value comes from; see origin.h. */
enum mt_origin_kind {
        MT_ORIGIN_BUILT_IN,
        MT_ORIGIN_FILE,
        MT_ORIGIN_RULE,
        MT_ORIGIN_METADATA,
        MT_ORIGIN_COMMAND_LINE,
        MT_ORIGIN_ALONE, /* nobody steers: what would need steering is not planned */
};

struct mt_origin {
        uint32_t line; /* of the file, for FILE and RULE */
        uint16_t rule; /* from 1 on, for RULE */
        uint8_t kind;  /* enum mt_origin_kind */
        uint8_t file;  /* which of the files */
};

#define MT_INTENT_KEYS 40 /* at least as many as rows of the table of keys are an intent's */

/* Zeroed: all is built in. */
struct mt_origins {
        struct mt_origin of[MT_INTENT_KEYS]; /* by row */
        char files[384];                     /* names, each with its NUL; an empty one ends them */
};

struct mt_intent {
        enum mt_mode mode;
        enum mt_strategy strategy;
        enum mt_technique_choice technique;
        enum mt_urgency urgency;
        uint64_t max_downtime_ms;
        unsigned max_iterations;
        uint64_t deadline_ms_per_gib[MT_URGENCIES]; /* by enum mt_urgency; MT_AUTO: as fast as the share allows */
        uint64_t min_bandwidth_bytes_s;
        enum mt_permission post_copy;
        enum mt_post_copy_switch post_copy_switch;
        enum mt_permission auto_converge;
        enum mt_permission parallel;    /* multifd */
        enum mt_permission compression; /* xbzrle, or zstd over multifd */
        enum mt_no_convergence on_no_convergence;
        uint64_t exceed_downtime_ms;
        uint64_t inter_iteration_delay_ms;              /* tau, or MT_AUTO */
        uint64_t reconfiguration_time_ms;               /* t_g, or MT_AUTO */
        double lambda_low, lambda_high;                 /* 0 < low < high < 1 */
        uint64_t dirty_low_bytes_s, dirty_high_bytes_s; /* or MT_AUTO */
        double alpha_floor;                             /* fraction of memory */
        double max_network_utilisation;                 /* 1.0: no limit */
        uint64_t sla_lower_bytes_s, sla_upper_bytes_s;
        uint64_t idle_below_bytes_s;
        double direction_factor;
        uint64_t clark_initial_bytes_s, clark_addition_bytes_s;
        uint64_t clark_maximum_bytes_s;           /* or MT_AUTO: what the urgency may have */
        enum mt_cost_bandwidth cost_bandwidth;    /* cost-aware: anew for each round, or one for all */
        enum mt_calm_cost_function cost_function; /* F: probability of an SLA violation at a service bandwidth */
        uint64_t cost_scale_bytes_s;              /* F's C, or MT_AUTO: a tenth of the link */
        struct mt_calm_table cost_table;          /* in Mbit/s; of MT_CALM_TABLE, n 0: none */
        char from[128];                           /* "default", "rule:1 (FILE:LINE)" or "metadata"; what decided last */
        struct mt_origins origins;
};

/* Names as in the configuration; each parser returns 0 or -EINVAL. */
const char *mt_mode_name(enum mt_mode mode);
const char *mt_strategy_name(enum mt_strategy strategy);
const char *mt_technique_choice_name(enum mt_technique_choice choice);
const char *mt_permission_name(enum mt_permission permission);
const char *mt_post_copy_switch_name(enum mt_post_copy_switch when);
const char *mt_no_convergence_name(enum mt_no_convergence action);
const char *mt_cost_bandwidth_name(enum mt_cost_bandwidth bandwidth);
int mt_mode_parse(const char *text, enum mt_mode *ret);
int mt_strategy_parse(const char *text, enum mt_strategy *ret);
int mt_technique_choice_parse(const char *text, enum mt_technique_choice *ret);
int mt_permission_parse(const char *text, enum mt_permission *ret);
int mt_post_copy_switch_parse(const char *text, enum mt_post_copy_switch *ret);
int mt_no_convergence_parse(const char *text, enum mt_no_convergence *ret);
int mt_cost_bandwidth_parse(const char *text, enum mt_cost_bandwidth *ret);

/* The built-in defaults, those of conf/migtune.conf. */
void mt_intent_defaults(struct mt_intent *ret_intent);

#endif
