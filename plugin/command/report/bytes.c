/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What migrations sent and took from others, beside what the alternatives would have. */
#include "command/quantity.h"
#include "command/report/page.h"
#include "command/report/picture.h"

#include <inttypes.h>
#include <math.h>

static void bytes_cell(FILE *out, uint64_t n, double bytes)
{
        char text[MT_QUANTITY_SIZE];

        (void)fprintf(out, "<td>%s</td>", mt_quantity_bytes(text, sizeof(text), n > 0 ? bytes : (double)NAN));
}

static void time_cell(FILE *out, uint64_t n, double sum_ms)
{
        char text[MT_QUANTITY_SIZE];

        (void)fprintf(out, "<td>%s</td>", mt_quantity_time(text, sizeof(text), n > 0 ? sum_ms / (double)n : (double)NAN));
}

/* What was saved, or with a minus what it cost. */
static void saved_cell(FILE *out, uint64_t n, double saved)
{
        char text[MT_QUANTITY_SIZE];

        (void)fprintf(out, "<td>%s%s</td>",
                      n == 0 || saved == 0.0 ? ""
                      : saved < 0.0          ? "−"
                                             : "+",
                      mt_quantity_bytes(text, sizeof(text), n > 0 ? fabs(saved) : (double)NAN));
}

static void cost_row(FILE *out, unsigned technique, unsigned way, const struct mt_report_cost *cost)
{
        (void)fprintf(out, "<tr><th scope=\"row\" class=\"l\">%s, %s</th><td>%" PRIu64 "</td><td>%" PRIu64 "</td>",
                      mt_technique_name((enum mt_technique)technique), mt_report_way_name(way), cost->n, cost->never);
        bytes_cell(out, cost->n, cost->bytes);
        bytes_cell(out, cost->n, cost->actual_bytes);
        saved_cell(out, cost->n, cost->bytes - cost->actual_bytes);
        bytes_cell(out, cost->n_taken, cost->taken_bytes);
        bytes_cell(out, cost->n_taken, cost->plan_bytes);
        saved_cell(out, cost->n_taken, cost->taken_bytes - cost->plan_bytes);
        time_cell(out, cost->n, cost->total_ms);
        time_cell(out, cost->n, cost->actual_ms);
        (void)fputs("</tr>\n", out);
}

static void cost_table(const struct mt_report_sums *sums, FILE *out)
{
        (void)fputs("<div class=\"scroll\" role=\"region\" aria-label=\"Alternatives\" tabindex=\"0\">\n<table>\n"
                    "<caption>Each alternative beside what was done, over the migrations that it was predicted for. Sent: "
                    "bytes of "
                    "memory. Taken: bytes that other traffic on the link would have carried meanwhile, as predicted. Saved: "
                    "what the "
                    "alternative would have had more of; with − less.</caption>\n"
                    "<thead>\n<tr><th class=\"l\" rowspan=\"2\" scope=\"col\">Alternative</th>"
                    "<th class=\"group\" colspan=\"2\" scope=\"colgroup\">Migrations</th>"
                    "<th class=\"group\" colspan=\"3\" scope=\"colgroup\">Sent</th>"
                    "<th class=\"group\" colspan=\"3\" scope=\"colgroup\">Taken from others</th>"
                    "<th class=\"group\" colspan=\"2\" scope=\"colgroup\">Time, mean</th></tr>\n"
                    "<tr><th scope=\"col\">with an end</th><th scope=\"col\">without</th><th scope=\"col\">predicted</th>"
                    "<th scope=\"col\">actual</th><th scope=\"col\">saved</th><th scope=\"col\">predicted</th>"
                    "<th scope=\"col\">by the plan</th><th scope=\"col\">saved</th><th scope=\"col\">predicted</th>"
                    "<th scope=\"col\">actual</th></tr>\n</thead>\n<tbody>\n",
                    out);
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned w = 0; w < MT_REPORT_WAYS; w++)
                        if (sums->cost[t][w].n + sums->cost[t][w].never > 0)
                                cost_row(out, t, w, &sums->cost[t][w]);
        (void)fputs("</tbody>\n</table>\n</div>\n", out);
}

static bool has_costs(const struct mt_report_sums *sums)
{
        for (unsigned t = 0; t < MT_TECHNIQUES; t++)
                for (unsigned s = 0; s < MT_REPORT_WAYS; s++)
                        if (sums->cost[t][s].n > 0)
                                return true;
        return false;
}

static void effect(const struct mt_report_sums *sums, FILE *out)
{
        char sent[MT_QUANTITY_SIZE], memory[MT_QUANTITY_SIZE], before[MT_QUANTITY_SIZE], during[MT_QUANTITY_SIZE];

        if (sums->memory_bytes > 0.0)
                (void)fprintf(out, "<p>Completed migrations sent %s for %s of guests' memory: %.2f times as much.</p>\n",
                              mt_quantity_bytes(sent, sizeof(sent), sums->copied_bytes),
                              mt_quantity_bytes(memory, sizeof(memory), sums->memory_bytes),
                              sums->copied_bytes / sums->memory_bytes);
        if (sums->n_others == 0) {
                (void)fprintf(
                        out,
                        "<p>The effect on other traffic is not known: no record tells of traffic of %.0f Mbit/s or more on "
                        "the uplink both before and during a migration.</p>\n",
                        (double)MT_REPORT_TRAFFIC_MBPS);
                return;
        }
        (void)fprintf(out,
                      "<p>Other traffic that left by the uplink: %s on average as migrations began, %s while they ran "
                      "(%+.1f %%), over the %" PRIu64 " migration%s that met with any (%.0f Mbit/s or more).</p>\n",
                      mt_quantity_rate(before, sizeof(before), sums->others_before_mbps / (double)sums->n_others),
                      mt_quantity_rate(during, sizeof(during), sums->others_during_mbps / (double)sums->n_others),
                      100.0 * (sums->others_during_mbps / sums->others_before_mbps - 1.0), sums->n_others,
                      sums->n_others == 1 ? "" : "s", (double)MT_REPORT_TRAFFIC_MBPS);
}

int mt_report_bytes(const struct mt_page *page, FILE *out, struct mt_err *err)
{
        const struct mt_report_sums *sums = page->selection->sums;
        int r = 0;

        mt_report_section(out, "bytes", "Bytes and effect");
        (void)fputs("<div class=\"pair\">\n<div>\n", out);
        effect(sums, out);
        if (has_costs(sums)) {
                (void)fputs(
                        "<p>The alternatives are what was rejected as each migration began, with the bytes that were "
                        "predicted for them. A bar to the right is what the choice saved; a striped one to the left is its "
                        "price.</p>\n</div>\n<figure>\n<figcaption>Bytes that the alternatives would have "
                        "sent</figcaption>\n",
                        out);
                r = mt_report_costs(page->host, out, sums, err);
                (void)fputs("</figure>\n</div>\n", out);
                cost_table(sums, out);
        } else {
                (void)fputs("</div>\n</div>\n", out);
        }
        (void)fputs("</section>\n", out);
        return r;
}
