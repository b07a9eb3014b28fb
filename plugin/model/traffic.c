/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "traffic.h"
#include "array.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* The range of background traffic that the models were fitted on, Mbit/s. */
#define X_MAX 1000.0

/* How the thesis classifies traffic: a factor between the directions, and Mbit/s below which an interface is idle. */
#define THRESHOLD 1.2
#define IDLE_BELOW 10.0

static const char *const class_names[] = { "idle", "inbound", "outbound", "mixed" };
static const char *const technique_names[] = { "pre-copy", "post-copy", "hybrid" };
static const char *const urgency_names[] = { "high", "medium", "low" };

/* Index of text in names, or -EINVAL. */
static int find_name(const char *const *names, size_t n, const char *text)
{
        for (size_t i = 0; i < n; i++) {
                if (strcmp(names[i], text) == 0)
                        return (int)i;
        }
        return -EINVAL;
}

const char *mt_traffic_class_name(enum mt_traffic_class traffic)
{
        return class_names[traffic];
}

const char *mt_technique_name(enum mt_technique technique)
{
        return technique_names[technique];
}

const char *mt_urgency_name(enum mt_urgency urgency)
{
        return urgency_names[urgency];
}

int mt_traffic_class_parse(const char *text, enum mt_traffic_class *ret)
{
        const int i = find_name(class_names, MT_ARRAY_SIZE(class_names), text);

        if (i < 0)
                return i;
        *ret = (enum mt_traffic_class)i;
        return 0;
}

int mt_technique_parse(const char *text, enum mt_technique *ret)
{
        const int i = find_name(technique_names, MT_ARRAY_SIZE(technique_names), text);

        if (i < 0)
                return i;
        *ret = (enum mt_technique)i;
        return 0;
}

int mt_urgency_parse(const char *text, enum mt_urgency *ret)
{
        const int i = find_name(urgency_names, MT_ARRAY_SIZE(urgency_names), text);

        if (i < 0)
                return i;
        *ret = (enum mt_urgency)i;
        return 0;
}

enum mt_traffic_class mt_traffic_classify(double rate_in, double rate_out, double threshold, double idle)
{
        if (rate_in < idle && rate_out < idle)
                return MT_TRAFFIC_IDLE;
        if (rate_in > threshold * rate_out)
                return MT_TRAFFIC_INBOUND;
        if (rate_out > threshold * rate_in)
                return MT_TRAFFIC_OUTBOUND;
        return MT_TRAFFIC_MIXED;
}

enum mt_technique mt_traffic_technique(enum mt_traffic_class src, enum mt_traffic_class dst)
{
        if (src == MT_TRAFFIC_OUTBOUND)
                return MT_POST_COPY;
        if (src == MT_TRAFFIC_INBOUND)
                return MT_PRE_COPY;
        if (dst == MT_TRAFFIC_IDLE)
                return MT_POST_COPY;
        if (src == MT_TRAFFIC_IDLE)
                return MT_PRE_COPY;
        return MT_POST_COPY;
}

/* The prose puts "or the destination is idle" into its first bullet, ahead of the inbound source. */
enum mt_technique mt_traffic_technique_text(enum mt_traffic_class src, enum mt_traffic_class dst)
{
        if (src == MT_TRAFFIC_OUTBOUND || dst == MT_TRAFFIC_IDLE)
                return MT_POST_COPY;
        if (src == MT_TRAFFIC_INBOUND || src == MT_TRAFFIC_IDLE)
                return MT_PRE_COPY;
        return MT_POST_COPY;
}

enum mt_technique mt_traffic_parallel_technique(enum mt_traffic_class src, enum mt_traffic_class dst,
                                                enum mt_traffic_class vms)
{
        const bool inbound_vms = vms == MT_TRAFFIC_INBOUND;

        if (src == MT_TRAFFIC_OUTBOUND)
                return MT_POST_COPY;
        if (dst == MT_TRAFFIC_INBOUND)
                return MT_PRE_COPY;
        if (inbound_vms && (src == MT_TRAFFIC_INBOUND || src == MT_TRAFFIC_MIXED))
                return MT_PRE_COPY;
        if (inbound_vms && (dst == MT_TRAFFIC_OUTBOUND || dst == MT_TRAFFIC_MIXED))
                return MT_PRE_COPY;
        if (dst == MT_TRAFFIC_IDLE)
                return MT_POST_COPY;
        if (src == MT_TRAFFIC_IDLE)
                return MT_PRE_COPY;
        return MT_POST_COPY;
}

/*
 * One fit: up to three straight lines, each valid up to and including `until`. The thesis prints no decimals wrong
 * here: at each break the lines meet within 1 %, though hybrid's jump upwards and hybrid-mixed ends rising.
 */
struct fit {
        struct line {
                double until, slope, intercept;
        } lines[3];
};

static const struct fit fits[][4] = {
        [MT_PRE_COPY] = {
                [MT_TRAFFIC_INBOUND] = { { { X_MAX, 0.0002, 903.47 } } },
                [MT_TRAFFIC_OUTBOUND] = { { { 35.0, -0.27, 905.0 }, { 472.0, -0.98, 930.0 }, { X_MAX, -0.001, 467.52 } } },
                [MT_TRAFFIC_MIXED] = { { { 481.0, -0.91, 906.8 }, { X_MAX, -0.001, 467.9 } } },
        },
        [MT_POST_COPY] = {
                [MT_TRAFFIC_INBOUND] = { { { 510.0, -1.02, 861.0 }, { X_MAX, -0.12, 399.0 } } },
                [MT_TRAFFIC_OUTBOUND] = { { { X_MAX, 0.0010, 848.10 } } },
                [MT_TRAFFIC_MIXED] = { { { 528.0, -0.98, 857.9 }, { X_MAX, -0.09, 386.4 } } },
        },
        [MT_HYBRID] = {
                [MT_TRAFFIC_INBOUND] = { { { X_MAX, 0.0016, 896.82 } } },
                [MT_TRAFFIC_OUTBOUND] = { { { 476.0, -0.90, 897.66 }, { X_MAX, -0.01, 478.38 } } },
                [MT_TRAFFIC_MIXED] = { { { 485.0, -0.90, 898.4 }, { X_MAX, 0.003, 462.86 } } },
        },
};

