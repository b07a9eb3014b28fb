/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/made_call.h"
#include "array.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <string.h>

/* What advice may change; other flags decide where the guest's disks and its definition go. */
#define OUR_FLAGS                                                                                                           \
        ((unsigned long)VIR_MIGRATE_POSTCOPY | VIR_MIGRATE_AUTO_CONVERGE | VIR_MIGRATE_PARALLEL | VIR_MIGRATE_COMPRESSED)

/* The greatest that QEMU's driver takes: more than a signed 64-bit number of bytes is refused. */
#define MOST_MIB_S ((uint64_t)(INT64_MAX / (1024 * 1024)))

#define SWITCHOVER "bandwidth.avail.switchover" /* the oldest headers that are supported do not have it */

/* 0: nothing to add. */
static int add_number(struct mt_made_call *call, const char *name, uint64_t value)
{
        return value == 0 ? 0 : virTypedParamsAddULLong(&call->params, &call->n, &call->size, name, value);
}

static int add_mib_s(struct mt_made_call *call, const char *name, uint64_t mib_s)
{
        return add_number(call, name, mib_s < MOST_MIB_S ? mib_s : MOST_MIB_S);
}

/* The parameters of what the flags switch on. */
static int add_options(struct mt_made_call *call, const struct mt_advice *advice)
{
        int r = 0;

        if ((call->flags & VIR_MIGRATE_PARALLEL) != 0 && advice->connections > 0 && advice->connections <= INT_MAX)
                r = virTypedParamsAddInt(&call->params, &call->n, &call->size, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS,
                                         (int)advice->connections);
        if (r < 0 || (call->flags & VIR_MIGRATE_COMPRESSED) == 0 || advice->compression[0] == '\0')
                return r;
        r = virTypedParamsAddString(&call->params, &call->n, &call->size, VIR_MIGRATE_PARAM_COMPRESSION,
                                    advice->compression);
        if (r == 0 && strcmp(advice->compression, "xbzrle") == 0)
                r = add_number(call, VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE, advice->xbzrle_cache_bytes);
        return r;
}

int mt_made_call_make(unsigned long flags, uint64_t bandwidth_mib_s, const struct mt_advice *advice,
                      struct mt_made_call *ret, struct mt_err *err)
{
        struct mt_made_call call = { .flags = flags };
        int r;

        if (advice != NULL)
                call.flags = (flags | ((unsigned long)advice->flags_add & OUR_FLAGS)) &
                             ~((unsigned long)advice->flags_drop & OUR_FLAGS);
        r = add_mib_s(&call, VIR_MIGRATE_PARAM_BANDWIDTH,
                      advice != NULL && advice->bandwidth_mib_s > 0 ? advice->bandwidth_mib_s : bandwidth_mib_s);
        if (r == 0 && advice != NULL)
                r = add_mib_s(&call, VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY, advice->bandwidth_postcopy_mib_s);
        if (r == 0 && advice != NULL)
                r = add_mib_s(&call, SWITCHOVER, advice->bandwidth_switchover_mib_s);
        if (r == 0 && advice != NULL)
                r = add_options(&call, advice);
        if (r < 0) {
                mt_made_call_done(&call);
                return mt_fail(err, ENOMEM, "parameters of the migration: %s", virGetLastErrorMessage());
        }
        *ret = call;
        return 0;
}

void mt_made_call_done(struct mt_made_call *call)
{
        virTypedParamsFree(call->params, call->n);
        *call = (struct mt_made_call){ .params = NULL };
}

bool mt_made_call_is_refusal(int code, const char *message)
{
        /* QEMU's own refusals are internal errors that name the command; each is sent before memory moves. */
        static const char *const commands[] = { "'migrate-set-capabilities'", "'migrate-set-parameters'", "'migrate'" };

        switch (code) {
        case VIR_ERR_NO_SUPPORT:
        case VIR_ERR_INVALID_ARG:
        case VIR_ERR_CONFIG_UNSUPPORTED:
        case VIR_ERR_OPERATION_INVALID:
        case VIR_ERR_ARGUMENT_UNSUPPORTED:
        case VIR_ERR_OPERATION_UNSUPPORTED:
                return true;
        case VIR_ERR_INTERNAL_ERROR:
                for (size_t i = 0; i < MT_ARRAY_SIZE(commands); i++)
                        if (message != NULL && strstr(message, commands[i]) != NULL)
                                return true;
                return false;
        default:
                return false;
        }
}
