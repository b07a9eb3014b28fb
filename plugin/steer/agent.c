/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/agent.h"
#include "cleanup.h"
#include "log.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* What is to be done. */
struct errands {
        bool stats, abort, post_copy;
        uint64_t speed_bytes_s, downtime_ms, pace_bytes_s; /* 0: leave */
};

struct mt_agent {
        pthread_mutex_t lock; /* errands, news, has_news, released */
        pthread_cond_t wake;
        struct errands errands;
        struct mt_agent_news news;
        bool has_news, released, restores;
        struct mt_qemu_limits restore;
        virDomainPtr domain;
        int wake_fd;
};

static atomic_uint running;

static void agent_free(struct mt_agent *agent)
{
        (void)virDomainFree(agent->domain);
        (void)pthread_cond_destroy(&agent->wake);
        (void)pthread_mutex_destroy(&agent->lock);
        free(agent);
}

static bool nothing_to_do(const struct errands *errands)
{
        return !errands->stats && !errands->abort && !errands->post_copy && errands->speed_bytes_s == 0 &&
               errands->downtime_ms == 0 && errands->pace_bytes_s == 0;
}

/* Waits for errands and takes them. False: released. */
static bool take_errands(struct mt_agent *agent, struct errands *ret)
{
        bool released;

        (void)pthread_mutex_lock(&agent->lock);
        while (!agent->released && nothing_to_do(&agent->errands))
                (void)pthread_cond_wait(&agent->wake, &agent->lock);
        *ret = agent->errands;
        agent->errands = (struct errands){ .stats = false };
        released = agent->released;
        (void)pthread_mutex_unlock(&agent->lock);
        return !released;
}

/* Notes a failure; one text is enough. */
static bool failed(int r, const struct mt_err *err, struct mt_agent_news *news)
{
        if (r < 0)
                (void)snprintf(news->error, sizeof(news->error), "%.190s", err->msg);
        return r < 0;
}

/* The calls themselves; settings before statistics, so that these show them. */
static void run_errands(struct mt_agent *agent, const struct errands *errands, struct mt_agent_news *news)
{
        struct mt_err err = { 0 };

        if (errands->abort)
                news->abort_failed = virDomainAbortJob(agent->domain) < 0 &&
                                     failed(mt_libvirt_fail(&err, "abort the migration"), &err, news);
        if (errands->pace_bytes_s > 0) {
                news->pace_failed =
                        failed(mt_qemu_set_post_copy_speed(agent->domain, errands->pace_bytes_s, &err), &err, news);
                news->pace_bytes_s = news->pace_failed ? 0 : errands->pace_bytes_s;
        }
        if (errands->post_copy) {
                int r = mt_qemu_start_post_copy(agent->domain, &err);

                news->post_copy_started = r == 0;
                news->post_copy_refused = r == -EPERM;
                if (r < 0 && r != -EPERM)
                        (void)failed(r, &err, news);
        }
        if (errands->speed_bytes_s > 0) {
                news->speed_failed = failed(mt_qemu_set_speed(agent->domain, errands->speed_bytes_s, &err), &err, news);
                news->speed_bytes_s = news->speed_failed ? 0 : errands->speed_bytes_s;
        }
        if (errands->downtime_ms > 0) {
                news->downtime_failed = failed(mt_qemu_set_downtime(agent->domain, errands->downtime_ms, &err), &err, news);
                news->downtime_ms = news->downtime_failed ? 0 : errands->downtime_ms;
        }
        if (errands->stats) {
                news->stats_r = mt_domain_job_stats(agent->domain, false, &news->stats, &err);
                news->has_stats = true;
        }
}

/* Adds to what the loop has not taken yet. False: released. */
static bool publish(struct mt_agent *agent, const struct mt_agent_news *news)
{
        const uint64_t one = 1;
        bool released;

        (void)pthread_mutex_lock(&agent->lock);
        if (news->has_stats) {
                agent->news.has_stats = true;
                agent->news.stats_r = news->stats_r;
                agent->news.stats = news->stats;
        }
        if (news->speed_bytes_s > 0)
                agent->news.speed_bytes_s = news->speed_bytes_s;
        if (news->downtime_ms > 0)
                agent->news.downtime_ms = news->downtime_ms;
        if (news->pace_bytes_s > 0)
                agent->news.pace_bytes_s = news->pace_bytes_s;
        if (news->error[0] != '\0')
                (void)memcpy(agent->news.error, news->error, sizeof(agent->news.error));
        agent->news.speed_failed |= news->speed_failed;
        agent->news.downtime_failed |= news->downtime_failed;
        agent->news.pace_failed |= news->pace_failed;
        agent->news.abort_failed |= news->abort_failed;
        agent->news.post_copy_started |= news->post_copy_started;
        agent->news.post_copy_refused |= news->post_copy_refused;
        agent->has_news = true;
        released = agent->released;
        if (!released && write(agent->wake_fd, &one, sizeof(one)) < 0)
                released = agent->released; /* the counter is full: the loop is awake anyway */
        (void)pthread_mutex_unlock(&agent->lock);
        return !released;
}

