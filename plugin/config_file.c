/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * One libconfig file is walked setting by setting, and each setting is looked up in the table of config_keys.c: what is not
 * there is an error. (Looking up each key in the file instead would accept misspelt ones in silence.) Where each key
 * was set is remembered while the file is open, so that a contradiction between two keys can name a line.
 */
#include "config_file.h"
#include "cleanup.h"
#include "config_keys.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <string.h>

#define MAX_RULES 10000

struct reader {
        const char *path; /* of the file being read; libconfig only names those it includes */
        const char *dir;
        struct mt_config *config;
        const config_setting_t *set_at[64]; /* where this file sets row i */
        struct mt_err *err;
};

/* The group whose members are read: prefix of their names, the struct they go to. */
struct scope {
        const char *label;  /* "" or "migration" or "rule:3.set" */
        const char *prefix; /* in the table: "" or "migration." or, in a rule, "" or "deadline_" */
        void *base;         /* struct mt_config, or the rule's struct mt_intent */
        struct mt_rule *rule;
};

/* Puts "FILE:LINE: " in front of the error; file as libconfig names it: NULL or, for an included one, as it was included. */
static int at_line(const struct reader *reader, const char *file, unsigned line)
{
        bool relative = file != NULL && file[0] != '/';

        if (file == NULL)
                file = reader->path;
        return mt_wrap(reader->err, "%s%s%s:%u", relative ? reader->dir : "", relative ? "/" : "", file, line);
}

/* Puts "FILE:LINE: KEY: " in front of the error. */
static int at(const struct reader *reader, const config_setting_t *setting, const char *label)
{
        (void)mt_wrap(reader->err, "%s", label);
        return at_line(reader, config_setting_source_file(setting), config_setting_source_line(setting));
}

static int refuse(const struct reader *reader, const config_setting_t *setting, const char *label, const char *what)
{
        (void)mt_fail(reader->err, EINVAL, "%s", what);
        return at(reader, setting, label);
}

/* The name of row i in this scope, without what follows the next dot; NULL: it is not in this scope. */
static const char *name_in(const struct scope *scope, unsigned i, size_t *ret_length)
{
        const char *name = scope->rule != NULL ? mt_key_at(i)->intent : mt_key_at(i)->path;
        size_t prefix = strlen(scope->prefix);

        if (name == NULL || strncmp(name, scope->prefix, prefix) != 0)
                return NULL;
        *ret_length = strcspn(name + prefix, ".");
        return name + prefix;
}

/* A group is listed with its first row. */
static bool is_listed_before(const struct scope *scope, unsigned i, const char *name, size_t length)
{
        for (unsigned j = 0; j < i; j++) {
                size_t other_length;
                const char *other = name_in(scope, j, &other_length);

                if (other != NULL && other_length == length && strncmp(other, name, length) == 0)
                        return true;
        }
        return false;
}

/* "unknown key, expected one of ..." with the names that may stand there. */
static int refuse_unknown(const struct reader *reader, const config_setting_t *setting, const struct scope *scope,
                          const char *label)
{
        char names[400] = "";
        size_t used = 0;

        for (unsigned i = 0; i < mt_key_count(); i++) {
                size_t length;
                const char *name = name_in(scope, i, &length);

                if (name == NULL || is_listed_before(scope, i, name, length) || used + length + 3 >= sizeof(names))
                        continue;
                used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s", used > 0 ? ", " : "", (int)length,
                                         name);
        }
        (void)mt_fail(reader->err, EINVAL, "unknown key, expected one of %s%s", names,
                      scope->rule == NULL && scope->prefix[0] == '\0' ? ", rules" : "");
        return at(reader, setting, label);
}

static int set_value(const struct reader *reader, const config_setting_t *setting, const struct mt_key *key, void *base)
{
        const char *text;
        char found[96];

        switch (config_setting_type(setting)) {
        case CONFIG_TYPE_STRING:
                text = config_setting_get_string(setting);
                if (key->kind != MT_KEY_FLOAT && key->kind != MT_KEY_COUNT && key->kind != MT_KEY_SWITCH)
                        return mt_key_set_text(key, base, text, reader->err);
                (void)snprintf(found, sizeof(found), "the string \"%.60s\"", text);
                return mt_key_expected(key, found, reader->err);
        case CONFIG_TYPE_INT:
        case CONFIG_TYPE_INT64:
                return mt_key_set_count(key, base, config_setting_get_int64(setting), reader->err);
        case CONFIG_TYPE_FLOAT:
                return mt_key_set_float(key, base, config_setting_get_float(setting), reader->err);
        case CONFIG_TYPE_BOOL:
                return mt_key_set_switch(key, base, config_setting_get_bool(setting) != 0, reader->err);
        case CONFIG_TYPE_GROUP:
                return mt_key_expected(key, "a group", reader->err);
        default:
                return mt_key_expected(key, "a list", reader->err);
        }
}

