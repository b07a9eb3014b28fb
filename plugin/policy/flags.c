/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A flag of the caller's stays unless the intent says "never"; one is added only where the intent says "add", it helps, and
 * libvirt and QEMU take it: a migration must not fail for a flag of ours. Versions that are not known count as old. What
 * goes with what (libvirt 9.0 to 11.3, QEMU 7.2 to 10.1):
 *   post-copy     a live migration of a running guest, not tunnelled; with multifd from QEMU 10.1 on
 *   multifd       not tunnelled
 *   xbzrle        not with multifd, and of no use once post-copy has begun
 *   zstd          only over multifd, from libvirt 9.4 on; not with zero copy
 * and none of them by RDMA. In that order, so post-copy, which the technique was chosen for, goes before multifd, and
 * multifd before xbzrle.
 */
#include "policy/flags.h"
#include "policy/technique.h"
#include "reason.h"

#include <math.h>
#include <string.h>

/*
 * Mbit/s that one connection carries, a thread at each end being its bottleneck. Plain: 8 to 16 of QEMU's fill 100 Gbit/s
 * (KubeVirt, PR 12705). TLS: 300 MB/s (openEuler's QEMU, PR 38). zstd, counting what leaves: a whole migration took 0.4 of
 * a CPU at 1 Gbit/s (KubeVirt's enhancement 246), so this leaves room.
 */
#define STREAM_MBPS 8000.0
#define TLS_STREAM_MBPS 2400.0
#define ZSTD_STREAM_MBPS 1000.0
/* multifd with one connection is a path of its own that few use: at least two. */
#define LEAST_CONNECTIONS 2u

/* xbzrle's cache has one place for each address: room for hot pages that are not where the estimate has them. */
#define CACHE_ROOM 1.25
#define LEAST_CACHE_BYTES (64 * MT_MIB) /* QEMU's default */
#define MEMORY_SHARE 8                  /* a cache takes at most an eighth of the free memory */
#define MOST_CACHE_BYTES (256 * MT_MIB) /* where that is not known */
/* Hot pages that take less of max_downtime than this to copy are not worth a cache. */
#define LEAST_HOT_SHARE 0.1

/* R at this share of what there is for it: the link is the bottleneck. */
#define LINK_FULL 0.9

/* One call while it is looked at. */
struct call {
        const struct mt_facts *facts;
        const struct mt_intent *intent;
        const struct mt_inputs *in;
        struct mt_plan *plan;
        uint64_t flags; /* as they will be */
};

static void add(struct call *call, uint64_t flag)
{
        call->plan->call.flags_add |= flag & ~call->facts->call.flags;
        call->flags |= flag;
}

static void drop_forbidden(struct call *call)
{
        uint64_t drop = mt_flags_forbidden(call->facts, call->intent);
        struct mt_reasons *why = &call->plan->reasons;

        call->plan->call.flags_drop = drop;
        call->flags &= ~drop;
        if ((drop & MT_FLAG_POSTCOPY) != 0)
                mt_reason(why, "the caller's post-copy flag is dropped, and a switch that it asks for refused: post_copy = "
                               "\"never\"");
        if ((drop & MT_FLAG_AUTO_CONVERGE) != 0)
                mt_reason(why, "the caller's auto-converge flag is dropped: auto_converge = \"never\"");
        if ((drop & MT_FLAG_PARALLEL) != 0)
                mt_reason(why, "the caller's multifd is dropped, and what needs it: parallel = \"never\"");
        else if ((drop & MT_FLAG_COMPRESSED) != 0)
                mt_reason(why, "the caller's compression is dropped: compression = \"never\"");
}

static bool may_yet_switch(const struct call *call)
{
        return mt_technique_is_ours(call->intent) && (call->in->hot.hot > 0.0 || !call->plan->limit_met);
}

static void choose_post_copy(struct call *call)
{
        const char *obstacle;

        if ((call->flags & MT_FLAG_POSTCOPY) != 0)
                return;
        if (call->plan->technique == MT_PRE_COPY && !may_yet_switch(call))
                return;
        if (mt_flags_post_copy(call->facts, call->intent, &obstacle) != MT_CALLER_YES)
                return;
        add(call, MT_FLAG_POSTCOPY);
        mt_reason(&call->plan->reasons, "the post-copy flag is added: %s",
                  call->plan->technique != MT_PRE_COPY ? "the technique needs it"
                                                       : "pre-copy alone may turn out not to end within the limit");
}

/* Whole CPUs that are idle; where that is not known, unknown. */
static unsigned idle_cpus(const struct mt_facts *facts, unsigned unknown)
{
        const struct mt_headroom_fact *headroom = &facts->headroom;

        return headroom->cpu_known ? (unsigned)(headroom->cpu_idle_share * headroom->cpus) : unknown;
}

static unsigned connections(double mbps, double each)
{
        return (unsigned)fmin(fmax(ceil(mbps / each), LEAST_CONNECTIONS), MT_MOST_CONNECTIONS);
}

