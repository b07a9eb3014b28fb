/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/status_file.h"
#include "table.h"

#include <errno.h>
#include <string.h>

#define HEAD "<domstatus state='paused' reason='post-copy' pid='4711'>\n  <taint flag='high-privileges'/>\n"
#define TAIL "  <domain type='kvm' id='1'><name>vm</name></domain>\n</domstatus>\n"

static const struct status_case {
        const char *name, *text;
        int want_r;
        uint64_t want;
} cases[] = {
        { "peer to peer, post-copy",
          HEAD
          "  <job type='none' async='migration out' phase='perform3_done' flags='0x8003' asyncStarted='1'>\n  </job>\n" TAIL,
          0, 0x8003 },
        { "conducted by its client, failed",
          HEAD "  <job type='none' async='migration out' phase='postcopy_failed' flags='0x8101' asyncPaused='yes'/>\n" TAIL,
          0, 0x8101 },
        { "flags beyond 32 bits", HEAD "<job async='migration out' flags='0x100000001'/>" TAIL, 0, UINT64_C(0x100000001) },
        { "no job", HEAD TAIL, -ENOENT, 7 },
        { "an incoming one", HEAD "<job type='none' async='migration in' phase='finish3' flags='0x8003'/>" TAIL, -ENOENT,
          7 },
        { "another job", HEAD "<job type='modify' async='none'/>" TAIL, -ENOENT, 7 },
        { "no flags", HEAD "<job async='migration out'/>" TAIL, -ENOENT, 7 },
        { "the guest's own words do not count",
          HEAD "<domain><metadata><job async='migration out' flags='0x1'/></metadata></domain></domstatus>", -ENOENT, 7 },
        { "no number", HEAD "<job async='migration out' flags='many'/>" TAIL, -EINVAL, 7 },
        { "a number and more", HEAD "<job async='migration out' flags='0x1z'/>" TAIL, -EINVAL, 7 },
        { "too large", HEAD "<job async='migration out' flags='0x10000000000000000'/>" TAIL, -EINVAL, 7 },
        { "cut off", HEAD "<job async='migration out' flags='0x1'", -EINVAL, 7 },
        { "empty", "", -EINVAL, 7 },
        { "no XML", "no", -EINVAL, 7 },
};

static void test_parse(void **state)
{
        const struct status_case *c = *state;
        uint64_t got = 7; /* a failure leaves it alone */

        assert_int_equal(mt_status_parse_flags(c->text, strlen(c->text), &got, NULL), c->want_r);
        assert_true(got == c->want);
}

static void test_missing(void **state)
{
        struct mt_err err = { 0 };
        uint64_t got = 7;

        (void)state;
        assert_int_equal(mt_status_migration_flags("no such domain", &got, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "no such domain.xml"));
        assert_int_equal(mt_status_migration_flags("../../../etc/passwd", &got, &err), -ENOENT);
        assert_true(got == 7);
}

int main(void)
{
        struct CMUnitTest tests[sizeof(cases) / sizeof(cases[0]) + 1];
        size_t n = 0;

        ADD_ROWS(tests, n, cases, test_parse);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_missing);
        return _cmocka_run_group_tests("status_file", tests, n, NULL, NULL);
}
