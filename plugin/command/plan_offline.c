/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/plan_offline.h"
#include "cleanup.h"
#include "command/plan_show.h"
#include "config.h"
#include "config_keys.h"
#include "log.h"
#include "origin.h"
#include "policy/alternatives.h"
#include "policy/decide.h"
#include "record/json.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_CPUS 8
#define MOST_CPUS 100000

struct input {
        struct mt_facts facts;
        struct mt_intent intent;
        double hot_share;
        uint64_t given; /* bit i: row i of the keys was given */
};

enum kind { RATE, SIZE, TIME, TRAFFIC, SHARE, COUNT, SWITCH, INTENT, POST_COPY, DEADLINE, FLAGS, VERSION };

#define FACT(member) offsetof(struct input, facts.member)

/* INTENT rows go through the configuration's own table, so that their texts and errors are the same. */
static const struct key {
        const char *name;
        enum kind kind;
        size_t offset;
        const char *intent_key;
        const char *help;
} keys[] = {
        { "memory", SIZE, FACT(memory_bytes), NULL, "size, required: \"4GiB\"" },
        { "dirty_rate", RATE, FACT(dirty_rate_bytes_s), NULL, "rate, required: \"250Mbit\"" },
        { "link", RATE, FACT(link_bytes_s), NULL, "rate, required: \"1Gbit\"" },
        { "urgency", INTENT, 0, "urgency", "high, medium or low" },
        { "max_downtime", INTENT, 0, "max_downtime", "time: \"300ms\"" },
        { "tau", TIME, FACT(tau_ms), NULL, "time: delay between iterations (default 5ms)" },
        { "tg", TIME, FACT(tg_ms), NULL, "time: reconfiguration (default 40ms)" },
        { "strategy", INTENT, 0, "strategy", "as in migtune.conf" },
        { "src_in", TRAFFIC, FACT(src.in_bytes_s), NULL, "rate: the source's other traffic" },
        { "src_out", TRAFFIC, FACT(src.out_bytes_s), NULL, "rate" },
        { "dst_in", TRAFFIC, FACT(dst.in_bytes_s), NULL, "rate: the destination's" },
        { "dst_out", TRAFFIC, FACT(dst.out_bytes_s), NULL, "rate" },
        { "vm_in", TRAFFIC, FACT(vm.in_bytes_s), NULL, "rate: the VM's own" },
        { "vm_out", TRAFFIC, FACT(vm.out_bytes_s), NULL, "rate" },
        { "sla_lower", INTENT, 0, "sla_lower", "rate: what the VMs' traffic must keep" },
        { "sla_upper", INTENT, 0, "sla_upper", "rate: what it would like to keep" },
        { "dirty_low", INTENT, 0, "dirty_low", "rate: DL of the lambda mapping" },
        { "dirty_high", INTENT, 0, "dirty_high", "rate: DH" },
        { "lambda_low", INTENT, 0, "lambda_low", "number: lambda at DL" },
        { "lambda_high", INTENT, 0, "lambda_high", "number: lambda at DH" },
        { "post_copy", POST_COPY, 0, NULL, "true or false: does the caller permit it? (default true)" },
        { "max_iterations", INTENT, 0, "max_iterations", "number" },
        { "hot_share", SHARE, offsetof(struct input, hot_share), NULL,
          "number from 0 to 1: the part of the memory that is written over and over" },
        { "hot_dirty_rate", RATE, FACT(hot_rate_bytes_s), NULL, "rate: what is written to it" },
        { "cold_dirty_rate", RATE, FACT(cold_rate_bytes_s), NULL, "rate: dirtied of the rest; the two make dirty_rate" },
        { "deadline", DEADLINE, 0, NULL, "time per GiB, or auto: for the given urgency" },
        { "caller_flags", FLAGS, 0, NULL, "the migration call's flags, as of virsh migrate: live,p2p,postcopy" },
        { "caller_bandwidth", RATE, FACT(call.bandwidth_bytes_s), NULL, "rate: the call's own limit" },
        { "guest_paused", SWITCH, FACT(call.paused), NULL, "true or false (default false)" },
        { "libvirt", VERSION, FACT(call.libvirt_version), NULL, "version: 11.3.0; not given: old" },
        { "qemu", VERSION, FACT(call.qemu_version), NULL, "version: 10.0.2; not given: old" },
        { "cpu_idle", SHARE, FACT(headroom.cpu_idle_share), NULL, "number from 0 to 1: of the host's CPUs" },
        { "cpus", COUNT, FACT(headroom.cpus), NULL, "number of them (default 8)" },
        { "memory_free", SIZE, FACT(headroom.memory_free_bytes), NULL, "size: of the host's" },
};

