/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune calibrate, through the command as a host runs it. */
#include "cleanup.h"
#include "command/check.h"
#include "command/commands.h"
#include "config.h"
#include "log.h"
#include "record/history.h"
#include "synthetic.h"

#include "scratch.h"

#include <errno.h>
#include <json-c/json.h>

static char out[65536], err[8192], script[1u << 20];
static int32_t run_status; /* what "gnuplot" answers */

static void capture(void *ctx, int32_t stream, const char *text)
{
        char *to = stream == 1 ? out : err;
        size_t size = stream == 1 ? sizeof(out) : sizeof(err);

        (void)ctx;
        (void)strncat(to, text, size - 1 - strlen(to));
}

/* Stands for gnuplot: keeps the script, and makes the file that it names. */
static int32_t run_gnuplot(void *ctx, const char *const *argv, const char *input)
{
        const char *name = strstr(input, "set output \"");
        char file[256];
        int fd;

        (void)ctx;
        assert_string_equal(argv[0], "gnuplot");
        (void)snprintf(script, sizeof(script), "%s", input);
        if (run_status != 0)
                return run_status;
        assert_true(name != NULL && sscanf(name, "set output \"%255[^\"]\"", file) == 1);
        fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        assert_true(fd >= 0);
        (void)close(fd);
        return 0;
}

/* Runs "calibrate" with up to eight arguments, NULL-terminated, and a configuration file. */
static int run(const char *config, const char *const *arguments)
{
        const struct mt_host_ops host = { .run_dir = "/nonexistent", .config_file = config, .run = run_gnuplot };
        const char *argv[10] = { "calibrate" };
        int argc = 1;

        for (; argc < 9 && arguments[argc - 1] != NULL; argc++)
                argv[argc] = arguments[argc - 1];
        argv[argc] = NULL;
        out[0] = err[0] = script[0] = '\0';
        mt_log_init(NULL, capture, NULL);
        return mt_command_calibrate(&host, argc, argv);
}

#define RUN(config, ...) run((config), (const char *const[]){ __VA_ARGS__, NULL })

static struct synthetic network(void)
{
        return (struct synthetic){
                .seed = 6, .tau = 0.3, .tg = 0.055, .setup = 0.1, .noise = 0.002, .link = 1000, .share = 0.8
        };
}

static void append(const char *file, const char *text)
{
        struct mt_err problem = { 0 };

        if (mt_history_append(file, text, 100000, &problem) < 0)
                fail_msg("%s", problem.msg);
}

/* n migrations, half of them shaped, the others free pre-copy of outbound VMs. */
static const char *write_history(struct scratch *scratch, unsigned n)
{
        const char *file = scratch_path(scratch, "h.jsonl");
        struct synthetic s = network();

        for (unsigned i = 0; i < n; i++) {
                MT_CLEANUP(mt_outcome_done)
                struct mt_outcome o = i % 2 == 0 ? synthetic_shaped(&s, 200.0 + 400.0 * noise_uniform(&s.seed), 950.0, 1.0)
                                                 : synthetic_free(&s, MT_PRE_COPY, MT_TRAFFIC_OUTBOUND,
                                                                  12.0 + 880.0 * noise_uniform(&s.seed));
                MT_CLEANUP(mt_freep) char *text = mt_outcome_text(&o, 0);

                append(file, text);
        }
        return file;
}

static const char *write_config(struct scratch *scratch, const char *history)
{
        char text[256];

        (void)snprintf(text, sizeof(text), "history = { file = \"%s\"; };\n", history);
        return scratch_write(scratch, "migtune.conf", text, strlen(text));
}

/* The fragment is a configuration as it stands, with these values. */
static struct mt_config load_fragment(struct scratch *scratch)
{
        const char *file = scratch_write(scratch, "fragment.conf", out, strlen(out));
        struct mt_config config = { .n_rules = 0 };
        struct mt_err problem = { 0 };
        char before[sizeof(out)];

