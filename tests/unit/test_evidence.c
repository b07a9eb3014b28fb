/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which records are evidence for what: one row a record, made by the outcome's own code and changed in one respect. */
#include "cleanup.h"
#include "record/evidence.h"
#include "synthetic.h"

enum shape { FREE, SHAPED };

/* What is changed in the record before it is told. */
static void as_it_is(struct mt_outcome *o)
{
        (void)o;
}
static void failed(struct mt_outcome *o)
{
        o->result = MT_FAILED;
}
static void cancelled(struct mt_outcome *o)
{
        o->result = MT_CANCELLED;
}
static void adopted(struct mt_outcome *o)
{
        o->adopted = true;
}
static void enforced_unshaped(struct mt_outcome *o)
{
        o->applied.bandwidth_bytes_s = 50000000;
}
static void observed_with_class(struct mt_outcome *o)
{
        o->n_tc = 1;
}
static void vm_unknown(struct mt_outcome *o)
{
        o->facts.vm.known = false;
}
static void link_unknown(struct mt_outcome *o)
{
        o->facts.link_bytes_s = 0;
}
static void beside_others(struct mt_outcome *o)
{
        o->facts.taken_bytes_s = 1000000;
}
static void faster_than_the_link(struct mt_outcome *o)
{
        o->facts.link_bytes_s = 50000000;
}
static void busy_source(struct mt_outcome *o)
{
        o->facts.src.out_bytes_s = 12500000;
}
static void no_downtime(struct mt_outcome *o)
{
        o->actual.downtime_ms = UINT64_MAX;
}
static void no_last_copy(struct mt_outcome *o)
{
        o->actual.last_copy_bytes = 0;
}
static void post_copy(struct mt_outcome *o)
{
        o->actual.technique = MT_POST_COPY;
}
static void too_short(struct mt_outcome *o)
{
        o->actual.total_ms = 500;
        o->actual.downtime_ms = 100;
}
static void nothing_sent(struct mt_outcome *o)
{
        o->actual.bytes = 0;
}
static void narrow_path(struct mt_outcome *o)
{
        for (unsigned i = 0; i < o->n_samples; i++)
                o->samples[i].bandwidth_bytes_s /= 2;
}
static void changed_without_samples(struct mt_outcome *o)
{
        o->n_samples = 0;
        o->applied.changes = 3;
}
static void without_samples(struct mt_outcome *o)
{
        o->n_samples = 0;
}

static const struct row {
        const char *name;
        enum shape shape;
        void (*change)(struct mt_outcome *o);
        unsigned bandwidth, rounds, standstill; /* entries that must be there */
} rows[] = {
        { "free", FREE, as_it_is, 1, 1, 1 },
        { "shaped", SHAPED, as_it_is, 0, 1, 1 },
        { "free, failed", FREE, failed, 0, 0, 0 },
        { "free, cancelled", FREE, cancelled, 0, 0, 0 },
        { "free, adopted", FREE, adopted, 0, 0, 0 },
        { "capped by QEMU alone", FREE, enforced_unshaped, 0, 0, 0 },
        { "a class that did not hold it", FREE, observed_with_class, 0, 0, 0 },
        { "VM's traffic unknown", FREE, vm_unknown, 0, 1, 1 },
        { "link unknown", FREE, link_unknown, 0, 0, 1 },
        { "beside other migrations", FREE, beside_others, 0, 0, 1 },
        { "faster than the link says", FREE, faster_than_the_link, 0, 0, 1 },
        { "busy source", FREE, busy_source, 1, 0, 1 },
        { "free, no downtime", FREE, no_downtime, 1, 1, 0 },
        { "free, no last copy", FREE, no_last_copy, 1, 1, 0 },
        { "free post-copy", FREE, post_copy, 1, 0, 0 },
        { "too short", FREE, too_short, 0, 0, 0 },
        { "nothing sent", FREE, nothing_sent, 0, 0, 0 },
        { "shaped, failed", SHAPED, failed, 0, 0, 0 },
        { "shaped, no last copy", SHAPED, no_last_copy, 0, 0, 0 },
        { "shaped, never reached its plan", SHAPED, narrow_path, 0, 0, 1 },
        { "shaped, changed unseen", SHAPED, changed_without_samples, 0, 0, 1 },
        { "shaped, one plan, no samples", SHAPED, without_samples, 0, 1, 1 },
};

