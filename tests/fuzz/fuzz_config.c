/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A configuration file: refused with a message, or whole. */
#include "config.h"
#include "config_keys.h"
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
                struct mt_intent intent;

                if (mt_intent_verify(&config.defaults, &key, &other, NULL) < 0)
                        abort();
                (void)mt_config_intent(&config, &(struct mt_identity){ .name = "vm1", .nova_flavor = "batch" }, NULL,
                                       &intent, NULL);
                if (mt_intent_verify(&intent, &key, &other, NULL) < 0)
                        abort();
                mt_config_done(&config);
        } else if (err.msg[0] == '\0' || strchr(err.msg, ':') == NULL) {
                abort();
        }
        (void)close(fd);
        return 0;
}
