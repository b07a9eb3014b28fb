/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a call may have and what not, whoever asks for it.
 *
 * No switch to post-copy, whoever set the flag, for a guest with a device of the host's: the device cannot wait for memory
 * that is not there yet. QEMU refuses the flag from 8.2 on; before that the guest dies on the destination ("VFIO_MAP_DMA
 * failed", qemu-devel, 31 August 2023). And none of our own choice for one in huge pages: each that it touches is fetched
 * whole, which at 1 Gbit/s takes 18 ms for 2 MiB and 9 s for 1 GiB.
 */
#include "policy/flags.h"
#include "policy/technique.h"

#include <math.h>

/* The rest of the pace is for the pages that the guest waits for, which QEMU sends in between without a limit. */
#define PACE_SHARE 0.9

bool mt_flags_able(enum mt_ability ability, const struct mt_call_fact *call)
{
        const struct mt_versions versions = { .libvirt = call->libvirt_version, .qemu = call->qemu_version };

        return mt_able(ability, &versions);
}

/* The caller's own compression beside multifd can only be one that needs it, and zero copy does as well. */
uint64_t mt_flags_forbidden(const struct mt_facts *facts, const struct mt_intent *intent)
{
        uint64_t drop = 0;

        if (intent->post_copy == MT_NEVER)
                drop |= MT_FLAG_POSTCOPY;
        if (intent->auto_converge == MT_NEVER)
                drop |= MT_FLAG_AUTO_CONVERGE;
        if (intent->compression == MT_NEVER)
                drop |= MT_FLAG_COMPRESSED;
        if (intent->parallel == MT_NEVER && (facts->call.flags & MT_FLAG_PARALLEL) != 0)
                drop |= MT_FLAG_PARALLEL | MT_FLAG_ZEROCOPY | MT_FLAG_COMPRESSED;
        return drop & facts->call.flags;
}

/* Why a switch to post-copy would do this guest no good, whatever the call says; NULL: it might. */
static const char *guest_obstacle(const struct mt_facts *facts, const struct mt_intent *intent)
{
        if (facts->host_device)
                return "a device of the host's is passed through to the guest";
        if (facts->huge_pages && mt_technique_is_ours(intent))
                return "the guest's memory is in huge pages, each of which would be fetched whole";
        if (facts->call.known && facts->call.paused)
                return "the guest is paused";
        return NULL;
}

/* Why post-copy cannot be added to the call; NULL: it can. */
static const char *post_copy_obstacle(const struct mt_facts *facts, const struct mt_intent *intent)
{
        uint64_t flags = facts->call.flags & ~mt_flags_forbidden(facts, intent);

        if (facts->call.made || facts->call.fixed_flags)
                return "the caller did not start the migration with the post-copy flag";
        if (intent->post_copy != MT_ADD)
                return "the caller did not set the post-copy flag, and post_copy = \"permitted\" adds none";
        if ((flags & MT_FLAG_LIVE) == 0 || (flags & MT_FLAG_PAUSED) != 0)
                return "the migration is not live, or leaves the guest paused";
        if ((flags & MT_FLAG_TUNNELLED) != 0)
                return "the migration is tunnelled";
        if (facts->call.by_rdma)
                return MT_FLAGS_BY_RDMA;
        if ((flags & MT_FLAG_PARALLEL) != 0 && !mt_flags_able(MT_ABILITY_POST_COPY_MULTIFD, &facts->call))
                return "the caller wants multifd, which goes together with it only from QEMU 10.1 on";
        return NULL;
}

enum mt_caller_permits mt_flags_post_copy(const struct mt_facts *facts, const struct mt_intent *intent,
                                          const char **ret_obstacle)
{
        if (intent->post_copy == MT_NEVER) {
                *ret_obstacle = "post_copy = \"never\"";
                return MT_CALLER_NO;
        }
        *ret_obstacle = guest_obstacle(facts, intent);
        if (*ret_obstacle != NULL)
                return MT_CALLER_NO;
        if (facts->call.made && facts->post_copy == MT_CALLER_NO) {
                *ret_obstacle = "libvirt refused the switch";
                return MT_CALLER_NO;
        }
        if (facts->call.known) {
                *ret_obstacle = (facts->call.flags & MT_FLAG_POSTCOPY) != 0 ? NULL : post_copy_obstacle(facts, intent);
                return *ret_obstacle == NULL ? MT_CALLER_YES : MT_CALLER_NO;
        }
        *ret_obstacle = facts->post_copy == MT_CALLER_NO
                                ? "the caller did not start the migration with the post-copy flag"
                                : "whether the caller set the post-copy flag cannot be seen from here";
        return facts->post_copy;
}

bool mt_flags_switchover(const struct mt_facts *facts)
{
        const struct mt_call_fact *call = &facts->call;
        bool settable = call->known && !call->made && !call->fixed_flags;

        return facts->switchover_bandwidth || (settable && mt_flags_able(MT_ABILITY_SWITCHOVER_RATE, call));
}

double mt_flags_pace(double R, const struct mt_inputs *in)
{
        return fmin(R, fmax(in->available, in->min_bandwidth)) * MT_PAYLOAD * PACE_SHARE; /* it must move, too */
}
