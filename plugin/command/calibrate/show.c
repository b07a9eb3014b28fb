/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/calibrate/show.h"
#include "log.h"
#include "record/json.h"
#include "record/timestamp.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>

static const char *kind_name(enum mt_evidence_kind kind)
{
        return kind == MT_EVIDENCE_SHAPED ? "shaped" : "unlimited";
}

static const char *plural(size_t n)
{
        return n == 1 ? "" : "s";
}

static void print_head(const struct mt_calibrated *c)
{
        const struct mt_evidence *evidence = &c->learnt.evidence;
        char first[MT_TIMESTAMP_SIZE], last[MT_TIMESTAMP_SIZE];

        mt_print("# migtune calibrate: %u migration%s in %s", evidence->records, plural(evidence->records), c->file);
        if (evidence->records > 0)
                mt_print(",\n# from %s to %s:\n# %u completed, of them %u not limited by migtune",
                         mt_timestamp(first, sizeof(first), c->first_ms), mt_timestamp(last, sizeof(last), c->last_ms),
                         evidence->completed, evidence->free);
        mt_print("\n");
        if (c->damaged > 0)
                mt_print("# %u damaged line%s passed over.\n", c->damaged, plural(c->damaged));
        if (c->since_ms > 0)
                mt_print("# Earlier ones were left out by --since; the watcher itself takes all that it reads.\n");
        mt_print(
                "# To use it: a file in conf.d beside migtune.conf, `migtune check`, reload. A value that is left out stays "
                "\"auto\":\n# then the watcher goes on learning it.\n");
}

static void print_dirty(const struct mt_calibrated *c)
{
        const struct mt_past_rates *rates = &c->learnt.rates;
        const unsigned domains = mt_past_rates_domains(rates);

        mt_print("\n# Dirty rates in flight: %zu migration%s of %u VM%s, each VM counting as one.\n", rates->n_seen,
                 plural(rates->n_seen), domains, plural(domains));
        if (!c->has_dirty) {
                mt_print("# lambda.dirty_low and dirty_high: not calibrated: %d migrations with different rates needed\n",
                         MT_PAST_RATES_FOR_RANGE);
                return;
        }
        /* whole kbit/s: no decimal sign that a locale could change */
        mt_print("lambda = {\n  dirty_low = \"%" PRIu64 "kbit\";  # 5th percentile\n  dirty_high = \"%" PRIu64
                 "kbit\";  # 95th\n};\n",
                 c->dirty_low_bytes_s / 125, c->dirty_high_bytes_s / 125);
}

/* "12.3 +- 0.4 ms from 30 shaped migrations" */
static void print_estimate(const char *name, const struct mt_estimate *estimate)
{
        mt_print("# %s: %.1f +- %.1f ms, from %zu %s migrations", name, estimate->ms, estimate->error_ms,
                 estimate->migrations, kind_name(estimate->kind));
}

static void print_delays(const struct mt_calibration *calibration)
{
        const struct mt_estimate *tau = &calibration->tau, *tg = &calibration->tg;

        mt_print("\n");
        if (tau->good) {
                print_estimate("tau, what a round takes beside sending", tau);
                mt_print(" (their bandwidth: +- %.1f %%)\n", tau->spread * 100.0);
        } else {
                mt_print("# migration.inter_iteration_delay (tau): not calibrated: %s\n", tau->why);
        }
        if (tg->good) {
                print_estimate("t_g, what the guest's standstill takes beside the last copy", tg);
                mt_print("\n# (single ones +- %.1f ms); and %d ms until the network has learnt where the guest is, which no "
                         "record tells\n",
                         tg->spread, MT_ANNOUNCEMENT_MS);
        } else {
                mt_print("# migration.reconfiguration_time (t_g): not calibrated: %s\n", tg->why);
        }
        if (!tau->good && !tg->good)
                return;
        mt_print("migration = {\n");
        if (tau->good)
                mt_print("  inter_iteration_delay = \"%" PRIu64 "ms\";\n", mt_calibration_tau_ms(calibration));
        if (tg->good)
                mt_print("  reconfiguration_time = \"%" PRIu64 "ms\";\n", mt_calibration_tg_ms(calibration));
        mt_print("};\n");
}

