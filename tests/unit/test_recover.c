/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A broken post-copy: by which ways it can be resumed, and what is told of it. The resuming itself is for the lab. */
#include "announced.h"
#include "scratch.h"
#include "steer/recover.h"
#include "steer/resume_way.h"

#include <arpa/inet.h>
#include <limits.h>

#define PEER "10.0.0.2"
#define TOLD "qemu+tls://host2/system"
#define SSH "qemu+ssh://host2/system"
#define PATTERN "qemu+tcp://%a/system"
#define MADE "qemu+tcp://10.0.0.2/system"

static const struct way_case {
        const char *name;
        struct mt_recover_note note;
        const char *configured;
        const char *want; /* "URI MIGRATE-URI" of each, with commas between them */
} ways[] = {
        { "nothing known", { .peer = PEER }, "", "" },
        { "the call's", { .peer = PEER, .uri = TOLD, .flags = 0x8003 }, "", TOLD " " },
        { "with its address for the memory",
          { .peer = PEER, .uri = TOLD, .migrate_uri = "tcp://10.1.0.2", .flags = 0x8003 },
          "",
          TOLD " tcp://10.1.0.2" },
        { "the configured one", { .peer = PEER, .flags = 0x8003 }, PATTERN, MADE " tcp://10.0.0.2" },
        { "IPv6", { .peer = "fd77::2", .flags = 0x8003 }, PATTERN, "qemu+tcp://[fd77::2]/system tcp://[fd77::2]" },
        { "flags not known: memory goes where the destination says", { .peer = PEER }, PATTERN, MADE " " },
        { "TLS: likewise, for the certificate has a name", { .peer = PEER, .flags = 0x18003 }, PATTERN, MADE " " },
        { "the peer not known", { .flags = 0x8003 }, PATTERN, "" },
        { "the peer not needed", { .flags = 0x8003 }, "qemu+tls://spare/system", "qemu+tls://spare/system " },
        { "both: what libvirtd took first",
          { .peer = PEER, .uri = TOLD, .flags = 0x8003 },
          PATTERN,
          TOLD " ," MADE " tcp://10.0.0.2" },
        { "both, the same", { .peer = PEER, .uri = MADE, .flags = 0x8003 }, PATTERN, MADE " " },
        { "its client conducted it: what is configured first",
          { .peer = PEER, .uri = TOLD, .flags = 0x8101 },
          PATTERN,
          MADE " tcp://10.0.0.2," TOLD " " },
        { "its client conducted it, nothing configured", { .peer = PEER, .uri = TOLD, .flags = 0x8101 }, "", TOLD " " },
};

static void test_ways(void **state)
{
        const struct way_case *c = *state;
        struct bench *bench = bench_new();
        struct mt_resume way[MT_RESUME_WAYS];
        char got[1200] = "";
        unsigned n;

        (void)snprintf(bench->host.config.destination.uri, sizeof(bench->host.config.destination.uri), "%s", c->configured);
        n = mt_resume_ways(&bench->host, &c->note, way);
        for (unsigned i = 0; i < n; i++) {
                size_t used = strlen(got);

                (void)snprintf(got + used, sizeof(got) - used, "%s%s %s", i > 0 ? "," : "", way[i].uri, way[i].migrate_uri);
                assert_int_equal(way[i].flags, c->note.flags);
        }
        assert_string_equal(got, c->want);
        bench_free(bench);
}

static const struct command_case {
        const char *name;
        struct mt_recover_note note;
        const char *want;
} commands[] = {
        { "all known",
          { .peer = PEER, .flags = 0x801b },
          "virsh migrate --live --p2p --persistent --undefinesource --postcopy --postcopy-resume vm "
          "qemu://10.0.0.2/system" },
        { "flags not known",
          { .peer = "fd77::2" },
          "virsh migrate --live --p2p --postcopy --postcopy-resume vm qemu://[fd77::2]/system" },
        { "nothing known",
          { .flags = 0 },
          "virsh migrate --live --p2p --postcopy --postcopy-resume vm qemu://DESTINATION/system" },
};

static void test_command(void **state)
{
        const struct command_case *c = *state;
        char got[512];

        assert_string_equal(mt_resume_command(&c->note, "vm", got, sizeof(got)), c->want);
        assert_int_equal(strlen(mt_resume_command(&c->note, "vm", got, 20)), 19); /* cut, not more */
}

