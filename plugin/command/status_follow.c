/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Each second the watcher is asked for its status, with less than a second to answer, so that a stopped one does not hold
 * the end up. SIGINT and SIGTERM are blocked in this thread for the time being (the program has no other one here) and
 * taken between two questions, where the pause is a wait for just them: nothing is interrupted, and the terminal is left
 * on a line of its own.
 *
 * The picture is redrawn in place: the cursor goes up by the lines of the last one, each line erases what it does not
 * cover, and what is below goes. It is cut to the terminal's size, which is asked for each time: a line that wraps, or a
 * picture that scrolls, would make "up" point elsewhere. After a change of size the screen is cleared instead. Where the
 * migrations do not all fit as blocks each is a row.
 *
 * A pipe whose reader is gone (| head) would be written to for ever, since the host does not tell of failed writes:
 * poll() does.
 */
#include "command/status_follow.h"
#include "cleanup.h"
#include "clock.h"
#include "command/member.h"
#include "command/status_block.h"
#include "command/terminal.h"
#include "log.h"
#include "record/json.h"
#include "record/timestamp.h"
#include "service/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#define PERIOD_MS 1000
#define ANSWER_MS 900

/* What was last said of something, where no terminal is. */
struct said {
        char key[64];  /* a migration's id; of one that waits, its domain's UUID; "" of the watcher itself */
        char name[64]; /* of its domain */
        char text[MT_STATUS_LINE_SIZE];
        bool seen; /* in this status */
};

struct follow {
        const struct mt_host_ops *host;
        bool json, terminal;
        struct mt_terminal_size size; /* when it was last drawn */
        unsigned drawn;               /* lines of the picture that stands there */
        struct said *said;            /* owned */
        size_t n_said;
};

/* The watcher's status, or NULL and why in `silence`. Returns 0 or -errno. */
static int ask(const struct follow *follow, json_object **ret_status, char *silence, size_t size)
{
        MT_CLEANUP(mt_freep) char *reply = NULL;
        MT_CLEANUP(mt_member_putp) json_object *status = NULL;
        struct mt_err err = { 0 };
        int r = mt_client_call(follow->host->run_dir, "{\"request\":\"status\"}", ANSWER_MS, &reply, &err);

        if (r == -ENOENT || r == -ECONNREFUSED)
                (void)snprintf(silence, size, "no watcher: %s/%s: %s; waiting for one", follow->host->run_dir,
                               MT_SOCKET_NAME, strerror(-r));
        else if (r < 0)
                (void)snprintf(silence, size, "no watcher: %.480s", err.msg);
        if (r < 0)
                return r;
        status = json_tokener_parse(reply);
        if (!json_object_is_type(mt_member(status, "migrations"), json_type_array)) {
                (void)snprintf(silence, size, "no watcher: its answer has no migrations: %.200s", reply);
                return -EPROTO;
        }
        *ret_status = MT_STEAL(&status);
        return 0;
}

static json_object *job_at(json_object *status, size_t i)
{
        return json_object_array_get_idx(mt_member(status, "migrations"), i);
}

static void say_json(json_object *status, const char *silence)
{
        json_object *o = status != NULL ? json_object_get(status) : json_object_new_object();

        if (status == NULL)
                mt_json_add(o, "error", mt_json_string(silence));
        if (mt_json_text(o) != NULL)
                mt_terminal_json(mt_json_text(o));
        (void)json_object_put(o);
}

/* Adds a line to the picture, cut to the terminal, as long as there is room for it. */
static void add_line(struct follow *follow, FILE *picture, const char *text)
{
        char line[MT_STATUS_LINE_SIZE];

        if (follow->drawn + 1 >= follow->size.rows)
                return;
        (void)snprintf(line, sizeof(line), "%s", text);
        mt_terminal_clean(line);
        if (follow->size.columns > 0)
                mt_terminal_clip(line, follow->size.columns - 1);
        (void)fprintf(picture, "%s\033[K\n", line);
        follow->drawn++;
}

