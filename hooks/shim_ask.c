/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * Each question is a small object on the heap with copies of all that it points to, and a detached thread that puts it to
 * the plugin. The caller waits on a condition until the answer is there or its time is up. Whoever comes last frees the
 * object: usually the caller; the thread, if the caller has given up.
 *
 * A thread that was given up counts as stuck until it comes back. While one is, nobody asks: a plugin that hangs costs one
 * caller its bound, once, and not every caller each time. If it comes back with an advice, it tells the plugin that the call
 * was made without.
 *
 * The thread blocks all signals: the program's handlers run where they would run without the shim. It may call libvirt:
 * its errors are in its own thread-local storage, and the guard lets it through. The plugin is loaded in it, too.
 */
#include "shim_ask.h"
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
        bool is_report, may_be_alone;
        enum mt_shim_plugin who; /* of a report: whom to tell; of an advice: whose it is */
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
} asking = { .lock = PTHREAD_MUTEX_INITIALIZER };
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void)
{
        mt_shim_cond_init(&asking.answered);
}

static void free_question(struct question *q)
{
        for (unsigned i = 0; i < q->n_texts; i++)
                free(q->texts[i]);
        free(q);
}

/* Nobody waits any more for what the plugin advised, and may believe to be done. */
static void give_back(struct question *q)
{
        const struct mt_report report = {
                .struct_size = sizeof(report),
                .timeout_ms = q->call.timeout_ms,
                .what = MT_REPORT_RETRIED,
                .result = -1,
                .uuid = q->call.uuid,
                .ticket = q->advice.ticket,
                .text = "the advice came too late",
        };

        q->advice.ticket[sizeof(q->advice.ticket) - 1] = '\0';
        if (q->advice.action == MT_ADVICE_TUNE && q->advice.ticket[0] != '\0')
                (void)mt_shim_plugin_report(q->who, &report);
}

/* The end of a question that its caller has given up. */
static void come_back(struct question *q)
{
        if (!q->is_report && q->answer >= 0)
                give_back(q);
        (void)pthread_mutex_lock(&asking.lock);
        asking.n_stuck--;
        (void)pthread_mutex_unlock(&asking.lock);
        free_question(q);
}

static void *put_question(void *arg)
{
        struct question *q = arg;
        bool is_mine;
        int r;

        mt_shim_own_thread();
        r = q->is_report ? mt_shim_plugin_report(q->who, &q->report)
                         : mt_shim_plugin_advise(&q->call, q->may_be_alone, &q->advice, &q->who);
        (void)pthread_mutex_lock(&asking.lock);
        q->answer = r;
        q->is_answered = true;
        is_mine = q->is_given_up;
        (void)pthread_cond_broadcast(&asking.answered);
        (void)pthread_mutex_unlock(&asking.lock);
        if (is_mine)
                come_back(q);
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

        (void)pthread_mutex_lock(&asking.lock);
        while (!q->is_answered && pthread_cond_timedwait(&asking.answered, &asking.lock, &until) != ETIMEDOUT)
                ;
        is_answered = q->is_answered;
        if (!is_answered) {
                q->is_given_up = true;
                asking.n_stuck++;
        }
        (void)pthread_mutex_unlock(&asking.lock);
        return is_answered;
}

/* True if the plugin is not to be asked, which is logged. */
static bool is_stuck(void)
{
        bool is;

        (void)pthread_once(&once, init);
        (void)pthread_mutex_lock(&asking.lock);
        is = asking.n_stuck > 0;
        (void)pthread_mutex_unlock(&asking.lock);
        if (is)
                mt_shim_log(LOG_WARNING, "stuck", "the plugin still has an earlier question, leaving migrations untuned");
        return is;
}

/* The time for an answer: as the environment says, or else as given. */
static uint32_t timeout_ms(uint32_t given_ms)
{
        const char *text = secure_getenv("MIGTUNE_SHIM_TIMEOUT_MS");
        long value = text != NULL ? strtol(text, NULL, 10) : 0;

        return value > 0 && value <= MAX_TIMEOUT_MS ? (uint32_t)value : given_ms;
}

/* Asks, and frees q unless the thread has to. ret_answered: q as it was answered, but for what it points to; or NULL. */
static int ask(struct question *q, uint32_t bound_ms, struct question *ret_answered)
{
        int r = start(q);

        if (r < 0) {
                mt_shim_log(LOG_WARNING, "thread", "no thread to ask the plugin in: %s, leaving migrations untuned",
                            strerror(-r));
                free_question(q);
                return r;
        }
        if (!wait_for(q, bound_ms)) {
                mt_shim_log(LOG_WARNING, "stuck", "the plugin did not answer within %u ms, leaving migrations untuned",
                            bound_ms);
                return -ETIMEDOUT;
        }
        r = q->answer;
        if (ret_answered != NULL)
                *ret_answered = *q;
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

int mt_shim_ask_advice(const struct mt_call *call, bool may_be_alone, struct mt_advice *ret_advice,
                       enum mt_shim_plugin *ret_who)
{
        struct question *q, answered;
        int r;

        if (is_stuck())
                return -EBUSY;
        q = calloc(1, sizeof(*q));
        if (q == NULL)
                return -ENOMEM;
        q->may_be_alone = may_be_alone;
        q->call = *call;
        q->call.struct_size = sizeof(q->call);
        q->call.timeout_ms = timeout_ms(call->timeout_ms);
        q->advice.struct_size = sizeof(q->advice);
        if (!own(q, &q->call.domain) || !own(q, &q->call.uuid) || !own(q, &q->call.uri) || !own(q, &q->call.migrate_uri) ||
            !own(q, &q->call.ticket)) {
                free_question(q);
                return -ENOMEM;
        }
        r = ask(q, q->call.timeout_ms + SLACK_MS, &answered);
        if (r < 0)
                return r;
        *ret_advice = answered.advice;
        *ret_who = answered.who;
        return r;
}

int mt_shim_ask_report(enum mt_shim_plugin who, const struct mt_report *report)
{
        struct question *q;

        if (is_stuck())
                return -EBUSY;
        q = calloc(1, sizeof(*q));
        if (q == NULL)
                return -ENOMEM;
        q->is_report = true;
        q->who = who;
        q->report = *report;
        q->report.struct_size = sizeof(q->report);
        q->report.timeout_ms = timeout_ms(report->timeout_ms);
        if (!own(q, &q->report.uuid) || !own(q, &q->report.ticket) || !own(q, &q->report.text)) {
                free_question(q);
                return -ENOMEM;
        }
        return ask(q, q->report.timeout_ms + SLACK_MS, NULL);
}
