/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune migrate and evacuate as a host runs them, with libvirt's test driver, which has domains and refuses to migrate them,
 * and a watcher that answers as each test wants and keeps what it was asked.
 */
#include "array.h"
#include "cleanup.h"
#include "clock.h"
#include "command/commands.h"
#include "log.h"
#include "table.h"

#include "scratch.h"

#include <errno.h>
#include <json-c/json.h>
#include <libvirt/virterror.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define DEST "qemu+tcp://127.0.0.1:1/system" /* nobody listens there */

static struct scratch scratch;
static char out[65536], err[65536];
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

static void capture(void *ctx, int32_t stream, const char *text)
{
        char *to = stream == 1 ? out : err;
        size_t size = stream == 1 ? sizeof(out) : sizeof(err);

        (void)ctx;
        (void)pthread_mutex_lock(&out_lock);
        (void)strncat(to, text, size - 1 - strlen(to));
        (void)pthread_mutex_unlock(&out_lock);
}

static void capture_log(void *ctx, int32_t priority, const char *message)
{
        if (priority <= MT_LOG_NOTICE)
                capture(ctx, 2, message);
}

/* Runs a line of arguments, split at spaces. */
static int run(const char *line)
{
        const struct mt_host_ops host = { .run_dir = scratch.dir, .config_file = scratch_path(&scratch, "migtune.conf") };
        MT_CLEANUP(mt_freep) char *copy = strdup(line);
        const char *argv[64];
        int argc = 0;

        for (char *save = NULL, *word = strtok_r(copy, " ", &save); word != NULL && argc < 63;
             word = strtok_r(NULL, " ", &save))
                argv[argc++] = word;
        argv[argc] = NULL;
        out[0] = err[0] = '\0';
        mt_log_init(capture_log, capture, NULL);
        return strncmp(line, "migrate", strlen("migrate")) == 0 ? mt_command_migrate(&host, argc, argv)
                                                                : mt_command_evacuate(&host, argc, argv);
}

static void assert_has(const char *text, const char *part)
{
        if (strstr(text, part) == NULL)
                fail_msg("'%s' is not in:\n%s", part, text);
}

/* The watcher. */

#define MOST_CALLS 256
#define ADVISE "{\"request\":\"advise\""

static struct {
        int fd;
        pthread_t thread;
        pthread_mutex_t lock;
        unsigned n;
        char *request[MOST_CALLS];  /* in the order in which they came, without "status" */
        unsigned waits;             /* the first questions of each call are answered so */
        const char *interrupt_at;   /* SIGINT when a request has this in it */
        const char *vanish_at;      /* likewise: it answers no more */
        const char *retried_answer; /* to "retried" */
} watcher;

static unsigned times_asked(const char *uuid)
{
        unsigned n = 0;

        for (unsigned i = 0; i < watcher.n; i++)
                n += strncmp(watcher.request[i], ADVISE, strlen(ADVISE)) == 0 && strstr(watcher.request[i], uuid) != NULL;
        return n;
}

/* By the last figure of the uuid: 1 is of high urgency, 2 and 3 of low, 3 receives, 4 never ends. */
static void answer_plan(const char *domain, char *ret, size_t size)
{
        const char *urgency = domain[35] == '1' ? "high" : domain[35] == '2' || domain[35] == '3' ? "low" : "medium";

        (void)snprintf(ret, size,
                       "{\"facts\":{\"vm\":{\"class\":\"%s\"}},\"intent\":{\"urgency\":\"%s\"},\"plan\":{\"technique\":"
                       "\"pre-copy\","
                       "\"bandwidth_mbps\":400.0,\"prediction\":{\"total_ms\":%s,\"downtime_ms\":150}},\"queue\":{\"share_"
                       "mbps\":600,"
                       "\"available_mbps\":984,\"left_mbps\":984,\"least_mbps\":67}}",
                       domain[35] == '3' ? "inbound" : "idle", urgency, domain[35] == '4' ? "null" : "5000");
}

