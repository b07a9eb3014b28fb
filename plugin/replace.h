/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small files that others read while we write them: replaced by a rename, so that a reader finds the old one or the new one. */
#ifndef MT_REPLACE_H
#define MT_REPLACE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Replaces the file `name` of a directory by one with this text and mode, whatever the umask. It is written beside it as
 * ".NAME.new" first; nothing that lies there is written to or followed. 0 or -errno, and then the old file stays.
 */
int mt_replace_at(int dir_fd, const char *name, const char *text, size_t size, mode_t mode);

#endif
