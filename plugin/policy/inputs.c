/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/inputs.h"
#include "reason.h"

#include <math.h>

#define MOST_DIRTIED 0.99 /* CALM's p is a probability below 1 */

static void resolve_dirty_range(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_inputs *in)
{
        uint64_t low = intent->dirty_low_bytes_s != MT_AUTO ? intent->dirty_low_bytes_s : facts->dirty_low_bytes_s;
        uint64_t high = intent->dirty_high_bytes_s != MT_AUTO ? intent->dirty_high_bytes_s : facts->dirty_high_bytes_s;

        in->DL = low != MT_AUTO ? mt_mbps(low) : MT_DEFAULT_DL_MBPS;
        in->DH = high != MT_AUTO ? mt_mbps(high) : MT_DEFAULT_DH_MBPS;
        if (in->DH <= in->DL) /* one end configured, the other from history: keep an order */
                in->DH = in->DL + 1.0;
}

static void resolve_traffic(const struct mt_facts *facts, struct mt_inputs *in, struct mt_reasons *why)
{
        in->src_in = mt_mbps(facts->src.in_bytes_s);
        in->src_out = mt_mbps(facts->src.out_bytes_s);
        in->dst_in = mt_mbps(facts->dst.in_bytes_s);
        in->dst_out = mt_mbps(facts->dst.out_bytes_s);
        in->vm_in = mt_mbps(facts->vm.in_bytes_s);
        in->vm_out = mt_mbps(facts->vm.out_bytes_s);
        if (!facts->src.known)
                mt_reason(why, "the source's traffic is not known: counted as idle");
        if (!facts->dst.known)
                mt_reason(why,
                          "the destination's traffic is not known: counted as idle, only the source bounds the bandwidth");
        else if (facts->dst.source == MT_TRAFFIC_SHARE || facts->dst.source == MT_TRAFFIC_LIBVIRT)
                mt_reason(why, "the destination's other traffic: %.1f Mbit/s in, %.1f out (%s, %.1f s old)", in->dst_in,
                          in->dst_out, mt_traffic_source_name(facts->dst.source), mt_seconds(facts->dst.age_ms));
        if (facts->dst_migrations > 0)
                mt_reason(why, "other hosts' migrations into the destination: %u, planned at %.1f Mbit/s",
                          facts->dst_migrations, mt_mbps(facts->dst_migrations_bytes_s));
}

static void resolve_hot_pages(const struct mt_facts *facts, struct mt_inputs *in, struct mt_reasons *why)
{
        if (facts->hot_source == MT_HOT_NONE || facts->hot_bytes == 0 || facts->hot_rate_bytes_s == 0)
                return;
        in->hot = (struct mt_hot_pages){ .hot = fmin(mt_mbit(facts->hot_bytes), in->resident),
                                         .hot_rate = mt_mbps(facts->hot_rate_bytes_s),
                                         .cold_rate = mt_mbps(facts->cold_rate_bytes_s) };
        mt_reason(why, "hot pages: %.0f MiB, beta %.3f, written at %.1f Mbit/s or more; cold ones at %.1f Mbit/s (%s)",
                  (double)facts->hot_bytes / (double)MT_MIB, mt_hot_beta(&in->hot, in->memory), in->hot.hot_rate,
                  in->hot.cold_rate, mt_hot_source_name(facts->hot_source));
}

/* CALM counts pages of 1 Mbit and seconds; D is spread over all that was ever touched. */
static void resolve_cost(const struct mt_intent *intent, struct mt_inputs *in)
{
        in->cost_fixed = intent->cost_bandwidth == MT_COST_FIXED;
        in->cost = (struct mt_calm){
                .B = in->link,
                .p = fmin(in->D / fmax(in->resident, 1.0), MOST_DIRTIED),
                .F = intent->cost_function,
                .C = intent->cost_scale_bytes_s != MT_AUTO ? mt_mbps(intent->cost_scale_bytes_s) : in->link / 10.0,
                .table = &intent->cost_table,
        };
}

