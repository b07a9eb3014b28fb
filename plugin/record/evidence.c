/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Three questions are put to each record, and each may be left unanswered.
 *
 * What does the network give? Only a migration whose bandwidth we did not limit can tell: neither a tc class nor QEMU's
 * limit was set (mode "observe", or where that failed). One that we limited tells at most that the network gives so much.
 * The few that got less than their limit are no evidence either: taken without the many that reached theirs, they would
 * teach the models the bad days alone, and each lesson lower the next limit. Migrations that ran beside others, or whose
 * VM's traffic or link was not known, are left out, too. The bandwidth is all bytes over all time, less libvirt's
 * handshake: where the guest stands still the last copy runs. What the guest waits beside that (t_g) is lost here, about a
 * percent.
 *
 * What does a round take beside sending (tau)? The bandwidth must be known from elsewhere: from the class that held it, if
 * the migration was seen to reach it; or, where nothing was limited, from the link, if nobody else used that.
 *
 * What does the standstill take beside sending (t_g)? The last copy of a shaped migration runs at what the plan guaranteed
 * to the switchover, or somewhat faster; that of a free one at the bandwidth that it had all along. Either may be off by a
 * factor, which the regression finds.
 */
#include "record/evidence.h"
#include "array_room.h"
#include "record/member.h"
#include "record/timestamp.h"
#include "units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TESTBED_MBPS 1000.0
#define SETUP_S 0.1       /* libvirt's handshake, where the record does not tell how long it took */
#define LEAST_COPY_S 0.5  /* shorter ones tell more of the handshake than of the network */
#define MOST_OF_LINK 1.02 /* who got more has a link that does not tell its rate */
#define QUIET 0.02        /* part of the link that others may use while it counts as ours alone */
#define REACHED 0.85      /* part of the planned bandwidth that must have been seen on the wire */
#define HELD 1.2          /* part that it may have carried in the mean: beyond this no class held it */

/* A completed migration's record. Rates in Mbit/s, sizes in Mbit, times in s; NAN: not known. */
struct view {
        uint64_t wall_ms;
        enum mt_technique technique;
        double total, downtime, sent, last_copy, iterations;
        double setup; /* libvirt's handshake before the first byte, part of total */
        double link, taken, src_out, dst_in, vm_in, vm_out;
        double planned, switchover, applied, changes;
        bool has_class;
        json_object *samples;
};

/* A rate of traffic, NAN where nobody knew it (records show 0 then). */
static double traffic(json_object *record, const char *known, const char *rate)
{
        return mt_member_is_true(record, known) ? mt_member_number(record, rate) : (double)NAN;
}

static bool look(json_object *record, struct view *v)
{
        *v = (struct view){
                .total = mt_member_number(record, "actual/total_ms") / 1e3,
                .setup = mt_member_number(record, "actual/setup_ms") / 1e3,
                .downtime = mt_member_number(record, "actual/downtime_ms") / 1e3,
                .sent = mt_member_number(record, "actual/bytes") * 8.0 / 1e6,
                .last_copy = mt_member_number(record, "actual/last_copy_bytes") * 8.0 / 1e6,
                .iterations = mt_member_number(record, "actual/iterations"),
                .link = mt_member_number(record, "facts/link_mbps"),
                .taken = mt_member_number(record, "facts/taken_mbps"),
                .src_out = traffic(record, "facts/src/known", "facts/src/out_mbps"),
                .dst_in = traffic(record, "facts/dst/known", "facts/dst/in_mbps"),
                .vm_in = traffic(record, "facts/vm/known", "facts/vm/in_mbps"),
                .vm_out = traffic(record, "facts/vm/known", "facts/vm/out_mbps"),
                .planned = mt_member_number(record, "plan/bandwidth_mbps"),
                .switchover = mt_member_number(record, "plan/switchover_mbps"),
                .applied = mt_member_number(record, "applied/bandwidth_mbps"),
                .changes = mt_member_number(record, "applied/changes"),
                .has_class = mt_member_count(record, "tc") > 0,
                .samples = mt_member(record, "actual/samples"),
        };
        if (isnan(v->setup))
                v->setup = SETUP_S;
        return mt_timestamp_parse(mt_member_text(record, "started"), &v->wall_ms) == 0 &&
               mt_technique_parse(mt_member_text(record, "actual/technique"), &v->technique) == 0 &&
               v->total > v->setup + LEAST_COPY_S && v->sent > 0.0;
}

/* A place for one that began at wall_ms: the oldest's where the window is full. NULL: there is none, or it is there. */
static struct mt_evidence_entry *place(struct mt_evidence_window *window, uint64_t wall_ms)
{
        struct mt_evidence_entry *oldest = window->entry, *array;

        for (size_t i = 0; i < window->n; i++) {
                if (window->entry[i].wall_ms == wall_ms)
                        return NULL;
                if (window->entry[i].wall_ms < oldest->wall_ms)
                        oldest = &window->entry[i];
        }
        if (window->n == MT_EVIDENCE_WINDOW)
                return oldest->wall_ms < wall_ms ? oldest : NULL;
        array = mt_array_room(window->entry, window->n, &window->allocated, sizeof(*array));
        if (array == NULL)
                return NULL;
        window->entry = array;
        return &window->entry[window->n++];
}

static void keep(struct mt_evidence_window *window, uint64_t wall_ms, const struct mt_observation *o)
{
        struct mt_evidence_entry *entry = place(window, wall_ms);

        if (entry == NULL)
                return;
        *entry = (struct mt_evidence_entry){ .wall_ms = wall_ms, .o = *o };
        window->changed = true;
}

