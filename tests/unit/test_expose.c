/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The textfile of a watcher that has nothing to watch. */
#include "cleanup.h"
#include "log.h"
#include "scratch.h"
#include "steer/expose.h"
#include "table.h"

#include <string.h>
#include <sys/stat.h>

#define RELOADS "\nmigtune_config_reloads_total{result=\"success\"} "

static unsigned warned;

static void keep_log(void *ctx, int32_t priority, const char *message)
{
        (void)ctx;
        assert_null(strchr(message, '\n'));
        warned += priority <= MT_LOG_WARNING && strstr(message, "metrics.textfile: write '") != NULL ? 1 : 0;
}

static void set_file(struct mt_host *host, const char *path)
{
        (void)snprintf(host->config.metrics.textfile, sizeof(host->config.metrics.textfile), "%s", path);
}

static void start(struct mt_host *host, const char *path)
{
        *host = (struct mt_host){ .agent_fd = -1 };
        mt_config_defaults(&host->config);
        set_file(host, path);
        mt_expose_start(host);
        assert_non_null(host->expose);
        mt_expose_tick(host);
}

static void stop(struct mt_host *host)
{
        mt_expose_stop(host);
        assert_null(host->expose);
        mt_config_done(&host->config);
}

static bool has(const char *path, const char *line)
{
        MT_CLEANUP(mt_freep) char *text = scratch_read(path, NULL);

        return text != NULL && strstr(text, line) != NULL;
}

static bool exists(const char *path)
{
        return access(path, F_OK) == 0;
}

static void test_life(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_path(&scratch, "m.prom");
        struct mt_host host;
        struct stat st;

        (void)state;
        (void)umask(077);
        start(&host, path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0644);
        assert_false(exists(scratch_path(&scratch, ".m.prom.new")));
        assert_true(has(path, "migtune_up 1\n"));
        mt_expose_reloaded(&host, true);
        mt_expose_reloaded(&host, false);
        mt_failed_open(&host, MT_FAIL_OPEN_LIMITS);
        mt_expose_tick(&host);
        assert_true(has(path, RELOADS "1\n"));
        assert_true(has(path, "{cause=\"configuration\"} 1\n"));
        assert_true(has(path, "{cause=\"limits\"} 1\n"));
        assert_true(has(path, "\nmigtune_config_last_reload_successful 0\n"));
        stop(&host);
        assert_true(has(path, "migtune_up 0\n"));
        start(&host, path);
        assert_true(has(path, RELOADS "1\n"));
        assert_true(has(path, "migtune_up 1\n"));
        stop(&host);
}

static void test_outcome(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_path(&scratch, "m.prom");
        struct mt_outcome o = { .result = MT_COMPLETED, .actual = { .bytes = 5 } };
        struct mt_host host;

        (void)state;
        mt_intent_defaults(&o.intent);
        (void)snprintf(o.unshaped, sizeof(o.unshaped), "because");
        start(&host, path);
        mt_expose_outcome(&host, &o);
        host.config.tc.enable = false; /* nobody wanted a class */
        mt_expose_outcome(&host, &o);
        mt_expose_tick(&host);
        assert_true(has(path, "{result=\"completed\",technique=\"pre-copy\",mode=\"enforce\"} 2\n"));
        assert_true(has(path, "{cause=\"shaping\"} 1\n"));
        stop(&host);
}

static void test_rate(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_path(&scratch, "m.prom");
        struct mt_host host;

        (void)state;
        start(&host, path);
        assert_int_equal(unlink(path), 0);
        mt_failed_open(&host, MT_FAIL_OPEN_LIMITS); /* worth counting, not worth writing */
        mt_expose_tick(&host);
        assert_false(exists(path));
        mt_expose_reloaded(&host, true);
        mt_expose_tick(&host);
        assert_true(has(path, "{cause=\"limits\"} 1\n"));
        stop(&host);
}

static void test_other_file(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *one = scratch_path(&scratch, "one.prom"), *two = scratch_path(&scratch, "two.prom");
        struct mt_host host;

        (void)state;
        start(&host, one);
        set_file(&host, two);
        mt_expose_reloaded(&host, true);
        mt_expose_tick(&host);
        assert_false(exists(one)); /* it would be shown for ever */
        assert_true(has(two, RELOADS "1\n"));
        set_file(&host, "");
        mt_expose_reloaded(&host, true);
        mt_expose_tick(&host);
        assert_false(exists(two));
        set_file(&host, one);
        mt_expose_reloaded(&host, true);
        mt_expose_tick(&host);
        assert_true(has(one, RELOADS "3\n"));
        stop(&host);
}

static void test_nowhere(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_path(&scratch, "missing/m.prom");
        struct mt_host host;

        (void)state;
        warned = 0;
        mt_log_init(keep_log, NULL, NULL);
        start(&host, path);
        mt_expose_reloaded(&host, true);
        mt_expose_tick(&host);
        assert_int_equal(warned, 1); /* not at each attempt */
        (void)mkdir(scratch_path(&scratch, "missing"), 0755);
        mt_expose_reloaded(&host, true);
        mt_expose_tick(&host);
        assert_true(has(path, RELOADS "2\n"));
        stop(&host);
        mt_log_init(NULL, NULL, NULL);
}

/* What lies in the way is neither followed nor read for ever. */
static void test_in_the_way(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *path = scratch_path(&scratch, "m.prom"), *victim = scratch_write(&scratch, "victim", "x", 1);
        struct mt_host host;

        (void)state;
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(symlink(victim, scratch_path(&scratch, ".m.prom.new")), 0);
        start(&host, path);
        assert_true(has(path, "migtune_up 1\n"));
        assert_false(has(victim, "migtune"));
        stop(&host);
}

static void test_none(void **state)
{
        const struct mt_outcome o = { .result = MT_FAILED };
        struct mt_host host = { .agent_fd = -1 };

        (void)state;
        mt_expose_reloaded(&host, true);
        mt_expose_outcome(&host, &o);
        mt_failed_open(&host, MT_FAIL_OPEN_RECORD);
        mt_expose_tick(&host);
        mt_expose_stop(&host);
        start(&host, "");
        mt_expose_outcome(&host, &o);
        mt_expose_tick(&host);
        stop(&host);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_life),       cmocka_unit_test(test_outcome), cmocka_unit_test(test_rate),
                cmocka_unit_test(test_other_file), cmocka_unit_test(test_nowhere), cmocka_unit_test(test_in_the_way),
                cmocka_unit_test(test_none),
        };

        return cmocka_run_group_tests_name("expose", tests, NULL, NULL);
}
