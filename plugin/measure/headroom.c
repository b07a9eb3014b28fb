/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/headroom.h"
#include "cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t available_bytes(const char *meminfo)
{
        const char *line = strstr(meminfo, "MemAvailable:");
        uint64_t kib = 0;

        if (line == NULL || sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) != 1 || kib > UINT64_MAX / MT_KIB)
                return 0;
        return kib * MT_KIB;
}

struct mt_headroom_fact mt_headroom_make(double load, unsigned cpus, const char *meminfo)
{
        struct mt_headroom_fact headroom = { .cpus = cpus };

        if (load >= 0.0 && cpus > 0) {
                headroom.cpu_known = true;
                headroom.cpu_idle_share = load < cpus ? 1.0 - load / cpus : 0.0;
        }
        if (meminfo != NULL)
                headroom.memory_free_bytes = available_bytes(meminfo);
        return headroom;
}

/* The first lines of /proc/meminfo, which MemAvailable is among. */
static bool read_meminfo(char *text, size_t size)
{
        MT_CLEANUP(mt_closep) int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return false;
        do
                n = read(fd, text, size - 1);
        while (n < 0 && errno == EINTR);
        text[n > 0 ? n : 0] = '\0';
        return n > 0;
}

struct mt_headroom_fact mt_headroom_read(void)
{
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);
        char meminfo[1024];
        double load = -1.0;

        if (getloadavg(&load, 1) != 1)
                load = -1.0;
        return mt_headroom_make(load, cpus > 0 ? (unsigned)cpus : 0,
                                read_meminfo(meminfo, sizeof(meminfo)) ? meminfo : NULL);
}
