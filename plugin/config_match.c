/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rule's group `match`: which VMs it is for. */
#include "array.h"
#include "config_reader.h"

#include <stdio.h>
#include <string.h>

/* A text that the group may have. */
struct member {
        const char *name;
        char *to;
        size_t size;
};

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

/* "unknown key, expected one of a, b" */
static int refuse_unknown(const struct mt_config_reader *reader, const config_setting_t *setting, const char *label,
                          const struct member *members, size_t n, const char *also)
{
        char what[160] = "unknown key, expected one of ";

        for (size_t i = 0; i < n; i++)
                (void)snprintf(what + strlen(what), sizeof(what) - strlen(what), "%s%s", i > 0 ? ", " : "", members[i].name);
        (void)snprintf(what + strlen(what), sizeof(what) - strlen(what), "%s", also);
        return mt_config_refuse(reader, setting, label, what);
}

/* Takes the text of one of n members. */
static int read_text(const struct mt_config_reader *reader, const config_setting_t *setting, const char *label,
                     const struct member *members, size_t n, const char *also)
{
        const char *text = config_setting_get_string(setting);
        char what[64];
        size_t m = 0;

        while (m < n && strcmp(members[m].name, config_setting_name(setting)) != 0)
                m++;
        if (m == n)
                return refuse_unknown(reader, setting, label, members, n, also);
        if (text == NULL || text[0] == '\0' || (strlen(text) >= members[m].size && strcmp(members[m].name, "uuid") != 0)) {
                (void)snprintf(what, sizeof(what), "expected text of 1 to %zu characters", members[m].size - 1);
                return mt_config_refuse(reader, setting, label, what);
        }
        (void)snprintf(members[m].to, members[m].size, "%s", text);
        if (strcmp(members[m].name, "uuid") == 0 && (strlen(text) >= members[m].size || !normalize_uuid(members[m].to)))
                return mt_config_refuse(reader, setting, label,
                                        "expected a uuid such as \"8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90\"");
        return 0;
}

/* Local names with a "/" between them. */
static bool element_ok(const char *path)
{
        return path[0] != '/' && path[strlen(path) - 1] != '/' && strstr(path, "//") == NULL &&
               strpbrk(path, " \t\r\n:@<>\"") == NULL;
}

static int read_metadata(const struct mt_config_reader *reader, const config_setting_t *group, const char *label,
                         struct mt_element_match *match)
{
        const struct member members[] = {
                { "namespace", match->uri, sizeof(match->uri) },
                { "element", match->element, sizeof(match->element) },
                { "attribute", match->attribute, sizeof(match->attribute) },
                { "value", match->value, sizeof(match->value) },
        };

        if (!config_setting_is_group(group))
                return mt_config_refuse(reader, group, label,
                                        "expected a group { namespace = \"...\"; element = \"...\"; ... }");
        for (int i = 0; i < config_setting_length(group); i++) {
                const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
                char inner[128];
                int r;

                (void)snprintf(inner, sizeof(inner), "%s.%s", label, config_setting_name(setting));
                r = read_text(reader, setting, inner, members, MT_ARRAY_SIZE(members), "");
                if (r < 0)
                        return r;
                if (strcmp(config_setting_name(setting), "element") == 0 && !element_ok(match->element))
                        return mt_config_refuse(reader, setting, inner,
                                                "expected names without prefix, such as \"policy\" or \"instance/flavor\"");
        }
        if (match->uri[0] == '\0' || match->element[0] == '\0')
                return mt_config_refuse(reader, group, label, "expected namespace and element in it");
        return 0;
}

int mt_config_match_read(const struct mt_config_reader *reader, const config_setting_t *group, const char *rule_label,
                         struct mt_match *match)
{
        const struct member members[] = {
                { "name", match->name, sizeof(match->name) },
                { "uuid", match->uuid, sizeof(match->uuid) },
                { "title", match->title, sizeof(match->title) },
                { "flavor", match->nova_flavor, sizeof(match->nova_flavor) },
                { "project", match->nova_project, sizeof(match->nova_project) },
        };

        for (int i = 0; i < config_setting_length(group); i++) {
                const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
                char label[96];
                int r;

                (void)snprintf(label, sizeof(label), "%s.match.%s", rule_label, config_setting_name(setting));
                if (strcmp(config_setting_name(setting), "metadata") == 0)
                        r = read_metadata(reader, setting, label, &match->metadata);
                else
                        r = read_text(reader, setting, label, members, MT_ARRAY_SIZE(members), ", metadata");
                if (r < 0)
                        return r;
        }
        return 0;
}
