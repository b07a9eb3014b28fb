/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/move.h"
#include "array.h"

const char *mt_move_state_name(enum mt_move_state state)
{
        static const char *const names[] = { "planned", "asking", "waiting", "copying", "ended" };

        return (size_t)state < MT_ARRAY_SIZE(names) ? names[state] : "?";
}

const char *mt_move_result_name(enum mt_move_result result)
{
        static const char *const names[] = { "not-started", "moved", "failed", "aborted", "left-running" };

        return (size_t)result < MT_ARRAY_SIZE(names) ? names[result] : "?";
}

bool mt_move_is_active(const struct mt_move *move)
{
        return move->state != MT_MOVE_PLANNED && move->state != MT_MOVE_ENDED;
}

uint64_t mt_move_left(const struct mt_move *move, uint64_t now_ms)
{
        uint64_t elapsed_ms = now_ms > move->began_ms ? now_ms - move->began_ms : 0;
        uint64_t remaining = move->stats_known ? move->stats.memory_remaining_bytes : 0;

        return mt_schedule_left(move->predicted.total_ms, elapsed_ms, remaining,
                                move->stats_known ? move->stats.rate_bytes_s : 0);
}

struct mt_schedule_item mt_move_item(const struct mt_move *move, uint64_t now_ms)
{
        struct mt_schedule_item item = move->item;

        item.state = MT_SCHEDULE_PENDING;
        if (move->state == MT_MOVE_ENDED)
                item.state = MT_SCHEDULE_ENDED;
        if (move->state == MT_MOVE_COPYING) {
                item.state = MT_SCHEDULE_RUNNING;
                item.left_ms = mt_move_left(move, now_ms);
        }
        return item;
}
