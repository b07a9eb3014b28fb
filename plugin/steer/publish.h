/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling other hosts of this one's traffic. */
#ifndef MT_STEER_PUBLISH_H
#define MT_STEER_PUBLISH_H

#include "measure/share.h"

struct mt_host;

/* What was told last; zeroed at the start, and when the configuration changes. */
struct mt_publish {
        struct mt_share_sample sample;
        uint64_t uplinks_ms;              /* when addresses and uplinks were read; 0: never */
        uint64_t unsure_until_ms;         /* till then what arrives may partly be a migration that no class counts */
        uint64_t in_ms[MT_SHARE_UPLINKS]; /* when what arrives was last known; 0: never */
};

/* Once a second, after the NIC sample. */
void mt_publish_tick(struct mt_host *host);

#endif
