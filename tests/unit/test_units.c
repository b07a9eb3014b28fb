/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "table.h"
#include "units.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define UNTOUCHED UINT64_C(7777)

static const struct parse_case {
        const char *name;
        int (*parse)(const char *, uint64_t *);
        const char *text;
        int want_r;
        uint64_t want;
} parse_cases[] = {
        { "rate: bit", mt_parse_rate, "8bit", 0, 1 },
        { "rate: kbit", mt_parse_rate, "1kbit", 0, 125 },
        { "rate: Mbit", mt_parse_rate, "250Mbit", 0, 31250000 },
        { "rate: Gbit", mt_parse_rate, "25Gbit", 0, UINT64_C(3125000000) },
        { "rate: decimals", mt_parse_rate, "0.1Mbit", 0, 12500 },
        { "rate: bits round to nearest byte, up", mt_parse_rate, "12bit", 0, 2 },
        { "rate: bits round to nearest byte, down", mt_parse_rate, "11bit", 0, 1 },
        { "rate: per second may be said", mt_parse_rate, "268.4 Mbit/s", 0, 33550000 },
        { "rate: MiB/s", mt_parse_rate, "30MiB/s", 0, UINT64_C(30) * 1048576 },
        { "rate: KiB/s", mt_parse_rate, "1.5KiB/s", 0, 1536 },
        { "rate: GiB/s", mt_parse_rate, "2GiB/s", 0, UINT64_C(2147483648) },
        { "rate: B/s", mt_parse_rate, "42B/s", 0, 42 },
        { "rate: zero with unit", mt_parse_rate, "0Mbit", 0, 0 },
        { "rate: no unit", mt_parse_rate, "250", -EINVAL, UNTOUCHED },
        { "rate: no number", mt_parse_rate, "Mbit", -EINVAL, UNTOUCHED },
        { "rate: empty", mt_parse_rate, "", -EINVAL, UNTOUCHED },
        { "rate: wrong case", mt_parse_rate, "250mbit", -EINVAL, UNTOUCHED },
        { "rate: size unit", mt_parse_rate, "4GiB", -EINVAL, UNTOUCHED },
        { "rate: trailing", mt_parse_rate, "250Mbit ", -EINVAL, UNTOUCHED },
        { "rate: leading", mt_parse_rate, " 250Mbit", -EINVAL, UNTOUCHED },
        { "rate: two spaces", mt_parse_rate, "250  Mbit", -EINVAL, UNTOUCHED },
        { "rate: plus", mt_parse_rate, "+250Mbit", -EINVAL, UNTOUCHED },
        { "rate: exponent", mt_parse_rate, "1e3Mbit", -EINVAL, UNTOUCHED },
        { "rate: comma", mt_parse_rate, "0,1Mbit", -EINVAL, UNTOUCHED },
        { "rate: two points", mt_parse_rate, "1.2.3Mbit", -EINVAL, UNTOUCHED },
        { "rate: point last", mt_parse_rate, "1.Mbit", -EINVAL, UNTOUCHED },
        { "rate: point first", mt_parse_rate, ".5Mbit", -EINVAL, UNTOUCHED },
        { "rate: auto is no rate", mt_parse_rate, "auto", -EINVAL, UNTOUCHED },
        { "rate: nan", mt_parse_rate, "nanMbit", -EINVAL, UNTOUCHED },
        { "rate: negative", mt_parse_rate, "-1Mbit", -ERANGE, UNTOUCHED },
        { "rate: negative nonsense", mt_parse_rate, "-Mbit", -EINVAL, UNTOUCHED },
        { "rate: too large", mt_parse_rate, "99999999999Gbit", -ERANGE, UNTOUCHED },
        { "rate: digits beyond 64 bits", mt_parse_rate, "99999999999999999999999bit", -ERANGE, UNTOUCHED },
        { "rate: most decimals count", mt_parse_rate, "0.123456789Gbit", 0, 15432099 },
        { "rate: further decimals are cut", mt_parse_rate, "0.12345678999999Gbit", 0, 15432099 },
        { "size: B", mt_parse_size, "512B", 0, 512 },
        { "size: KiB", mt_parse_size, "4KiB", 0, 4096 },
        { "size: MiB", mt_parse_size, "128MiB", 0, UINT64_C(134217728) },
        { "size: GiB", mt_parse_size, "4GiB", 0, UINT64_C(4294967296) },
        { "size: decimals", mt_parse_size, "1.5GiB", 0, UINT64_C(1610612736) },
        { "size: SI unit", mt_parse_size, "4GB", -EINVAL, UNTOUCHED },
        { "size: no unit", mt_parse_size, "4294967296", -EINVAL, UNTOUCHED },
        { "size: 2^64 B is MT_AUTO's", mt_parse_size, "18446744073709551615B", -ERANGE, UNTOUCHED },
        { "size: the largest", mt_parse_size, "18446744073709551614B", 0, UINT64_MAX - 1 },
        { "size: too large", mt_parse_size, "17179869184GiB", -ERANGE, UNTOUCHED },
        { "time: ms", mt_parse_time, "300ms", 0, 300 },
        { "time: s", mt_parse_time, "5s", 0, 5000 },
        { "time: min", mt_parse_time, "2min", 0, 120000 },
        { "time: decimals", mt_parse_time, "0.25s", 0, 250 },
        { "time: rounds to nearest ms", mt_parse_time, "0.0006s", 0, 1 },
        { "time: no unit", mt_parse_time, "300", -EINVAL, UNTOUCHED },
        { "time: unknown unit", mt_parse_time, "1h", -EINVAL, UNTOUCHED },
        { "time: negative", mt_parse_time, "-5s", -ERANGE, UNTOUCHED },
};