static void resolve_round(const struct mt_facts *facts, struct mt_inputs *in)
{
        in->now = (struct mt_round){ .i = 1, .last_rate = in->D };
        if (facts->round == 0)
                return;
        in->now.i = facts->round;
        in->now.clean = fmin(mt_mbit(facts->clean_bytes), in->resident);
        if (facts->round_dirty_rate_bytes_s > 0)
                in->now.last_rate = mt_mbps(facts->round_dirty_rate_bytes_s);
}

void mt_inputs_make(const struct mt_facts *facts, const struct mt_intent *intent, struct mt_inputs *ret,
                    struct mt_reasons *why)
{
        struct mt_inputs in = { 0 };
        uint64_t deadline_ms = intent->deadline_ms_per_gib[intent->urgency];

        in.memory = mt_mbit(facts->memory_bytes);
        in.resident = facts->resident_bytes > 0 && facts->resident_bytes < facts->memory_bytes
                              ? mt_mbit(facts->resident_bytes)
                              : in.memory;
        in.D = mt_mbps(facts->dirty_rate_bytes_s);
        in.link_known = facts->link_bytes_s > 0;
        in.link = in.link_known ? mt_mbps(facts->link_bytes_s) : MT_UNKNOWN_LINK_MBPS;
        in.path = mt_mbps(facts->path_bytes_s);
        in.free = fmax(in.link * MT_USABLE - mt_mbps(facts->taken_bytes_s), 0.0);
        in.granted = facts->taken_bytes_s > 0 ? in.free : (double)INFINITY; /* the ledger's word is better */
        if (facts->granted_bytes_s > 0)
                in.granted = mt_mbps(facts->granted_bytes_s);
        in.waits_turn = facts->waits_turn;
        mt_reason(why, "D = %.1f Mbit/s (%s, %.0f s old); memory %.0f MiB, %.0f MiB of it touched", in.D,
                  mt_dirty_source_name(facts->dirty_source), mt_seconds(facts->dirty_age_ms),
                  (double)facts->memory_bytes / (double)MT_MIB, in.resident * 1e6 / 8.0 / (double)MT_MIB);
        resolve_hot_pages(facts, &in, why);
        resolve_traffic(facts, &in, why);
        in.available = fmax(fmin(in.link * MT_USABLE - in.src_out, in.link * MT_USABLE - in.dst_in), 0.0);
        in.tau = mt_seconds(facts->tau_ms);
        in.tg = mt_seconds(facts->tg_ms);
        in.setup = mt_seconds(facts->setup_ms > 0 ? facts->setup_ms : MT_DEFAULT_SETUP_MS);
        in.limit = mt_seconds(intent->max_downtime_ms);
        resolve_dirty_range(facts, intent, &in);
        in.lL = intent->lambda_low;
        in.lH = intent->lambda_high;
        in.sla_lower = mt_mbps(intent->sla_lower_bytes_s);
        in.sla_upper = mt_mbps(intent->sla_upper_bytes_s);
        in.min_bandwidth = mt_mbps(intent->min_bandwidth_bytes_s);
        if (facts->call.known && !facts->call.override_limits)
                in.caller_limit = mt_mbps(facts->call.bandwidth_bytes_s);
        in.paced = facts->call.known && !facts->call.made;
        in.pace_limit = facts->call.known && facts->call.bandwidth_postcopy_bytes_s > 0 &&
                                        (facts->call.made || !facts->call.override_limits)
                                ? mt_mbps(facts->call.bandwidth_postcopy_bytes_s)
                                : (double)INFINITY;
        if (deadline_ms != MT_AUTO && deadline_ms > 0) /* seconds per GiB, so the memory's size cancels out */
                in.deadline_bandwidth = mt_mbit(MT_GIB) / mt_seconds(deadline_ms);
        in.max_iterations = intent->max_iterations;
        in.urgency = intent->urgency;
        in.models = &facts->models;
        in.clark_initial = mt_mbps(intent->clark_initial_bytes_s);
        in.clark_addition = mt_mbps(intent->clark_addition_bytes_s);
        in.clark_maximum =
                intent->clark_maximum_bytes_s != MT_AUTO ? mt_mbps(intent->clark_maximum_bytes_s) : (double)INFINITY;
        resolve_cost(intent, &in);
        resolve_round(facts, &in);
        *ret = in;
}
