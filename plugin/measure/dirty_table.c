/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/dirty_table.h"
#include "array_room.h"
#include "cleanup.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEAST_WEIGHT 0.3 /* of a new sample against the smoothed value */
#define HASHING_MS 250   /* what a measurement takes besides its window */
#define LATE_MS 10000    /* one that has not ended so long after its time never will; a pair's second is no pair's then */
#define FIRST_MS 2000    /* a domain seen for the first time is due so soon */
#define EARLY_SAMPLES 4  /* one sample is noisy: a new domain gets some quickly */
#define EARLY_MS 4000
#define EARLY_PAIR 2 /* every so many turns a pair */
#define PAIR 4
#define ANEW_PERIODS 10 /* what is older than so many is not smoothed with a new sample */
#define AWAY 3          /* missed by so many looks in a row, it was not here: it comes back as a new one */
#define FORGET_MS (24 * 3600 * UINT64_C(1000))

void mt_dirty_table_done(struct mt_dirty_table *table)
{
        free(table->entries);
        *table = (struct mt_dirty_table){ .every_ms = table->every_ms };
}

static struct mt_dirty_entry *find(const struct mt_dirty_table *table, const char *uuid)
{
        for (size_t i = 0; i < table->n; i++)
                if (strcmp(table->entries[i].uuid, uuid) == 0)
                        return &table->entries[i];
        return NULL;
}

/* NULL without memory. */
static struct mt_dirty_entry *find_or_add(struct mt_dirty_table *table, const char *uuid, uint64_t now_ms)
{
        struct mt_dirty_entry *entry = find(table, uuid), *array;

        if (entry != NULL)
                return entry;
        array = mt_array_room(table->entries, table->n, &table->allocated, sizeof(*array));
        if (array == NULL)
                return NULL;
        table->entries = array;
        entry = &table->entries[table->n++];
        *entry = (struct mt_dirty_entry){ .due_ms = now_ms + FIRST_MS };
        (void)snprintf(entry->uuid, sizeof(entry->uuid), "%s", uuid);
        return entry;
}

static void drop_measurement(struct mt_dirty_entry *entry)
{
        entry->running_s = 0;
        entry->long_follows = false;
}

/* What it did before it went away tells nothing of what it does now. */
static void welcome_back(struct mt_dirty_entry *entry, uint64_t now_ms)
{
        drop_measurement(entry);
        entry->samples = entry->pairs = entry->unpaired = 0;
        entry->due_ms = now_ms + FIRST_MS;
}

/* Jittered by the domain's uuid, so that domains spread over the period. */
static void set_next_turn(struct mt_dirty_entry *entry, uint64_t every_ms, uint64_t now_ms)
{
        uint64_t period = entry->samples < EARLY_SAMPLES && every_ms > EARLY_MS ? EARLY_MS : every_ms, jitter = 0;

        for (const char *c = entry->uuid; *c != '\0'; c++)
                jitter = jitter * 31 + (unsigned char)*c;
        entry->due_ms = now_ms + period - period / 10 + (jitter + now_ms) % (period / 5 + 1);
}

enum mt_dirty_next mt_dirty_table_next(struct mt_dirty_table *table, const char *uuid, uint64_t now_ms, bool may_start,
                                       unsigned *ret_seconds)
{
        struct mt_dirty_entry *entry = find_or_add(table, uuid, now_ms);

        if (entry == NULL)
                return MT_DIRTY_WAIT;
        if (entry->missed >= AWAY)
                welcome_back(entry, now_ms);
        entry->missed = 0;
        entry->seen = true;
        entry->seen_ms = now_ms;
        if ((entry->running_s > 0 && now_ms >= entry->ready_ms + LATE_MS) ||
            (entry->running_s == 0 && entry->long_follows && now_ms >= entry->sampled_ms + LATE_MS))
                drop_measurement(entry);
        if (entry->running_s > 0) {
                *ret_seconds = entry->running_s;
                return now_ms >= entry->ready_ms ? MT_DIRTY_COLLECT : MT_DIRTY_RUNNING;
        }
        if (!may_start || (!entry->long_follows && now_ms < entry->due_ms))
                return MT_DIRTY_WAIT;
        if (entry->long_follows) {
                *ret_seconds = MT_DIRTY_LONG_S;
                return MT_DIRTY_MEASURE;
        }
        set_next_turn(entry, table->every_ms, now_ms);
        *ret_seconds = MT_DIRTY_SHORT_S;
        return MT_DIRTY_MEASURE;
}

