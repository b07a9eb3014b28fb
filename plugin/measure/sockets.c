/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of a process's TCP connections carry the migration.
 *
 * One inet_diag dump a family lists the sockets of the network namespace with their inode numbers, addresses and, from
 * TCP_INFO, the smoothed round-trip time; socket_inodes.h says which inodes the process holds. Of these, outgoing are those
 * established to a port of the migration range. A VNC client's own port may lie in that range too, but such a connection
 * arrived at a port on which the same process listens: connections that were accepted are told by that, and left out.
 */
#include "measure/sockets.h"

#include "array_room.h"
#include "cleanup.h"
#include "measure/socket_inodes.h"
#include "netlink.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* One socket of the dump that may be of interest. */
struct candidate {
        struct mt_flow flow;
        bool listening;
};

struct survey {
        const struct mt_socket_inodes *mine; /* NULL: anybody's */
        size_t n, room;
        struct candidate *candidate;
};

static void survey_done(struct survey *survey)
{
        free(survey->candidate);
}

static void set_address(struct sockaddr_storage *ret, int family, const __be32 *address, __be16 port)
{
        struct sockaddr_in *in = (void *)ret;
        struct sockaddr_in6 *in6 = (void *)ret;

        *ret = (struct sockaddr_storage){ 0 };
        if (family == AF_INET6) {
                in6->sin6_family = AF_INET6;
                in6->sin6_port = port;
                (void)memcpy(&in6->sin6_addr, address, sizeof(in6->sin6_addr));
        } else {
                in->sin_family = AF_INET;
                in->sin_port = port;
                (void)memcpy(&in->sin_addr, address, sizeof(in->sin_addr));
        }
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
        if (address->ss_family == AF_INET6)
                return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
        return address->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port) : 0;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
        if (address->ss_family == AF_INET6)
                return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool in_range(uint16_t port)
{
        return port >= MT_MIGRATION_PORT_MIN && port <= MT_MIGRATION_PORT_MAX;
}

static uint64_t parse_rtt(struct nlmsghdr *h)
{
        const struct nlattr *info = nlmsg_find_attr(h, sizeof(struct inet_diag_msg), INET_DIAG_INFO);
        struct tcp_info tcp = { 0 };

        if (info == NULL || nla_len(info) < (int)(offsetof(struct tcp_info, tcpi_rtt) + sizeof(tcp.tcpi_rtt)))
                return 0;
        (void)memcpy(&tcp, nla_data(info), (size_t)nla_len(info) < sizeof(tcp) ? (size_t)nla_len(info) : sizeof(tcp));
        return tcp.tcpi_rtt;
}

static int survey_socket(void *ctx, struct nlmsghdr *h)
{
        struct survey *survey = ctx;
        const struct inet_diag_msg *diag;
        struct candidate *array, *c;
        int family;
        size_t skip = 0;

        if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || !nlmsg_valid_hdr(h, sizeof(*diag)))
                return 0;
        diag = nlmsg_data(h);
        if (survey->mine != NULL && !mt_socket_inodes_have(survey->mine, diag->idiag_inode))
                return 0;
        array = mt_array_room(survey->candidate, survey->n, &survey->room, sizeof(*array));
        if (array == NULL)
                return -ENOMEM;
        survey->candidate = array;
        c = &survey->candidate[survey->n++];
        *c = (struct candidate){ .listening = diag->idiag_state == TCP_LISTEN, .flow = { .rtt_us = parse_rtt(h) } };
        family = diag->idiag_family;
        if (family == AF_INET6 && !c->listening &&
            IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)diag->id.idiag_dst)) {
                family = AF_INET;
                skip = 3; /* words of ::ffff: before the IPv4 address */
        }
        set_address(&c->flow.local, family, diag->id.idiag_src + skip, diag->id.idiag_sport);
        if (!c->listening)
                set_address(&c->flow.peer, family, diag->id.idiag_dst + skip, diag->id.idiag_dport);
        return 0;
}

