/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/dirty.h"
#include "cleanup.h"
#include "clock.h"
#include "measure/domain.h"
#include "thread.h"
#include "units.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define LEAST_WEIGHT 0.3 /* of a new sample against the smoothed value */
#define MEASURE_MS 1250  /* one second of sampling, and its hashing */
#define STEP_MS 1000     /* how often the thread looks for domains that are due */
#define FIRST_MS 2000    /* a domain seen for the first time is due so soon */
#define EARLY_SAMPLES 4  /* one sample is noisy: a new domain gets some quickly */
#define EARLY_MS 4000
#define BATCH 16 /* domains measured in one step: 16 a second covers 200 domains in a minute's fifth */
#define STOP_S 3
#define FORGET_MS (24 * 3600 * UINT64_C(1000))

struct entry {
        char uuid[VIR_UUID_STRING_BUFLEN];
        unsigned samples;
        double bytes_s;
        uint64_t sampled_ms;
        uint64_t due_ms;
        uint64_t seen_ms;
};

struct mt_dirty_sampler {
        pthread_t thread;
        pthread_mutex_t lock; /* all below */
        pthread_cond_t wake;
        bool stopping;
        uint64_t every_ms;
        struct entry *entries;
        size_t n, allocated;
        char uri[256];
};

/* Finds or makes the domain's entry; NULL without memory. Called with the lock held. */
static struct entry *entry_of(struct mt_dirty_sampler *sampler, const char *uuid, uint64_t now, bool make)
{
        for (size_t i = 0; i < sampler->n; i++)
                if (strcmp(sampler->entries[i].uuid, uuid) == 0)
                        return &sampler->entries[i];
        if (!make)
                return NULL;
        if (sampler->n == sampler->allocated) {
                size_t more = sampler->allocated > 0 ? sampler->allocated * 2 : 64;
                struct entry *grown = realloc(sampler->entries, more * sizeof(*grown));

                if (grown == NULL)
                        return NULL;
                sampler->entries = grown;
                sampler->allocated = more;
        }
        sampler->entries[sampler->n] = (struct entry){ .due_ms = now + FIRST_MS, .seen_ms = now };
        (void)snprintf(sampler->entries[sampler->n].uuid, sizeof(sampler->entries[0].uuid), "%s", uuid);
        return &sampler->entries[sampler->n++];
}

static void forget_old(struct mt_dirty_sampler *sampler, uint64_t now)
{
        for (size_t i = 0; i < sampler->n;)
                if (now - sampler->entries[i].seen_ms > FORGET_MS)
                        sampler->entries[i] = sampler->entries[--sampler->n];
                else
                        i++;
}

/* Whether the domain is due; if so, its next turn is set, jittered by its uuid so that domains spread over the period. */
static bool take_turn(struct mt_dirty_sampler *sampler, const char *uuid, uint64_t now)
{
        struct entry *entry;
        uint64_t jitter = 0, period;
        bool due;

        (void)pthread_mutex_lock(&sampler->lock);
        entry = entry_of(sampler, uuid, now, true);
        due = entry != NULL && now >= entry->due_ms;
        if (entry != NULL)
                entry->seen_ms = now;
        if (due) {
                for (const char *c = uuid; *c != '\0'; c++)
                        jitter = jitter * 31 + (unsigned char)*c;
                period = entry->samples < EARLY_SAMPLES && sampler->every_ms > EARLY_MS ? EARLY_MS : sampler->every_ms;
                entry->due_ms = now + period - period / 10 + (jitter + now) % (period / 5 + 1);
        }
        (void)pthread_mutex_unlock(&sampler->lock);
        return due;
}

static void store(struct mt_dirty_sampler *sampler, const char *uuid, uint64_t bytes_s)
{
        struct entry *entry;

        (void)pthread_mutex_lock(&sampler->lock);
        entry = entry_of(sampler, uuid, mt_now_ms(), true);
        if (entry != NULL) {
                double weight = fmax(1.0 / (entry->samples + 1), LEAST_WEIGHT); /* the mean, as long as there are few */

                entry->bytes_s += weight * ((double)bytes_s - entry->bytes_s);
                entry->samples++;
                entry->sampled_ms = mt_now_ms();
        }
        (void)pthread_mutex_unlock(&sampler->lock);
}

/* Sleeps; false when asked to stop. */
static bool pause_ms(struct mt_dirty_sampler *sampler, uint64_t ms)
{
        return !mt_thread_wait(&sampler->lock, &sampler->wake, &sampler->stopping, ms);
}