_Static_assert(MT_ARRAY_SIZE(keys) <= 64, "given has a bit for each");

void mt_plan_offline_help(void)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(keys); i++)
                mt_print("  %-16s %s\n", keys[i].name, keys[i].help);
        mt_print("  and every other key that a rule may set: technique, min_bandwidth, clark_initial, cost_scale, ...\n");
}

static int set_quantity(const struct key *key, const char *value, struct input *input, struct mt_err *err)
{
        static const struct {
                int (*parse)(const char *text, uint64_t *ret);
                const char *expected;
        } quantity[] = {
                [RATE] = { mt_parse_rate, "a rate such as \"250Mbit\"" },
                [SIZE] = { mt_parse_size, "a size such as \"4GiB\"" },
                [TIME] = { mt_parse_time, "a time such as \"300ms\"" },
                [TRAFFIC] = { mt_parse_rate, "a rate such as \"250Mbit\"" },
        };
        uint64_t *field = (uint64_t *)(void *)((char *)input + key->offset);

        if (quantity[key->kind].parse(value, field) < 0)
                return mt_fail(err, EINVAL, "%s: expected %s", key->name, quantity[key->kind].expected);
        return 0;
}

/* A share, a number or a switch, with the configuration's own parsers. */
static int set_number(const struct key *key, const char *value, struct input *input, struct mt_err *err)
{
        struct mt_key as = { .offset = key->offset,
                             .size = sizeof(double),
                             .kind = MT_KEY_FLOAT,
                             .float_min = 0.0,
                             .float_max = 1.0,
                             .min = 1,
                             .max = MOST_CPUS };

        if (key->kind != SHARE)
                as.kind = key->kind == COUNT ? MT_KEY_COUNT : MT_KEY_SWITCH;
        return mt_key_set_text(&as, input, value, err) < 0 ? mt_wrap(err, "%s", key->name) : 0;
}

/* The intent's key was given here. */
static void wanted(struct input *input, const char *key)
{
        mt_origin_set(&input->intent, mt_key_by_intent(key), MT_ORIGIN_COMMAND_LINE);
        (void)snprintf(input->intent.from, sizeof(input->intent.from), "command line");
}

static int set_intent(const char *key, const char *value, struct input *input, struct mt_err *err)
{
        int r = mt_intent_set(&input->intent, key, value, err);

        if (r == 0)
                wanted(input, key);
        return r;
}

/* What the caller allowed, or what the operator wants. */
static int set_post_copy(const char *value, struct input *input, struct mt_err *err)
{
        if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) {
                input->facts.post_copy = value[0] == 't' ? MT_CALLER_YES : MT_CALLER_NO;
                return 0;
        }
        if (mt_permission_parse(value, &input->intent.post_copy) == 0) {
                wanted(input, "post_copy");
                return 0;
        }
        return mt_fail(err, EINVAL, "post_copy: expected true or false, or never, permitted or add");
}

static int set_flags(const char *value, struct input *input, struct mt_err *err)
{
        if (mt_flags_parse(value, &input->facts.call.flags) < 0)
                return mt_fail(err, EINVAL, "caller_flags: expected options of virsh migrate such as live,p2p,postcopy");
        input->facts.call.known = true;
        return 0;
}

static int set_version(const struct key *key, const char *value, struct input *input, struct mt_err *err)
{
        uint64_t *field = (uint64_t *)(void *)((char *)input + key->offset);
        unsigned major, minor, release = 0;
        int n = -1;

        (void)sscanf(value, "%3u.%3u%n.%3u%n", &major, &minor, &n, &release, &n);
        if (n < 0 || value[n] != '\0')
                return mt_fail(err, EINVAL, "%s: expected a version such as 10.0.2", key->name);
        *field = MT_VERSION(major, minor, release);
        return 0;
}

static int set_deadline(const char *value, struct input *input, struct mt_err *err)
{
        uint64_t ms = MT_AUTO;

        if (strcmp(value, "auto") != 0 && (mt_parse_time(value, &ms) < 0 || ms == 0))
                return mt_fail(err, EINVAL, "deadline: expected a time per GiB such as \"60s\", or auto");
        for (size_t i = 0; i < MT_URGENCIES; i++)
                input->intent.deadline_ms_per_gib[i] = ms;
        wanted(input, "deadline");
        return 0;
}

