/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * 1. Learn who moves: name, UUID, state. A domain that libvirt does not know any more is libvirt's to refuse.
 * 2. Ask the plugin. "Not yet" means to wait and ask again; AbortJob of the same domain in this process ends the wait, and
 *    the call returns what libvirt's would: -1 and VIR_ERR_OPERATION_ABORTED. One that libvirt has a job for is made then,
 *    and libvirt, which is asked to abort as well, ends it so.
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
#define MAX_HOLD_MS (25 * 3600000u) /* the plugin bounds a wait, by a day at most; this is for one that does not */

#define REFUSED_WITHIN_MS 60000u /* the destination may start a large guest's QEMU before it finds a flag to refuse */

/* What is true of a call before it is made. */
struct facts {
        uint64_t version;
        int state, reason; /* virDomainState */
        char *dconn_uri;   /* allocated */
        bool may_be_alone; /* see shim_plugin.h */
        struct mt_shim_job job;
        bool is_silent;          /* the watcher has no ticket for the call: it does not want to hear of it */
        enum mt_shim_plugin who; /* gave the ticket */
        char ticket[sizeof(((struct mt_advice *)0)->ticket)];
};

enum verdict { AS_GIVEN, TUNED, CANCELLED };

static int make(struct mt_shim_migration *m, const struct mt_shim_params *params)
{
        bool is_typed_now = params->is_typed && !m->given.is_typed && m->make_typed != NULL;
        int status;

        errno = m->entry_errno;
        status = is_typed_now ? m->make_typed(m, params) : m->make(m, params);
        m->exit_errno = errno;
        return status;
}

/* True if the domain is one of this host's own libvirt, as far as its connection tells. */
static bool is_local(virDomainPtr domain)
{
        static const char *const uris[] = { "qemu:///system", "qemu+unix:///system" };
        const struct mt_shim_real *real = mt_shim_real();
        bool is = false;
        char *uri;

        if (real->virDomainGetConnect == NULL || real->virConnectGetURI == NULL)
                return false;
        uri = real->virConnectGetURI(real->virDomainGetConnect(domain));
        for (size_t i = 0; uri != NULL && i < sizeof(uris) / sizeof(uris[0]); i++)
                is = is || strcmp(uri, uris[i]) == 0;
        free(uri);
        return is;
}

static bool learn(const struct mt_shim_migration *m, struct facts *f)
{
        const struct mt_shim_real *real = mt_shim_real();

        if (real->virDomainGetName == NULL || real->virDomainGetUUIDString == NULL || real->virDomainGetState == NULL)
                return false;
        f->version = mt_shim_version();
        f->job.name = real->virDomainGetName(m->domain);
        f->job.by_daemon = m->by_daemon;
        f->job.must_be_made = m->has_fixed_flags && (m->given.flags & VIR_MIGRATE_CHANGE_PROTECTION) != 0;
        f->job.can_cancel = mt_shim_error_can_set(f->version);
        if (f->version == 0 || f->job.name == NULL || real->virDomainGetUUIDString(m->domain, f->job.uuid) < 0 ||
            real->virDomainGetState(m->domain, &f->state, &f->reason, 0) < 0)
                return false;
        if (m->dconn != NULL && real->virConnectGetURI != NULL)
                f->dconn_uri = real->virConnectGetURI(m->dconn);
        f->may_be_alone = !m->by_daemon && is_local(m->domain);
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

        return mt_shim_ask_report(f->who, &report);
}

/* What a plugin filled in, made safe to use. */
static void take(struct facts *f, struct mt_advice *advice)
{
        advice->compression[sizeof(advice->compression) - 1] = '\0';
        advice->ticket[sizeof(advice->ticket) - 1] = '\0';
        advice->reason[sizeof(advice->reason) - 1] = '\0';
        (void)memcpy(f->ticket, advice->ticket, sizeof(f->ticket));
        if (f->ticket[0] == '\0')
                f->who = MT_SHIM_ASKS_WATCHER;
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
        bool is_said = false, is_watchers;
        int r;

        describe(m, f, &call);
        for (;;) {
                r = mt_shim_ask_advice(&call, f->may_be_alone, advice, &f->who);
                if (r < 0)
                        return AS_GIVEN;
                is_watchers = f->who == MT_SHIM_ASKS_WATCHER;
                take(f, advice);
                if (advice->action != MT_ADVICE_WAIT)
                        break;
                if (!is_said)
                        mt_shim_log(LOG_INFO, NULL, "domain '%s': its migration waits: %s", f->job.name, advice->reason);
                is_said = true;
                r = hold(f, advice, until_ms);
                if (r < 0)
                        return AS_GIVEN; /* or cancelled, which begin() tells */
                call.ticket = f->ticket[0] != '\0' ? f->ticket : NULL;
        }
        f->is_silent = f->ticket[0] == '\0' && is_watchers; /* where none runs, one may be started meanwhile */
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

/* The call as it was given, because what was advised cannot be said to libvirt. */
static int make_untuned(struct mt_shim_migration *m, const struct facts *f, const char *why)
{
        mt_shim_log(LOG_WARNING, NULL, "domain '%s': %s, leaving the migration untuned", f->job.name, why);
        if (f->ticket[0] != '\0')
                (void)tell(f, MT_REPORT_RETRIED, -1, why);
        return make(m, &m->given);
}

static int make_tuned(struct mt_shim_migration *m, const struct facts *f, const struct mt_advice *advice)
{
        const struct mt_shim_limits limits = { f->version, m->has_fixed_flags };
        const struct mt_shim_texts texts = { m->uri, m->dname, m->xml };
        const uint64_t began_ms = mt_shim_now_ms();
        struct mt_shim_params base = m->given, changed;
        virTypedParameter list[MT_SHIM_TYPED_BASE];
        int status, r;

        if (!base.is_typed && m->make_typed != NULL && mt_shim_params_need_types(&base, advice, &limits))
                mt_shim_params_type(&m->given, &texts, list, &base);
        r = mt_shim_params_change(&base, advice, &limits, &changed);
        if (r < 0)
                return make_untuned(m, f, strerror(-r));
        if (advice->reason[0] != '\0')
                mt_shim_log(LOG_INFO, NULL, "domain '%s': %s", f->job.name, advice->reason);
        status = make(m, &changed);
        if (status < 0 && !mt_shim_params_are_same(&m->given, &changed) && may_repeat(m, f, began_ms))
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
        bool is_resumption = (m->given.flags & VIR_MIGRATE_POSTCOPY_RESUME) != 0; /* nothing is left to choose */
        enum verdict verdict = AS_GIVEN;
        int status;

        f->job.is_begun = is_resumption; /* nor anything of it to abort here */
        mt_shim_jobs_add(&f->job);
        if (!is_resumption)
                verdict = decide(m, f, &advice);
        if (mt_shim_jobs_begin(&f->job, f->is_silent, f->who) < 0)
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