/* Reads a finished measurement out of one record of virDomainListGetStats. */
static bool measured_rate(virDomainStatsRecordPtr record, uint64_t *ret_bytes_s)
{
        long long mib_s = 0;
        int status = VIR_DOMAIN_DIRTYRATE_UNSTARTED;

        if (virTypedParamsGetInt(record->params, record->nparams, "dirtyrate.calc_status", &status) != 1 ||
            status != VIR_DOMAIN_DIRTYRATE_MEASURED ||
            virTypedParamsGetLLong(record->params, record->nparams, "dirtyrate.megabytes_per_second", &mib_s) != 1 ||
            mib_s < 0)
                return false;
        *ret_bytes_s = (uint64_t)mib_s * MT_MIB;
        return true;
}

/* A measurement that a migration broke into reads 0 (seen with QEMU 10.0). */
static bool has_job(virDomainPtr domain)
{
        virDomainJobInfo job = { 0 };

        return virDomainGetJobInfo(domain, &job) < 0 || job.type != VIR_DOMAIN_JOB_NONE;
}

static void collect(struct mt_dirty_sampler *sampler, virDomainPtr *domains)
{
        virDomainStatsRecordPtr *records = NULL;
        int n = virDomainListGetStats(domains, VIR_DOMAIN_STATS_DIRTYRATE, &records,
                                      VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);

        for (int i = 0; i < n; i++) {
                char uuid[VIR_UUID_STRING_BUFLEN];
                uint64_t bytes_s;

                if (!has_job(records[i]->dom) && measured_rate(records[i], &bytes_s) &&
                    virDomainGetUUIDString(records[i]->dom, uuid) == 0)
                        store(sampler, uuid, bytes_s);
        }
        if (n >= 0)
                virDomainStatsRecordListFree(records);
}

/* Starts measurements for the domains that are due (at most BATCH), waits, and stores what came out. */
static void step(struct mt_dirty_sampler *sampler, virConnectPtr connection)
{
        virDomainPtr *all = NULL;
        virDomainPtr started[BATCH + 1] = { NULL };
        size_t n_started = 0;
        int n = virConnectListAllDomains(connection, &all, VIR_CONNECT_LIST_DOMAINS_RUNNING);

        for (int i = 0; i < n && n_started < BATCH; i++) {
                char uuid[VIR_UUID_STRING_BUFLEN];

                if (virDomainGetUUIDString(all[i], uuid) < 0 || !take_turn(sampler, uuid, mt_now_ms()) || has_job(all[i]))
                        continue;
                if (virDomainStartDirtyRateCalc(all[i], 1, 0) == 0)
                        started[n_started++] = all[i];
        }
        if (n_started > 0 && pause_ms(sampler, MEASURE_MS))
                collect(sampler, started);
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
                forget_old(sampler, mt_now_ms());
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
        sampler->every_ms = every_ms;
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
        free(sampler->entries);
        free(sampler);
}

void mt_dirty_sampler_set_period(struct mt_dirty_sampler *sampler, uint64_t every_ms)
{
        (void)pthread_mutex_lock(&sampler->lock);
        sampler->every_ms = every_ms;
        (void)pthread_mutex_unlock(&sampler->lock);
}

bool mt_dirty_sampler_get(struct mt_dirty_sampler *sampler, const char *uuid, uint64_t *ret_bytes_s, uint64_t *ret_age_ms)
{
        const struct entry *entry;
        bool found;

        (void)pthread_mutex_lock(&sampler->lock);
        entry = entry_of(sampler, uuid, 0, false);
        found = entry != NULL && entry->samples > 0;
        if (found) {
                *ret_bytes_s = (uint64_t)entry->bytes_s;
                *ret_age_ms = mt_now_ms() - entry->sampled_ms;
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
        bool found = false;
        int n;

        if (virDomainGetJobInfo(domain, &job) < 0)
                return mt_libvirt_fail(err, "job information");
        if (job.type != VIR_DOMAIN_JOB_NONE)
                return mt_fail(err, EBUSY, "the domain has a job, so its dirty rate cannot be sampled");
        if (virDomainStartDirtyRateCalc(domain, 1, 0) < 0)
                return mt_libvirt_fail(err, "dirty-rate sampling");
        (void)nanosleep(&wait, NULL);
        n = virDomainListGetStats(list, VIR_DOMAIN_STATS_DIRTYRATE, &records, 0);
        for (int i = 0; i < n && !found; i++)
                found = measured_rate(records[i], ret_bytes_s);
        if (n >= 0)
                virDomainStatsRecordListFree(records);
        return found ? 0 : mt_fail(err, ENODATA, "dirty-rate sampling gave no result");
}
