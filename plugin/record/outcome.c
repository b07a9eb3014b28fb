/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record/outcome.h"
#include "array_room.h"
#include "cleanup.h"
#include "record/json.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *mt_result_name(enum mt_result result)
{
        static const char *const names[] = { "completed", "failed", "cancelled" };

        return (unsigned)result < MT_ARRAY_SIZE(names) ? names[(unsigned)result] : "?";
}

const char *mt_attach_name(enum mt_attach attach)
{
        static const char *const names[] = { "watcher", "client-shim", "daemon-shim" };

        return (unsigned)attach < MT_ARRAY_SIZE(names) ? names[(unsigned)attach] : "?";
}

void mt_outcome_done(struct mt_outcome *outcome)
{
        free(outcome->samples);
        (void)memset(outcome, 0, sizeof(*outcome));
}

/* Drops every other sample, sparing the first of an iteration as long as a quarter is freed that way. */
static void thin_out(struct mt_outcome *outcome)
{
        for (unsigned spare = 1;; spare = 0) {
                unsigned kept = 0;

                for (unsigned i = 0; i < outcome->n_samples; i++) {
                        bool first = i == 0 || outcome->samples[i].iteration != outcome->samples[i - 1].iteration;

                        kept += i % 2 == 0 || (spare && first) ? 1 : 0;
                }
                if (spare && kept > MT_MAX_SAMPLES / 4 * 3)
                        continue;
                kept = 0;
                for (unsigned i = 0, before = 0; i < outcome->n_samples; i++) {
                        bool first = i == 0 || outcome->samples[i].iteration != before;

                        before = outcome->samples[i].iteration;
                        if (i % 2 == 0 || (spare && first))
                                outcome->samples[kept++] = outcome->samples[i];
                }
                outcome->n_samples = kept;
                return;
        }
}

int mt_outcome_sample(struct mt_outcome *outcome, const struct mt_sample *sample)
{
        unsigned n = outcome->n_samples;
        bool first = n == 0 || outcome->samples[n - 1].iteration != sample->iteration;
        unsigned stride = outcome->sample_stride > 0 ? outcome->sample_stride : 1;
        struct mt_sample *array;

        if (outcome->samples_offered++ % stride != 0 && !first)
                return 0;
        if (n == MT_MAX_SAMPLES) {
                thin_out(outcome);
                n = outcome->n_samples;
                outcome->sample_stride = stride * 2;
        }
        array = mt_array_room(outcome->samples, n, &outcome->sample_room, sizeof(*array));
        if (array == NULL)
                return -ENOMEM;
        outcome->samples = array;
        outcome->samples[n] = *sample;
        outcome->n_samples = n + 1;
        return 0;
}

void mt_outcome_event(struct mt_outcome *outcome, uint64_t t_ms, const char *text)
{
        struct mt_outcome_event *event =
                &outcome->events[outcome->n_events < MT_MAX_EVENTS ? outcome->n_events++ : MT_MAX_EVENTS - 1];

        event->t_ms = t_ms;
        (void)snprintf(event->text, sizeof(event->text), "%s", text);
}

bool mt_outcome_dirty_rate(const struct mt_outcome *outcome, uint64_t *ret_bytes_s)
{
        double sum = 0;
        unsigned n = 0;

        for (unsigned i = 0; i < outcome->n_samples; i++) {
                if (outcome->samples[i].iteration < 2)
                        continue;
                sum += (double)outcome->samples[i].dirty_rate_bytes_s;
                n++;
        }
        if (n == 0)
                return false;
        *ret_bytes_s = (uint64_t)(sum / n + 0.5);
        return true;
}

static json_object *sample_json(const struct mt_sample *sample)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "t_ms", mt_json_count(sample->t_ms));
        mt_json_add(o, "iteration", mt_json_count(sample->iteration));
        mt_json_add(o, "remaining_bytes", mt_json_count(sample->remaining_bytes));
        mt_json_add(o, "dirty_rate_mbps", mt_json_mbps(sample->dirty_rate_bytes_s));
        mt_json_add(o, "bandwidth_mbps", mt_json_mbps(sample->bandwidth_bytes_s));
        mt_json_add(o, "planned_mbps", mt_json_mbps(sample->planned_bytes_s));
        mt_json_add(o, "lambda", mt_json_number(sample->lambda, 4));
        mt_json_add(o, "others_mbps", mt_json_mbps(sample->others_bytes_s));
        return o;
}

