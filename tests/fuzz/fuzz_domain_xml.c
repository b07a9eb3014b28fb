/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A domain's XML, and what its policy metadata does to an intent: refused, or every field in its range. */
#include "config.h"
#include "config_keys.h"
#include "measure/domain_xml.h"
#include "measure/uri.h"
#include "replay.h"

#include <stdlib.h>
#include <string.h>

static void check_intent(const struct mt_domain_xml *domain)
{
        struct mt_config config;
        struct mt_intent intent;
        const struct mt_key *key, *other;

        mt_config_defaults(&config);
        (void)mt_config_intent(&config, &domain->id, &domain->metadata, &intent, NULL);
        if (mt_intent_verify(&intent, &key, &other, NULL) < 0 || intent.max_downtime_ms == 0 || intent.max_iterations == 0 ||
            intent.min_bandwidth_bytes_s == 0)
                abort();
}

/* They can be looked through, whatever they are. */
static void check_elements(const struct mt_elements *elements)
{
        const struct mt_element_match match = { .uri = "urn:a", .element = "a/b", .attribute = "c", .value = "[d]*" };

        if (elements->bytes > sizeof(elements->text) || (elements->bytes > 0 && elements->text[elements->bytes - 1] != '\0'))
                abort();
        (void)mt_elements_match(elements, &match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = malloc(size + 1), host[64];
        struct mt_domain_xml domain;
        struct mt_err err = { 0 };

        if (text == NULL)
                return 0;
        if (size > 0)
                (void)memcpy(text, data, size);
        text[size] = '\0';
        if (mt_domain_xml_parse(text, &domain, &err) == 0) {
                if (domain.id.name[0] == '\0' || domain.n_taps > MT_MAX_TAPS)
                        abort();
                check_intent(&domain);
                check_elements(&domain.id.metadata);
        } else if (err.msg[0] == '\0') {
                abort();
        }
        (void)mt_uri_host(text, host, sizeof(host));
        free(text);
        return 0;
}
