/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `migtune model --figure`: every value against the papers' recursions, round by round, and against values worked out by
 * hand from table 2; what the papers' text says about the figures; and that JSON, CSV and text are the same data.
 */
#include "capture.h"
#include "cleanup.h"
#include "table.h"

#include <json-c/json.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* after what it needs */
#include <cmocka.h>

#define ROWS 64

static const char *const figures[] = { "alpha.1", "alpha.2", "alpha.3", "alpha.4", "wan.3", "wan.4", "wan.5", "wan.6" };

/* One series of a figure, in the order of its rows. NAN: no value. */
struct line {
        size_t n;
        double x[ROWS], y[ROWS];
};

static const char *text_of(const char *figure, const char *option)
{
        const char *const argv[] = { "model", "--figure", figure, option, NULL };
        const struct capture *got = capture_model(option != NULL ? 4 : 3, argv);

        assert_string_equal(got->err, "");
        assert_int_equal(got->status, 0);
        return got->out;
}

static struct json_object *json_of(const char *figure)
{
        struct json_object *object = json_tokener_parse(text_of(figure, "--json"));

        assert_non_null(object);
        return object;
}

static struct json_object *member(struct json_object *object, const char *key)
{
        struct json_object *value = NULL;

        assert_true(json_object_object_get_ex(object, key, &value));
        return value;
}

/* The series of that name in that panel (0, 1). */
static struct line line_of(const char *figure, size_t panel, const char *name)
{
        struct json_object *object = json_of(figure), *x = member(member(object, "x"), "values");
        struct json_object *list = member(json_object_array_get_idx(member(object, "panels"), panel), "series");
        struct line line = { .n = json_object_array_length(x) };
        bool found = false;

        assert_true(line.n <= ROWS);
        for (size_t i = 0; i < json_object_array_length(list) && !found; i++) {
                struct json_object *series = json_object_array_get_idx(list, i), *values = member(series, "values");

                found = strcmp(json_object_get_string(member(series, "name")), name) == 0;
                assert_int_equal(json_object_array_length(values), line.n);
                for (size_t row = 0; row < line.n && found; row++) {
                        struct json_object *value = json_object_array_get_idx(values, row);

                        line.x[row] = json_object_get_double(json_object_array_get_idx(x, row));
                        line.y[row] = value != NULL ? json_object_get_double(value) : (double)NAN;
                }
        }
        (void)json_object_put(object);
        if (!found)
                fail_msg("%s has no series '%s'", figure, name);
        return line;
}

static double at(const struct line *line, double x)
{
        for (size_t row = 0; row < line->n; row++)
                if (fabs(line->x[row] - x) < 1e-9)
                        return line->y[row];
        fail_msg("no row at %g", x);
        return NAN;
}

static void assert_near(double got, long double want, const char *what, double x)
{
        if (!(fabsl((long double)got - want) <= 1e-9L * fabsl(want)))
                fail_msg("%s at %g: got %.17g, want %.17Lg", what, x, got, want);
}

/* Table 2's VM sent page by page: rounds 0..n with `cold` pages of rate rho, then the rest and `kept` hot pages. */
struct sent {
        long double rounds, stop;
};

static struct sent send_pages(long double rho, long double alpha, long double cold, long double kept)
{
        struct sent sent = { .stop = cold };

        for (long double left = 1;;) {
                sent.rounds += sent.stop;
                sent.stop *= rho;
                left *= rho;
                if (left <= alpha * (1 + 1e-12L))
                        break;
        }
        sent.stop += kept;
        return sent;
}

