/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Versions of libvirt and QEMU, and what they have. One table, read at run time: migtune is built with one libvirt (9.0 or
 * later) and runs with another. All functions that it calls are older than 9.0; what an old one lacks is a parameter or a
 * combination of flags, which is then not used, and told once.
 */
#ifndef MT_VERSIONS_H
#define MT_VERSIONS_H

#include "call_flags.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As MT_VERSION(); 0: not known, and counts as old. */
struct mt_versions {
        uint64_t libvirt, qemu;
};

enum mt_ability {
        MT_ABILITY_SWITCHOVER_RATE,   /* a bandwidth of its own for the last copy */
        MT_ABILITY_ZSTD,              /* compression over multifd */
        MT_ABILITY_POST_COPY_MULTIFD, /* both flags in one call */
        MT_ABILITY_RESUME,            /* a destination's daemon survives being asked to resume a post-copy */
        MT_ABILITIES,
};

/* Whether these versions have it. */
bool mt_able(enum mt_ability ability, const struct mt_versions *versions);

/*
 * One line: the versions (those that are not known as "?"), then what they lack and from when on that is there. library:
 * libvirt's own in this process, which may be older than the daemon's. text is cut where it does not fit into size, > 0.
 */
void mt_versions_text(const struct mt_versions *versions, uint64_t library, char *text, size_t size);

/* Whether libvirt is older than what migtune is built and tried with, 9.0. */
bool mt_version_too_old(uint64_t libvirt);

#endif
