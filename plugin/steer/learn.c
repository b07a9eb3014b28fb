/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * A history of ten thousand migrations takes more than a second to read, in which no event may wait: a thread reads it
 * into a memory of its own, and the loop swaps the two when it is through. A migration that ends meanwhile is told to both:
 * its record waits in `late` until the swap, since the file may have been read before it was written. (If it was not, the
 * record is told twice, which counts as once.)
 */
#include "steer/learn.h"
#include "cleanup.h"
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define POLL_MS 10u

struct mt_learner {
        pthread_t thread;
        atomic_bool stop, done;
        char file[256];
        struct mt_learnt learnt; /* the thread's until done */
        struct mt_err err;       /* likewise; code 0: it was read */
        json_object *late;       /* owned; an array: records of migrations that ended since; NULL: none */
};

static void *read_history(void *arg)
{
        struct mt_learner *learner = arg;

        if (mt_learnt_load(&learner->learnt, learner->file, &learner->stop, &learner->err) == 0)
                learner->err.code = 0;
        atomic_store(&learner->done, true);
        return NULL;
}

static void learner_free(struct mt_learner *learner)
{
        (void)json_object_put(learner->late);
        mt_learnt_done(&learner->learnt);
        free(learner);
}

/* Gives up what is being read. */
static void give_up(struct mt_host *host)
{
        struct mt_learner *learner = MT_STEAL(&host->learner);

        if (learner == NULL)
                return;
        atomic_store(&learner->stop, true);
        (void)pthread_join(learner->thread, NULL); /* within a record, or the reading of the file: tens of ms */
        learner_free(learner);
}

void mt_learn_begin(struct mt_host *host, unsigned wait_ms)
{
        struct mt_learner *learner;
        int r;

        give_up(host);
        if (host->config.history.file[0] == '\0')
                return;
        learner = calloc(1, sizeof(*learner));
        if (learner == NULL)
                return;
        (void)snprintf(learner->file, sizeof(learner->file), "%s", host->config.history.file);
        r = pthread_create(&learner->thread, NULL, read_history, learner);
        if (r != 0) {
                mt_log(MT_LOG_WARNING, "read the history '%s': %s; nothing is learnt from it", learner->file, strerror(r));
                learner_free(learner);
                return;
        }
        host->learner = learner;
        for (unsigned waited = 0; waited < wait_ms && !atomic_load(&learner->done); waited += POLL_MS)
                (void)usleep(POLL_MS * 1000);
        mt_learn_tick(host);
}

/* One line on what holds here, where that is not built in. */
static void announce(const struct mt_host *host)
{
        const struct mt_calibration *calibration = &host->learnt.calibration;
        char tau[48] = "", tg[48] = "";
        unsigned fits = 0;

        if (host->config.traffic.models != MT_MODELS_AUTO)
                return;
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned c = 0; c < MT_TRAFFIC_CLASSES; c++)
                        fits += calibration->model[t][c].good ? 1 : 0;
        if (calibration->tau.good)
                (void)snprintf(tau, sizeof(tau), "; tau %.1f ms", calibration->tau.ms);
        if (calibration->tg.good)
                (void)snprintf(tg, sizeof(tg), "; t_g %.1f ms", calibration->tg.ms);
        mt_log(MT_LOG_NOTICE, "learnt from %u migrations: %u bandwidth models of this host's own%s%s",
               host->learnt.evidence.completed, fits, tau, tg);
}

void mt_learn_tick(struct mt_host *host)
{
        struct mt_learner *learner = host->learner;

        if (learner == NULL || !atomic_load(&learner->done))
                return;
        host->learner = NULL;
        (void)pthread_join(learner->thread, NULL);
        if (learner->err.code != 0) {
                mt_log(MT_LOG_WARNING, "%s; nothing is learnt from it", learner->err.msg);
        } else {
                for (size_t i = 0; learner->late != NULL && i < json_object_array_length(learner->late); i++)
                        mt_learnt_record(&learner->learnt, json_object_array_get_idx(learner->late, i));
                mt_calibrate(&learner->learnt.evidence, &learner->learnt.calibration);
                mt_learnt_done(&host->learnt);
                host->learnt = learner->learnt;
                learner->learnt = (struct mt_learnt){ .rates = { .n = 0 } }; /* handed over */
                announce(host);
        }
        learner_free(learner);
}

static void keep_for_later(struct mt_learner *learner, json_object *record)
{
        if (learner->late == NULL)
                learner->late = json_object_new_array();
        if (learner->late != NULL && json_object_array_add(learner->late, json_object_get(record)) != 0)
                (void)json_object_put(record);
}

void mt_learn_outcome(struct mt_host *host, const struct mt_outcome *outcome)
{
        json_object *record = mt_outcome_json(outcome);

        mt_learnt_record(&host->learnt, record);
        mt_calibrate(&host->learnt.evidence, &host->learnt.calibration);
        if (host->learner != NULL && record != NULL)
                keep_for_later(host->learner, record);
        (void)json_object_put(record);
}

void mt_learn_facts(const struct mt_host *host, const struct mt_intent *intent, struct mt_facts *facts)
{
        const struct mt_calibration *calibration = &host->learnt.calibration;
        double value;

        if (mt_past_rates_range(&host->learnt.rates, &facts->dirty_low_bytes_s, &facts->dirty_high_bytes_s))
                facts->dirty_range_source = MT_VALUE_HISTORY;
        if (mt_recent_quantile(&host->learnt.overheads.setup_ms, MT_OVERHEADS_SETUP, &value))
                facts->setup_ms = (uint64_t)(value + 0.5);
        if (mt_recent_quantile(&host->learnt.overheads.process_bytes, MT_OVERHEADS_PROCESS, &value))
                facts->overhead_bytes = value > 0.0 ? (uint64_t)value : 0;
        if (host->config.traffic.models != MT_MODELS_AUTO)
                return;
        facts->models = mt_calibration_models(calibration);
        if (intent->inter_iteration_delay_ms == MT_AUTO && calibration->tau.good) {
                facts->tau_ms = mt_calibration_tau_ms(calibration);
                facts->tau_source = MT_VALUE_HISTORY;
        }
        if (intent->reconfiguration_time_ms == MT_AUTO && calibration->tg.good) {
                facts->tg_ms = mt_calibration_tg_ms(calibration);
                facts->tg_source = MT_VALUE_HISTORY;
        }
}

void mt_learn_end(struct mt_host *host)
{
        give_up(host);
        mt_learnt_done(&host->learnt);
}