/* One sample in `stride`, and the last one; stride 0: none. */
static json_object *samples_json(const struct mt_outcome *outcome, unsigned stride)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; stride > 0 && i < outcome->n_samples; i++)
                if (i % stride == 0 || i + 1 == outcome->n_samples)
                        mt_json_append(array, sample_json(&outcome->samples[i]));
        return array;
}

static json_object *actual_json(const struct mt_outcome *outcome, unsigned stride)
{
        json_object *o = json_object_new_object();
        uint64_t dirty_rate;

        mt_json_add(o, "total_ms", mt_json_count(outcome->actual.total_ms));
        mt_json_add(o, "downtime_ms", mt_json_count(outcome->actual.downtime_ms));
        mt_json_add(o, "bytes", mt_json_count(outcome->actual.bytes));
        mt_json_add(o, "iterations", mt_json_count(outcome->actual.iterations));
        mt_json_add(o, "technique", mt_json_string(mt_technique_name(outcome->actual.technique)));
        mt_json_add(o, "setup_ms", outcome->actual.setup_ms > 0 ? mt_json_count(outcome->actual.setup_ms) : NULL);
        mt_json_add(o, "touched_bytes",
                    outcome->actual.touched_bytes > 0 ? mt_json_count(outcome->actual.touched_bytes) : NULL);
        mt_json_add(o, "last_copy_bytes",
                    outcome->actual.last_copy_bytes > 0 ? mt_json_count(outcome->actual.last_copy_bytes) : NULL);
        mt_json_add(o, "stopped_ms", outcome->actual.stopped_ms > 0 ? mt_json_count(outcome->actual.stopped_ms) : NULL);
        mt_json_add(o, "dirty_rate_mbps", mt_outcome_dirty_rate(outcome, &dirty_rate) ? mt_json_mbps(dirty_rate) : NULL);
        mt_json_add(o, "samples", samples_json(outcome, stride));
        return o;
}

static json_object *events_json(const struct mt_outcome *outcome)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; i < outcome->n_events; i++) {
                json_object *o = json_object_new_object();

                mt_json_add(o, "t_ms", mt_json_count(outcome->events[i].t_ms));
                mt_json_add(o, "text", mt_json_string(outcome->events[i].text));
                mt_json_append(array, o);
        }
        return array;
}

static json_object *tc_json(const struct mt_outcome *outcome)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; i < outcome->n_tc && i < MT_MAX_TC_ENTRIES; i++) {
                const struct mt_tc_entry *entry = &outcome->tc[i];
                json_object *o = json_object_new_object();
                char handle[16];

                (void)snprintf(handle, sizeof(handle), "4d54:%x", entry->minor);
                mt_json_add(o, "device", mt_json_string(entry->device));
                mt_json_add(o, "class", mt_json_string(handle));
                mt_json_add(o, "rate_mbps", mt_json_mbps(entry->rate_bytes_s));
                mt_json_add(o, "ceil_mbps", mt_json_mbps(entry->ceil_bytes_s));
                mt_json_add(o, "installed_after_ms", mt_json_count(entry->installed_after_ms));
                mt_json_add(o, "removed", json_object_new_boolean(entry->removed));
                mt_json_add(o, "direction", mt_json_string(entry->ingress ? "ingress" : "egress"));
                mt_json_append(array, o);
        }
        return array;
}

static json_object *applied_json(const struct mt_outcome *outcome)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "bandwidth_mbps", mt_json_mbps(outcome->applied.bandwidth_bytes_s));
        mt_json_add(o, "qemu_mib_s",
                    mt_json_count(outcome->applied.bandwidth_bytes_s > 0 ? mt_mib_s_ceil(outcome->applied.bandwidth_bytes_s)
                                                                         : 0));
        mt_json_add(o, "downtime_limit_ms", mt_json_count(outcome->applied.downtime_limit_ms));
        if (outcome->applied.pace_bytes_s > 0)
                mt_json_add(o, "postcopy_mbps", mt_json_mbps(outcome->applied.pace_bytes_s));
        mt_json_add(o, "changes", mt_json_count(outcome->applied.changes));
        mt_json_add(o, "after_ms", mt_json_count(outcome->applied.after_ms));
        return o;
}

