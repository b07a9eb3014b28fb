/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The migration's sockets, found by sock_diag among those that the domain's QEMU holds.
 *
 * libvirt connects the migration socket and passes the descriptor to QEMU, so both processes hold it (FACT: libvirt 9.0 to
 * 11.3). The QEMU process is found by its pid file or by the domain's uuid on a command line in /proc; its sockets by
 * /proc/PID (socket_inodes.h); addresses and ports by an inet_diag dump. Where that may not be read (no CAP_SYS_PTRACE), the
 * sockets whose remote port is in libvirt's migration range 49152-49215 are taken instead.
 */
#ifndef MT_MEASURE_SOCKETS_H
#define MT_MEASURE_SOCKETS_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define MT_MIGRATION_PORT_MIN 49152u
#define MT_MIGRATION_PORT_MAX 49215u /* qemu.conf: migration_port_min, migration_port_max */
#define MT_MAX_FLOWS 32              /* multifd and NBD open more than one connection */

struct mt_flow {
        struct sockaddr_storage local, peer; /* AF_INET or AF_INET6, v4-mapped given as AF_INET; peer empty: listening */
        uint64_t rtt_us;                     /* smoothed, as TCP has it; 0: unknown */
};

struct mt_flows {
        unsigned n;
        bool guessed; /* found by port range alone */
        struct mt_flow flow[MT_MAX_FLOWS];
};

/* The process id of the domain's QEMU, or -ESRCH. */
int mt_qemu_pid(const char *name, const char *uuid, pid_t *ret_pid, struct mt_err *err);

/*
 * The outgoing migration connections of the QEMU process: established, remote port in the migration range, remote address
 * not loopback unless nothing else is found; connections that arrived at a port of its own (VNC) are left out. -ENOENT: none
 * yet, or none that can be told apart (tunnelled, unix socket). -ESRCH: no such process.
 */
int mt_sockets_outgoing(pid_t pid, struct mt_flows *ret, struct mt_err *err);

/* Where an incoming QEMU listens or is already connected: local addresses and ports. -ENOENT as above. */
int mt_sockets_incoming(pid_t pid, struct mt_flows *ret, struct mt_err *err);

#endif
