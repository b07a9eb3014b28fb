/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/technique.h"
#include "policy/flags.h"
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

bool mt_technique_is_ours(const struct mt_intent *intent)
{
        return intent->technique == MT_CHOOSE_TRAFFIC_AWARE || intent->technique == MT_CHOOSE_PREDICTED;
}

bool mt_technique_may_post_copy(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_reasons *why)
{
        const char *obstacle = NULL;

        if (mt_flags_post_copy(facts, intent, &obstacle) == MT_CALLER_YES)
                return true;
        mt_reason(why, "no post-copy: %s", obstacle);
        return false;
}

/* Algorithm 1, or 3 where other migrations share the uplink. */
static enum mt_technique by_traffic(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_plan *plan)
{
        enum mt_traffic_class vms = mt_traffic_classify(mt_mbps(facts->vms_in_bytes_s), mt_mbps(facts->vms_out_bytes_s),
                                                        intent->direction_factor, mt_mbps(intent->idle_below_bytes_s));
        enum mt_technique technique;

        if (facts->parallel == 0) {
                technique = mt_traffic_technique(plan->src_class, plan->dst_class);
                mt_reason(&plan->reasons, "technique by traffic: source %s, destination %s -> %s",
                          mt_traffic_class_name(plan->src_class), mt_traffic_class_name(plan->dst_class),
                          mt_technique_name(technique));
                return technique;
        }
        technique = mt_traffic_parallel_technique(plan->src_class, plan->dst_class, vms);
        mt_reason(&plan->reasons, "technique by traffic, %u others in parallel: source %s, destination %s, VMs %s -> %s",
                  facts->parallel, mt_traffic_class_name(plan->src_class), mt_traffic_class_name(plan->dst_class),
                  mt_traffic_class_name(vms), mt_technique_name(technique));
        return technique;
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
                wanted = by_traffic(facts, intent, plan);
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