static void answer(const char *line, char *ret, size_t size)
{
        json_object *request = json_tokener_parse(line);
        const char *name = json_object_get_string(json_object_object_get(request, "request"));
        const char *uuid = json_object_get_string(json_object_object_get(request, "uuid"));
        const char *what = json_object_get_string(json_object_object_get(request, "what"));

        if (strcmp(name, "status") == 0)
                (void)snprintf(ret, size, "{\"migrations\":[]}");
        else if (strcmp(name, "plan") == 0)
                answer_plan(json_object_get_string(json_object_object_get(request, "domain")), ret, size);
        else if (strcmp(name, "report") == 0)
                (void)snprintf(ret, size, "{\"answer\":%s}", strcmp(what, "retried") == 0 ? watcher.retried_answer : "0");
        else if (times_asked(uuid) <= watcher.waits)
                (void)snprintf(ret, size,
                               "{\"action\":\"wait\",\"wait_ms\":500,\"ticket\":\"t%s\",\"reason\":\"others go first\"}",
                               uuid);
        else
                (void)snprintf(ret, size,
                               "{\"action\":\"tune\",\"bandwidth_mib_s\":40,\"ticket\":\"t%s\",\"reason\":\"pre-copy at 400 "
                               "Mbit/s\"}",
                               uuid);
        (void)json_object_put(request);
}

static void serve(int fd)
{
        char line[8192] = "", reply[4096];
        size_t used = 0;

        while (used < sizeof(line) - 1 && strchr(line, '\n') == NULL) {
                ssize_t n = recv(fd, line + used, sizeof(line) - 1 - used, 0);

                if (n <= 0)
                        return;
                used += (size_t)n;
                line[used] = '\0';
        }
        (void)pthread_mutex_lock(&watcher.lock);
        if (strstr(line, "\"status\"") == NULL && watcher.n < MOST_CALLS)
                watcher.request[watcher.n++] = strdup(line);
        if (watcher.interrupt_at != NULL && strstr(line, watcher.interrupt_at) != NULL) {
                watcher.interrupt_at = NULL;
                (void)kill(getpid(), SIGINT);
        }
        if (watcher.vanish_at != NULL && strstr(line, watcher.vanish_at) != NULL) {
                (void)shutdown(watcher.fd, SHUT_RDWR);
                (void)unlink(scratch_path(&scratch, "migtune.sock"));
        }
        answer(line, reply, sizeof(reply) - 1);
        (void)pthread_mutex_unlock(&watcher.lock);
        (void)strcat(reply, "\n");
        (void)send(fd, reply, strlen(reply), MSG_NOSIGNAL);
}

static void *watcher_main(void *arg)
{
        int fd;

        (void)arg;
        while ((fd = accept(watcher.fd, NULL, NULL)) >= 0) {
                serve(fd);
                (void)close(fd);
        }
        return NULL;
}

static void watcher_start(unsigned waits)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/migtune.sock", scratch.dir);
        (void)unlink(address.sun_path);
        watcher.waits = waits;
        watcher.interrupt_at = watcher.vanish_at = NULL;
        watcher.retried_answer = "1"; /* else each call is made twice */
        watcher.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(watcher.fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(watcher.fd, 64), 0);
        assert_int_equal(pthread_create(&watcher.thread, NULL, watcher_main, NULL), 0);
}

static void watcher_stop(void)
{
        (void)shutdown(watcher.fd, SHUT_RDWR);
        (void)pthread_join(watcher.thread, NULL);
        (void)close(watcher.fd);
        (void)unlink(scratch_path(&scratch, "migtune.sock"));
        for (unsigned i = 0; i < watcher.n; i++)
                free(watcher.request[i]);
        watcher.n = 0;
}

