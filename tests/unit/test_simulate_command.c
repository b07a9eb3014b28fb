/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune simulate through the command as a host runs it: what it refuses, networks of one's own, its output. */
#include "array.h"
#include "cleanup.h"
#include "command/commands.h"
#include "log.h"
#include "scratch.h"

#include <json-c/json.h>
#include <math.h>

static char out[262144], err[16384];
static uint32_t host_flags;

static void capture(void *ctx, int32_t stream, const char *text)
{
        char *to = stream == 1 ? out : err;
        size_t size = stream == 1 ? sizeof(out) : sizeof(err);

        (void)ctx;
        (void)strncat(to, text, size - 1 - strlen(to));
}

/* Runs "simulate" with a line of arguments, split at spaces; `last`, if not NULL, is one more as it is. */
static int run(const char *line, const char *last)
{
        const struct mt_host_ops host = { .run_dir = "/nonexistent", .config_file = "/nonexistent", .flags = host_flags };
        MT_CLEANUP(mt_freep) char *copy = strdup(line);
        const char *argv[40] = { "simulate" };
        int argc = 1;

        assert_non_null(copy);
        for (char *save = NULL, *word = strtok_r(copy, " ", &save); word != NULL && argc < 38;
             word = strtok_r(NULL, " ", &save))
                argv[argc++] = word;
        if (last != NULL)
                argv[argc++] = last;
        out[0] = err[0] = '\0';
        mt_log_init(NULL, capture, NULL);
        return mt_command_simulate(&host, argc, argv);
}

static void refused(int status, const char *message)
{
        assert_int_equal(status, 2);
        assert_string_equal(out, "");
        if (strstr(err, message) == NULL)
                fail_msg("'%s' does not say '%s'", err, message);
        assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1); /* one line */
}

