/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "command/member.h"
#include "command/quantity.h"
#include "command/report/html.h"
#include "command/report/page.h"
#include "record/timestamp.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef const char *(*quantity_fn)(char *text, size_t size, double value);

static void write_head(FILE *out)
{
        static const struct {
                const char *name;
                unsigned columns; /* below it; 0: none, it is as high as two */
        } groups[] = { { "Began, UTC", 0 }, { "Domain, destination", 0 },
                       { "Result", 0 },     { "Time", 2 },
                       { "Blackout", 3 },   { "Sent", 2 },
                       { "Rounds", 0 } };
        static const char *const columns[] = {
                "predicted", "actual", "predicted", "actual", "limit", "predicted", "actual"
        };

        (void)fputs("<thead>\n<tr>", out);
        for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
                if (groups[i].columns == 0)
                        (void)fprintf(out, "<th%s rowspan=\"2\" scope=\"col\">%s</th>", i < 3 ? " class=\"l\"" : "",
                                      groups[i].name);
                else
                        (void)fprintf(out, "<th class=\"group\" colspan=\"%u\" scope=\"colgroup\">%s</th>",
                                      groups[i].columns, groups[i].name);
        (void)fputs("</tr>\n<tr>", out);
        for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
                (void)fprintf(out, "<th scope=\"col\">%s</th>", columns[i]);
        (void)fputs("</tr>\n</thead>\n", out);
}

static void cell(FILE *out, quantity_fn quantity, double value)
{
        char text[MT_QUANTITY_SIZE];

        (void)fprintf(out, "<td>%s</td>", quantity(text, sizeof(text), value));
}

/* The actual blackout, with a word where it was longer than allowed. */
static void blackout_cell(FILE *out, double downtime, double limit)
{
        char text[MT_QUANTITY_SIZE];

        if (downtime > limit)
                (void)fprintf(out, "<td class=\"no\">%s<small>not held</small></td>",
                              mt_quantity_time(text, sizeof(text), downtime));
        else
                cell(out, mt_quantity_time, downtime);
}

static void write_numbers(FILE *out, json_object *record)
{
        const double limit = mt_member_number(record, "intent/max_downtime_ms");

        cell(out, mt_quantity_time, mt_member_predicted(record, "plan/prediction/total_ms"));
        cell(out, mt_quantity_time, mt_member_number(record, "actual/total_ms"));
        cell(out, mt_quantity_time, mt_member_predicted(record, "plan/prediction/downtime_ms"));
        blackout_cell(out, mt_member_number(record, "actual/downtime_ms"), limit);
        cell(out, mt_quantity_time, limit);
        cell(out, mt_quantity_bytes, mt_member_predicted(record, "plan/prediction/bytes"));
        cell(out, mt_quantity_bytes, mt_member_number(record, "actual/bytes"));
        cell(out, mt_quantity_count, mt_member_number(record, "actual/iterations"));
}

static void list_reasons(FILE *out, json_object *record)
{
        const size_t n = mt_member_count(record, "reasons");
        json_object *reasons = mt_member(record, "reasons");

        if (n > 0)
                (void)fputs("<ol>", out);
        for (size_t i = 0; i < n; i++) {
                json_object *reason = json_object_array_get_idx(reasons, i);

                (void)fputs("<li>", out);
                mt_html_text(out, json_object_is_type(reason, json_type_string) ? json_object_get_string(reason) : "?");
                (void)fputs("</li>", out);
        }
        if (n > 0)
                (void)fputs("</ol>", out);
}

static void write_why(FILE *out, json_object *record, uint64_t number)
{
        const size_t n = mt_member_count(record, "reasons");
        const char *error = mt_member_text(record, "error"), *id = mt_member_text(record, "id");
        const char *strategy = mt_member_text(record, "plan/strategy");

        (void)fprintf(out, "<tr class=\"why\"><td colspan=\"11\"><div>");
        if (error[0] != '\0') {
                (void)fputs("<span class=\"failed\">", out);
                mt_html_text(out, error);
                (void)fputs("</span>", out);
        }
        (void)fprintf(out,
                      "<details><summary>Why: %zu reason%s<span class=\"sr\"> for migration %" PRIu64 "</span></summary><p>",
                      n, n == 1 ? "" : "s", number);
        if (strategy[0] != '\0') {
                (void)fputs("Strategy ", out);
                mt_html_text(out, strategy);
                (void)fputs(". ", out);
        }
        (void)fputs("<code>migtune explain ", out);
        mt_html_text(out, id);
        (void)fputs("</code> tells the whole story.</p>", out);
        list_reasons(out, record);
        (void)fputs("</details></div></td></tr>\n", out);
}

static void write_row(FILE *out, json_object *record, uint64_t number, bool has_timeline)
{
        const char *technique = mt_member_text(record, "actual/technique");
        uint64_t started_ms = 0;

        (void)mt_timestamp_parse(mt_member_text(record, "started"), &started_ms);
        (void)fprintf(out, "<tbody id=\"m-%" PRIu64 "\">\n<tr><td class=\"l\">", number);
        mt_report_moment(out, started_ms);
        (void)fputs("</td><th scope=\"row\" class=\"l name\">", out);
        if (has_timeline)
                (void)fprintf(out, "<a href=\"#t-%" PRIu64 "\">", number);
        mt_html_name(out, mt_member_text(record, "domain/name"));
        (void)fputs(has_timeline ? "</a><small>→ " : "<small>→ ", out);
        mt_html_name(out, mt_member_text(record, "destination"));
        (void)fputs("</small></th><td class=\"l\">", out);
        mt_report_state(out, record);
        (void)fputs("<small>", out);
        mt_html_text(out, technique[0] != '\0' ? technique : mt_member_text(record, "plan/technique"));
        (void)fputs("</small></td>", out);
        write_numbers(out, record);
        (void)fputs("</tr>\n", out);
        write_why(out, record, number);
        (void)fputs("</tbody>\n", out);
}

void mt_report_rows(const struct mt_page *page, FILE *out)
{
        const struct mt_selection *selection = page->selection;
        const struct mt_ring *rows = &selection->rows;
        const uint64_t told = selection->sums->n;

        (void)fputs(
                "<section class=\"apart\" aria-labelledby=\"s-migrations\">\n<h2 id=\"s-migrations\">Migrations</h2>\n"
                "<div class=\"scroll\" role=\"region\" aria-labelledby=\"s-migrations\" tabindex=\"0\">\n<table>\n<caption>",
                out);
        if (told > rows->n)
                (void)fprintf(out, "The newest %zu, newest first; %" PRIu64 " earlier ones are in the sums above alone.",
                              rows->n, told - rows->n);
        else
                (void)fprintf(out, "%zu migration%s, newest first.", rows->n, rows->n == 1 ? "" : "s");
        (void)fputs(" Blackout: how long the guest stood still, and the longest that was allowed. “never”: predicted not to "
                    "end; "
                    "“-”: not known.</caption>\n",
                    out);
        write_head(out);
        for (size_t i = rows->n; i-- > 0;) {
                MT_CLEANUP(mt_member_putp) json_object *record = json_tokener_parse(mt_ring_at(rows, i));

                write_row(out, record, mt_report_number(selection, rows, i), rows->n - i <= selection->timelines.n);
        }
        (void)fputs("</table>\n</div>\n</section>\n", out);
}
