/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/technique.h"
#include "reason.h"

void mt_technique_classify(const struct mt_inputs *in, const struct mt_intent *intent, struct mt_plan *plan)
{
        double factor = intent->direction_factor;
        double idle = mt_mbps(intent->idle_below_bytes_s);

        plan->src_class = mt_traffic_classify(in->src_in, in->src_out, factor, idle);
        plan->dst_class = mt_traffic_classify(in->dst_in, in->dst_out, factor, idle);
        plan->vm_class = mt_traffic_classify(in->vm_in, in->vm_out, factor, idle);
        mt_reason(&plan->reasons, "traffic (in/out Mbit/s): source %s %.0f/%.0f, destination %s %.0f/%.0f, VM %s %.0f/%.0f",
                  mt_traffic_class_name(plan->src_class), in->src_in, in->src_out, mt_traffic_class_name(plan->dst_class),
                  in->dst_in, in->dst_out, mt_traffic_class_name(plan->vm_class), in->vm_in, in->vm_out);
}

bool mt_technique_may_post_copy(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_reasons *why)
{
        const char *obstacle = NULL;

        if (intent->post_copy == MT_NEVER)
                obstacle = "post_copy = \"never\"";
        else if (facts->post_copy == MT_CALLER_NO)
                obstacle = "the caller did not start the migration with the post-copy flag";
        else if (facts->post_copy == MT_CALLER_UNKNOWN)
                obstacle = "whether the caller set the post-copy flag cannot be seen from here";
        if (obstacle != NULL && why != NULL)
                mt_reason(why, "no post-copy: %s", obstacle);
        return obstacle == NULL;
}

enum mt_technique mt_technique_choose(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *plan)
{
        static const enum mt_technique named[] = {
                [MT_CHOOSE_PRE_COPY] = MT_PRE_COPY,
                [MT_CHOOSE_POST_COPY] = MT_POST_COPY,
                [MT_CHOOSE_HYBRID] = MT_HYBRID,
        };
        enum mt_technique wanted = MT_PRE_COPY;

        switch (intent->technique) {
        case MT_CHOOSE_TRAFFIC_AWARE:
                wanted = mt_traffic_technique(plan->src_class, plan->dst_class);
                mt_reason(&plan->reasons, "technique by traffic: source %s, destination %s -> %s",
                          mt_traffic_class_name(plan->src_class), mt_traffic_class_name(plan->dst_class),
                          mt_technique_name(wanted));
                break;
        case MT_CHOOSE_PREDICTED:
                break;
        case MT_CHOOSE_PRE_COPY:
        case MT_CHOOSE_POST_COPY:
        case MT_CHOOSE_HYBRID:
                wanted = named[intent->technique];
                mt_reason(&plan->reasons, "technique %s: configured", mt_technique_name(wanted));
                break;
        }
        if (wanted != MT_PRE_COPY && !mt_technique_may_post_copy(facts, intent, &plan->reasons)) {
                mt_reason(&plan->reasons, "technique pre-copy instead of %s", mt_technique_name(wanted));
                wanted = MT_PRE_COPY;
        }
        return wanted;
}
