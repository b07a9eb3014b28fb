/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding and removing what is ours on every device, whoever left it there. shape.c says how we know it.
 *
 * Trees that keep no class go whole, in one request. An error on one device does not stop the others; the first is
 * reported at the end.
 */
#include "enforce/shape.h"

#include "array_room.h"
#include "cleanup.h"
#include "enforce/tree.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <string.h>

#define LIST_ATTEMPTS 3 /* while devices come and go */

struct devices {
        size_t n, room;
        struct mt_tc_device *device;
};

struct sweep {
        struct mt_shaper *shaper;
        mt_shape_keep_fn keep;
        void *ctx;
        struct devices devices;
        int removed;
        int result; /* the first error's */
        struct mt_err *err;
};

/* Classes under operators' classes, which may have different parents. */
struct lodgers {
        size_t n, room;
        struct mt_htb_class *class;
};

static void sweep_done(struct sweep *sweep)
{
        free(sweep->devices.device);
}

static void lodgers_done(struct lodgers *lodgers)
{
        free(lodgers->class);
}

static int add_device(void *ctx, const struct mt_tc_device *device)
{
        struct devices *list = ctx;
        struct mt_tc_device *array = mt_array_room(list->device, list->n, &list->room, sizeof(*array));

        if (array == NULL)
                return -ENOMEM;
        list->device = array;
        list->device[list->n++] = *device;
        return 0;
}

static int list_devices(struct sweep *sweep)
{
        int r = 1;

        for (int attempt = 0; attempt < LIST_ATTEMPTS && r == 1; attempt++) {
                sweep->devices.n = 0;
                r = mt_tc_devices(sweep->shaper->nl, add_device, &sweep->devices, sweep->err);
        }
        return r < 0 ? r : 0; /* a device that was missed is found by the next sweep */
}

static const struct mt_tc_device *device_by_index(const struct sweep *sweep, int ifindex)
{
        for (size_t i = 0; i < sweep->devices.n; i++)
                if (sweep->devices.device[i].ifindex == ifindex)
                        return &sweep->devices.device[i];
        return NULL;
}

/* The uplink that an ifb of ours belongs to, by its name; 0: it is none of ours. */
static int uplink_of(const struct mt_tc_device *device)
{
        unsigned ifindex;
        int used = 0;

        if (strcmp(device->kind, "ifb") != 0 || sscanf(device->name, MT_IFB_PREFIX "%9u%n", &ifindex, &used) != 1 ||
            device->name[used] != '\0')
                return 0;
        return (int)ifindex;
}

static const struct mt_tc_device *ifb_of(const struct sweep *sweep, const struct mt_tc_device *uplink)
{
        for (size_t i = 0; i < sweep->devices.n; i++)
                if (uplink_of(&sweep->devices.device[i]) == uplink->ifindex)
                        return &sweep->devices.device[i];
        return NULL;
}

/* Books the result of one removal of count objects; mine is the error that belongs to it. */
static void book(struct sweep *sweep, int r, int count, const struct mt_err *mine)
{
        if (r == 0) {
                sweep->removed += count;
        } else if (sweep->result == 0 && r != -ENODEV) { /* a device that just went took everything with it */
                sweep->result = r;
                *sweep->err = *mine;
        }
}

static bool keeps(const struct sweep *sweep, const struct mt_link *link, uint32_t minor)
{
        return sweep->keep != NULL && sweep->keep(sweep->ctx, link, (uint16_t)minor);
}

/* A tree of our own. */
static void sweep_own(struct sweep *sweep, struct mt_link *link)
{
        struct mt_tree tree;
        struct mt_err mine;
        unsigned kept = 0;
        int r = mt_tree_read(sweep->shaper->nl, link, &tree, &mine);

        if (r < 0) {
                book(sweep, r, 0, &mine);
                return;
        }
        link->rate_bytes_s = tree.top.ceil_bytes_s;
        for (unsigned i = MT_TREE_FIRST_INDEX; i <= MT_TREE_LAST_INDEX; i++) {
                if (!tree.ours[i])
                        continue;
                if (keeps(sweep, link, i)) {
                        tree.ours[i] = false; /* what remains is what must go */
                        kept++;
                }
        }
        if (kept == 0) {
                book(sweep, mt_tree_drop(sweep->shaper->nl, &tree, NULL, &mine), (int)tree.n + 1, &mine);
                return;
        }
        for (unsigned i = MT_TREE_FIRST_INDEX; i <= MT_TREE_LAST_INDEX; i++)
                if (tree.ours[i])
                        book(sweep, mt_shape_remove(sweep->shaper, link, (uint16_t)i, &mine), 1, &mine);
}

