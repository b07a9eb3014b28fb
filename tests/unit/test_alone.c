/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration call where no watcher runs: advised all the same, within its time, and nobody has to be told its end. */
#include "array.h"
#include "cleanup.h"
#include "log.h"
#include "service/alone.h"
#include "table.h"

#include "scratch.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define TEST_DOMAIN "6695eb01-f6a4-8304-79aa-97f2502e193f" /* of libvirt's test driver */
#define POSTCOPY (UINT64_C(1) << 15)

#define QUICK "measure = { before_start = \"0ms\"; };"

static char logged[1024];
static unsigned n_logged;

static void keep_log(void *ctx, int32_t priority, const char *message)
{
        (void)ctx;
        if (priority > MT_LOG_NOTICE)
                return;
        n_logged++;
        (void)snprintf(logged, sizeof(logged), "%s", message);
}

#define LINK(rate) "link = { device = \"lo\"; rate = \"" rate "\"; };"

/* A dirty rate of 10 Mbit/s; lambda-range wants at least 25 for it. */
static const char known_rate[] = "{\"domain\":{\"uuid\":\"" TEST_DOMAIN "\"},\"started\":\"2026-01-31T12:00:00Z\","
                                 "\"actual\":{\"dirty_rate_mbps\":10.0}}\n";

static const struct alone_case {
        const char *name, *config, *history, *uuid;
        int want;
        uint32_t action;
        const char *reason;
        uint64_t least_mib_s, most_mib_s;
} cases[] = {
        { "a dirty rate that is known", QUICK LINK("10Gbit"), known_rate, TEST_DOMAIN, 0, MT_ADVICE_TUNE, "pre-copy at ", 3,
          250 },
        { "one that is not: no less than the urgency lets it have", LINK("10Gbit"), NULL, TEST_DOMAIN, 0, MT_ADVICE_TUNE,
          "pre-copy at ", 500, 1200 },
        { "nobody would switch to post-copy",
          QUICK LINK("1Gbit") "migration = { technique = \"post-copy\"; post_copy = \"add\"; };", NULL, TEST_DOMAIN, 0,
          MT_ADVICE_TUNE, "pre-copy at ", 50, 120 },
        { "nor the rate of the link", QUICK, NULL, TEST_DOMAIN, 0, MT_ADVICE_TUNE, "neither the dirty rate nor ", 0, 0 },
        { "mode observe", "mode = \"observe\";", NULL, TEST_DOMAIN, 0, MT_ADVICE_LEAVE,
          "mode observe, would be: pre-copy at ", 0, 0 },
        { "mode off", "mode = \"off\";", NULL, TEST_DOMAIN, 0, MT_ADVICE_LEAVE, "mode off", 0, 0 },
        { "another host's domain", QUICK, NULL, "00000000-0000-4000-8000-000000000000", 0, MT_ADVICE_LEAVE, "not found here",
          0, 0 },
        { "a bad configuration", "mode = \"loud\";", NULL, TEST_DOMAIN, -EINVAL, 0, "mode: expected", 0, 0 },
};

static struct mt_call call_of(const char *uuid, uint32_t timeout_ms)
{
        return (struct mt_call){ .struct_size = sizeof(struct mt_call),
                                 .timeout_ms = timeout_ms,
                                 .attach = MT_CALL_BY_CLIENT,
                                 .domain = "test",
                                 .uuid = uuid,
                                 .uri = "qemu+ssh://localhost/system",
                                 .flags = 1,
                                 .libvirt_version = 11003000 };
}

static void test_advise(void **state)
{
        const struct alone_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *const history = c->history != NULL ? c->history : "";
        struct mt_call call = call_of(c->uuid, 20000);
        struct mt_host_ops ops = { .config_file = NULL };
        char config[1024];
        struct mt_advice advice = { .wait_ms = 77 };
        struct mt_err err = { 0 };
        int r;

        (void)snprintf(config, sizeof(config), "%shistory = { file = \"%s\"; };", c->config,
                       scratch_write(&scratch, "history", history, strlen(history)));
        ops.config_file = scratch_write(&scratch, "migtune.conf", config, strlen(config));
        n_logged = 0;
        r = mt_alone_advise(&ops, "test:///default", &call, /* wishes= */ NULL, &advice, &err);
        assert_int_equal(r, c->want);
        if (r < 0) {
                assert_int_equal(advice.wait_ms, 77);
                assert_non_null(strstr(err.msg, c->reason));
                return;
        }
        assert_int_equal(advice.action, c->action);
        if (strstr(advice.reason, c->reason) == NULL)
                fail_msg("got '%s', wanted '%s'", advice.reason, c->reason);
        assert_string_equal(advice.ticket, "");
        assert_true((advice.flags_add & POSTCOPY) == 0);
        assert_in_range(advice.bandwidth_mib_s, c->least_mib_s, c->most_mib_s);
        assert_int_equal(n_logged, 1);
        assert_non_null(strstr(logged, "domain 'test': no watcher runs, advised without one ("));
        assert_non_null(strstr(logged, "nothing steers the migration afterwards"));
}

/* libvirt does not answer: the time is kept, and the thread ends when its call does. Nobody waits for the same meanwhile. */
static void test_hangs(void **state)
{
        struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_host_ops ops = { .config_file = scratch_write(&scratch, "migtune.conf", QUICK, strlen(QUICK)) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
        struct mt_call call = call_of(TEST_DOMAIN, 300);
        socklen_t size = sizeof(name);
        struct mt_advice advice;
        struct mt_err err = { 0 };
        char uri[64];
        int r = 0;

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(listen(fd, 4), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
        (void)snprintf(uri, sizeof(uri), "qemu+tcp://127.0.0.1:%u/system", (unsigned)ntohs(name.sin_port));
        assert_int_equal(mt_alone_advise(&ops, uri, &call, NULL, &advice, &err), -ETIMEDOUT);
        assert_string_equal(err.msg, "decide alone: not done within 300 ms");
        assert_int_equal(mt_alone_advise(&ops, uri, &call, NULL, &advice, &err), -EBUSY);
        assert_string_equal(err.msg, "decide alone: libvirt has not answered an earlier question yet");
        peer = accept(fd, NULL, NULL);
        assert_true(peer >= 0);
        (void)close(peer);
        (void)close(fd);
        call.timeout_ms = 20000;
        for (int i = 0; i < 2000 && (r = mt_alone_advise(&ops, "test:///default", &call, NULL, &advice, &err)) == -EBUSY;
             i++)
                (void)usleep(10000);
        assert_int_equal(r, 0);
}

static void test_no_libvirt(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_host_ops ops = { .config_file = scratch_write(&scratch, "migtune.conf", QUICK, strlen(QUICK)) };
        struct mt_call call = call_of(TEST_DOMAIN, 20000);
        struct mt_advice advice;
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_alone_advise(&ops, "test:///there/is/none.xml", &call, NULL, &advice, &err), -ENOTCONN);
        assert_non_null(strstr(err.msg, "connect to libvirt at test:///there/is/none.xml"));
}

static void ignore_error(void *opaque, virErrorPtr error)
{
        (void)opaque;
        (void)error;
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(cases) + 2];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        virSetErrorFunc(NULL, ignore_error);
        mt_log_init(keep_log, NULL, NULL);
        ADD_ROWS(tests, n, cases, test_advise);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_hangs);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_libvirt);
        return _cmocka_run_group_tests("alone", tests, n, NULL, NULL);
}
