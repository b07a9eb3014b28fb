/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/page.h"
#include "command/quantity.h"
#include "command/report/html.h"
#include "command/report/style.h"
#include "command/report/svg.h"
#include "command/member.h"
#include "release.h"
#include "record/timestamp.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void mt_report_moment(FILE *out, uint64_t unix_ms)
{
        char text[MT_TIMESTAMP_SIZE];

        if (unix_ms == 0) {
                (void)fputs("-", out);
                return;
        }
        (void)mt_timestamp(text, sizeof(text), unix_ms);
        (void)fprintf(out, "<time datetime=\"%s\">%.10s %.8s</time>", text, text, text + 11);
}

void mt_report_state(FILE *out, json_object *record)
{
        static const struct {
                const char *name, *sign;
        } states[] = { { "completed", "✓" }, { "failed", "✕" }, { "cancelled", "⊘" } };
        const char *result = mt_member_text(record, "result");

        for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
                if (strcmp(result, states[i].name) == 0) {
                        (void)fprintf(out, "<span class=\"state %s\"><span aria-hidden=\"true\">%s</span> %s</span>", result,
                                      states[i].sign, result);
                        return;
                }
        mt_html_text(out, result[0] != '\0' ? result : "-");
}

uint64_t mt_report_number(const struct mt_selection *selection, const struct mt_ring *ring, size_t i)
{
        return selection->selected - ring->n + i + 1;
}

static void write_host(const struct mt_report_sums *sums, FILE *out)
{
        if (sums->several)
                (void)fputs("several hosts", out);
        else if (sums->source[0] == '\0')
                (void)fputs("this host", out);
        else
                mt_html_name(out, sums->source);
}

/* A title has no markup: mt_html_name's isolation would be seen in it. */
static void write_head(const struct mt_report_sums *sums, FILE *out)
{
        (void)fputs(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<meta name=\"color-scheme\" content=\"light dark\">\n"
                "<meta name=\"generator\" content=\"migtune\">\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
                "<title>Live migrations of ",
                out);
        mt_html_text(out, sums->several ? "several hosts" : sums->source[0] != '\0' ? sums->source : "this host");
        (void)fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n", mt_report_style);
}

/* What the reader asked for, in words. */
static void write_filters(const struct mt_page *page, FILE *out)
{
        const struct mt_history_options *options = &page->selection->options->history;

        if (options->domain == NULL && options->since_ms == 0 && !options->failed && options->last == 0)
                return;
        (void)fputs("<p class=\"lesser\">Only", out);
        if (options->last > 0)
                (void)fprintf(out, " the last %" PRIu64, options->last);
        (void)fputs(options->failed ? " migrations that failed or were cancelled" : " migrations", out);
        if (options->domain != NULL) {
                (void)fputs(", of domains <code>", out);
                mt_html_text(out, options->domain);
                (void)fputs("</code>", out);
        }
        if (options->since_ms > 0) {
                (void)fputs(", since ", out);
                mt_report_moment(out, options->since_ms);
                (void)fputs(" UTC", out);
        }
        (void)fputs(".</p>\n", out);
}

static void tile(FILE *out, const char *name, const char *value, const char *more)
{
        (void)fprintf(out, "<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>\n", name, value, more);
}

/* Part of all as "94 %". */
static const char *share(char *text, size_t size, uint64_t part, uint64_t all)
{
        if (all == 0)
                (void)snprintf(text, size, "-");
        else
                (void)snprintf(text, size, "%.*f %%", part > 0 && part < all ? 1 : 0, 100.0 * (double)part / (double)all);
        return text;
}

static void result_tiles(const struct mt_report_sums *sums, FILE *out)
{
        static const char *const names[] = { "✓ Completed", "✕ Failed", "⊘ Cancelled", "Other" };
        char value[32], more[64];

        for (unsigned i = 0; i < MT_REPORT_RESULTS; i++) {
                if (i == MT_REPORT_OTHER && sums->result[i] == 0)
                        continue;
                (void)snprintf(value, sizeof(value), "%" PRIu64, sums->result[i]);
                tile(out, names[i], value, share(more, sizeof(more), sums->result[i], sums->n));
        }
}

