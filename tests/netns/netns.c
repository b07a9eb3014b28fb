/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
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
        char map[64];

        if (geteuid() == 0)
                return true;
        (void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)geteuid());
        return unshare(CLONE_NEWUSER) == 0 && write_file("/proc/self/uid_map", map);
}

int netns_enter(void)
{
        if (!become_root())
                return skip_all("neither root nor allowed to make a user namespace");
        if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
                return skip_all("not allowed to make a network namespace");
        if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
                (void)mount("sysfs", "/sys", "sysfs", MS_RDONLY, NULL); /* else /sys/class/net shows the old namespace */
        home_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (home_ns < 0 || !netns_can("ip link set lo up && tc -V"))
                return skip_all("needs ip and tc");
        return 0;
}

static FILE *start(const char *format, va_list args)
{
        char command[2048];

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

char *netns_snapshot(void)
{
        /* tc lists in the order of its hash tables, which differs after a class went and came: sorted */
        return netns_output("{ tc qdisc show | sed 's,direct_packets_stat [0-9]*,,'; ip -o link | sed 's/ mtu.*//'; for d in $(ip -o link | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/');"
                            " do tc class show dev $d | sed \"s/^/$d /\"; tc filter show dev $d | sed \"s/^/$d /\";"
                            " tc filter show dev $d ingress | sed \"s/^/$d in /\"; done; } 2>&1 | sort");
}
