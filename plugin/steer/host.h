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
#include "measure/destination.h"
#include "measure/dirty.h"
#include "measure/nic.h"
#include "measure/route.h"
#include "record/learnt.h"
#include "steer/publish.h"
#include "steer/residue.h"

#include <json-c/json.h>
#include <libvirt/libvirt.h>
#include <stdbool.h>

struct mt_announced;
struct mt_expose;
struct mt_job;
struct mt_incoming;
struct mt_learner;

struct mt_host {
        struct mt_config config;
        char name[256];                     /* of this host, for records */
        const char *run_dir;                /* of the watcher; NULL: there is none */
        bool alone;                         /* nobody acts once a migration runs: only pre-copy is planned */
        virConnectPtr connection;           /* NULL while libvirt is away */
        struct mt_shaper *shaper;           /* NULL: this process may not shape; the reason was logged */
        struct mt_nic_table *nics;          /* NULL: no traffic is known */
        struct mt_dirty_sampler *sampler;   /* NULL: no background sampling */
        struct mt_destination *destination; /* NULL: other hosts' traffic is not known */
        struct mt_publish publish;          /* what other hosts are told of this one's */
        int agent_fd;                       /* eventfd that the jobs' agents wake the loop by */
        struct mt_learnt learnt;            /* from earlier migrations */
        struct mt_learner *learner;         /* is reading the history; NULL: nobody is (steer/learn.h) */
        struct mt_residues residues;
        struct mt_expose *expose;     /* counts for metrics.textfile (steer/expose.h); NULL: nobody does */
        struct mt_announced *calls;   /* that were announced and have not ended, linked, the oldest first */
        struct mt_job *jobs;          /* outgoing migrations, linked */
        struct mt_incoming *incoming; /* incoming ones, linked */
        void (*record)(void *ctx, const char *json, const char *const *fields); /* as record_fields of struct mt_host_ops */
        void *record_ctx;
};

/*
 * Traffic on device without the running migrations' own: the smoothed rates minus what our classes carried. Unknown where
 * there is no sample.
 */
struct mt_traffic_fact mt_host_traffic(const struct mt_host *host, const char *device, uint64_t now_ms);

/* Every class that is in use, as JSON: [{"device", "ingress", "minor"}]. What else there is of ours is a leftover. */
json_object *mt_host_classes(const struct mt_host *host);

#endif
