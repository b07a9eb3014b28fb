/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Each question is a small object on the heap with copies of all that it points to, and a detached thread that puts it to
 * the plugin. The caller waits on a condition until the answer is there or its time is up. Whoever comes last frees the
 * object: usually the caller; the thread, if the caller has given up.
 *
 * A thread that was given up counts as stuck until it comes back. While one is, nobody asks: a plugin that hangs costs one
 * caller its bound, once, and not every caller each time.
 *
 * The thread blocks all signals: the program's handlers run where they would run without the shim. It may call libvirt:
 * its errors are in its own thread-local storage, and the guard lets it through.
 *
 * Loading is done in that thread, too. A plugin that could not be loaded is tried again next time: it may have been in the
 * middle of a package's upgrade, and a migration is rare. The plugin is never closed, because a thread may still be in it.
 */
#include "shim_ask.h"
#include "loader.h"
#include "mt_build.h"
#include "shim_guard.h"
#include "shim_log.h"
#include "shim_time.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define SLACK_MS 250u /* for a thread to start, and for a plugin that takes its whole time */
#define MAX_TEXTS 6
#define MAX_TIMEOUT_MS 60000

struct question {
        bool is_report;
        struct mt_call call;
        struct mt_report report;
        struct mt_advice advice;
        char *texts[MAX_TEXTS]; /* what call or report point to */
        unsigned n_texts;
        int answer;
        bool is_answered, is_given_up; /* under lock */
};

static struct {
        pthread_mutex_t lock;
        pthread_cond_t answered;
        unsigned n_stuck;
        pthread_mutex_t loading; /* of what follows */
        bool is_open;
        struct mt_plugin_ops ops;
        struct mt_host_ops host;
        void *handle;
} plugin = { .lock = PTHREAD_MUTEX_INITIALIZER, .loading = PTHREAD_MUTEX_INITIALIZER };
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void)
{
        mt_shim_cond_init(&plugin.answered);
}

/* 0, with plugin.ops and plugin.handle for use; or -errno after a line in the log. */
static int load(void)
{
        const char *path = mt_plugin_path(MT_CLIENT_PLUGIN_PATH);
        const char *run_dir = secure_getenv("MIGTUNE_RUN_DIR");
        char error[512] = "";
        int r;

        r = mt_plugin_load(path, MT_NEED_SHIM, &plugin.ops, error, sizeof(error));
        if (r < 0) {
                mt_shim_log(LOG_WARNING, "load", "%s, leaving migrations untuned", error);
                return r;
        }
        free((char *)(uintptr_t)plugin.host.run_dir); /* of an open() that failed */
        plugin.host = (struct mt_host_ops){
                .struct_size = sizeof(plugin.host),
                .abi_major = MT_ABI_MAJOR,
                .log = mt_shim_log_plugin,
                .run_dir = run_dir != NULL ? strdup(run_dir) : NULL, /* the program may change its environment */
        };
        r = plugin.ops.open(&plugin.host, &plugin.handle);
        if (r < 0)
                mt_shim_log(LOG_WARNING, "open", "plugin %s: %s, leaving migrations untuned", path, strerror(-r));
        return r;
}

static int make_ready(void)
{
        int r = 0;

        (void)pthread_mutex_lock(&plugin.loading);
        if (!plugin.is_open) {
                r = load();
                plugin.is_open = r == 0;
        }
        (void)pthread_mutex_unlock(&plugin.loading);
        return r;
}

static void free_question(struct question *q)
{
        for (unsigned i = 0; i < q->n_texts; i++)
                free(q->texts[i]);
        free(q);
}

static void *put_question(void *arg)
{
        struct question *q = arg;
        bool is_mine;
        int r;

        mt_shim_own_thread();
        r = make_ready();
        if (r == 0)
                r = q->is_report ? plugin.ops.report(plugin.handle, &q->report)
                                 : plugin.ops.advise(plugin.handle, &q->call, &q->advice);
        (void)pthread_mutex_lock(&plugin.lock);
        q->answer = r;
        q->is_answered = true;
        is_mine = q->is_given_up;
        if (is_mine)
                plugin.n_stuck--;
        (void)pthread_cond_broadcast(&plugin.answered);
        (void)pthread_mutex_unlock(&plugin.lock);
        if (is_mine)
                free_question(q);
        return NULL;
}

