/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The families of metrics, one row each in the table below. */
#include "cleanup.h"
#include "record/metrics.h"
#include "record/metrics_walk.h"

#include <stddef.h>
#include <string.h>

#define MS_DECIMALS 3
#define MOST_VALUES 8

enum kind { COUNTERS, HISTOGRAMS, GAUGES };

struct family {
        const char *name, *help;
        enum kind kind;
        size_t offset;     /* in struct mt_metrics, of the first counter or histogram */
        const char *label; /* NULL: there is one series, without */
        const char *values[MOST_VALUES];
        unsigned decimals;
        const struct mt_metrics_bounds *bounds;
        void (*each)(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now);
};

/* Gauges, each with its function. */

static void gauge(const struct mt_metrics_walk *walk, const char *labels, unsigned decimals, uint64_t value)
{
        (void)mt_metrics_series(walk, "", labels, decimals, &value);
}

static void up(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        gauge(walk, "", 0, now->up ? 1 : 0);
}

static void build_info(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        char labels[64];

        (void)snprintf(labels, sizeof(labels), "version=\"%s\"", now->version);
        gauge(walk, labels, 0, 1);
}

static void start_time(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        gauge(walk, "", MS_DECIMALS, now->start_ms);
}

static void reload_ok(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        gauge(walk, "", 0, now->reload_ok ? 1 : 0);
}

static void reload_time(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        gauge(walk, "", MS_DECIMALS, now->reload_ms);
}

static void libvirt(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        gauge(walk, "", 0, now->up && now->libvirt ? 1 : 0);
}

static void running(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        gauge(walk, "direction=\"outgoing\"", 0, now->up ? now->outgoing : 0);
        gauge(walk, "direction=\"incoming\"", 0, now->up ? now->incoming : 0);
}

static void waiting(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        gauge(walk, "", 0, now->up ? now->waiting : 0);
}

/* One way's rate; `direction` NULL: the device has no ways here. */
static void device_rate(const struct mt_metrics_walk *walk, const struct mt_metrics_device *device, const char *direction,
                        uint64_t bytes_s)
{
        char labels[160], name[6 * IFNAMSIZ];

        (void)snprintf(labels, sizeof(labels), "device=\"%s\"%s%s%s", mt_metrics_escape(name, sizeof(name), device->name),
                       direction != NULL ? ",direction=\"" : "", direction != NULL ? direction : "",
                       direction != NULL ? "\"" : "");
        gauge(walk, labels, 0, bytes_s);
}

static void link_rate(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        for (unsigned i = 0; now->up && i < now->n_devices; i++)
                if (now->device[i].link_bytes_s > 0)
                        device_rate(walk, &now->device[i], NULL, now->device[i].link_bytes_s);
}

/* False: it is not known. */
typedef bool (*rate_fn)(const struct mt_metrics_way *way, uint64_t *ret_bytes_s);

static void each_way(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now, rate_fn rate)
{
        uint64_t bytes_s = 0;

        for (unsigned i = 0; now->up && i < now->n_devices; i++) {
                if (rate(&now->device[i].egress, &bytes_s))
                        device_rate(walk, &now->device[i], "egress", bytes_s);
                if (rate(&now->device[i].ingress, &bytes_s))
                        device_rate(walk, &now->device[i], "ingress", bytes_s);
        }
}

static bool budget_of(const struct mt_metrics_way *way, uint64_t *ret_bytes_s)
{
        *ret_bytes_s = way->budget_bytes_s;
        return way->budget_bytes_s > 0;
}

static bool granted_of(const struct mt_metrics_way *way, uint64_t *ret_bytes_s)
{
        *ret_bytes_s = way->granted_bytes_s;
        return true;
}

static bool carried_of(const struct mt_metrics_way *way, uint64_t *ret_bytes_s)
{
        *ret_bytes_s = way->carried_bytes_s;
        return true;
}

static bool background_of(const struct mt_metrics_way *way, uint64_t *ret_bytes_s)
{
        *ret_bytes_s = way->background_bytes_s;
        return way->known;
}

