/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the operator wants for one VM: defaults, then the first rule that matches, then the VM's own metadata. */
#include "config.h"
#include "config_file.h"
#include "config_keys.h"
#include "origin.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool glob(const char *pattern, const char *text)
{
        return pattern[0] == '\0' || fnmatch(pattern, text, 0) == 0;
}

static bool matches(const struct mt_match *match, const struct mt_identity *who)
{
        return glob(match->name, who->name) && glob(match->title, who->title) &&
               (match->uuid[0] == '\0' || strcasecmp(match->uuid, who->uuid) == 0) &&
               (match->nova_flavor[0] == '\0' || strcmp(match->nova_flavor, who->nova_flavor) == 0) &&
               (match->nova_project[0] == '\0' || strcmp(match->nova_project, who->nova_project) == 0 ||
                strcmp(match->nova_project, who->nova_project_name) == 0) &&
               (match->metadata.uri[0] == '\0' || mt_elements_match(&who->metadata, &match->metadata));
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

        for (unsigned i = 0; i < metadata->n; i++) {
                if (mt_intent_set(intent, metadata->attribute[i].key, metadata->attribute[i].value, err) < 0)
                        return mt_wrap(err, "metadata");
                mt_origin_set(intent, mt_key_by_intent(metadata->attribute[i].key), MT_ORIGIN_METADATA);
        }
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
