/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The migration call as it is made: flags and parameters by the advice. */
#include "command/migrate/made_call.h"
#include "array.h"
#include "table.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

#define OWN (VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER)

static const struct call_case {
        const char *name;
        unsigned long flags;
        uint64_t bandwidth;
        bool has_advice;
        struct mt_advice advice;
        unsigned long want_flags;
        const char *want; /* the parameters */
} calls[] = {
        { "without advice", OWN, 0, false, { 0 }, OWN, "" },
        { "with a limit of one's own", OWN, 40, false, { 0 }, OWN, "bandwidth=40 " },
        { "the plan's bandwidth", OWN, 0, true, { .bandwidth_mib_s = 33 }, OWN, "bandwidth=33 " },
        { "the plan's instead of one's own", OWN, 40, true, { .bandwidth_mib_s = 33 }, OWN, "bandwidth=33 " },
        { "one's own where the plan has none", OWN, 40, true, { .bandwidth_mib_s = 0 }, OWN, "bandwidth=40 " },
        { "too much for libvirt", OWN, 0, true, { .bandwidth_mib_s = UINT64_MAX }, OWN, "bandwidth=8796093022207 " },
        { "post-copy",
          OWN,
          0,
          true,
          { .bandwidth_mib_s = 33,
            .bandwidth_postcopy_mib_s = 20,
            .bandwidth_switchover_mib_s = 110,
            .flags_add = VIR_MIGRATE_POSTCOPY },
          OWN | VIR_MIGRATE_POSTCOPY,
          "bandwidth=33 bandwidth.postcopy=20 bandwidth.avail.switchover=110 " },
        { "a flag that goes", OWN | VIR_MIGRATE_POSTCOPY, 0, true, { .flags_drop = VIR_MIGRATE_POSTCOPY }, OWN, "" },
        { "flags that are nobody's but the caller's",
          OWN,
          0,
          true,
          { .flags_add = VIR_MIGRATE_NON_SHARED_DISK | VIR_MIGRATE_OFFLINE, .flags_drop = VIR_MIGRATE_LIVE },
          OWN,
          "" },
        { "multifd with zstd",
          OWN,
          0,
          true,
          { .flags_add = VIR_MIGRATE_PARALLEL | VIR_MIGRATE_COMPRESSED,
            .connections = 4,
            .compression = "zstd",
            .xbzrle_cache_bytes = 1 },
          OWN | VIR_MIGRATE_PARALLEL | VIR_MIGRATE_COMPRESSED,
          "parallel.connections=4 compression=zstd " },
        { "xbzrle with its cache",
          OWN,
          0,
          true,
          { .flags_add = VIR_MIGRATE_COMPRESSED, .compression = "xbzrle", .xbzrle_cache_bytes = 67108864 },
          OWN | VIR_MIGRATE_COMPRESSED,
          "compression=xbzrle compression.xbzrle.cache=67108864 " },
        { "parameters without their flags", OWN, 0, true, { .connections = 4, .compression = "xbzrle" }, OWN, "" },
};

static void test_make(void **state)
{
        const struct call_case *c = *state;
        struct mt_made_call call;
        struct mt_err err = { 0 };
        char got[512] = "";

        assert_int_equal(mt_made_call_make(c->flags, c->bandwidth, c->has_advice ? &c->advice : NULL, &call, &err), 0);
        assert_int_equal(call.flags, c->want_flags);
        for (int i = 0; i < call.n; i++) {
                const virTypedParameter *p = &call.params[i];
                size_t used = strlen(got);

                if (p->type == VIR_TYPED_PARAM_STRING)
                        (void)snprintf(got + used, sizeof(got) - used, "%s=%s ", p->field, p->value.s);
                else if (p->type == VIR_TYPED_PARAM_INT)
                        (void)snprintf(got + used, sizeof(got) - used, "%s=%d ", p->field, p->value.i);
                else
                        (void)snprintf(got + used, sizeof(got) - used, "%s=%llu ", p->field, p->value.ul);
        }
        assert_string_equal(got, c->want);
        mt_made_call_done(&call);
        assert_null(call.params);
        mt_made_call_done(&call);
}

static const struct refusal_case {
        const char *name;
        int code;
        const char *message;
        bool want;
} refusals[] = {
        { "an argument", VIR_ERR_INVALID_ARG, "invalid argument: x", true },
        { "a flag that is not supported", VIR_ERR_ARGUMENT_UNSUPPORTED, NULL, true },
        { "an operation that may have begun as well", VIR_ERR_OPERATION_INVALID, "another job", true },
        { "QEMU refuses a capability", VIR_ERR_INTERNAL_ERROR,
          "unable to execute QEMU command 'migrate-set-capabilities': x", true },
        { "QEMU refuses something else", VIR_ERR_INTERNAL_ERROR, "unable to execute QEMU command 'cont': x", false },
        { "an internal error without words", VIR_ERR_INTERNAL_ERROR, NULL, false },
        { "it was aborted", VIR_ERR_OPERATION_ABORTED, "operation aborted", false },
        { "it failed on the way", VIR_ERR_OPERATION_FAILED, "operation failed", false },
        { "the connection went away", VIR_ERR_RPC, "end of file", false },
};

static void test_refusal(void **state)
{
        const struct refusal_case *c = *state;

        assert_int_equal(mt_made_call_is_refusal(c->code, c->message), c->want);
}

int main(void)
{
        struct CMUnitTest tests[MT_ARRAY_SIZE(calls) + MT_ARRAY_SIZE(refusals)];
        size_t n = 0;

        if (virInitialize() < 0) /* else libvirt has no place for its last error */
                return 1;
        ADD_ROWS(tests, n, calls, test_make);
        ADD_ROWS(tests, n, refusals, test_refusal);
        return _cmocka_run_group_tests("made_call", tests, n, NULL, NULL);
}
