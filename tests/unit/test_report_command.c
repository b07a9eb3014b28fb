/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune report, through the command as a host runs it, with a stand-in for gnuplot. */
#include "array.h"
#include "cleanup.h"
#include "command/report/svg.h"
#include "records.h"

#include <errno.h>

/* What the stand-in is to do; and what it was asked. */
static struct {
        int32_t status;
        const char *svg; /* NULL: nothing is written */
        unsigned runs;
        bool hostile; /* a script had something of a record's own in it */
} gnuplot;

static const char picture[] = "<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 10 10\" xmlns=\"http://www.w3.org/2000/svg\">"
                              "<g stroke-width=\"2.00\"><path stroke='rgb(  0, 114, 178)' d='M1,2 L3,4'/></g></svg>";

/* Writes where the script says, as gnuplot does. */
static int32_t draw(void *ctx, const char *const *argv, const char *input)
{
        const char *output = strstr(input, "set output \"");
        char path[64];
        FILE *file;

        (void)ctx;
        gnuplot.runs++;
        gnuplot.hostile = gnuplot.hostile || strstr(input, "evil") != NULL;
        assert_string_equal(argv[0], "gnuplot");
        if (gnuplot.status != 0 || gnuplot.svg == NULL)
                return gnuplot.status;
        assert_non_null(output);
        assert_int_equal(sscanf(output, "set output \"%63[^\"]", path), 1);
        file = fopen(path, "we");
        assert_non_null(file);
        (void)fputs(gnuplot.svg, file);
        assert_int_equal(fclose(file), 0);
        return 0;
}

static int run(const char *const *arguments)
{
        const struct mt_host_ops host = { .run_dir = "/nonexistent", .config_file = "/nonexistent", .run = draw };

        return records_run_on(&host, mt_command_report, arguments);
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static int set_up(void **state)
{
        (void)state;
        gnuplot.status = 0;
        gnuplot.svg = picture;
        gnuplot.runs = 0;
        gnuplot.hostile = false;
        return 0;
}

static unsigned count(const char *text, const char *what)
{
        unsigned n = 0;

        for (; (text = strstr(text, what)) != NULL; text += strlen(what))
                n++;
        return n;
}

#define SAMPLED                                                                                                             \
        "\"actual\":{\"total_ms\":12500,\"downtime_ms\":310,\"bytes\":1250000,\"samples\":[{\"t_ms\":0,\"iteration\":1,"    \
        "\"remaining_bytes\":9,\"bandwidth_mbps\":5},{\"t_ms\":9000,\"iteration\":2,\"remaining_bytes\":5,"                 \
        "\"bandwidth_mbps\":7}]},\"error\":null}\n"

/* Three migrations, the newest with a course. */
static const struct record three[] = {
        { .id = "A", .started = "2026-11-18T10:00:00.000Z", .domain = "db-1" },
        { .id = "B", .started = "2026-11-19T10:00:00.000Z", .domain = "web", .result = "failed", .actual = "700,null,0" },
        { .id = "C", .started = "2026-11-20T06:15:00.123Z", .domain = "db-2", .actual = "12500,250,1250000" },
};

static const char newest[] = "{\"event\":\"migration\",\"id\":\"D\",\"result\":\"completed\",\"mode\":\"enforce\","
                             "\"started\":\"2026-11-21T00:00:00.000Z\",\"domain\":{\"name\":\"db-3\"},\"source\":\"host-a\","
                             "\"intent\":{\"max_downtime_ms\":300}," SAMPLED;

static const struct select_case {
        const char *name;
        const char *arguments[5];
        const char *said;                 /* in the page */
        unsigned rows, courses, pictures; /* of the whole page */
} selections[] = {
        { "all", { NULL }, "<p>4 migrations from ", 4, 4, 4 },
        { "no timelines", { "--timelines", "0" }, "<p>4 migrations from ", 4, 0, 3 },
        { "one timeline", { "--timelines=1" }, "Of the newest 1, newest first.", 4, 1, 4 },
        { "the last two", { "--last", "2" }, "Only the last 2 migrations", 2, 2, 4 },
        { "of a domain", { "--domain=db-*" }, "of domains <code>db-*</code>", 3, 3, 4 },
        { "failed", { "--failed" }, "that failed or were cancelled", 1, 1, 0 },
        { "since", { "--since", "2026-11-20" }, "<p>2 migrations from ", 2, 2, 4 },
        { "none", { "--domain", "nobody" }, "<p>0 migrations.</p>", 0, 0, 0 },
};

static void test_selection(void **state)
{
        const struct select_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, newest);

        (void)set_up(NULL);
        assert_int_equal(RUN("-o", "-", file, c->arguments[0] != NULL ? c->arguments[0] : "--timelines=50",
                             c->arguments[0] != NULL ? c->arguments[1] : NULL),
                         0);
        assert_string_equal(records_err, "");
        if (strstr(records_out, c->said) == NULL)
                fail_msg("no '%s' in\n%.2000s", c->said, strstr(records_out, "<header>"));
        assert_int_equal(count(records_out, "<tbody id=\"m-"), c->rows);
        assert_int_equal(count(records_out, "<article id=\"t-"), c->courses);
        assert_int_equal(count(records_out, "<svg class=\"p\""), c->pictures);
        assert_int_equal(gnuplot.runs, c->pictures);
        assert_non_null(strstr(records_out, "</html>\n"));
}

