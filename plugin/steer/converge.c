/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: non-convergence is decided, not waited for.
 *
 * Each time that a round begins, the rounds to come are predicted (policy/converge.h) from what remains, the dirty rate in
 * flight, the hot pages and the rate that the copy really gets. If they come down to what may remain, all is well. If another
 * one would lead nowhere, and the last one did not lead anywhere either, that is evidence; two such rounds in a row (three
 * where the dirty rate comes in bursts, since a quiet moment may help) are enough. A migration that runs into max_iterations, or
 * is past its deadline and would need half as long again, is treated alike.
 *
 * Then the best remedy that is permitted is taken: post-copy; QEMU's own auto-converge, if its caller enabled that and it can
 * still slow the guest down further; else what on_no_convergence says. `exceed` waits, for a few rounds, for a moment with no
 * more to send than in the best one lately (a local minimum, which makes a difference with bursts). Where even exceed_downtime
 * does not suffice it waits for a moment in which that does, until its deadline is past or max_iterations are done: then it
 * aborts.
 *
 * No evidence is what comes from our own making: rounds while it trickles, and rounds that would converge with the rate that
 * it had if no other migration ran. The deadline counts all the same.
 */
#include "clock.h"
#include "log.h"
#include "policy/converge.h"
#include "steer/job_state.h"

#include <math.h>
#include <stdio.h>

#define FIRST_JUDGED 2u       /* iteration: as it begins the first pass is done */
#define EVIDENCE 2u           /* rounds */
#define EVIDENCE_OF_BURSTS 3u /* rounds, where the dirty rate's spread is more than BURSTY of it */
#define BURSTY 0.5
#define ROUNDING 1e-6    /* rounds */
#define LATE 1.5         /* of the deadline */
#define THROTTLE_MOST 99 /* per cent: QEMU's max-cpu-throttle */
#define WAIT_ROUNDS 4u   /* for a local minimum */

/* What is known of the copy as a round begins. Rates in Mbit/s of payload, amounts in Mbit. */
struct standing {
        struct mt_inputs in;
        double remaining, enough;
        double R, Rs;     /* while copying; of the last copy */
        double needed_ms; /* that a stop now would take */
        struct mt_outlook outlook;
};

static bool stand(const struct mt_job *job, struct standing *ret)
{
        struct standing s = { .remaining = mt_mbit(job->stats.memory_remaining_bytes) };
        uint64_t rate = job->facts.path_bytes_s > 0 ? job->facts.path_bytes_s : job->plan.bandwidth_bytes_s;

        s.R = mt_mbps(rate) * MT_PAYLOAD;
        s.Rs = mt_mbps(job->plan.switchover_bytes_s) * MT_PAYLOAD;
        if (s.R <= 0.0 || s.Rs <= 0.0)
                return false;
        mt_inputs_make(&job->facts, &job->intent, &s.in, /* why= */ NULL);
        s.enough = fmax(s.in.limit - s.in.tg, 0.0) * s.Rs;
        s.needed_ms = (s.remaining / s.Rs + s.in.tg) * 1e3;
        s.outlook = mt_outlook(s.remaining, s.enough, s.R, &s.in);
        *ret = s;
        return true;
}

/* It would converge if no other migration ran. */
static bool is_squeezed(const struct mt_job *job, const struct standing *s)
{
        double alone = mt_mbps(job->plan.wanted_bytes_s) * MT_PAYLOAD;

        return job->facts.waits_turn || (alone > s->R && job->facts.granted_bytes_s > 0 && job->facts.path_bytes_s == 0 &&
                                         mt_outlook(s->remaining, s->enough, alone, &s->in).converges);
}

/* One more round is known. True: enough of them have led nowhere. */
static bool is_stalled(struct mt_job *job, const struct standing *s)
{
        double before = mt_mbit(job->stall.last_remaining_bytes);
        unsigned enough = (double)job->facts.dirty_spread_bytes_s > BURSTY * (double)job->facts.dirty_rate_bytes_s
                                  ? EVIDENCE_OF_BURSTS
                                  : EVIDENCE;
        bool led_nowhere = before > 0.0 && s->remaining > MT_STALL_SHARE * before;

        job->stall.last_remaining_bytes = job->stats.memory_remaining_bytes;
        if (s->outlook.converges || is_squeezed(job, s) || !led_nowhere)
                job->stall.evidence = 0;
        else
                job->stall.evidence++;
        return job->stall.evidence >= enough;
}

