/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the preload shim costs where it has nothing to do: bench_shim SHIM PLUGIN [RUNS]
 *
 * Runs itself with and without the shim in turn, at libvirt's test driver: calls that the shim stands in front of while no
 * migration runs, and a migration call itself, for which it asks the plugin (there is no watcher, and the test driver
 * cannot migrate). And /bin/true, as a child that inherits the preload. "added" is the difference, pair by pair.
 */
#include "bench.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_RUNS 1000
#define BATCHES 200
#define IN_A_BATCH 100
#define STARTS 10 /* of /bin/true, of which the fastest counts: the others were disturbed */

static void set_max_downtime(virDomainPtr domain)
{
        (void)virDomainMigrateSetMaxDowntime(domain, 50, 0);
}

static void abort_job(virDomainPtr domain)
{
        (void)virDomainAbortJob(domain);
}

static void suspend(virDomainPtr domain)
{
        (void)virDomainSuspend(domain);
        (void)virDomainResume(domain);
}

static void migrate(virDomainPtr domain)
{
        (void)virDomainMigrateToURI3(domain, "qemu://b.invalid/system", NULL, 0, VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER);
}

static const struct measured {
        const char *name;
        void (*call)(virDomainPtr domain);
        unsigned batches, in_a_batch;
} measured[] = {
        { "shim: SetMaxDowntime", set_max_downtime, BATCHES, IN_A_BATCH },
        { "shim: AbortJob", abort_job, BATCHES, IN_A_BATCH },
        { "shim: Suspend, Resume", suspend, BATCHES, IN_A_BATCH },
        { "shim: a migration call", migrate, BATCHES, 1 },
};

static void ignore(void *data, virErrorPtr error)
{
        (void)data;
        (void)error;
}

/* In the child: prints the median time of each call, in us. */
static int measure_calls(void)
{
        static double us[BATCHES];
        virConnectPtr connection;
        virDomainPtr domain;

        virSetErrorFunc(NULL, ignore);
        connection = virConnectOpen("test:///default");
        domain = connection != NULL ? virDomainLookupByName(connection, "test") : NULL;
        if (domain == NULL)
                return EXIT_FAILURE;
        for (size_t i = 0; i < BENCH_SIZE(measured); i++) {
                const struct measured *m = &measured[i];

                m->call(domain); /* what is looked up is looked up once */
                for (unsigned b = 0; b < m->batches; b++) {
                        double start = bench_now_us();

                        for (unsigned k = 0; k < m->in_a_batch; k++)
                                m->call(domain);
                        us[b] = (bench_now_us() - start) / m->in_a_batch;
                }
                qsort(us, m->batches, sizeof(*us), bench_compare);
                printf("%.4f\n", us[m->batches / 2]);
        }
        (void)virDomainFree(domain);
        (void)virConnectClose(connection);
        return EXIT_SUCCESS;
}

/* Starts a program with or without the preload, waits for its end, and gives what it wrote, at most size - 1 bytes. */
static bool run(const char *const *argv, const char *preload, char *output, size_t size)
{
        posix_spawn_file_actions_t actions;
        size_t used = 0;
        int ends[2], status = -1;
        ssize_t n;
        pid_t pid;
        int r;

        if (pipe(ends) < 0)
                return false;
        if (preload != NULL)
                (void)setenv("LD_PRELOAD", preload, 1);
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
        (void)posix_spawn_file_actions_addclose(&actions, ends[1]);
        r = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
        (void)unsetenv("LD_PRELOAD");
        (void)close(ends[1]);
        while (r == 0 && used + 1 < size && (n = read(ends[0], output + used, size - 1 - used)) > 0)
                used += (size_t)n;
        output[used] = '\0';
        (void)close(ends[0]);
        return r == 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* bench_report() in thousandths of a microsecond, sorted. */
static void report(const char *name, const char *what, double *us, size_t n)
{
        qsort(us, n, sizeof(*us), bench_compare);
        printf("{\"bench\": \"%s: %s\", \"unit\": \"us\", \"n\": %zu, \"median\": %.3f, \"p5\": %.3f, \"p95\": %.3f}\n",
               name, what, n, us[n / 2], us[n / 20], us[n - 1 - n / 20]);
        (void)fflush(stdout);
}

static double without[BENCH_SIZE(measured) + 1][MAX_RUNS], with[BENCH_SIZE(measured) + 1][MAX_RUNS];

/* One run without or with the preload, as number i of its row. */
static bool measure_once(char *self, const char *preload, double into[][MAX_RUNS], int i)
{
        const char *calls[] = { self, "--calls", NULL }, *nothing[] = { "/bin/true", NULL };
        char output[1024], *rest = output;
        double start, least = 1e9;

        if (!run(calls, preload, output, sizeof(output)))
                return false;
        for (size_t k = 0; k < BENCH_SIZE(measured); k++)
                into[k][i] = strtod(rest, &rest);
        for (int k = 0; k < STARTS; k++) {
                start = bench_now_us();
                if (!run(nothing, preload, output, sizeof(output)))
                        return false;
                least = bench_now_us() - start < least ? bench_now_us() - start : least;
        }
        into[BENCH_SIZE(measured)][i] = least;
        return true;
}

int main(int argc, char **argv)
{
        static double added[MAX_RUNS];
        int runs = argc > 3 ? atoi(argv[3]) : 50;

        if (argc == 2 && strcmp(argv[1], "--calls") == 0)
                return measure_calls();
        if (argc < 3 || runs < 10 || runs > MAX_RUNS) {
                (void)fprintf(stderr, "usage: bench_shim SHIM PLUGIN [RUNS (10 to %d)]\n", MAX_RUNS);
                return 2;
        }
        (void)setenv("MIGTUNE_PLUGIN", argv[2], 1);
        (void)setenv("MIGTUNE_RUN_DIR", "/nonexistent", 1);
        (void)setenv("MIGTUNE_SHIM_LOG", "none", 1);
        for (int i = 0; i < runs; i++)
                if (!measure_once(argv[0], NULL, without, i) || !measure_once(argv[0], argv[1], with, i)) {
                        (void)fprintf(stderr, "bench_shim: a measurement failed\n");
                        return EXIT_FAILURE;
                }
        for (size_t k = 0; k <= BENCH_SIZE(measured); k++) {
                const char *name = k < BENCH_SIZE(measured) ? measured[k].name : "shim: start of /bin/true";

                for (int i = 0; i < runs; i++)
                        added[i] = with[k][i] - without[k][i];
                report(name, "without", without[k], (size_t)runs);
                report(name, "added", added, (size_t)runs);
        }
        return EXIT_SUCCESS;
}