static int start(struct question *q)
{
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r;

        (void)sigfillset(&all);
        (void)pthread_attr_init(&attributes);
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attributes, put_question, q);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attributes);
        return -r;
}

/* Waits for the answer. False: time is up, and the question is the thread's from now on. */
static bool wait_for(struct question *q, uint32_t bound_ms)
{
        struct timespec until = mt_shim_after_ms(bound_ms);
        bool is_answered;

        (void)pthread_mutex_lock(&plugin.lock);
        while (!q->is_answered && pthread_cond_timedwait(&plugin.answered, &plugin.lock, &until) != ETIMEDOUT)
                ;
        is_answered = q->is_answered;
        if (!is_answered) {
                q->is_given_up = true;
                plugin.n_stuck++;
        }
        (void)pthread_mutex_unlock(&plugin.lock);
        return is_answered;
}

static bool is_stuck(void)
{
        bool is;

        (void)pthread_once(&once, init);
        (void)pthread_mutex_lock(&plugin.lock);
        is = plugin.n_stuck > 0;
        (void)pthread_mutex_unlock(&plugin.lock);
        return is;
}

/* The time for an answer: as the environment says, or else as given. */
static uint32_t timeout_ms(uint32_t given_ms)
{
        const char *text = secure_getenv("MIGTUNE_SHIM_TIMEOUT_MS");
        long value = text != NULL ? strtol(text, NULL, 10) : 0;

        return value > 0 && value <= MAX_TIMEOUT_MS ? (uint32_t)value : given_ms;
}

/* Asks, and frees q unless the thread has to. */
static int ask(struct question *q, uint32_t bound_ms, struct mt_advice *ret_advice)
{
        int r = start(q);

        if (r < 0) {
                mt_shim_log(LOG_WARNING, "thread", "thread: %s, leaving migrations untuned", strerror(-r));
                free_question(q);
                return r;
        }
        if (!wait_for(q, bound_ms)) {
                mt_shim_log(LOG_WARNING, "stuck", "the plugin did not answer within %u ms, leaving migrations untuned",
                            bound_ms);
                return -ETIMEDOUT;
        }
        r = q->answer;
        if (r >= 0 && ret_advice != NULL)
                *ret_advice = q->advice;
        free_question(q);
        return r;
}

/* Replaces *text by a copy that q owns. False: out of memory. */
static bool own(struct question *q, const char **text)
{
        char *copy;

        if (*text == NULL)
                return true;
        copy = strdup(*text);
        if (copy == NULL)
                return false;
        q->texts[q->n_texts++] = copy;
        *text = copy;
        return true;
}

int mt_shim_ask_advice(const struct mt_call *call, struct mt_advice *ret_advice)
{
        struct question *q;

        if (is_stuck())
                return -EBUSY;
        q = calloc(1, sizeof(*q));
        if (q == NULL)
                return -ENOMEM;
        q->call = *call;
        q->call.struct_size = sizeof(q->call);
        q->call.timeout_ms = timeout_ms(call->timeout_ms);
        q->advice.struct_size = sizeof(q->advice);
        if (!own(q, &q->call.domain) || !own(q, &q->call.uuid) || !own(q, &q->call.uri) || !own(q, &q->call.migrate_uri) ||
            !own(q, &q->call.ticket)) {
                free_question(q);
                return -ENOMEM;
        }
        return ask(q, q->call.timeout_ms + SLACK_MS, ret_advice);
}

int mt_shim_ask_report(const struct mt_report *report)
{
        struct question *q;

        if (is_stuck())
                return -EBUSY;
        q = calloc(1, sizeof(*q));
        if (q == NULL)
                return -ENOMEM;
        q->is_report = true;
        q->report = *report;
        q->report.struct_size = sizeof(q->report);
        q->report.timeout_ms = timeout_ms(report->timeout_ms);
        if (!own(q, &q->report.uuid) || !own(q, &q->report.ticket) || !own(q, &q->report.text)) {
                free_question(q);
                return -ENOMEM;
        }
        return ask(q, q->report.timeout_ms + SLACK_MS, NULL);
}
