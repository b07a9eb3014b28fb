/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a program for the plugin, which makes no processes itself. */
#ifndef MT_CHILD_H
#define MT_CHILD_H

#include <stdint.h>

/* run of struct mt_host_ops. */
int32_t mt_child_run(void *ctx, const char *const *argv, const char *input);

#endif