static int add_lodger(void *ctx, const struct mt_htb_class *class)
{
        static const struct mt_tree foreign = { .own = false };
        struct lodgers *lodgers = ctx;
        struct mt_htb_class *array;

        if (class->quantum != MT_HTB_QUANTUM || mt_tree_index(&foreign, class->handle & 0xffff) == 0)
                return 0;
        array = mt_array_room(lodgers->class, lodgers->n, &lodgers->room, sizeof(*array));
        if (array == NULL)
                return -ENOMEM;
        lodgers->class = array;
        lodgers->class[lodgers->n++] = *class;
        return 0;
}

/* Our classes in an operator's HTB. */
static void sweep_lodgers(struct sweep *sweep, const struct mt_tc_device *device, uint32_t qdisc)
{
        MT_CLEANUP(lodgers_done) struct lodgers lodgers = { 0 };
        struct mt_err mine;
        int r = mt_htb_classes(sweep->shaper->nl, device, qdisc >> 16, add_lodger, &lodgers, &mine);

        if (r < 0)
                book(sweep, r, 0, &mine);
        for (size_t i = 0; i < lodgers.n; i++) {
                const struct mt_htb_class *class = &lodgers.class[i];
                struct mt_link link = { .direction = MT_EGRESS };

                (void)memcpy(link.device, device->name, sizeof(link.device));
                (void)snprintf(link.parent, sizeof(link.parent), "%x:%x", class->parent >> 16, class->parent & 0xffff);
                if (keeps(sweep, &link, class->handle & 0xffff))
                        continue;
                r = mt_shape_remove(sweep->shaper, &link, (uint16_t)(class->handle & 0xffff), &mine);
                book(sweep, r, 1, &mine);
        }
}

static void sweep_egress(struct sweep *sweep, const struct mt_tc_device *device)
{
        struct mt_link link = { .direction = MT_EGRESS };
        struct mt_tc_qdisc root;
        struct mt_err mine;
        int r = mt_tc_qdisc_get(sweep->shaper->nl, device, TC_H_ROOT, &root, &mine);

        if (r < 0)
                book(sweep, r, 0, &mine);
        if (r < 0 || strcmp(root.kind, "htb") != 0)
                return;
        (void)memcpy(link.device, device->name, sizeof(link.device));
        if (root.handle == MT_TC_MAJOR << 16)
                sweep_own(sweep, &link);
        else
                sweep_lodgers(sweep, device, root.handle);
}

static void sweep_ingress(struct sweep *sweep, const struct mt_tc_device *device)
{
        struct mt_link link = { .direction = MT_INGRESS };
        struct mt_err mine;
        bool found = false;
        int r;

        if (ifb_of(sweep, device) != NULL) {
                (void)memcpy(link.device, device->name, sizeof(link.device));
                sweep_own(sweep, &link);
                return;
        }
        /* A redirection without its ifb drops everything that the device receives. */
        r = mt_tree_unhook(sweep->shaper->nl, device, false, &found, &mine);
        book(sweep, r, found ? 1 : 0, &mine);
}

int mt_shape_sweep(struct mt_shaper *shaper, mt_shape_keep_fn fn, void *ctx, struct mt_err *err)
{
        struct mt_err ignored = { 0 };
        MT_CLEANUP(sweep_done)
        struct sweep sweep = { .shaper = shaper, .keep = fn, .ctx = ctx, .err = err != NULL ? err : &ignored };
        int r;

        mt_reap_wait(&shaper->reaper);
        r = list_devices(&sweep);

        for (size_t i = 0; r == 0 && i < sweep.devices.n; i++) {
                const struct mt_tc_device *device = &sweep.devices.device[i];
                const int uplink = uplink_of(device);
                struct mt_err mine;

                if (uplink == 0) {
                        sweep_egress(&sweep, device);
                        sweep_ingress(&sweep, device);
                } else if (device_by_index(&sweep, uplink) == NULL) {
                        book(&sweep, mt_tc_link_delete(shaper->nl, device, &mine), 1, &mine);
                }
        }
        if (r == 0)
                r = sweep.result;
        return r < 0 ? mt_wrap(sweep.err, "tc: sweep") : sweep.removed;
}
