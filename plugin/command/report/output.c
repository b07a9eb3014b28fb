/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/report/output.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard output is the host's; a page has no NUL in it. */
static ssize_t write_out(void *ctx, const char *text, size_t size)
{
        (void)ctx;
        mt_print("%.*s", (int)size, text);
        return (ssize_t)size;
}

static int begin_out(struct mt_output *output, struct mt_err *err)
{
        output->stream = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_out });
        if (output->stream == NULL)
                return mt_fail(err, ENOMEM, "-o -: out of memory");
        (void)setvbuf(output->stream, NULL, _IOFBF, (size_t)64 << 10);
        return 0;
}

/* The file that a name leads to, which may not be there yet; the name itself where nothing is. */
static int resolve(const char *name, char *ret, size_t size, struct mt_err *err)
{
        char path[PATH_MAX];
        struct stat st;

        if (stat(name, &st) == 0 && !S_ISREG(st.st_mode))
                return mt_fail(err, EINVAL, "-o %s: it is no regular file (-o - writes to standard output)", name);
        if (snprintf(ret, size, "%s", realpath(name, path) != NULL ? path : name) >= (int)size)
                return mt_fail(err, ENAMETOOLONG, "-o %.80s: %s", name, strerror(ENAMETOOLONG));
        return 0;
}

int mt_output_begin(struct mt_output *output, const char *name, struct mt_err *err)
{
        int fd, r;

        *output = (struct mt_output){ .stream = NULL };
        if (strcmp(name, "-") == 0)
                return begin_out(output, err);
        r = resolve(name, output->file, sizeof(output->file), err);
        if (r < 0)
                return r;
        (void)snprintf(output->temporary, sizeof(output->temporary), "%s.new", output->file);
        (void)unlink(output->temporary); /* of one that was killed */
        fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd < 0) {
                output->temporary[0] = '\0';
                return mt_fail(err, errno, "-o %s: %s", name, strerror(errno));
        }
        output->stream = fdopen(fd, "w");
        if (output->stream == NULL) {
                (void)close(fd);
                mt_output_done(output);
                return mt_fail(err, ENOMEM, "-o %s: out of memory", name);
        }
        return 0;
}

int mt_output_finish(struct mt_output *output, struct mt_err *err)
{
        const bool is_file = output->temporary[0] != '\0';
        bool whole = fflush(output->stream) == 0 && ferror(output->stream) == 0;
        int r = whole ? 0 : -(errno != 0 ? errno : EIO);

        if (whole && is_file && fsync(fileno(output->stream)) < 0 && errno != EINVAL)
                r = -errno;
        if (fclose(output->stream) != 0 && r == 0)
                r = -errno;
        output->stream = NULL;
        if (r == 0 && is_file && rename(output->temporary, output->file) < 0)
                r = -errno;
        if (r < 0)
                r = mt_fail(err, -r, "-o %s: %s", is_file ? output->file : "-", strerror(-r));
        else
                output->temporary[0] = '\0';
        mt_output_done(output);
        return r;
}

void mt_output_done(struct mt_output *output)
{
        if (output->stream != NULL)
                (void)fclose(output->stream);
        if (output->temporary[0] != '\0')
                (void)unlink(output->temporary);
        *output = (struct mt_output){ .stream = NULL };
}
