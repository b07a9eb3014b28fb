/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a migration call can be changed: reading it, and making the changed copy. */
#ifndef MT_SHIM_PARAMS_H
#define MT_SHIM_PARAMS_H

#include <migtune/plugin.h>

#include <libvirt/libvirt.h>

#include <stdbool.h>
#include <stdint.h>

/* The changeable part of a call, as a caller gave it or as the shim made it. */
struct mt_shim_params {
        unsigned long flags;     /* virDomainMigrateFlags */
        unsigned long bandwidth; /* MiB/s; calls without typed parameters */
        bool is_typed;           /* list counts, and not bandwidth */
        virTypedParameterPtr list;
        unsigned n;
};

/* How far a call may be changed. */
struct mt_shim_limits {
        uint64_t version;     /* libvirt's, see mt_shim_version() */
        bool has_fixed_flags; /* MT_CALL_FIXED_FLAGS */
};

/* What a call without typed parameters has besides. Each may be NULL. */
struct mt_shim_texts {
        const char *uri, *dname, *xml;
};

#define MT_SHIM_TYPED_BASE 4u

/* Fills what of call can be read from the parameters: flags, the bandwidths, migrate_uri (which points into the list). */
void mt_shim_params_read(const struct mt_shim_params *params, struct mt_call *call);

/*
 * Writes a call without typed parameters as one that has them, as libvirt does: texts become parameters in list, which has
 * room for MT_SHIM_TYPED_BASE and is what *ret_typed points to.
 */
void mt_shim_params_type(const struct mt_shim_params *given, const struct mt_shim_texts *texts, virTypedParameter *list,
                         struct mt_shim_params *ret_typed);

/* True if the advice has something for this call that only a typed parameter can say. */
bool mt_shim_params_need_types(const struct mt_shim_params *given, const struct mt_advice *advice,
                               const struct mt_shim_limits *limits);

/* True if the two are the same call. */
bool mt_shim_params_are_same(const struct mt_shim_params *a, const struct mt_shim_params *b);

/*
 * Makes *ret_changed from what the caller gave and the advice; the caller's list is not touched, its strings are shared.
 * Released by mt_shim_params_done(); as long as it is used, given and advice must stay. 0; -EINVAL: the caller's list is not
 * what libvirt would accept; -E2BIG: libvirt would not accept the changed one; -ENOMEM.
 *
 * A parameter goes only with its flag: a compression method is left out where the call will not have
 * VIR_MIGRATE_COMPRESSED, connections where it will not have VIR_MIGRATE_PARALLEL; the flags' own go when the flag is
 * dropped. A call without typed parameters gets neither flag if the advice has a parameter for it. With fixed flags only
 * the bandwidths are set, and only those that no libvirt and no QEMU refuses, because such a call cannot be made twice.
 */
int mt_shim_params_change(const struct mt_shim_params *given, const struct mt_advice *advice,
                          const struct mt_shim_limits *limits, struct mt_shim_params *ret_changed);
void mt_shim_params_done(struct mt_shim_params *changed);

#endif
