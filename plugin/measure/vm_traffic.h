/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The traffic of all VMs of a host together, from libvirt's interface statistics, smoothed. */
#ifndef MT_MEASURE_VM_TRAFFIC_H
#define MT_MEASURE_VM_TRAFFIC_H

#include <libvirt/libvirt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One interface's counters, as of one reading. */
struct mt_vm_counter {
        uint64_t key; /* of domain and interface */
        uint64_t rx_bytes, tx_bytes;
};

/* One reading. */
struct mt_vm_reading {
        size_t n, room;
        struct mt_vm_counter *counter; /* owned */
};

struct mt_vm_traffic {
        struct mt_vm_reading last, now;
        uint64_t at_ms; /* of the last reading; 0: none yet */
        bool known;     /* two readings at least */
        double in_bytes_s, out_bytes_s;
};

/*
 * Adds one domain's VIR_DOMAIN_STATS_INTERFACE parameters to the reading that is being made. libvirt counts as the
 * guest does: what it receives has arrived at its host. -ENOMEM.
 */
int mt_vm_traffic_add(struct mt_vm_traffic *traffic, const char *uuid, virTypedParameterPtr params, int n);

/*
 * The reading is complete. now_ms: CLOCK_MONOTONIC. An interface counts from its second reading on, so domains may come
 * and go; counters that go back count from the next reading. The weight of a reading is 1 - exp(-dt / 2 s), the first
 * rate's is 1.
 */
void mt_vm_traffic_end(struct mt_vm_traffic *traffic, uint64_t now_ms);

/* Forgets everything; for a new connection, and at the end. */
void mt_vm_traffic_done(struct mt_vm_traffic *traffic);

#endif
