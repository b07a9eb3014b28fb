/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netlink.h"

#include "cleanup.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* The kernel fills dumps in pieces of at most 32 KiB; a single link with many VFs may be larger. */
#define RECEIVE_SIZE (64 * 1024)
#define TIMEOUT_S 2

struct mt_nl {
        int fd; /* -1: opened again for the next request */
        int protocol;
        uint32_t seq;
        char buffer[RECEIVE_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* What one answer means for the exchange. */
enum verdict { GO_ON, FINISHED };

struct exchange {
        uint32_t seq;
        mt_nl_fn fn;
        void *ctx;
        int fn_result;
        int code; /* positive errno of a refusal */
        bool interrupted;
        char words[256]; /* the kernel's own, or "" */
};

void mt_nl_close(struct mt_nl *nl)
{
        if (nl == NULL)
                return;
        mt_closep(&nl->fd);
        free(nl);
}

void mt_nl_closep(struct mt_nl **nl)
{
        mt_nl_close(*nl);
}

void mt_nl_msg_freep(struct nl_msg **msg)
{
        nlmsg_free(*msg);
}

/* A connected socket, or -errno. */
static int open_socket(int protocol, struct mt_err *err)
{
        const struct timeval timeout = { .tv_sec = TIMEOUT_S };
        const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        const int on = 1;
        MT_CLEANUP(mt_closep) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
        int opened;

        if (fd < 0)
                return mt_fail(err, errno, "netlink: socket: %m");
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
                return mt_fail(err, errno, "netlink: receive timeout: %m");
        /* Connected: only the kernel can send to us, and it binds the socket. */
        if (connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
                return mt_fail(err, errno, "netlink: connect: %m");
        /* Only better words depend on these: a kernel without them will do. */
        (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
        (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
        opened = fd;
        fd = -1;
        return opened;
}

int mt_nl_open(struct mt_nl **ret, int protocol, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_closep) struct mt_nl *nl = calloc(1, sizeof(*nl));

        if (nl == NULL)
                return mt_fail(err, ENOMEM, "netlink: %m");
        nl->protocol = protocol;
        nl->fd = open_socket(protocol, err);
        if (nl->fd < 0)
                return nl->fd;
        *ret = MT_STEAL(&nl);
        return 0;
}

struct nl_msg *mt_nl_msg(uint16_t type, uint16_t flags, const void *header, size_t size)
{
        struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

        if (msg != NULL && nlmsg_append(msg, (void *)(uintptr_t)header, size, NLMSG_ALIGNTO) < 0) {
                nlmsg_free(msg);
                return NULL;
        }
        return msg;
}

/* Keeps the errno (as sent: libnl would merge some) and the extended ack of an NLMSG_ERROR. */
static void read_refusal(struct exchange *ex, const struct nlmsghdr *h)
{
        const struct nlmsgerr *e = nlmsg_data(h);
        size_t skip = sizeof(*e);
        struct nlattr *words;

        ex->code = -e->error;
        if (!(h->nlmsg_flags & NLM_F_CAPPED))
                skip += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
        if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || h->nlmsg_len < NLMSG_HDRLEN + skip)
                return;
        words = nla_find((struct nlattr *)(uintptr_t)((const char *)e + skip), (int)(h->nlmsg_len - NLMSG_HDRLEN - skip),
                         NLMSGERR_ATTR_MSG);
        if (words != NULL)
                (void)nla_strlcpy(ex->words, words, sizeof(ex->words));
}

static enum verdict read_answer(struct exchange *ex, struct nlmsghdr *h)
{
        if (h->nlmsg_flags & NLM_F_DUMP_INTR)
                ex->interrupted = true;
        switch (h->nlmsg_type) {
        case NLMSG_NOOP:
                return GO_ON;
        case NLMSG_ERROR:
                if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct nlmsgerr))
                        ex->code = EBADMSG;
                else
                        read_refusal(ex, h);
                return FINISHED;
        case NLMSG_DONE: /* carries the dump's errno since Linux 4.x */
                if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(int)) {
                        int result;

                        (void)memcpy(&result, nlmsg_data(h), sizeof(result));
                        if (result < 0)
                                ex->code = -result;
                }
                return FINISHED;
        default:
                if (ex->fn != NULL && ex->fn_result == 0)
                        ex->fn_result = ex->fn(ex->ctx, h);
                return GO_ON;
        }
}

/* One datagram into nl->buffer: its length, or -errno. */
static ssize_t receive(struct mt_nl *nl)
{
        struct iovec iov = { .iov_base = nl->buffer, .iov_len = sizeof(nl->buffer) };
        struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;

        do
                n = recvmsg(nl->fd, &m, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
        if (n == 0)
                return -ECONNRESET;
        return (m.msg_flags & MSG_TRUNC) != 0 ? -EMSGSIZE : n;
}

static int converse(struct mt_nl *nl, struct exchange *ex, struct mt_err *err)
{
        for (;;) {
                ssize_t n = receive(nl);
                int left = (int)n;

                if (n < 0) {
                        errno = (int)-n;
                        return mt_fail(err, (int)-n, "netlink: no answer from the kernel: %m");
                }
                for (struct nlmsghdr *h = (struct nlmsghdr *)(void *)nl->buffer; nlmsg_ok(h, left);
                     h = nlmsg_next(h, &left)) {
                        if (h->nlmsg_seq != ex->seq) /* belongs to an earlier request that was given up */
                                continue;
                        if (read_answer(ex, h) == FINISHED)
                                return 0;
                }
        }
}

int mt_nl_exchange(struct mt_nl *nl, struct nl_msg *msg, mt_nl_fn fn, void *ctx, struct mt_err *err)
{
        struct nlmsghdr *h = nlmsg_hdr(msg);
        struct exchange ex = { .seq = ++nl->seq, .fn = fn, .ctx = ctx };
        ssize_t n;
        int r;

        if (nl->fd < 0)
                nl->fd = open_socket(nl->protocol, err);
        if (nl->fd < 0)
                return nl->fd;
        h->nlmsg_seq = ex.seq;
        h->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
        do
                n = send(nl->fd, h, h->nlmsg_len, 0);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return mt_fail(err, errno, "netlink: send: %m");
        r = converse(nl, &ex, err);
        if (r < 0) { /* what is left of the answer must not meet the next request, nor a dump go on (EBUSY) */
                mt_closep(&nl->fd);
                nl->fd = -1;
                return r;
        }
        if (ex.code != 0) {
                errno = ex.code;
                return ex.words[0] != '\0' ? mt_fail(err, ex.code, "%s (%m)", ex.words) : mt_fail(err, ex.code, "%m");
        }
        if (ex.fn_result != 0)
                return mt_fail(err, -ex.fn_result, "netlink: unusable answer from the kernel");
        return ex.interrupted ? 1 : 0;
}
