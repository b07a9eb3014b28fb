/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/picture.h"
#include "cleanup.h"

int mt_picture_begin(struct mt_plot *plot, const struct mt_host_ops *host, unsigned width, unsigned height,
                     struct mt_err *err)
{
        const int r = mt_plot_begin_inline(plot, host, width, height, err);

        if (r < 0)
                return r;
        mt_plot(plot, "unset key\nset border 3 lc rgb '" MT_SVG_FAINT
                      "'\nset tics nomirror out scale 0.5 textcolor rgb '" MT_SVG_INK "'\nset grid lc rgb '" MT_SVG_GRID
                      "' lt 1 dt 1\nset style fill solid noborder\nset xtics offset 0,0.4\n");
        return 0;
}

void mt_picture_place(struct mt_plot *plot, const struct mt_picture_box *box)
{
        mt_plot(plot,
                "set lmargin at screen %.5f\nset rmargin at screen %.5f\nset tmargin at screen %.5f\nset bmargin at screen "
                "%.5f\n",
                box->left / box->width, box->right / box->width, 1.0 - box->top / box->height,
                1.0 - box->bottom / box->height);
}

void mt_picture_titles(struct mt_plot *plot, const struct mt_picture_box *box, const char *x, const char *y)
{
        if (x != NULL)
                mt_plot(plot, "set label 901 '%s' at screen %.5f,%.5f center\n", x,
                        (box->left + box->right) / 2.0 / box->width, 1.0 - (box->bottom + 38.0) / box->height);
        if (y != NULL)
                mt_plot(plot, "set label 902 '%s' at screen %.5f,%.5f center rotate by 90\n", y, 11.0 / box->width,
                        1.0 - (box->top + box->bottom) / 2.0 / box->height);
}

int mt_picture_finish(struct mt_plot *plot, FILE *out, const struct mt_svg_label *label, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *svg = NULL;
        size_t size = 0;
        const int r = mt_plot_finish_inline(plot, &svg, &size, err);

        return r < 0 ? r : mt_svg_inline(out, svg, size, label, err);
}
