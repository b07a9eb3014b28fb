/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a migration's classes take to install and to remove, in a network namespace of its own, against the kernel's
 * real traffic control. One JSON line a measurement: {"bench": NAME, "unit": "us", "n": N, "median": M, "p5": A, "p95": B}
 *
 * Removing the last ingress class includes the deletion of the ifb, for which the kernel waits until all CPUs have let go
 * of the device (some 15 ms of RCU grace periods, whoever deletes any device); traffic has left the ifb long before.
 */
#include "bench.h"
#include "enforce/shape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 200
#define MANY 500
#define LINK_BYTES_S UINT64_C(1250000000)

static void must(int r, const char *what, const struct mt_err *err)
{
        if (r >= 0)
                return;
        fprintf(stderr, "bench_shape: %s: %s\n", what, err->msg);
        exit(EXIT_FAILURE);
}

static struct mt_flows flows_of(unsigned number)
{
        struct mt_flows flows = { .n = 1 };
        struct sockaddr_in *local = (void *)&flows.flow[0].local, *peer = (void *)&flows.flow[0].peer;

        *local = (struct sockaddr_in){ .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)(30000 + number)),
                                       .sin_addr = { htonl(0x0a000001) } };
        *peer = (struct sockaddr_in){ .sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)(49152 + number % 64)),
                                      .sin_addr = { htonl(0x0a000002) } };
        return flows;
}

/* The first migration on a device: the whole tree comes and goes. */
static void bench_one(struct mt_shaper *shaper, const struct mt_link *link, const char *name)
{
        static double install[ROUNDS], removal[ROUNDS];
        const struct mt_class_spec spec = { .rate_bytes_s = 1250000, .ceil_bytes_s = 12500000 };
        const struct mt_flows flows = flows_of(0);
        char label[64];
        struct mt_err err;

        for (int i = 0; i < ROUNDS; i++) {
                uint16_t minor;
                double t = bench_now_us();

                must(mt_shape_add(shaper, link, &spec, &flows, &minor, &err), "add", &err);
                install[i] = bench_now_us() - t;
                t = bench_now_us();
                must(mt_shape_remove(shaper, link, minor, &err), "remove", &err);
                removal[i] = bench_now_us() - t;
                must(mt_shape_sweep(shaper, NULL, NULL, &err), "sweep", &err); /* waits for the ifb's deletion */
        }
        (void)snprintf(label, sizeof(label), "%s: first class installed", name);
        bench_report(label, install, ROUNDS);
        (void)snprintf(label, sizeof(label), "%s: last class removed", name);
        bench_report(label, removal, ROUNDS);
}

/* Many at once on one device: each one's time while the others stand, and all together. */
static void bench_many(struct mt_shaper *shaper, const struct mt_link *link, const char *name)
{
        static double install[MANY], removal[MANY];
        static uint16_t minor[MANY];
        const struct mt_class_spec spec = { .rate_bytes_s = 1250000, .ceil_bytes_s = 12500000 };
        double all[2] = { 0, 0 };
        char label[64];
        struct mt_err err;

        for (unsigned i = 0; i < MANY; i++) {
                const struct mt_flows flows = flows_of(i);
                const double t = bench_now_us();

                must(mt_shape_add(shaper, link, &spec, &flows, &minor[i], &err), "add", &err);
                install[i] = bench_now_us() - t;
                all[0] += install[i];
        }
        for (unsigned i = 0; i < MANY; i++) {
                const double t = bench_now_us();

                must(mt_shape_remove(shaper, link, minor[i], &err), "remove", &err);
                removal[i] = bench_now_us() - t;
                all[1] += removal[i];
        }
        (void)snprintf(label, sizeof(label), "%s: each of %d installed", name, MANY);
        bench_report(label, install, MANY);
        (void)snprintf(label, sizeof(label), "%s: each of %d removed", name, MANY);
        bench_report(label, removal, MANY);
        (void)snprintf(label, sizeof(label), "%s: all %d installed", name, MANY);
        bench_report(label, &all[0], 1);
        (void)snprintf(label, sizeof(label), "%s: all %d removed", name, MANY);
        bench_report(label, &all[1], 1);
}

int main(void)
{
        struct mt_link egress = { .device = "mtb0", .direction = MT_EGRESS, .rate_bytes_s = LINK_BYTES_S };
        struct mt_link ingress = { .device = "mtb0", .direction = MT_INGRESS, .rate_bytes_s = LINK_BYTES_S };
        struct mt_shaper *shaper;
        struct mt_err err;

        if (unshare(CLONE_NEWNET) != 0 || system("ip link add mtb0 type veth peer mtb1 && ip link set mtb0 up && "
                                                 "ip link set mtb1 up") != 0) {
                fputs("bench_shape: needs root and veth\n", stderr);
                return 77;
        }
        must(mt_shaper_new(&shaper, &err), "open", &err);
        mt_shaper_delete_in_background(shaper); /* as the watcher does */
        bench_one(shaper, &egress, "egress");
        bench_one(shaper, &ingress, "ingress");
        bench_many(shaper, &egress, "egress");
        bench_many(shaper, &ingress, "ingress");
        mt_shaper_free(shaper);
        return EXIT_SUCCESS;
}
