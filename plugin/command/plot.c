/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/plot.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Okabe and Ito's palette ("Color Universal Design", 2008), without its yellow, which white paper swallows. */
static const char *const colours[] = {
        "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#666666"
};

static int temporary_name(const struct mt_plot *plot, char *ret, size_t size)
{
        int n = snprintf(ret, size, "%s.new", plot->file);

        return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* Can files be made where this one is to be? gnuplot would write to its standard output instead, and a caller works long. */
static int check_directory(const char *file, struct mt_err *err)
{
        const char *slash = strrchr(file, '/');
        char directory[PATH_MAX];

        (void)snprintf(directory, sizeof(directory), "%.*s", slash != NULL ? (int)(slash - file) + 1 : 1,
                       slash != NULL ? file : ".");
        return access(directory, W_OK | X_OK) == 0 ? 0 : mt_fail(err, errno, "%s: %s", file, strerror(errno));
}

/* Within gnuplot's double quotes. */
static bool is_quotable(const char *text)
{
        for (; *text != '\0'; text++)
                if ((unsigned char)*text < ' ' || *text == '"' || *text == '\\' || *text == '`' || *text == 0x7f)
                        return false;
        return true;
}

int mt_plot_begin(struct mt_plot *plot, const struct mt_host_ops *host, const char *file, unsigned width, unsigned height,
                  struct mt_err *err)
{
        const char *ending = strrchr(file, '.');
        char temporary[PATH_MAX];
        int r;

        *plot = (struct mt_plot){ .host = host, .file = file };
        if (host->run == NULL)
                return mt_fail(err, ENOTSUP, "a picture cannot be drawn from here: this program runs no others");
        if (ending == NULL || strcmp(ending, ".svg") != 0 || !is_quotable(file) ||
            temporary_name(plot, temporary, sizeof(temporary)) < 0)
                return mt_fail(err, EINVAL, "%.80s: expected the name of a file that ends in .svg", file);
        r = check_directory(file, err);
        if (r < 0)
                return r;
        plot->script = open_memstream(&plot->text, &plot->size);
        if (plot->script == NULL)
                return mt_fail(err, ENOMEM, "a picture: out of memory");
        mt_plot(plot, "set terminal svg size %u,%u dynamic background rgb 'white' font 'DejaVu Sans,12'\n", width, height);
        mt_plot(plot, "set output \"%s\"\nset encoding utf8\n", temporary);
        mt_plot(plot, "set grid ytics lc rgb '#dddddd' lt 1\nset border 3 lc rgb '#555555'\nset tics nomirror out\n");
        for (unsigned i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
                mt_plot(plot, "set linetype %u lc rgb '%s' lw 2 dt %u pt %u ps 0.7\n", i + 1, colours[i], i % 5 + 1, i + 4);
        return 0;
}

void mt_plot(struct mt_plot *plot, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vfprintf(plot->script, format, args);
        va_end(args);
}

static const char *const gnuplot[] = { "gnuplot", "-d", "-", NULL }; /* -d: not the user's own settings */

static int draw(const struct mt_plot *plot, struct mt_err *err)
{
        char temporary[PATH_MAX];
        int r;

        (void)temporary_name(plot, temporary, sizeof(temporary));
        r = plot->host->run(plot->host->ctx, gnuplot, plot->text);
        if (r == 0 && rename(temporary, plot->file) < 0)
                r = -errno;
        if (r == 0)
                return 0;
        (void)unlink(temporary);
        if (r == -ENOENT)
                return mt_fail(err, ENOENT, "%s: gnuplot is not installed, or the directory does not exist", plot->file);
        if (r < 0)
                return mt_fail(err, -r, "%s: %s", plot->file, strerror(-r));
        return mt_fail(err, EIO, "%s: gnuplot failed with status %d", plot->file, r);
}

/* Is the script whole? */
static bool close_script(struct mt_plot *plot)
{
        bool whole = ferror((FILE *)plot->script) == 0;

        whole = fclose(plot->script) == 0 && whole;
        plot->script = NULL;
        return whole;
}

int mt_plot_finish(struct mt_plot *plot, struct mt_err *err)
{
        bool whole = close_script(plot);
        int r;

        r = whole ? draw(plot, err) : mt_fail(err, ENOMEM, "%s: out of memory", plot->file);
        mt_plot_done(plot);
        return r;
}

/* gnuplot gets a file in memory by a name that it can open; nothing is left behind, whatever happens. */
int mt_plot_begin_inline(struct mt_plot *plot, const struct mt_host_ops *host, unsigned width, unsigned height,
                         struct mt_err *err)
{
        *plot = (struct mt_plot){ .host = host, .file = "a picture" };
        if (host->run == NULL)
                return mt_fail(err, ENOTSUP, "a picture cannot be drawn from here: this program runs no others");
        plot->fd = memfd_create("migtune-picture", MFD_CLOEXEC);
        if (plot->fd < 0)
                return mt_fail(err, errno, "a picture: %s", strerror(errno));
        plot->in_memory = true;
        plot->script = open_memstream(&plot->text, &plot->size);
        if (plot->script == NULL) {
                mt_plot_done(plot);
                return mt_fail(err, ENOMEM, "a picture: out of memory");
        }
        mt_plot(plot, "set terminal svg size %u,%u dynamic noenhanced font 'sans-serif,12'\n", width, height);
        mt_plot(plot, "set output \"/proc/%ld/fd/%d\"\nset encoding utf8\n", (long)getpid(), plot->fd);
        return 0;
}

/* All that is in the file. -EIO: it has nothing. */
static int read_back(int fd, char **ret, size_t *ret_size)
{
        const off_t size = lseek(fd, 0, SEEK_END);
        char *text = size > 0 ? malloc((size_t)size + 1) : NULL;
        size_t done = 0;

        if (text == NULL)
                return size > 0 ? -ENOMEM : -EIO;
        while (done < (size_t)size) {
                ssize_t n = pread(fd, text + done, (size_t)size - done, (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0) {
                        free(text);
                        return -EIO;
                }
                done += (size_t)n;
        }
        text[size] = '\0';
        *ret = text;
        *ret_size = (size_t)size;
        return 0;
}

int mt_plot_finish_inline(struct mt_plot *plot, char **ret_svg, size_t *ret_size, struct mt_err *err)
{
        bool whole = close_script(plot);
        int r = whole ? plot->host->run(plot->host->ctx, gnuplot, plot->text) : -ENOMEM;

        if (r == -ENOENT)
                r = mt_fail(err, ENOENT,
                            "gnuplot, which draws the pictures, is not installed: install the package gnuplot-nox "
                            "(Debian) or gnuplot-minimal (Fedora)");
        else if (r > 0)
                r = mt_fail(err, EIO, "a picture: gnuplot failed with status %d", r);
        else if (r == 0)
                r = read_back(plot->fd, ret_svg, ret_size);
        if (r < 0 && err->code == 0)
                r = mt_fail(err, -r, "a picture: %s", strerror(-r));
        mt_plot_done(plot);
        return r;
}

void mt_plot_done(struct mt_plot *plot)
{
        if (plot->script != NULL)
                (void)fclose(plot->script);
        if (plot->in_memory)
                (void)close(plot->fd);
        free(plot->text);
        *plot = (struct mt_plot){ .host = NULL };
}
