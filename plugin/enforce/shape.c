/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 * ===================
 *
 * What it is for. On the uplink, where a migration meets the guests' traffic, every migration gets an HTB class of its own
 * with a rate (its reservation, which it has whatever the others do) and a ceil (its cap), and everybody else gets the
 * default class with what the reservations leave over, at least 1 % of the link. Unused bandwidth is lent either way, up to
 * the ceils; among those that want to borrow, guests and migrations are equals, or with low_priority guests come first.
 * Ingress is the same on an ifb to which the uplink's ingress qdisc leads every received packet.
 *
 * State lives in the kernel. A shaper holds a socket and nothing else: each call reads the tree first, so a process that
 * was started later, or after a crash, goes on where the other stopped, and nothing is ever believed that an operator's tc
 * command has changed meanwhile. That one dump costs about a microsecond a class.
 *
 * What is ours, and how we know it.
 *   - A root qdisc with handle 4d54: and everything in it.
 *   - An ifb named mtifb<index of the uplink>, and the ingress qdisc of that uplink if our redirection (a u32 filter of
 *     priority 0x4d00) is in it.
 *   - Under an operator's HTB (link.parent): classes with a minor number of 0x4d02 to 0x54f0 and the quantum
 *     MT_HTB_QUANTUM, and the filters of priority 0x4d04 to 0x5ce1 that belong to them. An operator's filters with lower
 *     priority numbers win over ours, those with higher (also all that tc numbers itself, 49152 downwards) lose.
 *     The parent should be an inner class or one made for this: a leaf loses its own queue while it has children.
 * Nothing else is ever changed or removed.
 *
 * Foreign qdiscs. A root qdisc with handle 0: was made by the kernel (noqueue, pfifo_fast, fq_codel, fq, mq with its leaves,
 * whatever net.core.default_qdisc says) and the kernel makes it again when ours goes; tc gives every qdisc that a person
 * adds a handle other than 0. So handle 0: may be replaced and any other is left alone with -EBUSY. The kernel guards this
 * as well: creation is with EXCL, which puts only handle 0: aside. The default class takes over the kind of queue
 * that was replaced, so that fairness between the guests' flows stays.
 *
 * Order. Add: (ifb,) qdisc, common classes, the class, its filters, the default class's new rate, (the redirection:) a
 * packet never meets half a tree. Every step is noted in an undo list and taken back, newest first, if a later one fails.
 * Remove: filters, the class (it is busy while filters point to it), the default class's rate. With the last class the
 * whole tree goes in a single request, the redirection before the ifb. What a crash leaves in between, mt_shape_sweep finds.
 *
 * Two processes may add at the same time: all creation is with EXCL, and whoever comes second finds EEXIST, uses what the
 * first one made, and takes the next minor number. Not guarded is a removal of the last class (or the rollback of a first
 * one) while another process adds: one process on a host, the watcher, does both.
 *
 * Limits. About 2000 classes a tree (u32's hash tables, see tree.h). Filters are tried one class after the other, so a
 * packet of the default class pays for all of them, some 35 ns each. Packets waiting in a queue are lost when a root qdisc
 * comes or goes. Rates are of frames, Ethernet headers included: of a rate r, TCP at 1500 bytes MTU carries 0.956 r.
 */
#include "enforce/shape.h"

#include "cleanup.h"
#include "enforce/match.h"
#include "enforce/tree.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>

int mt_shaper_new(struct mt_shaper **ret, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) struct mt_shaper *shaper = calloc(1, sizeof(*shaper));
        int r;

        if (shaper == NULL)
                return mt_fail(err, ENOMEM, "tc: %m");
        r = mt_nl_open(&shaper->nl, NETLINK_ROUTE, err);
        if (r < 0)
                return r;
        *ret = MT_STEAL(&shaper);
        return 0;
}

void mt_shaper_free(struct mt_shaper *shaper)
{
        if (shaper == NULL)
                return;
        mt_reap_wait(&shaper->reaper);
        mt_nl_close(shaper->nl);
        free(shaper);
}

void mt_shaper_delete_in_background(struct mt_shaper *shaper)
{
        shaper->background = true;
}

