/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A byte counter's smoothed rate. Starts at 0 and smooths as measure/nic.c does (weight 1 - exp(-dt / 2 s)), so that the
 * difference between a device's rate and a class's is the other traffic even while both still rise.
 */
#ifndef MT_STEER_METER_H
#define MT_STEER_METER_H

#include <math.h>
#include <stdint.h>

#define MT_METER_SECONDS 2.0

struct mt_meter {
        uint64_t bytes, at_ms; /* last reading; at_ms 0: none yet */
        double bytes_s;
};

/* Takes a reading of the counter. One that went back restarts the count, not the rate. */
static inline void mt_meter_read(struct mt_meter *meter, uint64_t bytes, uint64_t now_ms)
{
        if (meter->at_ms != 0 && now_ms > meter->at_ms && bytes >= meter->bytes) {
                double dt = (double)(now_ms - meter->at_ms) / 1000.0;
                double rate = (double)(bytes - meter->bytes) / dt;

                meter->bytes_s += (1.0 - exp(-dt / MT_METER_SECONDS)) * (rate - meter->bytes_s);
        }
        meter->bytes = bytes;
        meter->at_ms = now_ms;
}

#endif