        (void)snprintf(before, sizeof(before), "%s", out);
        if (mt_config_load(file, &config, &problem) < 0)
                fail_msg("%s\n%s", problem.msg, before);
        err[0] = '\0';
        assert_int_equal(mt_command_check(2, (const char *const[]){ "check", file, NULL }, file), 0);
        assert_string_equal(err, ""); /* no warnings either */
        (void)snprintf(out, sizeof(out), "%s", before);
        return config;
}

static void test_fragment(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *history = write_history(&scratch, 200);
        struct mt_config config;

        (void)state;
        assert_int_equal(RUN(write_config(&scratch, history), NULL), 0);
        assert_string_equal(err, "");
        config = load_fragment(&scratch);
        assert_int_equal(config.traffic.models, MT_MODELS_AUTO);
        assert_true(config.defaults.inter_iteration_delay_ms > 270 && config.defaults.inter_iteration_delay_ms < 330);
        assert_true(config.defaults.reconfiguration_time_ms > 75 && config.defaults.reconfiguration_time_ms < 85);
        assert_true(config.defaults.dirty_low_bytes_s < config.defaults.dirty_high_bytes_s);
        assert_true(config.defaults.dirty_high_bytes_s != MT_AUTO);
        mt_config_done(&config);
        assert_non_null(strstr(out, "# migtune calibrate: 200 migrations in "));
        assert_non_null(strstr(out, "200 completed, of them 100 not limited by migtune"));
        assert_non_null(strstr(out, "# pre-copy, VM outbound: 100 migrations, "));
        assert_non_null(strstr(out, "RMSE "));
        assert_non_null(strstr(out, "(built-in: "));
        assert_non_null(strstr(out, "# hybrid, VM mixed: built-in: no migrations"));
        assert_null(strstr(out, "nan"));
}

/* What cannot be told is a comment; still a configuration. */
static void test_short_history(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *history = write_history(&scratch, 10);
        struct mt_config config;

        (void)state;
        assert_int_equal(RUN("/nonexistent", "--history", history), 0);
        config = load_fragment(&scratch);
        assert_int_equal(config.traffic.models, MT_MODELS_BUILT_IN);
        assert_true(config.defaults.inter_iteration_delay_ms == MT_AUTO && config.defaults.dirty_low_bytes_s == MT_AUTO);
        mt_config_done(&config);
        assert_non_null(strstr(out, "(tau): not calibrated: 5 migrations that tell, 12 needed"));
        assert_non_null(strstr(out, "dirty_high: not calibrated: 20 migrations with different rates needed"));
        assert_non_null(strstr(out, "# pre-copy, VM outbound: built-in: 5 migrations, 12 needed"));
        assert_non_null(strstr(out, "\"auto\" would change nothing yet"));
        for (const char *line = out; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1)
                assert_true(line[0] == '#' || line[0] == '\n');
}

static void test_no_history_yet(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        struct mt_config config;

        (void)state;
        assert_int_equal(RUN(write_config(&scratch, "/nonexistent/h.jsonl"), NULL), 0);
        assert_non_null(strstr(out, "# migtune calibrate: 0 migrations in /nonexistent/h.jsonl\n"));
        config = load_fragment(&scratch);
        mt_config_done(&config);
}

static json_object *member(json_object *o, const char *key)
{
        json_object *found = NULL;

        if (!json_object_object_get_ex(o, key, &found))
                fail_msg("no %s in %s", key, json_object_to_json_string(o));
        return found;
}

