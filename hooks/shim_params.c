/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: struct virTypedParameter is libvirt's public ABI, so a changed list is a copy of the caller's array,
 * shorter by what is dropped and longer by what is added. Strings are not copied: libvirt reads them, and they outlive
 * the call. libvirt's own virTypedParams functions would each reset the caller's last error, and would own their strings.
 */
#include "shim_params.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * libvirt carries 64 parameters between client and daemon (REMOTE_DOMAIN_MIGRATE_PARAM_LIST_MAX), and adds the domain's
 * name and XML itself in a direct migration. With a parameter for each disk, a caller's list can be nearly full.
 */
#define MAX_PARAMETERS 256u
#define MAX_CHANGED 62u
#define ADDED_AT_MOST 8u

#define SWITCHOVER_SINCE 11001000u
#define SWITCHOVER "bandwidth.avail.switchover" /* the oldest headers that are supported do not have it */

/* What an advice may change. Other flags decide where the guest's disks and its definition go: nobody's but the caller's. */
#define OUR_FLAGS                                                                                                           \
        ((unsigned long)VIR_MIGRATE_POSTCOPY | VIR_MIGRATE_AUTO_CONVERGE | VIR_MIGRATE_PARALLEL | VIR_MIGRATE_COMPRESSED)

/* It goes with VIR_MIGRATE_PARALLEL, and is refused without. */
#define DROPPED_ALSO ((unsigned long)VIR_MIGRATE_ZEROCOPY)

/* The greatest that QEMU's driver takes: more than a signed 64-bit number of bytes is refused. */
#define MAX_MIB_S ((unsigned long long)(INT64_MAX / (1024 * 1024)))

static virTypedParameterPtr find(const struct mt_shim_params *params, const char *name)
{
        for (unsigned i = 0; i < params->n; i++)
                if (strncmp(params->list[i].field, name, VIR_TYPED_PARAM_FIELD_LENGTH) == 0)
                        return &params->list[i];
        return NULL;
}

static uint64_t read_number(const struct mt_shim_params *params, const char *name)
{
        const virTypedParameter *p = find(params, name);

        return p != NULL && p->type == VIR_TYPED_PARAM_ULLONG ? p->value.ul : 0;
}

void mt_shim_params_read(const struct mt_shim_params *params, struct mt_call *call)
{
        const virTypedParameter *uri = find(params, VIR_MIGRATE_PARAM_URI);

        call->flags = params->flags;
        call->bandwidth_mib_s = params->bandwidth;
        if (!params->is_typed)
                return;
        call->bandwidth_mib_s = read_number(params, VIR_MIGRATE_PARAM_BANDWIDTH);
        call->bandwidth_postcopy_mib_s = read_number(params, VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY);
        call->bandwidth_switchover_mib_s = read_number(params, SWITCHOVER);
        if (uri != NULL && uri->type == VIR_TYPED_PARAM_STRING)
                call->migrate_uri = uri->value.s;
}

/* Drops each parameter of that name, or whose name starts with it and a dot. */
static void drop(struct mt_shim_params *params, const char *name)
{
        size_t length = strlen(name);
        unsigned kept = 0;

        for (unsigned i = 0; i < params->n; i++) {
                const char *field = params->list[i].field;

                if (strncmp(field, name, length) != 0 || (field[length] != '\0' && field[length] != '.'))
                        params->list[kept++] = params->list[i];
        }
        params->n = kept;
}

/* The parameter of that name, made if it is not there. NULL: the caller has it with another type. */
static virTypedParameterPtr place(struct mt_shim_params *params, const char *name, int type)
{
        virTypedParameterPtr p = find(params, name);

        if (p == NULL) {
                p = &params->list[params->n++];
                *p = (virTypedParameter){ .type = type };
                (void)snprintf(p->field, sizeof(p->field), "%s", name);
        }
        return p->type == type ? p : NULL;
}

