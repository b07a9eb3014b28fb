/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a plan changes in the migration call: one row a situation. */
#include "array.h"
#include "config.h"
#include "policy/decide.h"
#include "policy/flags.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOVA "live,p2p,persistent,undefinesource"
#define OLD_QEMU MT_VERSION(10, 0, 2)
#define NEW_QEMU MT_VERSION(10, 1, 0)
#define POSTCOPY MT_FLAG_POSTCOPY
#define CONVERGE MT_FLAG_AUTO_CONVERGE
#define PARALLEL MT_FLAG_PARALLEL
#define COMPRESSED MT_FLAG_COMPRESSED

/* Rates in Mbit/s. What is 0 or NULL: no traffic, 1 Gbit/s, 100 Mbit/s dirtied, nova's flags, old QEMU, new libvirt. */
static const struct situation {
        const char *name;
        const char *intent; /* "key=value key=value" */
        const char *flags;
        double D, link, src_out;
        double hot_mib, hot_rate, cold_rate;
        uint64_t qemu, libvirt;
        double idle; /* share of 8 CPUs; negative: not known */
        double memory_free_gib;
        bool paused, fixed, made;
        /* expected */
        uint64_t add, drop;
        unsigned connections;
        enum mt_compression compression;
        unsigned cache_mib;
        const char *reason; /* a part of some reason; NULL: not looked at */
} situations[] = {
        { "nothing asked for, nothing changed", "", .D = 1400 },
        { "post-copy by traffic", "post_copy=add", .src_out = 300, .add = POSTCOPY, .reason = "the technique needs it" },
        { "post-copy may not be added", "", .src_out = 300, .reason = "post_copy = \"permitted\" adds none" },
        { "post-copy is the caller's", "", NOVA ",postcopy", .src_out = 300, .reason = "pace after a switch" },
        { "post-copy never", "post_copy=never", NOVA ",postcopy", .src_out = 300, .drop = POSTCOPY,
          .reason = "the caller's post-copy flag is dropped" },
        { "post-copy never, destination prepared", "post_copy=never", NOVA ",postcopy", .fixed = true },
        { "post-copy is not needed", "post_copy=add" },
        { "post-copy in case it is", "post_copy=add", .D = 1400, .add = POSTCOPY, .reason = "may turn out not to end" },
        { "pre-copy by name", "post_copy=add technique=pre-copy", .D = 1400 },
        { "post-copy for hot pages", "post_copy=add max_downtime=100ms urgency=high", .hot_mib = 100, .hot_rate = 2000,
          .cold_rate = 50, .add = POSTCOPY, .reason = "post-copy when the cold ones are clean" },
        { "post-copy in case hot pages grow", "post_copy=add", .hot_mib = 10, .hot_rate = 2000, .cold_rate = 50,
          .add = POSTCOPY, .reason = "may turn out not to end" },
        { "a paused guest", "post_copy=add auto_converge=add", .src_out = 300, .D = 1400, .paused = true,
          .reason = "no post-copy: the guest is paused" },
        { "not live", "post_copy=add auto_converge=add", "p2p", .src_out = 300, .D = 1400,
          .reason = "the migration is not live" },
        { "to be paused", "post_copy=add", NOVA ",suspend", .src_out = 300, .reason = "leaves the guest paused" },
        { "tunnelled", "post_copy=add parallel=add urgency=high", NOVA ",tunnelled", .src_out = 300, .link = 25000,
          .reason = "no multifd: the migration is tunnelled" },
        { "the caller's multifd", "post_copy=add", NOVA ",parallel", .src_out = 300,
          .reason = "the caller wants multifd, which goes together" },
        { "the caller's multifd, QEMU 10.1", "post_copy=add", NOVA ",parallel", .src_out = 300, .qemu = NEW_QEMU,
          .add = POSTCOPY },
        { "the caller's multifd, dropped", "post_copy=add parallel=never", NOVA ",parallel", .src_out = 300, .add = POSTCOPY,
          .drop = PARALLEL, .reason = "the caller's multifd is dropped" },
        { "destination prepared", "post_copy=add parallel=add compression=add", .src_out = 300, .D = 1400, .fixed = true,
          .idle = 1, .reason = "did not start the migration with the post-copy flag" },

        { "auto-converge stays", "", NOVA ",auto-converge", .D = 1400 },
        { "auto-converge never", "auto_converge=never", NOVA ",auto-converge", .drop = CONVERGE,
          .reason = "auto-converge flag is dropped" },
        { "auto-converge added", "auto_converge=add", .D = 1400, .add = CONVERGE, .reason = "does not converge" },
        { "auto-converge not needed", "auto_converge=add" },
        { "auto-converge is there", "auto_converge=add", NOVA ",auto-converge", .D = 1400 },
        { "post-copy instead of auto-converge", "auto_converge=add", NOVA ",postcopy", .D = 1400 },
        { "post-copy added instead of it", "auto_converge=add post_copy=add", .D = 1400, .add = POSTCOPY },

        { "one connection carries it", "parallel=add urgency=medium", .link = 10000 },
        { "two connections", "parallel=add urgency=high", .link = 10000, .add = PARALLEL, .connections = 2,
          .reason = "one carries about 8000 Mbit/s" },
        { "three connections", "parallel=add urgency=high", .link = 25000, .add = PARALLEL, .connections = 3 },
        { "no more than eight", "parallel=add urgency=high", .link = 400000, .add = PARALLEL, .connections = 8 },
        { "TLS takes more", "parallel=add urgency=high", NOVA ",tls", .link = 10000, .add = PARALLEL, .connections = 4 },
        { "as many as CPUs are idle", "parallel=add urgency=high", .link = 100000, .idle = 0.45, .add = PARALLEL,
          .connections = 3 },
        { "no CPU idle", "parallel=add urgency=high", .link = 100000, .idle = 0.2, .reason = "no CPUs idle" },
        { "multifd only permitted", "urgency=high", .link = 100000 },
        { "multifd is there", "parallel=add urgency=high", NOVA ",parallel", .link = 100000 },
        { "multifd and the caller's compression", "parallel=add urgency=high", NOVA ",compressed", .link = 100000,
          .reason = "the caller's compression may not go together" },
        { "multifd and the caller's post-copy", "parallel=add urgency=high", NOVA ",postcopy", .link = 100000,
          .reason = "only from QEMU 10.1" },
        { "both from QEMU 10.1 on", "parallel=add urgency=high", NOVA ",postcopy", .link = 100000, .qemu = NEW_QEMU,
          .src_out = 1, .add = PARALLEL, .connections = 8 },
        { "post-copy at once needs no multifd", "parallel=add urgency=high technique=post-copy post_copy_switch=immediate",
          NOVA ",postcopy", .link = 100000, .qemu = NEW_QEMU },
        { "multifd never", "parallel=never", NOVA ",parallel,zerocopy,compressed",
          .drop = PARALLEL | MT_FLAG_ZEROCOPY | COMPRESSED, .reason = "and what needs it" },
        { "compression over dropped multifd is not replaced", "parallel=never compression=add", NOVA ",parallel,compressed",
          .hot_mib = 48, .hot_rate = 855, .cold_rate = 45, .drop = PARALLEL | COMPRESSED },

        { "xbzrle", "compression=add", .hot_mib = 48, .hot_rate = 855, .cold_rate = 45, .add = COMPRESSED,
          .compression = MT_COMPRESSION_XBZRLE, .cache_mib = 64, .reason = "48 MiB of hot pages fit its cache of 64 MiB" },
        { "xbzrle's cache has room", "compression=add", .hot_mib = 60, .hot_rate = 855, .cold_rate = 45, .add = COMPRESSED,
          .compression = MT_COMPRESSION_XBZRLE, .cache_mib = 128 },
        { "more than 256 MiB blindly", "compression=add", .hot_mib = 300, .hot_rate = 2855, .cold_rate = 45,
          .reason = "the hot pages' cache would take too much" },
        { "more where memory is free", "compression=add", .hot_mib = 300, .hot_rate = 2855, .cold_rate = 45,
          .memory_free_gib = 4, .add = COMPRESSED, .compression = MT_COMPRESSION_XBZRLE, .cache_mib = 512 },
        { "less where it is scarce", "compression=add", .hot_mib = 48, .hot_rate = 855, .cold_rate = 45,
          .memory_free_gib = 0.25, .reason = "the hot pages' cache would take too much" },
        { "no CPU for xbzrle", "compression=add", .hot_mib = 48, .hot_rate = 855, .cold_rate = 45, .idle = 0.1,
          .reason = "no xbzrle: there is no CPU idle" },
        { "hot pages that do not matter", "compression=add", .hot_mib = 1, .hot_rate = 100, .cold_rate = 10 },
        { "xbzrle is not for multifd", "compression=add", NOVA ",parallel", .hot_mib = 48, .hot_rate = 855, .cold_rate = 45,
          .idle = -1, .reason = "how many CPUs are idle is not known" },
        { "nor for post-copy at once", "compression=add", NOVA ",postcopy", .src_out = 300, .hot_mib = 48, .hot_rate = 90,
          .cold_rate = 10 },
        { "the caller's compression stays", "compression=add", NOVA ",compressed", .hot_mib = 48, .hot_rate = 855,
          .cold_rate = 45 },
        { "compression never", "compression=never", NOVA ",compressed", .drop = COMPRESSED,
          .reason = "the caller's compression is dropped" },

        { "zstd", "compression=add parallel=add", .D = 1400, .idle = 0.5, .add = COMPRESSED | PARALLEL, .connections = 2,
          .compression = MT_COMPRESSION_ZSTD, .reason = "idle (the predictions do not count it)" },
        { "zstd over the caller's multifd", "compression=add", NOVA ",parallel", .D = 1400, .idle = 0.5, .add = COMPRESSED,
          .compression = MT_COMPRESSION_ZSTD, .reason = "zstd is added" },
        { "zstd takes more connections", "compression=add parallel=add urgency=high", .D = 14000, .link = 8500, .idle = 1,
          .add = COMPRESSED | PARALLEL, .connections = 8, .compression = MT_COMPRESSION_ZSTD },
        { "zstd is too slow for the link", "compression=add parallel=add urgency=high", .D = 14000, .link = 10000, .idle = 1,
          .add = PARALLEL, .connections = 2, .reason = "no zstd: the link is faster than it" },
        { "zstd where the link is no bottleneck", "compression=add parallel=add", .D = 40, .idle = 0.5 },
        { "zstd is not for post-copy at once", "compression=add technique=post-copy post_copy_switch=immediate",
          NOVA ",postcopy,parallel", .D = 1400, .idle = 1, .qemu = NEW_QEMU },
        { "zstd needs multifd", "compression=add", .D = 1400, .idle = 0.5, .reason = "parallel is not \"add\"" },
        { "zstd needs CPUs", "compression=add parallel=add", .D = 1400, .idle = 0.2, .reason = "too few CPUs are idle" },
        { "zstd needs libvirt 9.4", "compression=add parallel=add", .D = 1400, .idle = 0.5, .libvirt = MT_VERSION(9, 3, 0),
          .reason = "libvirt has it from 9.4 on" },
        { "zstd and zero copy", "compression=add", NOVA ",parallel,zerocopy", .D = 1400, .idle = 0.5,
          .reason = "the caller wants zero copy" },
};

