/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a domain's XML says that a migration plan needs: who it is, its policy metadata, its memory, its devices. */
#ifndef MT_MEASURE_DOMAIN_XML_H
#define MT_MEASURE_DOMAIN_XML_H

#include "config.h"
#include "err.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define MT_MAX_TAPS 16

/* Texts too long for their field are cut between characters. */
struct mt_domain_xml {
        struct mt_identity id;
        struct mt_metadata metadata; /* the first <migtune:policy>; what does not fit becomes text that no parser accepts */
        uint64_t memory_bytes;       /* currentMemory, else memory; 0: neither */
        unsigned n_taps;
        char tap[MT_MAX_TAPS][IFNAMSIZ]; /* of its interfaces; only a running domain's XML names them */
        bool hugepages;                  /* memory backed by huge pages: post-copy has limits */
        bool hostdev;                    /* a host device is passed through (VFIO, USB) */
};

/*
 * Reads the XML of libvirt's virDomainGetXMLDesc() or of the qemu hook's standard input. Nothing is fetched, no entity is
 * expanded, a document type is refused. -EINVAL: not well-formed, or not a <domain> with a name; *ret is then untouched.
 */
int mt_domain_xml_parse(const char *xml, struct mt_domain_xml *ret, struct mt_err *err);

/* Adds the attributes of an element <migtune:policy> of libxml2's (xmlNode) to *metadata, which is zeroed. */
struct _xmlNode;
void mt_domain_policy_read(const struct _xmlNode *policy, struct mt_metadata *metadata);

#endif
