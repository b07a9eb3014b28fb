/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What holds of every change of a call, whatever the facts and the intent are. Above all: libvirt and QEMU take the changed
 * call wherever they take the caller's own.
 */
#include "call_flags.h"
#include "noise.h"
#include "policy/decide.h"
#include "table.h"

#include <string.h>

#define CALLS 10000
#define OURS (MT_FLAG_POSTCOPY | MT_FLAG_AUTO_CONVERGE | MT_FLAG_PARALLEL | MT_FLAG_COMPRESSED)

static uint64_t seed;

static unsigned below(unsigned n)
{
        return (unsigned)(noise_uniform(&seed) * n);
}

static uint64_t one_of(const double *mbps, unsigned n)
{
        return mt_bytes_s(mbps[below(n)]);
}

static void draw_facts(struct mt_facts *facts)
{
        static const double rates[] = { 0, 40, 100, 300, 900, 2000, 20000 };
        static const double links[] = { 0, 1000, 10000, 25000, 100000 };
        static const double traffics[] = { 0, 0, 20, 300, 990 };
        static const double limits[] = { 0, 0, 0, 20, 300 };
        static const uint64_t qemus[] = { 0, MT_VERSION(7, 2, 0), MT_VERSION(10, 0, 2), MT_VERSION(10, 1, 0) };
        static const uint64_t libvirts[] = { 0, MT_VERSION(9, 0, 0), MT_VERSION(9, 4, 0), MT_VERSION(11, 3, 0) };
        static const uint64_t extras[] = { MT_FLAG_TUNNELLED, MT_FLAG_PAUSED,   MT_FLAG_OFFLINE,
                                           MT_FLAG_TLS,       MT_FLAG_ZEROCOPY, MT_FLAG_POSTCOPY_RESUME };

        *facts = (struct mt_facts){
                .memory_bytes = MT_GIB << below(7),
                .dirty_rate_bytes_s = one_of(rates, 7),
                .hot_source = below(2) ? MT_HOT_WINDOWS : MT_HOT_NONE,
                .hot_bytes = (UINT64_C(1) + below(600)) * MT_MIB,
                .hot_rate_bytes_s = one_of(rates, 7),
                .cold_rate_bytes_s = one_of(rates, 3),
                .device = "eth0",
                .link_bytes_s = one_of(links, 5),
                .src = { .known = true, .in_bytes_s = one_of(traffics, 5), .out_bytes_s = one_of(traffics, 5) },
                .dst = { .known = true, .in_bytes_s = one_of(traffics, 5) },
                .tau_ms = 5,
                .tg_ms = 40,
                .dirty_low_bytes_s = MT_AUTO,
                .dirty_high_bytes_s = MT_AUTO,
                .host_device = below(8) == 0,
                .huge_pages = below(8) == 0,
                .post_copy = below(3),
                .call = { .known = below(10) > 0,
                          .made = below(10) == 0,
                          .fixed_flags = below(6) == 0,
                          .paused = below(6) == 0,
                          .by_rdma = below(10) == 0,
                          .by_unix_socket = below(10) == 0,
                          .override_limits = below(4) == 0,
                          .flags = below(8) ? MT_FLAG_LIVE : 0,
                          .bandwidth_bytes_s = one_of(limits, 5),
                          .bandwidth_postcopy_bytes_s = one_of(limits, 5),
                          .bandwidth_switchover_bytes_s = one_of(limits, 5),
                          .libvirt_version = libvirts[below(4)],
                          .qemu_version = qemus[below(4)] },
                .headroom = { .cpu_known = below(3) > 0,
                              .cpu_idle_share = noise_uniform(&seed),
                              .cpus = 1 + below(32),
                              .memory_free_bytes = below(3) ? below(64) * MT_GIB / 4 : 0 },
        };
        for (uint64_t flag = 1; flag <= OURS; flag <<= 1)
                if ((OURS & flag) != 0 && below(3) == 0)
                        facts->call.flags |= flag;
        for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
                if (below(10) == 0)
                        facts->call.flags |= extras[i];
}

