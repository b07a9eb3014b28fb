/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the operator wants for one VM: defaults, then the first rule that matches, then the VM's own metadata. */
#include "config.h"
#include "config_file.h"
#include "config_keys.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool matches(const struct mt_identity *pattern, const struct mt_identity *who)
{
        return (pattern->name[0] == '\0' || fnmatch(pattern->name, who->name, 0) == 0) &&
               (pattern->uuid[0] == '\0' || strcasecmp(pattern->uuid, who->uuid) == 0) &&
               (pattern->nova_flavor[0] == '\0' || strcmp(pattern->nova_flavor, who->nova_flavor) == 0) &&
               (pattern->nova_project[0] == '\0' || strcmp(pattern->nova_project, who->nova_project) == 0 ||
                strcmp(pattern->nova_project, who->nova_project_name) == 0);
}

int mt_intent_set(struct mt_intent *intent, const char *key, const char *value, struct mt_err *err)
{
        const struct mt_key *row = mt_key_by_intent(key);

        if (row == NULL)
                return mt_fail(err, EINVAL, "%.40s: unknown key, expected a key of the migration group such as max_downtime",
                               key);
        if (mt_key_set_text(row, intent, value, err) < 0) {
                (void)mt_wrap(err, "%s", key);
                return -EINVAL;
        }
        return 0;
}

static int apply_metadata(const struct mt_metadata *metadata, struct mt_intent *intent, struct mt_err *err)
{
        const struct mt_key *key, *other;

        for (unsigned i = 0; i < metadata->n; i++)
                if (mt_intent_set(intent, metadata->attribute[i].key, metadata->attribute[i].value, err) < 0)
                        return mt_wrap(err, "metadata");
        if (mt_intent_verify(intent, &key, &other, err) < 0)
                return mt_wrap(err, "metadata: %s", key->intent);
        (void)snprintf(intent->from, sizeof(intent->from), "metadata");
        return 0;
}

int mt_config_intent(const struct mt_config *config, const struct mt_identity *who, const struct mt_metadata *metadata,
                     struct mt_intent *ret_intent, struct mt_err *err)
{
        struct mt_intent intent = config->defaults, wished;
        struct mt_err scratch;

        for (size_t i = 0; i < config->n_rules; i++)
                if (matches(&config->rules[i].match, who)) {
                        mt_rule_apply(&config->rules[i], &intent);
                        (void)snprintf(intent.from, sizeof(intent.from), "rule:%zu (%s)", i + 1, config->rules[i].origin);
                        break;
                }
        *ret_intent = intent;
        if (metadata == NULL || metadata->n == 0)
                return 0;
        wished = intent;
        if (apply_metadata(metadata, &wished, err != NULL ? err : &scratch) < 0)
                return -EINVAL;
        *ret_intent = wished;
        return 0;
}
