/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/model/figure.h"
#include "cleanup.h"
#include "log.h"
#include "command/model/grid.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define FIGURES (MT_ALPHA_FIGURES + MT_WAN_FIGURES)

/* Significant digits for people, and for files. */
#define SHOWN 5
#define EXACT 12

const struct mt_figure *mt_figure_at(size_t i)
{
        if (i < MT_ALPHA_FIGURES)
                return &mt_alpha_figures[i];
        return i < FIGURES ? &mt_wan_figures[i - MT_ALPHA_FIGURES] : NULL;
}

double mt_figure_x(const struct mt_figure *figure, double row)
{
        const struct mt_figure_x *x = &figure->x;
        const double share = row / (x->rows - 1);
        const double value = x->log ? x->first * pow(x->last / x->first, share) : x->first + (x->last - x->first) * share;

        return round(value * 1e6) / 1e6;
}

static bool has_panel(const struct mt_figure *figure, unsigned i)
{
        return i < MT_FIGURE_PANELS && figure->panels[i].y != NULL;
}

/* "(a) ": only where there is more than one. */
static const char *panel_letter(const struct mt_figure *figure, unsigned i)
{
        static const char *const letters[MT_FIGURE_PANELS] = { "a", "b" };

        return has_panel(figure, 1) ? letters[i] : "";
}

static unsigned count_series(const struct mt_figure_panel *panel)
{
        unsigned n = 0;

        while (panel->series[n].name != NULL)
                n++;
        return n;
}

static bool has_gaps(const struct mt_figure *figure)
{
        double value;

        for (unsigned i = 0; has_panel(figure, i); i++)
                for (const struct mt_figure_series *s = figure->panels[i].series; s->name != NULL; s++)
                        for (unsigned row = 0; row < figure->x.rows; row++)
                                if (!figure->panels[i].value(s, mt_figure_x(figure, row), &value))
                                        return true;
        return false;
}

/* Decimal places that the numbers need: few enough that the greatest has SHOWN digits, none where all are whole. */
static int decimals_for(const double *numbers, unsigned n)
{
        double greatest = 0.0;
        int most, needed = 0;

        for (unsigned i = 0; i < n; i++)
                greatest = fmax(greatest, fabs(numbers[i]));
        most = SHOWN - 1 - (greatest >= 1.0 ? (int)floor(log10(greatest)) : 0);
        for (unsigned i = 0; i < n; i++)
                while (needed < most && fabs(numbers[i] - round(numbers[i] * pow(10, needed)) / pow(10, needed)) > 1e-9)
                        needed++;
        return needed;
}

/* Writes one column, under its name. NAN: no value. */
static void put_column(struct mt_grid *grid, unsigned column, const char *name, const double *numbers, unsigned n)
{
        double there[MT_GRID_ROWS];
        char text[MT_GRID_TEXT];
        unsigned n_there = 0;
        int decimals;

        for (unsigned row = 0; row < n; row++)
                if (!isnan(numbers[row]))
                        there[n_there++] = numbers[row];
        decimals = decimals_for(there, n_there);
        mt_grid_put(grid, 0, column, "%s", name);
        for (unsigned row = 0; row < n; row++)
                mt_grid_put(grid, row + 1, column, "%s",
                            isnan(numbers[row]) ? "-" : mt_model_fixed_text(numbers[row], decimals, text, sizeof(text)));
}

static void print_panel(const struct mt_figure *figure, unsigned i)
{
        const struct mt_figure_panel *panel = &figure->panels[i];
        const bool lettered = has_panel(figure, 1);
        struct mt_grid grid = { .rows = 0 };
        double numbers[MT_GRID_ROWS];

        mt_print("\n%s%s%s%s%s%s\n", lettered ? "(" : "", panel_letter(figure, i), lettered ? ") " : "", panel->y,
                 panel->unit[0] != '\0' ? ", " : "", panel->unit);
        for (unsigned row = 0; row < figure->x.rows; row++)
                numbers[row] = mt_figure_x(figure, row);
        put_column(&grid, 0, figure->x.name, numbers, figure->x.rows);
        for (unsigned s = 0; s < count_series(panel); s++) {
                for (unsigned row = 0; row < figure->x.rows; row++)
                        if (!panel->value(&panel->series[s], mt_figure_x(figure, row), &numbers[row]))
                                numbers[row] = NAN;
                put_column(&grid, s + 1, panel->series[s].name, numbers, figure->x.rows);
        }
        mt_grid_print(&grid, 2);
}

static void print_text(const struct mt_figure *figure)
{
        mt_print("Figure %s: %s\nSource: %s\n", figure->name, figure->caption, figure->source);
        for (unsigned i = 0; has_panel(figure, i); i++)
                print_panel(figure, i);
        mt_print("\n%s%s%s", has_gaps(figure) ? "-: no value, " : "", has_gaps(figure) ? figure->condition : "",
                 has_gaps(figure) ? "\n" : "");
        for (size_t i = 0; figure->notes[i] != NULL; i++)
                mt_model_print_note('-', figure->notes[i]);
}

