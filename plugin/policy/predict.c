/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/predict.h"
#include "model/wan.h"

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
        double R = bandwidth->expected * MT_PAYLOAD;
        double Rs = bandwidth->switchover * MT_PAYLOAD;
        const struct mt_wan_vm vm = { .vm_mb = in->resident, .R = R, .D = in->D, .tau = in->tau, .tg = 0.0 };
        double copied = 0.0;
        double remaining;

        for (unsigned i = 1; i <= stop->n; i++)
                copied += mt_wan_round(&vm, i);
        remaining = fmin(in->D * mt_wan_round(&vm, stop->n), in->resident);
        if (remaining > stop->remaining * 1.0001) { /* QEMU will not stop by itself */
                double allowed = mt_seconds(intent->exceed_downtime_ms) - in->tg;

                if (intent->on_no_convergence != MT_EXCEED || remaining > allowed * Rs)
                        return never;
        }
        return result(SETUP_S + copied + remaining / Rs + in->tg, remaining / Rs + in->tg, in->resident + in->D * copied,
                      stop->n);
}

static struct mt_prediction post_copy(bool first_pass, const struct mt_inputs *in, const struct mt_bandwidth *bandwidth)
{
        double R = bandwidth->expected * MT_PAYLOAD;
        double first = first_pass ? in->resident / R : 0.0;
        double rest = first_pass ? fmin(in->D * first, in->resident) : in->resident;
        double downtime = DEVICE_STATE_MBIT / (bandwidth->switchover * MT_PAYLOAD) + in->tg;

        return result(SETUP_S + first + downtime + rest / R, downtime, (first_pass ? in->resident : 0.0) + rest,
                      first_pass ? 1 : 0);
}

struct mt_prediction mt_predict(enum mt_technique technique, bool first_pass, const struct mt_inputs *in,
                                const struct mt_intent *intent, const struct mt_bandwidth *bandwidth,
                                const struct mt_stop *stop)
{
        return technique == MT_PRE_COPY ? pre_copy(in, intent, bandwidth, stop) : post_copy(first_pass, in, bandwidth);
}
