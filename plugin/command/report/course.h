/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration's course, as its record has it. */
#ifndef MT_COMMAND_REPORT_COURSE_H
#define MT_COMMAND_REPORT_COURSE_H

#include "command/report/point.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

/* Numbers as member.h has them: NAN is not known. */
struct mt_course_sample {
        double ms; /* since the start */
        unsigned iteration;
        double remaining_bytes;
        double carried_mbps, planned_mbps;
        double dirtied_mbps; /* QEMU tells none in the first iteration */
        double others_mbps;  /* other traffic that left by the uplink; older records have none */
};

struct mt_course {
        size_t n;
        struct mt_course_sample *sample; /* owned; by time */
        double end_ms;                   /* of the migration, or of what is known of it */
        double stopped_ms;               /* when the guest stopped here or moved; NAN: not known */
        double downtime_ms;
        bool post_copy; /* it moved by post-copy */
        enum mt_report_result result;
};

/* Of more samples every second one is taken (or third, ...), and the first one of each iteration, up to twice as many. */
#define MT_COURSE_SAMPLES 240

/* Reads it. Samples without a time, or from before the one in front of them, are left out. -ENOMEM. */
int mt_course_read(json_object *record, struct mt_course *ret);

/* Is there enough of it for a picture? */
bool mt_course_drawable(const struct mt_course *course);

/* For MT_CLEANUP. */
void mt_course_done(struct mt_course *course);

#endif