/* Does any row's name begin with this prefix? */
static bool is_group(const struct scope *scope, const char *prefix)
{
        if (scope->rule != NULL)
                return strcmp(prefix, "deadline_") == 0;
        for (unsigned i = 0; i < mt_key_count(); i++)
                if (strncmp(mt_key_at(i)->path, prefix, strlen(prefix)) == 0)
                        return true;
        return false;
}

static int read_rules(struct reader *reader, const config_setting_t *rules);

/* Reads the members of a group; nests as deep as the table's paths do. */
static int read_group(struct reader *reader, const config_setting_t *group, const struct scope *scope)
{
        for (int i = 0; i < config_setting_length(group); i++) {
                const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
                const char *name = config_setting_name(setting);
                char label[96], path[96], prefix[97];
                const struct mt_key *key;
                void *base = scope->base;
                bool nests;
                int r;

                (void)snprintf(label, sizeof(label), "%s%s%s", scope->label, scope->label[0] != '\0' ? "." : "", name);
                (void)snprintf(path, sizeof(path), "%s%s", scope->prefix, name);
                (void)snprintf(prefix, sizeof(prefix), "%s%c", path, scope->rule != NULL ? '_' : '.');
                nests = is_group(scope, prefix);
                if (nests && config_setting_is_group(setting)) {
                        r = read_group(reader, setting, &(struct scope){ label, prefix, scope->base, scope->rule });
                        if (r < 0)
                                return r;
                        continue;
                }
                if (scope->rule == NULL && strcmp(path, "rules") == 0) {
                        r = read_rules(reader, setting);
                        if (r < 0)
                                return r;
                        continue;
                }
                key = scope->rule != NULL ? mt_key_by_intent(path) : mt_key_by_path(path);
                if (key == NULL)
                        return nests ? refuse(reader, setting, label, "expected a group { ... }")
                                     : refuse_unknown(reader, setting, scope, label);
                if (scope->rule != NULL)
                        scope->rule->fields |= mt_key_bit(key);
                else if (key->intent != NULL)
                        base = &reader->config->defaults;
                r = set_value(reader, setting, key, base);
                if (r < 0)
                        return at(reader, setting, label);
                if (scope->rule == NULL)
                        reader->set_at[mt_key_index(key)] = setting;
        }
        return 0;
}

/* Lower-cases a uuid in place; false if it is none. */
static bool normalize_uuid(char *uuid)
{
        if (strlen(uuid) != 36)
                return false;
        for (unsigned i = 0; i < 36; i++) {
                bool dash = i == 8 || i == 13 || i == 18 || i == 23;

                if (uuid[i] >= 'A' && uuid[i] <= 'F')
                        uuid[i] = (char)(uuid[i] - 'A' + 'a');
                if (dash ? uuid[i] != '-' : strchr("0123456789abcdef", uuid[i]) == NULL)
                        return false;
        }
        return true;
}

static int read_match(struct reader *reader, const config_setting_t *group, const char *rule_label,
                      struct mt_identity *match)
{
        struct {
                const char *name;
                char *to;
                size_t size;
        } members[] = {
                { "name", match->name, sizeof(match->name) },
                { "uuid", match->uuid, sizeof(match->uuid) },
                { "flavor", match->nova_flavor, sizeof(match->nova_flavor) },
                { "project", match->nova_project, sizeof(match->nova_project) },
        };

        for (int i = 0; i < config_setting_length(group); i++) {
                const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
                const char *text = config_setting_get_string(setting);
                char label[96];
                size_t m = 0;

                (void)snprintf(label, sizeof(label), "%s.match.%s", rule_label, config_setting_name(setting));
                while (m < MT_ARRAY_SIZE(members) && strcmp(members[m].name, config_setting_name(setting)) != 0)
                        m++;
                if (m == MT_ARRAY_SIZE(members))
                        return refuse(reader, setting, label, "unknown key, expected one of name, uuid, flavor, project");
                if (text == NULL || text[0] == '\0' || strlen(text) >= members[m].size)
                        return refuse(reader, setting, label, "expected text of 1 to 127 characters");
                (void)memcpy(members[m].to, text, strlen(text) + 1);
                if (members[m].to == match->uuid && !normalize_uuid(match->uuid))
                        return refuse(reader, setting, label,
                                      "expected a uuid such as \"8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90\"");
        }
        return 0;
}

/* FILE:LINE of a rule, FILE without the main file's directory. */
static void set_origin(const struct reader *reader, const config_setting_t *setting, struct mt_rule *rule)
{
        const char *named = config_setting_source_file(setting);
        const char *file = named != NULL ? named : reader->path;
        size_t dir = strlen(reader->dir);

        if (strncmp(file, reader->dir, dir) == 0 && file[dir] == '/')
                file += dir + 1;
        (void)snprintf(rule->origin, sizeof(rule->origin), "%.80s:%u", file, config_setting_source_line(setting));
}