/* The class whose fit is flat for this technique: what idle interfaces take. */
static enum mt_traffic_class flat_class(enum mt_technique technique)
{
        return technique == MT_POST_COPY ? MT_TRAFFIC_OUTBOUND : MT_TRAFFIC_INBOUND;
}

double mt_traffic_model(enum mt_technique technique, enum mt_traffic_class traffic, double x)
{
        const enum mt_traffic_class fitted = traffic == MT_TRAFFIC_IDLE ? flat_class(technique) : traffic;
        const struct line *line = fits[technique][fitted].lines;
        const double at = fmin(fmax(x, 0.0), X_MAX);

        while (at > line->until)
                line++;
        return line->slope * at + line->intercept;
}

struct mt_traffic_point mt_traffic_point(enum mt_technique technique, double vm_in, double vm_out)
{
        enum mt_traffic_class traffic = mt_traffic_classify(vm_in, vm_out, THRESHOLD, IDLE_BELOW);
        bool by_in;

        if (traffic == MT_TRAFFIC_IDLE)
                traffic = flat_class(technique);
        by_in = traffic == MT_TRAFFIC_INBOUND || (traffic == MT_TRAFFIC_MIXED && technique == MT_POST_COPY);
        return (struct mt_traffic_point){ .traffic = traffic, .x = by_in ? vm_in : vm_out };
}

double mt_traffic_ideal_bw(enum mt_technique technique, double vm_in, double vm_out)
{
        return mt_traffic_ideal_bw_by(NULL, technique, vm_in, vm_out, NULL);
}

double mt_traffic_ideal_bw_by(const struct mt_traffic_models *models, enum mt_technique technique, double vm_in,
                              double vm_out, unsigned *ret_migrations)
{
        const struct mt_traffic_point point = mt_traffic_point(technique, vm_in, vm_out);
        const unsigned migrations = models != NULL ? models->fit[technique][point.traffic].migrations : 0;

        if (ret_migrations != NULL)
                *ret_migrations = migrations;
        if (migrations == 0)
                return mt_traffic_model(technique, point.traffic, point.x);
        return fmax(mt_segments_at(&models->fit[technique][point.traffic].segments, point.x), 0.0);
}

struct mt_traffic_reservation mt_traffic_reserve(enum mt_urgency urgency, double ideal_bw, double avail_bw, double tot_bw,
                                                 double sla_lower, double sla_upper)
{
        const double share = urgency == MT_URGENCY_MEDIUM ? 0.75 : 0.5;
        const double kept = urgency == MT_URGENCY_MEDIUM ? sla_lower : sla_upper;
        struct mt_traffic_reservation result = { .bandwidth = ideal_bw, .reserve = true };

        if (urgency == MT_URGENCY_HIGH)
                return result;
        result.bandwidth = fmax(0.0, fmin(share * ideal_bw, tot_bw - kept));
        result.reserve = result.bandwidth > avail_bw;
        return result;
}

bool mt_traffic_parallel(enum mt_urgency urgency, bool sufficient)
{
        return urgency == MT_URGENCY_HIGH || (urgency == MT_URGENCY_MEDIUM && sufficient);
}

/* The thesis has no place for mixed VMs: the middle. */
void mt_traffic_serial_order(const enum mt_traffic_class *classes, size_t n, size_t *ret_order)
{
        static const int rank[] = {
                [MT_TRAFFIC_IDLE] = 0,
                [MT_TRAFFIC_OUTBOUND] = 0,
                [MT_TRAFFIC_MIXED] = 1,
                [MT_TRAFFIC_INBOUND] = 2,
        };
        size_t placed = 0;

        for (int r = 0; r <= 2; r++) {
                for (size_t i = 0; i < n; i++) {
                        if (rank[classes[i]] == r)
                                ret_order[placed++] = i;
                }
        }
}

struct mt_traffic_single mt_traffic_single(double src_in, double src_out, double dst_in, double dst_out, double vm_in,
                                           double vm_out, enum mt_urgency urgency, double tot_bw, double sla_lower,
                                           double sla_upper)
{
        const enum mt_traffic_class src = mt_traffic_classify(src_in, src_out, THRESHOLD, IDLE_BELOW);
        const enum mt_traffic_class dst = mt_traffic_classify(dst_in, dst_out, THRESHOLD, IDLE_BELOW);
        const double avail = fmax(0.0, fmin(tot_bw - src_out, tot_bw - dst_in));
        struct mt_traffic_single result = { .technique = mt_traffic_technique(src, dst), .bandwidth = avail };
        struct mt_traffic_reservation reservation;

        result.ideal = mt_traffic_ideal_bw(result.technique, vm_in, vm_out);
        if (avail > result.ideal)
                return result;
        reservation = mt_traffic_reserve(urgency, result.ideal, avail, tot_bw, sla_lower, sla_upper);
        if (reservation.reserve)
                result.bandwidth = reservation.bandwidth;
        result.reserve = reservation.reserve;
        return result;
}
