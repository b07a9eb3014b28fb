/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune set: a VM's own policy, in its metadata.
 *
 * Theory of operation: the running VM and its stored definition each have metadata of their own. The new element is made
 * and judged for each before any of them is changed; other attributes of it, and all other metadata, stay. `virsh metadata`
 * may do the same.
 */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/intent/subject.h"
#include "command/terminal.h"
#include "log.h"
#include "measure/domain.h"
#include "measure/policy_xml.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
        "usage: migtune set DOMAIN key=value... [--unset KEY]... [--connect URI]\n"
        "\n"
        "Writes what is wanted for this VM (name or uuid) into its metadata, where it comes before rules and defaults:\n"
        "<migtune:policy xmlns:migtune=\"urn:migtune:policy:1\" max-downtime=\"100ms\"/>. Keys are those that a rule may "
        "set.\n"
        "The running VM and its stored definition are both changed, as far as there are both; other keys stay. A running\n"
        "VM's next plan has it; a migration that runs already goes on as planned.\n"
        "\n"
        "  key=, --unset KEY   removes the key: rules and defaults hold again\n"
        "  --connect URI       libvirt (default qemu:///system)\n"
        "  --help              this text\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 bad usage or a value that is not good (nothing was changed).\n"
        "See also: migtune get DOMAIN.\n";

/* One of the two places where a domain's metadata is. */
struct side {
        unsigned flag; /* VIR_DOMAIN_AFFECT_LIVE or _CONFIG */
        const char *name;
        char *old, *policy; /* the element as it is, and as it is to be; owned; NULL: none */
};

struct sides {
        struct side side[2];
        size_t n;
};

static void sides_done(struct sides *sides)
{
        for (size_t i = 0; i < sides->n; i++) {
                free(sides->side[i].old);
                free(sides->side[i].policy);
        }
}

static struct sides sides_of(virDomainPtr domain)
{
        struct sides sides = { .n = 0 };

        if (virDomainIsActive(domain) == 1)
                sides.side[sides.n++] = (struct side){ VIR_DOMAIN_AFFECT_LIVE, "the running VM", NULL, NULL };
        if (virDomainIsPersistent(domain) == 1)
                sides.side[sides.n++] = (struct side){ VIR_DOMAIN_AFFECT_CONFIG, "its definition", NULL, NULL };
        return sides;
}

static int read_policy(virDomainPtr domain, struct side *side, struct mt_err *err)
{
        virErrorPtr error;

        side->old = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, MT_POLICY_NAMESPACE, side->flag);
        if (side->old != NULL)
                return 0;
        error = virGetLastError();
        return error != NULL && error->code == VIR_ERR_NO_DOMAIN_METADATA ? 0 : mt_libvirt_fail(err, "read its metadata");
}

/* What is to be removed, but is no key and is nowhere, is a slip. */
static int check_removed(const struct mt_intent_options *o, const struct sides *sides, struct mt_err *err)
{
        for (size_t i = 0; i < o->n; i++) {
                const char *key = o->change[i].key;
                bool found = mt_key_by_intent(key) != NULL;
                char attribute[64];

                (void)snprintf(attribute, sizeof(attribute), " %s=", key);
                for (size_t k = 0; k < sides->n && !found; k++)
                        found = sides->side[k].old != NULL && strstr(sides->side[k].old, attribute) != NULL;
                if (!found)
                        return mt_fail(err, EINVAL, "%s: unknown key, and there is no such attribute to remove", key);
        }
        return 0;
}

/* Makes the new element, and judges it as a plan would: with the rules and defaults that it comes on top of. */
static int prepare(const struct mt_subject *subject, const struct mt_intent_options *o, struct side *side,
                   struct mt_err *err)
{
        struct mt_metadata metadata;
        struct mt_intent intent;
        int r = mt_policy_xml_change(side->old, o->change, o->n, &side->policy, err);

        if (r == 0)
                r = mt_policy_xml_read(side->policy, &metadata, err);
        if (r == 0)
                r = mt_config_intent(&subject->config, &subject->xml.id, &metadata, &intent, err);
        return r;
}

static int prepare_all(const struct mt_subject *subject, const struct mt_intent_options *o, struct sides *sides,
                       struct mt_err *err)
{
        int r = 0;

        for (size_t i = 0; i < sides->n && r == 0; i++)
                r = read_policy(subject->domain, &sides->side[i], err);
        if (r == 0)
                r = check_removed(o, sides, err);
        for (size_t i = 0; i < sides->n && r == 0; i++)
                r = prepare(subject, o, &sides->side[i], err);
        return r;
}

static int apply(virDomainPtr domain, const struct sides *sides, struct mt_err *err)
{
        for (size_t i = 0; i < sides->n; i++) {
                const struct side *side = &sides->side[i];

                if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, side->policy, "migtune", MT_POLICY_NAMESPACE,
                                         side->flag) == 0)
                        continue;
                (void)mt_libvirt_fail(err, side->name);
                return i > 0 ? mt_wrap(err, "%s was changed, but not", sides->side[0].name)
                             : mt_wrap(err, "nothing was changed");
        }
        return 0;
}

static void show(const struct mt_intent_options *o, const struct sides *sides)
{
        char name[160], policy[1024];

        (void)snprintf(name, sizeof(name), "%s", o->domain);
        mt_terminal_clean(name);
        for (size_t i = 0; i < sides->n; i++) {
                (void)snprintf(policy, sizeof(policy), "%s",
                               sides->side[i].policy != NULL ? sides->side[i].policy : "no policy");
                mt_terminal_clean(policy);
                mt_print("%s, %s: %s\n", name, sides->side[i].name, policy);
        }
}

/* 0, or -errno with a message. */
static int set(const struct mt_host_ops *host, const struct mt_intent_options *o, struct mt_err *err)
{
        MT_CLEANUP(mt_subject_close) struct mt_subject subject = { .connection = NULL };
        MT_CLEANUP(sides_done) struct sides sides = { .n = 0 };
        int r = mt_subject_open(host, o, /* writes= */ true, &subject, err);

        if (r < 0)
                return r == -EINVAL ? -EIO : r; /* not an argument's fault */
        sides = sides_of(subject.domain);
        r = sides.n > 0 ? prepare_all(&subject, o, &sides, err) : mt_fail(err, ENOENT, "it is gone");
        if (r == 0)
                r = apply(subject.domain, &sides, err) < 0 ? -EIO : 0;
        if (r < 0)
                (void)mt_wrap(err, "domain '%.120s'", o->domain);
        else
                show(o, &sides);
        return r;
}

int mt_command_set(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        MT_CLEANUP(mt_freep) struct mt_intent_options *options = NULL;
        struct mt_err err = { 0 };
        int r;

        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                return 0;
        }
        r = mt_intent_options_set(argc, argv, &options);
        if (r != 0)
                return r;
        r = set(host, options, &err);
        if (r == 0)
                return 0;
        mt_terminal_complain("set", "%s", err.msg);
        return r == -EINVAL ? 2 : 1;
}