static void print_model(enum mt_technique technique, enum mt_traffic_class traffic, const struct mt_model_fit *fit)
{
        mt_print("# %s, VM %s: ", mt_technique_name(technique), mt_traffic_class_name(traffic));
        if (!fit->good) {
                mt_print("built-in: %s\n", fit->why);
                return;
        }
        mt_print("%zu migrations, %u segment%s, R2 %.3f, RMSE %.1f (built-in: %.1f)\n", fit->points, fit->segments.n,
                 plural(fit->segments.n), fit->quality.r2, fit->quality.rmse, fit->builtin_rmse);
        for (unsigned i = 0; i < fit->segments.n; i++) {
                const struct mt_segment *segment = &fit->segments.segment[i];

                mt_print("#   %5.1f to %5.1f: y = %.1f %c %.4f x\n",
                         i == 0 ? fit->segments.from : fit->segments.segment[i - 1].until, segment->until,
                         segment->intercept, segment->slope < 0.0 ? '-' : '+',
                         segment->slope < 0.0 ? -segment->slope : segment->slope);
        }
}

/* Would traffic.models = "auto" change anything? */
static bool has_any(const struct mt_calibration *calibration)
{
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned k = 0; k < MT_TRAFFIC_CLASSES; k++)
                        if (calibration->model[t][k].good)
                                return true;
        return calibration->tau.good || calibration->tg.good;
}

static void print_models(const struct mt_calibration *calibration)
{
        mt_print("\n# Bandwidth that a migration gets on a link of 1000 Mbit/s (y, Mbit/s on the wire) beside x Mbit/s of "
                 "the VM's "
                 "own\n# traffic, from migrations that migtune did not limit (mode = \"observe\"). The watcher makes these "
                 "fits "
                 "itself.\n");
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned k = MT_TRAFFIC_INBOUND; k < MT_TRAFFIC_CLASSES; k++)
                        print_model((enum mt_technique)t, (enum mt_traffic_class)k, &calibration->model[t][k]);
        if (has_any(calibration))
                mt_print("traffic = {\n  models = \"auto\";\n};\n");
        else
                mt_print("# traffic.models = \"auto\" would change nothing yet.\n");
}

void mt_calibrate_print_fragment(const struct mt_calibrated *calibrated)
{
        print_head(calibrated);
        print_dirty(calibrated);
        print_delays(&calibrated->learnt.calibration);
        print_models(&calibrated->learnt.calibration);
}

static json_object *time_json(uint64_t unix_ms)
{
        char text[MT_TIMESTAMP_SIZE];

        return unix_ms > 0 ? mt_json_string(mt_timestamp(text, sizeof(text), unix_ms)) : NULL;
}

static json_object *dirty_json(const struct mt_calibrated *c)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "low_mbps", c->has_dirty ? mt_json_mbps(c->dirty_low_bytes_s) : NULL);
        mt_json_add(o, "high_mbps", c->has_dirty ? mt_json_mbps(c->dirty_high_bytes_s) : NULL);
        mt_json_add(o, "migrations", mt_json_count(c->learnt.rates.n_seen));
        mt_json_add(o, "domains", mt_json_count(mt_past_rates_domains(&c->learnt.rates)));
        return o;
}

static json_object *why_json(const char *why)
{
        return why[0] != '\0' ? mt_json_string(why) : NULL;
}

static json_object *estimate_json(const struct mt_estimate *estimate, const char *spread_name)
{
        json_object *o = json_object_new_object();

        mt_json_add(o, "good", json_object_new_boolean(estimate->good));
        mt_json_add(o, "ms", mt_json_number(estimate->ms, 3));
        mt_json_add(o, "error_ms", mt_json_number(estimate->error_ms, 3));
        mt_json_add(o, spread_name, mt_json_number(estimate->spread, 6));
        mt_json_add(o, "migrations", mt_json_count(estimate->migrations));
        mt_json_add(o, "kind", mt_json_string(kind_name(estimate->kind)));
        mt_json_add(o, "why", why_json(estimate->why));
        return o;
}