static int dump_family(struct mt_nl *nl, uint8_t family, struct survey *survey, struct mt_err *err)
{
        const struct inet_diag_req_v2 request = {
                .sdiag_family = family,
                .sdiag_protocol = IPPROTO_TCP,
                .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                .idiag_states = 1u << TCP_ESTABLISHED | 1u << TCP_LISTEN,
        };
        MT_CLEANUP(mt_nl_msg_freep)
        struct nl_msg *msg = mt_nl_msg(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request, sizeof(request));
        int r;

        if (msg == NULL)
                return mt_fail(err, ENOMEM, "sock_diag: out of memory");
        r = mt_nl_exchange(nl, msg, survey_socket, survey, err);
        if (r < 0)
                (void)mt_wrap(err, "sock_diag");
        return r < 0 ? r : 0;
}

static int run_survey(struct survey *survey, struct mt_err *err)
{
        MT_CLEANUP(mt_nl_closep) struct mt_nl *nl = NULL;
        int r = mt_nl_open(&nl, NETLINK_SOCK_DIAG, err);

        if (r == 0)
                r = dump_family(nl, AF_INET, survey, err);
        if (r < 0)
                return r;
        (void)dump_family(nl, AF_INET6, survey, NULL); /* a kernel without IPv6 refuses */
        return 0;
}

/* A connection that came in to a port on which the same sockets' holder listens. */
static bool was_accepted(const struct survey *survey, const struct candidate *c)
{
        for (size_t i = 0; i < survey->n; i++)
                if (survey->candidate[i].listening && port_of(&survey->candidate[i].flow.local) == port_of(&c->flow.local))
                        return true;
        return false;
}

static void take(struct mt_flows *flows, const struct candidate *c)
{
        if (flows->n < MT_MAX_FLOWS)
                flows->flow[flows->n++] = c->flow;
}

static void pick_outgoing(const struct survey *survey, bool loopback, struct mt_flows *ret)
{
        for (size_t i = 0; i < survey->n; i++) {
                const struct candidate *c = &survey->candidate[i];

                if (!c->listening && in_range(port_of(&c->flow.peer)) && is_loopback(&c->flow.peer) == loopback &&
                    !was_accepted(survey, c))
                        take(ret, c);
        }
}

static void pick_incoming(const struct survey *survey, bool listening, struct mt_flows *ret)
{
        for (size_t i = 0; i < survey->n; i++)
                if (survey->candidate[i].listening == listening && in_range(port_of(&survey->candidate[i].flow.local)))
                        take(ret, &survey->candidate[i]);
}

/* Surveys the process's sockets, or everybody's where its descriptors may not be read. */
static int survey_process(pid_t pid, struct mt_socket_inodes *inodes, struct survey *survey, bool *ret_guessed,
                          struct mt_err *err)
{
        int r = mt_socket_inodes_read(pid, inodes);

        if (r == -ENOMEM || r == -ESRCH)
                return mt_fail(err, -r, "sockets of process %ld: %s", (long)pid,
                               r == -ESRCH ? "no such process" : "out of memory");
        *ret_guessed = r < 0;
        survey->mine = r < 0 ? NULL : inodes;
        return run_survey(survey, err);
}

int mt_sockets_outgoing(pid_t pid, struct mt_flows *ret, struct mt_err *err)
{
        MT_CLEANUP(mt_socket_inodes_done) struct mt_socket_inodes inodes = { 0 };
        MT_CLEANUP(survey_done) struct survey survey = { 0 };
        struct mt_flows flows = { 0 };
        int r = survey_process(pid, &inodes, &survey, &flows.guessed, err);

        if (r < 0)
                return r;
        pick_outgoing(&survey, false, &flows);
        if (flows.n == 0)
                pick_outgoing(&survey, true, &flows);
        if (flows.n == 0)
                return mt_fail(err, ENOENT, "process %ld has no connection to a migration port", (long)pid);
        *ret = flows;
        return 0;
}

int mt_sockets_incoming(pid_t pid, struct mt_flows *ret, struct mt_err *err)
{
        MT_CLEANUP(mt_socket_inodes_done) struct mt_socket_inodes inodes = { 0 };
        MT_CLEANUP(survey_done) struct survey survey = { 0 };
        struct mt_flows flows = { 0 };
        int r = survey_process(pid, &inodes, &survey, &flows.guessed, err);

        if (r < 0)
                return r;
        pick_incoming(&survey, false, &flows); /* QEMU may go on listening (10.0 does): connections tell more */
        if (flows.n == 0)
                pick_incoming(&survey, true, &flows);
        if (flows.n == 0)
                return mt_fail(err, ENOENT, "process %ld listens on no migration port", (long)pid);
        *ret = flows;
        return 0;
}
