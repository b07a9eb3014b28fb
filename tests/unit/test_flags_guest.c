/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the guest and the way its memory goes forbid; and the pace of post-copy in the prediction. */
#include "array.h"
#include "config.h"
#include "policy/decide.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define POSTCOPY MT_FLAG_POSTCOPY
#define CONVERGE MT_FLAG_AUTO_CONVERGE
#define LEAVES .src_out = 300 /* so that the thesis's rules want post-copy */

/* Rates in Mbit/s; 1 Gbit/s and 100 Mbit/s dirtied where there is none. */
static const struct situation {
        const char *name;
        const char *intent; /* "key=value key=value" */
        uint64_t flags;     /* beside "live" */
        double D, link, src_out, hot_mib;
        bool device, huge, paused, rdma, unix_socket, unknown;
        /* expected */
        uint64_t add;
        enum mt_technique technique;
        const char *reason; /* a part of some reason; NULL: not looked at */
} situations[] = {
        { "nothing forbids it", "post_copy=add", LEAVES, .add = POSTCOPY, .technique = MT_POST_COPY },
        { "a host's device", "post_copy=add", LEAVES, .device = true,
          .reason = "no post-copy: a device of the host's is passed through" },
        { "a host's device, and the caller's flag", "", POSTCOPY, LEAVES, .device = true,
          .reason = "technique pre-copy instead of post-copy" },
        { "a host's device, and nobody in the call", "", LEAVES, .device = true, .unknown = true,
          .reason = "no post-copy: a device of the host's is passed through" },
        { "a host's device, post-copy by name", "post_copy=add technique=post-copy", .device = true,
          .reason = "no post-copy: a device of the host's is passed through" },
        { "a host's device, the best predicted", "post_copy=add technique=predicted", .D = 1400, .device = true },
        { "a host's device, what does not converge", "post_copy=add auto_converge=add", .D = 1400, .device = true,
          .add = CONVERGE },
        { "huge pages", "post_copy=add", LEAVES, .huge = true, .reason = "memory is in huge pages" },
        { "huge pages, and the caller's flag", "", POSTCOPY, LEAVES, .huge = true,
          .reason = "technique pre-copy instead of post-copy" },
        { "huge pages, post-copy by name", "post_copy=add technique=post-copy", .huge = true, .add = POSTCOPY,
          .technique = MT_POST_COPY },
        { "a paused guest, and the caller's flag", "", POSTCOPY, LEAVES, .paused = true,
          .reason = "technique pre-copy instead of post-copy" },
        { "by RDMA", "post_copy=add", LEAVES, .rdma = true, .reason = "no post-copy: memory goes by RDMA" },
        { "by RDMA, a fast link", "parallel=add compression=add urgency=high", .link = 100000, .rdma = true,
          .reason = "no multifd: memory goes by RDMA" },
        { "by RDMA, hot pages", "compression=add", .hot_mib = 48, .rdma = true },
        { "by a socket of the caller's", "parallel=add urgency=high", .link = 100000, .unix_socket = true,
          .reason = "no multifd: memory goes through a socket of the caller's own" },
};

static void wish(struct mt_intent *intent, const char *wishes)
{
        char text[160], *save = NULL;

        (void)snprintf(text, sizeof(text), "%s", wishes);
        for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
                char *equals = strchr(word, '=');

                *equals = '\0';
                assert_int_equal(mt_intent_set(intent, word, equals + 1, NULL), 0);
        }
}

