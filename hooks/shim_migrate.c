/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * 1. Learn who moves: name, UUID, state. A domain that libvirt does not know any more is libvirt's to refuse.
 * 2. Ask the plugin. "Not yet" means to wait and ask again; AbortJob of the same domain in this process ends the wait, and
 *    the call returns what libvirt's would: -1 and VIR_ERR_OPERATION_ABORTED.
 * 3. Make the call, as it was given or as the plugin advised.
 * 4. If libvirt refuses the changed call before it begins it, make the caller's own. A migration that had begun is never
 *    repeated: the error must be of a kind that comes before the beginning, must come soon, must have left the guest as it
 *    was, and the plugin, whose watcher sees what QEMU does, must not object.
 * 5. Tell the plugin the end.
 *
 * Whatever fails on the way leads to the call as it was given. errno before the call is the caller's, after it the call's;
 * the last error after it is the call's as well: libvirt's functions reset it at their start, so what is asked of libvirt
 * before the call leaves no trace, and what is asked after it is undone.
 */
#include "shim_migrate.h"
#include "shim_ask.h"
#include "shim_error.h"
#include "shim_guard.h"
#include "shim_jobs.h"
#include "shim_log.h"
#include "shim_real.h"
#include "shim_time.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define ADVICE_MS 2000u
#define REPORT_MS 1000u

#define MIN_WAIT_MS 50u
#define MAX_WAIT_MS 60000u
#define MAX_HOLD_MS 3600000u /* the plugin bounds a wait; this is for one that does not */

#define REFUSED_WITHIN_MS 60000u /* the destination may start a large guest's QEMU before it finds a flag to refuse */

/* What is true of a call before it is made. */
struct facts {
        uint64_t version;
        int state, reason; /* virDomainState */
        char *dconn_uri;   /* allocated */
        struct mt_shim_job job;
        bool is_silent; /* the plugin has no ticket for the call: it does not want to hear of it */
        char ticket[sizeof(((struct mt_advice *)0)->ticket)];
};

enum verdict { AS_GIVEN, TUNED, CANCELLED };

static int make(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        int status;

        errno = m->entry_errno;
        status = m->make(m, params);
        m->exit_errno = errno;
        return status;
}

static bool learn(const struct mt_shim_migration *m, struct facts *f)
{
        const struct mt_shim_real *real = mt_shim_real();

        if (real->virDomainGetName == NULL || real->virDomainGetUUIDString == NULL || real->virDomainGetState == NULL)
                return false;
        f->version = mt_shim_version();
        f->job.name = real->virDomainGetName(m->domain);
        f->job.by_daemon = m->by_daemon;
        f->job.can_cancel = mt_shim_error_can_set(f->version);
        if (f->version == 0 || f->job.name == NULL || real->virDomainGetUUIDString(m->domain, f->job.uuid) < 0 ||
            real->virDomainGetState(m->domain, &f->state, &f->reason, 0) < 0)
                return false;
        if (m->dconn != NULL && real->virConnectGetURI != NULL)
                f->dconn_uri = real->virConnectGetURI(m->dconn);
        return true;
}

static void describe(const struct mt_shim_migration *m, const struct facts *f, struct mt_call *call)
{
        bool is_running = f->state == VIR_DOMAIN_RUNNING || f->state == VIR_DOMAIN_BLOCKED;

        call->timeout_ms = ADVICE_MS;
        call->attach = m->by_daemon ? MT_CALL_BY_DAEMON : MT_CALL_BY_CLIENT;
        call->state = (is_running ? 0 : MT_CALL_PAUSED) | (m->has_fixed_flags ? MT_CALL_FIXED_FLAGS : 0);
        call->domain = f->job.name;
        call->uuid = f->job.uuid;
        call->uri = m->dconnuri != NULL ? m->dconnuri : f->dconn_uri;
        call->migrate_uri = m->uri;
        call->libvirt_version = f->version;
        mt_shim_params_read(&m->given, call);
}

static int tell(const struct facts *f, uint32_t what, int status, const char *text)
{
        const struct mt_report report = {
                .timeout_ms = REPORT_MS,
                .what = what,
                .result = status,
                .uuid = f->job.uuid,
                .ticket = what != MT_REPORT_ABORT ? f->ticket : NULL,
                .text = text,
        };

        return mt_shim_ask_report(&report);
}

/* What a plugin filled in, made safe to use. */
static void take(struct facts *f, struct mt_advice *advice)
{
        advice->compression[sizeof(advice->compression) - 1] = '\0';
        advice->ticket[sizeof(advice->ticket) - 1] = '\0';
        advice->reason[sizeof(advice->reason) - 1] = '\0';
        (void)memcpy(f->ticket, advice->ticket, sizeof(f->ticket));
}

/* Waits as advised. 0: ask again; -ECANCELED; other errors: it can wait no longer. */
static int hold(struct facts *f, const struct mt_advice *advice, uint64_t until_ms)
{
        uint32_t ms = advice->wait_ms;
        int r;

        if (mt_shim_now_ms() >= until_ms) {
                mt_shim_log(LOG_WARNING, NULL, "domain '%s': waited for %u s, and waits no longer", f->job.name,
                            MAX_HOLD_MS / 1000);
                return -ETIMEDOUT;
        }
        ms = ms < MIN_WAIT_MS ? MIN_WAIT_MS : ms > MAX_WAIT_MS ? MAX_WAIT_MS : ms;
        r = mt_shim_jobs_hold(&f->job, ms);
        if (r == -EAGAIN)
                mt_shim_log(LOG_WARNING, NULL, "domain '%s': too many migrations wait in this daemon, so it does not",
                            f->job.name);
        return r;
}

