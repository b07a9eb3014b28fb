/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calibration of networks whose constants are known, and what is refused. */
#include "cleanup.h"
#include "record/calibration.h"
#include "synthetic.h"

static void tell(struct mt_evidence *evidence, struct mt_outcome *o)
{
        json_object *record = mt_outcome_json(o);

        mt_evidence_learn(evidence, record);
        json_object_put(record);
        mt_outcome_done(o);
}

static void tell_shaped(struct mt_evidence *evidence, struct synthetic *s, unsigned n, double carried)
{
        for (unsigned i = 0; i < n; i++) {
                struct mt_outcome o = synthetic_shaped(s, 150.0 + 600.0 * noise_uniform(&s->seed), 950.0, carried);

                tell(evidence, &o);
        }
}

static void tell_free(struct mt_evidence *evidence, struct synthetic *s, unsigned n, enum mt_technique technique,
                      enum mt_traffic_class traffic, double from, double until)
{
        for (unsigned i = 0; i < n; i++) {
                struct mt_outcome o = synthetic_free(s, technique, traffic, from + (until - from) * noise_uniform(&s->seed));

                tell(evidence, &o);
        }
}

static struct mt_calibration calibrate(struct mt_evidence *evidence)
{
        struct mt_calibration calibration = { .tau = { .good = false } };

        mt_calibrate(evidence, &calibration);
        return calibration;
}

/* tau and t_g in ms as they are, and how near they must be found. */
static const struct delay_case {
        const char *name;
        double tau, tg, noise, link;
        unsigned shaped, quiet; /* migrations: held by a class; free on a link of their own */
        double tau_within, tg_within;
        enum mt_evidence_kind kind;
} delays[] = {
        { "shaped, no noise", 30, 45, 0.0, 1000, 40, 0, 1.0, 1.0, MT_EVIDENCE_SHAPED },
        { "shaped, some noise", 30, 45, 0.003, 1000, 300, 0, 12.0, 3.0, MT_EVIDENCE_SHAPED },
        { "a wide-area network", 750, 500, 0.01, 1000, 200, 0, 40.0, 10.0, MT_EVIDENCE_SHAPED },
        { "a fast link", 5, 30, 0.0, 10000, 40, 0, 1.0, 1.0, MT_EVIDENCE_SHAPED },
        { "free on a quiet link", 30, 45, 0.0, 1000, 0, 60, 1.5, 1.5, MT_EVIDENCE_FREE },
        { "free on a quiet link, little noise", 100, 45, 0.003, 1000, 0, 300, 15.0, 3.0, MT_EVIDENCE_FREE },
};

static void test_delays(void **state)
{
        const struct delay_case *c = *state;
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct synthetic s = { .seed = 9,
                               .tau = c->tau / 1e3,
                               .tg = c->tg / 1e3,
                               .setup = 0.1,
                               .noise = c->noise,
                               .link = c->link,
                               .share = 0.9 };
        struct mt_calibration calibration;

        tell_shaped(&evidence, &s, c->shaped, 1.0);
        tell_free(&evidence, &s, c->quiet, MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 0.0, 9.0);
        calibration = calibrate(&evidence);
        if (!calibration.tau.good || !calibration.tg.good)
                fail_msg("tau: %s; t_g: %s", calibration.tau.why, calibration.tg.why);
        if (fabs(calibration.tau.ms - c->tau) > c->tau_within || fabs(calibration.tg.ms - c->tg) > c->tg_within)
                fail_msg("tau %.2f +- %.2f, t_g %.2f +- %.2f ms", calibration.tau.ms, calibration.tau.error_ms,
                         calibration.tg.ms, calibration.tg.error_ms);
        assert_true(fabs(calibration.tau.ms - c->tau) < 3.0 * calibration.tau.error_ms + 1.0);
        assert_true(fabs(calibration.tg.ms - c->tg) < 3.0 * calibration.tg.error_ms + 1.0);
        assert_int_equal(calibration.tau.kind, c->kind);
        assert_int_equal(calibration.tau.migrations, c->shaped + c->quiet);
        assert_string_equal(calibration.tau.why, "");
        assert_int_equal(mt_calibration_tau_ms(&calibration), (int)(calibration.tau.ms + 0.5));
        assert_int_equal(mt_calibration_tg_ms(&calibration), (int)(calibration.tg.ms + 0.5) + MT_ANNOUNCEMENT_MS);
}

