/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "facts.h"
#include "intent.h"
#include "table.h"

#include <errno.h>
#include <string.h>

/* Each enum through unsigned, so that one table holds them all. */
#define BOTH(what, type)                                                                                                    \
        static const char *what##_name(unsigned value)                                                                      \
        {                                                                                                                   \
                return mt_##what##_name((enum type)value);                                                                  \
        }                                                                                                                   \
        static int what##_parse(const char *text, unsigned *ret)                                                            \
        {                                                                                                                   \
                enum type value = (enum type) * ret;                                                                        \
                int r = mt_##what##_parse(text, &value);                                                                    \
                                                                                                                            \
                *ret = (unsigned)value;                                                                                     \
                return r;                                                                                                   \
        }
BOTH(mode, mt_mode)
BOTH(strategy, mt_strategy)
BOTH(technique_choice, mt_technique_choice)
BOTH(permission, mt_permission)
BOTH(post_copy_switch, mt_post_copy_switch)
BOTH(no_convergence, mt_no_convergence)

static const struct word_case {
        const char *name; /* also the word */
        const char *(*to_name)(unsigned);
        int (*parse)(const char *, unsigned *);
        unsigned value;
} words[] = {
        { "enforce", mode_name, mode_parse, MT_MODE_ENFORCE },
        { "observe", mode_name, mode_parse, MT_MODE_OBSERVE },
        { "off", mode_name, mode_parse, MT_MODE_OFF },
        { "lambda-range", strategy_name, strategy_parse, MT_LAMBDA_RANGE },
        { "delta-increment", strategy_name, strategy_parse, MT_DELTA_INCREMENT },
        { "min-bandwidth", strategy_name, strategy_parse, MT_MIN_BANDWIDTH },
        { "max-bandwidth", strategy_name, strategy_parse, MT_MAX_BANDWIDTH },
        { "traffic-aware", technique_choice_name, technique_choice_parse, MT_CHOOSE_TRAFFIC_AWARE },
        { "predicted", technique_choice_name, technique_choice_parse, MT_CHOOSE_PREDICTED },
        { "pre-copy", technique_choice_name, technique_choice_parse, MT_CHOOSE_PRE_COPY },
        { "post-copy", technique_choice_name, technique_choice_parse, MT_CHOOSE_POST_COPY },
        { "hybrid", technique_choice_name, technique_choice_parse, MT_CHOOSE_HYBRID },
        { "never", permission_name, permission_parse, MT_NEVER },
        { "permitted", permission_name, permission_parse, MT_PERMITTED },
        { "add", permission_name, permission_parse, MT_ADD },
        { "auto", post_copy_switch_name, post_copy_switch_parse, MT_SWITCH_AUTO },
        { "immediate", post_copy_switch_name, post_copy_switch_parse, MT_SWITCH_IMMEDIATE },
        { "first-pass", post_copy_switch_name, post_copy_switch_parse, MT_SWITCH_FIRST_PASS },
        { "continue", no_convergence_name, no_convergence_parse, MT_CONTINUE },
        { "exceed", no_convergence_name, no_convergence_parse, MT_EXCEED },
        { "abort", no_convergence_name, no_convergence_parse, MT_ABORT },
};

static void test_word(void **state)
{
        const struct word_case *c = *state;
        unsigned got = c->value + 1;

        assert_string_equal(c->to_name(c->value), c->name);
        assert_int_equal(c->parse(c->name, &got), 0);
        assert_int_equal(got, c->value);
        got = 99;
        assert_int_equal(c->parse("Enforce ", &got), -EINVAL);
        assert_int_equal(c->parse("", &got), -EINVAL);
        assert_int_equal(got, 99);
        assert_string_equal(c->to_name(99), "?");
}

static void test_dirty_source_names(void **state)
{
        (void)state;
        assert_string_equal(mt_dirty_source_name(MT_DIRTY_DEFAULT), "default");
        assert_string_equal(mt_dirty_source_name(MT_DIRTY_HISTORY), "history");
        assert_string_equal(mt_dirty_source_name(MT_DIRTY_MEASURED), "measured");
        assert_string_equal(mt_dirty_source_name(MT_DIRTY_IN_FLIGHT), "in-flight");
        assert_string_equal(mt_dirty_source_name(MT_DIRTY_GIVEN), "given");
        assert_string_equal(mt_dirty_source_name((enum mt_dirty_source)9), "?");
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(words) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, words, test_word);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_dirty_source_names);
        return _cmocka_run_group_tests("intent", tests, n, NULL, NULL);
}
