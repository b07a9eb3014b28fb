/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes to a terminal: harmless, as wide as it should be; and reading what others wrote. */
#include "array.h"
#include "cleanup.h"
#include "command/member.h"
#include "command/migrate/screen.h"
#include "command/quantity.h"
#include "command/terminal.h"
#include "log.h"
#include "table.h"

#include <math.h>
#include <string.h>

static char out[4096];
static int32_t expected_stream = 1;

static void capture(void *ctx, int32_t stream, const char *text)
{
        (void)ctx;
        assert_int_equal(stream, expected_stream);
        (void)strncat(out, text, sizeof(out) - 1 - strlen(out));
}

static void listen(void)
{
        out[0] = '\0';
        mt_log_init(NULL, capture, NULL);
}

static const struct clean_case {
        const char *name, *text, *want;
        size_t width;
} cleans[] = {
        { "plain", "vm-1", "vm-1", 4 },
        { "nothing", "", "", 0 },
        { "a line and a tab", "a\nb\tc", "a b c", 5 },
        { "escape", "\033[31mred", "?[31mred", 8 },
        { "other C0, DEL", "\001\r\b\007\177x", "?????x", 6 },
        { "C1: CSI in UTF-8", "a\302\233b", "a?b", 3 },
        { "C1 as a byte", "a\233b", "a?b", 3 },
        { "no UTF-8", "\377\300\200\355\240\200\364\220\200\200z", "??????????z", 11 },
        { "cut short", "a\342\202", "a??", 3 },
        { "right to left", "a\342\200\256b\342\200\254", "a?b?", 4 },
        { "no width", "a\342\200\213b\357\273\277", "a?b?", 4 },
        { "accents", "gr\303\266\303\237e", "gr\303\266\303\237e", 5 },
        { "combining", "e\314\201x", "e\314\201x", 2 },
        { "wide", "\346\227\245\346\234\254", "\346\227\245\346\234\254", 4 },
        { "emoji", "\360\237\230\200", "\360\237\230\200", 2 },
};

static void test_clean(void **state)
{
        const struct clean_case *c = *state;
        char text[64];

        (void)snprintf(text, sizeof(text), "%s", c->text);
        mt_terminal_clean(text);
        assert_string_equal(text, c->want);
        assert_int_equal(mt_terminal_width(text), c->width);
}

static const struct cut_case {
        const char *name, *text;
        size_t columns;
        const char *cut, *clipped;
} cuts[] = {
        { "fits", "vm-1", 4, "vm-1", "vm-1" },
        { "one too many", "instance-1", 9, "inst~ce-1", "instance-" },
        { "even", "abcdefghij", 6, "abc~ij", "abcdef" },
        { "three", "abcdef", 3, "a~f", "abc" },
        { "two", "abcdef", 2, "ab", "ab" },
        { "none", "abc", 0, "", "" },
        { "wide ones", "\346\227\245\346\227\245\346\227\245", 5, "\346\227\245~\346\227\245", "\346\227\245\346\227\245" },
        { "a wide one does not fit", "\346\227\245\346\227\245", 3, "~\346\227\245", "\346\227\245" },
        { "a combining mark stays", "e\314\201abc", 3, "e\314\201~c", "e\314\201ab" },
};

static void test_cut(void **state)
{
        const struct cut_case *c = *state;
        char cut[64], clipped[64];

        (void)snprintf(cut, sizeof(cut), "%s", c->text);
        (void)snprintf(clipped, sizeof(clipped), "%s", c->text);
        mt_terminal_cut(cut, c->columns);
        mt_terminal_clip(clipped, c->columns);
        assert_string_equal(cut, c->cut);
        assert_string_equal(clipped, c->clipped);
        assert_true(mt_terminal_width(cut) <= c->columns);
}

static void test_cells(void **state)
{
        struct mt_line line = { .used = 0 };

        (void)state;
        listen();
        mt_line_cell(&line, "ab", 4, true, MT_RED);
        mt_line_cell(&line, "\346\227\245", 4, false, "");
        mt_line_cell(&line, "", 2, true, MT_BOLD); /* nothing to colour */
        mt_line_print(&line);
        assert_string_equal(out, MT_RED "ab" MT_PLAIN "    \346\227\245\n");
        assert_int_equal(line.used, 0);
        for (unsigned i = 0; i < 300; i++) /* more than fits */
                mt_line_add(&line, "0123456789");
        assert_int_equal(strlen(line.text), sizeof(line.text) - 1);
}