/* The place of the first request with both parts; -1: there is none. */
static int asked(const char *part, const char *other)
{
        for (unsigned i = 0; i < watcher.n; i++)
                if ((strcmp(part, ADVISE) == 0 ? strncmp(watcher.request[i], ADVISE, strlen(ADVISE)) == 0
                                               : strstr(watcher.request[i], part) != NULL) &&
                    strstr(watcher.request[i], other) != NULL)
                        return (int)i;
        return -1;
}

/* Several domains: see answer_plan for what the last figure of the uuid makes them. */
#define DOMAIN(name, digit)                                                                                                 \
        "<domain type='test'><name>" name "</name><uuid>00000000-0000-4000-8000-00000000000" digit "</uuid>"                \
        "<memory unit='MiB'>512</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"
#define UUID(digit) "00000000-0000-4000-8000-00000000000" digit

static const char node[] =
        "<node>" DOMAIN("low-in", "3") DOMAIN("low", "2") DOMAIN("medium", "5") DOMAIN("high", "1") "</node>";

/* The URI of a host with these domains. */
static const char *host_uri(const char *xml)
{
        static char uri[256];

        (void)snprintf(uri, sizeof(uri), "test://%s", scratch_write(&scratch, "node.xml", xml, strlen(xml)));
        return uri;
}

static const struct bad_case {
        const char *name, *arguments, *message;
} bad[] = {
        { "migrate nothing", "migrate", "'migrate': expected a domain and a destination" },
        { "migrate nowhere", "migrate vm", "'vm': expected a domain and a destination" },
        { "migrate twice", "migrate vm " DEST " " DEST, "expected two arguments" },
        { "two destinations", "migrate vm " DEST "," DEST, "expected one destination" },
        { "no URI", "migrate vm host-b", "'host-b': expected a libvirt URI with a host" },
        { "no host", "migrate vm qemu:///system", "'qemu:///system': expected a libvirt URI with a host" },
        { "unknown option", "migrate vm " DEST " --fast", "'--fast': unknown option" },
        { "an option of evacuate", "migrate vm " DEST " --parallel 2", "'--parallel': unknown option" },
        { "no value", "migrate vm " DEST " --urgency", "'--urgency': its value is missing" },
        { "no such urgency", "migrate vm " DEST " --urgency=soon", "'--urgency': expected \"high\", \"medium\" or \"low\"" },
        { "a time without a unit", "migrate vm " DEST " --max-downtime 300", "'--max-downtime': expected a time such as" },
        { "a rate without a unit", "migrate vm " DEST " --bandwidth 300", "'--bandwidth': expected a rate such as" },
        { "less than libvirt can", "migrate vm " DEST " --bandwidth 1Mbit", "at least 1MiB/s" },
        { "evacuate nowhere", "evacuate", "'evacuate': expected one or more destinations" },
        { "an empty destination", "evacuate " DEST ",", "'': expected a libvirt URI with a host" },
        { "the same destination twice", "evacuate " DEST "," DEST, "expected each destination once" },
        { "no number", "evacuate " DEST " --parallel many", "'--parallel': expected a whole number from 1 to 64, or auto" },
        { "none at a time", "evacuate " DEST " --parallel 0", "'--parallel': expected a whole number" },
        { "too many at a time", "evacuate " DEST " --parallel 65", "'--parallel': expected a whole number" },
        { "a domain that is not here", "migrate nobody " DEST " --connect test:///default",
          "'nobody': expected a domain that runs here (there is none of that name)" },
        { "one of several is not here", "evacuate " DEST " test nobody --connect test:///default",
          "'nobody': expected a domain that runs here" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;

        assert_int_equal(run(c->arguments), 2);
        assert_string_equal(out, "");
        assert_has(err, c->message);
        assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1); /* one line */
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(run("migrate --help"), 0);
        assert_has(out, "usage: migtune migrate DOMAIN DEST-URI");
        assert_int_equal(run("evacuate x y --help"), 0);
        assert_has(out, "usage: migtune evacuate DEST-URI[,DEST-URI...]");
        assert_has(out, "--parallel");
        assert_string_equal(err, "");
}

