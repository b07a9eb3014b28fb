/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host has to spare. */
#include "measure/headroom.h"
#include "table.h"
#include "units.h"

#include <math.h>

static void test_headroom(void **state)
{
        static const char meminfo[] =
                "MemTotal:       32594424 kB\nMemFree:         1015008 kB\nMemAvailable:   2097152 kB\n";
        struct mt_headroom_fact headroom = mt_headroom_make(2.0, 8, meminfo);

        (void)state;
        assert_true(headroom.cpu_known && !headroom.given && headroom.cpus == 8);
        assert_true(fabs(headroom.cpu_idle_share - 0.75) < 1e-9);
        assert_true(headroom.memory_free_bytes == 2 * MT_GIB);
        assert_true(fabs(mt_headroom_make(99.0, 8, NULL).cpu_idle_share) < 1e-9);
        assert_false(mt_headroom_make(-1.0, 8, "MemTotal: 1 kB\n").cpu_known);
        assert_false(mt_headroom_make(1.0, 0, NULL).cpu_known);
        assert_true(mt_headroom_make(1.0, 1, "MemAvailable: many kB\n").memory_free_bytes == 0);
        headroom = mt_headroom_read();
        assert_true(headroom.cpus > 0 && headroom.cpu_idle_share >= 0.0 && headroom.cpu_idle_share <= 1.0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_headroom) };

        return cmocka_run_group_tests_name("headroom", tests, NULL, NULL);
}