static void add_block(struct follow *follow, FILE *picture, json_object *job)
{
        struct mt_status_block block;

        mt_status_block(job, follow->size.columns, &block);
        for (unsigned i = 0; i < block.n; i++)
                add_line(follow, picture, block.line[i]);
}

/* Whether all of them fit as blocks, the head above them. */
static bool all_fit(const struct follow *follow, json_object *status)
{
        struct mt_status_block block;
        size_t lines = 1;

        for (size_t i = 0; i < mt_member_count(status, "migrations") && lines < follow->size.rows; i++) {
                mt_status_block(job_at(status, i), follow->size.columns, &block);
                lines += block.n;
        }
        return lines < follow->size.rows;
}

/* A row for each that fits, and how many more there are. */
static void add_rows(struct follow *follow, FILE *picture, json_object *status)
{
        const size_t n = mt_member_count(status, "migrations");
        char line[MT_STATUS_LINE_SIZE];

        mt_status_row_head(follow->size.columns, line, sizeof(line));
        add_line(follow, picture, line);
        for (size_t i = 0; i < n; i++) {
                if (i + 1 < n && follow->drawn + 2 >= follow->size.rows) {
                        (void)snprintf(line, sizeof(line), "... and %zu more", n - i);
                        add_line(follow, picture, line);
                        return;
                }
                mt_status_row(job_at(status, i), follow->size.columns, line, sizeof(line));
                add_line(follow, picture, line);
        }
}

/* A block for each, or, where they do not all fit, a row. */
static void add_migrations(struct follow *follow, FILE *picture, json_object *status)
{
        if (!all_fit(follow, status)) {
                add_rows(follow, picture, status);
                return;
        }
        for (size_t i = 0; i < mt_member_count(status, "migrations"); i++)
                add_block(follow, picture, job_at(status, i));
}

static void draw(struct follow *follow, json_object *status, const char *silence)
{
        const struct mt_terminal_size size = mt_terminal_size(follow->host);
        char head[MT_STATUS_LINE_SIZE];
        MT_CLEANUP(mt_freep) char *text = NULL;
        size_t length = 0;
        FILE *picture = open_memstream(&text, &length);

        if (picture == NULL)
                return;
        if (follow->drawn > 0 && (size.columns != follow->size.columns || size.rows != follow->size.rows))
                (void)fputs("\033[H\033[2J", picture);
        else if (follow->drawn > 0)
                (void)fprintf(picture, "\r\033[%uA", follow->drawn);
        follow->size = size;
        follow->drawn = 0;
        if (status != NULL)
                mt_status_head(status, head, sizeof(head));
        add_line(follow, picture, status != NULL ? head : silence);
        if (status != NULL)
                add_migrations(follow, picture, status);
        (void)fputs("\033[J", picture);
        if (fclose(picture) == 0)
                mt_print("%s", text);
}

static void say_line(const char *text)
{
        char stamp[MT_TIMESTAMP_SIZE];

        mt_print("%s %s\n", mt_timestamp(stamp, sizeof(stamp), mt_wall_ms()), text);
}

/* Says it if it is not what was said of this key last. */
static void say_once(struct follow *follow, const char *key, const char *name, const char *text)
{
        struct said *said = NULL;

        for (size_t i = 0; i < follow->n_said; i++)
                if (strncmp(follow->said[i].key, key, sizeof(said->key) - 1) == 0)
                        said = &follow->said[i];
        if (said == NULL) {
                struct said *grown = reallocarray(follow->said, follow->n_said + 1, sizeof(*grown));

                if (grown == NULL)
                        return;
                follow->said = grown;
                said = &grown[follow->n_said++];
                *said = (struct said){ .seen = true };
                (void)snprintf(said->key, sizeof(said->key), "%s", key);
                (void)snprintf(said->name, sizeof(said->name), "%s", name);
                mt_terminal_clean(said->name); /* it may have been cut within a character */
        }
        said->seen = true;
        if (strncmp(said->text, text, sizeof(said->text) - 1) == 0)
                return;
        (void)snprintf(said->text, sizeof(said->text), "%s", text);
        say_line(text);
}

