/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: this runs inside libvirt's qemu hook, and libvirt waits for it. The watcher may be stopped in a
 * debugger, overloaded or gone, so the socket is non-blocking and one deadline bounds connecting, sending and receiving
 * together.
 */
#include "client.h"
#include "cleanup.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define CONNECT_RETRY_MS 5
#define FIRST_BUFFER_BYTES 4096u

/* One call: where, until when. */
struct call {
        int fd;
        uint64_t deadline_ms;
        uint64_t timeout_ms;
        struct sockaddr_un address;
};

static uint64_t now_ms(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int fail_timeout(const struct call *call, struct mt_err *err)
{
        return mt_fail(err, ETIMEDOUT, "the watcher did not answer within %llu ms", (unsigned long long)call->timeout_ms);
}

/* Milliseconds left, as poll() takes them; 0: the deadline has passed. */
static int left_ms(const struct call *call)
{
        uint64_t now = now_ms();

        if (now >= call->deadline_ms)
                return 0;
        return call->deadline_ms - now > 60000 ? 60000 : (int)(call->deadline_ms - now);
}

/* Waits for events on the socket. 0, or -ETIMEDOUT. */
static int wait_for(const struct call *call, short events, struct mt_err *err)
{
        for (;;) {
                struct pollfd p = { .fd = call->fd, .events = events };
                int left = left_ms(call);
                int r = left > 0 ? poll(&p, 1, left) : 0;

                if (r > 0)
                        return 0;
                if (r < 0 && errno != EINTR)
                        return mt_fail(err, errno, "poll %s: %s", call->address.sun_path, strerror(errno));
                if (left == 0)
                        return fail_timeout(call, err);
        }
}

static int set_address(struct call *call, const char *run_dir, struct mt_err *err)
{
        size_t length = strlen(run_dir);

        if (length + sizeof("/" MT_SOCKET_NAME) > sizeof(call->address.sun_path))
                return mt_fail(err, ENAMETOOLONG, "connect %s/%s: the path is longer than a socket's may be", run_dir,
                               MT_SOCKET_NAME);
        call->address.sun_family = AF_UNIX;
        (void)memcpy(call->address.sun_path, run_dir, length);
        (void)memcpy(call->address.sun_path + length, "/" MT_SOCKET_NAME, sizeof("/" MT_SOCKET_NAME));
        return 0;
}

static int connect_to_watcher(struct call *call, struct mt_err *err)
{
        const struct timespec pause = { .tv_nsec = CONNECT_RETRY_MS * 1000000L };
        const char *path = call->address.sun_path;

        while (connect(call->fd, (const struct sockaddr *)&call->address, sizeof(call->address)) < 0) {
                int code = errno;

                if (code == EINTR)
                        continue;
                if (code == ENOENT || code == ECONNREFUSED)
                        return mt_fail(err, code,
                                       "no watcher is running (connect %s: %s): start it with systemctl start migtune", path,
                                       strerror(code));
                if (code != EAGAIN)
                        return mt_fail(err, code, "connect %s: %s", path, strerror(code));
                /* EAGAIN: the watcher's queue of connections is full, and for a unix socket there is nothing to poll for. */
                if (left_ms(call) == 0)
                        return fail_timeout(call, err);
                (void)nanosleep(&pause, NULL);
        }
        return 0;
}

static int send_all(const struct call *call, const char *data, size_t size, struct mt_err *err)
{
        while (size > 0) {
                ssize_t n = send(call->fd, data, size, MSG_NOSIGNAL);

                if (n >= 0) {
                        data += n;
                        size -= (size_t)n;
                } else if (errno == EAGAIN) {
                        int r = wait_for(call, POLLOUT, err);

                        if (r < 0)
                                return r;
                } else if (errno != EINTR) {
                        return mt_fail(err, errno, "send to %s: %s", call->address.sun_path, strerror(errno));
                }
        }
        return 0;
}

/* Makes room for more than `used` bytes in *buffer. */
static int grow(char **buffer, size_t *size, size_t used, struct mt_err *err)
{
        size_t larger = *size == 0 ? FIRST_BUFFER_BYTES : *size * 2;
        char *p;

        if (used < *size)
                return 0;
        if (used >= MT_MAX_REPLY_BYTES)
                return mt_fail(err, EMSGSIZE, "the watcher's reply is longer than %u MiB", MT_MAX_REPLY_BYTES >> 20);
        p = realloc(*buffer, larger);
        if (p == NULL) {
                (void)mt_fail(err, ENOMEM, "out of memory for the watcher's reply");
                return -ENOMEM;
        }
        *buffer = p;
        *size = larger;
        return 0;
}

static int receive_line(const struct call *call, char **ret_line, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *buffer = NULL;
        size_t size = 0, used = 0;

        for (;;) {
                char *newline;
                ssize_t n;
                int r = grow(&buffer, &size, used, err);

                if (r < 0)
                        return r;
                n = recv(call->fd, buffer + used, size - used, 0);
                if (n == 0)
                        return mt_fail(err, EPROTO, "the watcher closed the connection without a whole reply");
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN)
                        return mt_fail(err, errno, "receive from %s: %s", call->address.sun_path, strerror(errno));
                if (n < 0) {
                        r = wait_for(call, POLLIN, err);
                        if (r < 0)
                                return r;
                        continue;
                }
                newline = memchr(buffer + used, '\n', (size_t)n);
                used += (size_t)n;
                if (newline != NULL) {
                        *newline = '\0';
                        *ret_line = MT_STEAL(&buffer);
                        return 0;
                }
                if (left_ms(call) == 0) /* a reply that trickles must not hold us either */
                        return fail_timeout(call, err);
        }
}

int mt_client_call(const char *run_dir, const char *request_json, uint64_t timeout_ms, char **ret_reply_json,
                   struct mt_err *err)
{
        MT_CLEANUP(mt_closep) int fd = -1;
        struct call call = { .timeout_ms = timeout_ms };
        uint64_t now = now_ms();
        int r;

        call.deadline_ms = timeout_ms > UINT64_MAX - now ? UINT64_MAX : now + timeout_ms;
        if (strchr(request_json, '\n') != NULL)
                return mt_fail(err, EINVAL, "a request to the watcher must be one line");
        r = set_address(&call, run_dir, err);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return mt_fail(err, errno, "socket: %s", strerror(errno));
        call.fd = fd;
        r = connect_to_watcher(&call, err);
        if (r == 0)
                r = send_all(&call, request_json, strlen(request_json), err);
        if (r == 0)
                r = send_all(&call, "\n", 1, err);
        if (r == 0)
                r = receive_line(&call, ret_reply_json, err);
        return r;
}
