/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/simulate/show.h"
#include "array.h"
#include "log.h"
#include "record/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* How each metric is named and written. */
static const struct column {
        enum mt_sim_metric metric;
        const char *key;         /* in JSON and CSV */
        const char *head, *unit; /* in the table, its two lines; head NULL: not there */
        int width, decimals;     /* in the table */
        double scale;            /* from the metric to the table's unit */
} columns[] = {
        { MT_SIM_BANDWIDTH, "bandwidth_mbps", "bandwidth", "Mbit/s", 9, 1, 1.0 },
        { MT_SIM_ITERATIONS, "iterations", "rounds", "", 6, 2, 1.0 },
        { MT_SIM_DURATION, "duration_s", "duration", "s", 8, 1, 1.0 },
        { MT_SIM_DOWNTIME, "downtime_s", "downtime", "s", 8, 2, 1.0 },
        { MT_SIM_RESERVED, "reserved_mbit", "W", "Mbit", 7, 0, 1.0 },
        { MT_SIM_RESERVED_HOPS, "reserved_hops_mbit", "W x hops", "Mbit", 8, 0, 1.0 },
        { MT_SIM_SENT, "sent_mbit", "sent", "Mbit", 7, 0, 1.0 },
        { MT_SIM_UNMET, "limit_missed", "limit", "missed", 6, 2, 100.0 },
        { MT_SIM_BLOCKED, "blocked", "blocked", "", 7, 3, 100.0 },
        { MT_SIM_PEAK_LOAD, "peak_load", "peak", "load", 6, 1, 100.0 },
        { MT_SIM_MEAN_LOAD, "mean_load", NULL, NULL, 0, 0, 1.0 },
};

_Static_assert(MT_ARRAY_SIZE(columns) == MT_SIM_METRICS, "a metric without a column, or the reverse");

/* Text and numbers stand at the right; a share has its sign behind it. */
static void print_text(const struct column *column, const char *text)
{
        mt_print(" %*s%s", column->width, text, column->scale != 1.0 ? " " : "");
}

static void print_number(const struct column *column, double value)
{
        if (isfinite(value))
                mt_print(" %*.*f%s", column->width, column->decimals, value * column->scale,
                         column->scale != 1.0 ? "%" : "");
        else
                print_text(column, "-");
}

static void print_heads(void)
{
        mt_print("  %-15s", "strategy");
        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++)
                if (columns[i].head != NULL)
                        print_text(&columns[i], columns[i].head);
        mt_print("\n  %-15s", "");
        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++)
                if (columns[i].head != NULL)
                        print_text(&columns[i], columns[i].unit);
        mt_print("\n");
}

static void print_row(const char *name, const double *values)
{
        mt_print("  %-15s", name);
        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++)
                if (columns[i].head != NULL)
                        print_number(&columns[i], values[columns[i].metric]);
        mt_print("\n");
}

static const struct mt_simulated *find(const struct mt_simulation *simulation, enum mt_sim_law law,
                                       enum mt_strategy strategy)
{
        for (unsigned i = 0; i < simulation->n_cells; i++)
                if (simulation->cells[i].law == law && simulation->cells[i].strategy == strategy)
                        return &simulation->cells[i];
        return NULL;
}

/* W of lambda-range over W of max-bandwidth. False: one of them was not simulated, or there is no such number. */
static bool share_of_max(const struct mt_simulation *simulation, enum mt_sim_law law, double *ret)
{
        const struct mt_simulated *lambda = find(simulation, law, MT_LAMBDA_RANGE);
        const struct mt_simulated *max = find(simulation, law, MT_MAX_BANDWIDTH);

        if (lambda == NULL || max == NULL)
                return false;
        *ret = lambda->mean[MT_SIM_RESERVED] / max->mean[MT_SIM_RESERVED];
        return isfinite(*ret);
}

static double mean_hops(const struct mt_sim_network *network)
{
        const unsigned n = network->n_datacenters;
        double sum = 0.0;

        for (unsigned from = 0; from < n; from++)
                for (unsigned to = 0; to < n; to++)
                        if (from != to)
                                sum += mt_sim_network_hops(network, from, to);
        return sum / ((double)n * (n - 1));
}

static void print_setting(const struct mt_simulation *simulation)
{
        const struct mt_simulate_options *options = simulation->options;
        const struct mt_sim_network *network = simulation->network;

        mt_print("network %s: %u nodes, %u links, %u datacenters, %.2f hops between two of them on average\n", network->name,
                 network->n_nodes, network->n_links, network->n_datacenters, mean_hops(network));
        mt_print("%" PRIu64 " requests, %.4g a second, seed %" PRIu64, options->requests, options->workload.arrivals_s,
                 options->seed);
        if (options->runs > 1)
                mt_print("; averages of %" PRIu64 " runs with the seeds from there on, +-: standard deviation between them",
                         options->runs);
        mt_print("\n");
}

static void print_law(const struct mt_simulation *simulation, enum mt_sim_law law)
{
        double share;

        mt_print("\n%s dirty rates, from %.4g to %.4g Mbit/s\n", mt_sim_law_name(law),
                 simulation->options->workload.dirty_mbps.low, simulation->options->workload.dirty_mbps.high);
        print_heads();
        for (unsigned i = 0; i < simulation->n_cells; i++) {
                const struct mt_simulated *cell = &simulation->cells[i];

                if (cell->law != law)
                        continue;
                print_row(mt_strategy_name(cell->strategy), cell->mean);
                if (simulation->options->runs > 1)
                        print_row("  +-", cell->sd);
        }
        if (share_of_max(simulation, law, &share))
                mt_print("  resource consumption of lambda-range is %.1f %% %s max-bandwidth's; the paper reports 5-10 %% "
                         "below\n",
                         fabs(share - 1.0) * 100.0, share >= 1.0 ? "above" : "below");
}

