/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the tests of shape share: a wire v0 - v1 in a fresh namespace state, a shaper, and short ways to say things.
 */
#ifndef MT_TEST_SHAPE_FIXTURE_H
#define MT_TEST_SHAPE_FIXTURE_H

#include "enforce/shape.h"
#include "netns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MBIT UINT64_C(125000) /* bytes a second in one Mbit/s */
#define LINK_MBIT UINT64_C(1000)

struct fixture {
        struct mt_shaper *shaper;
        struct mt_link egress, ingress; /* of v0, 1 Gbit/s */
        char *before;                   /* the namespace's snapshot */
};

static inline int fixture_setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        netns_clear(); /* of what a test that failed has left */
        netns_run("ip link add v0 up type veth peer name v1 && ip link set v1 up");
        f->egress = (struct mt_link){ .device = "v0", .direction = MT_EGRESS, .rate_bytes_s = LINK_MBIT * MBIT };
        f->ingress = (struct mt_link){ .device = "v0", .direction = MT_INGRESS, .rate_bytes_s = LINK_MBIT * MBIT };
        f->before = netns_snapshot();
        assert_int_equal(mt_shaper_new(&f->shaper, NULL), 0);
        *state = f;
        return 0;
}

static inline int fixture_teardown(void **state)
{
        struct fixture *f = *state;

        mt_shaper_free(f->shaper);
        free(f->before);
        free(f);
        netns_clear();
        return 0;
}

static inline void assert_unchanged(const struct fixture *f)
{
        char *after = netns_snapshot();

        assert_string_equal(after, f->before);
        free(after);
}

static inline struct mt_class_spec spec_of(uint64_t rate_mbit, uint64_t ceil_mbit)
{
        return (struct mt_class_spec){ .rate_bytes_s = rate_mbit * MBIT, .ceil_bytes_s = ceil_mbit * MBIT };
}

static inline struct sockaddr_storage address_of(const char *text, uint16_t port)
{
        struct sockaddr_storage s = { 0 };
        struct sockaddr_in *in = (void *)&s;
        struct sockaddr_in6 *in6 = (void *)&s;

        if (text == NULL)
                return s;
        if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
                in->sin_family = AF_INET;
                in->sin_port = htons(port);
        } else {
                assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
                in6->sin6_family = AF_INET6;
                in6->sin6_port = htons(port);
        }
        return s;
}

/* One flow; peer NULL: a listener. */
static inline struct mt_flows flow_of(const char *local, uint16_t local_port, const char *peer, uint16_t peer_port)
{
        return (struct mt_flows){
                .n = 1, .flow[0] = { .local = address_of(local, local_port), .peer = address_of(peer, peer_port) }
        };
}

static inline uint16_t add(const struct fixture *f, const struct mt_link *link, uint64_t rate_mbit, uint64_t ceil_mbit,
                           const struct mt_flows *flows)
{
        const struct mt_class_spec spec = spec_of(rate_mbit, ceil_mbit);
        struct mt_err err = { 0 };
        uint16_t minor = 0;

        if (mt_shape_add(f->shaper, link, &spec, flows, &minor, &err) != 0)
                fail_msg("add: %s", err.msg);
        return minor;
}

static inline void drop(const struct fixture *f, const struct mt_link *link, uint16_t minor)
{
        struct mt_err err = { 0 };

        if (mt_shape_remove(f->shaper, link, minor, &err) != 0)
                fail_msg("remove: %s", err.msg);
}

/* tc's line about one class, without what varies with the burst. */
static inline void assert_class(const char *device, const char *class, const char *want)
{
        if (!netns_shows(want, "tc class show dev %s classid %s", device, class)) {
                char *got = netns_output("tc class show dev %s", device);

                fail_msg("class %s is not '%s' but:\n%s", class, want, got);
        }
}

#endif
