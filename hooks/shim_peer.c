/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the watcher sets limits through libvirt like any client, so in a daemon its own calls come by here.
 * Asked about them, it would defend its plan against itself. libvirt knows the process behind a local client's socket, and
 * tells its own daemons.
 *
 * A client without a process number came over the network, which the watcher does not; number 0 is a process outside of the
 * daemon's process namespace, which the watcher may be.
 */
#include "shim_peer.h"
#include "shim_real.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "migtune\n" /* as the kernel shows its name */

static bool is_program(pid_t pid)
{
        char path[64], name[64] = "";
        ssize_t n;
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return true;
        n = read(fd, name, sizeof(name) - 1);
        (void)close(fd);
        return n <= 0 || strcmp(name, PROGRAM) == 0;
}

bool mt_shim_peer_may_be_migtune(void)
{
        const struct mt_shim_real *real = mt_shim_real();
        void (*unref)(void *object) = NULL;
        void *identity, *symbol = dlsym(RTLD_DEFAULT, "g_object_unref"); /* an identity is a GObject */
        pid_t pid = 0;
        int r;

        if (symbol == NULL || real->virIdentityGetCurrent == NULL || real->virIdentityGetProcessID == NULL ||
            !mt_shim_version_is_tested(mt_shim_version()))
                return true;
        identity = real->virIdentityGetCurrent();
        if (identity == NULL)
                return true;
        r = real->virIdentityGetProcessID(identity, &pid);
        (void)memcpy(&unref, &symbol, sizeof(unref));
        unref(identity);
        return r < 0 || (r > 0 && (pid <= 0 || is_program(pid)));
}