void mt_simulate_print_table(const struct mt_simulation *simulation)
{
        print_setting(simulation);
        for (unsigned i = 0; i < simulation->options->n_laws; i++)
                print_law(simulation, (enum mt_sim_law)simulation->options->laws[i]);
}

static json_object *metrics_json(const double *values)
{
        json_object *object = json_object_new_object();

        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++)
                mt_json_add(object, columns[i].key, mt_json_number(values[columns[i].metric], 6));
        return object;
}

static json_object *results_json(const struct mt_simulation *simulation)
{
        json_object *results = json_object_new_array();

        for (unsigned i = 0; i < simulation->n_cells; i++) {
                const struct mt_simulated *cell = &simulation->cells[i];
                json_object *result = json_object_new_object();

                mt_json_add(result, "law", mt_json_string(mt_sim_law_name(cell->law)));
                mt_json_add(result, "strategy", mt_json_string(mt_strategy_name(cell->strategy)));
                mt_json_add(result, "mean", metrics_json(cell->mean));
                mt_json_add(result, "sd", metrics_json(cell->sd));
                mt_json_append(results, result);
        }
        return results;
}

static json_object *comparisons_json(const struct mt_simulation *simulation)
{
        json_object *comparisons = json_object_new_array();
        double share;

        for (unsigned i = 0; i < simulation->options->n_laws; i++) {
                const enum mt_sim_law law = (enum mt_sim_law)simulation->options->laws[i];
                json_object *comparison;

                if (!share_of_max(simulation, law, &share))
                        continue;
                comparison = json_object_new_object();
                mt_json_add(comparison, "law", mt_json_string(mt_sim_law_name(law)));
                mt_json_add(comparison, "reserved_lambda_range_to_max_bandwidth", mt_json_number(share, 6));
                mt_json_append(comparisons, comparison);
        }
        return comparisons;
}

static json_object *network_json(const struct mt_sim_network *network)
{
        json_object *object = json_object_new_object();

        mt_json_add(object, "name", mt_json_string(network->name));
        mt_json_add(object, "nodes", mt_json_count(network->n_nodes));
        mt_json_add(object, "links", mt_json_count(network->n_links));
        mt_json_add(object, "datacenters", mt_json_count(network->n_datacenters));
        mt_json_add(object, "mean_hops", mt_json_number(mean_hops(network), 6));
        return object;
}

/* Every option as it was typed, or its default: what is needed to run it again. "--max-downtime" is "max_downtime". */
static json_object *options_json(const struct mt_simulate_options *options)
{
        json_object *object = json_object_new_object();

        for (unsigned i = 0; mt_simulate_option_name(i) != NULL; i++) {
                char key[32];

                if (options->texts[i] == NULL)
                        continue;
                (void)snprintf(key, sizeof(key), "%s", mt_simulate_option_name(i) + 2);
                for (char *c = key; *c != '\0'; c++)
                        *c = *c == '-' ? '_' : *c;
                mt_json_add(object, key, mt_json_string(options->texts[i]));
        }
        return object;
}

int mt_simulate_print_json(const struct mt_simulation *simulation, struct mt_err *err)
{
        json_object *all = json_object_new_object();
        const char *text;

        mt_json_add(all, "options", options_json(simulation->options));
        mt_json_add(all, "network", network_json(simulation->network));
        mt_json_add(all, "results", results_json(simulation));
        mt_json_add(all, "comparisons", comparisons_json(simulation));
        text = mt_json_text(all);
        if (text != NULL)
                mt_print("%s\n", text);
        (void)json_object_put(all);
        return text != NULL ? 0 : mt_fail(err, ENOMEM, "out of memory");
}

/* Between quotes, those within it doubled (RFC 4180). */
static void print_csv_text(const char *text)
{
        mt_print("\"");
        for (; *text != '\0'; text++)
                mt_print("%s%c", *text == '"' ? "\"" : "", *text);
        mt_print("\"");
}

/* Numbers as in the JSON, whatever the locale; nothing where there is none. */
static void print_csv_numbers(const double *values)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++) {
                json_object *number = mt_json_number(values[columns[i].metric], 6);

                mt_print(",%s", number != NULL ? json_object_get_string(number) : "");
                (void)json_object_put(number);
        }
}

void mt_simulate_print_csv(const struct mt_simulation *simulation)
{
        mt_print("network,law,strategy,requests,runs,seed");
        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++)
                mt_print(",%s", columns[i].key);
        for (size_t i = 0; i < MT_ARRAY_SIZE(columns); i++)
                mt_print(",%s_sd", columns[i].key);
        mt_print("\n");
        for (unsigned i = 0; i < simulation->n_cells; i++) {
                const struct mt_simulated *cell = &simulation->cells[i];

                print_csv_text(simulation->network->name);
                mt_print(",%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64, mt_sim_law_name(cell->law),
                         mt_strategy_name(cell->strategy), simulation->options->requests, simulation->options->runs,
                         simulation->options->seed);
                print_csv_numbers(cell->mean);
                print_csv_numbers(cell->sd);
                mt_print("\n");
        }
}