static void test_json(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *history = write_history(&scratch, 200);
        json_object *o, *models, *model;

        (void)state;
        assert_int_equal(RUN("/nonexistent", "--json", "--history", history), 0);
        o = json_tokener_parse(out);
        assert_non_null(o);
        assert_true(strchr(out, '\n') == out + strlen(out) - 1);
        assert_int_equal(json_object_get_int(member(o, "migrations")), 200);
        assert_int_equal(json_object_get_int(member(o, "completed")), 200);
        assert_int_equal(json_object_get_int(member(o, "unlimited")), 100);
        assert_int_equal(json_object_get_int(member(o, "damaged_lines")), 0);
        assert_string_equal(json_object_get_string(member(o, "history")), history);
        assert_true(json_object_get_double(member(member(o, "dirty_rate"), "low_mbps")) > 0.0);
        assert_true(json_object_get_boolean(member(member(o, "tau"), "good")));
        assert_true(fabs(json_object_get_double(member(member(o, "tau"), "ms")) - 300.0) < 30.0);
        assert_true(fabs(json_object_get_double(member(member(o, "tg"), "ms")) - 55.0) < 3.0);
        assert_int_equal(json_object_get_int(member(member(o, "tg"), "reconfiguration_time_ms")),
                         (int)(json_object_get_double(member(member(o, "tg"), "ms")) + 0.5) + 25);
        models = member(o, "models");
        assert_int_equal(json_object_array_length(models), 9);
        model = json_object_array_get_idx(models, 1);
        assert_string_equal(json_object_get_string(member(model, "technique")), "pre-copy");
        assert_string_equal(json_object_get_string(member(model, "traffic")), "outbound");
        assert_true(json_object_get_boolean(member(model, "good")));
        assert_null(member(model, "why"));
        assert_true(json_object_array_length(member(model, "segments")) >= 1);
        assert_true(json_object_get_double(member(model, "rmse_mbps")) <
                    json_object_get_double(member(model, "builtin_rmse_mbps")));
        assert_string_equal(json_object_get_string(member(json_object_array_get_idx(models, 8), "why")), "no migrations");
        (void)json_object_put(o);
}

/* Half a line, something else, an empty line, a record without a start: counted where they are damage, and said. */
static void test_damaged_lines(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *history = write_history(&scratch, 24);

        (void)state;
        append(history, "{\"event\":\"migration\",\"id\":");
        append(history, "[1,2]");
        append(history, "");
        append(history, "{\"event\":\"migration\",\"started\":7}");
        assert_int_equal(RUN("/nonexistent", "--history", history), 0);
        assert_non_null(strstr(out, "# 3 damaged lines passed over.\n"));
        assert_non_null(strstr(out, "24 migrations in"));
}

static void test_since(void **state)
{
        /* the synthetic ones begin on 2026-09-21 at 14:13:20 UTC, one a minute */
        static const struct {
                const char *since;
                int want;
        } rows[] = { { "2026-09-21T14:23:20Z", 14 }, { "2026-09-21T14:23:20.001Z", 13 },
                     { "2026-09-21", 24 },           { "2026-09-22", 0 },
                     { "1970-01-02", 24 },           { "999999d", 24 } };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *history = write_history(&scratch, 24);

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++) {
                json_object *o;

                assert_int_equal(RUN("/nonexistent", "--json", "--since", rows[i].since, "--history", history), 0);
                o = json_tokener_parse(out);
                assert_int_equal(json_object_get_int(member(o, "migrations")), rows[i].want);
                (void)json_object_put(o);
        }
        assert_int_equal(RUN("/nonexistent", "--since", "2026-09-22", "--history", history), 0);
        assert_non_null(strstr(out, "left out by --since"));
        assert_int_equal(RUN("/nonexistent", "--json", "--since", "1min", "--history", history), 0);
}

static void test_plot(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *history = write_history(&scratch, 60);
        const char *picture = scratch_path(&scratch, "fit.svg");
        size_t points = 0;

        (void)state;
        run_status = 0;
        assert_int_equal(RUN("/nonexistent", "--history", history, "--plot", picture), 0);
        assert_int_equal(access(picture, R_OK), 0);
        assert_non_null(strstr(out, "models = \"auto\"")); /* the fragment comes, too */
        assert_non_null(strstr(script, "pre-copy, VM outbound}, 30 migrations"));
        assert_non_null(strstr(script, "$fit << EOD"));
        assert_non_null(strstr(script, "$builtin << EOD\n0 905.000\n"));
        for (const char *line = strstr(script, "$points << EOD\n"); strncmp(line, "EOD", 3) != 0;
             line = strchr(line, '\n') + 1)
                points++;
        assert_int_equal(points - 1, 30);
        assert_null(strstr(script, "nan"));
}

