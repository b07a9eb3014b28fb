/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The flags of a migration call: libvirt's virDomainMigrateFlags, which are part of its ABI, for code that includes no
 * libvirt header. enforce/qemu.c asserts that the values are the same.
 */
#ifndef MT_CALL_FLAGS_H
#define MT_CALL_FLAGS_H

#include <stddef.h>
#include <stdint.h>

#define MT_FLAG_LIVE (UINT64_C(1) << 0)
#define MT_FLAG_TUNNELLED (UINT64_C(1) << 2) /* inside libvirt's own connection */
#define MT_FLAG_PAUSED (UINT64_C(1) << 5)    /* the guest is to be left paused on the destination */
#define MT_FLAG_OFFLINE (UINT64_C(1) << 10)  /* the definition alone: no memory moves */
#define MT_FLAG_COMPRESSED (UINT64_C(1) << 11)
#define MT_FLAG_AUTO_CONVERGE (UINT64_C(1) << 13)
#define MT_FLAG_POSTCOPY (UINT64_C(1) << 15)
#define MT_FLAG_TLS (UINT64_C(1) << 16)
#define MT_FLAG_PARALLEL (UINT64_C(1) << 17) /* multifd */
#define MT_FLAG_POSTCOPY_RESUME (UINT64_C(1) << 19)
#define MT_FLAG_ZEROCOPY (UINT64_C(1) << 20) /* only with MT_FLAG_PARALLEL */

/* Versions of libvirt and QEMU as libvirt counts them. */
#define MT_VERSION(major, minor, release) ((uint64_t)(major)*1000000 + (minor)*1000 + (release))

/* The word for a bit, 0 to 63, as virsh migrate has it ("live", "p2p", "postcopy"); NULL: it has none. */
const char *mt_flag_name(unsigned bit);

/* Reads words with commas between them ("live,p2p,postcopy"; "" for none). 0, or -EINVAL: *ret_flags is then untouched. */
int mt_flags_parse(const char *text, uint64_t *ret_flags);

#endif