static const struct alpha_case {
        const char *name;
        const char *figure;
        size_t panel;
        const char *series;
        double Ps, rho, beta;
        enum { DOWNTIME, GAIN, PAGES } what;
} alpha_cases[] = {
        { "2 (a), 4096", "alpha.2", 0, "Ps = 4096", 4096, 8.0 / 15, 0, DOWNTIME },
        { "2 (a), 8192", "alpha.2", 0, "Ps = 8192", 8192, 8.0 / 15, 0, DOWNTIME },
        { "2 (a), 16384", "alpha.2", 0, "Ps = 16384", 16384, 8.0 / 15, 0, DOWNTIME },
        { "2 (a), 32768", "alpha.2", 0, "Ps = 32768", 32768, 8.0 / 15, 0, DOWNTIME },
        { "2 (b)", "alpha.2", 1, "any Ps", 1, 8.0 / 15, 0, GAIN },
        { "3 (a), 4096", "alpha.3", 0, "Ps = 4096", 4096, 8.0 / 15, 0, PAGES },
        { "3 (a), 8192", "alpha.3", 0, "Ps = 8192", 8192, 8.0 / 15, 0, PAGES },
        { "3 (a), 16384", "alpha.3", 0, "Ps = 16384", 16384, 8.0 / 15, 0, PAGES },
        { "3 (a), 32768", "alpha.3", 0, "Ps = 32768", 32768, 8.0 / 15, 0, PAGES },
        { "3 (b), hot I", "alpha.3", 1, "Hot I, Ps = 4096", 4096, 2.02 * 4 / 15, 0, DOWNTIME },
        { "3 (b), hot II", "alpha.3", 1, "Hot II, Ps = 4096", 4096, 0.48, 0.1, DOWNTIME },
        { "3 (b), hot I, 16384", "alpha.3", 1, "Hot I, Ps = 16384", 16384, 2.02 * 4 / 15, 0, DOWNTIME },
        { "3 (b), hot II, 16384", "alpha.3", 1, "Hot II, Ps = 16384", 16384, 0.48, 0.1, DOWNTIME },
        { "4 (a), hot I", "alpha.4", 0, "Hot I, any Ps", 1, 2.02 * 4 / 15, 0, GAIN },
        { "4 (a), hot II", "alpha.4", 0, "Hot II, any Ps", 1, 0.48, 0.1, GAIN },
        { "4 (b), hot I", "alpha.4", 1, "Hot I, Ps = 4096", 4096, 2.02 * 4 / 15, 0, PAGES },
        { "4 (b), hot II", "alpha.4", 1, "Hot II, Ps = 4096", 4096, 0.48, 0.1, PAGES },
        { "4 (b), hot I, 16384", "alpha.4", 1, "Hot I, Ps = 16384", 16384, 2.02 * 4 / 15, 0, PAGES },
        { "4 (b), hot II, 16384", "alpha.4", 1, "Hot II, Ps = 16384", 16384, 0.48, 0.1, PAGES },
};

static void test_alpha_rounds(void **state)
{
        const struct alpha_case *c = *state;
        const struct line line = line_of(c->figure, c->panel, c->series);
        const long double tau = 16.0L / 60;

        assert_true(line.n >= 7);
        for (size_t row = 0; row < line.n; row++) {
                const double alpha = line.x[row];
                struct sent sent;

                if (alpha > c->rho) { /* outside the condition: the cell is empty */
                        assert_true(isnan(line.y[row]));
                        continue;
                }
                sent = send_pages(c->rho, alpha, c->Ps * (1 - c->beta), c->Ps * c->beta);
                if (c->what == DOWNTIME)
                        assert_near(line.y[row], sent.stop * tau, c->name, alpha);
                else if (c->what == GAIN)
                        assert_near(line.y[row], c->Ps / sent.stop, c->name, alpha);
                else
                        assert_near(line.y[row], ceill(sent.rounds + (alpha + c->beta) * c->Ps), c->name, alpha);
        }
}

/* HG: both downtimes round by round; alpha 0.7 exceeds rho, where one round is sent. */
static void test_alpha_1(void **state)
{
        static const struct {
                const char *name;
                double alpha;
        } rows[] = { { "alpha = 0.1", 0.1 }, { "alpha = 0.4", 0.4 }, { "alpha = 0.7", 0.7 } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++) {
                const struct line line = line_of("alpha.1", 0, rows[i].name);

                assert_int_equal(line.n, 51);
                for (size_t row = 0; row < line.n; row++) {
                        const long double beta = line.x[row];
                        const long double rho = (1.8L * (1 - beta) + 4 * beta) * 16 / 60;

                        assert_near(line.y[row],
                                    send_pages(rho, rows[i].alpha, 1, 0).stop /
                                            send_pages(0.48L, rows[i].alpha, 1 - beta, beta).stop,
                                    rows[i].name, (double)beta);
                }
        }
}