/* The kernel takes absurd values without a word; they end here. */
static int check(const struct mt_link *link, const struct mt_class_spec *spec, struct mt_err *err)
{
        if (link->rate_bytes_s == 0 || link->rate_bytes_s > (uint64_t)INT64_MAX)
                return mt_fail(err, EINVAL, "tc: device '%s': the link's rate is unknown", link->device);
        if (spec->rate_bytes_s == 0 || spec->rate_bytes_s > spec->ceil_bytes_s || spec->ceil_bytes_s > link->rate_bytes_s)
                return mt_fail(err, EINVAL,
                               "tc: device '%s': rate %" PRIu64 ", ceil %" PRIu64 ", link %" PRIu64
                               " bytes/s: each must be above 0 and at most the next",
                               link->device, spec->rate_bytes_s, spec->ceil_bytes_s, link->rate_bytes_s);
        return 0;
}

static int put_filters(struct mt_nl *nl, const struct mt_tree *tree, unsigned index, unsigned slot,
                       const struct mt_match_list *list, struct mt_undo *undo, struct mt_err *err)
{
        const uint32_t class = tree->qdisc | mt_tree_minor(tree, index);
        const struct mt_undo_step step = { .kind = MT_UNDO_FILTERS,
                                           .device = tree->device,
                                           .parent = tree->qdisc,
                                           .priority = mt_tree_priority(index, slot) };

        for (unsigned i = 0; i < list->n; i++) {
                int r = mt_u32_add(nl, &tree->device, tree->qdisc, step.priority, class, &list->match[i], err);

                if (i == 0)
                        (void)mt_undo_note(undo, r, &step);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Creates the class under the next free index. */
static int add_class(struct mt_nl *nl, struct mt_tree *tree, const struct mt_class_spec *spec, struct mt_undo *undo,
                     unsigned *ret_index, struct mt_err *err)
{
        struct mt_htb_class class = { .parent = tree->parent,
                                      .rate_bytes_s = spec->rate_bytes_s,
                                      .ceil_bytes_s = spec->ceil_bytes_s,
                                      .prio = spec->low_priority ? 1 : 0,
                                      .quantum = MT_HTB_QUANTUM };

        for (unsigned index = MT_TREE_FIRST_INDEX; index <= MT_TREE_LAST_INDEX; index++) {
                int r;

                if (tree->used[index])
                        continue;
                class.handle = tree->qdisc | mt_tree_minor(tree, index);
                r = mt_htb_class_add(nl, &tree->device, &class, err);
                if (r == -EEXIST) /* another process took it since we looked */
                        continue;
                (void)mt_undo_note(
                        undo, r,
                        &(struct mt_undo_step){ .kind = MT_UNDO_CLASS, .device = tree->device, .handle = class.handle });
                if (r == 0)
                        *ret_index = index;
                return r;
        }
        return mt_fail(err, ENOSPC, "device '%s' has %u classes, no more fit", tree->device.name, tree->n);
}

int mt_shape_add(struct mt_shaper *shaper, const struct mt_link *link, const struct mt_class_spec *spec,
                 const struct mt_flows *flows, uint16_t *ret_minor, struct mt_err *err)
{
        struct mt_nl *const nl = shaper->nl;
        struct mt_err ignored = { 0 };
        struct mt_tree tree;
        struct mt_match_list list;
        MT_CLEANUP(mt_undo_run) struct mt_undo undo = { .nl = nl };
        unsigned index = 0;
        int r;

        err = err != NULL ? err : &ignored;
        r = check(link, spec, err);
        if (r == 0)
                r = mt_match_flows(link->direction, flows, &list, err);
        if (r < 0)
                return r;
        mt_reap_wait(&shaper->reaper);
        r = mt_tree_read(nl, link, &tree, err);
        if (r == 0)
                r = mt_tree_make(nl, &tree, &undo, err);
        if (r == 0)
                r = add_class(nl, &tree, spec, &undo, &index, err);
        if (r == 0)
                r = mt_tree_leaf(nl, &tree, tree.qdisc | mt_tree_minor(&tree, index), err);
        if (r == 0)
                r = put_filters(nl, &tree, index, 0, &list, &undo, err);
        tree.reserved_bytes_s += spec->rate_bytes_s;
        if (r == 0)
                r = mt_tree_balance(nl, &tree, &undo, err);
        if (r == 0)
                r = mt_tree_hook(nl, &tree, &undo, err);
        if (r < 0)
                return mt_wrap(err, "tc");
        mt_undo_commit(&undo);
        *ret_minor = (uint16_t)mt_tree_minor(&tree, index);
        return 0;
}

/* Reads the tree and finds the class in it: its index, or -ENOENT. */
static int find_class(struct mt_nl *nl, const struct mt_link *link, uint16_t minor, struct mt_tree *ret_tree,
                      struct mt_err *err)
{
        unsigned index;
        int r = mt_tree_read(nl, link, ret_tree, err);

        if (r < 0)
                return mt_wrap(err, "tc");
        index = mt_tree_index(ret_tree, minor);
        if (index == 0 || !ret_tree->ours[index])
                return mt_fail(err, ENOENT, "tc: device '%s' has no class %x:%x of ours", link->device,
                               ret_tree->qdisc >> 16, (unsigned)minor);
        return (int)index;
}

int mt_shape_change(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, const struct mt_class_spec *spec,
                    struct mt_err *err)
{
        struct mt_tree tree;
        struct mt_htb_class class;
        struct mt_undo_step step;
        MT_CLEANUP(mt_undo_run) struct mt_undo undo = { .nl = shaper->nl };
        struct mt_err ignored = { 0 };
        int r;

        err = err != NULL ? err : &ignored;
        r = check(link, spec, err);
        if (r == 0)
                r = find_class(shaper->nl, link, minor, &tree, err);
        if (r < 0)
                return r;
        r = mt_htb_class_get(shaper->nl, &tree.device, tree.qdisc | minor, &class, err);
        if (r < 0)
                return mt_wrap(err, "tc");
        step = (struct mt_undo_step){ .kind = MT_UNDO_CLASS_CHANGE, .device = tree.device, .class = class };
        tree.reserved_bytes_s += spec->rate_bytes_s - class.rate_bytes_s;
        class.rate_bytes_s = spec->rate_bytes_s;
        class.ceil_bytes_s = spec->ceil_bytes_s;
        class.prio = spec->low_priority ? 1 : 0;
        r = mt_undo_note(&undo, mt_htb_class_change(shaper->nl, &tree.device, &class, err), &step);
        if (r == 0)
                r = mt_tree_balance(shaper->nl, &tree, &undo, err);
        if (r < 0)
                return mt_wrap(err, "tc");
        mt_undo_commit(&undo);
        return 0;
}

static int note_filter(void *ctx, uint16_t priority, const char *kind)
{
        (void)priority;
        (void)kind;
        *(bool *)ctx = true;
        return 0;
}

static int slot_in_use(struct mt_nl *nl, const struct mt_tree *tree, unsigned index, unsigned slot, bool *ret_used,
                       struct mt_err *err)
{
        *ret_used = false;
        return mt_filters(nl, &tree->device, tree->qdisc, mt_tree_priority(index, slot), note_filter, ret_used, err);
}

/* Replaces a class's filters: the new ones are complete before the old ones go. */
static int replace_filters(struct mt_nl *nl, const struct mt_tree *tree, unsigned index, const struct mt_match_list *list,
                           struct mt_err *err)
{
        MT_CLEANUP(mt_undo_run) struct mt_undo undo = { .nl = nl };
        bool used;
        unsigned slot;
        int r = slot_in_use(nl, tree, index, 0, &used, err);

        if (r < 0)
                return r;
        slot = used ? 1 : 0;
        r = mt_filter_delete(nl, &tree->device, tree->qdisc, mt_tree_priority(index, slot), err);
        if (r == 0)
                r = put_filters(nl, tree, index, slot, list, &undo, err);
        if (r < 0)
                return r;
        r = mt_filter_delete(nl, &tree->device, tree->qdisc, mt_tree_priority(index, !slot), err);
        if (r < 0 && slot_in_use(nl, tree, index, !slot, &used, NULL) == 0 && !used)
                r = 0; /* the old ones are gone, only the answer was lost: taking the new ones back would leave none */
        if (r == 0)
                mt_undo_commit(&undo);
        return r;
}

static int match(struct mt_nl *nl, const struct mt_link *link, uint16_t minor, const struct mt_match_list *list,
                 struct mt_err *err)
{
        struct mt_tree tree;
        int r = find_class(nl, link, minor, &tree, err);

        if (r < 0)
                return r;
        r = replace_filters(nl, &tree, (unsigned)r, list, err);
        return r < 0 ? mt_wrap(err, "tc") : 0;
}

int mt_shape_match(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, const struct mt_flows *flows,
                   struct mt_err *err)
{
        struct mt_match_list list;
        struct mt_err ignored = { 0 };
        int r;

        err = err != NULL ? err : &ignored;
        r = mt_match_flows(link->direction, flows, &list, err);
        return r < 0 ? r : match(shaper->nl, link, minor, &list, err);
}

int mt_shape_match_port_range(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, struct mt_err *err)
{
        struct mt_match_list list;
        struct mt_err ignored = { 0 };

        err = err != NULL ? err : &ignored;
        mt_match_port_range(&list);
        return match(shaper->nl, link, minor, &list, err);
}

static int remove_class(struct mt_nl *nl, struct mt_tree *tree, unsigned index, struct mt_err *err)
{
        const uint32_t handle = tree->qdisc | mt_tree_minor(tree, index);
        struct mt_htb_class class;
        int r = mt_htb_class_get(nl, &tree->device, handle, &class, err);

        for (unsigned slot = 0; r == 0 && slot < 2; slot++)
                r = mt_filter_delete(nl, &tree->device, tree->qdisc, mt_tree_priority(index, slot), err);
        if (r == 0)
                r = mt_htb_class_delete(nl, &tree->device, handle, err);
        if (r == 0)
                tree->reserved_bytes_s -= class.rate_bytes_s;
        return r;
}

int mt_shape_remove(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, struct mt_err *err)
{
        struct mt_undo undo = { .nl = shaper->nl }; /* never run: a class that is gone does not come back */
        struct mt_tree tree;
        unsigned index, left;
        struct mt_err ignored = { 0 };
        int r;

        err = err != NULL ? err : &ignored;
        mt_reap_wait(&shaper->reaper);
        r = mt_tree_read(shaper->nl, link, &tree, err);
        if (r == -ENODEV)
                return 0;
        if (r < 0)
                return mt_wrap(err, "tc");
        index = mt_tree_index(&tree, minor);
        if (index != 0 && !tree.ours[index])
                index = 0;
        left = tree.n - (index != 0);
        if (tree.own && left == 0) {
                r = mt_tree_drop(shaper->nl, &tree, shaper->background ? &shaper->reaper : NULL, err);
        } else {
                if (index != 0)
                        r = remove_class(shaper->nl, &tree, index, err);
                if (r == 0) /* also when an earlier removal failed just before this */
                        r = mt_tree_balance(shaper->nl, &tree, &undo, err);
        }
        return r < 0 ? mt_wrap(err, "tc") : 0;
}

/*
 * As find_class, in an own tree, by asking for the class alone: a watcher queries every class each second, and a dump
 * of all for each of 500 would take it 0.4 s. Whatever is in our qdisc is ours.
 */
static int locate_class(struct mt_nl *nl, const struct mt_link *link, uint16_t minor, struct mt_tree *ret_tree,
                        struct mt_err *err)
{
        int r = mt_tree_locate(nl, link, ret_tree, err);

        if (r < 0)
                return mt_wrap(err, "tc");
        if (ret_tree->device.ifindex == 0 || (minor != MT_TC_CLASS_DEFAULT && mt_tree_index(ret_tree, minor) == 0))
                return mt_fail(err, ENOENT, "tc: device '%s' has no class %x:%x of ours", link->device,
                               ret_tree->qdisc >> 16, (unsigned)minor);
        return 0;
}

int mt_shape_query(struct mt_shaper *shaper, const struct mt_link *link, uint16_t minor, struct mt_class_state *ret,
                   struct mt_err *err)
{
        const bool own = link->direction == MT_INGRESS || link->parent[0] == '\0';
        struct mt_tree tree;
        struct mt_htb_class class;
        struct mt_err ignored = { 0 };
        int r;

        err = err != NULL ? err : &ignored;
        r = own ? locate_class(shaper->nl, link, minor, &tree, err) : find_class(shaper->nl, link, minor, &tree, err);
        if (r < 0)
                return r;
        r = mt_htb_class_get(shaper->nl, &tree.device, tree.qdisc | minor, &class, err);
        if (r < 0)
                return mt_wrap(err, "tc");
        *ret = (struct mt_class_state){ .spec = { .rate_bytes_s = class.rate_bytes_s,
                                                  .ceil_bytes_s = class.ceil_bytes_s,
                                                  .low_priority = class.prio != 0 },
                                        .bytes = class.bytes };
        return 0;
}