static void test_no_libvirt(void **state)
{
        (void)state;
        assert_int_equal(run("migrate vm " DEST " --connect test:///there/is/none.xml"), 1);
        assert_has(err, "migtune migrate: connect to libvirt at test:///there/is/none.xml: ");
        assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
        assert_string_equal(out, "");
}

/* What is wished for, and what libvirt says in the end. */
static void test_migrate(void **state)
{
        int first;

        (void)state;
        watcher_start(1);
        assert_int_equal(run("migrate test " DEST
                             " --connect test:///default --urgency high --max-downtime 80ms --bandwidth "
                             "500Mbit --no-post-copy"),
                         1);
        assert_string_equal(out, "");
        assert_has(err, "test to 127.0.0.1: pre-copy at 400 Mbit/s\n");
        assert_has(err, "migtune migrate: test: failed: argument unsupported: p2p migration");
        first = asked(ADVISE, "\"urgency\":\"high\"");
        assert_int_equal(first, 0);
        assert_has(watcher.request[0], "\"attach\":\"client\"");
        assert_has(watcher.request[0], "\"max_downtime_ms\":80");
        assert_has(watcher.request[0], "\"post_copy\":\"never\"");
        assert_has(watcher.request[0], "\"bandwidth_mib_s\":59");
        assert_has(watcher.request[0], "\"uri\":\"" DEST "\"");
        assert_has(watcher.request[0], "\"flags\":11");       /* live, peer to peer, persistent there */
        assert_int_equal(asked(ADVISE, "\"ticket\":\"t"), 1); /* it waited, and asked again */
        assert_int_equal(asked("\"retried\"", "argument unsupported"), 2);
        assert_int_equal(asked("\"ended\"", "\"result\":-1"), 3);
        assert_int_equal(watcher.n, 4);
        watcher_stop();
}

static void test_migrate_json(void **state)
{
        json_object *o;

        (void)state;
        watcher_start(0);
        watcher.retried_answer = "0"; /* so it is made as it would be without the advice, too */
        assert_int_equal(run("migrate test " DEST " --connect test:///default --post-copy --undefine --json"), 1);
        assert_has(watcher.request[0], "\"flags\":32795"); /* live, p2p, persistent, undefine-source, postcopy */
        assert_has(err, "libvirt refused the tuned call");
        o = json_tokener_parse(out);
        assert_string_equal(json_object_get_string(json_object_object_get(o, "result")), "failed");
        assert_string_equal(json_object_get_string(json_object_object_get(o, "destination")), DEST);
        (void)json_object_put(o);
        watcher_stop();
}

static void test_dry_run(void **state)
{
        char line[512];

        (void)state;
        watcher_start(0);
        (void)snprintf(line, sizeof(line), "evacuate " DEST " --dry-run --connect %s", host_uri(node));
        assert_int_equal(run(line), 0);
        assert_has(out, "  1  high                 high     idle      127.0.0.1 ");
        assert_has(out, "  2  medium               medium   idle      127.0.0.1 ");
        assert_has(out, "  3  low                  low      idle      127.0.0.1 ");
        assert_has(out, "  4  low-in               low      inbound   127.0.0.1 ");
        assert_has(out, "4 domains, predicted to have moved after 20.0 s\n");
        assert_has(err, "destination 127.0.0.1: its free memory is not known");
        assert_int_equal(asked(ADVISE, ""), -1); /* nothing was announced */
        assert_int_equal(asked("\"call\":{", "\"flags\":"), 0);
        watcher_stop();
}

