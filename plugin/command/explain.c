/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune explain: the story of one migration. The watcher is asked first: it alone knows those that run, and a domain's
 * running migration is its last. Then the history is gone through once.
 */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/explain_show.h"
#include "command/history/reader.h"
#include "command/member.h"
#include "command/terminal.h"
#include "log.h"
#include "record/json.h"
#include "service/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MS 1000
#define MOST_CANDIDATES 5 /* that a message names */

static const char help[] =
        "usage: migtune explain ID|DOMAIN [--json] [--history FILE] [--config FILE]\n"
        "\n"
        "Tells of one migration what was measured, what was wanted and who said so, why it was planned as it was, the "
        "plan,\n"
        "the prediction beside what came of it, what changed its course, samples, tc classes and the result. If it still\n"
        "runs, what the watcher knows of it by now.\n"
        "\n"
        "  ID              of a record (migtune history --json has them), or its beginning, if no other begins so\n"
        "  DOMAIN          a domain's name or UUID: its last migration\n"
        "  --json          the record itself\n"
        "  --history FILE  another history than history.file of the configuration\n"
        "  --help          this text\n"
        "\n"
        "Exit status: 0 told, 1 there is none, 2 bad usage, or several begin with that ID.\n";

/* How well a migration fits what was asked for, worst first. */
enum rank { NO_MATCH, BY_PREFIX, BY_DOMAIN, BY_ID, RANKS };

struct found {
        json_object *record; /* a reference */
        char *line;          /* as it stands in the history; NULL: it runs */
};

struct search {
        const char *what;
        struct found best[RANKS]; /* the last one of each rank */
        unsigned n_candidates;    /* different ids that begin with what */
        char candidate[MOST_CANDIDATES][64];
        bool out_of_memory;
};

static void forget(struct found *found)
{
        (void)json_object_put(found->record);
        free(found->line);
        *found = (struct found){ .record = NULL };
}

static void search_done(struct search *search)
{
        for (unsigned i = 0; i < RANKS; i++)
                forget(&search->best[i]);
}

static enum rank rank_of(const char *what, const char *id, const char *name, const char *uuid)
{
        if (strcmp(id, what) == 0)
                return BY_ID;
        if (strcmp(name, what) == 0 || strcmp(uuid, what) == 0)
                return BY_DOMAIN;
        return strncmp(id, what, strlen(what)) == 0 ? BY_PREFIX : NO_MATCH;
}

static void note_candidate(struct search *search, const char *id)
{
        for (unsigned i = 0; i < search->n_candidates && i < MOST_CANDIDATES; i++)
                if (strcmp(search->candidate[i], id) == 0)
                        return;
        if (search->n_candidates < MOST_CANDIDATES)
                (void)snprintf(search->candidate[search->n_candidates], sizeof(search->candidate[0]), "%s", id);
        search->n_candidates++;
}

/* line NULL: it runs, and is later than all that is in the history. */
static void offer(struct search *search, enum rank rank, json_object *record, const char *line)
{
        struct found *found = &search->best[rank];

        if (rank == NO_MATCH || (found->record != NULL && found->line == NULL && line != NULL))
                return;
        if (rank == BY_PREFIX)
                note_candidate(search, mt_member_text(record, "id"));
        forget(found);
        found->record = json_object_get(record);
        if (line == NULL)
                return;
        found->line = strdup(line);
        if (found->line == NULL)
                search->out_of_memory = true;
}

static void take_record(void *ctx, json_object *record, const char *line)
{
        struct search *search = ctx;

        offer(search,
              rank_of(search->what, mt_member_text(record, "id"), mt_member_text(record, "domain/name"),
                      mt_member_text(record, "domain/uuid")),
              record, line);
}

/* Those that run. 0, or -errno: nobody tells of them. */
static int ask_watcher(const struct mt_host_ops *host, struct search *search, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *reply = NULL;
        MT_CLEANUP(mt_member_putp) json_object *status = NULL;
        int r = mt_client_call(host->run_dir, "{\"request\":\"status\"}", ANSWER_MS, &reply, err);

        if (r < 0)
                return r;
        status = json_tokener_parse(reply);
        if (!json_object_is_type(mt_member(status, "migrations"), json_type_array))
                return mt_fail(err, EPROTO, "the watcher's answer has no migrations");
        for (size_t i = 0; i < mt_member_count(status, "migrations"); i++) {
                json_object *job = json_object_array_get_idx(mt_member(status, "migrations"), i);

                offer(search,
                      rank_of(search->what, mt_member_text(job, "id"), mt_member_text(job, "domain"),
                              mt_member_text(job, "uuid")),
                      job, NULL);
        }
        return 0;
}