/* Any other key that a rule or a VM's metadata may set. */
static int set_other(const char *argument, size_t length, struct input *input, struct mt_err *err)
{
        char name[48];

        if (length > 0 && length < sizeof(name)) {
                (void)memcpy(name, argument, length);
                name[length] = '\0';
                if (mt_key_by_intent(name) != NULL)
                        return set_intent(name, argument + length + 1, input, err);
        }
        return mt_fail(err, EINVAL, "'%s': unknown key, or not key=value; see migtune plan --help", argument);
}

static int set(const char *argument, struct input *input, struct mt_err *err)
{
        const char *equals = strchr(argument, '=');
        size_t length = equals != NULL ? (size_t)(equals - argument) : 0;

        for (size_t i = 0; equals != NULL && i < MT_ARRAY_SIZE(keys); i++) {
                if (strlen(keys[i].name) != length || strncmp(keys[i].name, argument, length) != 0)
                        continue;
                input->given |= UINT64_C(1) << i;
                switch (keys[i].kind) {
                case SHARE:
                case COUNT:
                case SWITCH:
                        return set_number(&keys[i], equals + 1, input, err);
                case POST_COPY:
                        return set_post_copy(equals + 1, input, err);
                case FLAGS:
                        return set_flags(equals + 1, input, err);
                case VERSION:
                        return set_version(&keys[i], equals + 1, input, err);
                case DEADLINE:
                        return set_deadline(equals + 1, input, err);
                case INTENT:
                        return set_intent(keys[i].intent_key, equals + 1, input, err);
                case RATE:
                case SIZE:
                case TIME:
                case TRAFFIC:
                        return set_quantity(&keys[i], equals + 1, input, err);
                }
        }
        return set_other(argument, length, input, err);
}

static uint64_t bit_of(const char *name)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(keys); i++)
                if (strcmp(keys[i].name, name) == 0)
                        return UINT64_C(1) << i;
        return 0;
}

static int verify_hot_pages(const struct input *input, struct mt_err *err)
{
        double share = input->hot_share, hot = mt_mbps(input->facts.hot_rate_bytes_s);
        double cold = mt_mbps(input->facts.cold_rate_bytes_s), sum = hot + cold;

        if ((share > 0.0) != (hot > 0.0))
                return mt_fail(err, EINVAL, "hot_dirty_rate: expected %s where hot_share is %s",
                               share > 0.0 ? "more than 0" : "0", share > 0.0 ? "more than 0" : "0");
        if (share >= 1.0 && cold > 0.0)
                return mt_fail(err, EINVAL, "cold_dirty_rate: expected 0 where hot_share is 1");
        if (hot * (1.0 - share) < cold * share)
                return mt_fail(err, EINVAL,
                               "hot_dirty_rate: expected more for its share of the memory than cold_dirty_rate");
        if ((input->given & bit_of("dirty_rate")) != 0 && fabs(mt_mbps(input->facts.dirty_rate_bytes_s) - sum) > 0.001 * sum)
                return mt_fail(err, EINVAL, "dirty_rate: expected none, or hot_dirty_rate + cold_dirty_rate");
        return 0;
}

/* The keys of hot pages: all or none. They make the dirty rate. */
static int complete_hot_pages(struct input *input, struct mt_err *err)
{
        static const char *const names[] = { "hot_share", "hot_dirty_rate", "cold_dirty_rate" };
        const char *missing = NULL;
        size_t n = 0;
        int r;

        for (size_t i = 0; i < MT_ARRAY_SIZE(names); i++)
                if ((input->given & bit_of(names[i])) != 0)
                        n++;
                else
                        missing = names[i];
        if (n == 0)
                return 0;
        if (missing != NULL)
                return mt_fail(err, EINVAL, "%s: required: hot_share, hot_dirty_rate and cold_dirty_rate go together",
                               missing);
        r = verify_hot_pages(input, err);
        if (r < 0)
                return r;
        input->facts.hot_source = MT_HOT_GIVEN;
        input->facts.hot_bytes = mt_bytes(input->hot_share * mt_mbit(input->facts.memory_bytes));
        input->facts.dirty_rate_bytes_s =
                mt_bytes_s(mt_mbps(input->facts.hot_rate_bytes_s) + mt_mbps(input->facts.cold_rate_bytes_s));
        input->given |= bit_of("dirty_rate");
        return 0;
}

