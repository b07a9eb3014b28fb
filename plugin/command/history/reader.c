/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * record/history.h reads newest first and therefore has all that it reads in memory, which suits what learns from the last
 * ten thousand; here a file (or a pipe: <(zcat history.jsonl.gz)) of any length goes by in one buffer that holds the
 * longest line so far. A line that outgrows MT_HISTORY_LINE_BYTES is skipped to its newline. A rotation meanwhile does not
 * matter: the old file stays open.
 */
#include "command/history/reader.h"
#include "cleanup.h"
#include "command/member.h"
#include "command/progress.h"
#include "command/terminal.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_BYTES ((size_t)256 << 10)
#define LONG_BYTES ((off_t)8 << 20) /* takes a fifth of a second: worth a bar */

struct reader {
        int fd;
        char *buffer; /* [at, end) was read and not used yet; one more byte is there for a NUL */
        size_t size, at, end;
        bool skipping; /* the rest of a line that is too long */
        bool eof;
        json_tokener *tokener;
        const char *containing;
        struct mt_progress bar;
        off_t done, whole; /* bytes; whole 0: not known, no bar */
        struct mt_history_counts *counts;
        mt_history_record_fn fn;
        void *ctx;
};

static void free_tokenerp(json_tokener **tokener)
{
        if (*tokener != NULL)
                json_tokener_free(*tokener);
}

/* Could one of the line's strings have the text? With a backslash it may be written in another way. */
static bool may_contain(const char *line, const char *text)
{
        return text == NULL || strstr(line, text) != NULL || strchr(line, '\\') != NULL;
}

/* Records have their kind in "event"; what else may come one day is no migration, and no damage. */
static bool is_migration(json_object *o, bool *ret_damaged)
{
        const char *event = mt_member_text(o, "event");

        *ret_damaged = event[0] == '\0' && mt_member_text(o, "id")[0] == '\0' && mt_member(o, "domain") == NULL;
        return !*ret_damaged && (event[0] == '\0' || strcmp(event, "migration") == 0);
}

static void use_line(struct reader *reader, char *line, size_t length)
{
        json_object *o;
        bool damaged = true;

        while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL && line[length - 1] != '\0')
                length--;
        line[length] = '\0';
        if (length == 0 || !may_contain(line, reader->containing))
                return;
        json_tokener_reset(reader->tokener);
        o = json_tokener_parse_ex(reader->tokener, line, (int)length);
        if (json_tokener_get_error(reader->tokener) == json_tokener_success &&
            json_tokener_get_parse_end(reader->tokener) == length && json_object_is_type(o, json_type_object) &&
            is_migration(o, &damaged)) {
                reader->counts->records++;
                reader->fn(reader->ctx, o, line);
        }
        reader->counts->unreadable += damaged ? 1 : 0;
        (void)json_object_put(o);
}

/* Every whole line that is in the buffer; at the end of the file what is left, too. */
static void use_lines(struct reader *reader)
{
        while (reader->at < reader->end) {
                char *line = reader->buffer + reader->at;
                char *newline = memchr(line, '\n', reader->end - reader->at);

                if (newline == NULL && !reader->eof)
                        return;
                if (newline == NULL)
                        newline = reader->buffer + reader->end;
                if (!reader->skipping)
                        use_line(reader, line, (size_t)(newline - line));
                reader->skipping = false;
                reader->at = (size_t)(newline - reader->buffer) + 1;
        }
        reader->at = reader->end = 0;
}

/* Room for more behind what is kept. 0 or -ENOMEM. */
static int make_room(struct reader *reader)
{
        size_t kept = reader->end - reader->at;
        char *grown;

        (void)memmove(reader->buffer, reader->buffer + reader->at, kept);
        reader->at = 0;
        reader->end = kept;
        if (kept < reader->size)
                return 0;
        if (reader->size >= MT_HISTORY_LINE_BYTES) {
                reader->counts->unreadable += reader->skipping ? 0 : 1;
                reader->skipping = true;
                reader->end = 0;
                return 0;
        }
        grown = realloc(reader->buffer, reader->size * 2 + 1);
        if (grown == NULL)
                return -ENOMEM;
        reader->buffer = grown;
        reader->size *= 2;
        return 0;
}

static int read_all(struct reader *reader)
{
        if (reader->tokener == NULL || reader->buffer == NULL)
                return -ENOMEM;
        while (!reader->eof) {
                int r = make_room(reader);
                ssize_t n;

                if (r < 0)
                        return r;
                n = read(reader->fd, reader->buffer + reader->end, reader->size - reader->end);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                reader->end += (size_t)n;
                reader->done += (off_t)n;
                reader->eof = n == 0;
                use_lines(reader);
                if (reader->whole > 0)
                        mt_progress_show(&reader->bar, (double)reader->done / (double)reader->whole);
        }
        return 0;
}

static void begin_bar(struct reader *reader, const struct mt_host_ops *host)
{
        struct stat st;

        if (host == NULL || fstat(reader->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < LONG_BYTES)
                return;
        reader->whole = st.st_size;
        mt_progress_begin(&reader->bar, host, "reading the history");
}

int mt_history_read(const struct mt_history_source *source, mt_history_record_fn fn, void *ctx,
                    struct mt_history_counts *ret_counts, struct mt_err *err)
{
        MT_CLEANUP(free_tokenerp) json_tokener *tokener = json_tokener_new();
        MT_CLEANUP(mt_closep) int fd = open(source->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        struct reader reader = { .fd = fd,
                                 .size = FIRST_BYTES,
                                 .tokener = tokener,
                                 .containing = source->containing,
                                 .counts = ret_counts,
                                 .fn = fn,
                                 .ctx = ctx };
        int r;

        *ret_counts = (struct mt_history_counts){ .records = 0 };
        if (fd < 0 && errno == ENOENT)
                return 0;
        if (fd < 0)
                return mt_fail(err, errno, "the history '%s': %s", source->file, strerror(errno));
        begin_bar(&reader, source->bar);
        reader.buffer = malloc(reader.size + 1);
        r = read_all(&reader);
        mt_progress_end(&reader.bar);
        free(reader.buffer);
        return r < 0 ? mt_fail(err, -r, "the history '%s': %s", source->file, strerror(-r)) : 0;
}

int mt_history_find(const struct mt_host_ops *host, const char *named, char *buffer, size_t size, const char **ret_file,
                    struct mt_err *err)
{
        MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
        struct stat st;
        int r;

        if (named != NULL) {
                if (stat(named, &st) < 0)
                        return mt_fail(err, errno, "the history '%s': %s", named, strerror(errno));
                if (S_ISDIR(st.st_mode))
                        return mt_fail(err, EINVAL, "the history '%s': expected a file", named);
                *ret_file = named;
                return 0;
        }
        r = mt_config_load(host->config_file, &config, err);
        if (r < 0)
                return r;
        if (config.history.file[0] == '\0')
                return mt_fail(err, ENOENT, "%s: history.file = \"\": there is no history; another one may be named",
                               host->config_file);
        (void)snprintf(buffer, size, "%s", config.history.file);
        *ret_file = buffer;
        return 0;
}

int mt_history_end(const char *command, const char *file, int r, const struct mt_history_counts *counts,
                   const struct mt_err *err)
{
        if (r < 0)
                mt_terminal_complain(command, "%s", err->msg);
        if (counts->unreadable > 0)
                mt_terminal_complain(command, "%s: %" PRIu64 " unreadable line%s skipped", file, counts->unreadable,
                                     counts->unreadable == 1 ? "" : "s");
        return r < 0 ? (r == -EINVAL ? 2 : 1) : 0;
}