/* Newest first, and each row leads to its own course. */
static void test_order(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, newest);
        const char *row, *course;

        (void)state;
        assert_int_equal(RUN("-o", "-", "--last", "3", "--timelines", "2", file), 0);
        row = strstr(records_out, "<tbody id=\"m-4\">");
        course = strstr(records_out, "<article id=\"t-4\"");
        assert_true(row != NULL && course != NULL);
        if (row == NULL || course == NULL) /* for the analyser */
                return;
        assert_true(strstr(row, "<bdi>db-3</bdi>") < strstr(row, "</tr>"));
        assert_true(strstr(course, "<bdi>db-3</bdi>") < strstr(course, "</h3>"));
        assert_true(row < strstr(records_out, "<tbody id=\"m-3\">"));
        assert_non_null(strstr(records_out, "<a href=\"#t-3\">"));
        assert_null(strstr(records_out, "<a href=\"#t-2\">")); /* it has none */
        assert_null(strstr(records_out, "m-1\""));
        assert_non_null(strstr(records_out, "There are no samples of it to draw."));
}

/* Nothing of a record becomes markup, or comes near gnuplot. */
static void test_hostile(void **state)
{
#define EVIL "<img src=x onerror=evil()>\\\"'&\\u202e\\u0000`evil`\\n"
        static const char record[] =
                "{\"event\":\"" EVIL "\",\"event\":\"migration\",\"id\":\"" EVIL "\",\"result\":\"" EVIL
                "\",\"mode\":\"" EVIL "\",\"started\":\"" EVIL "\",\"domain\":{\"name\":\"" EVIL "\",\"uuid\":\"" EVIL
                "\"},\"source\":\"" EVIL "\",\"destination\":\"" EVIL "\",\"plan\":{\"strategy\":\"" EVIL
                "\",\"technique\":\"" EVIL "\",\"alternatives\":[{\"name\":\"" EVIL "\",\"technique\":\"" EVIL
                "\"}]},\"reasons\":[\"" EVIL "\",7,null,[\"" EVIL "\"]],\"events\":[{\"t_ms\":\"" EVIL "\",\"text\":\"" EVIL
                "\"}]," SAMPLED;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, record);

        (void)state;
        assert_int_equal(RUN("-o", "-", "--domain", "*", file), 0);
        assert_true(count(records_out, "&lt;img src=x onerror=evil()&gt;") >= 8);
        assert_null(strstr(records_out, "<img"));
        assert_null(strstr(records_out, "evil()>"));
        assert_null(strstr(records_out, "\342\200\256")); /* NOLINT(misc-misleading-bidirectional) */
        assert_false(gnuplot.hostile);
        assert_int_equal(RUN("-o", "-", "--domain", "</code><script>evil()</script>", file), 0);
        assert_null(strstr(records_out, "<script"));
}

/* Of gnuplot's SVG shapes and texts go in, and nothing that acts or loads. */
static void test_svg(void **state)
{
        static const char svg[] =
                "<svg viewBox=\"0 0 10 10\" onload=\"evil()\" xmlns=\"http://www.w3.org/2000/svg\" "
                "xmlns:xlink=\"http://www.w3.org/1999/xlink\"><script>evil()</script><style>*{evil:1}</style>"
                "<image xlink:href=\"http://evil/x.png\"/><a href=\"javascript:evil()\"><text>evil</text></a>"
                "<g transform=\"translate(1,2)\" text-anchor=\"end\" fill=\"rgb(213,  94,   0)\" "
                "onclick=\"evil()\"><text><tspan> a &lt; b"
                "</tspan></text></g><path d=\"M0,0 L1,1\" stroke=\"rgb(1,2,3)\" style=\"evil\"/>"
                "<path d=\"url(evil)\" stroke=\"black\"/><polygon fill=\"rgb(  0, 114, 179)\" points=\"1,2 3,4\"/>"
                "<use xlink:href=\"#gpPt5\" color=\"rgb(  0, 158, 115)\" transform=\"translate(1,1) scale(2)\"/>"
                "<use xlink:href=\"http://evil#gpPt5\"/></svg>";
        const struct mt_svg_label label = { "one", "T <x>", "D" };
        struct mt_err err = { 0 };
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        (void)state;
        assert_non_null(out);
        assert_int_equal(mt_svg_inline(out, svg, sizeof(svg) - 1, &label, &err), 0);
        assert_int_equal(mt_svg_inline(out, "no <svg", 7, &label, &err), -EIO);
        assert_int_equal(mt_svg_inline(out, "<html/>", 7, &label, &err), -EIO);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(
                text,
                "<svg class=\"p\" role=\"img\" aria-labelledby=\"one-t\" aria-describedby=\"one-d\" viewBox=\"0 0 10 10\">\n"
                "<title id=\"one-t\">T &lt;x&gt;</title>\n<desc id=\"one-d\">D</desc>\n"
                "<text class=\"v\" transform=\"translate(1,2)\" text-anchor=\"end\">a &lt; b</text>\n"
                "<path class=\"k\" d=\"M0,0 L1,1\"/>\n<path class=\"k\"/>\n<polygon class=\"ba\" points=\"1,2 3,4\"/>\n"
                "<use href=\"#p5\" class=\"n\" transform=\"translate(1,1) scale(2)\"/>\n</svg>\n");
        free(text);
}