/* Values worked out by hand from the paper's table 2. */
static const struct point {
        const char *name;
        const char *figure;
        size_t panel;
        const char *series;
        double x, want, within;
} points[] = {
        { "downtime at 0.05", "alpha.2", 0, "Ps = 4096", 0.05, 47.13, 0.005 },
        { "downtime at 0.15", "alpha.2", 0, "Ps = 4096", 0.15, 88.37, 0.005 },
        { "downtime at 0.2", "alpha.2", 0, "Ps = 4096", 0.2, 165.70, 0.005 },
        { "downtime at 0.5", "alpha.2", 0, "Ps = 4096", 0.5, 310.69, 0.005 },
        { "downtime of 16384 pages at 0.15", "alpha.2", 0, "Ps = 16384", 0.15, 353.5, 0.05 },
        { "downtime of 16384 pages at 0.2", "alpha.2", 0, "Ps = 16384", 0.2, 662.8, 0.05 },
        { "downtime of 32768 pages at 0.05", "alpha.2", 0, "Ps = 32768", 0.05, 377.1, 0.05 },
        { "downtime of 32768 pages at 0.1", "alpha.2", 0, "Ps = 32768", 0.1, 707.0, 0.05 },
        { "gain at 0.05", "alpha.2", 1, "any Ps", 0.05, 23.174, 0.0005 },
        { "gain at 0.4", "alpha.2", 1, "any Ps", 0.4, 3.516, 0.0005 },
        { "pages at 0.1", "alpha.3", 0, "Ps = 4096", 0.1, 8477, 0 },
        { "pages at 0.4", "alpha.3", 0, "Ps = 4096", 0.4, 7919, 0 },
        { "hot I at 0.05", "alpha.3", 1, "Hot I, Ps = 4096", 0.05, 49.54, 0.005 },
        { "hot II at 0.05", "alpha.3", 1, "Hot II, Ps = 4096", 0.05, 134.27, 0.005 },
        { "hot II at 0.15", "alpha.3", 1, "Hot II, Ps = 4096", 0.15, 217.94, 0.005 },
        { "gain of hot I at 0.1", "alpha.4", 0, "Hot I, any Ps", 0.1, 11.877, 0.0005 },
        { "gain of hot II at 0.3", "alpha.4", 0, "Hot II, any Ps", 0.3, 3.254, 0.0005 },
        { "pages of hot I at 0.5", "alpha.4", 1, "Hot I, Ps = 4096", 0.5, 8351, 0 },
        { "pages of hot II at 0.05", "alpha.4", 1, "Hot II, Ps = 4096", 0.05, 7523, 0 },
        { "pages of hot II at 0.4", "alpha.4", 1, "Hot II, Ps = 4096", 0.4, 7504, 0 },
        { "HG at alpha 0.1", "alpha.1", 0, "alpha = 0.1", 0.1, 0.5697, 0.00005 },
        { "HG at alpha 0.4", "alpha.1", 0, "alpha = 0.4", 0.1, 0.9440, 0.00005 },
        { "HG at alpha 0.7", "alpha.1", 0, "alpha = 0.7", 0.1, 1.0125, 0.00005 },
        { "HG at alpha 0.7, beta 0.4", "alpha.1", 0, "alpha = 0.7", 0.4, 0.742, 0.0005 },
        { "consumption at lambda 0.1", "wan.6", 0, "D = 500 Mbit/s", 0.1, 45755, 0.5 },
        { "too high a lambda", "wan.5", 0, "D = 50 Mbit/s", 0.5, 30, 0 },
};