static bool is_late(const struct mt_job *job, const struct standing *s)
{
        uint64_t per_gib_ms = job->intent.deadline_ms_per_gib[job->intent.urgency];
        double deadline, elapsed = mt_seconds(job->stats.elapsed_ms);

        if (per_gib_ms == MT_AUTO || per_gib_ms == 0)
                return false;
        deadline = mt_seconds(per_gib_ms) * (double)job->facts.memory_bytes / (double)MT_GIB;
        return elapsed > deadline && (!s->outlook.converges || elapsed + s->outlook.seconds > LATE * deadline);
}

/* One line in the log and in the record. */
static void say(struct mt_job *job, const char *why, const struct standing *s, const char *what)
{
        char text[256];

        (void)snprintf(text, sizeof(text),
                       "%s (D %.0f Mbit/s, R %.0f); stopping would take %.0f ms, max_downtime is %.0f ms: %s", why, s->in.D,
                       s->R, s->needed_ms, s->in.limit * 1e3, what);
        mt_job_event(job, "%s", text);
        mt_log(MT_LOG_WARNING, "domain '%s': %s", job->xml.id.name, text);
}

static void carry_out(struct mt_job *job, enum mt_remedy remedy, const char *why, const struct standing *s)
{
        switch (remedy) {
        case MT_REMEDY_POST_COPY:
                job->switch_asked = true;
                job->asked_in = job->iteration;
                mt_agent_want_post_copy(job->agent);
                return;
        case MT_REMEDY_EXCEED:
                mt_job_stop_now(job);
                return;
        case MT_REMEDY_ABORT:
                job->gave_up = true;
                (void)snprintf(job->why, sizeof(job->why), "aborted: %.71s; stopping would take %u ms", why,
                               (unsigned)fmin(s->needed_ms, 4e9));
                mt_agent_want_abort(job->agent);
                return;
        case MT_REMEDY_CONTINUE:
                job->gave_up = true;
                return;
        case MT_REMEDY_THROTTLE:
        case MT_REMEDY_WAIT:
                return;
        }
}

/* Whether this is as good a moment as any lately. Waits no longer than WAIT_ROUNDS for it. */
static bool is_local_least(struct mt_job *job)
{
        uint64_t now = job->stats.memory_remaining_bytes;
        uint64_t best = job->stall.least_remaining_bytes;

        if (best == 0 || now < best)
                job->stall.least_remaining_bytes = now;
        return best == 0 || (double)now * MT_STALL_SHARE <= (double)best || ++job->stall.waited > WAIT_ROUNDS;
}

static void remedy(struct mt_job *job, const char *why, bool late, const struct standing *s)
{
        struct mt_stall stall = {
                .needed_ms = s->needed_ms,
                .throttling = job->stats.throttle_percent > 0 && job->stats.throttle_percent < THROTTLE_MOST,
                .local_least = is_local_least(job),
                .late = late,
        };
        enum mt_remedy choice = mt_remedy_choose(&job->facts, &job->intent, &stall);

        if (job->stall.said != (int)choice + 1) /* each once */
                say(job, why, s, mt_remedy_name(choice));
        job->stall.said = (int)choice + 1;
        if (job->agent != NULL && job->intent.mode == MT_MODE_ENFORCE)
                carry_out(job, choice, why, s);
}

void mt_job_judge(struct mt_job *job)
{
        struct standing s;
        char why[72];
        bool stalled, late, last = job->rounds > (double)job->intent.max_iterations - ROUNDING;

        if (job->gave_up || job->switch_asked || job->iteration < FIRST_JUDGED || !stand(job, &s))
                return;
        stalled = is_stalled(job, &s);
        late = is_late(job, &s);
        if (s.remaining <= s.enough) /* the iteration cap sees to that, or QEMU itself */
                return;
        if (stalled)
                (void)snprintf(why, sizeof(why), "does not converge: another round would leave about %.0f MiB",
                               s.outlook.least * 1e6 / 8.0 / (double)MT_MIB);
        else if (last)
                (void)snprintf(why, sizeof(why), "not converged after %u iterations", job->intent.max_iterations);
        else if (late)
                (void)snprintf(why, sizeof(why), "past its deadline, and not converged");
        else
                return;
        remedy(job, why, late || last, &s);
}
