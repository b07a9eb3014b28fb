/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * One row an option: how its text is read, where the value goes and between which bounds it must lie, its default as one
 * would type it, its help. The defaults go through the same parsers as what is typed, so that help and behaviour cannot
 * differ. What depends on two options is checked when all have been read.
 */
#include "command/simulate/options.h"
#include "array.h"
#include "command/arguments.h"
#include "command/simulate/values.h"
#include "log.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define RATE_LEAST 0.001 /* Mbit/s */
#define RATE_MOST 1e8
#define WHOLE_MOST 1.8446744073709552e19 /* any uint64_t */

enum kind {
        ONE,   /* a double */
        RANGE, /* two, "LOW:HIGH" */
        WHOLE, /* a uint64_t */
        TEXT,  /* a const char * */
        LAWS,  /* a list, or "all" */
        STRATEGIES,
};

static const struct option {
        const char *name;
        enum kind kind;
        mt_simulate_parse_fn parse; /* of ONE and RANGE */
        size_t offset;
        double least, most;
        const char *fallback;               /* the default */
        const char *expected;               /* "a time such as 0.75s"; also between which bounds */
        const char *argument, *help, *more; /* more: the help's second line, or NULL */
} table[] = {
#define AT(member) offsetof(struct mt_simulate_options, member)
#define RATE(member)                                                                                                        \
        .kind = ONE, .parse = mt_simulate_rate, .offset = AT(member), .least = RATE_LEAST, .most = RATE_MOST,               \
        .argument = "RATE", .expected = "a rate such as 250Mbit, from 1kbit to 100000Gbit"
#define TIME(member)                                                                                                        \
        .kind = ONE, .parse = mt_simulate_time, .offset = AT(member), .most = 1e6, .argument = "TIME",                      \
        .expected = "a time such as 0.75s, up to 1000000s"
        { "--network", TEXT, .offset = AT(network), .fallback = "usnet", .argument = "NAME|FILE",
          .expected = "usnet, nsfnet or a file", .help = "usnet, nsfnet or a file of your own, see below" },
        { "--link-capacity", RATE(capacity_mbps), .fallback = "100Gbit",
          .help = "of a link, in each direction; a file's links may say their own" },
        { "--requests", WHOLE, .offset = AT(requests), .least = 1, .most = 1e12, .fallback = "60000", .argument = "N",
          .expected = "a whole number from 1 to 10^12", .help = "migrations of one run" },
        { "--runs", WHOLE, .offset = AT(runs), .least = 1, .most = 10000, .fallback = "1", .argument = "N",
          .expected = "a whole number from 1 to 10000",
          .help = "runs with the seeds S, S+1, ...: averages, and standard deviations" },
        { "--seed", WHOLE, .offset = AT(seed), .most = WHOLE_MOST, .fallback = "1", .argument = "S",
          .expected = "a whole number below 2^64", .help = "the same seed gives the same requests, for every strategy" },
        { "--rate", ONE, .parse = mt_simulate_arrivals, .offset = AT(workload.arrivals_s), .least = 1e-9, .most = 1e9,
          .fallback = "1/s", .argument = "PER_S", .expected = "a number with /s, /min or /h, such as 0.5/s",
          .help = "requests that arrive, on average (Poisson); at the default hardly any",
          .more = "is blocked: raise it, or lower --link-capacity, to fill the links" },
        { "--law", LAWS, .fallback = "uniform,normal,exponential", .argument = "LIST",
          .expected = "all, or some of uniform,normal,exponential,exponential-clamped, each once",
          .help = "dirty rates: uniform, normal, exponential (default: these three, drawn",
          .more = "again when out of bounds), exponential-clamped (set to the bound), all" },
        { "--strategies", STRATEGIES, .fallback = "lambda-range,delta-increment,min-bandwidth,max-bandwidth",
          .argument = "LIST",
          .expected = "all, or some of lambda-range,delta-increment,min-bandwidth,max-bandwidth,clark,cost-aware, each once",
          .help = "lambda-range, delta-increment, min-bandwidth, max-bandwidth (default:",
          .more = "these, the paper's), clark, cost-aware, all" },
        { "--memory", RANGE, .parse = mt_simulate_memory, .offset = AT(workload.memory_mbit), .least = 0.001, .most = 1e12,
          .fallback = "4GB:8GB", .argument = "LOW:HIGH",
          .expected = "sizes such as 4GiB:8GiB or 4GB:8GB, LOW not above HIGH",
          .help = "of a VM; GB is 10^9 bytes, GiB 2^30" },
        { "--dirty-rate", RANGE, .parse = mt_simulate_rate, .offset = AT(workload.dirty_mbps), .least = RATE_LEAST,
          .most = RATE_MOST, .fallback = "0.1Mbit:500Mbit", .argument = "LOW:HIGH",
          .expected = "rates from 1kbit such as 0.1Mbit:500Mbit, LOW below HIGH",
          .help = "bounds of the dirty rates and of lambda-range's mapping" },
        { "--dirty-sd", RATE(workload.dirty_sd_mbps), .fallback = "83.3Mbit",
          .help = "standard deviation of the normal law" },
        { "--max-downtime", RANGE, .parse = mt_simulate_time, .offset = AT(workload.limit_s), .most = 1e6,
          .fallback = "0.5s:1.5s", .argument = "LOW:HIGH", .expected = "times such as 0.5s:1.5s, LOW not above HIGH",
          .help = "the longest downtime that a request may have" },
        { "--tau", TIME(policy.tau), .fallback = "0.75s", .help = "delay between iterations" },
        { "--tg", TIME(policy.tg), .fallback = "0.5s", .help = "reconfiguration, a part of the downtime" },
        { "--max-iterations", WHOLE, .offset = AT(max_iterations), .least = 1, .most = 1000, .fallback = "20",
          .argument = "N", .expected = "a whole number from 1 to 1000",
          .help = "where the limit is still not met then, it is missed" },
        { "--lambda", RANGE, .parse = mt_simulate_number, .offset = AT(policy.range.lL), .least = 0.001, .most = 0.999,
          .fallback = "0.1:0.4", .argument = "LOW:HIGH", .expected = "numbers from 0.001 to 0.999 such as 0.1:0.4",
          .help = "lambda-range: D/R at the lowest and the highest dirty rate D" },
        { "--increment", RATE(policy.step_mbps), .fallback = "25Mbit", .help = "delta-increment: Delta, the step" },
        { "--epsilon", ONE, .parse = mt_simulate_number, .offset = AT(policy.step_gain), .most = 1.0, .fallback = "0.1",
          .argument = "NUMBER", .expected = "a number from 0 to 1",
          .help = "delta-increment: the gain at which another step is not worth it" },
        { "--delta", RATE(policy.min_addition_mbps), .fallback = "50Mbit",
          .help = "min-bandwidth: what it adds to the dirty rate" },
        { "--max-bandwidth", RATE(policy.max_mbps), .fallback = "10Gbit",
          .help = "of max-bandwidth; also where delta-increment ends, and of the",
          .more = "stop-and-copy of clark and cost-aware" },
        { "--clark-initial", RATE(policy.clark_first_mbps), .fallback = "100Mbit", .help = "clark: the first round's rate" },
        { "--clark-addition", RATE(policy.clark_addition_mbps), .fallback = "50Mbit",
          .help = "clark: added to the dirty rate of the last round" },
        { "--clark-maximum", RATE(policy.clark_max_mbps), .fallback = "auto",
          .help = "clark: stops rather than exceed it; auto: --max-bandwidth" },
        { "--cost-scale", RATE(policy.cost_scale_mbps), .fallback = "auto",
          .help = "cost-aware: C of F = e^(-Bs/C), the chance that the service misses its",
          .more = "SLA at the bandwidth Bs; auto: a tenth of --max-bandwidth" },
        { "--plot", TEXT, .offset = AT(plot), .argument = "FILE.svg", .expected = "a file that ends in .svg",
          .help = "also draw the paper's figures 7 to 10 (with gnuplot)" },
#undef AT
#undef RATE
#undef TIME
};

