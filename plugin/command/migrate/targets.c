/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/targets.h"
#include "cleanup.h"
#include "measure/uri.h"
#include "units.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>

#define KEEPALIVE_S 5
#define KEEPALIVE_COUNT 3

void mt_targets_open(struct mt_run *run)
{
        run->n_targets = run->options.n_destinations;
        for (unsigned i = 0; i < run->n_targets; i++) {
                struct mt_target *target = &run->target[i];
                char host[256] = "";

                target->uri = run->options.destination[i];
                (void)mt_uri_host(target->uri, host, sizeof(host));
                (void)snprintf(target->label, sizeof(target->label), "%.63s", host);
                if (!run->is_evacuation)
                        continue;
                target->connection = virConnectOpenReadOnly(target->uri);
                if (target->connection == NULL) {
                        mt_run_note(run, "destination %s: its free memory is not known: %s", target->label,
                                    virGetLastErrorMessage());
                        continue;
                }
                (void)virConnectSetKeepAlive(target->connection, KEEPALIVE_S, KEEPALIVE_COUNT);
        }
}

/* Free memory, and what its kernel gives back at once. False: it does not tell. */
static bool free_memory(virConnectPtr connection, uint64_t *ret_bytes)
{
        static const char *const fields[] = { VIR_NODE_MEMORY_STATS_FREE, VIR_NODE_MEMORY_STATS_BUFFERS,
                                              VIR_NODE_MEMORY_STATS_CACHED };
        virNodeMemoryStats stats[16];
        int n = MT_ARRAY_SIZE(stats);
        uint64_t kib = 0;

        if (connection == NULL)
                return false;
        if (virNodeGetMemoryStats(connection, VIR_NODE_MEMORY_STATS_ALL_CELLS, stats, &n, 0) < 0) {
                *ret_bytes = virNodeGetFreeMemory(connection);
                return *ret_bytes != 0;
        }
        for (int i = 0; i < n; i++)
                for (size_t k = 0; k < MT_ARRAY_SIZE(fields); k++)
                        if (strcmp(stats[i].field, fields[k]) == 0)
                                kib += stats[i].value;
        *ret_bytes = kib * MT_KIB;
        return kib > 0;
}

void mt_targets_look(struct mt_run *run, size_t except, struct mt_place places[MT_PLACES_MOST])
{
        for (unsigned i = 0; i < run->n_targets; i++) {
                places[i] = (struct mt_place){ .known = false };
                places[i].known = free_memory(run->target[i].connection, &places[i].free_bytes);
        }
        mt_run_lock(run);
        for (size_t i = 0; i < run->n; i++) {
                const struct mt_move *move = &run->moves[i];

                if (i == except || !mt_move_is_active(move) || move->destination >= run->n_targets)
                        continue;
                places[move->destination].promised_bytes += move->state == MT_MOVE_COPYING && move->stats_known
                                                                    ? move->stats.memory_remaining_bytes
                                                                    : move->memory_bytes;
        }
        mt_run_unlock(run);
}

void mt_targets_explain(const struct mt_run *run, const struct mt_place *places, uint64_t needed_bytes, char *text,
                        size_t size)
{
        size_t best = mt_place_choose(places, run->n_targets, 0, /* overcommit= */ true);
        char needed[32], most[32];

        (void)snprintf(text, size, "no destination has %s free (the most: %s, %s; --overcommit would start it all the same)",
                       mt_format_size(needed, sizeof(needed), needed_bytes), run->target[best].label,
                       mt_format_size(most, sizeof(most), mt_place_room(&places[best])));
}