static void wish(struct mt_intent *intent, const char *wishes)
{
        char text[160], *save = NULL;
        struct mt_err err = { 0 };

        (void)snprintf(text, sizeof(text), "%s", wishes);
        for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
                char *equals = strchr(word, '=');

                *equals = '\0';
                if (mt_intent_set(intent, word, equals + 1, &err) < 0)
                        fail_msg("%s", err.msg);
        }
}

static void set_up(const struct situation *s, struct mt_facts *facts, struct mt_intent *intent)
{
        double hot = fmin(s->hot_rate, s->hot_mib * 8.388608) + s->cold_rate;

        *facts = (struct mt_facts){
                .memory_bytes = MT_GIB,
                .resident_bytes = MT_GIB,
                .dirty_rate_bytes_s = mt_bytes_s(s->hot_mib > 0 ? hot
                                                 : s->D > 0     ? s->D
                                                                : 100),
                .hot_bytes = (uint64_t)(s->hot_mib * (double)MT_MIB),
                .hot_rate_bytes_s = mt_bytes_s(s->hot_rate),
                .cold_rate_bytes_s = mt_bytes_s(s->cold_rate),
                .hot_source = s->hot_mib > 0 ? MT_HOT_WINDOWS : MT_HOT_NONE,
                .device = "eth0",
                .link_bytes_s = mt_bytes_s(s->link > 0 ? s->link : 1000),
                /* inbound, which means pre-copy, unless something leaves */
                .src = { .known = true, .in_bytes_s = mt_bytes_s(20), .out_bytes_s = mt_bytes_s(s->src_out) },
                .dst = { .known = true },
                .tau_ms = 5,
                .tg_ms = 40,
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .call = { .known = true,
                          .made = s->made,
                          .fixed_flags = s->fixed,
                          .paused = s->paused,
                          .qemu_version = s->qemu > 0 ? s->qemu : OLD_QEMU,
                          .libvirt_version = s->libvirt > 0 ? s->libvirt : MT_VERSION(11, 3, 0) },
                .headroom = { .cpu_known = s->idle > 0,
                              .cpu_idle_share = s->idle,
                              .cpus = 8,
                              .memory_free_bytes = (uint64_t)(s->memory_free_gib * (double)MT_GIB) },
        };
        assert_int_equal(mt_flags_parse(s->flags != NULL ? s->flags : NOVA, &facts->call.flags), 0);
        mt_intent_defaults(intent);
        wish(intent, s->intent);
}

