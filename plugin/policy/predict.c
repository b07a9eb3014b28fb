/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/predict.h"
#include "policy/flags.h"

#include <math.h>

/* libvirt's handshake between the call and the first byte, in its own statistics part of the total time. */
#define SETUP_S 0.1
/* Device state, sent while the guest stands still; a few MiB with virtio. */
#define DEVICE_STATE_MBIT 8.0

static const struct mt_prediction never = { .total_ms = UINT64_MAX, .downtime_ms = UINT64_MAX, .bytes = UINT64_MAX };

static struct mt_prediction result(double total, double downtime, double sent, unsigned iterations)
{
        return (struct mt_prediction){
                .total_ms = mt_ms(total), .downtime_ms = mt_ms(downtime), .bytes = mt_bytes(sent), .iterations = iterations
        };
}

static struct mt_prediction pre_copy(const struct mt_inputs *in, const struct mt_intent *intent,
                                     const struct mt_bandwidth *bandwidth, const struct mt_stop *stop)
{
        double Rs = bandwidth->switchover * MT_PAYLOAD;
        double remaining = stop->copy.to_send;

        if (remaining > stop->allowed * 1.0001) { /* neither QEMU nor we would stop there */
                double allowed = mt_seconds(intent->exceed_downtime_ms) - in->tg;

                if (intent->on_no_convergence != MT_EXCEED || remaining > allowed * Rs)
                        return never;
        }
        return result(SETUP_S + stop->copy.seconds + remaining / Rs + in->tg, remaining / Rs + in->tg,
                      stop->copy.sent + remaining, stop->n);
}

/* Mbit/s of payload after the switch. */
static double post_copy_rate(const struct mt_inputs *in, const struct mt_bandwidth *bandwidth)
{
        double rate = bandwidth->expected * MT_PAYLOAD;

        return fmin(in->paced ? fmin(rate, mt_flags_pace(bandwidth->R, in)) : rate, in->pace_limit);
}

static struct mt_prediction post_copy(const struct mt_way *way, unsigned rounds, const struct mt_inputs *in,
                                      const struct mt_bandwidth *bandwidth)
{
        double downtime = DEVICE_STATE_MBIT / (bandwidth->switchover * MT_PAYLOAD) + in->tg;
        struct mt_copy copy = { .to_send = in->resident };

        if (rounds > 0)
                copy = mt_copy_until(0.0, rounds, way, in, bandwidth);
        return result(SETUP_S + copy.seconds + downtime + copy.to_send / post_copy_rate(in, bandwidth), downtime,
                      copy.sent + copy.to_send, copy.rounds);
}

struct mt_prediction mt_predict(const struct mt_way *way, unsigned switch_after, const struct mt_inputs *in,
                                const struct mt_intent *intent, const struct mt_bandwidth *bandwidth,
                                const struct mt_stop *stop)
{
        return way->technique == MT_PRE_COPY ? pre_copy(in, intent, bandwidth, stop)
                                             : post_copy(way, switch_after, in, bandwidth);
}
