/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/quantity.h"
#include "command/report/page.h"
#include "command/report/picture.h"

#include <inttypes.h>
#include <math.h>

void mt_report_section(FILE *out, const char *id, const char *title)
{
        (void)fprintf(out, "<section class=\"keep\" aria-labelledby=\"s-%s\">\n<h2 id=\"s-%s\">%s</h2>\n", id, id, title);
}

/* By technique. */
static void limits_table(const struct mt_report_sums *sums, FILE *out)
{
        (void)fputs("<div class=\"scroll\" role=\"region\" aria-label=\"Limits by technique\" tabindex=\"0\">\n<table>\n"
                    "<caption>By what the migrations came to.</caption>\n<thead>\n<tr><th class=\"l\" "
                    "scope=\"col\">Technique</th>"
                    "<th scope=\"col\">limit held</th><th scope=\"col\">not held</th><th scope=\"col\">longest "
                    "blackout</th></tr>\n"
                    "</thead>\n<tbody>\n",
                    out);
        for (unsigned i = 0; i <= MT_TECHNIQUES; i++) {
                const struct mt_report_limits *row = &sums->limits[i];
                char longest[MT_QUANTITY_SIZE];

                if (row->held + row->broken > 0)
                        (void)fprintf(out,
                                      "<tr><th scope=\"row\" class=\"l\">%s</th><td>%" PRIu64 "</td><td>%" PRIu64
                                      "</td><td>%s</td></tr>\n",
                                      i < MT_TECHNIQUES ? mt_technique_name((enum mt_technique)i) : "not known", row->held,
                                      row->broken, mt_quantity_time(longest, sizeof(longest), (double)row->longest_ms));
        }
        (void)fputs("</tbody>\n</table>\n</div>\n", out);
}

static int limits(const struct mt_page *page, FILE *out, struct mt_err *err)
{
        const struct mt_report_sums *sums = page->selection->sums;
        int r = 0;

        mt_report_section(out, "limits", "Blackouts against their limits");
        if (sums->shares.n == 0) {
                (void)fputs("<p>No migration has completed whose blackout and limit (<code>max_downtime</code>) are "
                            "known.</p>\n",
                            out);
        } else {
                (void)fprintf(
                        out,
                        "<p>How long the guest stood still, as share of what it was allowed (<code>max_downtime</code>), "
                        "in %" PRIu64 " completed migration%s. Solid: within the limit. Striped: longer.</p>\n",
                        sums->shares.n, sums->shares.n == 1 ? "" : "s");
                (void)fputs("<div class=\"pair\">\n<figure>\n", out);
                r = mt_report_shares(page->host, out, sums, err);
                (void)fputs("</figure>\n", out);
                limits_table(sums, out);
                (void)fputs("</div>\n", out);
        }
        (void)fputs("</section>\n", out);
        return r;
}

static int scatter(const struct mt_page *page, FILE *out, bool blackout, struct mt_err *err)
{
        int r;

        if (mt_report_scattered(page->selection->sums, blackout) == 0)
                return 0;
        (void)fprintf(out, "<figure>\n<figcaption>%s</figcaption>\n",
                      blackout ? "Blackout: how long the guest stood still"
                               : "Time: from the first byte to the guest running over there");
        r = mt_report_scatter(page->host, out, page->selection->sums, blackout, err);
        (void)fputs("</figure>\n", out);
        return r;
}

/* Whom the pictures leave out. */
static void left_out(const struct mt_report_sums *sums, FILE *out)
{
        const size_t drawn = mt_report_scattered(sums, false);

        if (sums->drawn < sums->counted)
                (void)fprintf(out, " Drawn are %zu of them, taken at random.", sums->drawn);
        if (drawn < sums->drawn)
                (void)fprintf(out, " %zu of them %s predicted never to end, or not at all, and not drawn.",
                              sums->drawn - drawn, sums->drawn - drawn == 1 ? "was" : "were");
        if (sums->counted < sums->n)
                (void)fprintf(out, " The other %" PRIu64 " did not complete, or were not steered from their beginning.",
                              sums->n - sums->counted);
}

static int predictions(const struct mt_page *page, FILE *out, struct mt_err *err)
{
        const struct mt_report_sums *sums = page->selection->sums;
        int r;

        mt_report_section(out, "predictions", "Predicted and actual");
        if (sums->counted == 0) {
                (void)fputs("<p>No migration has completed that was steered from its beginning.</p>\n</section>\n", out);
                return 0;
        }
        (void)fprintf(out,
                      "<p>What was predicted as each of %" PRIu64
                      " migrations began, against what came of it. On the line: as "
                      "predicted; above it: longer.",
                      sums->counted);
        left_out(sums, out);
        (void)fputs("</p>\n<div class=\"pair\">\n", out);
        r = scatter(page, out, false, err);
        if (r == 0)
                r = scatter(page, out, true, err);
        (void)fputs("</div>\n</section>\n", out);
        return r;
}

int mt_report_sections(const struct mt_page *page, FILE *out, struct mt_err *err)
{
        int r = limits(page, out, err);

        if (r == 0)
                r = predictions(page, out, err);
        return r == 0 ? mt_report_bytes(page, out, err) : r;
}