static void test_parse(void **state)
{
        const struct parse_case *c = *state;
        uint64_t got = UNTOUCHED;

        assert_int_equal(c->parse(c->text, &got), c->want_r);
        assert_true(got == c->want);
}

static const struct format_case {
        const char *name;
        const char *(*format)(char *, size_t, uint64_t);
        int (*parse)(const char *, uint64_t *); /* what reads it back; NULL: nothing does */
        uint64_t value;
        const char *want;
} format_cases[] = {
        { "format rate: zero", mt_format_rate, mt_parse_rate, 0, "0 bit/s" },
        { "format rate: bits", mt_format_rate, mt_parse_rate, 100, "800 bit/s" },
        { "format rate: kbit", mt_format_rate, mt_parse_rate, 125, "1.0 kbit/s" },
        { "format rate: Mbit", mt_format_rate, mt_parse_rate, 33554432, "268.4 Mbit/s" },
        { "format rate: never 1000.0", mt_format_rate, mt_parse_rate, 124999999, "1.0 Gbit/s" },
        { "format rate: Gbit", mt_format_rate, mt_parse_rate, UINT64_C(3125000000), "25.0 Gbit/s" },
        { "format rate: beyond 2^61 bytes/s", mt_format_rate, NULL, UINT64_MAX - 1, "147573952589.0 Gbit/s" },
        { "format rate: auto", mt_format_rate, NULL, MT_AUTO, "auto" },
        { "format size: B", mt_format_size, mt_parse_size, 1023, "1023 B" },
        { "format size: KiB", mt_format_size, mt_parse_size, 1536, "1.5 KiB" },
        { "format size: MiB", mt_format_size, mt_parse_size, 5 * MT_MIB, "5.0 MiB" },
        { "format size: never 1024.0 MiB", mt_format_size, mt_parse_size, MT_GIB - 1, "1.0 GiB" },
        { "format size: GiB", mt_format_size, mt_parse_size, 5 * MT_GIB / 2, "2.5 GiB" },
        { "format size: auto", mt_format_size, NULL, MT_AUTO, "auto" },
        { "format time: ms", mt_format_time, mt_parse_time, 999, "999 ms" },
        { "format time: s", mt_format_time, mt_parse_time, 7450, "7.5 s" },
        { "format time: 90 s", mt_format_time, mt_parse_time, 90000, "90.0 s" },
        { "format time: min", mt_format_time, mt_parse_time, 150000, "2.5 min" },
        { "format time: auto", mt_format_time, NULL, MT_AUTO, "auto" },
};

static void test_format(void **state)
{
        const struct format_case *c = *state;
        char text[64];
        uint64_t back;

        assert_string_equal(c->format(text, sizeof(text), c->value), c->want);
        if (c->parse == NULL)
                return;
        /* what is printed can be pasted back, and means the same to one decimal of its unit */
        assert_int_equal(c->parse(text, &back), 0);
        assert_true(fabs((double)back - (double)c->value) <= 0.0501 * (double)c->value);
}

static void test_conversions(void **state)
{
        (void)state;
        assert_true(mt_mbps(125000) == 1.0);
        assert_true(mt_bytes_s(1.0) == 125000);
        assert_true(mt_mbit(UINT64_C(1073741824)) == 8589.934592);
        assert_true(mt_bytes(8589.934592) == UINT64_C(1073741824));
        assert_true(mt_seconds(1500) == 1.5);
        assert_true(mt_ms(0.0014) == 1);
        assert_true(mt_ms(0.0016) == 2);
        assert_true(mt_bytes_s(-1.0) == 0);
        assert_true(mt_bytes_s((double)NAN) == 0);
        assert_true(mt_bytes((double)INFINITY) == UINT64_MAX - 1);
        assert_true(mt_ms(1e300) == UINT64_MAX - 1);
        assert_true(mt_bytes_s(mt_mbps(UINT64_C(123456789012))) == UINT64_C(123456789012));
}

static void test_mib_s_ceil(void **state)
{
        (void)state;
        assert_true(mt_mib_s_ceil(0) == 1);
        assert_true(mt_mib_s_ceil(1) == 1);
        assert_true(mt_mib_s_ceil(MT_MIB) == 1);
        assert_true(mt_mib_s_ceil(MT_MIB + 1) == 2);
        assert_true(mt_mib_s_ceil(UINT64_MAX) == UINT64_C(17592186044416));
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(parse_cases) + MT_ARRAY_SIZE(format_cases) + 2];
        size_t n = 0;

        ADD_ROWS(tests, n, parse_cases, test_parse);
        ADD_ROWS(tests, n, format_cases, test_format);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_conversions);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_mib_s_ceil);
        return _cmocka_run_group_tests("units", tests, n, NULL, NULL);
}