/* What is about the call needs its flags, and the flags say what the caller permits. */
static int complete_call(struct input *input, struct mt_err *err)
{
        static const char *const names[] = { "caller_bandwidth", "guest_paused", "libvirt", "qemu" };

        for (size_t i = 0; i < MT_ARRAY_SIZE(names); i++)
                if (!input->facts.call.known && (input->given & bit_of(names[i])) != 0)
                        return mt_fail(err, EINVAL, "%s: expected caller_flags with it", names[i]);
        if (input->facts.call.known && input->facts.post_copy != MT_CALLER_UNKNOWN)
                return mt_fail(err, EINVAL, "post_copy: expected never, permitted or add where caller_flags say the rest");
        if (input->facts.post_copy == MT_CALLER_UNKNOWN)
                input->facts.post_copy = MT_CALLER_YES;
        input->facts.headroom.cpu_known = (input->given & bit_of("cpu_idle")) != 0;
        input->facts.headroom.given = true;
        return 0;
}

/* Missing keys, values that exclude each other, traffic that was given. */
static int complete(struct input *input, struct mt_err *err)
{
        const struct mt_key *key, *other;

        int r = complete_hot_pages(input, err);

        if (r == 0)
                r = complete_call(input, err);
        if (r < 0)
                return r;
        for (size_t i = 0; i < 3; i++)
                if ((input->given & UINT64_C(1) << i) == 0)
                        return mt_fail(err, EINVAL, "%s: required: expected a %s", keys[i].name, keys[i].help);
        if (input->facts.memory_bytes == 0 || input->facts.link_bytes_s == 0)
                return mt_fail(err, EINVAL, "memory, link: expected more than 0");
        if (mt_intent_verify(&input->intent, &key, &other, err) < 0)
                return mt_wrap(err, "%s", key->intent);
        input->facts.resident_bytes = input->facts.memory_bytes;
        input->facts.memory_source = input->facts.link_source = MT_VALUE_GIVEN;
        input->facts.tau_source = (input->given & bit_of("tau")) != 0 ? MT_VALUE_GIVEN : MT_VALUE_BUILT_IN;
        input->facts.tg_source = (input->given & bit_of("tg")) != 0 ? MT_VALUE_GIVEN : MT_VALUE_BUILT_IN;
        input->facts.dirty_source = MT_DIRTY_GIVEN;
        input->facts.src.known = input->facts.dst.known = input->facts.vm.known = true;
        input->facts.dst.source = MT_TRAFFIC_GIVEN;
        return 0;
}

int mt_plan_offline(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        struct input input = { .facts = { .tau_ms = 5,
                                          .tg_ms = 40,
                                          .headroom.cpus = DEFAULT_CPUS,
                                          .dirty_low_bytes_s = MT_AUTO,
                                          .dirty_high_bytes_s = MT_AUTO } };
        struct mt_plan plan;
        struct mt_err err = { 0 };
        json_object *planned = json_object_new_object();
        bool json = false;
        int r = 0;

        mt_intent_defaults(&input.intent);
        for (int i = 1; i < argc && r == 0; i++) {
                if (strcmp(argv[i], "--json") == 0)
                        json = true;
                else if (strcmp(argv[i], "--offline") != 0)
                        r = set(argv[i], &input, &err);
        }
        if (r == 0)
                r = complete(&input, &err);
        if (r < 0) {
                mt_print_err("migtune plan: %s\n", err.msg);
                (void)json_object_put(planned);
                return 2;
        }
        mt_decide(&input.facts, &input.intent, &plan);
        mt_alternatives(&input.facts, &input.intent, &plan);
        mt_json_add(planned, "domain", mt_json_string("offline"));
        mt_json_add(planned, "facts", mt_facts_json(&input.facts, &plan));
        mt_json_add(planned, "intent", mt_intent_json(&input.intent));
        mt_json_add(planned, "plan", mt_plan_json(&plan));
        mt_json_add(planned, "reasons", mt_reasons_json(&plan.reasons));
        if (json)
                mt_print("%s\n", mt_json_text(planned));
        else
                mt_plan_show(planned, host->columns);
        (void)json_object_put(planned);
        return 0;
}