/* Whose word for the URI is taken. */
static const struct told_case {
        const char *name, *uri;
        uid_t client, daemon; /* NOVA, 0, or UINT_MAX: does not ask */
        const char *want;
} told[] = {
        { "root's", SSH, 0, UINT_MAX, SSH },
        { "the daemon's", SSH, UINT_MAX, 0, SSH },
        { "another user's, which only opens a connection", TOLD, NOVA, UINT_MAX, TOLD },
        { "another user's, which runs a program", SSH, NOVA, UINT_MAX, "" },
        { "another user's, and the daemon stood in it as well", SSH, NOVA, 0, "" },
        { "another user's, with a command in it", "qemu+tcp://h/system?command=/bin/x", NOVA, UINT_MAX, "" },
        { "none", "", 0, UINT_MAX, "" },
};

static void test_told(void **state)
{
        const struct told_case *c = *state;
        struct mt_announced call = { .migrate_uri = "tcp://10.1.0.2" };
        struct mt_job job = { .call = &call, .facts = { .call = { .known = true, .flags = 0x8003 } } };
        struct mt_recover_note note = { .flags = 0 };
        struct sockaddr_in peer = { .sin_family = AF_INET, .sin_port = htons(49152) };

        (void)snprintf(call.uri, sizeof(call.uri), "%s", c->uri);
        if (c->client != UINT_MAX)
                call.asker[MT_CALL_BY_CLIENT] = (struct mt_asker){ .ticket = "1", .uid = c->client };
        if (c->daemon != UINT_MAX)
                call.asker[MT_CALL_BY_DAEMON] = (struct mt_asker){ .ticket = "2", .uid = c->daemon };
        assert_int_equal(inet_pton(AF_INET, PEER, &peer.sin_addr), 1);
        (void)memcpy(&job.flows.flow[0].peer, &peer, sizeof(peer));
        job.flows.n = 1;
        mt_resume_learn(&job, &note);
        assert_string_equal(note.uri, c->want);
        assert_string_equal(note.migrate_uri, c->want[0] != '\0' ? "tcp://10.1.0.2" : "");
        assert_string_equal(note.peer, PEER);
        assert_int_equal(note.flags, 0x8003);
}

/* What an earlier watcher noted stays where this one cannot know. */
static void test_noted(void **state)
{
        const struct mt_recover_note before = { PEER, TOLD, "tcp://10.1.0.2", 0x18003 };
        struct mt_recover_note note = before;
        struct mt_job job = { .xml = { .id = { .name = "no such domain" } } };

        (void)state;
        mt_resume_learn(&job, &note);
        assert_memory_equal(&note, &before, sizeof(note));
}

struct broken {
        struct bench *bench;
        struct scratch scratch;
        struct mt_job job;
};

/* A job in post-copy, of a domain that libvirt does not know: its resumer finds nothing to do. */
static void broken_new(struct broken *b, enum mt_mode mode)
{
        b->bench = bench_new();
        b->scratch = scratch_new();
        b->bench->host.run_dir = b->scratch.dir;
        b->job = (struct mt_job){ .since_ms = mt_now_ms(), .intent = { .mode = mode } };
        (void)snprintf(b->job.xml.id.name, sizeof(b->job.xml.id.name), "vm");
        (void)snprintf(b->job.xml.id.uuid, sizeof(b->job.xml.id.uuid), "8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90");
        bench_log.text[0] = '\0';
}

static void broken_free(struct broken *b)
{
        mt_recover_end(&b->bench->host, &b->job, false);
        mt_outcome_done(&b->job.outcome);
        (void)usleep(50000); /* the resumer's thread ends by itself */
        scratch_done(&b->scratch);
        bench_free(b->bench);
}

static bool noted(struct broken *b)
{
        struct mt_recover_note note;

        return mt_recover_note_read(b->scratch.dir, b->job.xml.id.uuid, &note, NULL) == 0;
}

static const char *status_text(const struct mt_job *job)
{
        static char text[320];

        return mt_recover_text(job, text, sizeof(text));
}

/* libvirt says that it runs on the destination. */
static void runs(struct broken *b)
{
        bool was_broken = b->job.state == MT_JOB_BROKEN;

        assert_true(mt_state_step(&b->job.state, MT_EVENT_SWITCH));
        mt_recover_runs(&b->bench->host, &b->job, was_broken);
}