/* Payload a second, in Mbit/s, over the whole migration. */
static double payload_rate(const struct view *v)
{
        return v->sent / (v->total - v->setup);
}

static void learn_bandwidth(struct mt_evidence *evidence, const struct view *v)
{
        const double scale = v->link / TESTBED_MBPS;
        const double y = payload_rate(v) / MT_PAYLOAD / scale;
        struct mt_traffic_point point;

        if (!(v->link > 0.0) || isnan(v->vm_in) || isnan(v->vm_out) || v->taken > 0.0 || !(y <= MOST_OF_LINK * TESTBED_MBPS))
                return;
        point = mt_traffic_point(v->technique, fmin(v->vm_in / scale, TESTBED_MBPS), fmin(v->vm_out / scale, TESTBED_MBPS));
        keep(&evidence->bandwidth[v->technique][point.traffic], v->wall_ms,
             &(struct mt_observation){ .y = y, .x = { point.x } });
}

/*
 * The bandwidth that was planned, as mean over the time of copying; without samples the one plan there was. NAN: not known,
 * never reached (a narrow path, or too short to see), or not held.
 */
static double mean_planned(const struct view *v)
{
        const double end = v->total - v->downtime - v->setup;
        size_t n = json_object_is_type(v->samples, json_type_array) ? json_object_array_length(v->samples) : 0;
        double sum = 0.0, carried = 0.0, time = 0.0, most = 0.0;

        for (size_t i = 0; i < n; i++) {
                json_object *sample = json_object_array_get_idx(v->samples, i);
                const double planned = mt_member_number(sample, "planned_mbps");
                const double from = mt_member_number(sample, "t_ms") / 1e3;
                double until =
                        i + 1 < n ? mt_member_number(json_object_array_get_idx(v->samples, i + 1), "t_ms") / 1e3 : end;

                until = fmin(until, end);
                if (!(planned > 0.0) || !(until > from))
                        continue;
                sum += planned * (until - from);
                time += until - from;
                carried += fmax(mt_member_number(sample, "bandwidth_mbps"), 0.0) * (until - from);
                most = fmax(most, mt_member_number(sample, "bandwidth_mbps") / planned);
        }
        if (time > 0.0)
                return most >= REACHED && carried <= HELD * sum ? sum / time : (double)NAN;
        return v->changes <= 1.0 ? v->planned : (double)NAN;
}

/* Is the link this migration's alone? What is not known counts as nothing. */
static bool is_quiet(const struct view *v)
{
        const double most = QUIET * v->link;

        return !(v->taken > 0.0) && !(v->src_out > most) && !(v->dst_in > most) && !(v->vm_in > most) && !(v->vm_out > most);
}

/* time seconds for sending `sent` Mbit of payload at a known rate on the wire. */
static void keep_round(struct mt_evidence_window *window, const struct view *v, double time, double sent, double rate)
{
        const double s = sent / (rate * MT_PAYLOAD);

        if (s >= LEAST_COPY_S && isfinite(s) && time > 0.0 && v->iterations >= 1.0)
                keep(window, v->wall_ms, &(struct mt_observation){ .y = time / s, .x = { 1.0 / s, v->iterations / s } });
}

/* Shaped: the class counts frames, so last_copy is on the wire as the rates are. */
static void learn_shaped(struct mt_evidence *evidence, const struct view *v)
{
        if (isnan(v->downtime) || isnan(v->last_copy))
                return;
        keep_round(&evidence->rounds[MT_EVIDENCE_SHAPED], v, v->total - v->downtime, v->sent - v->last_copy * MT_PAYLOAD,
                   mean_planned(v));
        if (v->switchover > 0.0)
                keep(&evidence->standstill[MT_EVIDENCE_SHAPED], v->wall_ms,
                     &(struct mt_observation){ .y = v->downtime, .x = { v->last_copy / v->switchover } });
}

/* Free: QEMU's own count of its payload, no more than once a second, so the whole time is what it can be held against. */
static void learn_free(struct mt_evidence *evidence, const struct view *v)
{
        if (is_quiet(v))
                keep_round(&evidence->rounds[MT_EVIDENCE_FREE], v, v->total, v->sent, v->link * MT_USABLE);
        if (!isnan(v->downtime) && !isnan(v->last_copy))
                keep(&evidence->standstill[MT_EVIDENCE_FREE], v->wall_ms,
                     &(struct mt_observation){ .y = v->downtime, .x = { v->last_copy / payload_rate(v) } });
}

void mt_evidence_learn(struct mt_evidence *evidence, json_object *record)
{
        struct view v;
        bool free;

        evidence->records++;
        if (strcmp(mt_member_text(record, "result"), "completed") != 0)
                return;
        evidence->completed++;
        if (mt_member_is_true(record, "adopted") || !look(record, &v))
                return;
        free = !(v.applied > 0.0) && !v.has_class;
        if (free) {
                evidence->free++;
                learn_bandwidth(evidence, &v);
        }
        if (v.technique != MT_PRE_COPY) /* its standstill has no last copy, and its rounds are not counted */
                return;
        if (free)
                learn_free(evidence, &v);
        else if (v.has_class)
                learn_shaped(evidence, &v);
}

void mt_evidence_done(struct mt_evidence *evidence)
{
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned c = 0; c < MT_TRAFFIC_CLASSES; c++)
                        free(evidence->bandwidth[t][c].entry);
        for (unsigned k = 0; k < MT_EVIDENCE_KINDS; k++) {
                free(evidence->rounds[k].entry);
                free(evidence->standstill[k].entry);
        }
        *evidence = (struct mt_evidence){ .records = 0 };
}
