/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The watcher's local socket: clients in a thread, the event loop in this one. */
#include "service/server.h"
#include "cleanup.h"
#include "service/client.h"
#include "table.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct mt_server *server;
static struct scratch scratch;
#define run_dir (scratch.dir)

/* Echoes the member "say" and whether the peer is root. */
static json_object *answer(void *ctx, json_object *request, uid_t uid)
{
        json_object *reply = json_object_new_object();

        (void)ctx;
        (void)json_object_object_add(reply, "said", json_object_get(json_object_object_get(request, "say")));
        (void)json_object_object_add(reply, "root", json_object_new_boolean(uid == 0));
        return reply;
}

static int connect_raw(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/migtune.sock", run_dir);
        if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
                (void)close(fd);
                return -1;
        }
        return fd;
}

/* Sends all of text, then reads until want newlines came, the connection ends, or nothing comes for a second. */
static void exchange(const char *text, size_t length, unsigned want, char *reply, size_t size)
{
        const struct timeval second = { .tv_sec = 1 };
        int fd = connect_raw();
        size_t got = 0;

        reply[0] = '\0';
        if (fd < 0)
                return;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
        for (size_t sent = 0; sent < length;) {
                ssize_t n = send(fd, text + sent, length - sent, MSG_NOSIGNAL);

                if (n <= 0)
                        break;
                sent += (size_t)n;
        }
        while (want > 0 && got + 1 < size) {
                ssize_t n = recv(fd, reply + got, size - 1 - got, 0);

                if (n <= 0)
                        break;
                for (ssize_t i = 0; i < n; i++)
                        want -= reply[got + (size_t)i] == '\n' && want > 0;
                got += (size_t)n;
        }
        reply[got] = '\0';
        (void)close(fd);
}

static const struct exchange_case {
        const char *name, *text;
        unsigned replies;
        const char *expected;
} exchanges[] = {
        { "one request", "{\"say\":\"a\"}\n", 1, "{\"said\":\"a\",\"root\":true}\n" },
        { "two in one write", "{\"say\":1}\n{\"say\":2}\n", 2, "{\"said\":1,\"root\":true}\n{\"said\":2,\"root\":true}\n" },
        { "not JSON", "hello\n", 1, "{\"error\":\"expected a JSON object in one line\"}\n" },
        { "not an object", "[1]\n", 1, "{\"error\":\"expected a JSON object in one line\"}\n" },
        { "an empty line", "\n", 1, "{\"error\":\"expected a JSON object in one line\"}\n" },
        { "a good one after a bad one", "}\n{\"say\":3}\n", 2,
          "{\"error\":\"expected a JSON object in one line\"}\n{\"said\":3,\"root\":true}\n" },
        { "no newline, no reply", "{\"say\":4}", 1, "" },
};

static pthread_t loop;
static volatile bool stop_loop;

static void on_timer(int timer, void *opaque)
{
        (void)timer;
        (void)opaque;
}

static void *run_loop(void *arg)
{
        (void)arg;
        while (!stop_loop)
                (void)virEventRunDefaultImpl();
        return NULL;
}

static int set_up(void **state)
{
        struct mt_err err = { 0 };

        (void)state;
        if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
                return -1;
        scratch = scratch_new();
        if (mt_server_start(run_dir, answer, NULL, &server, &err) < 0) {
                print_error("%s\n", err.msg);
                return -1;
        }
        (void)virEventAddTimeout(50, on_timer, NULL, NULL); /* so that the loop looks at stop_loop */
        return pthread_create(&loop, NULL, run_loop, NULL);
}

static int tear_down(void **state)
{
        (void)state;
        stop_loop = true;
        (void)pthread_join(loop, NULL);
        mt_server_stop(server);
        for (int i = 0; i < 3; i++) /* the loop frees what was removed on its next turns */
                (void)virEventRunDefaultImpl();
        if (connect_raw() >= 0)
                return -1;
        if (rmdir(scratch.dir) < 0) { /* the socket or the lock is still there */
                scratch_done(&scratch);
                return -1;
        }
        return 0;
}

static void test_exchange(void **state)
{
        const struct exchange_case *c = *state;
        char reply[4096];

        exchange(c->text, strlen(c->text), c->replies, reply, sizeof(reply));
        assert_string_equal(reply, c->expected);
}

static void test_large_request(void **state)
{
        size_t size = 3u << 20; /* above the limit: the connection is closed, the watcher lives on */
        char *text = malloc(size);
        char reply[256];

        (void)state;
        assert_non_null(text);
        (void)memset(text, 'x', size);
        exchange(text, size, 1, reply, sizeof(reply));
        assert_string_equal(reply, "");
        free(text);
        exchange("{\"say\":5}\n", 10, 1, reply, sizeof(reply));
        assert_string_equal(reply, "{\"said\":5,\"root\":true}\n");
}

/* A big request and a reply that does not fit in the socket's buffer, through the real client. */
static void test_large_reply(void **state)
{
        MT_CLEANUP(mt_freep) char *reply = NULL;
        size_t size = 1u << 20;
        char *text = malloc(size + 32);
        struct mt_err err = { 0 };

        (void)state;
        assert_non_null(text);
        (void)strcpy(text, "{\"say\":\"");
        (void)memset(text + 8, 'y', size);
        (void)strcpy(text + 8 + size, "\"}");
        assert_int_equal(mt_client_call(run_dir, text, 5000, &reply, &err), 0);
        assert_true(strlen(reply) > size);
        free(text);
}

static void test_many_clients(void **state)
{
        int fds[80];
        unsigned served = 0;
        char reply[64] = "";

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(fds); i++)
                fds[i] = connect_raw();
        for (size_t i = 0; i < MT_ARRAY_SIZE(fds); i++) {
                char byte;

                if (fds[i] >= 0 && send(fds[i], "{\"say\":6}\n", 10, MSG_NOSIGNAL) == 10 && recv(fds[i], &byte, 1, 0) == 1)
                        served++;
        }
        for (size_t i = 0; i < MT_ARRAY_SIZE(fds); i++)
                (void)close(fds[i]);
        assert_int_equal(served, 64);
        for (int i = 0; i < 100 && reply[0] == '\0'; i++) { /* the loop notices the closed ones, then serves again */
                (void)usleep(10000);
                exchange("{\"say\":8}\n", 10, 1, reply, sizeof(reply));
        }
        assert_string_equal(reply, "{\"said\":8,\"root\":true}\n");
}

static void test_second_watcher(void **state)
{
        struct mt_server *second = NULL;
        struct mt_err err = { 0 };
        char reply[64];

        (void)state;
        assert_int_equal(mt_server_start(run_dir, answer, NULL, &second, &err), -EBUSY);
        assert_non_null(strstr(err.msg, "another watcher is running"));
        exchange("{\"say\":7}\n", 10, 1, reply, sizeof(reply));
        assert_string_equal(reply, "{\"said\":7,\"root\":true}\n"); /* the first one is unharmed */
}

static void test_socket_mode(void **state)
{
        struct stat status;
        char path[160];

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/migtune.sock", run_dir);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0660);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(exchanges) + 5];
        size_t n = 0;

        ADD_ROWS(tests, n, exchanges, test_exchange);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_large_request);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_large_reply);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_many_clients);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_second_watcher);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_socket_mode);
        return _cmocka_run_group_tests("server", tests, n, set_up, tear_down);
}