static int read_rule(struct reader *reader, const config_setting_t *group, size_t number, struct mt_rule *rule)
{
        const config_setting_t *match = config_setting_get_member(group, "match");
        const config_setting_t *set = config_setting_get_member(group, "set");
        char label[32], set_label[40];
        int r;

        (void)snprintf(label, sizeof(label), "rule:%zu", number);
        (void)snprintf(set_label, sizeof(set_label), "%s.set", label);
        if (match == NULL || !config_setting_is_group(match) || config_setting_length(match) == 0 || set == NULL ||
            !config_setting_is_group(set) || config_setting_length(group) != 2)
                return refuse(reader, group, label, "expected { match = { name = \"...\"; }; set = { ... }; }");
        set_origin(reader, group, rule);
        r = read_match(reader, match, label, &rule->match);
        if (r < 0)
                return r;
        return read_group(reader, set, &(struct scope){ set_label, "", &rule->set, rule });
}

static int read_rules(struct reader *reader, const config_setting_t *rules)
{
        struct mt_config *config = reader->config;
        size_t n = (size_t)config_setting_length(rules);
        struct mt_rule *grown;

        if (!config_setting_is_list(rules))
                return refuse(reader, rules, "rules", "expected a list ( { match = ...; set = ...; }, ... )");
        if (n == 0)
                return 0;
        if (config->n_rules + n > MAX_RULES)
                return refuse(reader, rules, "rules", "expected at most 10000 rules");
        grown = reallocarray(config->rules, config->n_rules + n, sizeof(*grown));
        if (grown == NULL)
                return mt_fail(reader->err, ENOMEM, "%s: out of memory", reader->path);
        config->rules = grown;
        for (size_t i = 0; i < n; i++) {
                const config_setting_t *rule = config_setting_get_elem(rules, (unsigned)i);
                struct mt_rule *to = &config->rules[config->n_rules];
                int r;

                (void)memset(to, 0, sizeof(*to));
                if (!config_setting_is_group(rule))
                        return refuse(reader, rules, "rules", "expected groups { match = ...; set = ...; }");
                r = read_rule(reader, rule, config->n_rules + 1, to);
                if (r < 0)
                        return r;
                config->n_rules++;
        }
        return 0;
}

void mt_rule_apply(const struct mt_rule *rule, struct mt_intent *intent)
{
        for (unsigned i = 0; i < mt_key_count(); i++)
                if (rule->fields & mt_key_bit(mt_key_at(i)))
                        mt_key_copy(mt_key_at(i), intent, &rule->set);
}

/* The defaults alone, then under each rule. Rules of earlier files are looked at again: the defaults below them moved. */
static int verify(const struct reader *reader)
{
        const struct mt_config *config = reader->config;
        const struct mt_key *key, *other;
        struct mt_intent merged;
        int r = mt_intent_verify(&config->defaults, &key, &other, reader->err);

        if (r < 0) {
                const config_setting_t *setting = reader->set_at[mt_key_index(key)];

                if (setting == NULL)
                        setting = reader->set_at[mt_key_index(other)];
                return setting != NULL ? at(reader, setting, key->path)
                                       : mt_wrap(reader->err, "%s: %s", reader->path, key->path);
        }
        for (size_t i = 0; i < config->n_rules; i++) {
                merged = config->defaults;
                mt_rule_apply(&config->rules[i], &merged);
                r = mt_intent_verify(&merged, &key, &other, reader->err);
                if (r < 0) {
                        bool full = config->rules[i].origin[0] == '/';

                        return mt_wrap(reader->err, "%s%s%s: rule:%zu.set.%s", full ? "" : reader->dir, full ? "" : "/",
                                       config->rules[i].origin, i + 1, key->intent);
                }
        }
        return 0;
}

static void config_destroyp(config_t *parsed)
{
        config_destroy(parsed);
}

int mt_config_file_read(const char *path, const char *dir, struct mt_config *config, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *text = NULL;
        MT_CLEANUP(config_destroyp) config_t parsed;
        struct reader reader = { .path = path, .dir = dir, .config = config, .err = err };
        struct mt_err scratch;
        int r;

        if (err == NULL)
                reader.err = err = &scratch;
        config_init(&parsed);
        r = mt_config_file_text(path, dir, &text, err);
        if (r < 0)
                return r;
        config_set_include_dir(&parsed, dir);
        if (config_read_string(&parsed, text) != CONFIG_TRUE) {
                (void)mt_fail(err, EINVAL, "%s", config_error_text(&parsed));
                return at_line(&reader, config_error_file(&parsed), (unsigned)config_error_line(&parsed));
        }
        r = read_group(&reader, config_root_setting(&parsed), &(struct scope){ "", "", config, NULL });
        if (r < 0)
                return r;
        return verify(&reader);
}