static json_object *segments_json(const struct mt_segments *segments)
{
        json_object *array = json_object_new_array();

        for (unsigned i = 0; i < segments->n; i++) {
                json_object *o = json_object_new_object();

                mt_json_add(o, "until_mbps", mt_json_number(segments->segment[i].until, 6));
                mt_json_add(o, "slope", mt_json_number(segments->segment[i].slope, 6));
                mt_json_add(o, "intercept_mbps", mt_json_number(segments->segment[i].intercept, 6));
                mt_json_append(array, o);
        }
        return array;
}

static json_object *model_json(enum mt_technique technique, enum mt_traffic_class traffic, const struct mt_model_fit *fit)
{
        json_object *o = json_object_new_object();
        const bool points = fit->points > 0, fitted = fit->fitted;

        mt_json_add(o, "technique", mt_json_string(mt_technique_name(technique)));
        mt_json_add(o, "traffic", mt_json_string(mt_traffic_class_name(traffic)));
        mt_json_add(o, "good", json_object_new_boolean(fit->good));
        mt_json_add(o, "migrations", mt_json_count(fit->points));
        mt_json_add(o, "from_mbps", points ? mt_json_number(fit->from, 3) : NULL);
        mt_json_add(o, "until_mbps", points ? mt_json_number(fit->until, 3) : NULL);
        mt_json_add(o, "segments", segments_json(&fit->segments));
        mt_json_add(o, "r2", fitted ? mt_json_number(fit->quality.r2, 6) : NULL);
        mt_json_add(o, "rmse_mbps", fitted ? mt_json_number(fit->quality.rmse, 3) : NULL);
        mt_json_add(o, "spread_mbps", fitted ? mt_json_number(fit->quality.spread, 3) : NULL);
        mt_json_add(o, "builtin_rmse_mbps", points ? mt_json_number(fit->builtin_rmse, 3) : NULL);
        mt_json_add(o, "why", why_json(fit->why));
        return o;
}

static json_object *models_json(const struct mt_calibration *calibration)
{
        json_object *array = json_object_new_array();

        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned k = MT_TRAFFIC_INBOUND; k < MT_TRAFFIC_CLASSES; k++)
                        mt_json_append(array, model_json((enum mt_technique)t, (enum mt_traffic_class)k,
                                                         &calibration->model[t][k]));
        return array;
}

void mt_calibrate_print_json(const struct mt_calibrated *c)
{
        const struct mt_calibration *calibration = &c->learnt.calibration;
        json_object *o = json_object_new_object();
        json_object *tau = estimate_json(&calibration->tau, "bandwidth_spread");
        json_object *tg = estimate_json(&calibration->tg, "spread_ms");

        mt_json_add(tau, "inter_iteration_delay_ms",
                    calibration->tau.good ? mt_json_count(mt_calibration_tau_ms(calibration)) : NULL);
        mt_json_add(tg, "announcement_ms", mt_json_count(MT_ANNOUNCEMENT_MS));
        mt_json_add(tg, "reconfiguration_time_ms",
                    calibration->tg.good ? mt_json_count(mt_calibration_tg_ms(calibration)) : NULL);
        mt_json_add(o, "history", mt_json_string(c->file));
        mt_json_add(o, "since", time_json(c->since_ms));
        mt_json_add(o, "first", time_json(c->first_ms));
        mt_json_add(o, "last", time_json(c->last_ms));
        mt_json_add(o, "migrations", mt_json_count(c->learnt.evidence.records));
        mt_json_add(o, "completed", mt_json_count(c->learnt.evidence.completed));
        mt_json_add(o, "unlimited", mt_json_count(c->learnt.evidence.free));
        mt_json_add(o, "damaged_lines", mt_json_count(c->damaged));
        mt_json_add(o, "dirty_rate", dirty_json(c));
        mt_json_add(o, "tau", tau);
        mt_json_add(o, "tg", tg);
        mt_json_add(o, "models", models_json(calibration));
        mt_print("%s\n", mt_json_text(o));
        (void)json_object_put(o);
}