static int set_number(struct mt_shim_params *params, const char *name, uint64_t value)
{
        virTypedParameterPtr p = place(params, name, VIR_TYPED_PARAM_ULLONG);

        if (p == NULL)
                return -EINVAL;
        p->value.ul = value;
        return 0;
}

/* MiB/s; 0: leave the caller's. */
static int set_bandwidth(struct mt_shim_params *params, const char *name, uint64_t mib_s)
{
        return mib_s == 0 ? 0 : set_number(params, name, mib_s < MAX_MIB_S ? mib_s : MAX_MIB_S);
}

static int set_connections(struct mt_shim_params *params, uint32_t connections)
{
        virTypedParameterPtr p;

        if (connections == 0 || connections > INT_MAX || (params->flags & VIR_MIGRATE_PARALLEL) == 0)
                return 0;
        p = place(params, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS, VIR_TYPED_PARAM_INT);
        if (p == NULL)
                return -EINVAL;
        p->value.i = (int)connections;
        return 0;
}

static int set_compression(struct mt_shim_params *params, const struct mt_advice *advice)
{
        virTypedParameterPtr p;

        if (advice->compression[0] == '\0' || (params->flags & VIR_MIGRATE_COMPRESSED) == 0)
                return 0;
        drop(params, VIR_MIGRATE_PARAM_COMPRESSION); /* with the parameters of another method */
        p = place(params, VIR_MIGRATE_PARAM_COMPRESSION, VIR_TYPED_PARAM_STRING);
        if (p == NULL)
                return -EINVAL;
        p->value.s = (char *)(uintptr_t)advice->compression; /* libvirt only reads it */
        if (advice->xbzrle_cache_bytes == 0 || strcmp(advice->compression, "xbzrle") != 0)
                return 0;
        return set_number(params, VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE, advice->xbzrle_cache_bytes);
}

/* libvirt refuses a flag's parameters without the flag. */
static void drop_orphans(struct mt_shim_params *params, unsigned long dropped)
{
        if ((dropped & VIR_MIGRATE_PARALLEL) != 0)
                drop(params, VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS);
        if ((dropped & VIR_MIGRATE_COMPRESSED) != 0)
                drop(params, VIR_MIGRATE_PARAM_COMPRESSION);
        if ((dropped & VIR_MIGRATE_AUTO_CONVERGE) != 0)
                drop(params, "auto_converge");
}

/* A call that cannot be made twice gets none: the domain's QEMU may be too old for it. */
static bool may_set_switchover(const struct mt_shim_limits *limits)
{
        return limits->version >= SWITCHOVER_SINCE && !limits->has_fixed_flags;
}

static int change_list(struct mt_shim_params *params, const struct mt_shim_params *given, const struct mt_advice *advice,
                       const struct mt_shim_limits *limits)
{
        bool has_switchover = may_set_switchover(limits);
        bool has_post_copy = !limits->has_fixed_flags || (params->flags & VIR_MIGRATE_POSTCOPY) != 0;
        int r;

        drop_orphans(params, given->flags & ~params->flags);
        r = set_bandwidth(params, VIR_MIGRATE_PARAM_BANDWIDTH, advice->bandwidth_mib_s);
        if (r == 0 && has_post_copy)
                r = set_bandwidth(params, VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY, advice->bandwidth_postcopy_mib_s);
        if (r == 0 && has_switchover)
                r = set_bandwidth(params, SWITCHOVER, advice->bandwidth_switchover_mib_s);
        if (r == 0 && !limits->has_fixed_flags)
                r = set_connections(params, advice->connections);
        if (r == 0 && !limits->has_fixed_flags)
                r = set_compression(params, advice);
        return r == 0 && params->n > given->n && params->n > MAX_CHANGED ? -E2BIG : r;
}

