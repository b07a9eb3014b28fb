/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Migrations of a network whose constants are known: simulated round by round, and turned into records by the code that the
 * watcher uses. Seeded, so each run makes the same ones.
 */
#ifndef MT_TEST_SYNTHETIC_H
#define MT_TEST_SYNTHETIC_H

#include "noise.h"
#include "record/outcome.h"
#include "table.h"
#include "units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct synthetic {
        uint64_t seed;
        double tau, tg, setup; /* s */
        double noise;          /* relative standard deviation of each migration's bandwidth */
        double link;           /* Mbit/s */
        double share;          /* of the built-in model that the network gives */
        unsigned made;
};

#define SYNTHETIC_START UINT64_C(1790000000000)

struct synthetic_run {
        double copy, sent, last; /* s, Mbit, Mbit of payload */
        unsigned rounds;
};

/* Rounds of pre-copy at R Mbit/s of payload until what remains takes less than 0.24 s at S. */
static inline struct synthetic_run synthetic_rounds(const struct synthetic *s, double memory, double D, double R, double S)
{
        struct synthetic_run run = { .last = memory };

        do {
                double time = run.last / R + s->tau;

                run.sent += run.last;
                run.copy += time;
                run.last = fmin(D * time, memory);
                run.rounds++;
        } while (run.rounds < 20 && run.last > 0.24 * S);
        return run;
}

static inline struct mt_outcome synthetic_outcome(struct synthetic *s, double memory, double D)
{
        struct mt_outcome o = {
                .result = MT_COMPLETED,
                .started_ms = SYNTHETIC_START + (uint64_t)s->made * 60000,
                .domain = { .name = "vm" },
                .source = "host1",
                .destination = "10.0.0.2",
                .facts = { .memory_bytes = mt_bytes(memory),
                           .resident_bytes = mt_bytes(memory),
                           .dirty_rate_bytes_s = mt_bytes_s(D),
                           .device = "eth0",
                           .link_bytes_s = mt_bytes_s(s->link),
                           .src = { .known = true },
                           .vm = { .known = true },
                           .dirty_low_bytes_s = MT_AUTO,
                           .dirty_high_bytes_s = MT_AUTO },
                .actual = { .technique = MT_PRE_COPY },
        };

        (void)snprintf(o.domain.uuid, sizeof(o.domain.uuid), "%08x-0000-4000-8000-%012x", s->made % 40 * 2654435761u,
                       s->made % 40);
        (void)mt_record_id(o.id, sizeof(o.id), o.started_ms, o.domain.uuid);
        mt_intent_defaults(&o.intent);
        s->made++;
        return o;
}

static inline void synthetic_sample(struct mt_outcome *o, double t, unsigned iteration, double planned, double carried,
                                    double D)
{
        const struct mt_sample sample = { .t_ms = mt_ms(t),
                                          .iteration = iteration,
                                          .dirty_rate_bytes_s = mt_bytes_s(D),
                                          .planned_bytes_s = mt_bytes_s(planned),
                                          .bandwidth_bytes_s = mt_bytes_s(carried) };

        assert_int_equal(mt_outcome_sample(o, &sample), 0);
}

/* The smoothed meter's reading t seconds after the first byte. */
static inline double synthetic_meter(double rate, double t)
{
        return rate * (1.0 - exp(-t / 2.0));
}

static inline void synthetic_samples(struct mt_outcome *o, const struct synthetic_run *run, double planned, double rate,
                                     double D)
{
        for (double t = 0.0; t < run->copy; t += fmax(1.0, run->copy / 20.0))
                synthetic_sample(o, t, 1 + (unsigned)(t / run->copy * run->rounds), planned, synthetic_meter(rate, t), D);
}

/* Observed only. traffic and x: the VM's own, Mbit/s on a 1 Gbit/s link. The caller frees with mt_outcome_done. */
static inline struct mt_outcome synthetic_free(struct synthetic *s, enum mt_technique technique,
                                               enum mt_traffic_class traffic, double x)
{
        const double scale = s->link / 1000.0;
        const double memory = (4.0 + 30.0 * noise_uniform(&s->seed)) * 1000.0;
        const double got = s->share * mt_traffic_model(technique, traffic, x) * scale;
        const double rate = got * (1.0 + s->noise * noise_normal(&s->seed));
        const double D = (0.05 + 0.5 * noise_uniform(&s->seed)) * rate;
        struct mt_outcome o = synthetic_outcome(s, memory, D);
        struct synthetic_run run = synthetic_rounds(s, memory, D, rate * MT_PAYLOAD, rate * MT_PAYLOAD);
        double downtime = s->tg + run.last / (rate * MT_PAYLOAD);

        if (technique != MT_PRE_COPY) { /* the rest goes on behind the switch */
                run = (struct synthetic_run){ .copy = memory / (rate * MT_PAYLOAD), .sent = memory, .rounds = 1 };
                downtime = s->tg;
        }
        o.intent.mode = MT_MODE_OBSERVE;
        o.facts.vm.in_bytes_s = traffic == MT_TRAFFIC_OUTBOUND ? 0 : mt_bytes_s(x * scale);
        o.facts.vm.out_bytes_s = traffic == MT_TRAFFIC_INBOUND ? 0 : mt_bytes_s(x * scale);
        o.actual.technique = technique;
        o.actual.iterations = run.rounds;
        o.actual.bytes = mt_bytes(run.sent + run.last);
        o.actual.last_copy_bytes = mt_bytes(run.last);
        o.actual.downtime_ms = mt_ms(downtime);
        o.actual.total_ms = mt_ms(s->setup + run.copy + downtime);
        synthetic_samples(&o, &run, rate / 2.0, rate, D);
        return o;
}

/* Steered: a class holds R Mbit/s, the last copy runs at S. carried: part of R that the path gives. */
static inline struct mt_outcome synthetic_shaped(struct synthetic *s, double R, double S, double carried)
{
        const double memory = (4.0 + 30.0 * noise_uniform(&s->seed)) * 1000.0;
        const double rate = R * carried * (1.0 + s->noise * noise_normal(&s->seed));
        const double D = (0.1 + 0.6 * noise_uniform(&s->seed)) * rate;
        struct mt_outcome o = synthetic_outcome(s, memory, D);
        const struct synthetic_run run = synthetic_rounds(s, memory, D, rate * MT_PAYLOAD, S * MT_PAYLOAD);
        const double downtime = s->tg + run.last / (S * MT_PAYLOAD) * (1.0 + s->noise * noise_normal(&s->seed));

        o.plan.bandwidth_bytes_s = mt_bytes_s(R);
        o.plan.switchover_bytes_s = mt_bytes_s(S);
        o.applied.bandwidth_bytes_s = mt_bytes_s(R);
        o.applied.changes = 1;
        o.n_tc = 1;
        o.tc[0] = (struct mt_tc_entry){ .device = "eth0", .minor = 2, .ceil_bytes_s = mt_bytes_s(R), .removed = true };
        o.actual.iterations = run.rounds;
        o.actual.bytes = mt_bytes(run.sent + run.last);
        o.actual.last_copy_bytes = mt_bytes(run.last / MT_PAYLOAD); /* the class counts frames */
        o.actual.downtime_ms = mt_ms(downtime);
        o.actual.total_ms = mt_ms(s->setup + run.copy + downtime);
        synthetic_samples(&o, &run, R, R * carried, D);
        return o;
}

#endif