static void decide(const struct situation *s, const struct mt_call_fact *call, struct mt_plan *ret)
{
        struct mt_facts facts = {
                .memory_bytes = MT_GIB,
                .resident_bytes = MT_GIB,
                .dirty_rate_bytes_s = mt_bytes_s(s->hot_mib > 0 ? 450
                                                 : s->D > 0     ? s->D
                                                                : 100),
                .hot_bytes = (uint64_t)(s->hot_mib * (double)MT_MIB),
                .hot_rate_bytes_s = mt_bytes_s(855),
                .cold_rate_bytes_s = mt_bytes_s(45),
                .hot_source = s->hot_mib > 0 ? MT_HOT_WINDOWS : MT_HOT_NONE,
                .device = "eth0",
                .link_bytes_s = mt_bytes_s(s->link > 0 ? s->link : 1000),
                .src = { .known = true, .in_bytes_s = mt_bytes_s(20), .out_bytes_s = mt_bytes_s(s->src_out) },
                .dst = { .known = true },
                .tau_ms = 5,
                .tg_ms = 40,
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .host_device = s->device,
                .huge_pages = s->huge,
                .call = *call,
        };
        struct mt_intent intent;

        mt_intent_defaults(&intent);
        wish(&intent, s->intent);
        mt_decide(&facts, &intent, ret);
}

static bool has_reason(const struct mt_plan *plan, const char *part)
{
        for (unsigned i = 0; i < plan->reasons.n; i++)
                if (strstr(plan->reasons.text[i], part) != NULL)
                        return true;
        return false;
}

static void test_situation(void **state)
{
        const struct situation *s = *state;
        const struct mt_call_fact call = { .known = !s->unknown,
                                           .flags = MT_FLAG_LIVE | s->flags,
                                           .paused = s->paused,
                                           .by_rdma = s->rdma,
                                           .by_unix_socket = s->unix_socket,
                                           .libvirt_version = MT_VERSION(11, 3, 0),
                                           .qemu_version = MT_VERSION(10, 0, 2) };
        struct mt_plan plan;

        decide(s, &call, &plan);
        assert_int_equal(plan.call.flags_add, s->add);
        assert_int_equal(plan.call.flags_drop, 0);
        assert_int_equal(plan.technique, s->technique);
        if (s->reason != NULL && !has_reason(&plan, s->reason))
                fail_msg("no reason has '%s'", s->reason);
}

static void assert_total(const struct mt_call_fact *call, double rate)
{
        static const struct situation s = { .intent = "technique=post-copy post_copy_switch=immediate", LEAVES };
        /* 0.25 s before the first byte; at the switch t_g and 8 Mbit at the link's rate; then 1 GiB */
        double want = 0.25 + 0.04 + 8 / (984.4 * 1448 / 1514) + 8589.93 / rate;
        struct mt_plan plan;

        decide(&s, call, &plan);
        assert_int_equal(plan.technique, MT_POST_COPY);
        if (fabs((double)plan.prediction.total_ms - want * 1e3) > 20)
                fail_msg("predicted %.3f s, wanted %.3f", mt_seconds(plan.prediction.total_ms), want);
}

/* Nine tenths of R where it is set, less the headers; or what the caller set. */
static void test_predicted_pace(void **state)
{
        struct mt_call_fact call = { .known = true, .flags = MT_FLAG_LIVE | POSTCOPY };
        struct mt_plan plan;
        double R;

        (void)state;
        decide(&(struct situation){ .intent = "technique=post-copy", LEAVES }, &call, &plan);
        R = mt_mbps(plan.bandwidth_bytes_s);
        assert_true(R > 600 && R < 684);
        assert_total(&call, R * 0.9 * 1448 / 1514);
        call.bandwidth_postcopy_bytes_s = 12 * MT_MIB;
        assert_total(&call, 12 * 8.388608);
        call.override_limits = true;
        assert_total(&call, R * 0.9 * 1448 / 1514);
        call.made = true; /* so it is what was set */
        assert_total(&call, 12 * 8.388608);
        call.bandwidth_postcopy_bytes_s = 0; /* nobody set any */
        assert_total(&call, R * 1448 / 1514);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(situations) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, situations, test_situation);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_predicted_pace);
        return _cmocka_run_group_tests("flags_guest", tests, n, NULL, NULL);
}
