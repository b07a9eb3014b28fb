/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enforce/match.h"

#include <errno.h>
#include <netinet/in.h>

#define PORT_RANGE_MASK 0xffc0u

_Static_assert((MT_MIGRATION_PORT_MIN & PORT_RANGE_MASK) == MT_MIGRATION_PORT_MIN &&
                       MT_MIGRATION_PORT_MAX == (MT_MIGRATION_PORT_MIN | (0xffffu & ~PORT_RANGE_MASK)),
               "one masked comparison covers libvirt's migration ports");
_Static_assert(MT_MAX_FLOWS * 2 < 0xfff, "u32 has 4095 filters a priority");

static uint16_t port_of(const struct sockaddr_storage *address)
{
        if (address->ss_family == AF_INET)
                return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
        if (address->ss_family == AF_INET6)
                return ntohs(((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
        return 0;
}

static bool is_wildcard(const struct sockaddr_storage *address)
{
        if (address->ss_family == AF_INET)
                return ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
        if (address->ss_family == AF_INET6)
                return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
        return true;
}

static int add_flow(struct mt_match_list *list, enum mt_direction direction, const struct mt_flow *flow, struct mt_err *err)
{
        const struct sockaddr_storage *source = direction == MT_EGRESS ? &flow->local : &flow->peer;
        const struct sockaddr_storage *destination = direction == MT_EGRESS ? &flow->peer : &flow->local;
        struct mt_u32_match m = { .family = flow->local.ss_family,
                                  .source_port = port_of(source),
                                  .destination_port = port_of(destination) };

        if (m.family != AF_INET && m.family != AF_INET6)
                return mt_fail(err, EINVAL, "tc: a flow without a local address");
        if (flow->peer.ss_family != AF_UNSPEC && flow->peer.ss_family != m.family)
                return mt_fail(err, EINVAL, "tc: a flow between address families");
        if (m.source_port == 0 && m.destination_port == 0)
                return mt_fail(err, EINVAL, "tc: a flow without a port");
        m.source_mask = m.source_port != 0 ? 0xffff : 0;
        m.destination_mask = m.destination_port != 0 ? 0xffff : 0;
        if (!is_wildcard(source))
                m.source = *source;
        if (!is_wildcard(destination))
                m.destination = *destination;
        list->match[list->n++] = m;
        if (m.family == AF_INET6 && m.source.ss_family == 0 && m.destination.ss_family == 0) {
                m.family = AF_INET; /* who listens on [::] is reached over IPv4 as well */
                list->match[list->n++] = m;
        }
        return 0;
}

int mt_match_flows(enum mt_direction direction, const struct mt_flows *flows, struct mt_match_list *ret, struct mt_err *err)
{
        ret->n = 0;
        if (flows == NULL)
                return 0;
        if (flows->n > MT_MAX_FLOWS)
                return mt_fail(err, EINVAL, "tc: %u flows, at most %d", flows->n, MT_MAX_FLOWS);
        for (unsigned i = 0; i < flows->n; i++) {
                int r = add_flow(ret, direction, &flows->flow[i], err);

                if (r < 0)
                        return r;
        }
        return 0;
}

void mt_match_port_range(struct mt_match_list *ret)
{
        struct mt_u32_match m = { .destination_port = MT_MIGRATION_PORT_MIN, .destination_mask = PORT_RANGE_MASK };

        ret->n = 2;
        m.family = AF_INET;
        ret->match[0] = m;
        m.family = AF_INET6;
        ret->match[1] = m;
}
