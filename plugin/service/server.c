/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Everything is non-blocking and runs in the event loop's thread. A client sends lines; each complete line is parsed,
 * answered at once and its reply queued; reading stops while a reply is unsent, so a client that does not read cannot
 * make us buffer more than one. A request line is at most MAX_REQUEST_BYTES (a domain's XML fits many times over), a
 * client that is silent for IDLE_MS is closed, and at most MAX_CLIENTS are served: none of this can be used to
 * exhaust the watcher. Peers are judged by the kernel's credentials at connect time, not by the socket's mode alone.
 *
 * One watcher a run directory: an flock on migtune.lock decides, because a socket file cannot tell whether its owner lives.
 */
#include "service/server.h"
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "service/client.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MAX_CLIENTS 64
#define MAX_UNPRIVILEGED 48 /* so that the group cannot keep root's hook out */
#define MAX_REQUEST_BYTES (2u << 20)
#define IDLE_MS 30000
#define SWEEP_MS 5000
#define GROUP "migtune"

struct client {
        struct mt_server *server;
        struct client *next;
        int fd, watch;
        uid_t uid;
        uint64_t active_ms;
        char *in;
        size_t in_len, in_size;
        char *out;
        size_t out_len, out_sent;
};

struct mt_server {
        mt_server_fn answer;
        void *ctx;
        int fd, lock_fd, watch, timer;
        bool has_group;
        gid_t group;
        size_t n_clients;
        struct client *clients;
        char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
        char lock_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void client_free(void *opaque)
{
        struct client *client = opaque;

        free(client->in);
        free(client->out);
        free(client);
}

/* Takes the client off the loop; its memory goes when the loop lets go of the handle (client_free). */
static void client_close(struct client *client)
{
        struct mt_server *server = client->server;

        for (struct client **p = &server->clients; *p != NULL; p = &(*p)->next)
                if (*p == client) {
                        *p = client->next;
                        break;
                }
        server->n_clients--;
        (void)close(client->fd);
        (void)virEventRemoveHandle(client->watch);
}

static json_object *error_reply(const char *text)
{
        json_object *reply = json_object_new_object();

        (void)json_object_object_add(reply, "error", json_object_new_string(text));
        return reply;
}

/* Answers one line; false when there is no memory for the reply. */
static bool answer_line(struct client *client, const char *line)
{
        json_object *request = json_tokener_parse(line);
        json_object *reply;
        const char *text;
        size_t length;

        reply = json_object_is_type(request, json_type_object)
                        ? client->server->answer(client->server->ctx, request, client->uid)
                        : error_reply("expected a JSON object in one line");
        text = json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN);
        length = strlen(text);
        client->out = malloc(length + 1);
        if (client->out != NULL) {
                (void)memcpy(client->out, text, length);
                client->out[length] = '\n';
                client->out_len = length + 1;
                client->out_sent = 0;
        }
        (void)json_object_put(reply);
        (void)json_object_put(request);
        return client->out != NULL;
}

/* Answers the first complete line that is buffered, unless a reply is still under way. False: close the client. */
static bool serve_buffered(struct client *client)
{
        char *end;
        bool ok;

        if (client->out != NULL || client->in_len == 0)
                return true;
        end = memchr(client->in, '\n', client->in_len);
        if (end == NULL)
                return client->in_len < MAX_REQUEST_BYTES;
        *end = '\0';
        ok = answer_line(client, client->in);
        client->in_len -= (size_t)(end + 1 - client->in);
        (void)memmove(client->in, end + 1, client->in_len);
        return ok;
}

static bool client_read(struct client *client)
{
        ssize_t n;

        if (client->in_size - client->in_len < 4096) {
                size_t size = client->in_size > 0 ? client->in_size * 2 : 16384;
                char *grown = size <= 2 * (size_t)MAX_REQUEST_BYTES ? realloc(client->in, size) : NULL;

                if (grown == NULL)
                        return false;
                client->in = grown;
                client->in_size = size;
        }
        n = read(client->fd, client->in + client->in_len, client->in_size - client->in_len);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR;
        client->in_len += (size_t)n;
        return n > 0;
}

static bool client_write(struct client *client)
{
        while (client->out != NULL) {
                ssize_t n = send(client->fd, client->out + client->out_sent, client->out_len - client->out_sent,
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0)
                        return errno == EAGAIN || errno == EINTR;
                client->out_sent += (size_t)n;
                if (client->out_sent < client->out_len)
                        continue;
                free(MT_STEAL(&client->out));
                if (!serve_buffered(client))
                        return false;
        }
        return true;
}

static void on_client(int watch, int fd, int events, void *opaque)
{
        struct client *client = opaque;
        bool ok = true;

        (void)fd;
        client->active_ms = mt_now_ms();
        if (events & VIR_EVENT_HANDLE_READABLE)
                ok = client_read(client) && serve_buffered(client);
        else if (events & (VIR_EVENT_HANDLE_ERROR | VIR_EVENT_HANDLE_HANGUP))
                ok = false;
        ok = ok && client_write(client);
        if (ok)
                virEventUpdateHandle(watch, client->out != NULL ? VIR_EVENT_HANDLE_WRITABLE : VIR_EVENT_HANDLE_READABLE);
        else
                client_close(client);
}

/* Root: everything. The group migtune, primary or supplementary: questions, and its own calls. Others: nothing. */
static bool judge_peer(const struct mt_server *server, int fd, uid_t *ret_uid)
{
        struct ucred peer;
        socklen_t size = sizeof(peer);
        gid_t groups[256];
        socklen_t groups_size = sizeof(groups);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return false;
        *ret_uid = peer.uid;
        if (peer.uid == 0)
                return true;
        if (!server->has_group)
                return false;
        if (peer.gid == server->group)
                return true;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) < 0)
                return false;
        for (size_t i = 0; i < groups_size / sizeof(groups[0]); i++)
                if (groups[i] == server->group)
                        return true;
        return false;
}