static bool has_reason(const struct mt_plan *plan, const char *part)
{
        for (unsigned i = 0; i < plan->reasons.n; i++)
                if (strstr(plan->reasons.text[i], part) != NULL)
                        return true;
        return false;
}

static void print_reasons(const struct mt_plan *plan)
{
        for (unsigned i = 0; i < plan->reasons.n; i++)
                print_message("# %s\n", plan->reasons.text[i]);
}

static void test_situation(void **state)
{
        const struct situation *s = *state;
        struct mt_intent intent;
        struct mt_facts facts;
        struct mt_plan plan;

        set_up(s, &facts, &intent);
        mt_decide(&facts, &intent, &plan);
        if (s->reason != NULL && !has_reason(&plan, s->reason)) {
                print_reasons(&plan);
                fail_msg("no reason says '%s'", s->reason);
        }
        if (plan.call.flags_add != s->add)
                print_reasons(&plan);
        assert_true(plan.call.known);
        assert_int_equal(plan.call.flags_add, s->add);
        assert_int_equal(plan.call.flags_drop, s->drop);
        assert_int_equal(plan.call.connections, s->connections);
        assert_int_equal(plan.call.compression, s->compression);
        assert_int_equal(plan.call.xbzrle_cache_bytes, s->cache_mib * MT_MIB);
}

