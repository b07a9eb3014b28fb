/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "journal.h"
#include "mt_build.h"

#if MT_HAVE_LIBSYSTEMD

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define DIRECTORY "/run/systemd/journal/"
#define SOCKET DIRECTORY "socket"
#define MOST_FIELDS 40

/* Finds outcome records in the journal: journalctl MESSAGE_ID=... */
#define RECORD_MESSAGE_ID "92417ccde49f4bc7bb9de9c5998f6667"

bool mt_journal_has_syslog(void)
{
        char path[PATH_MAX];

        /* syslog()'s socket is a link to the journal's where that collects for both */
        return realpath("/dev/log", path) != NULL && strncmp(path, DIRECTORY, strlen(DIRECTORY)) == 0;
}

bool mt_journal_has_stderr(void)
{
        const char *stream = getenv("JOURNAL_STREAM"); /* "DEVICE:INODE" of what the service manager made stderr */
        unsigned long long device, inode;
        struct stat st;

        return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
               st.st_dev == device && st.st_ino == inode;
}

static void add(struct iovec *iov, int *n, const char *field)
{
        union { /* an iovec takes no const; it is only read */
                const char *from;
                char *to;
        } text = { .from = field };

        if (*n < MOST_FIELDS)
                iov[(*n)++] = (struct iovec){ text.to, strlen(field) };
}

bool mt_journal_send(const char *message, const char *const *fields)
{
        struct iovec iov[MOST_FIELDS];
        char *first = NULL;
        int n = 0, r;

        if (access(SOCKET, W_OK) < 0) /* libsystemd would say nothing, and lose it */
                return false;
        if (asprintf(&first, "MESSAGE=%s", message) < 0)
                return false;
        add(iov, &n, first);
        add(iov, &n, "MESSAGE_ID=" RECORD_MESSAGE_ID);
        add(iov, &n, "PRIORITY=6");
        add(iov, &n, "SYSLOG_FACILITY=3");
        add(iov, &n, "SYSLOG_IDENTIFIER=migtune");
        for (; fields != NULL && *fields != NULL; fields++)
                add(iov, &n, *fields);
        r = sd_journal_sendv(iov, n);
        free(first);
        return r >= 0;
}

#else

bool mt_journal_has_syslog(void)
{
        return false;
}

bool mt_journal_has_stderr(void)
{
        return false;
}

bool mt_journal_send(const char *message, const char *const *fields)
{
        (void)message;
        (void)fields;
        return false;
}

#endif
