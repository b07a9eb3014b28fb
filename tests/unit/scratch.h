/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory for one test's files. */
#ifndef MT_TEST_SCRATCH_H
#define MT_TEST_SCRATCH_H

#include "table.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
        char dir[64];
        char *path[16]; /* the last ones named */
        unsigned next;
};

static inline int scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
        (void)st;
        (void)flag;
        (void)ftw;
        return remove(path);
}

static inline void scratch_done(struct scratch *scratch)
{
        if (scratch->dir[0] != '\0')
                (void)nftw(scratch->dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
        for (unsigned i = 0; i < 16; i++)
                free(scratch->path[i]);
}

static inline struct scratch scratch_new(void)
{
        struct scratch fresh = { .dir = "/tmp/migtune-test.XXXXXX" };

        assert_non_null(mkdtemp(fresh.dir));
        return fresh;
}

/* The path of a name in the directory; valid for the next fifteen calls. */
static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
        char **path = &scratch->path[scratch->next++ % 16];

        free(*path);
        assert_true(asprintf(path, "%s/%s", scratch->dir, name) > 0);
        return *path;
}

static inline const char *scratch_write(struct scratch *scratch, const char *name, const char *text, size_t size)
{
        const char *path = scratch_path(scratch, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_true(write(fd, text, size) == (ssize_t)size);
        (void)close(fd);
        return path;
}

/* All of a file, NUL-terminated, to be freed. */
static inline char *scratch_read(const char *path, size_t *ret_size)
{
        FILE *stream = fopen(path, "re");
        char *text = NULL;
        size_t size = 0;
        ssize_t n;

        assert_non_null(stream);
        n = getdelim(&text, &size, '\0', stream);
        (void)fclose(stream);
        if (ret_size != NULL)
                *ret_size = n > 0 ? (size_t)n : 0;
        return text;
}

#endif