static void test_dry_run_json(void **state)
{
        json_object *o, *schedule;
        char line[512];

        (void)state;
        watcher_start(0);
        (void)snprintf(line, sizeof(line),
                       "evacuate " DEST ",qemu+tcp://127.0.0.2:1/system --dry-run --json --parallel 1 --connect %s high low",
                       host_uri(node));
        assert_int_equal(run(line), 0);
        o = json_tokener_parse(out);
        schedule = json_object_object_get(o, "schedule");
        assert_int_equal(json_object_array_length(schedule), 2);
        assert_int_equal(json_object_get_int(json_object_object_get(o, "ends_ms")), 10000);
        for (size_t i = 0; i < 2; i++) /* in turn */
                assert_string_equal(json_object_get_string(
                                            json_object_object_get(json_object_array_get_idx(schedule, i), "destination")),
                                    i == 0 ? DEST : "qemu+tcp://127.0.0.2:1/system");
        (void)json_object_put(o);
        watcher_stop();
}

/* All ask, in the schedule's order, the second only when the first has its place; and each failure is its own. */
static void test_evacuate(void **state)
{
        static const char *const order[] = { UUID("1"), UUID("5"), UUID("2"), UUID("3") };
        char line[512];
        int last = -1;

        (void)state;
        watcher_start(1);
        (void)snprintf(line, sizeof(line), "evacuate " DEST " --connect %s", host_uri(node));
        assert_int_equal(run(line), 1);
        for (size_t i = 0; i < MT_ARRAY_SIZE(order); i++) {
                int at = asked(ADVISE, order[i]);

                assert_true(at > last);
                last = at;
                assert_true(asked("\"ended\"", order[i]) > at);
        }
        assert_has(err, "4 domains to move, predicted to take 20 s\n");
        assert_has(err, "migtune evacuate: 4 of 4 domains did not move: high, medium, low, low-in\n");
        assert_has(
                out,
                "high                 127.0.0.1            failed               -     5.0 s         -    150 ms  argument");
        watcher_stop();
}

/* One at a time: the second asks when the first has ended. */
static void test_one_slot(void **state)
{
        char line[512];

        (void)state;
        watcher_start(0);
        (void)snprintf(line, sizeof(line), "evacuate " DEST " --parallel=1 --json --connect %s", host_uri(node));
        assert_int_equal(run(line), 1);
        assert_true(asked("\"ended\"", UUID("1")) < asked(ADVISE, UUID("5")));
        assert_true(asked("\"ended\"", UUID("5")) < asked(ADVISE, UUID("2")));
        assert_true(asked("\"ended\"", UUID("2")) < asked(ADVISE, UUID("3")));
        assert_has(out, "{\"moved\":0,\"not_moved\":4,");
        assert_has(err, "low-in: failed: argument unsupported"); /* the last one's as well */
        watcher_stop();
}

static void test_nobody(void **state)
{
        char line[512];

        (void)state;
        watcher_start(0);
        (void)snprintf(line, sizeof(line), "evacuate " DEST " --connect %s", host_uri("<node></node>"));
        assert_int_equal(run(line), 0);
        assert_string_equal(out, "no domain runs here\n");
        watcher_stop();
}

/* Ctrl-C while the first one waits: nobody starts, and the watcher is told. */
static void test_interrupted(void **state)
{
        const uint64_t began = mt_now_ms();
        char line[512];

        (void)state;
        watcher_start(1000);
        watcher.interrupt_at = "\"ticket\":\"t" UUID("1"); /* asked again */
        (void)snprintf(line, sizeof(line), "evacuate " DEST " --parallel 1 --connect %s", host_uri(node));
        assert_int_equal(run(line), 1);
        assert_has(err, "migtune evacuate: interrupted, starting no more; 0 run on (again to abort them)\n");
        assert_has(err, "4 of 4 domains did not move: high, medium, low, low-in\n");
        assert_true(asked("\"abort\"", UUID("1")) > 0);
        assert_true(asked("\"ended\"", UUID("1")) > 0);
        assert_int_equal(asked(ADVISE, UUID("5")), -1);
        assert_has(out, "not-started          -     5.0 s");
        assert_true(mt_now_ms() - began < 60000);
        watcher_stop();
}

