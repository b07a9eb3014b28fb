/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Traffic-aware choice of technique, bandwidth and reservation (thesis 2025, algorithms 1-3 and section 3.3's piecewise
 * models). All rates are Mbit/s. Pure: no I/O, no allocation, no clock.
 *
 * Right readings where the text and the pseudo code differ: the pseudo code decides (they differ in one cell, source
 * inbound with destination idle); the available bandwidth is min(tot - src_out, tot - dst_in), since migration data
 * always flows from source to destination.
 */
#ifndef MT_MODEL_TRAFFIC_H
#define MT_MODEL_TRAFFIC_H

#include "segments.h"

#include <stdbool.h>
#include <stddef.h>

enum mt_traffic_class { MT_TRAFFIC_IDLE, MT_TRAFFIC_INBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_MIXED };
enum mt_technique { MT_PRE_COPY, MT_POST_COPY, MT_HYBRID };

#define MT_TRAFFIC_CLASSES 4
#define MT_TECHNIQUES 3
enum mt_urgency { MT_URGENCY_HIGH, MT_URGENCY_MEDIUM, MT_URGENCY_LOW };

/* Names used in configuration, records and arguments: "idle" ..., "pre-copy" ..., "high" .... Parsers: 0 or -EINVAL. */
const char *mt_traffic_class_name(enum mt_traffic_class traffic);
const char *mt_technique_name(enum mt_technique technique);
const char *mt_urgency_name(enum mt_urgency urgency);
int mt_traffic_class_parse(const char *text, enum mt_traffic_class *ret);
int mt_technique_parse(const char *text, enum mt_technique *ret);
int mt_urgency_parse(const char *text, enum mt_urgency *ret);

/* idle if both rates < idle (tested first); inbound if in > threshold*out; outbound if out > threshold*in; else mixed. */
enum mt_traffic_class mt_traffic_classify(double rate_in, double rate_out, double threshold, double idle);

/* Algorithm 1, in order: source outbound -> post; source inbound -> pre; destination idle -> post; source idle -> pre; else
 * post. */
enum mt_technique mt_traffic_technique(enum mt_traffic_class src, enum mt_traffic_class dst);
/* The prose's reading; differs in one cell. For comparison only, never used to decide. */
enum mt_technique mt_traffic_technique_text(enum mt_traffic_class src, enum mt_traffic_class dst);
/*
 * Section 4.4.2's list for VMs that move in parallel, in this order; vms is the class of the VMs' own traffic: source
 * outbound
 * -> post; destination inbound -> pre; VMs inbound and source inbound or mixed -> pre; VMs inbound and destination outbound
 * or mixed -> pre; destination idle -> post; source idle -> pre; else post.
 */
enum mt_technique mt_traffic_parallel_technique(enum mt_traffic_class src, enum mt_traffic_class dst,
                                                enum mt_traffic_class vms);

/*
 * The thesis's piecewise models: the bandwidth a migration gets on a 1 Gbit/s path at background x, cut to 0..1000 Mbit/s,
 * the range they were fitted on. Idle takes the flat model: inbound for pre-copy and hybrid, outbound for post-copy.
 */
double mt_traffic_model(enum mt_technique technique, enum mt_traffic_class traffic, double x);
/*
 * The model that the VM's own class selects, at threshold 1.2 and idle 10 Mbit/s: inbound at vm_in; outbound at vm_out;
 * mixed at vm_out for pre-copy and hybrid, at vm_in for post-copy; idle at the flat model's own direction.
 */
double mt_traffic_ideal_bw(enum mt_technique technique, double vm_in, double vm_out);

/* Where that model is asked: its class, never idle, and the background x. */
struct mt_traffic_point {
        enum mt_traffic_class traffic;
        double x;
};
struct mt_traffic_point mt_traffic_point(enum mt_technique technique, double vm_in, double vm_out);

/* Models of the same form, fitted to a host's own migrations. Zeroed: none, the thesis's hold. */
struct mt_traffic_models {
        struct {
                unsigned migrations; /* that it was fitted to; 0: not fitted */
                struct mt_segments segments;
        } fit[MT_TECHNIQUES][MT_TRAFFIC_CLASSES]; /* idle has none of its own */
};
/*
 * mt_traffic_ideal_bw by these models, never below 0; where there is no fit, or models is NULL, by the thesis's.
 * *ret_migrations, if not NULL: what the fit rests on, 0 for the thesis's.
 */
double mt_traffic_ideal_bw_by(const struct mt_traffic_models *models, enum mt_technique technique, double vm_in,
                              double vm_out, unsigned *ret_migrations);

struct mt_traffic_reservation {
        double bandwidth; /* Mbit/s the migration asks for; what is free serves it when nothing is reserved */
        bool reserve;     /* false: it fits in what is free, so nothing is reserved */
};
/*
 * Algorithm 2: ideal_bw, 0.75 or 0.5 of it by urgency, at most tot_bw less what the VM must (medium) or would like to (low)
 * keep, cut at 0; high takes ideal_bw and always reserves, the others only what exceeds avail_bw.
 */
struct mt_traffic_reservation mt_traffic_reserve(enum mt_urgency urgency, double ideal_bw, double avail_bw, double tot_bw,
                                                 double sla_lower, double sla_upper);

/* Algorithm 3: true = migrate in parallel. high: yes; medium: if the bandwidth is sufficient; low: no. */
bool mt_traffic_parallel(enum mt_urgency urgency, bool sufficient);
/* Algorithm 3's serial order: indices of classes[0..n), outbound and idle first, then mixed, inbound last; stable. */
void mt_traffic_serial_order(const enum mt_traffic_class *classes, size_t n, size_t *ret_order);

struct mt_traffic_single {
        enum mt_technique technique;
        double ideal;
        double bandwidth;
        bool reserve;
};
/*
 * Algorithms 1 and 2 together for one VM. Free is min(tot - src_out, tot - dst_in), cut at 0: more than the ideal means no
 * reservation, whatever the urgency; without a reservation bandwidth is all that is free.
 */
struct mt_traffic_single mt_traffic_single(double src_in, double src_out, double dst_in, double dst_out, double vm_in,
                                           double vm_out, enum mt_urgency urgency, double tot_bw, double sla_lower,
                                           double sla_upper);

#endif