/* A tenth of the migrations stalled for seconds, in the copying and in the standstill. */
static void test_stalls_move_little(void **state)
{
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct synthetic s = {
                .seed = 4, .tau = 0.75, .tg = 0.045, .setup = 0.1, .noise = 0.003, .link = 1000, .share = 1.0
        };
        struct mt_calibration calibration;

        (void)state;
        for (unsigned i = 0; i < 200; i++) {
                struct mt_outcome o = synthetic_shaped(&s, 150.0 + 600.0 * noise_uniform(&s.seed), 950.0, 1.0);

                if (i % 10 == 0) {
                        o.actual.downtime_ms += 2000;
                        o.actual.total_ms += 20000;
                }
                tell(&evidence, &o);
        }
        calibration = calibrate(&evidence);
        assert_true(calibration.tau.good && fabs(calibration.tau.ms - 750.0) < 30.0);
        assert_true(calibration.tg.good && fabs(calibration.tg.ms - 45.0) < 3.0);
}

static const struct refused_case {
        const char *name;
        double tau, tg, noise; /* s */
        unsigned n;
        double carried;
        const char *tau_why, *tg_why; /* NULL: good */
} refused[] = {
        { "none", 0.03, 0.045, 0.0, 0, 1.0, "0 migrations that tell, 12 needed", "0 migrations that tell, 12 needed" },
        { "one too few", 0.03, 0.045, 0.0, 11, 1.0, "11 migrations that tell, 12", "11 migrations that tell, 12 needed" },
        { "just enough", 0.03, 0.045, 0.0, 12, 1.0, NULL, NULL },
        { "a path too narrow for the plan", 0.03, 0.045, 0.0, 40, 0.5, "0 migrations that tell", NULL },
        { "noise", 0.005, 0.045, 0.05, 40, 1.0, "", NULL },
        { "no t_g at all", 0.03, -0.02, 0.0, 40, 1.0, NULL, "not positive: -20." },
};

static void check_estimate(const struct mt_estimate *estimate, const char *why)
{
        assert_int_equal(estimate->good, why == NULL);
        if (why == NULL) {
                assert_string_equal(estimate->why, "");
                return;
        }
        assert_true(estimate->why[0] != '\0');
        if (strncmp(estimate->why, why, strlen(why)) != 0)
                fail_msg("%s", estimate->why);
}

static void test_refused(void **state)
{
        const struct refused_case *c = *state;
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct synthetic s = {
                .seed = 9, .tau = c->tau, .tg = c->tg, .setup = 0.1, .noise = c->noise, .link = 1000, .share = 1
        };
        struct mt_calibration calibration;

        tell_shaped(&evidence, &s, c->n, c->carried);
        calibration = calibrate(&evidence);
        check_estimate(&calibration.tau, c->tau_why);
        check_estimate(&calibration.tg, c->tg_why);
}

/* All alike: sending and rounds cannot be told apart. */
static void test_alike(void **state)
{
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct mt_calibration calibration;

        (void)state;
        for (unsigned i = 0; i < 40; i++) {
                struct synthetic s = {
                        .seed = 9, .tau = 0.03, .tg = 0.045, .setup = 0.1, .link = 1000, .share = 1, .made = i
                };
                struct mt_outcome o = synthetic_shaped(&s, 400.0, 950.0, 1.0);

                tell(&evidence, &o);
        }
        calibration = calibrate(&evidence);
        check_estimate(&calibration.tau, "40 migrations are too much alike");
        check_estimate(&calibration.tg, "40 migrations are too much alike");
}

/* A network that gives a share of the built-in model: found where it differs, refused where it does not. */
static const struct model_case {
        const char *name;
        enum mt_technique technique;
        enum mt_traffic_class traffic;
        double share, noise, from, until;
        unsigned n, segments; /* segments 0: refused */
        const char *why;
} models[] = {
        { "less, flat", MT_PRE_COPY, MT_TRAFFIC_INBOUND, 0.8, 0.02, 12, 900, 60, 1, "" },
        { "less, with a break", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 0.8, 0.01, 40, 900, 120, 2, "" },
        { "less, mixed", MT_PRE_COPY, MT_TRAFFIC_MIXED, 0.8, 0.01, 12, 900, 120, 2, "" },
        { "more, post-copy", MT_POST_COPY, MT_TRAFFIC_INBOUND, 1.1, 0.01, 12, 900, 120, 2, "" },
        { "less, hybrid", MT_HYBRID, MT_TRAFFIC_OUTBOUND, 0.7, 0.01, 12, 900, 120, 2, "" },
        { "as built in", MT_POST_COPY, MT_TRAFFIC_MIXED, 1.004, 0.03, 12, 900, 200, 0, "200 migrations, RMSE " },
        { "as built in, flat", MT_HYBRID, MT_TRAFFIC_INBOUND, 1.004, 0.03, 12, 900, 60, 0, "60 migrations, RMSE " },
        { "too few", MT_PRE_COPY, MT_TRAFFIC_INBOUND, 0.8, 0.01, 12, 900, 11, 0, "11 migrations, 12 needed" },
        { "one", MT_PRE_COPY, MT_TRAFFIC_INBOUND, 0.8, 0.01, 12, 900, 1, 0, "1 migration, 12 needed" },
        { "none", MT_PRE_COPY, MT_TRAFFIC_INBOUND, 0.8, 0.01, 12, 900, 0, 0, "no migrations" },
        { "background all alike", MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 0.8, 0.01, 100, 190, 80, 0,
          "its background is spread over " },
};

