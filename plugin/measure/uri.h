/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_MEASURE_URI_H
#define MT_MEASURE_URI_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The host in a libvirt or migration URI ("qemu+ssh://user@[::1]:22/system", "tcp://10.0.0.2:49152"), without brackets.
 * -EINVAL: not a URI, or its host is no name or address; -ENOENT: it names no host ("qemu:///system"); -ENAMETOOLONG: it
 * does not fit. *ret_host changes only on success.
 */
int mt_uri_host(const char *uri, char *ret_host, size_t size);

/*
 * True for a URI of another host's libvirt that only opens a connection: "qemu[+tls|+tcp]://HOST.../system" without a query.
 * The other transports run programs, and a query may name them.
 */
bool mt_uri_is_plain(const char *uri);

#endif
