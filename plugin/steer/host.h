/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * struct mt_host: what the watcher keeps of the machine it runs on, handed to everything that steers. One thread (the event
 * loop's) owns it.
 */
#ifndef MT_STEER_HOST_H
#define MT_STEER_HOST_H

#include "config.h"
#include "enforce/shape.h"
#include "facts.h"
#include "measure/dirty.h"
#include "measure/nic.h"
#include "measure/route.h"
#include "record/past_rates.h"

#include <json-c/json.h>
#include <libvirt/libvirt.h>

struct mt_job;
struct mt_incoming;

/*
 * What an ended migration still adds to a device's smoothed rate: it fades as the smoothing forgets. Without it the next
 * migration would take the last one for tenants' traffic.
 */
struct mt_residue {
        char device[IFNAMSIZ];
        enum mt_direction direction;
        double bytes_s;
        uint64_t since_ms;
};
#define MT_MAX_RESIDUES 32

struct mt_host {
        struct mt_config config;
        char name[256];                   /* of this host, for records */
        virConnectPtr connection;         /* NULL while libvirt is away */
        struct mt_shaper *shaper;         /* NULL: this process may not shape; the reason was logged */
        struct mt_nic_table *nics;        /* NULL: no traffic is known */
        struct mt_dirty_sampler *sampler; /* NULL: no background sampling */
        int agent_fd;                     /* eventfd that the jobs' agents wake the loop by */
        struct mt_past_rates past_rates;  /* dirty rates of earlier migrations */
        struct mt_residue residue[MT_MAX_RESIDUES]; /* a ring */
        unsigned next_residue;
        struct mt_job *jobs;              /* outgoing migrations, linked */
        struct mt_incoming *incoming;     /* incoming ones, linked */
        void (*record)(void *ctx, const char *json);
        void *record_ctx;
};

/*
 * Rate that our tree gives to a link of link_bytes_s: slightly less than the wire, so that the queue forms in our classes,
 * where priorities count, and not in the device behind them (MT_USABLE).
 */
uint64_t mt_host_tree_rate(uint64_t link_bytes_s);

/*
 * Where a class on uplink would stand. An error, with its reason, where nothing is to be shaped: tc switched off, the rate
 * of the link unknown, a link wider than tc.max_link, no right to shape.
 */
int mt_host_link(const struct mt_host *host, const struct mt_uplink *uplink, enum mt_direction direction, struct mt_link *ret,
                 struct mt_err *err);

/* Keeps a class's numbers inside what HTB takes: 1 % of the link <= rate <= ceil <= link. */
struct mt_class_spec mt_host_class(const struct mt_link *link, uint64_t rate_bytes_s, uint64_t ceil_bytes_s, bool low_priority);

/*
 * Traffic on device without the running migrations' own: the smoothed rates minus what our classes carried. Unknown where
 * there is no sample.
 */
struct mt_traffic_fact mt_host_traffic(const struct mt_host *host, const char *device, uint64_t now_ms);

/* A migration that carried bytes_s on device has ended. */
void mt_host_ended(struct mt_host *host, const char *device, enum mt_direction direction, double bytes_s);

/* Bytes/s that other running outgoing migrations have planned on device. */
uint64_t mt_host_taken(const struct mt_host *host, const char *device, const struct mt_job *except);

/* One class as JSON: {"device", "ingress", "minor"}. */
json_object *mt_link_json(const struct mt_link *link, uint16_t minor);

/* Every class that is in use, as JSON: [{"device", "ingress", "minor"}]. What else there is of ours is a leftover. */
json_object *mt_host_classes(const struct mt_host *host);

#endif
