/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the watcher learns: from the history at its start, while that is read, and from each migration that ends. */
#include "cleanup.h"
#include "log.h"
#include "record/history.h"
#include "steer/learn.h"
#include "synthetic.h"

#include "scratch.h"

#define LONG_WAIT_MS 60000 /* the reading is over long before */

static char logged[1024];

static void keep_log(void *ctx, int32_t priority, const char *message)
{
        (void)ctx;
        (void)priority;
        (void)snprintf(logged, sizeof(logged), "%s", message);
}

static struct synthetic network(void)
{
        return (struct synthetic){
                .seed = 6, .tau = 0.3, .tg = 0.055, .setup = 0.1, .noise = 0.002, .link = 1000, .share = 0.8
        };
}

static struct mt_outcome next(struct synthetic *s)
{
        return s->made % 2 == 0
                       ? synthetic_shaped(s, 200.0 + 400.0 * noise_uniform(&s->seed), 950.0, 1.0)
                       : synthetic_free(s, MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 12.0 + 880.0 * noise_uniform(&s->seed));
}

static void append(const char *file, const struct mt_outcome *o)
{
        MT_CLEANUP(mt_freep) char *text = mt_outcome_text(o, 0);
        struct mt_err err = { 0 };

        if (mt_history_append(file, text, 100000, &err) < 0)
                fail_msg("%s", err.msg);
}

static void write_history(const char *file, struct synthetic *s, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                MT_CLEANUP(mt_outcome_done) struct mt_outcome o = next(s);

                append(file, &o);
        }
}

/* A host whose history is that file. */
static void host_of(struct mt_host *host, const char *file, enum mt_models_choice models)
{
        (void)memset(host, 0, sizeof(*host));
        mt_config_defaults(&host->config);
        (void)snprintf(host->config.history.file, sizeof(host->config.history.file), "%s", file);
        host->config.traffic.models = models;
}

static struct mt_facts facts_of(const struct mt_host *host, uint64_t tau_ms, uint64_t tg_ms)
{
        struct mt_facts facts = { .tau_ms = 5, .tg_ms = 60, .dirty_low_bytes_s = MT_AUTO, .dirty_high_bytes_s = MT_AUTO };
        struct mt_intent intent;

        mt_intent_defaults(&intent);
        intent.inter_iteration_delay_ms = tau_ms;
        intent.reconfiguration_time_ms = tg_ms;
        mt_learn_facts(host, &intent, &facts);
        return facts;
}

static const struct row {
        const char *name;
        enum mt_models_choice models;
        unsigned history;
        uint64_t tau_ms, tg_ms;      /* of the intent */
        bool fitted, tau, tg, dirty; /* what the facts have learnt */
} rows[] = {
        { "built-in: the dirty range alone", MT_MODELS_BUILT_IN, 200, MT_AUTO, MT_AUTO, false, false, false, true },
        { "auto: all of it", MT_MODELS_AUTO, 200, MT_AUTO, MT_AUTO, true, true, true, true },
        { "auto: what the operator set stays", MT_MODELS_AUTO, 200, 7, 70, true, false, false, true },
        { "auto: too short a history", MT_MODELS_AUTO, 10, MT_AUTO, MT_AUTO, false, false, false, false },
        { "auto: no history", MT_MODELS_AUTO, 0, MT_AUTO, MT_AUTO, false, false, false, false },
};

static void test_facts(void **state)
{
        const struct row *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct synthetic s = network();
        static struct mt_host host;
        struct mt_facts facts;

        write_history(file, &s, c->history);
        host_of(&host, file, c->models);
        mt_learn_begin(&host, LONG_WAIT_MS);
        assert_null(host.learner);
        facts = facts_of(&host, c->tau_ms, c->tg_ms);
        assert_int_equal(facts.models.fit[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND].migrations, c->fitted ? c->history / 2 : 0);
        assert_int_equal(facts.tau_ms != 5, c->tau);
        assert_int_equal(facts.tg_ms != 60, c->tg);
        assert_int_equal(facts.dirty_low_bytes_s != MT_AUTO, c->dirty);
        if (c->tau)
                assert_true(facts.tau_ms > 260 && facts.tau_ms < 340);
        if (c->tg)
                assert_true(facts.tg_ms > 50 + MT_ANNOUNCEMENT_MS && facts.tg_ms < 60 + MT_ANNOUNCEMENT_MS);
        mt_learn_end(&host);
        mt_config_done(&host.config);
}

