/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "call_flags.h"
#include "array.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* By bit. */
static const char *const names[] = {
        "live",
        "p2p",
        "tunnelled",
        "persistent",
        "undefinesource",
        "suspend",
        "copy-storage-all",
        "copy-storage-inc",
        "change-protection",
        "unsafe",
        "offline",
        "compressed",
        "abort-on-error",
        "auto-converge",
        "rdma-pin-all",
        "postcopy",
        "tls",
        "parallel",
        "copy-storage-synchronous-writes",
        "postcopy-resume",
        "zerocopy",
};

const char *mt_flag_name(unsigned bit)
{
        return bit < MT_ARRAY_SIZE(names) ? names[bit] : NULL;
}

static bool find(const char *word, size_t length, uint64_t *ret_flag)
{
        for (size_t i = 0; i < MT_ARRAY_SIZE(names); i++)
                if (strlen(names[i]) == length && strncmp(names[i], word, length) == 0) {
                        *ret_flag = UINT64_C(1) << i;
                        return true;
                }
        return false;
}

int mt_flags_parse(const char *text, uint64_t *ret_flags)
{
        uint64_t flags = 0, flag;

        while (*text != '\0') {
                size_t length = strcspn(text, ",");

                if (!find(text, length, &flag))
                        return -EINVAL;
                flags |= flag;
                text += length;
                if (*text == ',' && *++text == '\0')
                        return -EINVAL;
        }
        *ret_flags = flags;
        return 0;
}
