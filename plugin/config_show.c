/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the fields of config_keys.c's table back to the configuration's notation. */
#include "array.h"
#include "config_keys.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* In the largest unit that says it exactly; MiB/s only where no Mbit does. */
static void rate_text(char *text, size_t size, uint64_t bytes_s)
{
        static const struct {
                const char *name;
                uint64_t bytes_s;
        } units[] = {
                { "Gbit", UINT64_C(125000000) },
                { "Mbit", UINT64_C(125000) },
                { "MiB/s", MT_MIB },
                { "KiB/s", MT_KIB },
                { "kbit", UINT64_C(125) },
                { "B/s", 1 },
        };
        size_t i = bytes_s == 0 ? 1 : 0;

        while (bytes_s % units[i].bytes_s != 0)
                i++;
        (void)snprintf(text, size, "%" PRIu64 "%s", bytes_s / units[i].bytes_s, units[i].name);
}

static void time_text(char *text, size_t size, uint64_t ms)
{
        if (ms >= 600000 && ms % 60000 == 0)
                (void)snprintf(text, size, "%" PRIu64 "min", ms / 60000);
        else if (ms > 0 && ms % 1000 == 0)
                (void)snprintf(text, size, "%" PRIu64 "s", ms / 1000);
        else
                (void)snprintf(text, size, "%" PRIu64 "ms", ms);
}

const char *mt_key_decimal(char *text, size_t size, double value)
{
        const uint64_t scale = UINT64_C(1000000000);
        const uint64_t billionths = (uint64_t)(fmin(fmax(value, 0.0), 1e6) * (double)scale + 0.5);
        int digits = 9;
        uint64_t rest = billionths % scale;

        for (; digits > 1 && rest % 10 == 0; digits--)
                rest /= 10;
        (void)snprintf(text, size, "%" PRIu64 ".%0*" PRIu64, billionths / scale, digits, rest);
        return text;
}

static void table_text(char *text, size_t size, const struct mt_calm_table *table)
{
        size_t used = 0;

        text[0] = '\0';
        for (unsigned i = 0; i < table->n && used < size; i++) {
                char rate[32], share[32];

                rate_text(rate, sizeof(rate), mt_bytes_s(table->Bs[i]));
                used += (size_t)snprintf(text + used, size - used, "%s%s:%s", i > 0 ? " " : "", rate,
                                         mt_key_decimal(share, sizeof(share), table->F[i]));
        }
}

static void quantity_text(const struct mt_key *key, char *text, size_t size, const char *field)
{
        uint64_t value;

        (void)memcpy(&value, field, sizeof(value));
        if (value == MT_AUTO && key->may_be_auto)
                (void)snprintf(text, size, "auto");
        else if (key->kind == MT_KEY_RATE)
                rate_text(text, size, value);
        else
                time_text(text, size, value);
}

const char *mt_key_text(const struct mt_key *key, const void *base, char *text, size_t size)
{
        const char *field = (const char *)base + key->offset;
        struct mt_calm_table table;
        unsigned number;
        double decimal;

        switch (key->kind) {
        case MT_KEY_RATE:
        case MT_KEY_TIME:
                quantity_text(key, text, size, field);
                break;
        case MT_KEY_FLOAT:
                (void)memcpy(&decimal, field, sizeof(decimal));
                (void)mt_key_decimal(text, size, decimal);
                break;
        case MT_KEY_WORD:
        case MT_KEY_COUNT:
                (void)memcpy(&number, field, sizeof(number));
                if (key->kind == MT_KEY_WORD)
                        (void)snprintf(text, size, "%s", key->word(number));
                else
                        (void)snprintf(text, size, "%u", number);
                break;
        case MT_KEY_SWITCH:
                (void)snprintf(text, size, "%s", *field != 0 ? "true" : "false");
                break;
        case MT_KEY_TABLE:
                (void)memcpy(&table, field, sizeof(table));
                table_text(text, size, &table);
                break;
        case MT_KEY_DEVICE:
        case MT_KEY_PATH:
        case MT_KEY_CLASS:
        case MT_KEY_URI:
                (void)snprintf(text, size, "%s", field);
                break;
        }
        return text;
}
