/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/predict.h"
#include "policy/flags.h"

#include <math.h>

/* Device state, sent while the guest stands still; a few MiB with virtio. */
#define DEVICE_STATE_MBIT 8.0
/* Less is not seen by others. */
#define LEAST_LOSS_MBPS 0.05

/* A page; how long one takes through an empty connection, and what is queued in one that nothing paces (lab); and from which
 * part of its bandwidth on it is not paced. */
#define PAGE_MBIT (4096.0 * 8e-6)
#define ROUND_TRIP_S 1e-4
#define QUEUE_MBIT 1.0
#define UNPACED 0.95

static const struct mt_prediction never = { .total_ms = UINT64_MAX, .downtime_ms = UINT64_MAX, .bytes = UINT64_MAX };

static struct mt_prediction result(double total, double downtime, double sent, unsigned iterations)
{
        return (struct mt_prediction){
                .total_ms = mt_ms(total), .downtime_ms = mt_ms(downtime), .bytes = mt_bytes(sent), .iterations = iterations
        };
}

/*
 * What remains when QEMU stops. It does not wait for a round to end: as soon as no more than its limit allows remains it looks
 * at what was dirtied meanwhile, and stops, or begins the next round; so its last rounds get shorter and shorter, and in the
 * end about all that is allowed remains, where the models' last round would leave less (lab: 90 to 120 % of what is allowed,
 * with QEMU 10.0). In the first pass what remains includes pages that were never touched.
 */
static double left_at_stop(const struct mt_inputs *in, const struct mt_stop *stop)
{
        double left = stop->remaining;

        if (stop->copy.rounds == 1)
                left = fmin(left, left * in->resident / in->memory + stop->copy.to_send);
        return fmax(stop->copy.to_send, fmin(left, in->resident));
}

static struct mt_prediction pre_copy(const struct mt_inputs *in, const struct mt_intent *intent,
                                     const struct mt_bandwidth *bandwidth, const struct mt_stop *stop)
{
        double Rs = bandwidth->switchover * MT_PAYLOAD;
        double remaining = stop->copy.to_send, left, early;

        if (remaining > stop->allowed * 1.0001) { /* neither QEMU nor we would stop there */
                double allowed = mt_seconds(intent->exceed_downtime_ms) - in->tg;

                if (intent->on_no_convergence != MT_EXCEED || remaining > allowed * Rs)
                        return never;
        }
        left = left_at_stop(in, stop);
        early = fmin((left - remaining) / (bandwidth->expected * MT_PAYLOAD), stop->copy.seconds);
        return result(in->setup + stop->copy.seconds - early + left / Rs + in->tg, left / Rs + in->tg,
                      stop->copy.sent + remaining, stop->n);
}

/* Mbit/s of payload after the switch. */
static double post_copy_rate(const struct mt_inputs *in, const struct mt_bandwidth *bandwidth)
{
        double rate = bandwidth->expected * MT_PAYLOAD;

        return fmin(in->paced ? fmin(rate, mt_flags_pace(bandwidth->R, in)) : rate, in->pace_limit);
}

/*
 * Seconds that the guest waits for pages after the switch, in all. It wants p = D/page pages a second; the part of its memory
 * that is missing falls from f = missing/resident to 0 in the T seconds that the stream takes; each missing page that it wants
 * costs L: a round trip, and what is queued before it where nothing paces the stream and others fill the link as well. Of each
 * second it then runs 1/(1 + p*L*f(t)), so it loses T*(1 - ln(1 + x)/x), x = p*L*f; no more than L for each page that is
 * missing. Only what it writes is known of what it wants: what it reads adds to that. Rough: in the lab 2.3, 4.1 and 7.5 s were
 * lost where this says 3.5, 4.4 and 7.6.
 */
static double stall(double missing, double rate, const struct mt_inputs *in, const struct mt_bandwidth *bandwidth)
{
        bool queues = rate >= UNPACED * bandwidth->expected * MT_PAYLOAD && bandwidth->R > in->available;
        double L = ROUND_TRIP_S + (queues ? QUEUE_MBIT / rate : 0.0);
        double x = in->D / PAGE_MBIT * L * missing / in->resident;

        if (x < 1e-6 || missing <= 0.0)
                return 0.0;
        return fmin(missing / rate * (1.0 - log1p(x) / x), missing / PAGE_MBIT * L);
}