static void accuracy_tiles(const struct mt_report_sums *sums, FILE *out)
{
        const double time = mt_report_median_time(sums), downtime = mt_report_median_downtime(sums);
        char value[48], more[64], quantity[MT_QUANTITY_SIZE];

        (void)snprintf(value, sizeof(value), isfinite(time) ? "± %.1f %%" : "-", 100.0 * time);
        (void)snprintf(more, sizeof(more), "median of %" PRIu64, sums->counted);
        tile(out, "Time error", value, more);
        (void)snprintf(value, sizeof(value), "%s%s", isfinite(downtime) ? "± " : "",
                       mt_quantity_time(quantity, sizeof(quantity), downtime));
        tile(out, "Blackout error", value, more);
}

static void write_tiles(const struct mt_report_sums *sums, FILE *out)
{
        const uint64_t limited = sums->held + sums->broken;
        char value[48], more[96], quantity[MT_QUANTITY_SIZE];

        (void)fputs("<dl class=\"tiles\">\n", out);
        result_tiles(sums, out);
        (void)snprintf(more, sizeof(more), "%" PRIu64 " of %" PRIu64, sums->held, limited);
        tile(out, "Blackout limit held", share(value, sizeof(value), sums->held, limited), more);
        accuracy_tiles(sums, out);
        if (sums->memory_bytes > 0.0)
                (void)snprintf(more, sizeof(more), "%.2f × the memory", sums->copied_bytes / sums->memory_bytes);
        else
                more[0] = '\0';
        tile(out, "Sent", mt_quantity_bytes(quantity, sizeof(quantity), sums->bytes), more);
        (void)fputs("</dl>\n", out);
}

static void write_header(const struct mt_page *page, FILE *out)
{
        const struct mt_report_sums *sums = page->selection->sums;

        (void)fputs("<header>\n<h1>Live migrations of ", out);
        write_host(sums, out);
        (void)fprintf(out, "</h1>\n<p>%" PRIu64 " migration%s", sums->n, sums->n == 1 ? "" : "s");
        if (sums->first_ms > 0) {
                (void)fputs(sums->n == 1 ? ", " : " from ", out);
                mt_report_moment(out, sums->first_ms);
                if (sums->n > 1) {
                        (void)fputs(" to ", out);
                        mt_report_moment(out, sums->last_ms);
                }
                (void)fputs(" UTC", out);
        }
        (void)fputs(".</p>\n", out);
        write_filters(page, out);
        if (sums->observed > 0)
                (void)fprintf(out,
                              "<p class=\"lesser\">%" PRIu64
                              " of them ran in the mode observe: predicted, and left alone.</p>\n",
                              sums->observed);
        if (sums->n > 0) {
                write_tiles(sums, out);
                (void)fputs("<nav aria-label=\"Sections\"><ul><li><a href=\"#s-limits\">Limits</a></li>"
                            "<li><a href=\"#s-predictions\">Predictions</a></li><li><a href=\"#s-bytes\">Bytes and "
                            "effect</a></li>"
                            "<li><a href=\"#s-migrations\">Migrations</a></li>",
                            out);
                if (page->selection->timelines.n > 0)
                        (void)fputs("<li><a href=\"#s-timelines\">Timelines</a></li>", out);
                (void)fputs("</ul></nav>\n", out);
        }
        (void)fputs("</header>\n", out);
}

static void write_footer(const struct mt_page *page, FILE *out)
{
        (void)fprintf(out, "<footer>\n<p>Made by migtune %s on ", mt_release());
        mt_report_moment(out, page->now_ms);
        (void)fputs(" UTC from <code>", out);
        mt_html_text(out, page->file);
        (void)fprintf(out, "</code>, %" PRIu64 " records", page->counts->records);
        if (page->counts->unreadable > 0)
                (void)fprintf(out, ", and %" PRIu64 " lines that could not be read", page->counts->unreadable);
        (void)fputs(". All times of day are UTC.</p>\n</footer>\n", out);
}

int mt_report_page(const struct mt_page *page, FILE *out, struct mt_err *err)
{
        int r = 0;

        write_head(page->selection->sums, out);
        (void)fputs("<body>\n<a class=\"skip\" href=\"#main\">To the content</a>\n", out);
        mt_svg_definitions(out);
        write_header(page, out);
        (void)fputs("<main id=\"main\">\n", out);
        if (page->selection->sums->n > 0)
                r = mt_report_sections(page, out, err);
        if (r == 0 && page->selection->rows.n > 0) {
                mt_report_rows(page, out);
                r = mt_report_courses(page, out, err);
        }
        (void)fputs("</main>\n", out);
        write_footer(page, out);
        (void)fputs("</body>\n</html>\n", out);
        return r;
}
