/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A configuration file: refused with a message, or whole. */
#include "config.h"
#include "config_keys.h"
#include "origin.h"
#include "replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int fd = memfd_create("fuzz", MFD_CLOEXEC);
        struct mt_config config;
        struct mt_err err = { 0 };
        char path[64];

        if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
                abort();
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (mt_config_load(path, &config, &err) == 0) {
                const struct mt_key *key, *other;
                struct mt_identity who = { .name = "vm1", .title = "Shop: db", .nova_flavor = "batch" };
                struct mt_intent intent;
                char text[MT_ORIGIN_SIZE];

                if (mt_intent_verify(&config.defaults, &key, &other, NULL) < 0)
                        abort();
                mt_elements_add(&who.metadata, "urn:acme:inventory:1", "vm", "tier", "gold");
                (void)mt_config_intent(&config, &who, NULL, &intent, NULL);
                for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++)
                        if (mt_origin_text(&intent, mt_key_at(i), text, sizeof(text))[0] == '\0')
                                abort();
                if (mt_intent_verify(&intent, &key, &other, NULL) < 0)
                        abort();
                mt_config_done(&config);
        } else if (err.msg[0] == '\0' || strchr(err.msg, ':') == NULL) {
                abort();
        }
        (void)close(fd);
        return 0;
}
