/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt's qemu hook adds to a migration: bench_hook HOOK PLUGIN [RUNS]
 *
 * Starts /bin/true and the hook in turn, the hook as "migrate begin" with an XML on its standard input and a watcher that
 * answers at once, and prints JSON lines. "added" is the hook's time minus /bin/true's, pair by pair: starting a process at
 * all is libvirt's price for any hook.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 10000

static void *serve(void *arg)
{
        const int *listener = arg;
        char buffer[65536];

        for (;;) {
                int fd = accept(*listener, NULL, NULL);
                ssize_t n;

                if (fd < 0)
                        return NULL;
                while ((n = read(fd, buffer, sizeof(buffer))) > 0 && buffer[n - 1] != '\n')
                        ;
                (void)!write(fd, "{\"ok\":true}\n", 12);
                (void)close(fd);
        }
}

/* A file with a domain's XML of usual size (about 8 KiB), open for reading. */
static int make_xml(const char *directory)
{
        char path[256];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/domain.xml", directory);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        for (int i = 0; i < 100 && fd >= 0; i++)
                (void)!dprintf(
                        fd, "<disk type='file' device='disk'><source file='/var/lib/disk-%03d'/><target dev='vd'/></disk>\n",
                        i);
        return fd;
}

/* Runs a program with the descriptor as its standard input. Microseconds, or negative on failure. */
static double run(char *const argv[], int input)
{
        posix_spawn_file_actions_t actions;
        double start, end;
        int status = -1;
        pid_t pid;
        int r;

        (void)lseek(input, 0, SEEK_SET);
        (void)posix_spawn_file_actions_init(&actions);
        (void)posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        start = bench_now_us();
        r = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
        if (r == 0)
                (void)waitpid(pid, &status, 0);
        end = bench_now_us();
        (void)posix_spawn_file_actions_destroy(&actions);
        if (r != 0 || status != 0)
                return -1;
        return end - start;
}

static int listen_in(const char *directory, struct sockaddr_un *address)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        address->sun_family = AF_UNIX;
        (void)snprintf(address->sun_path, sizeof(address->sun_path), "%s/migtune.sock", directory);
        if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, 16) < 0)
                return -1;
        return fd;
}

static int measure(char *hook, int input, int runs)
{
        static double baseline[MAX_RUNS], hooked[MAX_RUNS], added[MAX_RUNS];
        char program[] = "/bin/true", domain[] = "vm", operation[] = "migrate", suboperation[] = "begin", extra[] = "-";
        char *nothing[] = { program, domain, operation, suboperation, extra, NULL };
        char *hook_argv[] = { hook, domain, operation, suboperation, extra, NULL };

        for (int i = -5; i < runs; i++) { /* the first five only warm the caches */
                double b = run(nothing, input), h = run(hook_argv, input);

                if (b < 0 || h < 0) {
                        (void)fprintf(stderr, "bench_hook: %s did not run\n", b < 0 ? program : hook);
                        return EXIT_FAILURE;
                }
                if (i >= 0) {
                        baseline[i] = b;
                        hooked[i] = h;
                        added[i] = h - b;
                }
        }
        bench_report("hook: /bin/true in its place", baseline, (size_t)runs);
        bench_report("hook: whole", hooked, (size_t)runs);
        bench_report("hook: added", added, (size_t)runs);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        char directory[] = "/tmp/bench_hook.XXXXXX";
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int runs = argc > 3 ? atoi(argv[3]) : 300;
        int listener = -1, input = -1, status = EXIT_FAILURE;
        pthread_t thread;

        if (argc < 3 || runs < 10 || runs > MAX_RUNS) {
                (void)fprintf(stderr, "usage: bench_hook HOOK PLUGIN [RUNS (10 to %d)]\n", MAX_RUNS);
                return 2;
        }
        if (mkdtemp(directory) != NULL) {
                listener = listen_in(directory, &address);
                input = make_xml(directory);
        }
        (void)setenv("MIGTUNE_PLUGIN", argv[2], 1);
        (void)setenv("MIGTUNE_RUN_DIR", directory, 1);
        if (listener < 0 || input < 0 || pthread_create(&thread, NULL, serve, &listener) != 0) {
                (void)fprintf(stderr, "bench_hook: %s: %s\n", directory, strerror(errno));
        } else {
                status = measure(argv[1], input, runs);
                (void)shutdown(listener, SHUT_RDWR);
                (void)pthread_join(thread, NULL);
        }
        (void)unlink(address.sun_path);
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/domain.xml", directory);
        (void)unlink(address.sun_path);
        (void)rmdir(directory);
        return status;
}