static struct synthetic network(void)
{
        return (struct synthetic){ .seed = 1, .tau = 0.03, .tg = 0.045, .setup = 0.1, .link = 1000.0, .share = 1.0 };
}

static struct mt_outcome make(struct synthetic *s, enum shape shape)
{
        return shape == FREE ? synthetic_free(s, MT_PRE_COPY, MT_TRAFFIC_OUTBOUND, 15.0)
                             : synthetic_shaped(s, 400.0, 950.0, 1.0);
}

static void tell(struct mt_evidence *evidence, const struct mt_outcome *o)
{
        json_object *record = mt_outcome_json(o);

        mt_evidence_learn(evidence, record);
        json_object_put(record);
}

static size_t all_bandwidth(const struct mt_evidence *evidence)
{
        size_t n = 0;

        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned k = 0; k < MT_TRAFFIC_CLASSES; k++)
                        n += evidence->bandwidth[t][k].n;
        return n;
}

static void test_row(void **state)
{
        const struct row *c = *state;
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct synthetic s = network();
        MT_CLEANUP(mt_outcome_done) struct mt_outcome o = make(&s, c->shape);

        c->change(&o);
        tell(&evidence, &o);
        assert_int_equal(evidence.records, 1);
        assert_int_equal(evidence.completed, o.result == MT_COMPLETED ? 1 : 0);
        assert_int_equal(all_bandwidth(&evidence), c->bandwidth);
        assert_int_equal(evidence.rounds[0].n + evidence.rounds[1].n, c->rounds);
        assert_int_equal(evidence.standstill[0].n + evidence.standstill[1].n, c->standstill);
        tell(&evidence, &o); /* told twice is once */
        assert_int_equal(all_bandwidth(&evidence), c->bandwidth);
        assert_int_equal(evidence.rounds[0].n + evidence.rounds[1].n, c->rounds);
}

/* What is told of a free migration: the point's place and the bandwidth, scaled to 1 Gbit/s. */
static void test_point(void **state)
{
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct synthetic s = network();

        (void)state;
        s.link = 10000.0;
        s.share = 0.8;
        for (unsigned i = 0; i < 3; i++) {
                static const enum mt_technique technique[] = { MT_PRE_COPY, MT_POST_COPY, MT_HYBRID };
                MT_CLEANUP(mt_outcome_done) struct mt_outcome o = synthetic_free(&s, technique[i], MT_TRAFFIC_MIXED, 300.0);
                const struct mt_evidence_window *window = &evidence.bandwidth[technique[i]][MT_TRAFFIC_MIXED];
                const double want = 0.8 * mt_traffic_model(technique[i], MT_TRAFFIC_MIXED, 300.0);

                tell(&evidence, &o);
                assert_int_equal(window->n, 1);
                assert_true(fabs(window->entry[0].o.x[0] - 300.0) < 1e-3);
                assert_true(fabs(window->entry[0].o.y / want - 1.0) < 0.06); /* tau and t_g are lost in it */
        }
}

/* libvirt's handshake is not the network's: where the record tells how long it took, so much is taken off. */
static void test_setup(void **state)
{
        static const double setup[] = { 0.1, 2.0 };
        double y[2];

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
                struct synthetic s = network();
                MT_CLEANUP(mt_outcome_done) struct mt_outcome o = { .n_samples = 0 };

                s.setup = setup[i];
                o = make(&s, FREE);
                o.actual.setup_ms = i == 0 ? 0 : mt_ms(setup[i]);
                tell(&evidence, &o);
                assert_int_equal(all_bandwidth(&evidence), 1);
                y[i] = evidence.bandwidth[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND].entry[0].o.y;
        }
        assert_true(fabs(y[1] / y[0] - 1.0) < 0.001);
}

