/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/migrate/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

int mt_interrupt_open(struct mt_err *err)
{
        sigset_t signals;
        int fd;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGINT);
        (void)sigaddset(&signals, SIGTERM);
        fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd >= 0 ? fd : mt_fail(err, errno, "signalfd: %s", strerror(errno));
}

unsigned mt_interrupt_take(int fd)
{
        struct signalfd_siginfo info;
        unsigned n = 0;

        while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                n++;
        return n;
}
