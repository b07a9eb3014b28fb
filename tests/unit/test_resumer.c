/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a broken post-copy is resumed, and when it is left alone; the call itself is for the lab. */
#include "call_flags.h"
#include "steer/resumer.h"
#include "table.h"

#include <libvirt/virterror.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const struct wait_case {
        const char *name;
        unsigned failed;
        uint64_t middle;
} waits[] = {
        { "the first", 0, 500 },
        { "the second", 1, 1000 },
        { "the third", 2, 2000 },
        { "the sixth", 5, 16000 },
        { "the seventh", 6, 30000 },
        { "a late one", 40, 30000 },
        { "a very late one", 4000000000u, 30000 },
};

static void test_wait(void **state)
{
        const struct wait_case *c = *state;
        uint64_t last = 0;

        assert_int_equal(mt_resumer_wait_ms(c->failed, 0), c->middle - c->middle / 4);
        assert_true(mt_resumer_wait_ms(c->failed, UINT32_MAX) <= c->middle + c->middle / 4);
        assert_in_range(mt_resumer_wait_ms(c->failed, 0x80000000u), c->middle - 1, c->middle + 1);
        for (uint64_t random = 0; random <= UINT32_MAX; random += UINT32_MAX / 16) { /* spread over all of it */
                uint64_t wait = mt_resumer_wait_ms(c->failed, (uint32_t)random);

                assert_true(random == 0 || wait > last);
                last = wait;
        }
}

static const struct version_case {
        const char *name;
        uint64_t version;
        bool crashes;
} versions[] = {
        { "9.0.0", MT_VERSION(9, 0, 0), false },    { "11.1.0", MT_VERSION(11, 1, 0), false },
        { "11.2.0", MT_VERSION(11, 2, 0), true },   { "11.3.0", MT_VERSION(11, 3, 0), true },
        { "11.3.99", MT_VERSION(11, 3, 99), true }, { "11.4.0", MT_VERSION(11, 4, 0), false },
        { "12.0.0", MT_VERSION(12, 0, 0), false },  { "not known", 0, false },
};

static void test_version(void **state)
{
        const struct version_case *c = *state;

        assert_int_equal(mt_resumer_crashes(c->version), c->crashes);
}

/* Flags: the resume's own always, of the call's only those that mean something yet. */
static const struct flags_case {
        const char *name;
        uint64_t flags, want;
} flags[] = {
        { "not known", 0, 0x88003 },
        { "as nova calls", 0x1b | 0x8000, 0x8801b },
        { "with TLS", 0x18003, 0x98003 },
        { "conducted by its client", 0x8101, 0x88003 },
        { "what only a beginning can have", 0x8003 | MT_FLAG_COMPRESSED | MT_FLAG_AUTO_CONVERGE | MT_FLAG_PARALLEL,
          0x88003 },
};

static void test_flags(void **state)
{
        const struct flags_case *c = *state;

        assert_int_equal(mt_qemu_resume_flags(c->flags), c->want);
}

static bool reaches(struct mt_resumer *resumer, int wake_fd, enum mt_resumer_state wanted, const char *error,
                    struct mt_resumer_news *news)
{
        for (int i = 0; i < 100; i++) {
                struct pollfd poll_fd = { .fd = wake_fd, .events = POLLIN };
                uint64_t count;

                mt_resumer_look(resumer, news);
                if (news->state == wanted && strstr(news->error, error) != NULL)
                        return true;
                if (poll(&poll_fd, 1, 200) > 0)
                        (void)!read(wake_fd, &count, sizeof(count));
        }
        return false;
}

#define TEST_DOMAIN "6695eb01-f6a4-8304-79aa-97f2502e193f" /* libvirt's test driver has it, running */

static const struct look_case {
        const char *name, *libvirt_uri, *uuid;
        enum mt_resumer_state want;
        const char *error;
} looks[] = {
        { "a domain that runs is left alone", "test:///default", TEST_DOMAIN, MT_RESUMER_ENDED, "" },
        { "so is one that is gone", "test:///default", "00000000-0000-4000-8000-000000000001", MT_RESUMER_ENDED, "" },
        { "where libvirt is away it looks again", "test:///none/such.xml", TEST_DOMAIN, MT_RESUMER_WAITS,
          "connect to this host's libvirt" },
};

static void test_look(void **state)
{
        const struct look_case *c = *state;
        struct mt_resume_order order = { .n = 1, .way = { { .uri = "qemu+tcp://127.0.0.1:1/system" } } };
        struct mt_resumer *resumer = NULL;
        struct mt_resumer_news news;
        int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

        assert_true(wake_fd >= 0);
        (void)strcpy(order.uuid, c->uuid);
        (void)strcpy(order.libvirt_uri, c->libvirt_uri);
        assert_int_equal(mt_resumer_start(&order, wake_fd, &resumer, NULL), 0);
        assert_true(reaches(resumer, wake_fd, c->want, c->error, &news));
        assert_int_equal(news.attempts, 0);
        assert_false(news.refused);
        mt_resumer_release(resumer);
        mt_resumer_release(NULL);
        (void)usleep(50000); /* it ends by itself */
        (void)close(wake_fd);
}

static void ignore_error(void *opaque, virErrorPtr error)
{
        (void)opaque;
        (void)error;
}

int main(void)
{
        struct CMUnitTest tests[sizeof(waits) / sizeof(waits[0]) + sizeof(versions) / sizeof(versions[0]) +
                                sizeof(flags) / sizeof(flags[0]) + sizeof(looks) / sizeof(looks[0])];
        size_t n = 0;

        (void)virInitialize();
        virSetErrorFunc(NULL, ignore_error);
        ADD_ROWS(tests, n, waits, test_wait);
        ADD_ROWS(tests, n, versions, test_version);
        ADD_ROWS(tests, n, flags, test_flags);
        ADD_ROWS(tests, n, looks, test_look);
        return _cmocka_run_group_tests("resumer", tests, n, NULL, NULL);
}
