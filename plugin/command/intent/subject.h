/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The domain that `migtune set` and `migtune get` are about, and the configuration that it is seen by. */
#ifndef MT_COMMAND_INTENT_SUBJECT_H
#define MT_COMMAND_INTENT_SUBJECT_H

#include "command/intent/options.h"
#include "config.h"
#include "measure/domain_xml.h"

#include <libvirt/libvirt.h>
#include <migtune/plugin.h>
#include <stdbool.h>

/* Zeroed: nothing to close. */
struct mt_subject {
        virConnectPtr connection;
        virDomainPtr domain;
        struct mt_config config;
        struct mt_domain_xml xml;
};

/*
 * Connects to options->connect, finds the domain (name or uuid) and reads its XML and the configuration. writes: to change
 * the domain; then a configuration that is not there (another host's VM) counts as the built-in one. Close it whatever this
 * returns. 0 or -errno with a message.
 */
int mt_subject_open(const struct mt_host_ops *host, const struct mt_intent_options *options, bool writes,
                    struct mt_subject *ret, struct mt_err *err);

/* Frees what it holds; for MT_CLEANUP. */
void mt_subject_close(struct mt_subject *subject);

#endif