static void draw_intent(struct mt_intent *intent)
{
        mt_intent_defaults(intent);
        intent->mode = below(20) == 0 ? MT_MODE_OFF : below(4) == 0 ? MT_MODE_OBSERVE : MT_MODE_ENFORCE;
        intent->strategy = below(MT_STRATEGIES);
        intent->technique = below(MT_CHOOSE_HYBRID + 1);
        intent->urgency = below(MT_URGENCIES);
        intent->max_downtime_ms = 50u << below(6);
        intent->post_copy = below(3);
        intent->post_copy_switch = below(3);
        intent->auto_converge = below(3);
        intent->parallel = below(3);
        intent->compression = below(3);
}

/* Whether libvirt or QEMU refuses such a call; the caller's own compression is one that fits. */
static bool refused(uint64_t flags, enum mt_compression compression, const struct mt_call_fact *call)
{
        bool post_copy = (flags & MT_FLAG_POSTCOPY) != 0, multifd = (flags & MT_FLAG_PARALLEL) != 0;
        bool tunnelled = (flags & MT_FLAG_TUNNELLED) != 0;

        return (post_copy && (call->paused || (flags & MT_FLAG_LIVE) == 0 || (flags & MT_FLAG_PAUSED) != 0 || tunnelled)) ||
               (post_copy && multifd && call->qemu_version < MT_VERSION(10, 1, 0)) || (multifd && tunnelled) ||
               (call->by_rdma && (post_copy || multifd || compression != MT_COMPRESSION_LEAVE)) ||
               ((flags & MT_FLAG_ZEROCOPY) != 0 && !multifd) ||
               ((flags & MT_FLAG_ZEROCOPY) != 0 && (flags & MT_FLAG_COMPRESSED) != 0) ||
               (compression == MT_COMPRESSION_XBZRLE && multifd) ||
               (compression == MT_COMPRESSION_ZSTD && (!multifd || call->libvirt_version < MT_VERSION(9, 4, 0)));
}

static bool nothing(const struct mt_call_changes *changes)
{
        return changes->flags_add == 0 && changes->flags_drop == 0 && changes->bandwidth_postcopy_bytes_s == 0 &&
               changes->bandwidth_switchover_bytes_s == 0 && changes->connections == 0 &&
               changes->compression == MT_COMPRESSION_LEAVE && changes->xbzrle_cache_bytes == 0;
}

static void check_permissions(const struct mt_intent *intent, const struct mt_call_changes *changes)
{
        const struct {
                uint64_t flag;
                enum mt_permission permission;
        } flags[] = { { MT_FLAG_POSTCOPY, intent->post_copy },
                      { MT_FLAG_AUTO_CONVERGE, intent->auto_converge },
                      { MT_FLAG_PARALLEL, intent->parallel },
                      { MT_FLAG_COMPRESSED, intent->compression } };

        for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
                assert_true((changes->flags_add & flags[i].flag) == 0 || flags[i].permission == MT_ADD);
                if (flags[i].flag != MT_FLAG_COMPRESSED || (changes->flags_drop & MT_FLAG_PARALLEL) == 0)
                        assert_true((changes->flags_drop & flags[i].flag) == 0 || flags[i].permission == MT_NEVER);
        }
        assert_true((changes->flags_add & ~OURS) == 0 && (changes->flags_drop & ~(OURS | MT_FLAG_ZEROCOPY)) == 0);
}