/* An idle VM counts for the flat model, at the direction that model asks for. */
static void test_idle_is_flat(void **state)
{
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        struct synthetic s = network();

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                static const enum mt_traffic_class flat[] = { MT_TRAFFIC_INBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_INBOUND };
                MT_CLEANUP(mt_outcome_done)
                struct mt_outcome o = synthetic_free(&s, (enum mt_technique)i, flat[i], 5.0);

                tell(&evidence, &o);
                assert_int_equal(evidence.bandwidth[i][flat[i]].n, 1);
                assert_true(fabs(evidence.bandwidth[i][flat[i]].entry[0].o.x[0] - 5.0) < 1e-3);
        }
}

/* The newest are kept, in whatever order they come. */
static void test_window(void **state)
{
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        const unsigned n = MT_EVIDENCE_WINDOW + 100;
        const struct mt_evidence_window *window = &evidence.bandwidth[MT_PRE_COPY][MT_TRAFFIC_OUTBOUND];
        struct synthetic s = network();
        MT_CLEANUP(mt_outcome_done) struct mt_outcome o = make(&s, FREE);

        (void)state;
        for (unsigned i = 0; i < n; i++) {
                o.started_ms = SYNTHETIC_START + (uint64_t)(i * 7919u % n) * 1000; /* n is no multiple of this prime */
                tell(&evidence, &o);
        }
        assert_int_equal(window->n, MT_EVIDENCE_WINDOW);
        assert_true(window->changed);
        for (size_t i = 0; i < window->n; i++)
                assert_true(window->entry[i].wall_ms >= SYNTHETIC_START + UINT64_C(100) * 1000);
}

/* Objects that are no such record, wrong types, and numbers that cannot be: nothing is learnt, nothing goes wrong. */
static const struct odd_case {
        const char *name; /* also the JSON */
} odd[] = {
        { "{}" },
        { "{\"result\":7}" },
        { "{\"result\":\"completed\"}" },
        { "{\"result\":\"completed\",\"actual\":[1],\"facts\":\"x\",\"tc\":{}}" },
        { "{\"result\":\"completed\",\"started\":\"2026-11-20T06:15:00.123Z\",\"actual\":{\"technique\":\"pre-copy\","
          "\"total_ms\":-5,\"bytes\":1e999,\"downtime_ms\":\"1\"}}" },
        { "{\"result\":\"completed\",\"started\":\"2026-11-20T06:15:00.123Z\",\"tc\":[1],\"actual\":{\"technique\":\"pre-"
          "copy\","
          "\"total_ms\":9000,\"bytes\":1000000000,\"downtime_ms\":9000,\"last_copy_bytes\":1,\"iterations\":3,\"samples\":"
          "[7,{\"planned_mbps\":5},{\"t_ms\":\"x\"},null]},\"plan\":{\"switchover_mbps\":0}}" },
        { "{\"result\":\"completed\",\"started\":\"tomorrow\",\"actual\":{\"technique\":\"pre-copy\",\"total_ms\":9000,"
          "\"bytes\":1000000000}}" },
};

static void test_odd(void **state)
{
        const struct odd_case *c = *state;
        MT_CLEANUP(mt_evidence_done) struct mt_evidence evidence = { .records = 0 };
        json_object *record = json_tokener_parse(c->name);

        assert_non_null(record);
        mt_evidence_learn(&evidence, record);
        json_object_put(record);
        assert_int_equal(evidence.records, 1);
        assert_int_equal(all_bandwidth(&evidence), 0);
        assert_int_equal(evidence.rounds[0].n + evidence.rounds[1].n + evidence.standstill[0].n + evidence.standstill[1].n,
                         0);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_point),
                cmocka_unit_test(test_setup),
                cmocka_unit_test(test_idle_is_flat),
                cmocka_unit_test(test_window),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(rows) + MT_ARRAY_SIZE(odd) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, rows, test_row);
        ADD_ROWS(tests, n, odd, test_odd);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("evidence", tests, n, NULL, NULL);
}