/* Why multifd cannot be added to the call; NULL: it can. */
static const char *multifd_obstacle(const struct call *call)
{
        if (call->intent->parallel != MT_ADD)
                return "parallel is not \"add\"";
        if ((call->flags & MT_FLAG_TUNNELLED) != 0)
                return "the migration is tunnelled";
        if (call->facts->call.by_rdma)
                return MT_FLAGS_BY_RDMA;
        if (call->facts->call.by_unix_socket)
                return "memory goes through a socket of the caller's own";
        if ((call->flags & MT_FLAG_COMPRESSED) != 0)
                return "the caller's compression may not go together with it";
        if ((call->flags & MT_FLAG_POSTCOPY) != 0 && !mt_flags_able(MT_ABILITY_POST_COPY_MULTIFD, &call->facts->call))
                return "it goes together with post-copy only from QEMU 10.1 on";
        return NULL;
}

static void add_multifd(struct call *call, unsigned n)
{
        add(call, MT_FLAG_PARALLEL);
        call->plan->call.connections = n;
}

/* Post-copy from the beginning makes no use of multifd. */
static bool copies_first(const struct mt_plan *plan)
{
        return plan->technique == MT_PRE_COPY || plan->switch_iteration > 1;
}

/* More than one connection where one cannot carry R. */
static void choose_multifd(struct call *call)
{
        const struct mt_plan *plan = call->plan;
        double each = (call->flags & MT_FLAG_TLS) != 0 ? TLS_STREAM_MBPS : STREAM_MBPS;
        double R = mt_mbps(call->plan->bandwidth_bytes_s);
        unsigned idle = idle_cpus(call->facts, MT_MOST_CONNECTIONS);
        unsigned n = connections(R, each);
        const char *obstacle = multifd_obstacle(call);

        if (call->intent->parallel != MT_ADD || (call->flags & MT_FLAG_PARALLEL) != 0 || !copies_first(plan) || R <= each)
                return;
        if (obstacle == NULL && idle < LEAST_CONNECTIONS)
                obstacle = "there are no CPUs idle for it";
        if (obstacle != NULL) {
                mt_reason(&call->plan->reasons, "no multifd: %s", obstacle);
                return;
        }
        add_multifd(call, n < idle ? n : idle);
        mt_reason(&call->plan->reasons, "multifd is added, %u connections: one carries about %.0f Mbit/s, R is %.0f",
                  call->plan->call.connections, each, R);
}

/* The least cache that holds the hot pages; 0: it would be too large. */
static uint64_t cache_bytes(const struct mt_facts *facts)
{
        uint64_t free_bytes = facts->headroom.memory_free_bytes;
        uint64_t most = free_bytes > 0 ? free_bytes / MEMORY_SHARE : MOST_CACHE_BYTES;
        uint64_t cache = LEAST_CACHE_BYTES;

        while ((double)cache < (double)facts->hot_bytes * CACHE_ROOM && cache <= most / 2)
                cache *= 2;
        return cache <= most && (double)cache >= (double)facts->hot_bytes * CACHE_ROOM ? cache : 0;
}

/* Pages are sent more than once, the hot ones over and over, and that makes the last copy long. */
static bool hot_pages_matter(const struct call *call)
{
        const struct mt_plan *plan = call->plan;
        double last_copy = call->in->hot.hot / (mt_mbps(plan->switchover_bytes_s) * MT_PAYLOAD);

        return call->in->hot.hot > 0.0 && (call->flags & MT_FLAG_LIVE) != 0 && !call->facts->call.paused &&
               (plan->technique == MT_PRE_COPY || plan->switch_iteration > 2) &&
               last_copy >= LEAST_HOT_SHARE * call->in->limit;
}

/* False: it was not chosen. */
static bool choose_xbzrle(struct call *call)
{
        struct mt_reasons *why = &call->plan->reasons;
        double hot_mib = (double)call->facts->hot_bytes / (double)MT_MIB;
        uint64_t cache;

        if ((call->flags & MT_FLAG_PARALLEL) != 0 || call->facts->call.by_rdma || !hot_pages_matter(call))
                return false;
        cache = cache_bytes(call->facts);
        if (cache == 0 || idle_cpus(call->facts, 1) < 1) {
                mt_reason(why, "no xbzrle: %s",
                          cache == 0 ? "the hot pages' cache would take too much of the free memory"
                                     : "there is no CPU idle for it");
                return false;
        }
        add(call, MT_FLAG_COMPRESSED);
        call->plan->call.compression = MT_COMPRESSION_XBZRLE;
        call->plan->call.xbzrle_cache_bytes = cache;
        mt_reason(why, "xbzrle is added: %.0f MiB of hot pages fit its cache of %.0f MiB (the predictions do not count it)",
                  hot_mib, (double)cache / (double)MT_MIB);
        return true;
}

static bool link_is_bottleneck(const struct call *call)
{
        double room = call->in->path > 0.0 ? fmin(call->in->path, call->in->available) : call->in->available;

        return !call->plan->limit_met || call->plan->lambda > call->intent->lambda_high ||
               mt_mbps(call->plan->bandwidth_bytes_s) >= LINK_FULL * room;
}