static const struct bad_case {
        const char *name, *arguments, *message;
} bad[] = {
        { "no requests", "--requests 0", "--requests: expected a whole number from 1" },
        { "a fraction of a request", "--requests 1.5", "--requests: expected" },
        { "negative requests", "--requests -1", "--requests: expected" },
        { "requests without a value", "--requests", "--requests: expected a whole number from 1 to 10^12, found nothing" },
        { "an empty value", "--requests=", "--requests: expected" },
        { "no runs", "--runs 0", "--runs: expected" },
        { "seed of 65 bits", "--seed 18446744073709551616", "--seed: expected a whole number below 2^64" },
        { "no such law", "--law gaussian", "--law: expected all, or some of uniform" },
        { "a law twice", "--law uniform,uniform", "--law: expected" },
        { "a law of nothing", "--law uniform,", "--law: expected" },
        { "no such strategy", "--strategies fastest", "--strategies: expected all, or some of lambda-range" },
        { "memory without a unit", "--memory 4:8", "--memory: expected sizes such as" },
        { "memory upside down", "--memory 8GB:4GB", "--memory: expected" },
        { "memory of nothing", "--memory 0GB:4GB", "--memory: expected" },
        { "memory in three parts", "--memory 4GB:5GB:6GB", "--memory: expected" },
        { "memory in Gbit", "--memory 4Gbit", "--memory: expected" },
        { "no dirty rate", "--dirty-rate 0Mbit:500Mbit", "--dirty-rate: expected rates from 1kbit" },
        { "one dirty rate", "--dirty-rate 250Mbit", "--dirty-rate: expected LOW below HIGH" },
        { "no deviation", "--dirty-sd 0Mbit", "--dirty-sd: expected a rate" },
        { "a limit without a unit", "--max-downtime 1:2", "--max-downtime: expected times such as" },
        { "a negative delay", "--tau -1s", "--tau: expected a time" },
        { "no iterations", "--max-iterations 0", "--max-iterations: expected a whole number from 1 to 1000" },
        { "lambda of nothing", "--lambda 0:0.4", "--lambda: expected numbers" },
        { "lambda of one", "--lambda 0.1:1", "--lambda: expected numbers" },
        { "lambda upside down", "--lambda 0.4:0.1", "--lambda: expected numbers" },
        { "lambda that is none", "--lambda nan:nan", "--lambda: expected numbers" },
        { "arrivals without a unit", "--rate 1", "--rate: expected a number with /s" },
        { "no arrivals", "--rate 0/s", "--rate: expected" },
        { "arrivals without end", "--rate inf/s", "--rate: expected" },
        { "no bandwidth", "--max-bandwidth 0Gbit", "--max-bandwidth: expected a rate" },
        { "no link", "--link-capacity 0Gbit", "--link-capacity: expected a rate" },
        { "clark beyond the bandwidth", "--clark-maximum 11Gbit", "--clark-maximum: expected at most --max-bandwidth" },
        { "clark begins too high", "--clark-initial 2Gbit --clark-maximum 1Gbit", "--clark-initial: expected at most" },
        { "auto where there is none", "--clark-initial auto", "--clark-initial: expected" },
        { "two formats", "--json --csv", "expected one of them" },
        { "no such option", "--colour red", "'--colour': unknown argument" },
        { "no such argument", "fast", "'fast': unknown argument" },
        { "an option cut short", "--request 5", "'--request': unknown argument" },
        { "no such file", "--network /nonexistent/net", "/nonexistent/net: No such file" },
        { "a directory", "--network /tmp", "/tmp: expected a regular file" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;

        refused(run(c->arguments, NULL), c->message);
}

static void test_bad_bytes(void **state)
{
        (void)state;
        refused(run("--network", "a\nb"), "a?b");
        refused(run("", "--law=\033[31m"), "--law: expected");
        assert_null(strchr(err, '\033'));
}

static const struct file_case {
        const char *name, *text, *message;
} files[] = {
        { "an empty file", "", "NET: links: missing" },
        { "syntax", "links = (\n(\"a\",", "NET:2: syntax error" },
        { "no list", "links = \"a\";", "NET:1: links: expected a list of links" },
        { "no links", "links = ();", "NET:1: links: expected a list of links" },
        { "half a link", "links = (\n (\"a\", \"b\"),\n (\"a\") );", "NET:3: links: expected (\"NODE\", \"NODE\")" },
        { "a link of numbers", "links = ( (1, 2) );", "NET:1: links: expected (\"NODE\", \"NODE\")" },
        { "a bare capacity", "links = ( (\"a\", \"b\", 40) );", "NET:1: links: expected the capacity to be a rate" },
        { "no capacity", "links = ( (\"a\", \"b\", \"0Gbit\") );", "NET:1: links: expected the capacity to be a rate" },
        { "a loop", "links = ( (\"a\", \"a\") );", "NET:1: links: expected a link between two nodes" },
        { "a link twice", "links = ( (\"a\", \"b\"),\n(\"b\", \"a\") );",
          "NET:2: links: there is a link 'b' - 'a' already" },
        { "a node without a name", "links = ( (\"a\", \"\") );", "NET:1: links: expected a node's name" },
        { "two islands", "links = ( (\"a\", \"b\"), (\"c\", \"d\") );", "NET:1: links: no path leads" },
        { "a misspelt key", "links = ( (\"a\", \"b\") );\ndatacentres = ( \"a\", \"b\" );",
          "NET:2: datacentres: unknown key" },
        { "an unknown node", "links = ( (\"a\", \"b\") );\ndatacenters = ( \"a\", \"c\" );",
          "NET:2: datacenters: no link leads" },
        { "one datacenter", "links = ( (\"a\", \"b\") );\ndatacenters = ( \"a\" );",
          "NET:2: datacenters: expected a list of two" },
        { "a datacenter twice", "links = ( (\"a\", \"b\") );\ndatacenters = (\n\"a\", \"a\" );",
          "datacenters: the datacenter 'a'" },
        { "a file included that is not there", "@include \"nope\"", "NET:1: @include" },
};

static void test_bad_file(void **state)
{
        const struct file_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_write(&scratch, "NET", c->text, strlen(c->text));

        refused(run("--requests 5 --network", path), c->message);
}

static json_object *member(json_object *object, const char *key)
{
        json_object *value = NULL;

        assert_true(json_object_object_get_ex(object, key, &value));
        return value;
}

static double mean(json_object *result, const char *key)
{
        return json_object_get_double(member(member(result, "mean"), key));
}

/* A network of one's own: a line of four nodes; the narrow link in the middle is what blocks. */
static void test_file(void **state)
{
        static const char text[] = "links = ( ( \"a\", \"b\" ), [ \"b\", \"c\", \"12Gbit\" ],\n( \"c\", \"d\" ) );\n"
                                   "datacenters = [ \"a\", \"d\" ];\n";
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_write(&scratch, "line.conf", text, strlen(text));
        json_object *all, *result;

        (void)state;
        assert_int_equal(run("--json --requests 2000 --law uniform --strategies max-bandwidth --network", path), 0);
        all = json_tokener_parse(out);
        result = json_object_array_get_idx(member(all, "results"), 0);
        assert_string_equal(json_object_get_string(member(member(all, "network"), "name")), "line.conf");
        assert_int_equal(json_object_get_int(member(member(all, "network"), "nodes")), 4);
        assert_true(json_object_get_double(member(member(all, "network"), "mean_hops")) == 3.0);
        assert_true(fabs(mean(result, "peak_load") - 10.0 / 12.0) < 1e-6);
        assert_true(mean(result, "blocked") > 0.1 && mean(result, "blocked") < 0.99);
        assert_true(fabs(mean(result, "reserved_hops_mbit") / mean(result, "reserved_mbit") - 3.0) < 1e-6);
        (void)json_object_put(all);
}

/* Runs are those of the seeds one after the other: their average, and the deviation between them. */
static void test_runs(void **state)
{
        double sum = 0, squares = 0, value;
        json_object *all;

        (void)state;
        for (unsigned seed = 5; seed < 8; seed++) {
                char line[128];

                (void)snprintf(line, sizeof(line), "--json --requests 500 --law normal --strategies clark --seed %u", seed);
                assert_int_equal(run(line, NULL), 0);
                all = json_tokener_parse(out);
                value = mean(json_object_array_get_idx(member(all, "results"), 0), "duration_s");
                sum += value;
                squares += value * value;
                (void)json_object_put(all);
        }
        assert_int_equal(run("--json --requests 500 --law normal --strategies clark --seed 5 --runs 3", NULL), 0);
        all = json_tokener_parse(out);
        value = mean(json_object_array_get_idx(member(all, "results"), 0), "duration_s");
        assert_true(fabs(value * 3.0 / sum - 1.0) < 1e-6);
        value = json_object_get_double(
                member(member(json_object_array_get_idx(member(all, "results"), 0), "sd"), "duration_s"));
        assert_true(fabs(value / sqrt((squares - sum * sum / 3.0) / 2.0) - 1.0) < 1e-3);
        (void)json_object_put(all);
}

static unsigned lines_with(const char *text)
{
        unsigned n = 0;

        for (const char *at = strstr(out, text); at != NULL; at = strstr(at + 1, text))
                n++;
        return n;
}

static void test_table(void **state)
{
        (void)state;
        assert_int_equal(run("--requests 3000 --law all --strategies all --network nsfnet", NULL), 0);
        assert_string_equal(err, ""); /* no progress bar where there is no terminal */
        assert_non_null(strstr(out, "network nsfnet: 14 nodes, 21 links, 8 datacenters, 2.21 hops"));
        assert_int_equal(lines_with("resource consumption of lambda-range is "), 4);
        assert_int_equal(lines_with(" % above max-bandwidth's; the paper reports 5-10 % below\n"), 4);
        assert_int_equal(lines_with("\n  cost-aware "), 4);
        assert_int_equal(lines_with("nan") + lines_with("inf"), 0);
        assert_int_equal(run("--requests 100 --law normal --strategies clark,lambda-range", NULL), 0);
        assert_int_equal(lines_with("the paper reports"), 0);
}

/* Limits that nothing meets, links that nothing fits, numbers beyond a double's range: still numbers, or null. */
static void test_extremes(void **state)
{
        static const char *const lines[] = {
                "--requests 20 --strategies all --law all --max-downtime 0s --tau 0s --tg 0s",
                "--requests 20 --strategies all --law all --max-downtime 0s --tau 0s --tg 0s --clark-addition 1kbit",
                "--requests 20 --strategies all --law all --max-bandwidth 1kbit --clark-initial 1kbit "
                "--dirty-rate 1kbit:100000Gbit --max-iterations 1000",
                "--requests 20 --strategies all --law all --memory 0.001MiB --dirty-rate 1kbit:100000Gbit --dirty-sd 1kbit",
                "--requests 1 --strategies all --law all --runs 2 --rate 1000000000/s --lambda 0.999",
                "--requests 20 --strategies all --law all --dirty-rate 499.9999Mbit:500Mbit --dirty-sd 100000Gbit --rate "
                "1/h",
        };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(lines); i++) {
                char line[512];

                assert_int_equal(run(lines[i], NULL), 0);
                assert_int_equal(lines_with("nan") + lines_with("inf"), 0);
                for (unsigned format = 0; format < 2; format++) {
                        (void)snprintf(line, sizeof(line), "%s %s", lines[i], format == 0 ? "--json" : "--csv");
                        assert_int_equal(run(line, NULL), 0);
                        assert_int_equal(lines_with("NaN") + lines_with("nan") + lines_with("Inf") + lines_with("inf"), 0);
                }
        }
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(run("--requests 5 --help --nonsense", NULL), 0);
        assert_non_null(strstr(out, "usage: migtune simulate"));
        assert_non_null(strstr(out, "USNET, 24-node, 43-link US backbone"));
        assert_non_null(strstr(out, "datacenters = ("));
        for (const char *line = out; *line != '\0'; line = strchr(line, '\n') + 1)
                assert_true(strcspn(line, "\n") <= 100);
}

/* On a terminal a bar is drawn, and erased before the end. */
static void test_progress(void **state)
{
        (void)state;
        host_flags = MT_HOST_ERR_IS_TTY;
        assert_int_equal(run("--requests 20000 --law uniform --strategies lambda-range", NULL), 0);
        host_flags = 0;
        assert_non_null(strstr(err, "\runiform, lambda-range [."));
        assert_string_equal(err + strlen(err) - strlen("\r\033[K"), "\r\033[K");
        assert_null(strchr(err, '\n'));
}

static void test_no_pictures_here(void **state)
{
        (void)state; /* this host runs no programs */
        assert_int_equal(run("--requests 5 --plot x.svg", NULL), 1);
        assert_non_null(strstr(err, "a picture cannot be drawn from here"));
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(bad) + MT_ARRAY_SIZE(files) + 8];
        size_t n = 0;

        ADD_ROWS(tests, n, bad, test_bad);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_bad_bytes);
        ADD_ROWS(tests, n, files, test_bad_file);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_file);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_runs);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_table);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_extremes);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_help);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_progress);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_pictures_here);
        return _cmocka_run_group_tests("simulate_command", tests, n, NULL, NULL);
}