static const struct wrap_case {
        const char *name, *text;
        size_t indent, columns;
        const char *want;
} wraps[] = {
        { "short", "a b", 2, 20, "a b\n" },
        { "just fits", "abc defg", 2, 10, "abc defg\n" },
        { "one too many", "abc defgh", 2, 10, "abc\n  defgh\n" },
        { "no limit", "abc defgh", 2, 0, "abc defgh\n" },
        { "a long word", "abc defghijklmno p", 2, 8, "abc\n  defghijklmno\n  p\n" },
        { "nothing", "", 2, 8, "\n" },
};

static void test_wrap(void **state)
{
        const struct wrap_case *c = *state;

        listen();
        mt_terminal_wrap(c->text, c->indent, c->columns);
        assert_string_equal(out, c->want);
}

static const struct json_case {
        const char *name, *json, *want;
} jsons[] = {
        { "plain", "{\"a\":\"\303\266\"}", "{\"a\":\"\303\266\"}\n" },
        { "DEL and C1", "\"\177\302\233\"", "\"\\u007f\\u009b\"\n" },
        { "between tokens", "{\t\"a\":1}\r", "{ \"a\":1} \n" },
        { "no UTF-8", "\"\233\"", "\"?\"\n" },
        { "right to left", "\"\342\200\256x\342\200\254\"", "\"\\u202ex\\u202c\"\n" },
        { "beyond 16 bits", "\"\363\240\200\201\360\237\230\200\"", "\"\\udb40\\udc01\360\237\230\200\"\n" },
};

static void test_json(void **state)
{
        const struct json_case *c = *state;
        MT_CLEANUP(mt_member_putp) json_object *before = json_tokener_parse(c->json);
        MT_CLEANUP(mt_member_putp) json_object *after = NULL;

        listen();
        mt_terminal_json(c->json);
        assert_string_equal(out, c->want);
        after = json_tokener_parse(out);
        assert_non_null(after);
        if (strcmp(c->name, "no UTF-8") != 0)
                assert_true(json_object_equal(before, after));
}

static const struct quantity_case {
        const char *name;
        const char *(*format)(char *text, size_t size, double value);
        double value;
        const char *want;
} quantities[] = {
        { "0 ms", mt_quantity_time, 0.0, "0 ms" },
        { "999 ms", mt_quantity_time, 999.4, "999 ms" },
        { "a second", mt_quantity_time, 999.6, "1.0 s" },
        { "599.9 s", mt_quantity_time, 599900.0, "599.9 s" },
        { "10 min", mt_quantity_time, 599960.0, "10.0 min" },
        { "2 h", mt_quantity_time, 7200000.0, "2.0 h" },
        { "4 d", mt_quantity_time, 4 * 864e5, "4.0 d" },
        { "400 d", mt_quantity_time, 400 * 864e5, "400 d" },
        { "an age", mt_quantity_time, 1.8e19, ">9999 d" },
        { "unknown time", mt_quantity_time, (double)NAN, "-" },
        { "endless", mt_quantity_time, (double)INFINITY, "never" },
        { "0 B", mt_quantity_bytes, 0.0, "0 B" },
        { "1 KiB", mt_quantity_bytes, 1000.0, "1.0 KiB" },
        { "4 GiB", mt_quantity_bytes, 4.0 * 0x1p30, "4.0 GiB" },
        { "1 PiB", mt_quantity_bytes, 0x1p50, "1.0 PiB" },
        { "2^64 B", mt_quantity_bytes, 0x1p64, "16.0 EiB" },
        { "too many bytes", mt_quantity_bytes, 1e300, ">999 EiB" },
        { "no rate", mt_quantity_rate, 0.0, "0 Mbit/s" },
        { "kbit", mt_quantity_rate, 0.5, "500.0 kbit/s" },
        { "Mbit", mt_quantity_rate, 250.04, "250.0 Mbit/s" },
        { "Gbit", mt_quantity_rate, 25000.0, "25.0 Gbit/s" },
        { "too fast", mt_quantity_rate, 1e300, ">999 Tbit/s" },
        { "rounds", mt_quantity_count, 7.0, "7" },
        { "too many rounds", mt_quantity_count, 4294967295.0, ">9999" },
};

static void test_quantity(void **state)
{
        const struct quantity_case *c = *state;
        char text[MT_QUANTITY_SIZE];

        assert_string_equal(c->format(text, sizeof(text), c->value), c->want);
}

/* Whatever the value, a cell keeps its width. */
static void test_quantity_widths(void **state)
{
        char text[MT_QUANTITY_SIZE];

        (void)state;
        for (double value = 1e-3; value < 1e30; value *= 1.01) {
                assert_true(strlen(mt_quantity_time(text, sizeof(text), value)) <= 8);
                assert_true(strlen(mt_quantity_bytes(text, sizeof(text), value)) <= 9);
                assert_true(strlen(mt_quantity_rate(text, sizeof(text), value)) <= 12);
                assert_true(strlen(mt_quantity_count(text, sizeof(text), value)) <= 5);
        }
}

