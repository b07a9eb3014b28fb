/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "versions.h"
#include "array.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define OLDEST MT_VERSION(9, 0, 0)
#define VERSION_SIZE 32

/* The least versions that have it. Where libvirt has it from the beginning, but broken: since when, and when it was mended. */
static const struct row {
        uint64_t libvirt, qemu;
        uint64_t broken, mended;
        const char *lacking;
} rows[] = {
        [MT_ABILITY_SWITCHOVER_RATE] = { .libvirt = MT_VERSION(11, 1, 0),
                                         .qemu = MT_VERSION(8, 2, 0),
                                         .lacking = "a bandwidth for the last copy (libvirt 11.1 and QEMU 8.2)" },
        [MT_ABILITY_ZSTD] = { .libvirt = MT_VERSION(9, 4, 0), .lacking = "zstd (libvirt 9.4)" },
        [MT_ABILITY_POST_COPY_MULTIFD] = { .qemu = MT_VERSION(10, 1, 0), .lacking = "post-copy over multifd (QEMU 10.1)" },
        [MT_ABILITY_RESUME] = { .broken = MT_VERSION(11, 2, 0),
                                .mended = MT_VERSION(11, 4, 0),
                                .lacking = "resuming a post-copy to this host (libvirt 11.4)" },
};
_Static_assert(MT_ARRAY_SIZE(rows) == MT_ABILITIES, "a row for each");

bool mt_able(enum mt_ability ability, const struct mt_versions *versions)
{
        const struct row *row = &rows[ability];
        bool broken = versions->libvirt >= row->broken && versions->libvirt < row->mended;

        return versions->libvirt >= row->libvirt && versions->qemu >= row->qemu && !broken;
}

static const char *version_text(uint64_t version, char text[static VERSION_SIZE])
{
        if (version == 0)
                return "?";
        (void)snprintf(text, VERSION_SIZE, "%" PRIu64 ".%" PRIu64 ".%" PRIu64, version / 1000000 % 1000000,
                       version / 1000 % 1000, version % 1000);
        return text;
}

void mt_versions_text(const struct mt_versions *versions, uint64_t library, char *text, size_t size)
{
        char libvirt[VERSION_SIZE], own[VERSION_SIZE], qemu[VERSION_SIZE];
        const char *between = "; without ";

        (void)snprintf(text, size, "libvirt %s (own library %s), QEMU %s", version_text(versions->libvirt, libvirt),
                       version_text(library, own), version_text(versions->qemu, qemu));
        for (size_t i = 0; i < MT_ABILITIES; i++) {
                size_t at = strlen(text);

                if (mt_able((enum mt_ability)i, versions))
                        continue;
                (void)snprintf(text + at, size - at, "%s%s", between, rows[i].lacking);
                between = ", ";
        }
}

bool mt_version_too_old(uint64_t libvirt)
{
        return libvirt != 0 && libvirt < OLDEST;
}
