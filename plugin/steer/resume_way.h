/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a broken post-copy can be resumed from here: through which libvirt, to which address, with which flags. */
#ifndef MT_STEER_RESUME_WAY_H
#define MT_STEER_RESUME_WAY_H

#include "steer/recover_note.h"
#include "steer/resumer.h"

#include <stddef.h>

struct mt_host;
struct mt_job;

/*
 * What there is to know of the job's migration now; what an earlier watcher noted stays where it is all there is. A call's
 * URI counts where root told of it, or where it is one that only opens a connection (measure/uri.h): libvirtd is root.
 */
void mt_resume_learn(const struct mt_job *job, struct mt_recover_note *note);

/*
 * All ways that are known, into ret[MT_RESUME_WAYS]; their number. First the URI of a call that was peer to peer: libvirtd
 * itself took it; then destination.uri with the peer's address; last the URI of a call whose client conducted the migration,
 * which may not work from here.
 */
unsigned mt_resume_ways(const struct mt_host *host, const struct mt_recover_note *note, struct mt_resume *ret);

/* What an operator would type: "virsh migrate --live ... DOMAIN qemu://PEER/system". Returns ret. */
const char *mt_resume_command(const struct mt_recover_note *note, const char *domain, char *ret, size_t size);

#endif