_Static_assert(MT_ARRAY_SIZE(table) < MT_SIMULATE_OPTIONS, "texts is too short");

const char *mt_simulate_option_name(unsigned i)
{
        return i < MT_ARRAY_SIZE(table) ? table[i].name : NULL;
}

static const char *law_name(unsigned i)
{
        return mt_sim_law_name((enum mt_sim_law)i);
}

static const char *strategy_name(unsigned i)
{
        return mt_strategy_name((enum mt_strategy)i);
}

static bool is_within(const struct option *option, double value)
{
        return value >= option->least && value <= option->most;
}

/* One or two doubles, from values[], within the bounds. */
static int put(const struct option *option, const double *values, unsigned n, struct mt_simulate_options *options)
{
        for (unsigned i = 0; i < n; i++)
                if (!is_within(option, values[i]))
                        return -ERANGE;
        (void)memcpy((char *)options + option->offset, values, n * sizeof(*values));
        return 0;
}

static int read_value(const struct option *option, const char *text, struct mt_simulate_options *options)
{
        double values[2] = { NAN, NAN };
        uint64_t whole;
        int r;

        switch (option->kind) {
        case ONE:
                if (strcmp(text, "auto") == 0 && strcmp(option->fallback, "auto") == 0)
                        return 0; /* stays 0 until complete() */
                r = option->parse(text, values);
                return r == 0 ? put(option, values, 1, options) : r;
        case RANGE:
                r = mt_simulate_range(text, option->parse, values);
                return r == 0 ? put(option, values, 2, options) : r;
        case WHOLE:
                r = mt_simulate_whole(text, &whole);
                if (r == 0 && !is_within(option, (double)whole))
                        r = -ERANGE;
                if (r == 0)
                        (void)memcpy((char *)options + option->offset, &whole, sizeof(whole));
                return r;
        case TEXT:
                (void)memcpy((char *)options + option->offset, &text, sizeof(text));
                return text[0] != '\0' ? 0 : -EINVAL;
        case LAWS:
                r = mt_simulate_names(text, law_name, MT_SIM_LAWS, options->laws);
                options->n_laws = r > 0 ? (unsigned)r : 0;
                return r > 0 ? 0 : r;
        case STRATEGIES:
                r = mt_simulate_names(text, strategy_name, MT_STRATEGIES, options->strategies);
                options->n_strategies = r > 0 ? (unsigned)r : 0;
                return r > 0 ? 0 : r;
        }
        return -EINVAL;
}