static void test_migrate_interrupted(void **state)
{
        (void)state;
        watcher_start(1000);
        watcher.interrupt_at = "\"ticket\":\"t";
        assert_int_equal(run("migrate test " DEST " --connect test:///default"), 1);
        assert_has(err, "migtune migrate: interrupted, aborting 0\n");
        assert_has(err, "migtune migrate: test: not-started: interrupted\n");
        watcher_stop();
}

/* The watcher goes away while they wait for their turn, and does not come back: they go on without, one after another. */
static void test_watcher_vanishes(void **state)
{
        char line[512];

        (void)state;
        watcher_start(1000);
        watcher.vanish_at = "\"ticket\":\"t" UUID("5");
        (void)snprintf(line, sizeof(line), "evacuate " DEST " --connect %s high medium", host_uri(node));
        assert_int_equal(run(line), 1);
        assert_has(err, "domain 'high': no watcher runs, advised without one");
        assert_has(err, "domain 'medium': no watcher runs, advised without one");
        assert_has(err, "2 of 2 domains did not move: high, medium\n");
        watcher_stop();
}

/* A libvirt that accepts and never answers: Ctrl-C is heard all the same. */
static void test_hangs(void **state)
{
        struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), peer;
        socklen_t size = sizeof(name);
        char line[128];

        (void)state;
        assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(listen(fd, 4), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
        (void)snprintf(line, sizeof(line), "migrate vm " DEST " --connect qemu+tcp://127.0.0.1:%u/system",
                       (unsigned)ntohs(name.sin_port));
        (void)kill(getpid(), SIGINT); /* it waits to be read */
        assert_int_equal(run(line), 1);
        assert_string_equal(err, "migtune migrate: interrupted before a migration was started\n");
        peer = accept(fd, NULL, NULL);
        if (peer >= 0)
                (void)close(peer); /* the thread that was left behind ends */
        (void)close(fd);
        (void)usleep(500000);
}

/* Without a watcher each is advised alone, one after another. */
static void test_alone(void **state)
{
        char line[512];

        (void)state;
        (void)snprintf(line, sizeof(line), "evacuate " DEST " --urgency low --connect %s low high", host_uri(node));
        assert_int_equal(run(line), 1);
        assert_has(err, "; no watcher runs, so nobody shares the link out among them\n");
        assert_has(err, "no watcher runs, advised without one");
        assert_has(err, "2 of 2 domains did not move: low, high\n"); /* as they were named: all are of low urgency */
}

static void ignore_error(void *opaque, virErrorPtr error)
{
        (void)opaque;
        (void)error;
}

int main(void)
{
        static const char config[] = "link = { device = \"lo\"; rate = \"1Gbit\"; }; measure = { before_start = \"0ms\"; };";
        struct CMUnitTest tests[MT_ARRAY_SIZE(bad) + 14];
        sigset_t signals;
        size_t n = 0;
        int failed;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGINT);
        (void)sigaddset(&signals, SIGTERM);
        (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* as the host does */
        (void)pthread_mutex_init(&watcher.lock, NULL);
        virSetErrorFunc(NULL, ignore_error);
        scratch = scratch_new();
        (void)scratch_write(&scratch, "migtune.conf", config, strlen(config));
        ADD_ROWS(tests, n, bad, test_bad);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_help);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_libvirt);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_migrate);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_migrate_json);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_dry_run);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_dry_run_json);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_evacuate);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_one_slot);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nobody);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_interrupted);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_migrate_interrupted);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_alone);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_watcher_vanishes);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_hangs); /* last: it leaves a thread behind */
        failed = _cmocka_run_group_tests("migrate_command", tests, n, NULL, NULL);
        scratch_done(&scratch);
        return failed;
}
