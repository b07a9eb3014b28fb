/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a host's own migrations make of the models' constants: the bandwidth models of its network (thesis section 3.3), tau
 * and t_g (WAN paper). Each is taken or refused, and says why, with numbers. DL and DH are past_rates.h's.
 */
#ifndef MT_RECORD_CALIBRATION_H
#define MT_RECORD_CALIBRATION_H

#include "model/segments.h"
#include "model/traffic.h"
#include "record/evidence.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Migrations that anything rests on, at least; and how far their background must be spread, Mbit/s on a 1 Gbit/s link. */
#define MT_CALIBRATION_LEAST 12
#define MT_CALIBRATION_SPREAD_MBPS 100.0

/*
 * QEMU's downtime ends when the guest runs; its clients wait until the network has learnt where (10 to 50 ms more in the
 * lab). No record tells, so this much is added to the t_g that was found, wherever that is used.
 */
#define MT_ANNOUNCEMENT_MS 25

/* One technique's bandwidth model for one class of traffic. */
struct mt_model_fit {
        bool judged; /* false: mt_calibrate has not seen it yet */
        size_t points;
        double from, until;  /* range of the background, Mbit/s; without points 0 */
        double builtin_rmse; /* Mbit/s, of the built-in model on the same points */
        bool fitted;         /* segments and quality are there */
        bool good;           /* and better than the built-in */
        struct mt_segments segments;
        struct mt_segments_quality quality;
        char why[120]; /* if it is not good; else "" */
};

/* tau or t_g. */
struct mt_estimate {
        bool judged, good;
        size_t migrations;
        enum mt_evidence_kind kind; /* of migrations that it was taken from */
        double ms, error_ms;        /* standard error; both 0 where nothing could be fitted */
        double spread; /* robust standard deviation of single migrations: t_g: ms; tau: share of the time of copying */
        char why[120]; /* if it is not good; else "" */
};

struct mt_calibration {
        struct mt_model_fit model[MT_TECHNIQUES][MT_TRAFFIC_CLASSES]; /* idle: always empty */
        struct mt_estimate tau, tg;
};

/*
 * Judges the evidence. Refused is
 * - a bandwidth model with fewer than MT_CALIBRATION_LEAST points, with their background spread by less than
 *   MT_CALIBRATION_SPREAD_MBPS, or whose RMSE is not better than the built-in model's on the same points by as much as
 *   its parameters would gain by chance (BIC);
 * - tau and t_g from fewer than MT_CALIBRATION_LEAST migrations, not positive, above 10 s, with a standard error above 5 ms
 *   and a quarter of the value, or where time does not grow with the bytes.
 * Of shaped and free migrations, each judged alone, the surer ones give tau and t_g.
 *
 * Brings *calibration, which began zeroed with the evidence, up to date: only what has changed since the last time is judged
 * anew. After one more migration that takes up to 3 ms, at first up to 25.
 */
void mt_calibrate(struct mt_evidence *evidence, struct mt_calibration *calibration);

/* The models that are good, for struct mt_facts. */
struct mt_traffic_models mt_calibration_models(const struct mt_calibration *calibration);

/* What is to be used for tau and t_g, in whole ms; t_g with MT_ANNOUNCEMENT_MS. They must be good. */
uint64_t mt_calibration_tau_ms(const struct mt_calibration *calibration);
uint64_t mt_calibration_tg_ms(const struct mt_calibration *calibration);

#endif