static void decide(const char *wishes, const char *flags, const struct mt_call_fact *call, struct mt_plan *ret)
{
        const struct situation s = { .name = "", .intent = wishes, .flags = flags, .src_out = 300, .D = 240 };
        struct mt_intent intent;
        struct mt_facts facts;
        uint64_t given;

        set_up(&s, &facts, &intent);
        given = facts.call.flags;
        facts.call = *call;
        facts.call.flags |= given;
        mt_decide(&facts, &intent, ret);
}

/* Where there is nothing that could be changed, nothing is. */
static void test_nothing_to_change(void **state)
{
        static const struct {
                const char *wishes, *flags;
                struct mt_call_fact call;
        } none[] = {
                { "post_copy=add", NOVA, { .known = false } },
                { "post_copy=add", NOVA, { .known = true, .made = true } },
                { "post_copy=add", NOVA ",offline", { .known = true } },
                { "post_copy=add", NOVA ",postcopy,postcopy-resume", { .known = true } },
                { "post_copy=add mode=off", NOVA, { .known = true } },
        };
        const struct mt_call_changes nothing = { .known = false };
        struct mt_plan plan;

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(none); i++) {
                (void)memset(&plan, 0xff, sizeof(plan));
                (void)memset(&plan.call, 0, sizeof(plan.call)); /* padding */
                plan.call.connections = 7;
                decide(none[i].wishes, none[i].flags, &none[i].call, &plan);
                assert_int_equal(plan.call.known, nothing.known);
                assert_true(plan.call.flags_add == 0 && plan.call.flags_drop == 0 && plan.call.connections == 0);
                assert_true(plan.call.bandwidth_postcopy_bytes_s == 0 && plan.call.bandwidth_switchover_bytes_s == 0);
        }
        decide("post_copy=add mode=observe", NOVA, &(struct mt_call_fact){ .known = true }, &plan);
        assert_int_equal(plan.call.flags_add, POSTCOPY); /* what would be done */
}

/* Once the call is made, its flags say whether post-copy is possible. */
static void test_made(void **state)
{
        struct mt_plan plan;

        (void)state;
        decide("post_copy=add", NOVA ",postcopy", &(struct mt_call_fact){ .known = true, .made = true }, &plan);
        assert_int_equal(plan.technique, MT_POST_COPY);
        decide("post_copy=add", NOVA, &(struct mt_call_fact){ .known = true, .made = true }, &plan);
        assert_int_equal(plan.technique, MT_PRE_COPY);
        decide("post_copy=never", NOVA ",postcopy", &(struct mt_call_fact){ .known = true, .made = true }, &plan);
        assert_int_equal(plan.technique, MT_PRE_COPY);
}

