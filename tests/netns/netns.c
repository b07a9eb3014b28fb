/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static int home_ns = -1;

static int skip_all(const char *reason)
{
        const char *format = getenv("CMOCKA_MESSAGE_OUTPUT");

        if (format != NULL && strcmp(format, "TAP") == 0) {
                printf("1..0 # SKIP %s\n", reason);
                return 0;
        }
        fprintf(stderr, "skipped: %s\n", reason);
        return 77;
}

static bool write_file(const char *path, const char *text)
{
        const int fd = open(path, O_WRONLY | O_CLOEXEC);
        const bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

        if (fd >= 0)
                (void)close(fd);
        return written;
}

static bool become_root(void)
{
        char uid_map[64], gid_map[64];

        if (geteuid() == 0)
                return true;
        (void)snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)geteuid());
        (void)snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getegid());
        return unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/uid_map", uid_map) &&
               write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/gid_map", gid_map);
}

int netns_enter(void)
{
        if (!become_root())
                return skip_all("neither root nor allowed to make a user namespace");
        if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
                return skip_all("not allowed to make a network namespace");
        if (mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0)
                (void)mount("sysfs", "/sys", "sysfs", MS_RDONLY, NULL); /* else /sys/class/net shows the old namespace */
        home_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (home_ns < 0 || !netns_can("ip link set lo up && tc -V"))
                return skip_all("needs ip and tc");
        return 0;
}

static FILE *start(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static FILE *start(const char *format, va_list args)
{
        char command[16384];

        assert_in_range(vsnprintf(command, sizeof(command), format, args), 1, sizeof(command) - 1);
        return popen(command, "re");
}

static char *read_all(FILE *pipe)
{
        size_t size = 0, room = 1 << 20;
        char *text = malloc(room + 1);

        assert_non_null(text);
        assert_non_null(pipe);
        while (size < room) {
                const size_t n = fread(text + size, 1, room - size, pipe);

                if (n == 0)
                        break;
                size += n;
        }
        text[size] = '\0';
        return text;
}

void netns_run(const char *format, ...)
{
        char command[2048];
        va_list args;
        int status;

        va_start(args, format);
        assert_in_range(vsnprintf(command, sizeof(command), format, args), 1, sizeof(command) - 1);
        va_end(args);
        status = system(command);
        if (status != 0)
                fail_msg("'%s' failed with status %d", command, status);
}

char *netns_output(const char *format, ...)
{
        va_list args;
        FILE *pipe;
        char *text;

        va_start(args, format);
        pipe = start(format, args);
        va_end(args);
        text = read_all(pipe);
        (void)pclose(pipe);
        return text;
}

bool netns_can(const char *format, ...)
{
        char command[2048], quiet[2100];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(command, sizeof(command), format, args);
        va_end(args);
        (void)snprintf(quiet, sizeof(quiet), "{ %s; } >/dev/null 2>&1", command);
        return system(quiet) == 0;
}

bool netns_shows(const char *text, const char *format, ...)
{
        va_list args;
        FILE *pipe;
        char *output;
        bool shown;

        va_start(args, format);
        pipe = start(format, args);
        va_end(args);
        output = read_all(pipe);
        (void)pclose(pipe);
        shown = strstr(output, text) != NULL;
        free(output);
        return shown;
}

int netns_home(void)
{
        return home_ns;
}

int netns_peer(void)
{
        int ns;

        assert_int_equal(unshare(CLONE_NEWNET), 0);
        netns_run("ip link set lo up");
        ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        assert_true(ns >= 0);
        netns_switch(home_ns);
        return ns;
}

void netns_switch(int ns)
{
        assert_int_equal(setns(ns, CLONE_NEWNET), 0);
}

/* tc lists in the order of its hash tables, which differs after a class went and came. */
static int compare_lines(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A counter among what tc says of HTB without being asked for statistics. */
static void blank_counter(char *line)
{
        char *at = strstr(line, "direct_packets_stat ");

        for (at = at != NULL ? at + strlen("direct_packets_stat ") : NULL; at != NULL && *at >= '0' && *at <= '9'; at++)
                *at = '*';
}

static char *sort_lines(char *text)
{
        static char *line[100000];
        size_t n = 0, size = strlen(text) + 1;
        char *sorted = malloc(size + 1), *end = sorted, *rest;

        assert_non_null(sorted);
        for (char *l = strtok_r(text, "\n", &rest); l != NULL && n < sizeof(line) / sizeof(line[0]);
             l = strtok_r(NULL, "\n", &rest)) {
                blank_counter(l);
                line[n++] = l;
        }
        qsort(line, n, sizeof(line[0]), compare_lines);
        for (size_t i = 0; i < n; i++)
                end += sprintf(end, "%s\n", line[i]);
        *end = '\0';
        free(text);
        return sorted;
}

char *netns_snapshot(void)
{
        struct if_nameindex *devices = if_nameindex();
        char batch[8192];
        size_t n = (size_t)snprintf(batch, sizeof(batch), "qdisc show\n");

        assert_non_null(devices);
        for (const struct if_nameindex *d = devices; d->if_name != NULL && n < sizeof(batch) - 200; d++)
                n += (size_t)snprintf(batch + n, sizeof(batch) - n,
                                      "class show dev %s\nfilter show dev %s\nfilter show dev %s ingress\n", d->if_name,
                                      d->if_name, d->if_name);
        if_freenameindex(devices);
        return sort_lines(netns_output("tc -force -batch - 2>&1 <<'END'\n%sEND\n", batch));
}

void netns_clear(void)
{
        struct if_nameindex *devices = if_nameindex();
        char batch[8192] = "";
        size_t n = 0;

        assert_non_null(devices);
        for (const struct if_nameindex *d = devices; d->if_name != NULL && n < sizeof(batch) - 200; d++)
                if (strcmp(d->if_name, "lo") != 0)
                        n += (size_t)snprintf(batch + n, sizeof(batch) - n, "link del %s\n", d->if_name);
        if_freenameindex(devices);
        if (n > 0) /* a veth takes its peer along, whose turn then fails */
                free(netns_output("ip -force -batch - 2>&1 <<'END'\n%sEND\n", batch));
}