static bool available_of(const struct mt_metrics_way *way, uint64_t *ret_bytes_s)
{
        uint64_t taken = way->granted_bytes_s + way->background_bytes_s;

        *ret_bytes_s = way->budget_bytes_s > taken ? way->budget_bytes_s - taken : 0;
        return way->known && way->budget_bytes_s > 0;
}

static void budget(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        each_way(walk, now, budget_of);
}

static void granted(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        each_way(walk, now, granted_of);
}

static void carried(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        each_way(walk, now, carried_of);
}

static void background(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        each_way(walk, now, background_of);
}

static void available(const struct mt_metrics_walk *walk, const struct mt_metrics_now *now)
{
        each_way(walk, now, available_of);
}

#define AT(field) offsetof(struct mt_metrics, field)
#define RESULTS .label = "result", .values = { "completed", "failed", "cancelled" }

static const struct family families[] = {
        { "migtune_up", "1 while the watcher runs, 0 after it ended in good order.", GAUGES, .each = up },
        { "migtune_build_info", "1, with the version that wrote this.", GAUGES, .each = build_info },
        { "migtune_start_time_seconds", "When the watcher started, since 1970.", GAUGES, .each = start_time },
        { "migtune_libvirt_connected", "1 while the watcher is connected to libvirt.", GAUGES, .each = libvirt },
        { "migtune_config_last_reload_successful", "1 if the configuration last read was taken, 0 if it was refused.",
          GAUGES, .each = reload_ok },
        { "migtune_config_last_reload_success_timestamp_seconds", "When the configuration in force was read, since 1970.",
          GAUGES, .each = reload_time },
        { "migtune_config_reloads_total",
          "Times that the configuration was read again.",
          COUNTERS,
          AT(reloads),
          "result",
          { "success", "failure" } },
        { "migtune_running_migrations", "Migrations that run now.", GAUGES, .each = running },
        { "migtune_waiting_migrations", "Migration calls that wait for their turn.", GAUGES, .each = waiting },
        { "migtune_migrations_total", "Outgoing migrations that ended.", COUNTERS, AT(migrations) },
        { "migtune_migration_duration_seconds", "Time that completed migrations took.", HISTOGRAMS, AT(duration_ms),
          .bounds = &mt_metrics_duration_bounds },
        { "migtune_migration_blackout_seconds",
          "Time that guests stood still in completed migrations, as QEMU tells, where it does.", HISTOGRAMS, AT(blackout_ms),
          .bounds = &mt_metrics_blackout_bounds },
        { "migtune_migration_sent_bytes_total", "Bytes of memory that ended migrations sent.", COUNTERS, AT(sent_bytes),
          RESULTS },
        { "migtune_migration_memory_bytes_total", "Memory of the guests of ended migrations.", COUNTERS, AT(memory_bytes),
          RESULTS },
        { "migtune_migration_iterations_total", "Pre-copy rounds of ended migrations.", COUNTERS, AT(iterations), RESULTS },
        { "migtune_prediction_ratio",
          "What came of completed migrations that were steered, divided by what was predicted.",
          HISTOGRAMS,
          AT(predicted),
          "quantity",
          { "duration", "blackout", "bytes" },
          .bounds = &mt_metrics_predicted_bounds },
        { "migtune_limit_unmet_total", "Ended migrations of which the plan said that max_downtime could not be met.",
          COUNTERS, AT(limit_unmet) },
        { "migtune_blackout_over_limit_total", "Completed migrations with a blackout longer than max_downtime.", COUNTERS,
          AT(over_limit) },
        { "migtune_post_copy_breaks_total", "Connections of post-copies that broke.", COUNTERS, AT(breaks) },
        { "migtune_post_copy_resume_attempts_total", "Attempts to resume a post-copy.", COUNTERS, AT(resume_attempts) },
        { "migtune_post_copy_broken_seconds_total", "Time that post-copies were without their connection.", COUNTERS,
          AT(broken_ms), .decimals = MS_DECIMALS },
        { "migtune_caller_limits_overruled_total",
          "Limits of callers that were held back because the plan's stood.",
          COUNTERS,
          AT(overruled),
          "limit",
          { "max_downtime", "max_speed" } },
        { "migtune_fail_open_events_total",
          "Times that something failed and migrations went on without it.",
          COUNTERS,
          AT(fail_open),
          "cause",
          { "configuration", "domain", "metadata", "limits", "shaping", "libvirt", "measurement", "record" } },
        { "migtune_plan_duration_seconds", "Time to decide on a plan, without measuring.", HISTOGRAMS, AT(plan_ns),
          .bounds = &mt_metrics_plan_bounds },
        { "migtune_link_bytes_per_second", "Rate of an uplink.", GAUGES, .each = link_rate },
        { "migtune_link_budget_bytes_per_second", "What all migrations of an uplink may use together.", GAUGES,
          .each = budget },
        { "migtune_link_granted_bytes_per_second",
          "What the running ones were given: outgoing their plans' bandwidth, incoming what their classes guarantee.",
          GAUGES, .each = granted },
        { "migtune_link_available_bytes_per_second", "Budget less what is granted and the background.", GAUGES,
          .each = available },
        { "migtune_link_migration_bytes_per_second", "What migrations carry, smoothed.", GAUGES, .each = carried },
        { "migtune_link_background_bytes_per_second", "All other traffic, smoothed.", GAUGES, .each = background },
};

