/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What steer/ computes about links without a kernel: class numbers, meters, residues, and when nothing is shaped. */
#include "array.h"
#include "steer/link.h"
#include "steer/meter.h"
#include "steer/residue.h"
#include "table.h"

#include <errno.h>
#include <string.h>

static const struct class_case {
        const char *name;
        uint64_t link, rate, ceil; /* bytes/s */
        uint64_t want_rate, want_ceil;
} classes[] = {
        { "as asked", 1000000, 200000, 500000, 200000, 500000 },
        { "no reservation gets one percent", 1000000, 0, 500000, 10001, 500000 },
        { "ceil above the link", 1000000, 200000, 5000000, 200000, 1000000 },
        { "rate above the ceil", 1000000, 800000, 500000, 500000, 500000 },
        { "one percent above the ceil", 1000000, 0, 5000, 5000, 5000 },
        { "nothing at all", 1000000, 0, 0, 1, 1 },
        { "a tiny link", 50, 0, 50, 1, 50 },
};

static void test_class(void **state)
{
        const struct class_case *c = *state;
        const struct mt_link link = { .rate_bytes_s = c->link };
        struct mt_class_spec spec = mt_link_class(&link, c->rate, c->ceil, true);

        assert_int_equal(spec.rate_bytes_s, c->want_rate);
        assert_int_equal(spec.ceil_bytes_s, c->want_ceil);
        assert_true(spec.low_priority);
}

static const struct refusal_case {
        const char *name;
        bool enable, ingress;
        const char *device;
        uint64_t link, max;
        enum mt_direction direction;
        int want;
        const char *message;
} refusals[] = {
        { "switched off", false, true, "eth0", 1000, 2000, MT_EGRESS, -ENOTSUP, "tc.enable is off" },
        { "ingress switched off", true, false, "eth0", 1000, 2000, MT_INGRESS, -ENOTSUP, "tc.ingress is off" },
        { "no uplink", true, true, "", 1000, 2000, MT_EGRESS, -ENODEV, "uplink is not known" },
        { "no speed", true, true, "eth0", 0, 2000, MT_EGRESS, -ENODATA,
          "device 'eth0' does not tell its speed: set link.rate" },
        { "too wide", true, true, "eth0", 3000, 2000, MT_EGRESS, -ENOTSUP, "device 'eth0' is wider" },
        { "all is well", true, false, "eth0", 1538000, 1538000, MT_EGRESS, 0, NULL },
};

static void test_refusal(void **state)
{
        const struct refusal_case *c = *state;
        struct mt_host host = { .shaper = (void *)&host }; /* only asked whether there is one */
        struct mt_uplink uplink = { .link_bytes_s = c->link };
        struct mt_link link = { .device = "untouched" };
        struct mt_err err = { 0 };

        host.config.tc.enable = c->enable;
        host.config.tc.ingress = c->ingress;
        host.config.tc.max_link_bytes_s = c->max;
        (void)strcpy(uplink.device, c->device);
        assert_int_equal(mt_link_of(&host, &uplink, c->direction, &link, &err), c->want);
        if (c->want == 0) {
                assert_string_equal(link.device, "eth0");
                assert_int_equal(link.rate_bytes_s, 1514000);
        } else {
                assert_string_equal(link.device, "untouched");
                assert_non_null(strstr(err.msg, c->message));
        }
}

static void test_meter(void **state)
{
        struct mt_meter meter = { .bytes = 0 };

        (void)state;
        mt_meter_read(&meter, 5000, 1000); /* the first reading is only a start */
        assert_true(meter.bytes_s == 0.0);
        mt_meter_read(&meter, 6000, 2000);
        assert_true(fabs(meter.bytes_s - 1000.0 * (1.0 - exp(-0.5))) < 1e-9);
        mt_meter_read(&meter, 10, 3000); /* the counter went back: no negative rate */
        assert_true(fabs(meter.bytes_s - 1000.0 * (1.0 - exp(-0.5))) < 1e-9);
        for (uint64_t t = 4; t < 60; t++)
                mt_meter_read(&meter, 10 + (t - 3) * 1000, t * 1000);
        assert_true(fabs(meter.bytes_s - 1000.0) < 1.0);
}

/* What a migration leaves in the smoothed rate fades as the smoothing forgets it. */
static void test_residue(void **state)
{
        struct mt_residues residues = { .next = 0 };

        (void)state;
        mt_residue_add(&residues, "eth0", MT_EGRESS, 1000.0, 10000);
        assert_int_equal(mt_residue_get(&residues, "eth0", MT_EGRESS, 10000), 1000);
        assert_int_equal(mt_residue_get(&residues, "eth0", MT_EGRESS, 12000), (uint64_t)(1000.0 * exp(-1.0)));
        assert_int_equal(mt_residue_get(&residues, "eth0", MT_INGRESS, 10000), 0);
        assert_int_equal(mt_residue_get(&residues, "eth1", MT_EGRESS, 10000), 0);
        assert_int_equal(mt_residue_get(&residues, "eth0", MT_EGRESS, 100000), 0);
        for (int i = 0; i < 3 * MT_MAX_RESIDUES; i++)
                mt_residue_add(&residues, "eth2", MT_INGRESS, 1.0, 20000);
        assert_int_equal(mt_residue_get(&residues, "eth2", MT_INGRESS, 20000), MT_MAX_RESIDUES);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(classes) + MT_ARRAY_SIZE(refusals) + 2];
        size_t n = 0;

        ADD_ROWS(tests, n, classes, test_class);
        ADD_ROWS(tests, n, refusals, test_refusal);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_meter);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_residue);
        return _cmocka_run_group_tests("link", tests, n, NULL, NULL);
}