static int set(unsigned i, const char *text, struct mt_simulate_options *options, struct mt_err *err)
{
        options->texts[i] = text;
        if (read_value(&table[i], text, options) < 0)
                return mt_fail(err, EINVAL, "%s: expected %s, found '%.80s'", table[i].name, table[i].expected, text);
        return 0;
}

/* What depends on more than one option. */
static int complete(struct mt_simulate_options *options, struct mt_err *err)
{
        struct mt_sim_policy *policy = &options->policy;
        const struct mt_sim_range *dirty = &options->workload.dirty_mbps;

        if (!(dirty->low < dirty->high))
                return mt_fail(err, EINVAL, "--dirty-rate: expected LOW below HIGH");
        policy->range.DL = dirty->low;
        policy->range.DH = dirty->high;
        policy->max_iterations = (unsigned)options->max_iterations;
        if (policy->clark_max_mbps == 0.0)
                policy->clark_max_mbps = policy->max_mbps;
        if (policy->cost_scale_mbps == 0.0)
                policy->cost_scale_mbps = policy->max_mbps / 10.0;
        if (policy->clark_max_mbps > policy->max_mbps)
                return mt_fail(err, EINVAL, "--clark-maximum: expected at most --max-bandwidth");
        if (policy->clark_first_mbps > policy->clark_max_mbps)
                return mt_fail(err, EINVAL, "--clark-initial: expected at most --clark-maximum and --max-bandwidth");
        return 0;
}

static int set_format(enum mt_simulate_format format, struct mt_simulate_options *options, struct mt_err *err)
{
        if (options->format != MT_SIMULATE_TABLE && options->format != format)
                return mt_fail(err, EINVAL, "--json, --csv: expected one of them, not both");
        options->format = format;
        return 0;
}

