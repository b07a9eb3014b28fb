/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* advise() and report() of both plugins against a watcher that is played here: one scripted answer a connection. */
#include "handle.h"
#include "service/client.h"
#include "shim_handle.h"
#include "table.h"

#include "scratch.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct scratch scratch;
static void *handle;
static char logged[1024];
static unsigned n_logged;

static void keep_log(void *ctx, int32_t priority, const char *message)
{
        (void)ctx;
        if (priority == 7)
                return;
        n_logged++;
        (void)snprintf(logged, sizeof(logged), "%s", message);
}

struct watcher {
        int listener;
        const char *reply; /* NULL: none */
        char request[1024];
        pthread_t thread;
};

static void *serve(void *arg)
{
        struct watcher *w = arg;
        int fd = accept(w->listener, NULL, NULL);
        size_t used = 0;
        ssize_t n;

        if (fd < 0)
                return NULL;
        while (used < sizeof(w->request) - 1 && (n = read(fd, w->request + used, sizeof(w->request) - 1 - used)) > 0) {
                used += (size_t)n;
                if (memchr(w->request, '\n', used) != NULL)
                        break;
        }
        if (w->reply == NULL)
                (void)!read(fd, w->request + used, 1); /* until the client gives up */
        else
                (void)!write(fd, w->reply, strlen(w->reply));
        (void)close(fd);
        return NULL;
}