/* The flags that the changed call has. */
static unsigned long change_flags(const struct mt_shim_params *given, const struct mt_advice *advice,
                                  const struct mt_shim_limits *limits)
{
        unsigned long add = (unsigned long)advice->flags_add & OUR_FLAGS;

        if (limits->has_fixed_flags)
                return given->flags;
        if (!given->is_typed && advice->compression[0] != '\0')
                add &= ~(unsigned long)VIR_MIGRATE_COMPRESSED; /* it would be another method */
        if (!given->is_typed && advice->connections != 0)
                add &= ~(unsigned long)VIR_MIGRATE_PARALLEL;
        return (given->flags | add) & ~((unsigned long)advice->flags_drop & (OUR_FLAGS | DROPPED_ALSO));
}

static void type_text(struct mt_shim_params *typed, const char *name, const char *text)
{
        virTypedParameterPtr p = text != NULL ? place(typed, name, VIR_TYPED_PARAM_STRING) : NULL;

        if (p != NULL)
                p->value.s = (char *)(uintptr_t)text; /* libvirt only reads it */
}

void mt_shim_params_type(const struct mt_shim_params *given, const struct mt_shim_texts *texts, virTypedParameter *list,
                         struct mt_shim_params *ret_typed)
{
        struct mt_shim_params typed = { .flags = given->flags, .is_typed = true, .list = list };

        type_text(&typed, VIR_MIGRATE_PARAM_URI, texts->uri);
        type_text(&typed, VIR_MIGRATE_PARAM_DEST_NAME, texts->dname);
        type_text(&typed, VIR_MIGRATE_PARAM_DEST_XML, texts->xml);
        (void)set_number(&typed, VIR_MIGRATE_PARAM_BANDWIDTH, given->bandwidth);
        *ret_typed = typed;
}

bool mt_shim_params_need_types(const struct mt_shim_params *given, const struct mt_advice *advice,
                               const struct mt_shim_limits *limits)
{
        const struct mt_shim_params typed = { .flags = given->flags, .is_typed = true };
        unsigned long flags = change_flags(&typed, advice, limits);

        return advice->bandwidth_postcopy_mib_s != 0 ||
               (advice->bandwidth_switchover_mib_s != 0 && may_set_switchover(limits)) ||
               (advice->connections != 0 && (flags & VIR_MIGRATE_PARALLEL) != 0) ||
               (advice->compression[0] != '\0' && (flags & VIR_MIGRATE_COMPRESSED) != 0);
}

bool mt_shim_params_are_same(const struct mt_shim_params *a, const struct mt_shim_params *b)
{
        if (a->flags != b->flags || a->is_typed != b->is_typed || a->n != b->n)
                return false;
        if (!a->is_typed)
                return a->bandwidth == b->bandwidth;
        return a->n == 0 || memcmp(a->list, b->list, a->n * sizeof(*a->list)) == 0;
}

int mt_shim_params_change(const struct mt_shim_params *given, const struct mt_advice *advice,
                          const struct mt_shim_limits *limits, struct mt_shim_params *ret_changed)
{
        struct mt_shim_params changed = *given;
        int r;

        changed.flags = change_flags(given, advice, limits);
        changed.list = NULL;
        if (!given->is_typed) {
                if (advice->bandwidth_mib_s != 0)
                        changed.bandwidth = advice->bandwidth_mib_s < MAX_MIB_S ? (unsigned long)advice->bandwidth_mib_s
                                                                                : (unsigned long)MAX_MIB_S;
                *ret_changed = changed;
                return 0;
        }
        if (given->n > MAX_PARAMETERS || (given->n > 0 && given->list == NULL))
                return -EINVAL;
        changed.list = calloc(given->n + ADDED_AT_MOST, sizeof(*changed.list));
        if (changed.list == NULL)
                return -ENOMEM;
        if (given->n > 0)
                (void)memcpy(changed.list, given->list, given->n * sizeof(*changed.list));
        r = change_list(&changed, given, advice, limits);
        if (r < 0)
                free(changed.list);
        else
                *ret_changed = changed;
        return r;
}

void mt_shim_params_done(struct mt_shim_params *changed)
{
        if (changed->is_typed)
                free(changed->list);
        changed->list = NULL;
}
