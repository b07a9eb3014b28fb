/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt's daemon itself notes of a running domain (/run/libvirt/qemu/NAME.xml, readable to root) and tells by no
 * call. (FACT: libvirt 9.0 to 11.3: <domstatus><job async='migration out' flags='0x8003' .../>...</domstatus>.)
 */
#ifndef MT_MEASURE_STATUS_FILE_H
#define MT_MEASURE_STATUS_FILE_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * The flags (virDomainMigrateFlags) that the domain's outgoing migration was asked for with. -ENOENT: there is no such
 * file, or no such migration in it; -EINVAL: it is none of libvirt's; others: it cannot be read.
 */
int mt_status_migration_flags(const char *name, uint64_t *ret_flags, struct mt_err *err);

/* The same from the file's text. */
int mt_status_parse_flags(const char *xml, size_t length, uint64_t *ret_flags, struct mt_err *err);

#endif
