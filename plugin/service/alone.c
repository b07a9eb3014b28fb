/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The watcher's own code does it (steer/call.h), on a host that nobody else knows: it has no jobs and no other calls, so
 * nobody has to wait, and it lasts for one question: asked once to begin with what takes a moment, and again when this
 * host's traffic has been measured. A libvirt daemon that hangs would keep its callers, so a thread does the work, and is
 * left behind when time is up; it then frees everything itself, and until then nobody asks again: each would lose the same
 * time, and leave another thread. Measuring and the destination get a third of the time each, libvirt the rest.
 */
#include "service/alone.h"
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "steer/advice.h"
#include "steer/call.h"
#include "steer/learn.h"
#include "steer/preview.h"
#include "thread.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_URI "qemu:///system"
#define HISTORY_WAIT_MS 200

struct task {
        pthread_mutex_t lock; /* done, abandoned */
        pthread_cond_t wake;
        bool done, abandoned;
        char *config_file, *connect, *domain, *uuid, *uri, *migrate_uri; /* owned; the last four are what call points to */
        struct mt_call call;
        struct mt_wishes wishes;
        struct mt_advice advice;
        struct mt_err err; /* code 0: advice is good */
};

static atomic_uint n_abandoned; /* threads that were left behind and have not ended */

int mt_alone_open(const char *config_file, struct mt_host *ret, struct mt_err *err)
{
        struct mt_host host = { .alone = true };
        int r = mt_config_load(config_file, &host.config, err);

        if (r < 0)
                return r;
        if (mt_nic_table_new(&host.nics, NULL) == 0)
                (void)mt_nic_sample(host.nics, mt_now_ms(), NULL);
        (void)mt_destination_start(host.config.destination.share_dir, host.config.destination.uri, /* host= */ "",
                                   &host.destination, NULL);
        *ret = host;
        return 0;
}

void mt_alone_close(struct mt_host *host)
{
        if (host->connection != NULL)
                (void)virConnectClose(host->connection);
        mt_call_clear(host);
        mt_destination_stop(host->destination);
        mt_learn_end(host);
        mt_nic_table_free(host->nics);
        mt_config_done(&host->config);
}

static void pause_ms(uint64_t ms)
{
        const struct timespec interval = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

        (void)nanosleep(&interval, NULL);
}

static void ignore_error(void *opaque, virErrorPtr error)
{
        (void)opaque;
        (void)error;
}

static int connect_host(struct mt_host *host, const char *uri, struct mt_err *err)
{
        host->connection = virConnectOpenReadOnly(uri);
        if (host->connection == NULL)
                return mt_fail(err, ENOTCONN, "connect to libvirt at %s: %s", uri, virGetLastErrorMessage());
        virConnSetErrorFunc(host->connection, NULL, ignore_error); /* not to the program's standard error */
        return 0;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
        return value < most ? value : most;
}

/*
 * Nobody corrects the plan once the migration runs. A bandwidth that rests on a guess at the dirty rate could keep it from
 * ever ending, where it would have ended untuned. So it is what the urgency lets it have of the link; and where the link's
 * rate is a guess as well, the caller's own.
 */
static void do_not_guess(struct mt_host *host, struct mt_advice *advice)
{
        const struct mt_announced *announced = host->calls; /* the only one */
        struct mt_preview preview;
        struct mt_err why = { 0 };

        if (announced == NULL || advice->action != MT_ADVICE_TUNE ||
            announced->outcome.facts.dirty_source != MT_DIRTY_DEFAULT)
                return;
        if (announced->outcome.facts.link_bytes_s == 0) {
                advice->bandwidth_mib_s = 0;
                (void)snprintf(advice->reason, sizeof(advice->reason),
                               "neither the dirty rate nor the link's rate is known, so the bandwidth is the caller's own");
                return;
        }
        preview = (struct mt_preview){ .id = announced->outcome.domain,
                                       .facts = announced->outcome.facts,
                                       .intent = announced->outcome.intent };
        preview.intent.strategy = MT_MAX_BANDWIDTH;
        mt_preview_decide(host, &announced->peer, &preview, &why);
        mt_advice_fill(&preview.intent, &preview.plan, advice);
}

