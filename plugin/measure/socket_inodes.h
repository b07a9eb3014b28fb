/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which sockets a process holds, by inode number, as an inet_diag dump names them. */
#ifndef MT_MEASURE_SOCKET_INODES_H
#define MT_MEASURE_SOCKET_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mt_socket_inodes {
        size_t n, room;
        uint32_t *inode; /* sorted */
};

/*
 * Reads them from /proc. Another user's process: with CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, or since Linux 5.14 with
 * CAP_SYS_PTRACE alone. *ret, initialised to zero by the caller, is to be freed with mt_socket_inodes_done() whatever is
 * returned. Returns 0, -ESRCH, -EACCES, -ENOMEM.
 */
int mt_socket_inodes_read(pid_t pid, struct mt_socket_inodes *ret);

bool mt_socket_inodes_have(const struct mt_socket_inodes *inodes, uint32_t inode);

void mt_socket_inodes_done(struct mt_socket_inodes *inodes);

#endif