static void check_parameters(const struct mt_call_changes *changes)
{
        uint64_t cache = changes->xbzrle_cache_bytes;

        assert_int_equal(changes->connections > 0, (changes->flags_add & MT_FLAG_PARALLEL) != 0);
        assert_true(changes->connections == 0 || (changes->connections >= 2 && changes->connections <= MT_MOST_CONNECTIONS));
        assert_int_equal(changes->compression != MT_COMPRESSION_LEAVE, (changes->flags_add & MT_FLAG_COMPRESSED) != 0);
        assert_int_equal(changes->compression == MT_COMPRESSION_XBZRLE, cache > 0);
        assert_true((cache & (cache - 1)) == 0);
}

static void check_limits(const struct mt_facts *facts, const struct mt_plan *plan, uint64_t flags)
{
        const struct mt_call_fact *call = &facts->call;
        uint64_t pace = plan->call.bandwidth_postcopy_bytes_s, switchover = plan->call.bandwidth_switchover_bytes_s;

        assert_int_equal(pace > 0, (flags & MT_FLAG_POSTCOPY) != 0);
        assert_true(pace < plan->bandwidth_bytes_s && switchover < plan->switchover_bytes_s);
        if (call->override_limits)
                return;
        assert_true(call->bandwidth_bytes_s == 0 || plan->bandwidth_bytes_s <= call->bandwidth_bytes_s);
        assert_true(call->bandwidth_postcopy_bytes_s == 0 || pace <= call->bandwidth_postcopy_bytes_s);
        assert_true(call->bandwidth_switchover_bytes_s == 0 || switchover <= call->bandwidth_switchover_bytes_s);
}

/* Returns whether something was changed. */
static bool check(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_plan *plan)
{
        const struct mt_call_changes *changes = &plan->call;
        uint64_t flags = (facts->call.flags & ~changes->flags_drop) | changes->flags_add;

        assert_true(plan->reasons.n < MT_MAX_REASONS); /* all of them are told */
        if (!facts->call.known || facts->call.made || intent->mode == MT_MODE_OFF ||
            (facts->call.flags & (MT_FLAG_OFFLINE | MT_FLAG_POSTCOPY_RESUME)) != 0) {
                assert_true(!changes->known && nothing(changes));
                return false;
        }
        assert_true(changes->known);
        assert_true((changes->flags_add & facts->call.flags) == 0);
        assert_true((changes->flags_drop & ~facts->call.flags) == 0);
        assert_true(!facts->call.fixed_flags || (changes->flags_add == 0 && changes->flags_drop == 0));
        if (!refused(facts->call.flags, MT_COMPRESSION_LEAVE, &facts->call))
                assert_false(refused(flags, changes->compression, &facts->call));
        if ((changes->flags_add & MT_FLAG_POSTCOPY) != 0)
                assert_false(facts->call.paused || facts->host_device);
        assert_false(facts->call.by_unix_socket && (changes->flags_add & MT_FLAG_PARALLEL) != 0);
        assert_true(plan->technique == MT_PRE_COPY || (!facts->call.paused && !facts->host_device));
        assert_true(plan->technique == MT_PRE_COPY || (flags & MT_FLAG_POSTCOPY) != 0);
        assert_true(intent->post_copy != MT_NEVER || plan->technique == MT_PRE_COPY);
        check_permissions(intent, changes);
        check_parameters(changes);
        check_limits(facts, plan, flags);
        return changes->flags_add != 0;
}

static void test_random_calls(void **state)
{
        unsigned changed = 0;
        uint64_t added = 0;

        (void)state;
        seed = 4;
        for (unsigned i = 0; i < noise_draws(CALLS); i++) {
                struct mt_intent intent;
                struct mt_facts facts;
                struct mt_plan plan;

                draw_facts(&facts);
                draw_intent(&intent);
                mt_decide(&facts, &intent, &plan);
                changed += check(&facts, &intent, &plan);
                added |= plan.call.flags_add;
        }
        assert_true(changed > noise_draws(CALLS) / 20); /* they did say something */
        assert_int_equal(added, OURS);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_calls) };

        return cmocka_run_group_tests_name("flags_random", tests, NULL, NULL);
}