/* Whatever fails, there is one line, and the page that was there stays. */
static const struct failure_case {
        const char *name;
        int32_t status;
        const char *svg;
        const char *said;
} failures[] = {
        { "gnuplot is not there", -ENOENT, picture, "gnuplot, which draws the pictures, is not installed: install" },
        { "gnuplot fails", 1, picture, "a picture: gnuplot failed with status 1" },
        { "gnuplot writes nothing", 0, NULL, "a picture: Input/output error" },
        { "gnuplot writes something else", 0, "<html/>", "a picture: what gnuplot wrote is no SVG" },
        { "it cannot be run", -EACCES, picture, "a picture: Permission denied" },
};

static void test_failure(void **state)
{
        const struct failure_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, newest), *page = scratch_write(&scratch, "r.html", "old", 3);
        MT_CLEANUP(mt_freep) char *text = NULL;

        (void)set_up(NULL);
        gnuplot.status = c->status;
        gnuplot.svg = c->svg;
        assert_int_equal(RUN("-o", page, file), 1);
        assert_string_equal(records_out, "");
        if (strstr(records_err, c->said) == NULL)
                fail_msg("%s", records_err);
        assert_int_equal(records_lines(records_err), 1);
        text = scratch_read(page, NULL);
        assert_string_equal(text, "old");
        assert_int_not_equal(access(scratch_path(&scratch, "r.html.new"), F_OK), 0);
}

static void test_file(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const char *file = records_write(&scratch, three, 3, newest), *page = scratch_write(&scratch, "r.html", "old", 3);
        const char *link = scratch_path(&scratch, "link.html");
        MT_CLEANUP(mt_freep) char *text = NULL;
        struct stat st;

        (void)state;
        assert_int_equal(symlink(page, link), 0);
        assert_int_equal(RUN("-o", link, file), 0);
        assert_string_equal(records_out, "");
        text = scratch_read(page, NULL);
        assert_non_null(strstr(text, "</html>\n"));
        assert_true(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
        assert_int_equal(RUN("-o", scratch.dir, file), 2); /* a directory */
        assert_non_null(strstr(records_err, "it is no regular file (-o - writes to standard output)"));
        assert_int_equal(RUN("-o", "/dev/null", file), 2);
        assert_int_equal(RUN("-o", scratch_path(&scratch, "nowhere/r.html"), file), 1);
        assert_non_null(strstr(records_err, "No such file or directory"));
}

static const struct bad_case {
        const char *name;
        const char *arguments[5];
        const char *said;
} bad[] = {
        { "no file", { "x" }, "migtune report: '-o': it is missing: expected -o FILE.html, or -o - for standard output" },
        { "no value", { "-o" }, "migtune report: '-o': its value is missing" },
        { "an empty name", { "--output=" }, "migtune report: '--output': expected the name of a file" },
        { "too many timelines",
          { "-o", "-", "--timelines", "1001" },
          "--timelines: expected a whole number from 0 to 1000" },
        { "no number", { "-o", "-", "--timelines=x" }, "migtune report: 'x': --timelines: expected a whole number" },
        { "history's own", { "-o", "-", "--json" }, "migtune report: '--json': unknown option, see migtune report --help" },
        { "a bad time", { "-o", "-", "--since", "noon" }, "migtune report: 'noon': --since: expected a time" },
        { "two files", { "-o", "-", "a", "b" }, "migtune report: 'b': expected one FILE at most" },
        { "a control character", { "-o", "-", "--\033[2J" }, "migtune report: '--?[2J': unknown option" },
};

static void test_bad(void **state)
{
        const struct bad_case *c = *state;

        assert_int_equal(run(c->arguments), 2);
        assert_string_equal(records_out, "");
        if (strstr(records_err, c->said) == NULL)
                fail_msg("%s", records_err);
        assert_int_equal(records_lines(records_err), 1);
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(RUN("--help"), 0);
        assert_int_equal(strncmp(records_out, "usage: migtune report -o FILE.html", 34), 0);
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test_setup(test_order, set_up),
                cmocka_unit_test_setup(test_hostile, set_up),
                cmocka_unit_test(test_svg),
                cmocka_unit_test_setup(test_file, set_up),
                cmocka_unit_test(test_help),
        };
        struct CMUnitTest
                tests[MT_ARRAY_SIZE(selections) + MT_ARRAY_SIZE(failures) + MT_ARRAY_SIZE(bad) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, selections, test_selection);
        ADD_ROWS(tests, n, failures, test_failure);
        ADD_ROWS(tests, n, bad, test_bad);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("report_command", tests, n, NULL, NULL);
}