/* Libvirt said that this guest cannot. */
static void test_refused(void **state)
{
        const struct situation s = { .name = "", .intent = "", .flags = NOVA ",postcopy", .src_out = 300, .made = true };
        struct mt_intent intent;
        struct mt_facts facts;
        struct mt_plan plan;

        (void)state;
        set_up(&s, &facts, &intent);
        facts.post_copy = MT_CALLER_NO;
        mt_decide(&facts, &intent, &plan);
        assert_int_equal(plan.technique, MT_PRE_COPY);
        assert_true(has_reason(&plan, "no post-copy: libvirt refused the switch"));
}

static void assert_rate(uint64_t bytes_s, double mbps)
{
        if (fabs(mt_mbps(bytes_s) - mbps) > 0.1)
                fail_msg("got %.3f Mbit/s, wanted %.3f", mt_mbps(bytes_s), mbps);
}

/* 1000 Mbit/s * 1514/1538 - 300 = 684.4 are free, R is 677.5 * 848.1/903.5; a tenth is left, and headers. */
static void test_bandwidths(void **state)
{
        struct mt_call_fact call = { .known = true,
                                     .libvirt_version = MT_VERSION(11, 1, 0),
                                     .qemu_version = MT_VERSION(8, 2, 0) };
        struct mt_plan plan;

        (void)state;
        decide("", NOVA ",postcopy", &call, &plan);
        assert_rate(plan.bandwidth_bytes_s, 636.1);
        assert_rate(plan.call.bandwidth_postcopy_bytes_s, 636.1 * 0.9 * 1448 / 1514);
        assert_rate(plan.call.bandwidth_switchover_bytes_s, 984.4 * 1448 / 1514);
        call.qemu_version = MT_VERSION(8, 1, 9);
        decide("", NOVA, &call, &plan);
        assert_int_equal(plan.call.bandwidth_switchover_bytes_s, 0);
        assert_int_equal(plan.call.bandwidth_postcopy_bytes_s, 0);
        call.qemu_version = MT_VERSION(10, 0, 0);
        call.libvirt_version = MT_VERSION(11, 0, 9);
        decide("", NOVA, &call, &plan);
        assert_int_equal(plan.call.bandwidth_switchover_bytes_s, 0);
}

/* The caller's own limits are upper bounds, or they are not. */
static void test_caller_limits(void **state)
{
        struct mt_call_fact call = { .known = true,
                                     .libvirt_version = MT_VERSION(11, 3, 0),
                                     .qemu_version = OLD_QEMU,
                                     .bandwidth_bytes_s = 5 * MT_MIB, /* below min_bandwidth */
                                     .bandwidth_postcopy_bytes_s = 3 * MT_MIB,
                                     .bandwidth_switchover_bytes_s = 100 * MT_MIB };
        struct mt_plan plan;

        (void)state;
        decide("", NOVA ",postcopy", &call, &plan);
        assert_int_equal(plan.bandwidth_bytes_s, 5 * MT_MIB);
        assert_int_equal(plan.call.bandwidth_postcopy_bytes_s, 3 * MT_MIB);
        assert_int_equal(plan.call.bandwidth_switchover_bytes_s, 100 * MT_MIB);
        assert_true(has_reason(&plan, "bound: at most the caller's own limit, 41.9 Mbit/s"));
        call.override_limits = true;
        decide("", NOVA ",postcopy", &call, &plan);
        assert_rate(plan.bandwidth_bytes_s, 636.1);
        assert_rate(plan.call.bandwidth_postcopy_bytes_s, 636.1 * 0.9 * 1448 / 1514);
        assert_rate(plan.call.bandwidth_switchover_bytes_s, 984.4 * 1448 / 1514);
        call.override_limits = false;
        call.bandwidth_bytes_s = call.bandwidth_postcopy_bytes_s = call.bandwidth_switchover_bytes_s = 120 * MT_MIB;
        decide("", NOVA ",postcopy", &call, &plan);
        assert_rate(plan.bandwidth_bytes_s, 636.1); /* nobody was to be slowed down */
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_nothing_to_change), cmocka_unit_test(test_made),
                cmocka_unit_test(test_refused),           cmocka_unit_test(test_bandwidths),
                cmocka_unit_test(test_caller_limits),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(situations) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, situations, test_situation);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("flags", tests, n, NULL, NULL);
}