/* Those that were there and are no more. */
static void say_ended(struct follow *follow)
{
        size_t kept = 0;
        char text[256];

        for (size_t i = 0; i < follow->n_said; i++) {
                if (follow->said[i].seen) {
                        follow->said[kept++] = follow->said[i];
                        continue;
                }
                (void)snprintf(text, sizeof(text), "%s: over; migtune explain tells more", follow->said[i].name);
                say_line(text);
        }
        follow->n_said = kept;
}

static void say_changes(struct follow *follow, json_object *status, const char *silence)
{
        char text[MT_STATUS_LINE_SIZE];

        (void)snprintf(text, sizeof(text), "%s", silence);
        mt_terminal_clean(text);
        if (status == NULL) {
                say_once(follow, "", "", text);
                return;
        }
        for (size_t i = 0; i < follow->n_said; i++)
                follow->said[i].seen = false;
        mt_status_head(status, text, sizeof(text));
        say_once(follow, "", "", text);
        for (size_t i = 0; i < mt_member_count(status, "migrations"); i++) {
                json_object *job = job_at(status, i);
                const char *id = mt_member_text(job, "id");

                mt_status_line(job, text, sizeof(text));
                say_once(follow, id[0] != '\0' ? id : mt_member_text(job, "uuid"), mt_member_text(job, "domain"), text);
        }
        say_ended(follow);
}

static void show(struct follow *follow, json_object *status, const char *silence)
{
        if (follow->json) {
                say_json(status, silence);
                return;
        }
        mt_member_clean(status);
        if (follow->terminal)
                draw(follow, status, silence);
        else
                say_changes(follow, status, silence);
}

/* Waits until then, or for one of the signals. True: one came. */
static bool wait_until(const sigset_t *signals, uint64_t until_ms)
{
        for (;;) {
                const uint64_t now = mt_now_ms(), left = until_ms > now ? until_ms - now : 0;
                const struct timespec pause = { .tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000 };

                if (sigtimedwait(signals, NULL, &pause) > 0)
                        return true;
                if (errno != EINTR)
                        return false;
        }
}

static bool reader_is_gone(void)
{
        struct pollfd p = { .fd = STDOUT_FILENO };

        return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLNVAL)) != 0;
}

static int follow_until(struct follow *follow, const sigset_t *signals)
{
        uint64_t next_ms = mt_now_ms();
        bool first = true;

        do {
                MT_CLEANUP(mt_member_putp) json_object *status = NULL;
                char silence[MT_STATUS_LINE_SIZE] = "";
                int r = ask(follow, &status, silence, sizeof(silence));

                if (first && (r == -EACCES || r == -ENAMETOOLONG)) { /* it will not get better */
                        mt_terminal_clean(silence);
                        mt_print_err("migtune status: %s\n", silence);
                        return 1;
                }
                first = false;
                show(follow, status, silence);
                next_ms += PERIOD_MS;
                if (next_ms < mt_now_ms()) /* we were stopped, or asleep */
                        next_ms = mt_now_ms();
        } while (!wait_until(signals, next_ms) && !reader_is_gone());
        if (follow->terminal && !follow->json)
                mt_print("\r\033[K"); /* over the "^C" */
        return 0;
}

int mt_status_follow(const struct mt_host_ops *host, bool json)
{
        struct follow follow = { .host = host, .json = json, .terminal = (host->flags & MT_HOST_OUT_IS_TTY) != 0 };
        sigset_t signals, before;
        int status;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGINT);
        (void)sigaddset(&signals, SIGTERM);
        (void)pthread_sigmask(SIG_BLOCK, &signals, &before);
        status = follow_until(&follow, &signals);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        free(follow.said);
        return status;
}
