/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a job's rounds tell, from the statistics of a copy that is played through here. */
#include "cleanup.h"
#include "clock.h"
#include "steer/job_state.h"
#include "table.h"

#include <math.h>
#include <string.h>

#define MEMORY (1024 * MT_MIB)

struct fixture {
        struct mt_host host;
        struct mt_job job;
};

static void begin(struct fixture *f, uint64_t resident_bytes)
{
        (void)memset(f, 0, sizeof(*f));
        f->job.facts = (struct mt_facts){ .memory_bytes = MEMORY, .resident_bytes = resident_bytes };
        f->job.stats.memory_total_bytes = MEMORY;
}

/* A round of ms ends: sent bytes went over, and then QEMU finds to_send. */
static void round_ends(struct fixture *f, uint64_t ms, uint64_t sent_bytes, uint64_t to_send_bytes)
{
        f->job.iteration = f->job.iteration > 0 ? f->job.iteration + 1 : 2;
        f->job.at_boundary = true;
        f->job.last_round_ms = ms;
        f->job.round_began_ms = mt_now_ms();
        f->job.stats.memory_processed_bytes += sent_bytes;
        f->job.stats.memory_remaining_bytes = to_send_bytes;
        mt_job_note_round(&f->host, &f->job);
        f->job.at_boundary = false;
}

static void assert_close(uint64_t got, double want, double part)
{
        if (fabs((double)got - want) > part * want)
                fail_msg("got %.1f MiB, wanted %.1f", (double)got / (double)MT_MIB, want / (double)MT_MIB);
}

static void test_dirty_rate_of_a_round(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 500 * MT_MIB);
        round_ends(&f, 5000, 500 * MT_MIB, 100 * MT_MIB);
        assert_close(f.job.facts.round_dirty_rate_bytes_s, 20.0 * MT_MIB, 1e-3);
        assert_close(f.job.facts.clean_bytes, 400.0 * MT_MIB, 1e-3);
        assert_int_equal(f.job.facts.round, 2);
        round_ends(&f, 1000, 100 * MT_MIB, 20 * MT_MIB);
        assert_close(f.job.facts.round_dirty_rate_bytes_s, 20.0 * MT_MIB, 1e-3);
}

/* QEMU looks before all was sent: what was left is not what the round dirtied. */
static void test_early_look(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 500 * MT_MIB);
        round_ends(&f, 5000, 500 * MT_MIB, 30 * MT_MIB);
        round_ends(&f, 200, 10 * MT_MIB, 24 * MT_MIB); /* 20 unsent, 4 dirtied */
        assert_close(f.job.facts.round_dirty_rate_bytes_s, 20.0 * MT_MIB, 1e-3);
        round_ends(&f, 200, 10 * MT_MIB, 10 * MT_MIB); /* fewer than were unsent: none dirtied */
        assert_int_equal(f.job.facts.round_dirty_rate_bytes_s, 0);
}

/* What counts towards max_iterations: full rounds, and those that were cut short in part. */
static void test_weights(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 500 * MT_MIB);
        round_ends(&f, 5000, 500 * MT_MIB, 100 * MT_MIB);
        assert_true(fabs(f.job.rounds - 1.0) < 1e-9);
        round_ends(&f, 500, 72 * MT_MIB, 60 * MT_MIB); /* 28 unsent: as full as a round gets */
        assert_true(fabs(f.job.rounds - 2.0) < 1e-9);
        round_ends(&f, 100, 15 * MT_MIB, 48 * MT_MIB); /* a quarter of the 60 */
        assert_true(fabs(f.job.rounds - 2.5) < 1e-9);
        round_ends(&f, 10, 0, 48 * MT_MIB);
        assert_true(fabs(f.job.rounds - 2.5) < 1e-9);
}

/* Between the beginnings of rounds what is clean is reckoned; in the first pass untouched memory counts for nothing. */
static void test_first_pass(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 512 * MT_MIB);
        f.job.iteration = 1;
        f.job.round_began_ms = mt_now_ms() - 2000;
        f.job.facts.dirty_rate_bytes_s = 16 * MT_MIB;
        f.job.stats.memory_remaining_bytes = 768 * MT_MIB; /* a quarter is done: 128 MiB, of which 8 MiB were dirtied */
        mt_job_note_round(&f.host, &f.job);
        assert_int_equal(f.job.facts.round, 1);
        assert_close(f.job.facts.clean_bytes, 120.0 * MT_MIB, 0.05);
        assert_int_equal(f.job.n_dirtied, 0);
}

/* Rounds of a guest with a hot set of 48 MiB at 100 MiB/s and 5 MiB/s of cold pages, at 100 MiB/s. */
static void test_hot_pages(void **state)
{
        struct fixture f;
        double to_send = 400, H = 48;

        (void)state;
        begin(&f, 400 * MT_MIB);
        for (unsigned i = 0; i < 30; i++) { /* more than it remembers */
                double t = to_send / 100, dirtied = 5 * t + H * (1 - exp(-100 * t / H));

                round_ends(&f, (uint64_t)(t * 1000), (uint64_t)(to_send * (double)MT_MIB),
                           (uint64_t)(dirtied * (double)MT_MIB));
                to_send = dirtied;
                if (i == 2) {
                        assert_int_equal(f.job.facts.hot_source, MT_HOT_IN_FLIGHT);
                        assert_close(f.job.facts.hot_bytes, H * (double)MT_MIB, 0.25);
                        assert_close(f.job.facts.cold_rate_bytes_s, 5.0 * (double)MT_MIB, 0.6);
                }
        }
        assert_int_equal(f.job.n_dirtied, MT_HOT_ROUNDS);
}

/* A guest that dirties every page alike has none. */
static void test_no_hot_pages(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, 400 * MT_MIB);
        for (double to_send = 400; to_send > 5; to_send *= 0.2)
                round_ends(&f, (uint64_t)(to_send * 10), (uint64_t)(to_send * (double)MT_MIB),
                           (uint64_t)(to_send * 0.2 * (double)MT_MIB));
        assert_int_equal(f.job.facts.hot_bytes, 0);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_dirty_rate_of_a_round),
                cmocka_unit_test(test_early_look),
                cmocka_unit_test(test_weights),
                cmocka_unit_test(test_first_pass),
                cmocka_unit_test(test_hot_pages),
                cmocka_unit_test(test_no_hot_pages),
        };

        return cmocka_run_group_tests_name("rounds", tests, NULL, NULL);
}