/* Asks until there is an answer to act on. */
static enum verdict decide(const struct mt_shim_migration *m, struct facts *f, struct mt_advice *advice)
{
        const uint64_t until_ms = mt_shim_now_ms() + MAX_HOLD_MS;
        struct mt_call call = { .struct_size = sizeof(call) };
        bool is_said = false;
        int r;

        describe(m, f, &call);
        for (;;) {
                r = mt_shim_ask_advice(&call, advice);
                if (r < 0)
                        return AS_GIVEN;
                take(f, advice);
                if (advice->action != MT_ADVICE_WAIT)
                        break;
                if (!is_said)
                        mt_shim_log(LOG_INFO, NULL, "domain '%s' waits: %s", f->job.name, advice->reason);
                is_said = true;
                r = hold(f, advice, until_ms);
                if (r < 0)
                        return AS_GIVEN; /* or cancelled, which begin() tells */
                call.ticket = f->ticket[0] != '\0' ? f->ticket : NULL;
        }
        f->is_silent = f->ticket[0] == '\0';
        return advice->action == MT_ADVICE_TUNE ? TUNED : AS_GIVEN;
}

/*
 * True if the guest is as it was before the call. One that was paused and resumed by a migration has another reason to run,
 * unless it had it before; then an error that can also end a migration says too little.
 */
static bool is_untouched(const struct mt_shim_migration *m, const struct facts *f)
{
        bool is_ambiguous = mt_shim_error_code() == VIR_ERR_OPERATION_INVALID;
        int state = -1, reason = -1, r;
        virErrorPtr error;

        if (!f->job.can_cancel) /* the last error could not be set again */
                return !is_ambiguous;
        if (is_ambiguous && f->state == VIR_DOMAIN_RUNNING && f->reason == VIR_DOMAIN_RUNNING_MIGRATION_CANCELED)
                return false;
        error = mt_shim_error_save();
        r = mt_shim_real()->virDomainGetState(m->domain, &state, &reason, 0);
        mt_shim_error_restore(error);
        return r == 0 && state == f->state && reason == f->reason;
}

/* True if the call that has just failed is to be made as the caller gave it. The last error stays as it is. */
static bool may_repeat(const struct mt_shim_migration *m, const struct facts *f, uint64_t began_ms)
{
        if (m->has_fixed_flags || !mt_shim_error_is_refusal() || mt_shim_now_ms() - began_ms > REFUSED_WITHIN_MS ||
            !is_untouched(m, f))
                return false;
        if (f->ticket[0] != '\0' && tell(f, MT_REPORT_RETRIED, -1, mt_shim_error_text()) > 0)
                return false;
        mt_shim_log(LOG_WARNING, NULL, "domain '%s': libvirt refused the tuned call (%s), making the caller's own",
                    f->job.name, mt_shim_error_text() != NULL ? mt_shim_error_text() : "no reason given");
        return true;
}

static int make_tuned(struct mt_shim_migration *m, const struct facts *f, const struct mt_advice *advice)
{
        const struct mt_shim_limits limits = { f->version, m->has_fixed_flags };
        const uint64_t began_ms = mt_shim_now_ms();
        struct mt_shim_params changed;
        int status, r;

        r = mt_shim_params_change(&m->given, advice, &limits, &changed);
        if (r < 0) {
                mt_shim_log(LOG_WARNING, NULL, "domain '%s': %s, leaving the migration untuned", f->job.name, strerror(-r));
                return make(m, &m->given);
        }
        if (advice->reason[0] != '\0')
                mt_shim_log(LOG_INFO, NULL, "domain '%s': %s", f->job.name, advice->reason);
        status = make(m, &changed);
        if (status < 0 && may_repeat(m, f, began_ms))
                status = make(m, &m->given);
        mt_shim_params_done(&changed);
        return status;
}

static int end_as_aborted(struct mt_shim_migration *m, const struct facts *f)
{
        mt_shim_log(LOG_INFO, NULL, "domain '%s': its migration was aborted while it waited", f->job.name);
        (void)tell(f, MT_REPORT_ABORT, 0, NULL);
        mt_shim_error_set_aborted(m->domain);
        m->moved = NULL;
        m->exit_errno = m->entry_errno;
        return -1;
}

static int run(struct mt_shim_migration *m, struct facts *f)
{
        struct mt_advice advice = { .struct_size = sizeof(advice) };
        enum verdict verdict = AS_GIVEN;
        int status;

        mt_shim_jobs_add(&f->job);
        if ((m->given.flags & VIR_MIGRATE_POSTCOPY_RESUME) == 0) /* nothing is left to choose for a broken post-copy */
                verdict = decide(m, f, &advice);
        if (mt_shim_jobs_begin(&f->job, f->is_silent) < 0)
                verdict = CANCELLED;
        if (verdict == CANCELLED)
                status = end_as_aborted(m, f);
        else
                status = verdict == TUNED ? make_tuned(m, f, &advice) : make(m, &m->given);
        mt_shim_jobs_remove(&f->job);
        if (f->ticket[0] != '\0')
                (void)tell(f, MT_REPORT_ENDED, status, status < 0 ? mt_shim_error_text() : NULL);
        return status;
}

int mt_shim_migrate(struct mt_shim_migration *m)
{
        struct facts f = { .version = 0 };
        int status;

        m->entry_errno = errno;
        if (m->domain == NULL || (m->given.flags & VIR_MIGRATE_OFFLINE) != 0 || !mt_shim_enter())
                return m->make(m, &m->given);
        status = learn(m, &f) ? run(m, &f) : make(m, &m->given);
        free(f.dconn_uri);
        mt_shim_leave();
        errno = m->exit_errno;
        return status;
}
