/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/residue.h"
#include "steer/meter.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void mt_residue_add(struct mt_residues *residues, const char *device, enum mt_direction direction, double bytes_s,
                    uint64_t now_ms)
{
        struct mt_residue *slot = &residues->residue[residues->next++ % MT_MAX_RESIDUES];

        *slot = (struct mt_residue){ .direction = direction, .bytes_s = bytes_s, .since_ms = now_ms };
        (void)snprintf(slot->device, sizeof(slot->device), "%s", device);
}

uint64_t mt_residue_get(const struct mt_residues *residues, const char *device, enum mt_direction direction, uint64_t now_ms)
{
        double sum = 0.0;

        for (size_t i = 0; i < MT_MAX_RESIDUES; i++) {
                const struct mt_residue *r = &residues->residue[i];

                if (r->bytes_s > 0.0 && r->direction == direction && strcmp(r->device, device) == 0)
                        sum += r->bytes_s *
                               exp(-(double)(now_ms > r->since_ms ? now_ms - r->since_ms : 0) / 1000.0 / MT_METER_SECONDS);
        }
        return (uint64_t)sum;
}
