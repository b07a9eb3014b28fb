/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "array.h"
#include "service/client.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h> /* wants the headers above */

static char directory[] = "/tmp/test_client.XXXXXX";
static char socket_path[64];

/* What the other end does with one connection. */
struct call_case {
        const char *name;
        const char *request;
        const char *reply; /* sent as it is; NULL: none, the connection stays open */
        size_t repeat;     /* how often reply is sent */
        const char *end;   /* sent last */
        int want;
        const char *want_reply;
        const char *want_message;
};

static const struct call_case cases[] = {
        { "one line", "{}", "{\"ok\":true}", 1, "\n", 0, "{\"ok\":true}", NULL },
        { "an empty line", "{}", "", 1, "\n", 0, "", NULL },
        { "only the first line counts", "{}", "a\n", 3, "", 0, "a", NULL },
        { "in pieces, larger than the first buffer", "{}", "0123456789abcdef", 1024, "\n", 0, NULL, NULL },
        { "no newline", "{}", "{\"ok\":true}", 1, "", -EPROTO, NULL, "without a whole reply" },
        { "nothing", "{}", "", 1, "", -EPROTO, NULL, "without a whole reply" },
        { "silence", "{}", NULL, 0, "", -ETIMEDOUT, NULL, "the watcher did not answer within 300 ms" },
        { "longer than 16 MiB", "{}", "0123456789abcdef", (17 << 20) / 16, "\n", -EMSGSIZE, NULL, "longer than 16 MiB" },
        { "a request of two lines", "{}\n{}", NULL, 0, "", -EINVAL, NULL, "must be one line" },
};

struct server {
        int listener;
        const struct call_case *c;
        char request[256];
};

/* Sends the case's reply, as large pieces; stops when the client goes away. */
static void send_reply(int fd, const struct call_case *c)
{
        size_t length = strlen(c->reply), size = length * c->repeat + strlen(c->end), sent = 0;
        char *all = malloc(size + 1);
        ssize_t n;

        if (all == NULL)
                return;
        for (size_t i = 0; i < c->repeat; i++)
                (void)memcpy(all + i * length, c->reply, length);
        (void)memcpy(all + c->repeat * length, c->end, strlen(c->end) + 1);
        while (sent < size && (n = send(fd, all + sent, size - sent, MSG_NOSIGNAL)) > 0)
                sent += (size_t)n;
        free(all);
}

static void *serve(void *arg)
{
        struct server *s = arg;
        int fd = accept(s->listener, NULL, NULL);
        size_t used = 0;
        ssize_t n;

        if (fd < 0)
                return NULL;
        while (used < sizeof(s->request) - 1 && (n = read(fd, s->request + used, sizeof(s->request) - 1 - used)) > 0) {
                used += (size_t)n;
                if (memchr(s->request, '\n', used) != NULL)
                        break;
        }
        if (s->c->reply == NULL)
                (void)!read(fd, s->request, 1); /* until the client gives up */
        else
                send_reply(fd, s->c);
        (void)close(fd);
        return NULL;
}

static void test_call(void **state)
{
        const struct call_case *c = *state;
        struct server server = { .listener = socket(AF_UNIX, SOCK_STREAM, 0), .c = c };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char sentinel[] = "untouched", *reply = sentinel;
        struct mt_err err = { .code = 0 };
        pthread_t thread;
        uint64_t timeout_ms = c->want == -ETIMEDOUT ? 300 : 20000;
        int r;

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
        assert_int_equal(bind(server.listener, (const struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(server.listener, 1), 0);
        assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
        r = mt_client_call(directory, c->request, timeout_ms, &reply, &err);
        (void)shutdown(server.listener, SHUT_RDWR);
        (void)pthread_join(thread, NULL);
        (void)close(server.listener);
        (void)unlink(socket_path);

        assert_int_equal(r, c->want);
        if (r < 0) {
                assert_ptr_equal(reply, sentinel);
                assert_int_equal(err.code, -c->want);
                assert_non_null(strstr(err.msg, c->want_message));
                return;
        }
        assert_string_equal(server.request, "{}\n");
        if (c->want_reply != NULL)
                assert_string_equal(reply, c->want_reply);
        else
                assert_int_equal(strlen(reply), strlen(c->reply) * c->repeat);
        free(reply);
}

static void test_no_watcher(void **state)
{
        struct mt_err err = { .code = 0 };
        char *reply = NULL;

        (void)state;
        assert_int_equal(mt_client_call(directory, "{}", 100, &reply, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "no watcher is running (connect "));
        assert_non_null(strstr(err.msg, "systemctl start migtune"));
        assert_null(reply);
}

static void test_long_path(void **state)
{
        struct mt_err err = { .code = 0 };
        char *reply = NULL, longest[200];

        (void)state;
        (void)memset(longest, 'x', sizeof(longest));
        for (size_t length = 90; length < 110; length++) { /* around sizeof(sun_path), 108 */
                longest[length] = '\0';
                assert_int_equal(mt_client_call(longest, "{}", 100, &reply, &err),
                                 length + sizeof("/" MT_SOCKET_NAME) > 108 ? -ENAMETOOLONG : -ENOENT);
                longest[length] = 'x';
        }
}

static int make_directory(void **state)
{
        (void)state;
        if (mkdtemp(directory) == NULL)
                return -1;
        (void)snprintf(socket_path, sizeof(socket_path), "%s/%s", directory, MT_SOCKET_NAME);
        return 0;
}

static int remove_directory(void **state)
{
        (void)state;
        return rmdir(directory);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(cases) + 2] = {
                cmocka_unit_test(test_no_watcher),
                cmocka_unit_test(test_long_path),
        };

        for (size_t i = 0; i < MT_ARRAY_SIZE(cases); i++)
                tests[i + 2] = (struct CMUnitTest){ .name = cases[i].name,
                                                    .test_func = test_call,
                                                    .initial_state = (void *)(uintptr_t)&cases[i] };
        return cmocka_run_group_tests_name("client", tests, make_directory, remove_directory);
}
