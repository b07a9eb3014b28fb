/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process of a domain's QEMU: libvirt's pid file if it is right, else the one in /proc whose command line has
 * "-uuid UUID". During a migration within one machine (several hosts in namespaces) two processes have the same uuid; the
 * one in our own network namespace is meant.
 */
#include "measure/sockets.h"

#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PID_FILE_DIR "/run/libvirt/qemu"
#define MAX_COMMAND_LINE (64 * 1024) /* QEMU's, with many devices, reaches 20 KiB; -uuid comes early */

static void closedirp(DIR **dir)
{
        if (*dir != NULL)
                (void)closedir(*dir);
}

/* All of a small file, with a NUL behind; its length, or -errno. */
static ssize_t read_file(const char *path, char *buffer, size_t size)
{
        MT_CLEANUP(mt_fclosep) FILE *file = fopen(path, "re");
        size_t n;

        if (file == NULL)
                return -errno;
        n = fread(buffer, 1, size - 1, file);
        buffer[n] = '\0';
        return (ssize_t)n;
}

/* True if the process's arguments contain "-uuid" followed by uuid. */
static bool runs_domain(pid_t pid, const char *uuid, char *buffer)
{
        char path[64];
        bool expected = false;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
        n = read_file(path, buffer, MAX_COMMAND_LINE);
        for (ssize_t at = 0; at < n; at += (ssize_t)strlen(buffer + at) + 1) {
                if (expected && strcmp(buffer + at, uuid) == 0)
                        return true;
                expected = strcmp(buffer + at, "-uuid") == 0;
        }
        return false;
}

static bool in_our_network(pid_t pid)
{
        char path[64], own[64] = "", other[64] = "";

        (void)snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)pid);
        if (readlink("/proc/self/ns/net", own, sizeof(own) - 1) < 0 || readlink(path, other, sizeof(other) - 1) < 0)
                return true; /* may not be known: then it does not count against it */
        return strcmp(own, other) == 0;
}

static pid_t from_pid_file(const char *name, const char *uuid, char *buffer)
{
        char path[512], text[32], *end;
        long pid;

        if (strchr(name, '/') != NULL || snprintf(path, sizeof(path), PID_FILE_DIR "/%s.pid", name) >= (int)sizeof(path) ||
            read_file(path, text, sizeof(text)) <= 0)
                return 0;
        pid = strtol(text, &end, 10);
        if (end == text || pid <= 0 || pid > INT32_MAX || !runs_domain((pid_t)pid, uuid, buffer))
                return 0; /* stale, and the number may be another process's by now */
        return (pid_t)pid;
}

static pid_t from_proc(const char *uuid, char *buffer)
{
        MT_CLEANUP(closedirp) DIR *dir = opendir("/proc");
        const struct dirent *entry;

        while (dir != NULL && (entry = readdir(dir)) != NULL) {
                char *end;
                long pid = strtol(entry->d_name, &end, 10);

                if (*end == '\0' && pid > 0 && runs_domain((pid_t)pid, uuid, buffer) && in_our_network((pid_t)pid))
                        return (pid_t)pid;
        }
        return 0;
}

int mt_qemu_pid(const char *name, const char *uuid, pid_t *ret_pid, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *buffer = malloc(MAX_COMMAND_LINE);
        pid_t pid;

        if (buffer == NULL)
                return mt_fail(err, ENOMEM, "find QEMU of domain '%s': %m", name);
        pid = from_pid_file(name, uuid, buffer);
        if (pid == 0)
                pid = from_proc(uuid, buffer);
        if (pid == 0)
                return mt_fail(err, ESRCH, "no QEMU process runs domain '%s' (%s)", name, uuid);
        *ret_pid = pid;
        return 0;
}
