/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/plan_show.h"
#include "command/explain_show.h"
#include "command/explain_text.h"
#include "command/member.h"
#include "command/terminal.h"
#include "log.h"

#include <math.h>
#include <stdio.h>

/* "vm1: pre-copy at 450.0 Mbit/s: 8.2 s, blackout 210 ms, 1.2 GiB; max_downtime is met" */
static void show_head(json_object *planned, size_t columns)
{
        json_object *plan = mt_member(planned, "plan");
        char line[512], cost[128] = "does not end";

        if (!isinf(mt_member_predicted(plan, "prediction/total_ms")))
                (void)snprintf(cost, sizeof(cost), "%s, blackout %s, %s", mt_text_time(plan, "prediction/total_ms").text,
                               mt_text_time(plan, "prediction/downtime_ms").text,
                               mt_text_bytes(plan, "prediction/bytes").text);
        (void)snprintf(line, sizeof(line), "%.256s: %s at %s: %s; max_downtime is %smet", mt_member_text(planned, "domain"),
                       mt_member_text(plan, "technique"), mt_text_rate(plan, "bandwidth_mbps").text, cost,
                       mt_member_is_true(plan, "limit_met") ? "" : "NOT ");
        mt_terminal_wrap(line, 0, columns > 0 ? columns - 1 : 0);
}

void mt_plan_show(json_object *planned, size_t columns)
{
        const struct mt_explained e = { .record = planned, .ahead = true, .columns = columns };

        mt_member_clean(planned);
        show_head(planned, columns);
        mt_explain_measured(&e);
        mt_explain_intent(&e);
        mt_explain_reasons(&e);
        mt_explain_plan(&e);
        mt_explain_ways(&e);
}