static void on_connect(int watch, int listener, int events, void *opaque)
{
        struct mt_server *server = opaque;
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct client *client;
        uid_t uid = (uid_t)-1;

        (void)watch;
        (void)events;
        if (fd < 0)
                return;
        if (!judge_peer(server, fd, &uid) || server->n_clients >= (uid == 0 ? MAX_CLIENTS : MAX_UNPRIVILEGED)) {
                (void)close(fd);
                return;
        }
        client = calloc(1, sizeof(*client));
        if (client == NULL) {
                (void)close(fd);
                return;
        }
        *client =
                (struct client){ .server = server, .fd = fd, .uid = uid, .active_ms = mt_now_ms(), .next = server->clients };
        client->watch = virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE, on_client, client, client_free);
        if (client->watch < 0) {
                (void)close(fd);
                free(client);
                return;
        }
        server->clients = client;
        server->n_clients++;
}

static void on_idle_timer(int timer, void *opaque)
{
        struct mt_server *server = opaque;
        uint64_t now = mt_now_ms();

        (void)timer;
        for (struct client *client = server->clients, *next; client != NULL; client = next) {
                next = client->next;
                if (now - client->active_ms > IDLE_MS)
                        client_close(client);
        }
}

static int take_lock(struct mt_server *server, const char *run_dir, struct mt_err *err)
{
        if (mkdir(run_dir, 0755) < 0 && errno != EEXIST)
                return mt_fail(err, errno, "make the directory '%s': %s", run_dir, strerror(errno));
        server->lock_fd = open(server->lock_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
        if (server->lock_fd < 0)
                return mt_fail(err, errno, "open '%s': %s", server->lock_path, strerror(errno));
        if (flock(server->lock_fd, LOCK_EX | LOCK_NB) < 0)
                return mt_fail(err, EBUSY, "another watcher is running: '%s' is locked", server->lock_path);
        return 0;
}

static int listen_on(struct mt_server *server, struct mt_err *err)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct group *group = getgrnam(GROUP);

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
        (void)unlink(server->path); /* we hold the lock, so nobody serves it */
        server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (server->fd < 0)
                return mt_fail(err, errno, "socket: %s", strerror(errno));
        if (bind(server->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return mt_fail(err, errno, "bind '%s': %s", server->path, strerror(errno));
        server->has_group = group != NULL;
        if (group != NULL) {
                server->group = group->gr_gid;
                (void)!chown(server->path, (uid_t)-1, group->gr_gid); /* without it only root can ask: no harm */
        }
        if (chmod(server->path, 0660) < 0 || listen(server->fd, 16) < 0)
                return mt_fail(err, errno, "listen on '%s': %s", server->path, strerror(errno));
        return 0;
}

int mt_server_start(const char *run_dir, mt_server_fn answer, void *ctx, struct mt_server **ret, struct mt_err *err)
{
        struct mt_server *server = calloc(1, sizeof(*server));
        int r;

        if (server == NULL)
                return mt_fail(err, ENOMEM, "local socket: out of memory");
        *server = (struct mt_server){ .answer = answer, .ctx = ctx, .fd = -1, .lock_fd = -1, .watch = -1, .timer = -1 };
        r = snprintf(server->path, sizeof(server->path), "%s/%s", run_dir, MT_SOCKET_NAME);
        if (r < 0 || (size_t)r >= sizeof(server->path)) {
                free(server);
                return mt_fail(err, ENAMETOOLONG, "run directory '%s': its socket's path is too long", run_dir);
        }
        (void)snprintf(server->lock_path, sizeof(server->lock_path), "%.*s/migtune.lock", (int)sizeof(server->path) - 16,
                       run_dir);
        r = take_lock(server, run_dir, err);
        if (r == 0)
                r = listen_on(server, err);
        if (r == 0) {
                server->watch = virEventAddHandle(server->fd, VIR_EVENT_HANDLE_READABLE, on_connect, server, NULL);
                server->timer = virEventAddTimeout(SWEEP_MS, on_idle_timer, server, NULL);
                if (server->watch < 0 || server->timer < 0)
                        r = mt_fail(err, ENOMEM, "local socket: cannot join the event loop");
        }
        if (r < 0) {
                if (r == -EBUSY) { /* the path is the other watcher's: leave it alone */
                        (void)close(server->lock_fd);
                        free(server);
                } else {
                        mt_server_stop(server);
                }
                return r;
        }
        *ret = server;
        return 0;
}

void mt_server_stop(struct mt_server *server)
{
        if (server == NULL)
                return;
        while (server->clients != NULL)
                client_close(server->clients);
        if (server->watch >= 0)
                (void)virEventRemoveHandle(server->watch);
        if (server->timer >= 0)
                (void)virEventRemoveTimeout(server->timer);
        if (server->fd >= 0) {
                (void)close(server->fd);
                (void)unlink(server->path);
        }
        if (server->lock_fd >= 0) {
                (void)unlink(server->lock_path);
                (void)close(server->lock_fd);
        }
        free(server);
}
