/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an ended migration still adds to a device's smoothed rate: it fades as the smoothing forgets. Without it the next
 * migration would take the last one for tenants' traffic.
 */
#ifndef MT_STEER_RESIDUE_H
#define MT_STEER_RESIDUE_H

#include "enforce/shape.h"

#include <net/if.h>
#include <stdint.h>

struct mt_residue {
        char device[IFNAMSIZ];
        enum mt_direction direction;
        double bytes_s;
        uint64_t since_ms;
};
#define MT_MAX_RESIDUES 32

/* Zeroed: none. The oldest makes room. */
struct mt_residues {
        struct mt_residue residue[MT_MAX_RESIDUES];
        unsigned next;
};

/* A migration that carried bytes_s on device has ended. */
void mt_residue_add(struct mt_residues *residues, const char *device, enum mt_direction direction, double bytes_s,
                    uint64_t now_ms);

/* What of it still shows in device's smoothed rate, bytes/s. */
uint64_t mt_residue_get(const struct mt_residues *residues, const char *device, enum mt_direction direction,
                        uint64_t now_ms);

#endif
