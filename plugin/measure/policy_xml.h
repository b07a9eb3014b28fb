/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element <migtune:policy> by itself, as libvirt's virDomainGetMetadata() gives and virDomainSetMetadata() takes it. */
#ifndef MT_MEASURE_POLICY_XML_H
#define MT_MEASURE_POLICY_XML_H

#include "config.h"
#include "err.h"

#include <stddef.h>

/* An attribute to set, or with value NULL to remove. '-' and '_' in the names of known keys are the same. */
struct mt_policy_change {
        const char *key, *value;
};

/*
 * The element with n changes made; attributes that none of them names and what is within it stay. xml NULL: there was none.
 * *ret_xml is the caller's to free, or NULL where nothing is left. -EINVAL: xml is no <policy>; -ENOMEM.
 */
int mt_policy_xml_change(const char *xml, const struct mt_policy_change *changes, size_t n, char **ret_xml,
                         struct mt_err *err);

/* Its attributes, as mt_domain_xml_parse has them. xml NULL: none. -EINVAL: it is no <policy>. */
int mt_policy_xml_read(const char *xml, struct mt_metadata *ret, struct mt_err *err);

#endif