static void test_point(void **state)
{
        const struct point *p = *state;
        const struct line line = line_of(p->figure, p->panel, p->series);

        if (!(fabs(at(&line, p->x) - p->want) <= p->within))
                fail_msg("got %.17g, want %g", at(&line, p->x), p->want);
}

/* One migration of 4 GB round by round: sum of the rounds with the downtime, and the downtime. */
struct migration {
        long double total, down;
};

static struct migration migrate(long double R, long double D, unsigned n)
{
        struct migration m = { .total = 0 };
        long double t = 32000 / R + 0.7L;

        for (unsigned i = 1; i <= n; i++) {
                m.total += t;
                m.down = D / R * t + 0.5L;
                t = D / R * t + 0.7L;
        }
        m.total += m.down;
        return m;
}

/* The least n up to 30 with which the limit holds, by trying them. */
static unsigned least_n(long double R, long double D, long double limit)
{
        for (unsigned n = 1; n < 30; n++)
                if (migrate(R, D, n).down <= limit)
                        return n;
        return 30;
}

static const struct wan_case {
        const char *name;
        const char *figure;
        size_t panel;
        const char *series;
        double of; /* D, or lambda for figure 4 */
        enum { TOTAL, DOWN, ROUNDS, CONSUMED, TOTAL_OF_ROUNDS } what;
} wan_cases[] = {
        { "3 (a), 50", "wan.3", 0, "D = 50 Mbit/s", 50, TOTAL },
        { "3 (a), 250", "wan.3", 0, "D = 250 Mbit/s", 250, TOTAL },
        { "3 (a), 500", "wan.3", 0, "D = 500 Mbit/s", 500, TOTAL },
        { "3 (b), 50", "wan.3", 1, "D = 50 Mbit/s", 50, DOWN },
        { "3 (b), 250", "wan.3", 1, "D = 250 Mbit/s", 250, DOWN },
        { "3 (b), 500", "wan.3", 1, "D = 500 Mbit/s", 500, DOWN },
        { "4, 0.1", "wan.4", 0, "lambda = 0.1", 0.1, TOTAL_OF_ROUNDS },
        { "4, 0.3", "wan.4", 0, "lambda = 0.3", 0.3, TOTAL_OF_ROUNDS },
        { "4, 0.5", "wan.4", 0, "lambda = 0.5", 0.5, TOTAL_OF_ROUNDS },
        { "4, 0.7", "wan.4", 0, "lambda = 0.7", 0.7, TOTAL_OF_ROUNDS },
        { "4, 0.9", "wan.4", 0, "lambda = 0.9", 0.9, TOTAL_OF_ROUNDS },
        { "5, 50", "wan.5", 0, "D = 50 Mbit/s", 50, ROUNDS },
        { "5, 250", "wan.5", 0, "D = 250 Mbit/s", 250, ROUNDS },
        { "5, 500", "wan.5", 0, "D = 500 Mbit/s", 500, ROUNDS },
        { "6 (a), 250", "wan.6", 0, "D = 250 Mbit/s", 250, CONSUMED },
        { "6 (a), 500", "wan.6", 0, "D = 500 Mbit/s", 500, CONSUMED },
        { "6 (b), 10", "wan.6", 1, "D = 10 Mbit/s", 10, CONSUMED },
        { "6 (b), 50", "wan.6", 1, "D = 50 Mbit/s", 50, CONSUMED },
};

/* Mean of n, or of what is reserved, over the limits 1.00, 1.02, ... 1.20 s. */
static long double mean(double D, long double lambda, bool consumed)
{
        const long double R = D / lambda;
        long double sum = 0;

        for (int i = 0; i <= 10; i++) {
                const unsigned n = least_n(R, D, 1 + 0.02L * i);

                sum += consumed ? migrate(R, D, n).total * R : (long double)n;
        }
        return sum / 11;
}