static struct mt_prediction post_copy(const struct mt_way *way, unsigned rounds, const struct mt_inputs *in,
                                      const struct mt_bandwidth *bandwidth)
{
        double downtime = DEVICE_STATE_MBIT / (bandwidth->switchover * MT_PAYLOAD) + in->tg;
        double rate = post_copy_rate(in, bandwidth);
        struct mt_copy copy = { .to_send = in->resident };
        struct mt_prediction prediction;

        if (rounds > 0)
                copy = mt_copy_until(0.0, rounds, way, in, bandwidth);
        prediction = result(in->setup + copy.seconds + downtime + copy.to_send / rate, downtime, copy.sent + copy.to_send,
                            copy.rounds);
        prediction.stall_ms = mt_ms(stall(copy.to_send, rate, in, bandwidth));
        return prediction;
}

struct mt_prediction mt_predict(const struct mt_way *way, unsigned switch_after, const struct mt_inputs *in,
                                const struct mt_intent *intent, const struct mt_bandwidth *bandwidth,
                                const struct mt_stop *stop)
{
        return way->technique == MT_PRE_COPY ? pre_copy(in, intent, bandwidth, stop)
                                             : post_copy(way, switch_after, in, bandwidth);
}

/* Something that a migration sends at one rate. */
struct phase {
        double rate, seconds; /* Mbit/s on the wire */
};

/* Mbit/s that others lose to so much on the wire, at the end of the way where that is more. */
static double taken(double rate, const struct mt_inputs *in)
{
        double usable = in->link * MT_USABLE;
        double here = fmin(fmax(in->src_out + rate - usable, 0.0), in->src_out);
        double there = fmin(fmax(in->dst_in + rate - usable, 0.0), in->dst_in);

        return fmax(here, there);
}

static struct mt_tenants sum(const struct phase *phases, size_t n, const struct mt_inputs *in)
{
        double seconds = 0.0, mbit = 0.0, peak = 0.0;

        for (size_t i = 0; i < n; i++) {
                double lost = taken(phases[i].rate, in);

                if (lost < LEAST_LOSS_MBPS || phases[i].seconds * 1e3 < 1.0)
                        continue;
                seconds += phases[i].seconds;
                mbit += lost * phases[i].seconds;
                peak = fmax(peak, lost);
        }
        return (struct mt_tenants){ .bytes_s = seconds > 0.0 ? mt_bytes_s(mbit / seconds) : 0,
                                    .peak_bytes_s = mt_bytes_s(peak),
                                    .ms = mt_ms(seconds),
                                    .bytes = mt_bytes(mbit) };
}

/* Pre-copy that does not end: what it takes, it takes for good. */
static struct mt_tenants for_good(double rate, const struct mt_inputs *in)
{
        uint64_t lost = taken(rate, in) < LEAST_LOSS_MBPS ? 0 : mt_bytes_s(taken(rate, in));

        return (struct mt_tenants){
                .bytes_s = lost, .peak_bytes_s = lost, .ms = lost > 0 ? UINT64_MAX : 0, .bytes = lost > 0 ? UINT64_MAX : 0
        };
}

struct mt_tenants mt_predict_tenants(const struct mt_way *way, unsigned switch_after, const struct mt_inputs *in,
                                     const struct mt_bandwidth *bandwidth, const struct mt_prediction *prediction)
{
        struct mt_copy copy = { .to_send = in->resident };
        double last = way->technique == MT_PRE_COPY ? mt_seconds(prediction->downtime_ms) - in->tg
                                                    : DEVICE_STATE_MBIT / (bandwidth->switchover * MT_PAYLOAD);
        double pace = post_copy_rate(in, bandwidth);
        struct phase phases[3] = { { bandwidth->switchover, last } };

        if (prediction->total_ms == UINT64_MAX)
                return for_good(bandwidth->expected, in);
        if (way->technique == MT_PRE_COPY) {
                phases[1] = (struct phase){ bandwidth->expected,
                                            mt_seconds(prediction->total_ms - prediction->downtime_ms) - in->setup };
                return sum(phases, 2, in);
        }
        if (switch_after > 0)
                copy = mt_copy_until(0.0, switch_after, way, in, bandwidth);
        phases[1] = (struct phase){ bandwidth->expected, copy.seconds };
        phases[2] = (struct phase){ pace / MT_PAYLOAD, copy.to_send / pace };
        return sum(phases, 3, in);
}
