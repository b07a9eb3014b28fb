/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dirty-rate sampler's table, driven as its thread does, on a clock of the test's own. */
#ifndef MT_TEST_DIRTY_H
#define MT_TEST_DIRTY_H

#include "measure/dirty_table.h"
#include "table.h"
#include "units.h"

#define UUID_A "aaaaaaaa-0000-4000-8000-000000000001"
#define UUID_B "bbbbbbbb-0000-4000-8000-000000000002"
#define START UINT64_C(1000000)
#define MINUTE UINT64_C(60000)
#define STEP 1000

static inline void done(struct mt_dirty_table *table)
{
        mt_dirty_table_done(table);
        assert_null(table->entries);
}

/* Waits for the domain's next window; returns its length. */
static inline unsigned due(struct mt_dirty_table *table, const char *uuid, uint64_t *now)
{
        unsigned seconds = 0;

        while (mt_dirty_table_next(table, uuid, *now, true, &seconds) != MT_DIRTY_MEASURE)
                *now += STEP;
        return seconds;
}

/* A window that is due, until its result is stored. */
static inline void run(struct mt_dirty_table *table, const char *uuid, unsigned seconds, uint64_t mib_s, uint64_t *now)
{
        unsigned got = 0;

        mt_dirty_table_started(table, uuid, seconds, *now);
        while (mt_dirty_table_next(table, uuid, *now, true, &got) != MT_DIRTY_COLLECT)
                *now += STEP;
        assert_int_equal(got, seconds);
        mt_dirty_table_store(table, uuid, seconds, mib_s * MT_MIB, *now);
}

/* The next window, which is of this length. */
static inline void measure(struct mt_dirty_table *table, const char *uuid, unsigned seconds, uint64_t mib_s, uint64_t *now)
{
        assert_int_equal(due(table, uuid, now), seconds);
        run(table, uuid, seconds, mib_s, now);
}

#endif
