/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/dirty.h"
#include "cleanup.h"
#include "clock.h"
#include "measure/dirty_table.h"
#include "measure/domain.h"
#include "thread.h"
#include "units.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define MEASURE_MS 1250 /* one second of sampling, and its hashing */
#define STEP_MS 1000    /* how often the thread looks for domains that are due, and for results */
#define BATCH 16        /* measurements started in one step: 16 a second covers 200 domains in a minute's fifth */
#define COLLECT 128     /* and collected */
#define STOP_S 3

struct mt_dirty_sampler {
        pthread_t thread;
        pthread_mutex_t lock; /* all below */
        pthread_cond_t wake;
        bool stopping;
        struct mt_dirty_table table;
        char uri[256];
};

static enum mt_dirty_next next(struct mt_dirty_sampler *sampler, const char *uuid, bool may_start, unsigned *ret_seconds)
{
        enum mt_dirty_next todo;

        (void)pthread_mutex_lock(&sampler->lock);
        todo = mt_dirty_table_next(&sampler->table, uuid, mt_now_ms(), may_start, ret_seconds);
        (void)pthread_mutex_unlock(&sampler->lock);
        return todo;
}

static void set_started(struct mt_dirty_sampler *sampler, const char *uuid, unsigned seconds)
{
        (void)pthread_mutex_lock(&sampler->lock);
        mt_dirty_table_started(&sampler->table, uuid, seconds, mt_now_ms());
        (void)pthread_mutex_unlock(&sampler->lock);
}

static void set_broken(struct mt_dirty_sampler *sampler, const char *uuid)
{
        (void)pthread_mutex_lock(&sampler->lock);
        mt_dirty_table_broken(&sampler->table, uuid);
        (void)pthread_mutex_unlock(&sampler->lock);
}

static void store(struct mt_dirty_sampler *sampler, const char *uuid, unsigned seconds, uint64_t bytes_s)
{
        (void)pthread_mutex_lock(&sampler->lock);
        mt_dirty_table_store(&sampler->table, uuid, seconds, bytes_s, mt_now_ms());
        (void)pthread_mutex_unlock(&sampler->lock);
}

/* Sleeps; false when asked to stop. */
static bool pause_ms(struct mt_dirty_sampler *sampler, uint64_t ms)
{
        return !mt_thread_wait(&sampler->lock, &sampler->wake, &sampler->stopping, ms);
}

struct result {
        bool finished; /* false: still under way, or libvirt cannot tell now */
        bool valid;
        unsigned seconds; /* the window's length */
        uint64_t bytes_s;
};

/* One record of virDomainListGetStats. */
static struct result read_result(virDomainStatsRecordPtr record)
{
        long long mib_s = -1;
        int status = VIR_DOMAIN_DIRTYRATE_MEASURING, seconds = 0;

        (void)virTypedParamsGetInt(record->params, record->nparams, "dirtyrate.calc_status", &status);
        (void)virTypedParamsGetInt(record->params, record->nparams, "dirtyrate.calc_period", &seconds);
        (void)virTypedParamsGetLLong(record->params, record->nparams, "dirtyrate.megabytes_per_second", &mib_s);
        return (struct result){ .finished = status != VIR_DOMAIN_DIRTYRATE_MEASURING,
                                .valid = status == VIR_DOMAIN_DIRTYRATE_MEASURED && mib_s >= 0 && seconds > 0,
                                .seconds = (unsigned)seconds,
                                .bytes_s = (uint64_t)mib_s * MT_MIB };
}

/* A measurement that a migration broke into reads 0 (seen with QEMU 10.0). */
static bool has_job(virDomainPtr domain)
{
        virDomainJobInfo job = { 0 };

        return virDomainGetJobInfo(domain, &job) < 0 || job.type != VIR_DOMAIN_JOB_NONE;
}

