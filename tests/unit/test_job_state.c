/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration's states: each story leads where it should, and some things never happen. */
#include "steer/state.h"
#include "table.h"

#include <string.h>

#define STORY 8

static const struct story_case {
        const char *name;
        enum mt_job_event events[STORY];
        unsigned n;
        enum mt_job_state want[STORY]; /* after each */
} stories[] = {
        { "pre-copy",
          { MT_EVENT_ROUND, MT_EVENT_STATISTICS, MT_EVENT_STOP, MT_EVENT_END },
          4,
          { MT_JOB_COPYING, MT_JOB_COPYING, MT_JOB_STOPPED, MT_JOB_OVER } },
        { "paused by an operator, who goes on",
          { MT_EVENT_STOP, MT_EVENT_RUNS_HERE, MT_EVENT_ROUND, MT_EVENT_STOP, MT_EVENT_END },
          5,
          { MT_JOB_STOPPED, MT_JOB_COPYING, MT_JOB_COPYING, MT_JOB_STOPPED, MT_JOB_OVER } },
        { "post-copy: libvirt tells of the ordinary stop first, and QEMU begins another round",
          { MT_EVENT_STOP, MT_EVENT_SWITCH, MT_EVENT_ROUND, MT_EVENT_END },
          4,
          { MT_JOB_STOPPED, MT_JOB_POST_COPY, MT_JOB_POST_COPY, MT_JOB_OVER } },
        { "broken and resumed",
          { MT_EVENT_SWITCH, MT_EVENT_BREAK, MT_EVENT_STATISTICS, MT_EVENT_SWITCH, MT_EVENT_BREAK, MT_EVENT_SWITCH,
            MT_EVENT_END },
          7,
          { MT_JOB_POST_COPY, MT_JOB_BROKEN, MT_JOB_BROKEN, MT_JOB_POST_COPY, MT_JOB_BROKEN, MT_JOB_POST_COPY,
            MT_JOB_OVER } },
        { "a daemon restarted, the connection lost later, and found again",
          { MT_EVENT_SWITCH, MT_EVENT_LET_GO, MT_EVENT_BREAK, MT_EVENT_CONNECTED, MT_EVENT_SWITCH, MT_EVENT_END },
          6,
          { MT_JOB_POST_COPY, MT_JOB_LET_GO, MT_JOB_BROKEN, MT_JOB_LET_GO, MT_JOB_POST_COPY, MT_JOB_OVER } },
        { "cancelled while it copies: what libvirt tells later is another run's",
          { MT_EVENT_END, MT_EVENT_ROUND, MT_EVENT_STOP },
          3,
          { MT_JOB_OVER, MT_JOB_OVER, MT_JOB_OVER } },
        { "no post-copy, nothing to break", { MT_EVENT_BREAK, MT_EVENT_LET_GO }, 2, { MT_JOB_COPYING, MT_JOB_COPYING } },
};

static void test_story(void **state)
{
        const struct story_case *c = *state;
        enum mt_job_state now = MT_JOB_COPYING;

        for (unsigned i = 0; i < c->n; i++) {
                enum mt_job_state before = now;
                bool stepped = mt_state_step(&now, c->events[i]);

                assert_int_equal(now, c->want[i]);
                if (!stepped)
                        assert_int_equal(now, before);
        }
}

static void test_over_is_the_end(void **state)
{
        (void)state;
        for (int event = 0; event < MT_JOB_EVENTS; event++) {
                enum mt_job_state now = MT_JOB_OVER;

                assert_false(mt_state_step(&now, (enum mt_job_event)event));
                assert_int_equal(now, MT_JOB_OVER);
        }
}

/* Nobody may shape or stop, as if it still copied, a guest that runs on the destination. */
static void test_post_copy_never_copies_again(void **state)
{
        (void)state;
        for (int from = 0; from < MT_JOB_STATES; from++)
                for (int event = 0; event < MT_JOB_EVENTS; event++) {
                        enum mt_job_state now = (enum mt_job_state)from;

                        (void)mt_state_step(&now, (enum mt_job_event)event);
                        if (mt_state_is_post_copy((enum mt_job_state)from))
                                assert_true(mt_state_is_post_copy(now) || now == MT_JOB_OVER);
                }
}

static void test_each_can_be_reached_and_ends(void **state)
{
        bool reached[MT_JOB_STATES] = { [MT_JOB_COPYING] = true };

        (void)state;
        for (int pass = 0; pass < MT_JOB_STATES; pass++)
                for (int from = 0; from < MT_JOB_STATES; from++)
                        for (int event = 0; reached[from] && event < MT_JOB_EVENTS; event++) {
                                enum mt_job_state now = (enum mt_job_state)from;

                                (void)mt_state_step(&now, (enum mt_job_event)event);
                                reached[now] = true;
                        }
        for (int i = 0; i < MT_JOB_STATES; i++) {
                enum mt_job_state now = (enum mt_job_state)i;

                assert_true(reached[i]);
                assert_true(strlen(mt_state_name(now)) > 0);
                assert_int_equal(mt_state_step(&now, MT_EVENT_END), i != MT_JOB_OVER);
                assert_int_equal(now, MT_JOB_OVER);
        }
}

int main(void)
{
        struct CMUnitTest tests[16] = {
                cmocka_unit_test(test_over_is_the_end),
                cmocka_unit_test(test_post_copy_never_copies_again),
                cmocka_unit_test(test_each_can_be_reached_and_ends),
        };
        size_t n = 3;

        ADD_ROWS(tests, n, stories, test_story);
        return _cmocka_run_group_tests("job_state", tests, n, NULL, NULL);
}
