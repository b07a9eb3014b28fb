/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/check.h"
#include "cleanup.h"
#include "command/arguments.h"
#include "config.h"
#include "config_file.h"
#include "config_keys.h"
#include "log.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: migtune check [FILE]\n"
                            "\n"
                            "Read the configuration FILE, and conf.d/*.conf beside it, as the watcher would, and say what\n"
                            "is wrong with it. Without FILE: the installed one.\n"
                            "\n"
                            "  --help   this text\n"
                            "\n"
                            "Exit status: 0 it is good (warnings may be printed), 2 it is refused.\n";

struct warnings {
        const char *file;
        unsigned n;
};

static void MT_PRINTF(2, 3) warn(struct warnings *warnings, const char *format, ...)
{
        char text[512];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        warnings->n++;
        mt_print_err("%s: warning: %s\n", warnings->file, text);
}

static bool covers_name(const char *earlier, const char *name)
{
        bool plain = name[0] != '\0' && strpbrk(name, "*?[\\") == NULL;

        return earlier[0] == '\0' || strcmp(earlier, "*") == 0 || strcmp(earlier, name) == 0 ||
               (plain && fnmatch(earlier, name, 0) == 0);
}

static bool covers_text(const char *earlier, const char *text)
{
        return earlier[0] == '\0' || strcmp(earlier, text) == 0;
}

/* Is every VM that `rule` matches also matched by `earlier`? Only the sure cases. */
static bool covers(const struct mt_match *earlier, const struct mt_match *rule)
{
        const struct mt_element_match *metadata = &earlier->metadata;

        return covers_name(earlier->name, rule->name) && covers_text(earlier->uuid, rule->uuid) &&
               covers_name(earlier->title, rule->title) && covers_text(earlier->nova_flavor, rule->nova_flavor) &&
               covers_text(earlier->nova_project, rule->nova_project) &&
               (metadata->uri[0] == '\0' ||
                (strcmp(metadata->uri, rule->metadata.uri) == 0 && strcmp(metadata->element, rule->metadata.element) == 0 &&
                 strcmp(metadata->attribute, rule->metadata.attribute) == 0 &&
                 covers_name(metadata->value, rule->metadata.value)));
}

static void check_rules(const struct mt_config *config, struct warnings *warnings)
{
        for (size_t i = 0; i < config->n_rules; i++) {
                const struct mt_rule *rule = &config->rules[i];
                size_t j = 0;

                if (rule->fields == 0)
                        warn(warnings, "rule:%zu (%s) sets nothing: its VMs keep the defaults", i + 1, rule->origin);
                while (j < i && !covers(&config->rules[j].match, &rule->match))
                        j++;
                if (j < i)
                        warn(warnings, "rule:%zu (%s) never applies: rule:%zu (%s) matches all its VMs first", i + 1,
                             rule->origin, j + 1, config->rules[j].origin);
        }
}

static bool wants_post_copy(const struct mt_intent *intent)
{
        return intent->technique == MT_CHOOSE_POST_COPY || intent->technique == MT_CHOOSE_HYBRID;
}

/* fields: the rows that are to be judged, others were judged elsewhere. */
static void check_intent(const struct mt_intent *intent, uint64_t fields, const char *where, struct warnings *warnings)
{
        uint64_t technique = mt_key_bit(mt_key_by_intent("technique")) | mt_key_bit(mt_key_by_intent("post_copy"));

        if ((fields & technique) && intent->post_copy == MT_NEVER && wants_post_copy(intent))
                warn(warnings, "%s: technique = \"%s\" has no effect with post_copy = \"never\": pre-copy is used", where,
                     mt_technique_choice_name(intent->technique));
        if ((fields & mt_key_bit(mt_key_by_intent("max_downtime"))) && intent->max_downtime_ms > 60000)
                warn(warnings, "%s: max_downtime is above a minute: most clients give up before", where);
}

static void check_tc(const struct mt_config *config, struct warnings *warnings)
{
        if (config->tc.parent[0] == '\0')
                return;
        if (!config->tc.enable)
                warn(warnings, "tc.parent has no effect with tc.enable = false");
        else if (config->tc.ingress)
                warn(warnings, "tc.parent is for outgoing traffic; tc.ingress still makes a tree of its own on an ifb");
        if (config->link.device[0] == '\0')
                warn(warnings, "tc.parent without link.device: that class must exist on every uplink that may be found");
}

static void check_link(const struct mt_config *config, struct warnings *warnings)
{
        uint64_t link = config->link.rate_bytes_s;

        if (link == MT_AUTO)
                return;
        if (config->tc.enable && link > config->tc.max_link_bytes_s)
                warn(warnings, "link.rate is above tc.max_link: no classes will be made");
        if (config->defaults.min_bandwidth_bytes_s > link)
                warn(warnings, "migration.min_bandwidth is above link.rate");
        if (config->defaults.sla_lower_bytes_s >= link)
                warn(warnings, "sla.lower leaves nothing of link.rate to migrations");
}

/* The node exporter passes over files with other names, without a word. */
static void check_metrics(const struct mt_config *config, struct warnings *warnings)
{
        const char *file = config->metrics.textfile, *slash = strrchr(file, '/'), *end = strrchr(file, '.');

        if (file[0] != '\0' && (end == NULL || end < slash || strcmp(end, ".prom") != 0))
                warn(warnings, "metrics.textfile: the node exporter reads only files whose names end in .prom");
}

static void check_whole(const struct mt_config *config, struct warnings *warnings)
{
        if (config->defaults.mode == MT_MODE_OFF)
                warn(warnings, "mode = \"off\": nothing is tuned unless a rule or a VM's metadata says otherwise");
        if (config->history.file[0] == '\0')
                warn(warnings, "history.file = \"\": what past migrations told of dirty rates is not used");
        check_tc(config, warnings);
        check_link(config, warnings);
        check_intent(&config->defaults, UINT64_MAX, "defaults", warnings);
        for (size_t i = 0; i < config->n_rules; i++) {
                struct mt_intent merged = config->defaults;

                mt_rule_apply(&config->rules[i], &merged);
                check_intent(&merged, config->rules[i].fields, config->rules[i].origin, warnings);
        }
        check_rules(config, warnings);
        check_metrics(config, warnings);
}

int mt_command_check(int argc, const char *const *argv, const char *config_file)
{
        MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
        struct warnings warnings = { .file = config_file };
        struct mt_err err = { 0 };

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", usage);
                return 0;
        }
        for (int i = 1; i < argc; i++) {
                if (argv[i][0] == '-' || i > 1) {
                        mt_print_err("migtune check: '%s': unexpected argument, see migtune check --help\n", argv[i]);
                        return 2;
                }
                warnings.file = argv[i];
        }
        if (mt_config_load(warnings.file, &config, &err) < 0) {
                mt_print_err("%s\n", err.msg);
                return 2;
        }
        check_whole(&config, &warnings);
        mt_print("%s: ok, %zu %s\n", warnings.file, config.n_rules, config.n_rules == 1 ? "rule" : "rules");
        return 0;
}
