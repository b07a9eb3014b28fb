/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * /proc/PID/fd has a link "socket:[INODE]" for each socket, but the directory is its owner's alone: root needs
 * CAP_DAC_READ_SEARCH to open it, beside CAP_SYS_PTRACE to read the links. /proc/PID/fdinfo is open to everybody who may
 * read the process's state (CAP_SYS_PTRACE, no more), and since Linux 5.14 its files tell inode numbers, too. They do not
 * tell the kind of file, but the mount that it is on, and all sockets are on one that nothing else is on: what a socket of
 * our own says is what the others must say. The links are tried first, because they are there on all kernels.
 */
#include "measure/socket_inodes.h"
#include "array_room.h"
#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void closedirp(DIR **dir)
{
        if (*dir != NULL)
                (void)closedir(*dir);
}

static int add(struct mt_socket_inodes *inodes, uint32_t inode)
{
        uint32_t *array = mt_array_room(inodes->inode, inodes->n, &inodes->room, sizeof(*array));

        if (array == NULL)
                return -ENOMEM;
        inodes->inode = array;
        inodes->inode[inodes->n++] = inode;
        return 0;
}

static int compare(const void *a, const void *b)
{
        const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

static DIR *open_directory(pid_t pid, const char *name)
{
        char path[64];

        (void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
        return opendir(path);
}

/* From the links in /proc/PID/fd. */
static int read_links(DIR *dir, struct mt_socket_inodes *ret)
{
        const struct dirent *entry;

        while ((entry = readdir(dir)) != NULL) {
                char target[64];
                ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
                unsigned inode;

                if (n < 0)
                        continue; /* "." and "..", or closed meanwhile */
                target[n] = '\0';
                if (sscanf(target, "socket:[%u]", &inode) == 1 && add(ret, inode) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* A number after "\nNAME:" in a file of fdinfo; false: it is not there, or the file cannot be read. */
static bool read_info(int dir_fd, const char *file, unsigned *ret_mount, unsigned *ret_inode)
{
        MT_CLEANUP(mt_closep) int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC);
        char text[512];
        const char *mount, *inode;
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (n <= 0)
                return false;
        text[n] = '\0';
        mount = strstr(text, "\nmnt_id:");
        inode = strstr(text, "\nino:");
        return mount != NULL && inode != NULL && sscanf(mount, "\nmnt_id: %u", ret_mount) == 1 &&
               sscanf(inode, "\nino: %u", ret_inode) == 1;
}

/* The mount on which all sockets are; false: this kernel does not tell. */
static bool socket_mount(unsigned *ret)
{
        MT_CLEANUP(mt_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        MT_CLEANUP(closedirp) DIR *own = open_directory(getpid(), "fdinfo");
        char name[16];
        unsigned inode;

        if (fd < 0 || own == NULL)
                return false;
        (void)snprintf(name, sizeof(name), "%d", fd);
        return read_info(dirfd(own), name, ret, &inode);
}

/* From /proc/PID/fdinfo. */
static int read_infos(DIR *dir, struct mt_socket_inodes *ret)
{
        const struct dirent *entry;
        unsigned sockets, mount, inode;

        if (!socket_mount(&sockets))
                return -EACCES;
        while ((entry = readdir(dir)) != NULL)
                if (entry->d_name[0] != '.' && read_info(dirfd(dir), entry->d_name, &mount, &inode) && mount == sockets &&
                    add(ret, inode) < 0)
                        return -ENOMEM;
        return 0;
}

int mt_socket_inodes_read(pid_t pid, struct mt_socket_inodes *ret)
{
        MT_CLEANUP(closedirp) DIR *links = open_directory(pid, "fd");
        MT_CLEANUP(closedirp) DIR *infos = NULL;
        int r;

        if (links != NULL) {
                r = read_links(links, ret);
        } else {
                infos = errno == EACCES ? open_directory(pid, "fdinfo") : NULL;
                if (infos == NULL)
                        return errno == ENOENT ? -ESRCH : -errno;
                r = read_infos(infos, ret);
        }
        if (r == 0 && ret->n > 0)
                qsort(ret->inode, ret->n, sizeof(*ret->inode), compare);
        return r;
}

bool mt_socket_inodes_have(const struct mt_socket_inodes *inodes, uint32_t inode)
{
        return inodes->n > 0 && bsearch(&inode, inodes->inode, inodes->n, sizeof(inode), compare) != NULL;
}

void mt_socket_inodes_done(struct mt_socket_inodes *inodes)
{
        free(inodes->inode);
}
