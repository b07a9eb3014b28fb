/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rates of network devices (physical ports, bridges, the guests' taps), from the kernel's 64-bit link counters over
 * netlink, smoothed.
 */
#ifndef MT_MEASURE_NIC_H
#define MT_MEASURE_NIC_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_nic_table; /* owned by its creator; not thread-safe: one thread a table */

struct mt_nic_rate {
        bool known; /* two samples at least, the last one younger than 5 s */
        uint64_t in_bytes_s, out_bytes_s; /* EWMA over the samples, as the device counts (Ethernet headers included) */
        uint64_t age_ms;
        uint64_t rx_bytes, tx_bytes; /* the last sample's counters */
};

/* 0 and *ret, or -errno. */
int mt_nic_table_new(struct mt_nic_table **ret, struct mt_err *err);
void mt_nic_table_free(struct mt_nic_table *table);

/*
 * Takes one sample of every device with a single RTM_GETLINK dump (or RTM_GETSTATS). now_ms: CLOCK_MONOTONIC. Devices that
 * went away are forgotten; counters that go back restart a device. The weight of a sample is 1 - exp(-dt / 2 s).
 */
int mt_nic_sample(struct mt_nic_table *table, uint64_t now_ms, struct mt_err *err);

/* Looks a device up by name. known = false when there is no such device or too few samples. */
struct mt_nic_rate mt_nic_rate(const struct mt_nic_table *table, const char *device, uint64_t now_ms);

#endif
