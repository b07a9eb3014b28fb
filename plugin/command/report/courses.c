/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "command/member.h"
#include "command/progress.h"
#include "command/quantity.h"
#include "command/report/html.h"
#include "command/report/page.h"
#include "command/report/picture.h"
#include "record/timestamp.h"

#include <inttypes.h>
#include <math.h>

static void write_key(FILE *out)
{
        (void)fputs("<ul class=\"key\"><li><strong>carried</strong>, solid: what the migration had on the wire</li>"
                    "<li><strong>planned</strong>, dash-dotted: what it was to have</li>"
                    "<li><strong>dirtied</strong>, dotted: memory that the guest wrote, from the second round on</li>"
                    "<li><strong>others</strong>, dashed: other traffic that left by the uplink</li>"
                    "<li><strong>remaining</strong>: what was still to be copied</li>"
                    "<li>striped: the guest stood still</li></ul>\n",
                    out);
}

static void write_title(FILE *out, json_object *record, uint64_t number)
{
        uint64_t started_ms = 0;

        (void)mt_timestamp_parse(mt_member_text(record, "started"), &started_ms);
        (void)fprintf(out, "<article id=\"t-%" PRIu64 "\" aria-labelledby=\"h-%" PRIu64 "\">\n<h3 id=\"h-%" PRIu64 "\">",
                      number, number, number);
        mt_html_name(out, mt_member_text(record, "domain/name"));
        (void)fputs(" → ", out);
        mt_html_name(out, mt_member_text(record, "destination"));
        (void)fputs("</h3>\n<p class=\"lesser\">", out);
        mt_report_state(out, record);
        (void)fputs(" · ", out);
        mt_report_moment(out, started_ms);
        (void)fputs(" · ", out);
        mt_html_text(out, mt_member_text(record, "actual/technique"));
        (void)fprintf(out, " · <a href=\"#m-%" PRIu64 "\">why</a></p>\n", number);
}

/* Predicted and actual, side by side. */
static void write_facts(FILE *out, json_object *record)
{
        const double downtime = mt_member_number(record, "actual/downtime_ms");
        const double limit = mt_member_number(record, "intent/max_downtime_ms");
        char actual[MT_QUANTITY_SIZE], predicted[MT_QUANTITY_SIZE], allowed[MT_QUANTITY_SIZE];

        (void)fprintf(
                out, "<dl class=\"facts\"><div><dt>Time</dt><dd>%s<small>predicted %s</small></dd></div>",
                mt_quantity_time(actual, sizeof(actual), mt_member_number(record, "actual/total_ms")),
                mt_quantity_time(predicted, sizeof(predicted), mt_member_predicted(record, "plan/prediction/total_ms")));
        (void)fprintf(
                out, "<div><dt>Blackout</dt><dd>%s<small>predicted %s</small></dd></div>",
                mt_quantity_time(actual, sizeof(actual), downtime),
                mt_quantity_time(predicted, sizeof(predicted), mt_member_predicted(record, "plan/prediction/downtime_ms")));
        (void)fprintf(out, "<div><dt>Limit</dt><dd>%s%s</dd></div>", mt_quantity_time(allowed, sizeof(allowed), limit),
                      isnan(downtime) || isnan(limit) ? ""
                      : downtime <= limit             ? "<small>held</small>"
                                                      : "<small class=\"no\">not held</small>");
        (void)fprintf(out, "<div><dt>Sent</dt><dd>%s<small>predicted %s</small></dd></div></dl>\n",
                      mt_quantity_bytes(actual, sizeof(actual), mt_member_number(record, "actual/bytes")),
                      mt_quantity_bytes(predicted, sizeof(predicted), mt_member_predicted(record, "plan/prediction/bytes")));
}

static void write_events(FILE *out, json_object *record)
{
        const size_t n = mt_member_count(record, "events");
        const char *error = mt_member_text(record, "error");

        if (n == 0 && error[0] == '\0')
                return;
        (void)fputs("<ul class=\"events\">", out);
        for (size_t i = 0; i < n; i++) {
                json_object *event = json_object_array_get_idx(mt_member(record, "events"), i);
                char at[MT_QUANTITY_SIZE];

                (void)fprintf(out, "<li>%s: ", mt_quantity_time(at, sizeof(at), mt_member_number(event, "t_ms")));
                mt_html_text(out, mt_member_text(event, "text"));
                (void)fputs("</li>", out);
        }
        if (error[0] != '\0') {
                (void)fputs("<li class=\"failed\">", out);
                mt_html_text(out, error);
                (void)fputs("</li>", out);
        }
        (void)fputs("</ul>\n", out);
}

static int write_course(const struct mt_page *page, FILE *out, json_object *record, uint64_t number, struct mt_err *err)
{
        MT_CLEANUP(mt_course_done) struct mt_course course = { .n = 0 };
        int r = mt_course_read(record, &course);

        if (r < 0)
                return mt_fail(err, -r, "a picture: out of memory");
        write_title(out, record, number);
        if (mt_course_drawable(&course)) {
                (void)fputs("<figure>\n", out);
                r = mt_report_timeline(page->host, out, &course, number, err);
                (void)fputs("</figure>\n", out);
        } else {
                (void)fputs("<p>There are no samples of it to draw.</p>\n", out);
        }
        write_facts(out, record);
        write_events(out, record);
        (void)fputs("</article>\n", out);
        return r;
}

int mt_report_courses(const struct mt_page *page, FILE *out, struct mt_err *err)
{
        const struct mt_selection *selection = page->selection;
        const struct mt_ring *ring = &selection->timelines;
        struct mt_progress progress;
        int r = 0;

        if (ring->n == 0)
                return 0;
        mt_progress_begin(&progress, page->host, "drawing the timelines");
        (void)fputs("<section class=\"apart\" aria-labelledby=\"s-timelines\">\n<h2 id=\"s-timelines\">Timelines</h2>\n",
                    out);
        if (selection->sums->n > ring->n)
                (void)fprintf(out, "<p>Of the newest %zu, newest first.</p>\n", ring->n);
        write_key(out);
        (void)fputs("<div class=\"pair courses\">\n", out);
        for (size_t i = ring->n; r == 0 && i-- > 0;) {
                MT_CLEANUP(mt_member_putp) json_object *record = json_tokener_parse(mt_ring_at(ring, i));

                r = write_course(page, out, record, mt_report_number(selection, ring, i), err);
                mt_progress_show(&progress, 1.0 - (double)i / (double)ring->n);
        }
        mt_progress_end(&progress);
        (void)fputs("</div>\n</section>\n", out);
        return r;
}