/* It runs, breaks, is resumed by somebody else, breaks again. */
static void test_story(void **state)
{
        struct broken b;
        struct mt_host *host;

        (void)state;
        broken_new(&b, MT_MODE_ENFORCE);
        host = &b.bench->host;
        assert_null(mt_recover_json(&b.job));
        runs(&b);
        assert_string_equal(status_text(&b.job), "post-copy");
        assert_true(noted(&b));
        assert_int_equal(b.job.outcome.n_events, 0);
        mt_recover_failed(host, &b.job, false);
        mt_recover_failed(host, &b.job, false); /* said twice, broken once */
        assert_int_equal(b.job.recovery.breaks, 1);
        assert_non_null(strstr(bench_log.text, "virsh migrate --live --p2p --postcopy --postcopy-resume vm"));
        assert_string_equal(status_text(&b.job), "post-copy broken, not resumed");
        assert_int_equal(b.job.outcome.n_events, 2);
        assert_non_null(strstr(b.job.outcome.events[0].text, "post-copy broke"));
        assert_non_null(strstr(b.job.outcome.events[1].text, "destination.uri is not set"));
        mt_recover_tick(host, &b.job);
        assert_int_equal(b.job.outcome.n_events, 2); /* once is enough */
        runs(&b);
        assert_int_equal(b.job.outcome.n_events, 3);
        assert_non_null(strstr(b.job.outcome.events[2].text, "(by somebody else)"));
        mt_recover_failed(host, &b.job, false);
        assert_int_equal(b.job.recovery.breaks, 2);
        for (int i = 0; i < 20; i++) { /* the record has room for other events as well */
                runs(&b);
                mt_recover_failed(host, &b.job, false);
        }
        assert_int_equal(b.job.recovery.breaks, 22);
        assert_true(b.job.outcome.n_events < MT_MAX_EVENTS);
        mt_recover_end(host, &b.job, true);
        assert_true(noted(&b));
        broken_free(&b);
}

/* The way becomes known while it is broken. */
static void test_configured_late(void **state)
{
        struct broken b;

        (void)state;
        broken_new(&b, MT_MODE_ENFORCE);
        runs(&b);
        mt_recover_failed(&b.bench->host, &b.job, true);
        assert_string_equal(b.job.outcome.destination, "unknown");
        assert_null(b.job.recovery.resumer);
        (void)strcpy(b.bench->host.config.destination.uri, "qemu+tls://spare/system");
        mt_recover_tick(&b.bench->host, &b.job);
        assert_non_null(b.job.recovery.resumer);
        assert_non_null(strstr(bench_log.text, "resumed through qemu+tls://spare/system"));
        assert_non_null(strstr(status_text(&b.job), "resuming, attempt 1, next in "));
        for (int i = 0; i < 500 && b.job.recovery.resumer != NULL; i++) {
                (void)usleep(10000);
                mt_recover_collect(&b.job); /* libvirt knows no such domain: nothing to resume */
        }
        assert_null(b.job.recovery.resumer);
        assert_int_equal(b.job.recovery.attempts, 0);
        broken_free(&b);
}

static const struct left_case {
        const char *name;
        enum mt_mode mode;
        enum mt_resume_choice choice;
        const char *why;
} left[] = {
        { "mode observe", MT_MODE_OBSERVE, MT_RESUME_AUTO, "mode observe" },
        { "never", MT_MODE_ENFORCE, MT_RESUME_NEVER, "destination.resume = \"never\"" },
};

static void test_left_alone(void **state)
{
        const struct left_case *c = *state;
        struct broken b;
        json_object *json, *text = NULL;

        broken_new(&b, c->mode);
        (void)strcpy(b.bench->host.config.destination.uri, "qemu+tls://spare/system");
        b.bench->host.config.destination.resume = c->choice;
        runs(&b);
        mt_recover_failed(&b.bench->host, &b.job, false);
        assert_null(b.job.recovery.resumer);
        assert_non_null(strstr(bench_log.text, c->why));
        json = mt_recover_json(&b.job);
        assert_true(json_object_object_get_ex(json, "text", &text));
        assert_string_equal(json_object_get_string(text), "post-copy broken, not resumed");
        (void)json_object_put(json);
        broken_free(&b);
}

/* Notes of domains without a job go. */
static void test_sweep(void **state)
{
        struct broken b;

        (void)state;
        broken_new(&b, MT_MODE_ENFORCE);
        runs(&b);
        b.bench->host.jobs = &b.job;
        mt_recover_sweep(&b.bench->host);
        assert_true(noted(&b));
        b.bench->host.jobs = NULL;
        mt_recover_sweep(&b.bench->host);
        assert_false(noted(&b));
        broken_free(&b);
}

int main(void)
{
        struct CMUnitTest
                tests[MT_ARRAY_SIZE(ways) + MT_ARRAY_SIZE(commands) + MT_ARRAY_SIZE(told) + MT_ARRAY_SIZE(left) + 4];
        size_t n = 0;

        (void)virInitialize();
        virSetErrorFunc(NULL, bench_ignore_error);
        ADD_ROWS(tests, n, ways, test_ways);
        ADD_ROWS(tests, n, commands, test_command);
        ADD_ROWS(tests, n, told, test_told);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_noted);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_story);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_configured_late);
        ADD_ROWS(tests, n, left, test_left_alone);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_sweep);
        return _cmocka_run_group_tests("recover", tests, n, NULL, NULL);
}
