/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/run.h"
#include "thread.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define END_MS 1500

static void ignore_error(void *opaque, virErrorPtr error)
{
        (void)opaque;
        (void)error;
}

/* Replaces *text by a copy that the run owns. False: out of memory. */
static bool own(struct mt_run *run, const char **text)
{
        char *copy = strdup(*text);

        if (copy == NULL)
                return false;
        run->texts[run->n_texts++] = copy;
        *text = copy;
        return true;
}

static bool own_all(struct mt_run *run)
{
        const unsigned n = run->options.n_domains;
        bool good;

        run->domains = calloc((size_t)n + 1, sizeof(*run->domains));
        run->texts = calloc((size_t)n + 4, sizeof(*run->texts));
        good = run->domains != NULL && run->texts != NULL && own(run, &run->host.run_dir) &&
               own(run, &run->host.config_file) && own(run, &run->options.command) && own(run, &run->options.connect);
        for (unsigned i = 0; i < n && good; i++) {
                run->domains[i] = run->options.domains[i];
                good = own(run, &run->domains[i]);
        }
        run->options.domains = run->domains;
        return good;
}

int mt_run_new(const struct mt_host_ops *host, const struct mt_migrate_options *options, bool is_evacuation,
               struct mt_run **ret, struct mt_err *err)
{
        struct mt_run *run = calloc(1, sizeof(*run));

        if (run == NULL)
                return mt_fail(err, ENOMEM, "out of memory for the migrations");
        run->host = *host;
        run->options = *options;
        run->is_evacuation = is_evacuation;
        run->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        run->refs = 1;
        (void)pthread_mutex_init(&run->lock, NULL);
        mt_thread_cond_init(&run->wake);
        if (run->wake_fd < 0 || !own_all(run)) {
                int r = run->wake_fd < 0 ? mt_fail(err, errno, "eventfd: %s", strerror(errno))
                                         : mt_fail(err, ENOMEM, "out of memory for the migrations");

                mt_run_unref(run);
                return r;
        }
        virSetErrorFunc(NULL, ignore_error); /* one line says what failed: ours */
        *ret = run;
        return 0;
}

void mt_run_lock(struct mt_run *run)
{
        (void)pthread_mutex_lock(&run->lock);
}

void mt_run_unlock(struct mt_run *run)
{
        (void)pthread_mutex_unlock(&run->lock);
}

void mt_run_changed(struct mt_run *run)
{
        const uint64_t one = 1;

        (void)pthread_cond_broadcast(&run->wake);
        if (write(run->wake_fd, &one, sizeof(one)) < 0) {
                /* the counter is full: it is awake anyway */
        }
}

bool mt_run_wait(struct mt_run *run, const bool *flag, uint64_t ms)
{
        return mt_thread_wait(&run->lock, &run->wake, flag, ms);
}

static void MT_PRINTF(2, 0) vnote(struct mt_run *run, const char *format, va_list args)
{
        if (run->n_notes < MT_RUN_NOTES)
                (void)vsnprintf(run->note[run->n_notes++], sizeof(run->note[0]), format, args);
        mt_run_changed(run);
}

void mt_run_note_locked(struct mt_run *run, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        vnote(run, format, args);
        va_end(args);
}

void mt_run_note(struct mt_run *run, const char *format, ...)
{
        va_list args;

        mt_run_lock(run);
        va_start(args, format);
        vnote(run, format, args);
        va_end(args);
        mt_run_unlock(run);
}

int mt_run_thread(struct mt_run *run, void *(*main)(void *arg), void *arg, struct mt_err *err)
{
        int r;

        mt_run_lock(run);
        run->refs++;
        mt_run_unlock(run);
        r = mt_thread_detached(main, arg);
        if (r == 0)
                return 0;
        mt_run_unref(run);
        return mt_fail(err, r, "cannot start a thread: %s", strerror(r));
}

static void run_free(struct mt_run *run)
{
        for (unsigned i = 0; i < run->n_targets; i++)
                if (run->target[i].connection != NULL)
                        (void)virConnectClose(run->target[i].connection);
        if (run->connection != NULL)
                (void)virConnectClose(run->connection);
        for (size_t i = 0; i < run->n_left; i++)
                free(run->left[i]);
        free(run->left);
        for (size_t i = 0; i < run->n_texts; i++)
                free(run->texts[i]);
        free(run->texts);
        free(run->domains);
        free(run->moves);
        free(run->order);
        (void)json_object_put(run->planned);
        if (run->wake_fd >= 0)
                (void)close(run->wake_fd);
        (void)pthread_cond_destroy(&run->wake);
        (void)pthread_mutex_destroy(&run->lock);
        free(run);
}

void mt_run_unref(struct mt_run *run)
{
        bool last;

        mt_run_lock(run);
        last = --run->refs == 0;
        mt_run_changed(run);
        mt_run_unlock(run);
        if (last)
                run_free(run);
}

bool mt_run_end(struct mt_run *run)
{
        static const bool never = false;
        bool alone = false;

        for (int i = 0; i < END_MS / 10 && !alone; i++) {
                mt_run_lock(run);
                run->quit = true;
                mt_run_changed(run);
                alone = run->refs == 1;
                mt_run_unlock(run);
                if (!alone)
                        (void)mt_run_wait(run, &never, 10);
        }
        virSetErrorFunc(NULL, NULL);
        mt_run_unref(run);
        return alone;
}
