/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/vm_traffic.h"
#include "array_room.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMOOTHING_S 2.0
#define MAX_INTERFACES 64 /* a domain's; libvirt tells how many, but it is another machine's word */

/* FNV-1a, 64 bits: a new tap device has a new name or a new domain, so a key's counters go on. */
static uint64_t key_of(const char *uuid, const char *name)
{
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (const char *c = uuid; *c != '\0'; c++)
                hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        hash = (hash ^ '/') * UINT64_C(0x100000001b3);
        for (const char *c = name; *c != '\0'; c++)
                hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
        return hash;
}

static int keep(struct mt_vm_reading *reading, const struct mt_vm_counter *counter)
{
        struct mt_vm_counter *array = mt_array_room(reading->counter, reading->n, &reading->room, sizeof(*array));

        if (array == NULL)
                return -ENOMEM;
        reading->counter = array;
        reading->counter[reading->n++] = *counter;
        return 0;
}

static bool read_counter(virTypedParameterPtr params, int n, unsigned interface, const char *what, uint64_t *ret)
{
        char field[VIR_TYPED_PARAM_FIELD_LENGTH];
        unsigned long long value = 0;

        (void)snprintf(field, sizeof(field), "net.%u.%s.bytes", interface, what);
        if (virTypedParamsGetULLong(params, n, field, &value) != 1)
                return false;
        *ret = value;
        return true;
}

int mt_vm_traffic_add(struct mt_vm_traffic *traffic, const char *uuid, virTypedParameterPtr params, int n)
{
        unsigned count = 0;

        if (virTypedParamsGetUInt(params, n, "net.count", &count) != 1)
                return 0;
        for (unsigned i = 0; i < count && i < MAX_INTERFACES; i++) {
                struct mt_vm_counter counter;
                char field[VIR_TYPED_PARAM_FIELD_LENGTH];
                const char *name = NULL;

                (void)snprintf(field, sizeof(field), "net.%u.name", i);
                if (virTypedParamsGetString(params, n, field, &name) != 1 ||
                    !read_counter(params, n, i, "rx", &counter.rx_bytes) ||
                    !read_counter(params, n, i, "tx", &counter.tx_bytes))
                        continue; /* passed through to the guest: libvirt cannot count it */
                counter.key = key_of(uuid, name);
                if (keep(&traffic->now, &counter) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/*
 * The same interface's counters in the last reading, or NULL. Readings have the same order mostly: at is where to look
 * first.
 */
static const struct mt_vm_counter *find(const struct mt_vm_reading *last, uint64_t key, size_t *at)
{
        for (size_t i = 0; i < last->n; i++) {
                const struct mt_vm_counter *counter = &last->counter[(*at + i) % last->n];

                if (counter->key == key) {
                        *at = (*at + i + 1) % last->n;
                        return counter;
                }
        }
        return NULL;
}

void mt_vm_traffic_end(struct mt_vm_traffic *traffic, uint64_t now_ms)
{
        double dt = (double)(now_ms - traffic->at_ms) / 1000.0, in = 0.0, out = 0.0;
        struct mt_vm_reading done = traffic->last;
        size_t at = 0;

        for (size_t i = 0; i < traffic->now.n; i++) {
                const struct mt_vm_counter *now = &traffic->now.counter[i];
                const struct mt_vm_counter *last = find(&traffic->last, now->key, &at);

                if (last == NULL || now->rx_bytes < last->rx_bytes || now->tx_bytes < last->tx_bytes)
                        continue;
                in += (double)(now->rx_bytes - last->rx_bytes);
                out += (double)(now->tx_bytes - last->tx_bytes);
        }
        if (traffic->at_ms != 0 && dt > 0.0) {
                double weight = traffic->known ? 1.0 - exp(-dt / SMOOTHING_S) : 1.0;

                traffic->in_bytes_s += weight * (in / dt - traffic->in_bytes_s);
                traffic->out_bytes_s += weight * (out / dt - traffic->out_bytes_s);
                traffic->known = true;
        }
        done.n = 0;
        traffic->last = traffic->now;
        traffic->now = done; /* its memory is used again */
        traffic->at_ms = now_ms;
}

void mt_vm_traffic_done(struct mt_vm_traffic *traffic)
{
        free(traffic->last.counter);
        free(traffic->now.counter);
        *traffic = (struct mt_vm_traffic){ .known = false };
}