/* Results, techniques and modes: the one family with three labels. */
static void each_migration(const struct mt_metrics_walk *walk, struct mt_metrics *metrics)
{
        char labels[96];

        for (unsigned r = 0; r < MT_METRICS_RESULTS; r++)
                for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                        for (unsigned m = 0; m < 2; m++) {
                                (void)snprintf(labels, sizeof(labels), "result=\"%s\",technique=\"%s\",mode=\"%s\"",
                                               mt_result_name((enum mt_result)r), mt_technique_name((enum mt_technique)t),
                                               mt_mode_name(m == 0 ? MT_MODE_ENFORCE : MT_MODE_OBSERVE));
                                mt_metrics_counter(walk, labels, 0, &metrics->migrations[r][t][m]);
                        }
}

/* What is counted: each value of the label, or, without one, a single series. */
static void each_counted(const struct mt_metrics_walk *walk, const struct family *family, struct mt_metrics *metrics)
{
        void *first = (char *)metrics + family->offset;
        char labels[96] = "";

        for (unsigned i = 0; i < MOST_VALUES && (family->values[i] != NULL || i == 0); i++) {
                if (family->label != NULL)
                        (void)snprintf(labels, sizeof(labels), "%s=\"%s\"", family->label, family->values[i]);
                if (family->kind == HISTOGRAMS)
                        mt_metrics_buckets(walk, labels, family->bounds, (struct mt_metrics_histogram *)first + i);
                else
                        mt_metrics_counter(walk, labels, family->decimals, (uint64_t *)first + i);
        }
}

/* now NULL: only what is counted. */
static void go_through(struct mt_metrics_walk *walk, struct mt_metrics *metrics, const struct mt_metrics_now *now)
{
        static const char *const types[] = { "counter", "histogram", "gauge" };

        for (size_t i = 0; i < MT_ARRAY_SIZE(families); i++) {
                const struct family *family = &families[i];

                walk->family = family->name;
                if (walk->out != NULL)
                        (void)fprintf(walk->out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help, family->name,
                                      types[family->kind]);
                if (family->kind != GAUGES && family->offset == AT(migrations))
                        each_migration(walk, metrics);
                else if (family->kind != GAUGES)
                        each_counted(walk, family, metrics);
                else if (now != NULL)
                        family->each(walk, now);
        }
}

char *mt_metrics_text(const struct mt_metrics *metrics, const struct mt_metrics_now *now)
{
        struct mt_metrics copy = *metrics; /* writing changes nothing, but reading goes the same way */
        struct mt_metrics_walk walk = { .out = NULL };
        char *text = NULL;
        size_t size = 0;
        bool bad;

        walk.out = open_memstream(&text, &size);
        if (walk.out == NULL)
                return NULL;
        go_through(&walk, &copy, now);
        bad = ferror(walk.out) != 0;
        if (fclose(walk.out) == 0 && !bad)
                return text;
        free(text);
        return NULL;
}

void mt_metrics_load(struct mt_metrics *metrics, const char *text)
{
        struct mt_metrics_walk walk = { .text = text };

        go_through(&walk, metrics, /* now= */ NULL);
}