static void test_wan_rounds(void **state)
{
        const struct wan_case *c = *state;
        const struct line line = line_of(c->figure, c->panel, c->series);

        assert_true(line.n >= 19);
        for (size_t row = 0; row < line.n; row++) {
                const double x = line.x[row];

                if (c->what == TOTAL)
                        assert_near(line.y[row], migrate(c->of / (long double)x, c->of, 5).total, c->name, x);
                else if (c->what == DOWN)
                        assert_near(line.y[row], migrate(c->of / (long double)x, c->of, 5).down, c->name, x);
                else if (c->what == TOTAL_OF_ROUNDS)
                        assert_near(line.y[row], migrate(250 / (long double)c->of, 250, (unsigned)x).total, c->name, x);
                else if (fabs(x - 0.5) > 1e-9) /* the last limit is the floor itself there: never reached */
                        assert_near(line.y[row], mean(c->of, x, c->what == CONSUMED), c->name, x);
        }
}

/* -1: falls or stays in every step; 1: rises or stays; 0: neither. */
static int direction(const struct line *line)
{
        bool falls = true, rises = true;

        for (size_t row = 1; row < line->n && !isnan(line->y[row]); row++) {
                falls = falls && line->y[row] <= line->y[row - 1];
                rises = rises && line->y[row] >= line->y[row - 1];
        }
        return falls ? -1 : rises ? 1 : 0;
}

/* What the alpha paper's text says of its figures, as far as it holds. */
static void test_alpha_text(void **state)
{
        const struct line down = line_of("alpha.2", 0, "Ps = 32768"), gain = line_of("alpha.2", 1, "any Ps");
        const struct line pages = line_of("alpha.3", 0, "Ps = 32768");
        const struct line hot1 = line_of("alpha.3", 1, "Hot I, Ps = 4096"),
                          hot2 = line_of("alpha.3", 1, "Hot II, Ps = 4096");
        const struct line more = line_of("alpha.4", 1, "Hot I, Ps = 4096"),
                          fewer = line_of("alpha.4", 1, "Hot II, Ps = 4096");

        (void)state;
        assert_int_equal(direction(&down), 1);
        assert_int_equal(direction(&gain), -1);
        assert_int_equal(direction(&pages), 0);
        assert_int_equal(direction(&hot1), 1);
        assert_int_equal(direction(&hot2), 1);
        for (size_t row = 0; row < hot1.n && !isnan(hot2.y[row]); row++) {
                assert_true(hot1.y[row] < hot2.y[row]);
                assert_true(more.y[row] > fewer.y[row]);
        }
}

/* What the WAN paper's text says of its figures. */
static void test_wan_text(void **state)
{
        const struct line high = line_of("wan.6", 0, "D = 500 Mbit/s"), low = line_of("wan.6", 1, "D = 10 Mbit/s");
        double least = INFINITY, where = 0;

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(wan_cases); i++) {
                const struct wan_case *c = &wan_cases[i];
                const struct line line = line_of(c->figure, c->panel, c->series);

                if (c->what == TOTAL || c->what == DOWN || c->what == TOTAL_OF_ROUNDS)
                        assert_int_equal(direction(&line), 1); /* with lambda, and with n */
                else if (c->what == ROUNDS)
                        assert_int_equal(direction(&line), -1); /* as lambda falls */
        }
        /* W falls fast down to about 0.4, then hardly; at a high rate it rises again in the end, at a low one it does not */
        assert_true(at(&high, 0.8) > 3 * at(&high, 0.4) && at(&high, 0.4) < 1.5 * at(&high, 0.1));
        for (size_t row = 0; row < high.n; row++) {
                if (high.y[row] < least) {
                        least = high.y[row];
                        where = high.x[row];
                }
        }
        assert_true(where > 0.05 && where < 0.2 && at(&high, 0.025) > 1.3 * least);
        assert_int_equal(direction(&low), -1);
}

