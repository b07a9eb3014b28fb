/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the dirty-rate sampler makes of guests that write in bursts, and of guests that go to another host and come back. */
#include "dirty.h"
#include "array.h"
#include "table.h"

/* Windows of a second miss what a guest writes in bursts; where many pages are written again, the long ones show less. */
static void test_rate(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };
        uint64_t now = START;

        (void)state;
        measure(&table, UUID_A, MT_DIRTY_SHORT_S, 4, &now);
        assert_true(mt_dirty_table_rate(mt_dirty_table_find(&table, UUID_A)) == 4.0 * MT_MIB);
        measure(&table, UUID_A, MT_DIRTY_LONG_S, 20, &now);
        assert_true(mt_dirty_table_rate(mt_dirty_table_find(&table, UUID_A)) == 20.5 * MT_MIB);
        measure(&table, UUID_B, MT_DIRTY_SHORT_S, 50, &now);
        measure(&table, UUID_B, MT_DIRTY_LONG_S, 20, &now);
        assert_true(mt_dirty_table_rate(mt_dirty_table_find(&table, UUID_B)) == 50.0 * MT_MIB);
        done(&table);
}

/* Looks at all running domains, in which this one is or is not. */
static void look(struct mt_dirty_table *table, bool is_here, unsigned times, uint64_t *now)
{
        unsigned seconds;

        for (unsigned i = 0; i < times; i++) {
                if (is_here)
                        (void)mt_dirty_table_next(table, UUID_A, *now, /* may_start= */ false, &seconds);
                mt_dirty_table_forget(table, *now);
                *now += STEP;
        }
}

/* Gone to another host and back: new, however short that took. A look or two that miss it are no absence. */
static void test_was_away(void **state)
{
        struct mt_dirty_table table = { .every_ms = MINUTE };
        const struct mt_dirty_entry *entry;
        uint64_t now = START, left;

        (void)state;
        for (unsigned windows = 0; windows < 9; windows++)
                run(&table, UUID_A, due(&table, UUID_A, &now), 10, &now);
        entry = mt_dirty_table_find(&table, UUID_A);
        look(&table, true, 5, &now);
        look(&table, false, 2, &now);
        look(&table, true, 5, &now);
        assert_true(entry->samples > 4 && entry->pairs > 0);
        look(&table, false, 20, &now);
        assert_true(entry->samples > 4); /* who asks meanwhile is told what is known */
        left = now;
        look(&table, true, 1, &now);
        assert_int_equal(entry->samples, 0);
        assert_int_equal(entry->pairs, 0);
        measure(&table, UUID_A, MT_DIRTY_SHORT_S, 100, &now);
        assert_true(now - left < 10000 && entry->bytes_s == 100.0 * MT_MIB);
        measure(&table, UUID_A, MT_DIRTY_LONG_S, 100, &now); /* a pair at once, as of any new one */
        done(&table);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rate),
                cmocka_unit_test(test_was_away),
        };

        return cmocka_run_group_tests_name("dirty_away", tests, NULL, NULL);
}