/* Migrations that end are learnt from at once; those that end while the history is read, once. */
static void test_outcomes(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct synthetic s = network();
        static struct mt_host host;

        (void)state;
        write_history(file, &s, 30);
        host_of(&host, file, MT_MODELS_AUTO);
        mt_learn_begin(&host, 0);
        for (unsigned i = 0; i < 10; i++) {
                MT_CLEANUP(mt_outcome_done) struct mt_outcome o = next(&s);

                append(file, &o); /* the thread may find it there, or may not */
                mt_learn_outcome(&host, &o);
        }
        mt_learn_begin(&host, LONG_WAIT_MS); /* again, as SIGHUP does: the one before is given up */
        assert_int_equal(host.learnt.evidence.rounds[MT_EVIDENCE_SHAPED].n, 20);
        assert_int_equal(host.learnt.evidence.bandwidth[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND].n, 20);
        assert_int_equal(host.learnt.rates.n_seen, 40);
        assert_int_equal(host.learnt.calibration.tau.migrations, 20);
        for (unsigned i = 0; i < 10; i++) {
                MT_CLEANUP(mt_outcome_done) struct mt_outcome o = next(&s);

                mt_learn_outcome(&host, &o);
        }
        assert_int_equal(host.learnt.calibration.tau.migrations, 25);
        assert_int_equal(host.learnt.calibration.model[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND].points, 25);
        mt_learn_end(&host);
        assert_int_equal(host.learnt.rates.n_seen, 0);
        mt_config_done(&host.config);
}

/* What ends between the reading and the takeover is not lost. */
static void test_late_outcome(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = scratch_path(&scratch, "h.jsonl");
        struct synthetic s = network();
        static struct mt_host host;

        (void)state;
        write_history(file, &s, 20);
        host_of(&host, file, MT_MODELS_AUTO);
        mt_learn_begin(&host, 0);
        if (host.learner != NULL) { /* not yet taken over: nearly always */
                MT_CLEANUP(mt_outcome_done) struct mt_outcome o = next(&s);

                mt_learn_outcome(&host, &o); /* and never written to the file */
                for (unsigned i = 0; host.learner != NULL && i < LONG_WAIT_MS; i++) {
                        (void)usleep(1000);
                        mt_learn_tick(&host);
                }
                assert_int_equal(host.learnt.rates.n_seen, 21);
        }
        mt_learn_end(&host);
        mt_config_done(&host.config);
}

/* A history that cannot be read is said, and what was learnt before stays. */
static void test_unreadable(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        struct synthetic s = network();
        static struct mt_host host;
        MT_CLEANUP(mt_outcome_done) struct mt_outcome o = next(&s);

        (void)state;
        host_of(&host, scratch.dir, MT_MODELS_AUTO);
        mt_learn_outcome(&host, &o);
        logged[0] = '\0';
        mt_log_init(keep_log, NULL, NULL);
        mt_learn_begin(&host, LONG_WAIT_MS);
        mt_log_init(NULL, NULL, NULL);
        assert_non_null(strstr(logged, "read the history '"));
        assert_int_equal(host.learnt.rates.n_seen, 1);
        mt_learn_end(&host);
        mt_config_done(&host.config);
}

static void test_no_history_at_all(void **state)
{
        static struct mt_host host;

        (void)state;
        host_of(&host, "", MT_MODELS_AUTO);
        mt_learn_begin(&host, LONG_WAIT_MS);
        mt_learn_tick(&host);
        assert_null(host.learner);
        mt_learn_end(&host);
        mt_config_done(&host.config);
}

/* What migrations cost beside the copying is learnt whatever the models are; nothing learnt leaves the built-in values. */
static void test_overheads(void **state)
{
        struct mt_host host;
        struct mt_facts facts;

        (void)state;
        host_of(&host, "", MT_MODELS_BUILT_IN);
        facts = facts_of(&host, MT_AUTO, MT_AUTO);
        assert_true(facts.setup_ms == 0 && facts.overhead_bytes == 0);
        for (unsigned i = 0; i < 5; i++) {
                mt_recent_add(&host.learnt.overheads.setup_ms, i, 300.0 + 10.0 * i);
                mt_recent_add(&host.learnt.overheads.process_bytes, i, i == 0 ? -7e6 : 1e6 * i);
        }
        facts = facts_of(&host, MT_AUTO, MT_AUTO);
        assert_int_equal(facts.setup_ms, 320);
        assert_int_equal(facts.overhead_bytes, 1000000);
        for (unsigned i = 5; i < 15; i++) /* guests that are swapped out */
                mt_recent_add(&host.learnt.overheads.process_bytes, i, -5e6);
        assert_int_equal(facts_of(&host, MT_AUTO, MT_AUTO).overhead_bytes, 0);
        mt_learn_end(&host);
        mt_config_done(&host.config);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_outcomes),   cmocka_unit_test(test_late_outcome),
                cmocka_unit_test(test_unreadable), cmocka_unit_test(test_no_history_at_all),
                cmocka_unit_test(test_overheads),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(rows) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, rows, test_facts);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("learn", tests, n, NULL, NULL);
}