/* Every cell is a number, or empty in each form alike; and then the text names the condition. */
static void test_forms(void **state)
{
        const char *name = *state;
        struct json_object *object = json_of(name), *panels = member(object, "panels");
        const size_t rows = json_object_array_length(member(member(object, "x"), "values"));
        size_t columns = 1, empty = 0, commas = 0, lines = 0, blanks = 0, dashes = 0;
        const char *text;

        for (size_t i = 0; i < json_object_array_length(panels); i++) {
                struct json_object *list = member(json_object_array_get_idx(panels, i), "series");

                for (size_t k = 0; k < json_object_array_length(list); k++, columns++) {
                        struct json_object *values = member(json_object_array_get_idx(list, k), "values");

                        for (size_t row = 0; row < rows; row++)
                                empty += json_object_array_get_idx(values, row) == NULL;
                }
        }
        assert_true(json_object_get_string_len(member(object, "caption")) > 0);
        assert_true(json_object_get_string_len(member(object, "source")) > 0);
        assert_true(empty == 0 || member(object, "condition") != NULL);
        for (text = text_of(name, "--csv"); *text != '\0'; text++) {
                lines += *text == '\n';
                commas += *text == ',' && lines > 0;
                blanks += *text == ',' && (text[1] == ',' || text[1] == '\n');
        }
        assert_int_equal(lines, rows + 1);
        assert_int_equal(commas, rows * (columns - 1));
        assert_int_equal(blanks, empty);
        text = text_of(name, NULL);
        assert_null(strstr(text, "nan"));
        assert_int_equal(strstr(text, "-: no value, outside the model's condition") != NULL, empty > 0);
        for (; *text != '\0'; text++)
                dashes += text[0] == ' ' && text[1] == '-' && (text[2] == ' ' || text[2] == '\n');
        assert_int_equal(dashes, empty);
        (void)json_object_put(object);
}

static void test_list(void **state)
{
        const char *const argv[] = { "model", "--figure", "--list", "--json", NULL };
        struct json_object *list = json_tokener_parse(capture_model(4, argv)->out);

        (void)state;
        assert_int_equal(json_object_array_length(list), MT_ARRAY_SIZE(figures));
        for (size_t i = 0; i < MT_ARRAY_SIZE(figures); i++)
                assert_string_equal(json_object_get_string(member(json_object_array_get_idx(list, i), "figure")),
                                    figures[i]);
        (void)json_object_put(list);
        assert_non_null(strstr(capture_model(3, argv)->out, "\nwan.6"));
}

static void test_bare_numbers(void **state)
{
        static const char *const rows[][2] = { { "1", "alpha.1" }, { "2", "alpha.2" }, { "5", "wan.5" }, { "6", "wan.6" } };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(rows); i++) {
                struct json_object *object = json_of(rows[i][0]);

                assert_string_equal(json_object_get_string(member(object, "figure")), rows[i][1]);
                (void)json_object_put(object);
        }
}

int main(void)
{
        static const struct CMUnitTest rest[] = { cmocka_unit_test(test_alpha_1), cmocka_unit_test(test_alpha_text),
                                                  cmocka_unit_test(test_wan_text), cmocka_unit_test(test_list),
                                                  cmocka_unit_test(test_bare_numbers) };
        struct CMUnitTest tests[MT_ARRAY_SIZE(alpha_cases) + MT_ARRAY_SIZE(points) + MT_ARRAY_SIZE(wan_cases) +
                                MT_ARRAY_SIZE(figures) + MT_ARRAY_SIZE(rest)];
        size_t n = 0;

        ADD_ROWS(tests, n, alpha_cases, test_alpha_rounds);
        ADD_ROWS(tests, n, points, test_point);
        ADD_ROWS(tests, n, wan_cases, test_wan_rounds);
        for (size_t i = 0; i < MT_ARRAY_SIZE(figures); i++)
                tests[n++] = (struct CMUnitTest){ .name = figures[i],
                                                  .test_func = test_forms,
                                                  .initial_state = (void *)(uintptr_t)figures[i] };
        memcpy(&tests[n], rest, sizeof(rest));
        return _cmocka_run_group_tests("model figure", tests, n + MT_ARRAY_SIZE(rest), NULL, NULL);
}
