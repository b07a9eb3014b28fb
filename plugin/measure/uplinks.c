/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/uplinks.h"
#include "measure/route.h"

#include <errno.h>
#include <ifaddrs.h>
#include <string.h>

/* The uplink's place in the sample, made where it is new. NULL: the sample is full. */
static struct mt_share_uplink *place_of(struct mt_share_sample *sample, const char *device)
{
        struct mt_share_uplink *fresh = &sample->uplink[sample->n];

        for (unsigned i = 0; i < sample->n; i++)
                if (strcmp(sample->uplink[i].device, device) == 0)
                        return &sample->uplink[i];
        if (sample->n == MT_SHARE_UPLINKS)
                return NULL;
        sample->n++;
        (void)memcpy(fresh->device, device, strnlen(device, sizeof(fresh->device) - 1));
        return fresh;
}

/* Addresses of one device come one after the other mostly: the last answer is kept. */
struct resolved {
        char device[IFNAMSIZ];
        struct mt_uplink uplink; /* device "": there is none */
};

static void resolve(struct resolved *last, const char *device)
{
        if (strncmp(last->device, device, sizeof(last->device)) == 0)
                return;
        (void)memset(last, 0, sizeof(*last));
        (void)memcpy(last->device, device, strnlen(device, sizeof(last->device) - 1));
        if (mt_route_device(device, &last->uplink, NULL) < 0)
                last->uplink.device[0] = '\0';
}

int mt_uplinks_read(const char *device, struct mt_share_sample *ret, struct mt_err *err)
{
        struct mt_share_sample sample = { .n = 0 };
        struct resolved last = { .device = "" };
        struct ifaddrs *all = NULL;
        int r = device[0] != '\0' ? mt_route_device(device, &last.uplink, err) : 0;

        if (r < 0)
                return r;
        if (getifaddrs(&all) < 0)
                return mt_fail(err, errno, "own addresses: %s", strerror(errno));
        for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
                struct mt_share_uplink *place;
                struct in6_addr address;

                if (one->ifa_addr == NULL || (one->ifa_flags & IFF_UP) == 0 || !mt_share_address(one->ifa_addr, &address))
                        continue;
                if (device[0] == '\0')
                        resolve(&last, one->ifa_name);
                place = last.uplink.device[0] != '\0' ? place_of(&sample, last.uplink.device) : NULL;
                if (place != NULL && place->n < MT_SHARE_ADDRESSES)
                        place->address[place->n++] = address;
        }
        freeifaddrs(all);
        *ret = sample;
        return 0;
}