static json_object *recovery_json(const struct mt_outcome *outcome)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "breaks", mt_json_count(outcome->recovery.breaks));
        mt_json_add(o, "attempts", mt_json_count(outcome->recovery.attempts));
        mt_json_add(o, "broken_ms", mt_json_count(outcome->recovery.lost_ms));
        return o;
}

static json_object *arbitrated_json(const struct mt_outcome *outcome)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "max_downtime", mt_json_count(outcome->arbitrated.downtimes));
        mt_json_add(o, "max_speed", mt_json_count(outcome->arbitrated.speeds));
        return o;
}

static json_object *domain_json(const struct mt_outcome *outcome)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "name", mt_json_string(outcome->domain.name));
        mt_json_add(o, "uuid", mt_json_string(outcome->domain.uuid));
        mt_json_add(o, "memory_bytes", mt_json_count(outcome->facts.memory_bytes));
        if (outcome->domain.nova_flavor[0] != '\0')
                mt_json_add(o, "nova_flavor", mt_json_string(outcome->domain.nova_flavor));
        if (outcome->domain.nova_project[0] != '\0')
                mt_json_add(o, "nova_project", mt_json_string(outcome->domain.nova_project));
        return o;
}

static json_object *record(const struct mt_outcome *outcome, unsigned stride, bool alternatives)
{
        json_object *o = json_object_new_object();
        json_object *plan = mt_plan_json(&outcome->plan);
        char started[MT_TIMESTAMP_SIZE];

        if (plan != NULL && !alternatives) {
                json_object_object_del(plan, "alternatives");
                json_object_object_del(plan, "bars");
        }
        mt_json_add(o, "event", mt_json_string("migration"));
        mt_json_add(o, "id", mt_json_string(outcome->id));
        mt_json_add(o, "result", mt_json_string(mt_result_name(outcome->result)));
        mt_json_add(o, "started", mt_json_string(mt_timestamp(started, sizeof(started), outcome->started_ms)));
        mt_json_add(o, "attach", mt_json_string(mt_attach_name(outcome->attach)));
        mt_json_add(o, "mode", mt_json_string(mt_mode_name(outcome->intent.mode)));
        mt_json_add(o, "domain", domain_json(outcome));
        mt_json_add(o, "source", mt_json_string(outcome->source));
        mt_json_add(o, "destination", mt_json_string(outcome->destination));
        mt_json_add(o, "facts", mt_facts_json(&outcome->facts, &outcome->plan));
        mt_json_add(o, "intent", mt_intent_json(&outcome->intent));
        mt_json_add(o, "plan", plan);
        mt_json_add(o, "reasons", mt_reasons_json(&outcome->plan.reasons));
        mt_json_add(o, "actual", actual_json(outcome, stride));
        mt_json_add(o, "events", events_json(outcome));
        mt_json_add(o, "tc", tc_json(outcome));
        mt_json_add(o, "error", outcome->error[0] != '\0' ? mt_json_string(outcome->error) : NULL);
        mt_json_add(o, "applied", applied_json(outcome));
        if (outcome->recovery.breaks > 0)
                mt_json_add(o, "recovery", recovery_json(outcome));
        if (outcome->arbitrated.downtimes + outcome->arbitrated.speeds > 0)
                mt_json_add(o, "arbitrated", arbitrated_json(outcome));
        if (outcome->unshaped[0] != '\0')
                mt_json_add(o, "unshaped", mt_json_string(outcome->unshaped));
        if (outcome->adopted)
                mt_json_add(o, "adopted", json_object_new_boolean(1));
        return o;
}

json_object *mt_outcome_json(const struct mt_outcome *outcome)
{
        return record(outcome, 1, true);
}

static char *record_text(const struct mt_outcome *outcome, unsigned stride, bool alternatives)
{
        json_object *o = record(outcome, stride, alternatives);
        const char *text = o != NULL ? mt_json_text(o) : NULL;
        char *copy = text != NULL ? strdup(text) : NULL;

        json_object_put(o);
        return copy;
}

char *mt_outcome_text(const struct mt_outcome *outcome, size_t max_bytes)
{
        char *text = record_text(outcome, 1, true);

        for (unsigned stride = 1; text != NULL && max_bytes > 0 && strlen(text) > max_bytes; stride *= 2) {
                bool last = stride / 2 > outcome->n_samples; /* nothing left to thin out */

                free(text);
                text = record_text(outcome, last ? 0 : stride, false);
                if (last)
                        break;
        }
        return text;
}