static void choose_zstd(struct call *call)
{
        bool multifd = (call->flags & MT_FLAG_PARALLEL) != 0;
        double R = mt_mbps(call->plan->bandwidth_bytes_s);
        unsigned n = connections(R, ZSTD_STREAM_MBPS);
        const char *obstacle = multifd ? NULL : multifd_obstacle(call);

        if (!copies_first(call->plan) || !link_is_bottleneck(call))
                return;
        if (!mt_flags_able(MT_ABILITY_ZSTD, &call->facts->call))
                obstacle = "libvirt has it from 9.4 on";
        else if ((call->flags & MT_FLAG_ZEROCOPY) != 0)
                obstacle = "the caller wants zero copy";
        else if (R > ZSTD_STREAM_MBPS * MT_MOST_CONNECTIONS)
                obstacle = "the link is faster than it";
        else if (idle_cpus(call->facts, 0) < n)
                obstacle = call->facts->headroom.cpu_known ? "too few CPUs are idle" : "how many CPUs are idle is not known";
        if (obstacle != NULL) {
                mt_reason(&call->plan->reasons, "no zstd: %s%s", multifd ? "" : "over multifd: ", obstacle);
                return;
        }
        if (!multifd || (call->plan->call.connections > 0 && call->plan->call.connections < n))
                add_multifd(call, n);
        add(call, MT_FLAG_COMPRESSED);
        call->plan->call.compression = MT_COMPRESSION_ZSTD;
        mt_reason(&call->plan->reasons,
                  "%s added: the link is the bottleneck, and %u CPUs are idle (the predictions do not count it)",
                  multifd ? "zstd is" : "multifd and zstd are", idle_cpus(call->facts, 0));
}

static void choose_compression(struct call *call)
{
        if (call->intent->compression != MT_ADD || (call->facts->call.flags & MT_FLAG_COMPRESSED) != 0)
                return; /* even if it is dropped with multifd: its parameters are not known here */
        if (!choose_xbzrle(call))
                choose_zstd(call);
}

static void choose_auto_converge(struct call *call)
{
        const struct mt_plan *plan = call->plan;

        if (call->intent->auto_converge != MT_ADD || plan->limit_met || plan->lambda <= call->intent->lambda_high ||
            (call->flags & (MT_FLAG_AUTO_CONVERGE | MT_FLAG_POSTCOPY)) != 0 || (call->flags & MT_FLAG_LIVE) == 0 ||
            call->facts->call.paused)
                return;
        add(call, MT_FLAG_AUTO_CONVERGE);
        mt_reason(
                &call->plan->reasons,
                "the auto-converge flag is added: pre-copy at lambda %.2f does not converge, and there is no post-copy (the "
                "predictions do not count it)",
                plan->lambda);
}

/* bytes_s, or the caller's own limit where that is less and binds. */
static uint64_t within(uint64_t bytes_s, uint64_t callers, const struct mt_facts *facts)
{
        return callers > 0 && callers < bytes_s && !facts->call.override_limits ? callers : bytes_s;
}

static void choose_bandwidths(struct call *call)
{
        const struct mt_call_fact *given = &call->facts->call;
        struct mt_call_changes *changes = &call->plan->call;
        double pace = mt_flags_pace(mt_mbps(call->plan->bandwidth_bytes_s), call->in);

        if ((call->flags & MT_FLAG_POSTCOPY) != 0) {
                changes->bandwidth_postcopy_bytes_s =
                        within(mt_bytes_s(pace), given->bandwidth_postcopy_bytes_s, call->facts);
                mt_reason(&call->plan->reasons,
                          "pace after a switch: %.1f Mbit/s, so that the pages that the guest waits for do not queue",
                          mt_mbps(changes->bandwidth_postcopy_bytes_s));
        }
        if (mt_flags_switchover(call->facts))
                changes->bandwidth_switchover_bytes_s =
                        within(mt_bytes_s(mt_mbps(call->plan->switchover_bytes_s) * MT_PAYLOAD),
                               given->bandwidth_switchover_bytes_s, call->facts);
}

void mt_flags_choose(const struct mt_facts *facts, const struct mt_intent *intent, const struct mt_inputs *in,
                     struct mt_plan *plan)
{
        struct call call = { .facts = facts, .intent = intent, .in = in, .plan = plan, .flags = facts->call.flags };

        (void)memset(&plan->call, 0, sizeof(plan->call)); /* plans are compared whole in tests */
        if (!facts->call.known || facts->call.made || intent->mode == MT_MODE_OFF ||
            (facts->call.flags & (MT_FLAG_OFFLINE | MT_FLAG_POSTCOPY_RESUME)) != 0)
                return;
        plan->call.known = true;
        if (!facts->call.fixed_flags) {
                drop_forbidden(&call);
                choose_post_copy(&call);
                choose_multifd(&call);
                choose_compression(&call);
                choose_auto_converge(&call);
        }
        choose_bandwidths(&call);
}
