/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of a call's flags. */
#include "array.h"
#include "call_flags.h"
#include "table.h"

#include <errno.h>

static void test_words(void **state)
{
        static const char *const bad[] = { "live,", ",live", "alive", "live p2p", "LIVE", "live,,p2p" };
        uint64_t flags = 7;

        (void)state;
        assert_int_equal(mt_flags_parse("", &flags), 0);
        assert_int_equal(flags, 0);
        assert_int_equal(mt_flags_parse("live,p2p,persistent,undefinesource", &flags), 0);
        assert_int_equal(flags, 0x1b);
        for (size_t i = 0; i < MT_ARRAY_SIZE(bad); i++) {
                flags = 7;
                assert_int_equal(mt_flags_parse(bad[i], &flags), -EINVAL);
                assert_int_equal(flags, 7);
        }
        for (unsigned bit = 0; bit < 64; bit++)
                if (mt_flag_name(bit) != NULL) {
                        assert_int_equal(mt_flags_parse(mt_flag_name(bit), &flags), 0);
                        assert_true(flags == UINT64_C(1) << bit);
                }
        assert_null(mt_flag_name(21));
        assert_null(mt_flag_name(63));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_words) };

        return cmocka_run_group_tests_name("call_flags", tests, NULL, NULL);
}