static void test_model(void **state)
{
        const struct model_case *c = *state;
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct synthetic s = {
                .seed = 21, .tau = 0.005, .tg = 0.03, .setup = 0.1, .noise = c->noise, .link = 1000, .share = c->share
        };
        struct mt_calibration calibration;
        struct mt_traffic_models learnt;
        const struct mt_model_fit *fit = &calibration.model[c->technique][c->traffic];

        tell_free(&evidence, &s, c->n, c->technique, c->traffic, c->from, c->until);
        calibration = calibrate(&evidence);
        learnt = mt_calibration_models(&calibration);
        assert_int_equal(fit->points, c->n);
        if (strncmp(fit->why, c->why, strlen(c->why)) != 0)
                fail_msg("%s", fit->why);
        assert_int_equal(fit->good, c->segments > 0);
        assert_int_equal(learnt.fit[c->technique][c->traffic].migrations, c->segments > 0 ? c->n : 0);
        if (c->segments == 0)
                return;
        assert_int_equal(fit->segments.n, c->segments);
        assert_true(fit->quality.rmse < 0.5 * fit->builtin_rmse);
        for (double x = fit->from; x < fit->until; x += 20.0) {
                const double want = c->share * mt_traffic_model(c->technique, c->traffic, x);

                if (fabs(mt_segments_at(&fit->segments, x) / want - 1.0) > 0.04)
                        fail_msg("at %.0f: %.1f, want %.1f", x, mt_segments_at(&fit->segments, x), want);
        }
        for (unsigned t = 0; t < MT_TECHNIQUES; t++) /* nothing else was touched */
                for (unsigned k = 0; k < MT_TRAFFIC_CLASSES; k++)
                        if (t != c->technique || k != c->traffic)
                                assert_true(learnt.fit[t][k].migrations == 0 && !calibration.model[t][k].good);
}

/* Learning one by one, judging after each, comes to the same as judging once. */
static void test_step_by_step(void **state)
{
        MT_CLEANUP(mt_evidence_done) struct mt_evidence whole = { .records = 0 };
        MT_CLEANUP(mt_evidence_done) struct mt_evidence steps = { .records = 0 };
        struct synthetic s = { .seed = 2, .tau = 0.03, .tg = 0.04, .setup = 0.1, .noise = 0.01, .link = 1000, .share = 0.8 };
        struct mt_calibration once, after_each = { .tau = { .good = false } };

        (void)state;
        for (unsigned i = 0; i < 60; i++) {
                struct mt_outcome o = i % 2 == 0 ? synthetic_shaped(&s, 200.0 + 5.0 * i, 950.0, 1.0)
                                                 : synthetic_free(&s, MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 12.0 + 14.0 * i);
                json_object *record = mt_outcome_json(&o);

                mt_evidence_learn(&whole, record);
                mt_evidence_learn(&steps, record);
                mt_calibrate(&steps, &after_each);
                json_object_put(record);
                mt_outcome_done(&o);
        }
        once = calibrate(&whole);
        assert_true(once.tg.good && once.model[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND].good);
        assert_true(once.tau.ms == after_each.tau.ms && once.tg.ms == after_each.tg.ms);
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned k = 0; k < MT_TRAFFIC_CLASSES; k++) {
                        assert_string_equal(once.model[t][k].why, after_each.model[t][k].why);
                        assert_true(once.model[t][k].quality.bic == after_each.model[t][k].quality.bic);
                }
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_stalls_move_little),
                cmocka_unit_test(test_alike),
                cmocka_unit_test(test_step_by_step),
        };
        struct CMUnitTest
                tests[MT_ARRAY_SIZE(delays) + MT_ARRAY_SIZE(refused) + MT_ARRAY_SIZE(models) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, delays, test_delays);
        ADD_ROWS(tests, n, refused, test_refused);
        ADD_ROWS(tests, n, models, test_model);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("calibration", tests, n, NULL, NULL);
}