static const char members[] =
        "{\"a\":{\"b\":{\"c\":3.5}},\"null\":null,\"text\":\"t\",\"yes\":true,\"no\":false,\"list\":[1,2],\"minus\":-1,"
        "\"huge\":1e999,\"big\":18446744073709551615,\"longer than any key that there is in a record of ours\":1}";

static const struct member_case {
        const char *name; /* the path */
        double number, predicted;
        const char *text;
        bool is_true;
        size_t count;
} member_cases[] = {
        { "a/b/c", 3.5, 3.5, "", false, 0 },
        { "a/b", (double)NAN, (double)NAN, "", false, 0 },
        { "a/x/c", (double)NAN, (double)NAN, "", false, 0 },
        { "a/b/c/d", (double)NAN, (double)NAN, "", false, 0 },
        { "null", (double)NAN, (double)INFINITY, "", false, 0 },
        { "null/x", (double)NAN, (double)NAN, "", false, 0 },
        { "missing", (double)NAN, (double)NAN, "", false, 0 },
        { "text", (double)NAN, (double)NAN, "t", false, 0 },
        { "yes", (double)NAN, (double)NAN, "", true, 0 },
        { "no", (double)NAN, (double)NAN, "", false, 0 },
        { "list", (double)NAN, (double)NAN, "", false, 2 },
        { "minus", (double)NAN, (double)NAN, "", false, 0 },
        { "huge", (double)NAN, (double)NAN, "", false, 0 },
        { "big", 18446744073709551615.0, 18446744073709551615.0, "", false, 0 },
        { "longer than any key that there is in a record of ours", (double)NAN, (double)NAN, "", false, 0 },
        { "", (double)NAN, (double)NAN, "", false, 0 },
};

static bool same(double a, double b)
{
        return isnan(a) ? isnan(b) : isinf(a) || isinf(b) ? isinf(a) && isinf(b) : fabs(a - b) < 1e-9 * fabs(a) + 1e-12;
}

static void test_member(void **state)
{
        const struct member_case *c = *state;
        MT_CLEANUP(mt_member_putp) json_object *o = json_tokener_parse(members);

        assert_non_null(o);
        assert_true(same(mt_member_number(o, c->name), c->number));
        assert_true(same(mt_member_predicted(o, c->name), c->predicted));
        assert_string_equal(mt_member_text(o, c->name), c->text);
        assert_int_equal(mt_member_is_true(o, c->name), c->is_true);
        assert_int_equal(mt_member_count(o, c->name), c->count);
        assert_string_equal(mt_member_text(NULL, c->name), "");
}

static void test_clean_json(void **state)
{
        static const char evil[] = "{\"a\":\"\\u001b[1m\",\"b\":[\"\\u009b\",{\"c\":\"x\\ny\"}],\"d\":7,\"e\":null}";
        MT_CLEANUP(mt_member_putp) json_object *o = json_tokener_parse(evil);

        (void)state;
        assert_non_null(o);
        mt_member_clean(o);
        assert_string_equal(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN),
                            "{\"a\":\"?[1m\",\"b\":[\"?\",{\"c\":\"x y\"}],\"d\":7,\"e\":null}");
        mt_member_clean(NULL);
}

/* What is said of others' errors, by a command that only complains and by one that draws. */
static void test_said(void **state)
{
        struct mt_screen screen = { .is_terminal = false };

        (void)state;
        expected_stream = 2;
        listen();
        mt_terminal_complain("get", "%s", "no \033[2Jdomain");
        assert_string_equal(out, "migtune get: no ?[2Jdomain\n");
        listen();
        mt_screen_note(&screen, "vm1: failed: %s", "\033]0;x\nmoved");
        assert_string_equal(out, "vm1: failed: ?]0;x moved\n");
        expected_stream = 1;
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_cells),
                cmocka_unit_test(test_quantity_widths),
                cmocka_unit_test(test_clean_json),
                cmocka_unit_test(test_said),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(cleans) + MT_ARRAY_SIZE(cuts) + MT_ARRAY_SIZE(wraps) + MT_ARRAY_SIZE(jsons) +
                                MT_ARRAY_SIZE(quantities) + MT_ARRAY_SIZE(member_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, cleans, test_clean);
        ADD_ROWS(tests, n, cuts, test_cut);
        ADD_ROWS(tests, n, wraps, test_wrap);
        ADD_ROWS(tests, n, jsons, test_json);
        ADD_ROWS(tests, n, quantities, test_quantity);
        ADD_ROWS(tests, n, member_cases, test_member);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("terminal", tests, n, NULL, NULL);
}