/* What is not finished stays for the next step. */
static void collect(struct mt_dirty_sampler *sampler, virDomainPtr *domains)
{
        virDomainStatsRecordPtr *records = NULL;
        int n = virDomainListGetStats(domains, VIR_DOMAIN_STATS_DIRTYRATE, &records,
                                      VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);

        for (int i = 0; i < n; i++) {
                struct result result = read_result(records[i]);
                char uuid[VIR_UUID_STRING_BUFLEN];

                if (virDomainGetUUIDString(records[i]->dom, uuid) < 0)
                        continue;
                if (has_job(records[i]->dom) || (result.finished && !result.valid))
                        set_broken(sampler, uuid);
                else if (result.finished)
                        store(sampler, uuid, result.seconds, result.bytes_s);
        }
        if (n >= 0)
                virDomainStatsRecordListFree(records);
}

/* True: the measurement is under way. */
static bool start(virDomainPtr domain, unsigned seconds)
{
        return !has_job(domain) && virDomainStartDirtyRateCalc(domain, (int)seconds, 0) == 0;
}

/* Starts measurements for the domains that are due (at most BATCH), and stores the results of those that are over. */
static void step(struct mt_dirty_sampler *sampler, virConnectPtr connection)
{
        virDomainPtr *all = NULL;
        virDomainPtr over[COLLECT + 1] = { NULL };
        size_t n_over = 0, n_started = 0;
        int n = virConnectListAllDomains(connection, &all, VIR_CONNECT_LIST_DOMAINS_RUNNING);

        for (int i = 0; i < n; i++) {
                char uuid[VIR_UUID_STRING_BUFLEN];
                enum mt_dirty_next todo = MT_DIRTY_WAIT;
                unsigned seconds;

                if (virDomainGetUUIDString(all[i], uuid) == 0)
                        todo = next(sampler, uuid, n_started < BATCH, &seconds);
                if (todo == MT_DIRTY_COLLECT && n_over < COLLECT) {
                        over[n_over++] = all[i];
                } else if (todo == MT_DIRTY_MEASURE && start(all[i], seconds)) {
                        set_started(sampler, uuid, seconds);
                        n_started++;
                } else if (todo == MT_DIRTY_MEASURE || (todo == MT_DIRTY_RUNNING && has_job(all[i]))) {
                        set_broken(sampler, uuid);
                }
        }
        if (n_over > 0)
                collect(sampler, over);
        for (int i = 0; i < n; i++)
                (void)virDomainFree(all[i]);
        free(all);
}

static void *run(void *arg)
{
        struct mt_dirty_sampler *sampler = arg;
        virConnectPtr connection = NULL;
        uint64_t pause = STEP_MS;

        while (pause_ms(sampler, pause)) {
                pause = STEP_MS;
                if (connection == NULL || virConnectIsAlive(connection) != 1) {
                        if (connection != NULL)
                                (void)virConnectClose(connection);
                        connection = virConnectOpen(sampler->uri);
                        if (connection == NULL) { /* the watcher itself logs that libvirt is away */
                                pause = 5 * STEP_MS;
                                continue;
                        }
                }
                step(sampler, connection);
                (void)pthread_mutex_lock(&sampler->lock);
                mt_dirty_table_forget(&sampler->table, mt_now_ms());
                (void)pthread_mutex_unlock(&sampler->lock);
        }
        if (connection != NULL)
                (void)virConnectClose(connection);
        return NULL;
}

int mt_dirty_sampler_start(const char *uri, uint64_t every_ms, struct mt_dirty_sampler **ret, struct mt_err *err)
{
        struct mt_dirty_sampler *sampler = calloc(1, sizeof(*sampler));
        int r;

        if (sampler == NULL)
                return mt_fail(err, ENOMEM, "dirty-rate sampler: out of memory");
        (void)snprintf(sampler->uri, sizeof(sampler->uri), "%s", uri);
        sampler->table.every_ms = every_ms;
        (void)pthread_mutex_init(&sampler->lock, NULL);
        mt_thread_cond_init(&sampler->wake);
        r = pthread_create(&sampler->thread, NULL, run, sampler);
        if (r != 0) {
                free(sampler);
                return mt_fail(err, r, "dirty-rate sampler: cannot start its thread: %s", strerror(r));
        }
        *ret = sampler;
        return 0;
}