/* Reads argv[*i], and its value behind it. */
static int read_argument(int argc, const char *const *argv, int *i, struct mt_simulate_options *options, struct mt_err *err)
{
        if (strcmp(argv[*i], "--json") == 0)
                return set_format(MT_SIMULATE_JSON, options, err);
        if (strcmp(argv[*i], "--csv") == 0)
                return set_format(MT_SIMULATE_CSV, options, err);
        for (unsigned row = 0; row < MT_ARRAY_SIZE(table); row++) {
                const char *value;
                int r = mt_option_value(table[row].name, argc, argv, i, &value);

                if (r < 0)
                        return mt_fail(err, EINVAL, "%s: expected %s, found nothing", table[row].name, table[row].expected);
                if (r > 0)
                        return set(row, value, options, err);
        }
        return mt_fail(err, EINVAL, "'%.80s': unknown argument", argv[*i]);
}

int mt_simulate_options_read(int argc, const char *const *argv, struct mt_simulate_options *ret, struct mt_err *err)
{
        struct mt_simulate_options options = { .format = MT_SIMULATE_TABLE };
        int r = 0;

        for (unsigned row = 0; row < MT_ARRAY_SIZE(table) && r == 0; row++)
                if (table[row].fallback != NULL)
                        r = set(row, table[row].fallback, &options, err);
        for (int i = 1; i < argc && r == 0; i++)
                r = read_argument(argc, argv, &i, &options, err);
        if (r == 0)
                r = complete(&options, err);
        if (r == 0)
                *ret = options;
        return r;
}

static const char help_head[] =
        "usage: migtune simulate [OPTION...]\n"
        "\n"
        "Simulates many migrations between the datacenters of a network under several strategies side by\n"
        "side, as section V of the WAN paper (lambda-range mapping) does; without options, with the paper's\n"
        "values. Needs neither libvirt nor root.\n"
        "\n"
        "Options:\n";

static const char help_tail[] =
        "  --json, --csv            for programs, instead of the tables\n"
        "\n"
        "Requests arrive as a Poisson process; each wants to move a VM between two datacenters, drawn evenly.\n"
        "Its bandwidth is reserved at once, for as long as it takes, on the path with the fewest hops; where\n"
        "a link has not as much left it is blocked. Averages are over all requests, also the blocked ones:\n"
        "what a strategy wants of a request does not depend on the network. The resource consumption W is\n"
        "bandwidth times duration: what is reserved, not what is sent. The downtime contains tg; a limit that\n"
        "no number of rounds up to --max-iterations meets counts as missed. lambda stays within its bounds.\n"
        "clark and cost-aware choose a bandwidth for each round, until what remains fits into the downtime\n"
        "limit at --max-bandwidth; their average, W/T, is reserved throughout.\n"
        "\n"
        "Networks:\n";

static const char help_file[] =
        "  FILE     in libconfig's syntax; nodes come with their links; without datacenters, each has one:\n"
        "             links = ( ( \"a\", \"b\" ), ( \"b\", \"c\", \"40Gbit\" ), ( \"c\", \"a\" ) );\n"
        "             datacenters = ( \"a\", \"c\" );\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 bad usage or bad input.\n";

void mt_simulate_help(void)
{
        mt_print("%s", help_head);
        for (unsigned i = 0; i < MT_ARRAY_SIZE(table); i++) {
                char name[64];

                (void)snprintf(name, sizeof(name), "%s %s", table[i].name, table[i].argument);
                mt_print("  %-24s %s%s", name, table[i].help, table[i].more != NULL ? "\n" : "");
                if (table[i].more != NULL)
                        mt_print("%27s%s", "", table[i].more);
                if (table[i].fallback != NULL && table[i].kind != LAWS && table[i].kind != STRATEGIES)
                        mt_print(" (%s)", table[i].fallback);
                mt_print("\n");
        }
        mt_print("%s", help_tail);
        for (unsigned i = 0; mt_sim_network_name(i) != NULL; i++)
                mt_print("  %-8s %s\n", mt_sim_network_name(i), mt_sim_network_source(i));
        mt_print("%s", help_file);
}