static int bad(const char *argument, const char *what)
{
        mt_terminal_complain("explain", "'%s': %s, see migtune explain --help", argument, what);
        return 2;
}

static void show(const struct mt_host_ops *host, const struct found *found, bool json)
{
        const struct mt_explained e = { .record = found->record, .running = found->line == NULL, .columns = host->columns };

        if (json) {
                mt_terminal_json(found->line != NULL ? found->line : mt_json_text(found->record));
                return;
        }
        mt_member_clean(found->record);
        mt_explain_show(&e);
}

static int several(const struct search *search)
{
        char list[MOST_CANDIDATES * 66 + 32] = "";
        size_t used = 0;

        for (unsigned i = 0; i < search->n_candidates && i < MOST_CANDIDATES; i++)
                used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", search->candidate[i]);
        if (search->n_candidates > MOST_CANDIDATES)
                (void)snprintf(list + used, sizeof(list) - used, " and %u more", search->n_candidates - MOST_CANDIDATES);
        mt_terminal_complain("explain", "'%s': several migrations begin so: %s", search->what, list);
        return 2;
}

static int none(const struct search *search, const char *file, const struct mt_history_counts *counts, const char *silence)
{
        char unreadable[64] = "";

        if (counts->unreadable > 0)
                (void)snprintf(unreadable, sizeof(unreadable), " (%" PRIu64 " line%s that may be it cannot be read)",
                               counts->unreadable, counts->unreadable == 1 ? "" : "s");
        mt_terminal_complain("explain", "no migration '%s' in %s%s, and %s", search->what, file, unreadable,
                             silence[0] != '\0' ? "no watcher tells of running ones" : "none such runs");
        return 1;
}

static int explain(const struct mt_host_ops *host, struct search *search, const char *history, bool json)
{
        struct mt_history_counts counts = { .records = 0 };
        struct mt_err err = { 0 }, silence = { 0 };
        struct mt_history_source source = { .containing = search->what };
        char buffer[256];
        int r;

        if (ask_watcher(host, search, &silence) == 0)
                silence.msg[0] = '\0';
        if (search->best[BY_ID].record == NULL) {
                r = mt_history_find(host, history, buffer, sizeof(buffer), &source.file, &err);
                if (r == 0)
                        r = mt_history_read(&source, take_record, search, &counts, &err);
                if (r == 0 && search->out_of_memory)
                        r = mt_fail(&err, ENOMEM, "out of memory for the history's record");
                if (r < 0 && search->best[BY_DOMAIN].record == NULL) {
                        mt_terminal_complain("explain", "%s", err.msg);
                        return r == -EINVAL ? 2 : 1;
                }
        }
        for (unsigned rank = BY_ID; rank > NO_MATCH; rank--) {
                if (search->best[rank].record == NULL)
                        continue;
                if (rank == BY_PREFIX && search->n_candidates > 1)
                        return several(search);
                show(host, &search->best[rank], json);
                return 0;
        }
        return none(search, source.file, &counts, silence.msg);
}

/* 0, or 2 after a message. */
static int parse(int argc, const char *const *argv, const char **ret_what, const char **ret_history, bool *ret_json)
{
        bool literal = false; /* after "--": a domain's name may begin with '-' */

        for (int i = 1; i < argc; i++) {
                int r = literal ? 0 : mt_option_value("--history", argc, argv, &i, ret_history);

                if (r < 0)
                        return bad(argv[i], "its value is missing");
                if (r > 0)
                        continue;
                if (!literal && strcmp(argv[i], "--json") == 0) {
                        *ret_json = true;
                } else if (!literal && strcmp(argv[i], "--") == 0) {
                        literal = true;
                } else if (!literal && argv[i][0] == '-') {
                        return bad(argv[i], "unknown option");
                } else if (*ret_what != NULL || argv[i][0] == '\0') {
                        return bad(argv[i], "expected one ID or DOMAIN");
                } else {
                        *ret_what = argv[i];
                }
        }
        return *ret_what != NULL ? 0 : bad("explain", "expected an ID or a DOMAIN");
}

int mt_command_explain(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(search_done) struct search search = { .what = NULL };
        const char *history = NULL;
        bool json = false;
        int r;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        r = parse(argc, argv, &search.what, &history, &json);
        return r == 0 ? explain(host, &search, history, json) : r;
}