void mt_dirty_table_started(struct mt_dirty_table *table, const char *uuid, unsigned seconds, uint64_t now_ms)
{
        struct mt_dirty_entry *entry = find(table, uuid);

        if (entry == NULL)
                return;
        entry->running_s = seconds;
        entry->ready_ms = now_ms + seconds * UINT64_C(1000) + HASHING_MS;
        if (seconds == MT_DIRTY_SHORT_S)
                entry->long_follows =
                        entry->pairs == 0 || entry->unpaired + 1 >= (entry->samples < EARLY_SAMPLES ? EARLY_PAIR : PAIR);
}

void mt_dirty_table_broken(struct mt_dirty_table *table, const char *uuid)
{
        struct mt_dirty_entry *entry = find(table, uuid);

        if (entry != NULL)
                drop_measurement(entry);
}

/* The mean, as long as there are few. */
static void smooth(double *value, unsigned samples, double sample)
{
        *value += fmax(1.0 / (samples + 1), LEAST_WEIGHT) * (sample - *value);
}

/* QEMU cuts the fraction of a MiB/s off, which counts where a rate stands for many seconds: half of one on average. */
static double dirtied(unsigned seconds, uint64_t bytes_s)
{
        return bytes_s > 0 ? seconds * ((double)bytes_s + (double)MT_MIB / 2) : 0.0;
}

void mt_dirty_table_store(struct mt_dirty_table *table, const char *uuid, unsigned seconds, uint64_t bytes_s,
                          uint64_t now_ms)
{
        struct mt_dirty_entry *entry = find(table, uuid);

        if (entry == NULL)
                return;
        if (entry->running_s != seconds) {
                drop_measurement(entry);
                return;
        }
        entry->running_s = 0;
        if (now_ms > entry->sampled_ms + ANEW_PERIODS * table->every_ms)
                entry->samples = 0;
        if (now_ms > entry->paired_ms + ANEW_PERIODS * table->every_ms)
                entry->pairs = 0;
        if (seconds == MT_DIRTY_SHORT_S) {
                entry->unpaired++;
                smooth(&entry->bytes_s, entry->samples++, (double)bytes_s);
                entry->sampled_ms = now_ms;
                entry->first_bytes = dirtied(seconds, bytes_s);
        } else {
                smooth(&entry->short_bytes, entry->pairs, entry->first_bytes);
                smooth(&entry->long_bytes, entry->pairs++, dirtied(seconds, bytes_s));
                entry->paired_ms = now_ms;
                entry->unpaired = 0;
                entry->long_follows = false;
        }
}

double mt_dirty_table_rate(const struct mt_dirty_entry *entry)
{
        return entry->pairs > 0 ? fmax(entry->bytes_s, entry->long_bytes / MT_DIRTY_LONG_S) : entry->bytes_s;
}

const struct mt_dirty_entry *mt_dirty_table_find(const struct mt_dirty_table *table, const char *uuid)
{
        return find(table, uuid);
}

void mt_dirty_table_forget(struct mt_dirty_table *table, uint64_t now_ms)
{
        for (size_t i = 0; i < table->n;) {
                struct mt_dirty_entry *entry = &table->entries[i];

                if (now_ms - entry->seen_ms > FORGET_MS) {
                        *entry = table->entries[--table->n];
                        continue;
                }
                entry->missed += entry->seen || entry->missed >= AWAY ? 0 : 1;
                entry->seen = false;
                i++;
        }
}
