/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"
#include "versions.h"

#include <string.h>

#define V MT_VERSION

static const struct able_case {
        const char *name;
        enum mt_ability ability;
        uint64_t libvirt, qemu;
        bool want;
} able_cases[] = {
        { "switchover: both from then on", MT_ABILITY_SWITCHOVER_RATE, V(11, 1, 0), V(8, 2, 0), true },
        { "switchover: libvirt just before", MT_ABILITY_SWITCHOVER_RATE, V(11, 0, 999), V(8, 2, 0), false },
        { "switchover: QEMU just before", MT_ABILITY_SWITCHOVER_RATE, V(11, 1, 0), V(8, 1, 999), false },
        { "switchover: libvirt not known", MT_ABILITY_SWITCHOVER_RATE, 0, V(10, 0, 0), false },
        { "zstd: from then on", MT_ABILITY_ZSTD, V(9, 4, 0), 0, true },
        { "zstd: just before", MT_ABILITY_ZSTD, V(9, 3, 999), V(10, 0, 0), false },
        { "post-copy and multifd: from then on", MT_ABILITY_POST_COPY_MULTIFD, 0, V(10, 1, 0), true },
        { "post-copy and multifd: just before", MT_ABILITY_POST_COPY_MULTIFD, V(11, 3, 0), V(10, 0, 999), false },
        { "resume: before it was broken", MT_ABILITY_RESUME, V(11, 1, 999), 0, true },
        { "resume: first broken", MT_ABILITY_RESUME, V(11, 2, 0), 0, false },
        { "resume: last broken", MT_ABILITY_RESUME, V(11, 3, 999), 0, false },
        { "resume: mended", MT_ABILITY_RESUME, V(11, 4, 0), 0, true },
        { "resume: not known counts as one that survives", MT_ABILITY_RESUME, 0, 0, true },
};

static void test_able(void **state)
{
        const struct able_case *c = *state;
        const struct mt_versions versions = { .libvirt = c->libvirt, .qemu = c->qemu };

        assert_int_equal(mt_able(c->ability, &versions), c->want);
}

static const struct text_case {
        const char *name;
        uint64_t libvirt, qemu, library;
        const char *want;
} text_cases[] = {
        { "Debian 12's own", V(9, 0, 0), V(7, 2, 19), V(9, 0, 0),
          "libvirt 9.0.0 (own library 9.0.0), QEMU 7.2.19; without a bandwidth for the last copy (libvirt 11.1 and QEMU "
          "8.2), "
          "zstd (libvirt 9.4), post-copy over multifd (QEMU 10.1)" },
        { "Debian 13's", V(11, 3, 0), V(10, 0, 8), V(11, 3, 0),
          "libvirt 11.3.0 (own library 11.3.0), QEMU 10.0.8; without post-copy over multifd (QEMU 10.1), "
          "resuming a post-copy to this host (libvirt 11.4)" },
        { "nothing is lacking", V(11, 4, 0), V(10, 1, 0), V(9, 0, 0), "libvirt 11.4.0 (own library 9.0.0), QEMU 10.1.0" },
        { "nothing is known", 0, 0, 0,
          "libvirt ? (own library ?), QEMU ?; without a bandwidth for the last copy (libvirt 11.1 and QEMU 8.2), "
          "zstd (libvirt 9.4), post-copy over multifd (QEMU 10.1)" },
};

static void test_text(void **state)
{
        const struct text_case *c = *state;
        const struct mt_versions versions = { .libvirt = c->libvirt, .qemu = c->qemu };
        char text[512];

        mt_versions_text(&versions, c->library, text, sizeof(text));
        assert_string_equal(text, c->want);
}

/* Whatever the size, it ends with a NUL inside, and is the beginning of the whole. */
static void test_cut(void **state)
{
        const struct mt_versions largest = { .libvirt = UINT64_MAX, .qemu = 0 }, old = { .libvirt = 1 };
        char whole[512], text[512];

        (void)state;
        mt_versions_text(&largest, UINT64_MAX, whole, sizeof(whole));
        assert_true(strlen(whole) < sizeof(whole) - 1);
        mt_versions_text(&old, UINT64_MAX, whole, sizeof(whole));
        assert_true(strlen(whole) < sizeof(whole) - 1);
        for (size_t size = 1; size <= sizeof(text); size++) {
                memset(text, 'x', sizeof(text));
                mt_versions_text(&old, UINT64_MAX, text, size);
                assert_non_null(memchr(text, '\0', size));
                assert_memory_equal(text, whole, strlen(text));
                assert_int_equal(strlen(text), strlen(whole) < size ? strlen(whole) : size - 1);
        }
}

static void test_too_old(void **state)
{
        (void)state;
        assert_true(mt_version_too_old(V(8, 10, 0)));
        assert_false(mt_version_too_old(V(9, 0, 0)));
        assert_false(mt_version_too_old(0)); /* not known is no reason to complain */
}

int main(void)
{
        struct CMUnitTest tests[64] = {
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_too_old),
        };
        size_t n = 2;

        ADD_ROWS(tests, n, able_cases, test_able);
        ADD_ROWS(tests, n, text_cases, test_text);
        return _cmocka_run_group_tests("versions", tests, n, NULL, NULL);
}
