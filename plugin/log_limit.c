/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log_limit.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

uint64_t mt_limit_key(const char *text)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (; *text != '\0'; text++)
                h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
        return h != 0 ? h : 1;
}

/* What a kind has held back. */
static void take_out(struct mt_limit_kind *kind, uint64_t now_ms, struct mt_held_line *ret)
{
        ret->priority = kind->priority;
        ret->times = kind->held;
        ret->ms = now_ms - kind->since_ms;
        (void)snprintf(ret->text, sizeof(ret->text), "%s", kind->last);
        kind->held = 0;
}

/* The key's place, or the one that is to be given up for it: a free one, else the oldest. */
static struct mt_limit_kind *find(struct mt_log_limit *limit, uint64_t key)
{
        struct mt_limit_kind *oldest = &limit->kind[0];

        for (unsigned i = 0; i < limit->used; i++) {
                if (limit->kind[i].key == key)
                        return &limit->kind[i];
                if (limit->kind[i].since_ms < oldest->since_ms)
                        oldest = &limit->kind[i];
        }
        return limit->used < MT_LIMIT_KINDS ? &limit->kind[limit->used++] : oldest;
}

bool mt_limit_take(struct mt_log_limit *limit, uint64_t key, unsigned most, int priority, const char *text, uint64_t now_ms,
                   unsigned *ret_count, uint64_t *ret_ms, struct mt_held_line *ret_other)
{
        struct mt_limit_kind *kind = find(limit, key);

        ret_other->times = 0;
        *ret_count = 0;
        *ret_ms = 0;
        if (kind->key != key) {
                if (kind->key != 0 && kind->held > 0)
                        take_out(kind, now_ms, ret_other);
                (void)memset(kind, 0, sizeof(*kind));
                kind->key = key;
                kind->since_ms = now_ms;
        } else if (now_ms - kind->since_ms >= MT_LIMIT_WINDOW_MS) {
                if (kind->held > 0) {
                        *ret_count = kind->held + 1;
                        *ret_ms = now_ms - kind->since_ms;
                }
                kind->since_ms = now_ms;
                kind->said = kind->held = 0;
        }
        if (kind->said < most) {
                kind->said++;
                return true;
        }
        kind->held++;
        kind->priority = priority;
        (void)snprintf(kind->last, sizeof(kind->last), "%s", text);
        return false;
}

bool mt_limit_due(struct mt_log_limit *limit, bool all, uint64_t now_ms, struct mt_held_line *ret)
{
        for (unsigned i = 0; i < limit->used; i++) {
                struct mt_limit_kind *kind = &limit->kind[i];

                if (kind->held == 0 || (!all && now_ms - kind->since_ms < MT_LIMIT_WINDOW_MS))
                        continue;
                take_out(kind, now_ms, ret);
                kind->since_ms = now_ms;
                kind->said = UINT_MAX;
                return true;
        }
        return false;
}