static void start(struct watcher *w, const char *reply)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        *w = (struct watcher){ .listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .reply = reply };
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", scratch.dir, MT_SOCKET_NAME);
        assert_int_equal(bind(w->listener, (const struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(w->listener, 1), 0);
        assert_int_equal(pthread_create(&w->thread, NULL, serve, w), 0);
}

static void end(struct watcher *w)
{
        char path[128];

        (void)shutdown(w->listener, SHUT_RDWR);
        (void)pthread_join(w->thread, NULL);
        (void)close(w->listener);
        (void)snprintf(path, sizeof(path), "%s/%s", scratch.dir, MT_SOCKET_NAME);
        (void)unlink(path);
}

static struct mt_call call_of(uint32_t timeout_ms)
{
        return (struct mt_call){ .struct_size = sizeof(struct mt_call),
                                 .timeout_ms = timeout_ms,
                                 .attach = MT_CALL_BY_CLIENT,
                                 .domain = "vm",
                                 .uuid = "u",
                                 .flags = 1 };
}

#define REQUEST "{\"request\":\"advise\",\"attach\":\"client\",\"domain\":\"vm\",\"uuid\":\"u\",\"flags\":1,\"timeout_ms\":"

static const struct advise_case {
        const char *name;
        const char *reply;
        int want;
        uint32_t action;
        uint64_t mib_s;
        const char *log; /* part of the one line; NULL: there is none */
} advices[] = {
        { "advice", "{\"action\":\"tune\",\"bandwidth_mib_s\":40}\n", 0, MT_ADVICE_TUNE, 40, NULL },
        { "advice to leave it", "{\"action\":\"leave\",\"reason\":\"mode off\"}\n", 0, MT_ADVICE_LEAVE, 0, NULL },
        { "a refusal", "{\"error\":\"only root may ask that\"}\n", -EREMOTEIO, 0, 0,
          "the watcher refused: only root may ask that, leaving its migration untuned" },
        { "an older watcher", "{\"error\":\"unknown request: expected hook, status or plan\"}\n", -EREMOTEIO, 0, 0,
          "unknown request" },
        { "not JSON", "hello\n", -EPROTO, 0, 0, "the watcher's reply is not understood: hello" },
        { "an array", "[]\n", -EPROTO, 0, 0, "the watcher's reply is not understood: []" },
        { "advice of another world", "{\"action\":\"dance\"}\n", -EPROTO, 0, 0, "the watcher's advice is not understood" },
        { "half a reply", "{\"action\"", -EPROTO, 0, 0, "without a whole reply" },
        { "silence", NULL, -ETIMEDOUT, 0, 0, "the watcher did not answer within 200 ms" },
};

static void test_advise(void **state)
{
        const struct advise_case *c = *state;
        struct mt_call call = call_of(c->reply != NULL ? 20000 : 200);
        struct mt_advice advice = { .struct_size = sizeof(advice), .wait_ms = 77 };
        struct watcher w;
        int32_t r;

        n_logged = 0;
        start(&w, c->reply);
        r = mt_shim_advise(handle, &call, &advice);
        end(&w);
        assert_int_equal(r, c->want);
        assert_memory_equal(w.request, REQUEST, strlen(REQUEST));
        assert_int_equal(n_logged, c->log != NULL ? 1 : 0);
        if (c->log != NULL && strstr(logged, c->log) == NULL)
                fail_msg("got '%s', wanted '%s'", logged, c->log);
        assert_int_equal(advice.struct_size, sizeof(advice));
        if (r < 0) {
                assert_int_equal(advice.wait_ms, 77); /* untouched */
                return;
        }
        assert_int_equal(advice.action, c->action);
        assert_true(advice.bandwidth_mib_s == c->mib_s && advice.wait_ms == 0);
}

static const struct report_case {
        const char *name;
        const char *reply;
        int want;
} reports[] = {
        { "let it through", "{\"answer\":0}\n", 0 },
        { "the plan stands", "{\"answer\":1}\n", 1 },
        { "a refusal of a report", "{\"error\":\"no\"}\n", -EREMOTEIO },
        { "neither", "{\"answer\":3}\n", -EINVAL },
};

static void test_report(void **state)
{
        const struct report_case *c = *state;
        const struct mt_report report = {
                .struct_size = sizeof(report), .timeout_ms = 20000, .what = MT_REPORT_MAX_DOWNTIME, .uuid = "u", .value = 50
        };
        struct watcher w;
        int32_t r;

        start(&w, c->reply);
        r = mt_shim_report(handle, &report);
        end(&w);
        assert_int_equal(r, c->want);
        assert_string_equal(w.request, "{\"request\":\"report\",\"what\":\"max-downtime\",\"uuid\":\"u\",\"value\":50,"
                                       "\"timeout_ms\":20000}\n");
}

/* A host of the first release gets what it has room for, a newer one what we know. */
static void test_struct_sizes(void **state)
{
        struct {
                struct mt_advice advice;
                char guard[64];
        } newer, older;
        struct mt_call call = call_of(20000);
        struct watcher w;

        (void)state;
        (void)memset(&newer, 0x55, sizeof(newer));
        newer.advice.struct_size = sizeof(newer);
        start(&w, "{\"action\":\"tune\",\"bandwidth_mib_s\":7}\n");
        assert_int_equal(mt_shim_advise(handle, &call, &newer.advice), 0);
        end(&w);
        assert_int_equal(newer.advice.struct_size, sizeof(newer));
        assert_int_equal(newer.advice.bandwidth_mib_s, 7);
        assert_int_equal(newer.guard[0], 0x55);

        (void)memset(&older, 0x55, sizeof(older));
        older.advice.struct_size = MT_ADVICE_SIZE_1_0 - 1;
        start(&w, "{\"action\":\"tune\",\"bandwidth_mib_s\":7}\n");
        assert_int_equal(mt_shim_advise(handle, &call, &older.advice), -EPROTO);
        end(&w);
        assert_int_equal(older.advice.action, 0x55555555);
        call.struct_size = MT_CALL_SIZE_1_0 - 1;
        assert_int_equal(mt_shim_advise(handle, &call, &newer.advice), -EPROTO);
        assert_int_equal(mt_shim_advise(handle, NULL, &newer.advice), -EPROTO);
        assert_int_equal(mt_shim_report(handle, NULL), -EPROTO);
}

/* Nobody there: that is for the host to tell, which may have another to ask. */
static void test_no_watcher(void **state)
{
        const struct mt_report report = {
                .struct_size = sizeof(report), .timeout_ms = 1000, .what = MT_REPORT_ABORT, .uuid = "u"
        };
        struct mt_advice advice = { .struct_size = sizeof(advice) };
        struct mt_call call = call_of(1000);

        (void)state;
        n_logged = 0;
        for (int i = 0; i < 20; i++) {
                assert_int_equal(mt_shim_advise(handle, &call, &advice), -ENOTCONN);
                assert_int_equal(mt_shim_report(handle, &report), -ENOTCONN);
        }
        assert_int_equal(n_logged, 0);
}

static void *ask_often(void *arg)
{
        struct mt_call call = call_of(1000);
        struct mt_advice advice = { .struct_size = sizeof(advice) };

        for (int i = 0; i < 50; i++)
                if (mt_shim_advise(handle, &call, &advice) != -ENOTCONN)
                        *(bool *)arg = true;
        return NULL;
}

/* nova-compute asks from several threads at once. For the sanitizers. */
static void test_threads(void **state)
{
        pthread_t threads[4];
        bool bad[4] = { false };

        (void)state;
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &bad[i]), 0);
        for (size_t i = 0; i < 4; i++) {
                (void)pthread_join(threads[i], NULL);
                assert_false(bad[i]);
        }
}

static int set_up(void **state)
{
        static struct mt_host_ops host = { .struct_size = sizeof(host), .abi_major = MT_ABI_MAJOR, .log = keep_log };

        (void)state;
        scratch = scratch_new();
        host.run_dir = scratch.dir;
        return mt_handle_open(&host, &handle);
}

static int tear_down(void **state)
{
        (void)state;
        mt_handle_close(handle);
        scratch_done(&scratch);
        return 0;
}

int main(void)
{
        struct CMUnitTest tests[sizeof(advices) / sizeof(advices[0]) + sizeof(reports) / sizeof(reports[0]) + 3];
        size_t n = 0;

        ADD_ROWS(tests, n, advices, test_advise);
        ADD_ROWS(tests, n, reports, test_report);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_struct_sizes);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_watcher);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_threads);
        return _cmocka_run_group_tests("shim_handle", tests, n, set_up, tear_down);
}
