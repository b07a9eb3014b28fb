/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/select.h"
#include "cleanup.h"
#include "command/member.h"
#include "record/json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* What a report has of one record. The ring frees it with free(). */
static void keep(struct mt_selection *selection, struct mt_ring *ring, const void *what, size_t size)
{
        void *copy = ring->limit > 0 ? malloc(size) : NULL;

        if (ring->limit == 0)
                return;
        if (copy != NULL)
                (void)memcpy(copy, what, size);
        if (copy == NULL || mt_ring_add(ring, copy) < 0)
                selection->error = -ENOMEM;
}

static void drop(json_object *from, const char *key)
{
        if (json_object_is_type(from, json_type_object))
                json_object_object_del(from, key);
}

/* The record without what its row does not show, which is nearly all of it. */
static void keep_row(struct mt_selection *selection, json_object *record)
{
        const char *text;

        drop(record, "facts");
        drop(mt_member(record, "actual"), "samples");
        drop(mt_member(record, "plan"), "alternatives");
        text = mt_json_text(record);
        if (text == NULL)
                selection->error = -ENOMEM;
        else
                keep(selection, &selection->rows, text, strlen(text) + 1);
}

static void take(void *ctx, json_object *record, const char *line)
{
        struct mt_selection *selection = ctx;
        struct mt_report_point point;

        if (!mt_history_wanted(&selection->options->history, record))
                return;
        selection->selected++;
        point = mt_report_point(record);
        if (selection->points.limit > 0)
                keep(selection, &selection->points, &point, sizeof(point));
        else
                mt_report_add(selection->sums, &point);
        keep(selection, &selection->timelines, line, strlen(line) + 1);
        keep_row(selection, record);
}

static uint64_t at_most(uint64_t n, uint64_t last)
{
        return last > 0 && last < n ? last : n;
}

int mt_select(const struct mt_host_ops *host, const struct mt_report_options *options, const char *file,
              struct mt_selection *ret, struct mt_history_counts *ret_counts, struct mt_err *err)
{
        const struct mt_history_source source = { .file = file, .bar = host };
        const uint64_t last = options->history.last, timelines = options->timelines;
        int r;

        *ret = (struct mt_selection){
                .options = options,
                .sums = calloc(1, sizeof(*ret->sums)),
                .rows = { .limit = at_most(timelines > MT_REPORT_ROWS ? timelines : MT_REPORT_ROWS, last) },
                .timelines = { .limit = at_most(timelines, last) },
                .points = { .limit = last },
        };
        *ret_counts = (struct mt_history_counts){ .records = 0 };
        r = ret->sums == NULL ? -ENOMEM : mt_history_read(&source, take, ret, ret_counts, err);
        for (size_t i = 0; r == 0 && i < ret->points.n; i++)
                mt_report_add(ret->sums, mt_ring_at(&ret->points, i));
        if (ret->sums == NULL || (r == 0 && ret->error < 0))
                r = mt_fail(err, ENOMEM, "out of memory for a report of %" PRIu64 " migrations", ret->selected);
        if (r < 0)
                mt_selection_done(ret);
        return r;
}

void mt_selection_done(struct mt_selection *selection)
{
        free(selection->sums);
        mt_ring_done(&selection->rows);
        mt_ring_done(&selection->timelines);
        mt_ring_done(&selection->points);
        selection->sums = NULL;
}
