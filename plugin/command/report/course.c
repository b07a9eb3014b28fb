/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/course.h"
#include "command/member.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct mt_course_sample sample_of(json_object *o)
{
        struct mt_course_sample sample = {
                .ms = mt_member_number(o, "t_ms"),
                .iteration = (unsigned)fmin(fmax(mt_member_number(o, "iteration"), 0.0), 1e6),
                .remaining_bytes = mt_member_number(o, "remaining_bytes"),
                .carried_mbps = mt_member_number(o, "bandwidth_mbps"),
                .planned_mbps = mt_member_number(o, "planned_mbps"),
                .dirtied_mbps = mt_member_number(o, "dirty_rate_mbps"),
                .others_mbps = mt_member_number(o, "others_mbps"),
        };

        if (sample.iteration < 2)
                sample.dirtied_mbps = (double)NAN;
        return sample;
}

static void take_samples(json_object *record, struct mt_course *course)
{
        json_object *samples = mt_member(record, "actual/samples");
        const size_t n = mt_member_count(record, "actual/samples");
        const size_t stride = (n + MT_COURSE_SAMPLES - 1) / MT_COURSE_SAMPLES;
        unsigned before = 0;

        for (size_t i = 0; i < n && course->n < MT_COURSE_SAMPLES * 2; i++) {
                const struct mt_course_sample sample = sample_of(json_object_array_get_idx(samples, i));
                const bool is_first = sample.iteration != before;

                before = sample.iteration;
                if (i % stride != 0 && i + 1 != n && !is_first)
                        continue;
                if (!isnan(sample.ms) && (course->n == 0 || sample.ms >= course->sample[course->n - 1].ms))
                        course->sample[course->n++] = sample;
        }
}

/* A record without the time of the stop: pre-copy ends with it. */
static double stop_of(json_object *record, const struct mt_course *course)
{
        const double stopped = mt_member_number(record, "actual/stopped_ms");
        const double total = mt_member_number(record, "actual/total_ms");

        if (!isnan(stopped) || course->post_copy || course->result != MT_REPORT_COMPLETED)
                return stopped;
        return total >= course->downtime_ms ? total - course->downtime_ms : (double)NAN;
}

int mt_course_read(json_object *record, struct mt_course *ret)
{
        const struct mt_report_point point = mt_report_point(record);
        struct mt_course course = { .downtime_ms = mt_member_number(record, "actual/downtime_ms"), .result = point.result };

        course.sample = calloc((size_t)MT_COURSE_SAMPLES * 2, sizeof(*course.sample));
        if (course.sample == NULL)
                return -ENOMEM;
        course.post_copy = point.technique == MT_POST_COPY || point.technique == MT_HYBRID;
        take_samples(record, &course);
        course.stopped_ms = stop_of(record, &course);
        course.end_ms =
                fmax(mt_member_number(record, "actual/total_ms"), course.n > 0 ? course.sample[course.n - 1].ms : 0.0);
        *ret = course;
        return 0;
}

bool mt_course_drawable(const struct mt_course *course)
{
        return course->n >= 2 && course->end_ms > 0.0;
}

void mt_course_done(struct mt_course *course)
{
        free(course->sample);
        *course = (struct mt_course){ .n = 0 };
}