void mt_dirty_sampler_stop(struct mt_dirty_sampler *sampler)
{
        struct timespec until;

        if (sampler == NULL)
                return;
        (void)pthread_mutex_lock(&sampler->lock);
        sampler->stopping = true;
        (void)pthread_cond_signal(&sampler->wake);
        (void)pthread_mutex_unlock(&sampler->lock);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += STOP_S;
        if (pthread_timedjoin_np(sampler->thread, NULL, &until) !=
            0) { /* its call returns when a migration ends: leave it all to it */
                (void)pthread_detach(sampler->thread);
                return;
        }
        (void)pthread_cond_destroy(&sampler->wake);
        (void)pthread_mutex_destroy(&sampler->lock);
        mt_dirty_table_done(&sampler->table);
        free(sampler);
}

void mt_dirty_sampler_set_period(struct mt_dirty_sampler *sampler, uint64_t every_ms)
{
        (void)pthread_mutex_lock(&sampler->lock);
        sampler->table.every_ms = every_ms;
        (void)pthread_mutex_unlock(&sampler->lock);
}

bool mt_dirty_sampler_get(struct mt_dirty_sampler *sampler, const char *uuid, uint64_t *ret_bytes_s, uint64_t *ret_age_ms)
{
        const struct mt_dirty_entry *entry;
        bool found;

        (void)pthread_mutex_lock(&sampler->lock);
        entry = mt_dirty_table_find(&sampler->table, uuid);
        found = entry != NULL && entry->samples > 0;
        if (found) {
                *ret_bytes_s = (uint64_t)mt_dirty_table_rate(entry);
                *ret_age_ms = mt_now_ms() - entry->sampled_ms;
        }
        (void)pthread_mutex_unlock(&sampler->lock);
        return found;
}

bool mt_dirty_sampler_windows(struct mt_dirty_sampler *sampler, const char *uuid, struct mt_dirty_windows *ret)
{
        const struct mt_dirty_entry *entry;
        bool found;

        (void)pthread_mutex_lock(&sampler->lock);
        entry = mt_dirty_table_find(&sampler->table, uuid);
        found = entry != NULL && entry->pairs > 0;
        if (found) {
                uint64_t age_ms = mt_now_ms() - entry->paired_ms;

                ret->shorter = (struct mt_dirty_window){ .seconds = MT_DIRTY_SHORT_S,
                                                         .samples = entry->pairs,
                                                         .bytes = (uint64_t)entry->short_bytes,
                                                         .age_ms = age_ms + MT_DIRTY_LONG_S * UINT64_C(1000) };
                ret->longer = (struct mt_dirty_window){ .seconds = MT_DIRTY_LONG_S,
                                                        .samples = entry->pairs,
                                                        .bytes = (uint64_t)entry->long_bytes,
                                                        .age_ms = age_ms };
        }
        (void)pthread_mutex_unlock(&sampler->lock);
        return found;
}

int mt_dirty_measure_now(virDomainPtr domain, uint64_t *ret_bytes_s, struct mt_err *err)
{
        const struct timespec wait = { .tv_sec = MEASURE_MS / 1000, .tv_nsec = (MEASURE_MS % 1000) * 1000000L };
        virDomainPtr list[] = { domain, NULL };
        virDomainStatsRecordPtr *records = NULL;
        virDomainJobInfo job = { 0 };
        struct result result = { .valid = false };
        int n;

        if (virDomainGetJobInfo(domain, &job) < 0)
                return mt_libvirt_fail(err, "job information");
        if (job.type != VIR_DOMAIN_JOB_NONE)
                return mt_fail(err, EBUSY, "the domain has a job, so its dirty rate cannot be sampled");
        if (virDomainStartDirtyRateCalc(domain, MT_DIRTY_SHORT_S, 0) < 0)
                return mt_libvirt_fail(err, "dirty-rate sampling");
        (void)nanosleep(&wait, NULL);
        n = virDomainListGetStats(list, VIR_DOMAIN_STATS_DIRTYRATE, &records, 0);
        if (n > 0)
                result = read_result(records[0]);
        if (n >= 0)
                virDomainStatsRecordListFree(records);
        if (!result.valid)
                return mt_fail(err, ENODATA, "the domain's dirty-rate sampling gave no result");
        *ret_bytes_s = result.bytes_s;
        return 0;
}
