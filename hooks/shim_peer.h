/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks the daemon that the shim is in. */
#ifndef MT_SHIM_PEER_H
#define MT_SHIM_PEER_H

#include <stdbool.h>

/*
 * In a thread of a libvirt daemon that serves a client's call: true if the client is migtune's own program, or may be, as
 * far as can be known. Resets libvirt's last error.
 */
bool mt_shim_peer_may_be_migtune(void);

#endif
