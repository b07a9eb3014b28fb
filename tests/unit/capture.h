/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs `migtune model` as a host that runs no programs would, and keeps what it prints. For tests of one thread.
 */
#ifndef MT_TEST_CAPTURE_H
#define MT_TEST_CAPTURE_H

#include "command/model/model.h"
#include "log.h"

#include <string.h>

#define CAPTURE_SIZE 262144

struct capture {
        int status;
        char out[CAPTURE_SIZE], err[CAPTURE_SIZE];
};

static inline void capture_print(void *ctx, int32_t stream, const char *text)
{
        struct capture *capture = ctx;
        char *to = stream == 1 ? capture->out : capture->err;

        (void)strncat(to, text, CAPTURE_SIZE - 1 - strlen(to));
}

/* Runs the command with argv[0..argc), argv[0] = "model". The result is valid until the next call. */
static inline const struct capture *capture_model(int argc, const char *const *argv)
{
        const struct mt_host_ops host = { .struct_size = sizeof(host), .abi_major = MT_ABI_MAJOR };
        static struct capture capture;

        capture.out[0] = capture.err[0] = '\0';
        mt_log_init(NULL, capture_print, &capture);
        capture.status = mt_command_model(&host, argc, argv);
        mt_log_init(NULL, NULL, NULL);
        return &capture;
}

#endif