static void print_csv(const struct mt_figure *figure)
{
        char text[MT_GRID_TEXT];
        double value;

        mt_print("%s%s%s%s", figure->x.name, figure->x.unit[0] != '\0' ? " (" : "", figure->x.unit,
                 figure->x.unit[0] != '\0' ? ")" : "");
        for (unsigned i = 0; has_panel(figure, i); i++)
                for (const struct mt_figure_series *s = figure->panels[i].series; s->name != NULL; s++)
                        mt_print(",%s at %s%s%s%s", figure->panels[i].y, s->name,
                                 figure->panels[i].unit[0] != '\0' ? " (" : "", figure->panels[i].unit,
                                 figure->panels[i].unit[0] != '\0' ? ")" : "");
        mt_print("\n");
        for (unsigned row = 0; row < figure->x.rows; row++) {
                const double x = mt_figure_x(figure, row);

                mt_print("%s", mt_model_number_text(x, EXACT, text, sizeof(text)));
                for (unsigned i = 0; has_panel(figure, i); i++)
                        for (const struct mt_figure_series *s = figure->panels[i].series; s->name != NULL; s++)
                                mt_print(",%s", figure->panels[i].value(s, x, &value)
                                                        ? mt_model_number_text(value, EXACT, text, sizeof(text))
                                                        : "");
                mt_print("\n");
        }
}

static struct json_object *axis_json(const char *name, const char *unit)
{
        struct json_object *object = json_object_new_object();

        mt_model_add_text(object, "name", name);
        mt_model_add_text(object, "unit", unit);
        return object;
}

/* {"name": ..., "values": [...]}, null where there is no value. */
static struct json_object *series_json(const struct mt_figure *figure, const struct mt_figure_panel *panel,
                                       const struct mt_figure_series *series)
{
        struct json_object *object = json_object_new_object(), *values = json_object_new_array();
        double value;

        for (unsigned row = 0; row < figure->x.rows; row++)
                (void)json_object_array_add(
                        values, panel->value(series, mt_figure_x(figure, row), &value) ? mt_model_number_json(value) : NULL);
        mt_model_add_text(object, "name", series->name);
        (void)json_object_object_add(object, "values", values);
        return object;
}

static struct json_object *panel_json(const struct mt_figure *figure, unsigned i)
{
        const struct mt_figure_panel *panel = &figure->panels[i];
        struct json_object *object = json_object_new_object(), *list = json_object_new_array();

        mt_model_add_text(object, "panel", panel_letter(figure, i));
        (void)json_object_object_add(object, "y", axis_json(panel->y, panel->unit));
        for (const struct mt_figure_series *s = panel->series; s->name != NULL; s++)
                (void)json_object_array_add(list, series_json(figure, panel, s));
        (void)json_object_object_add(object, "series", list);
        return object;
}

static void print_json(const struct mt_figure *figure)
{
        MT_CLEANUP(mt_model_put_json) struct json_object *object = json_object_new_object();
        struct json_object *x = axis_json(figure->x.name, figure->x.unit), *values = json_object_new_array();
        struct json_object *panels = json_object_new_array();

        for (unsigned row = 0; row < figure->x.rows; row++)
                (void)json_object_array_add(values, mt_model_number_json(mt_figure_x(figure, row)));
        (void)json_object_object_add(x, "values", values);
        for (unsigned i = 0; has_panel(figure, i); i++)
                (void)json_object_array_add(panels, panel_json(figure, i));
        mt_model_add_text(object, "figure", figure->name);
        mt_model_add_text(object, "caption", figure->caption);
        mt_model_add_text(object, "source", figure->source);
        (void)json_object_object_add(object, "x", x);
        (void)json_object_object_add(object, "panels", panels);
        mt_model_add_text(object, "condition", figure->condition);
        (void)json_object_object_add(object, "notes", mt_model_texts_json(figure->notes));
        mt_model_print_json(object);
}

static void list_figures(bool json)
{
        MT_CLEANUP(mt_model_put_json) struct json_object *list = json_object_new_array();

        for (size_t i = 0; mt_figure_at(i) != NULL; i++) {
                const struct mt_figure *figure = mt_figure_at(i);
                struct json_object *row = json_object_new_object();

                mt_model_add_text(row, "figure", figure->name);
                mt_model_add_text(row, "caption", figure->caption);
                mt_model_add_text(row, "source", figure->source);
                (void)json_object_array_add(list, row);
                if (!json)
                        mt_print("%-8s %s\n", figure->name, figure->caption);
        }
        if (json)
                mt_model_print_json(list);
}

/* The figure that text names; NULL after one line. */
static const struct mt_figure *find_figure(const char *text)
{
        const char *names[FIGURES];
        struct mt_err err = { 0 };
        int found;

        for (size_t i = 0; i < FIGURES; i++)
                names[i] = mt_figure_at(i)->name;
        found = mt_model_pick("figure", names, FIGURES, text, &err);
        if (found >= 0)
                return mt_figure_at((size_t)found);
        (void)mt_model_refuse("--figure", err.msg);
        return NULL;
}

int mt_model_figure(const struct mt_host_ops *host, const struct mt_model_options *options)
{
        struct mt_err err = { 0 };
        const struct mt_figure *figure;

        if (options->list) {
                list_figures(options->json);
                return MT_MODEL_OK;
        }
        figure = find_figure(options->figure);
        if (figure == NULL)
                return MT_MODEL_USAGE;
        if (options->plot != NULL && mt_figure_plot(figure, host, options->plot, &err) < 0) {
                (void)mt_model_refuse("--plot", err.msg);
                return err.code == EINVAL ? MT_MODEL_USAGE : MT_MODEL_FAILED;
        }
        if (options->json)
                print_json(figure);
        else if (options->csv)
                print_csv(figure);
        else if (options->plot == NULL)
                print_text(figure);
        return MT_MODEL_OK;
}
