/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's test driver has no interface statistics, so the parameters are made here. */
#include "array.h"
#include "measure/vm_traffic.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VMS 3

/*
 * One VM at one reading: its interface's name ("": the VM is not there; "-": it has none that can be counted) and
 * counters in MB.
 */
struct vm {
        const char *name;
        unsigned rx_mb, tx_mb;
};

static const struct reading_case {
        const char *name;
        struct vm vm[3][MAX_VMS]; /* at 0, 1 and 2 s */
        double in_mb_s, out_mb_s; /* after the last one */
} reading_cases[] = {
        { "one VM", { { { "vnet0", 10, 5 } }, { { "vnet0", 30, 6 } }, { { "vnet0", 50, 7 } } }, 20, 1 },
        { "two VMs add up",
          { { { "vnet0", 0, 0 }, { "vnet1", 7, 7 } },
            { { "vnet0", 2, 0 }, { "vnet1", 8, 9 } },
            { { "vnet0", 4, 0 }, { "vnet1", 9, 11 } } },
          3, 2 },
        { "no VM", { { { "", 0, 0 } }, { { "", 0, 0 } }, { { "", 0, 0 } } }, 0, 0 },
        { "one without counters",
          { { { "-", 0, 0 }, { "vnet1", 7, 7 } },
            { { "-", 0, 0 }, { "vnet1", 8, 7 } },
            { { "-", 0, 0 }, { "vnet1", 9, 7 } } },
          1, 0 },
        { "a VM that comes counts from then on", /* 1000 MB were counted before we looked */
          { { { "vnet0", 0, 0 } },
            { { "vnet0", 1, 0 }, { "vnet1", 1000, 0 } },
            { { "vnet0", 2, 0 }, { "vnet1", 1000, 0 } } },
          1, 0 },
        { "a VM that goes takes nothing away",
          { { { "vnet0", 0, 0 }, { "vnet1", 9, 9 } }, { { "vnet0", 1, 0 } }, { { "vnet0", 2, 0 } } },
          1, 0 },
        { "a VM that starts anew", { { { "vnet0", 500, 500 } }, { { "vnet0", 0, 0 } }, { { "vnet0", 0, 0 } } }, 0, 0 },
        { "another order",
          { { { "vnet0", 0, 0 }, { "", 0, 0 }, { "vnet2", 50, 0 } },
            { { "", 0, 0 }, { "", 0, 0 }, { "vnet2", 52, 0 } },
            { { "", 0, 0 }, { "", 0, 0 }, { "vnet2", 54, 0 } } },
          2, 0 },
};

static void add_vm(struct mt_vm_traffic *traffic, unsigned number, const struct vm *vm)
{
        virTypedParameterPtr params = NULL;
        int n = 0, room = 0;
        char uuid[40];

        if (vm->name == NULL || vm->name[0] == '\0')
                return;
        (void)snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012u", number);
        assert_int_equal(virTypedParamsAddUInt(&params, &n, &room, "net.count", 1), 0);
        if (strcmp(vm->name, "-") != 0) {
                assert_int_equal(virTypedParamsAddString(&params, &n, &room, "net.0.name", vm->name), 0);
                assert_int_equal(virTypedParamsAddULLong(&params, &n, &room, "net.0.rx.bytes", vm->rx_mb * 1000000ULL), 0);
                assert_int_equal(virTypedParamsAddULLong(&params, &n, &room, "net.0.tx.bytes", vm->tx_mb * 1000000ULL), 0);
        }
        assert_int_equal(mt_vm_traffic_add(traffic, uuid, params, n), 0);
        virTypedParamsFree(params, n);
}

static void test_readings(void **state)
{
        const struct reading_case *c = *state;
        struct mt_vm_traffic traffic = { .known = false };

        for (unsigned i = 0; i < 3; i++) {
                for (unsigned k = 0; k < MAX_VMS; k++)
                        add_vm(&traffic, k, &c->vm[i][k]);
                mt_vm_traffic_end(&traffic, 1000 + 1000 * i);
                assert_int_equal(traffic.known, i > 0);
        }
        assert_true(fabs(traffic.in_bytes_s - c->in_mb_s * 1e6) < 1.0);
        assert_true(fabs(traffic.out_bytes_s - c->out_mb_s * 1e6) < 1.0);
        mt_vm_traffic_done(&traffic);
        assert_false(traffic.known);
}

/* A change is followed with a time constant of 2 s. */
static void test_smoothing(void **state)
{
        struct mt_vm_traffic traffic = { .known = false };
        struct vm vm = { "vnet0", 0, 0 };

        (void)state;
        for (unsigned i = 0; i < 3; i++) {
                add_vm(&traffic, 0, &vm);
                mt_vm_traffic_end(&traffic, 1000 + 1000 * i);
        }
        vm.rx_mb = 100;
        add_vm(&traffic, 0, &vm);
        mt_vm_traffic_end(&traffic, 4000);
        assert_true(fabs(traffic.in_bytes_s - 100e6 * (1.0 - exp(-0.5))) < 1.0);
        mt_vm_traffic_done(&traffic);
}

/* Many VMs, so that memory grows; and a count that another machine may have made up. */
static void test_many(void **state)
{
        struct mt_vm_traffic traffic = { .known = false };
        virTypedParameterPtr params = NULL;
        int n = 0, room = 0;

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                for (unsigned k = 0; k < 300; k++)
                        add_vm(&traffic, k, &(struct vm){ "vnet0", i, 2 * i });
                mt_vm_traffic_end(&traffic, 1000 + 1000 * i);
        }
        assert_true(fabs(traffic.in_bytes_s - 300e6) < 1.0 && fabs(traffic.out_bytes_s - 600e6) < 1.0);
        assert_int_equal(virTypedParamsAddUInt(&params, &n, &room, "net.count", 4000000000U), 0);
        assert_int_equal(mt_vm_traffic_add(&traffic, "x", params, n), 0);
        virTypedParamsFree(params, n);
        mt_vm_traffic_done(&traffic);
}

int main(void)
{
        static const struct CMUnitTest others[] = { cmocka_unit_test(test_smoothing), cmocka_unit_test(test_many) };
        struct CMUnitTest tests[MT_ARRAY_SIZE(reading_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        if (virInitialize() < 0)
                return 1;
        ADD_ROWS(tests, n, reading_cases, test_readings);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("vm_traffic", tests, n, NULL, NULL);
}