/* Fails as a whole, after the fragment; no file is left. */
static const struct plot_case {
        const char *name;
        unsigned history;
        int32_t gnuplot;
        const char *file;
        int status;
        const char *want;
} plots[] = {
        { "nothing to draw", 20, 0, "fit.svg", 1, "--plot: nothing to draw: no technique and class of traffic has 12" },
        { "no gnuplot", 60, -ENOENT, "fit.svg", 1, "gnuplot is not installed" },
        { "gnuplot fails", 60, 1, "fit.svg", 1, "gnuplot failed with status 1" },
        { "another ending", 60, 0, "fit.png", 2, "expected the name of a file that ends in .svg" },
};

static void test_plot_fails(void **state)
{
        const struct plot_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *history = write_history(&scratch, c->history);
        const char *picture = scratch_path(&scratch, c->file);

        run_status = c->gnuplot;
        assert_int_equal(RUN("/nonexistent", "--history", history, "--plot", picture), c->status);
        assert_non_null(strstr(err, c->want));
        assert_true(strchr(err, '\n') == err + strlen(err) - 1); /* one line */
        assert_int_equal(access(picture, F_OK), -1);
        if (c->status == 2)
                assert_string_equal(out, ""); /* refused before any work */
        else
                assert_non_null(strstr(out, "# migtune calibrate"));
}

static const struct bad_case {
        const char *name;
        const char *argument[3];
        int status;
        const char *want;
} bad[] = {
        { "unknown option", { "--fast" }, 2, "'--fast': unknown argument" },
        { "stray argument", { "h.jsonl" }, 2, "'h.jsonl': unknown argument" },
        { "history without value", { "--history" }, 2, "'--history': its value is missing" },
        { "plot without value", { "--plot" }, 2, "'--plot': its value is missing" },
        { "since without value", { "--since" }, 2, "'--since': its value is missing" },
        { "since what", { "--since", "yesterday" }, 2, "'yesterday': --since: expected a time such as" },
        { "since a bare number", { "--since", "30" }, 2, "'30': --since: expected" },
        { "since no such day", { "--since", "2026-13-01" }, 2, "'2026-13-01': --since: expected" },
        { "history that is not there", { "--history", "/nonexistent/h" }, 1, "the history '/nonexistent/h': No such file" },
        { "history that is a directory", { "--history", "/tmp" }, 2, "the history '/tmp': expected a file" },
        { "no configuration", { NULL }, 1, "/nonexistent: No such file" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;

        assert_int_equal(run("/nonexistent", c->argument), c->status);
        assert_string_equal(out, "");
        if (strncmp(err, "migtune calibrate: ", 19) != 0 || strstr(err, c->want) == NULL)
                fail_msg("%s", err);
        assert_true(strchr(err, '\n') == err + strlen(err) - 1);
}

static void test_history_off(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();

        (void)state;
        assert_int_equal(RUN(write_config(&scratch, ""), NULL), 1);
        assert_non_null(strstr(err, "history.file = \"\": there is no history"));
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(RUN("/nonexistent", "--plot", "--help"), 0);
        assert_true(strncmp(out, "usage: migtune calibrate ", 25) == 0);
        assert_string_equal(err, "");
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_fragment), cmocka_unit_test(test_short_history), cmocka_unit_test(test_no_history_yet),
                cmocka_unit_test(test_json),     cmocka_unit_test(test_damaged_lines), cmocka_unit_test(test_since),
                cmocka_unit_test(test_plot),     cmocka_unit_test(test_history_off),   cmocka_unit_test(test_help),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(bad) + MT_ARRAY_SIZE(plots) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, bad, test_bad);
        ADD_ROWS(tests, n, plots, test_plot_fails);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("calibrate_command", tests, n, NULL, NULL);
}