/* Puts the limits back where the domain still runs here. */
static void restore(struct mt_agent *agent)
{
        struct mt_err err = { 0 };

        if (agent->restores && virDomainIsActive(agent->domain) == 1 &&
            mt_qemu_limits_restore(agent->domain, &agent->restore, &err) < 0)
                mt_log(MT_LOG_WARNING, "domain '%s': %s; `virsh migrate-setspeed` and `migrate-setmaxdowntime` set them",
                       virDomainGetName(agent->domain), err.msg);
}

static void *run(void *arg)
{
        struct mt_agent *agent = arg;
        struct errands errands;

        while (take_errands(agent, &errands)) {
                struct mt_agent_news news = { .has_stats = false };

                run_errands(agent, &errands, &news);
                if (!publish(agent, &news))
                        break;
        }
        restore(agent);
        agent_free(agent);
        (void)atomic_fetch_sub(&running, 1);
        return NULL;
}

unsigned mt_agents_running(void)
{
        return atomic_load(&running);
}

int mt_agent_start(virDomainPtr domain, int wake_fd, struct mt_agent **ret, struct mt_err *err)
{
        struct mt_agent *agent = calloc(1, sizeof(*agent));
        int r;

        if (agent == NULL)
                return mt_fail(err, ENOMEM, "agent: out of memory");
        (void)virDomainRef(domain);
        agent->domain = domain;
        agent->wake_fd = wake_fd;
        (void)pthread_mutex_init(&agent->lock, NULL);
        (void)pthread_cond_init(&agent->wake, NULL);
        (void)atomic_fetch_add(&running, 1);
        r = mt_thread_detached(run, agent);
        if (r != 0) {
                (void)atomic_fetch_sub(&running, 1);
                agent_free(agent);
                return mt_fail(err, r, "agent: cannot start its thread: %s", strerror(r));
        }
        *ret = agent;
        return 0;
}

/* Adds to the errands under the lock and wakes the thread. */
static void wish(struct mt_agent *agent, const struct errands *more)
{
        (void)pthread_mutex_lock(&agent->lock);
        agent->errands.stats |= more->stats;
        agent->errands.abort |= more->abort;
        agent->errands.post_copy |= more->post_copy;
        if (more->speed_bytes_s > 0)
                agent->errands.speed_bytes_s = more->speed_bytes_s;
        if (more->downtime_ms > 0)
                agent->errands.downtime_ms = more->downtime_ms;
        if (more->pace_bytes_s > 0)
                agent->errands.pace_bytes_s = more->pace_bytes_s;
        (void)pthread_cond_signal(&agent->wake);
        (void)pthread_mutex_unlock(&agent->lock);
}

void mt_agent_release(struct mt_agent *agent, const struct mt_qemu_limits *limits)
{
        if (agent == NULL)
                return;
        (void)pthread_mutex_lock(&agent->lock);
        agent->released = true;
        agent->restores = limits != NULL;
        if (limits != NULL)
                agent->restore = *limits;
        (void)pthread_cond_signal(&agent->wake);
        (void)pthread_mutex_unlock(&agent->lock);
}

void mt_agent_want_stats(struct mt_agent *agent)
{
        wish(agent, &(struct errands){ .stats = true });
}

void mt_agent_want_speed(struct mt_agent *agent, uint64_t bytes_s)
{
        wish(agent, &(struct errands){ .speed_bytes_s = bytes_s });
}

void mt_agent_want_downtime(struct mt_agent *agent, uint64_t downtime_ms)
{
        wish(agent, &(struct errands){ .downtime_ms = downtime_ms });
}

void mt_agent_want_abort(struct mt_agent *agent)
{
        wish(agent, &(struct errands){ .abort = true });
}

void mt_agent_want_pace(struct mt_agent *agent, uint64_t bytes_s)
{
        wish(agent, &(struct errands){ .pace_bytes_s = bytes_s });
}

void mt_agent_want_post_copy(struct mt_agent *agent)
{
        wish(agent, &(struct errands){ .post_copy = true });
}

bool mt_agent_take(struct mt_agent *agent, struct mt_agent_news *ret)
{
        bool any;

        (void)pthread_mutex_lock(&agent->lock);
        any = agent->has_news;
        *ret = agent->news;
        agent->news = (struct mt_agent_news){ .has_stats = false };
        agent->has_news = false;
        (void)pthread_mutex_unlock(&agent->lock);
        return any;
}