static void advise(struct task *task)
{
        MT_CLEANUP(mt_alone_close) struct mt_host host = { .name = "" };
        uint64_t third_ms = task->call.timeout_ms / 3;
        struct mt_advice *advice = &task->advice;
        struct mt_call call = task->call;
        char ticket[sizeof(advice->ticket)];

        if (mt_alone_open(task->config_file, &host, &task->err) < 0 || connect_host(&host, task->connect, &task->err) < 0)
                return;
        host.config.measure.before_start_ms = at_most(host.config.measure.before_start_ms, third_ms);
        host.config.shim.timeout_ms = at_most(host.config.shim.timeout_ms, third_ms);
        if (access(host.config.history.file, R_OK) == 0) /* nova-compute may not read it */
                mt_learn_begin(&host, HISTORY_WAIT_MS);
        for (bool measured = false;; measured = true) {
                mt_call_advise(&host, &call, &task->wishes, /* uid= */ 0, advice);
                if (advice->action == MT_ADVICE_LEAVE || (measured && advice->action == MT_ADVICE_TUNE))
                        break;
                (void)memcpy(ticket, advice->ticket, sizeof(ticket));
                call.ticket = ticket;
                pause_ms(measured ? advice->wait_ms : host.config.measure.before_start_ms);
                if (host.nics != NULL)
                        (void)mt_nic_sample(host.nics, mt_now_ms(), NULL);
        }
        do_not_guess(&host, advice);
        advice->ticket[0] = '\0';
        /* QEMU's own estimate errs towards a short blackout; ours, where the link is not what it says, does not. */
        advice->bandwidth_switchover_mib_s = 0;
}

static void task_free(struct task *task)
{
        free(task->config_file);
        free(task->connect);
        free(task->domain);
        free(task->uuid);
        free(task->uri);
        free(task->migrate_uri);
        (void)pthread_cond_destroy(&task->wake);
        (void)pthread_mutex_destroy(&task->lock);
        free(task);
}

static void *run(void *arg)
{
        struct task *task = arg;
        bool abandoned;

        advise(task);
        (void)pthread_mutex_lock(&task->lock);
        task->done = true;
        abandoned = task->abandoned;
        (void)pthread_cond_signal(&task->wake);
        (void)pthread_mutex_unlock(&task->lock);
        if (abandoned) {
                task_free(task);
                (void)atomic_fetch_sub(&n_abandoned, 1);
        }
        return NULL;
}

/* False: out of memory. */
static bool own(const char *text, char **ret_copy, const char **ret_text)
{
        *ret_text = NULL;
        if (text == NULL)
                return true;
        *ret_text = *ret_copy = strdup(text);
        return *ret_copy != NULL;
}

static struct task *task_new(const char *config_file, const char *connect, const struct mt_call *call,
                             const struct mt_wishes *wishes)
{
        struct task *task = calloc(1, sizeof(*task));
        const char *ignored;

        if (task == NULL)
                return NULL;
        task->call = *call;
        task->call.ticket = NULL;
        if (wishes != NULL)
                task->wishes = *wishes;
        (void)pthread_mutex_init(&task->lock, NULL);
        mt_thread_cond_init(&task->wake);
        if (own(config_file, &task->config_file, &ignored) && own(connect, &task->connect, &ignored) &&
            own(call->domain, &task->domain, &task->call.domain) && own(call->uuid, &task->uuid, &task->call.uuid) &&
            own(call->uri, &task->uri, &task->call.uri) &&
            own(call->migrate_uri, &task->migrate_uri, &task->call.migrate_uri))
                return task;
        task_free(task);
        return NULL;
}

/* False: time is up, and the task is the thread's from now on. */
static bool wait_for(struct task *task)
{
        bool done = mt_thread_wait(&task->lock, &task->wake, &task->done, task->call.timeout_ms);

        if (done)
                return true;
        (void)pthread_mutex_lock(&task->lock);
        task->abandoned = !task->done;
        done = task->done;
        if (!done)
                (void)atomic_fetch_add(&n_abandoned, 1);
        (void)pthread_mutex_unlock(&task->lock);
        return done;
}

int mt_alone_advise(const struct mt_host_ops *ops, const char *uri, const struct mt_call *call,
                    const struct mt_wishes *wishes, struct mt_advice *ret, struct mt_err *err)
{
        struct task *task;
        int r;

        if (atomic_load(&n_abandoned) > 0)
                return mt_fail(err, EBUSY, "decide alone: libvirt has not answered an earlier question yet");
        task = task_new(ops->config_file, uri != NULL ? uri : DEFAULT_URI, call, wishes);
        r = task != NULL ? mt_thread_detached(run, task) : ENOMEM;
        if (r != 0) {
                if (task != NULL)
                        task_free(task);
                return mt_fail(err, r, "decide alone: %s", strerror(r));
        }
        if (!wait_for(task))
                return mt_fail(err, ETIMEDOUT, "decide alone: not done within %u ms", call->timeout_ms);
        if (task->err.code != 0) {
                *err = task->err;
                r = -err->code;
        } else {
                *ret = task->advice;
                mt_log(MT_LOG_NOTICE,
                       "domain '%s': no watcher runs, advised without one (%s); nothing steers the migration "
                       "afterwards",
                       call->domain, ret->reason);
        }
        task_free(task);
        return r;
}
