/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/status_file.h"
#include "cleanup.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_DIR "/run/libvirt/qemu"
#define MAX_STATUS_BYTES (4 * 1024 * 1024) /* a large domain's reaches 100 KiB */

static void free_docp(xmlDoc **doc)
{
        xmlFreeDoc(*doc);
}

static void free_xmlp(xmlChar **text)
{
        xmlFree(*text);
}

static const xmlNode *job_of(const xmlNode *root)
{
        for (const xmlNode *node = root != NULL ? root->children : NULL; node != NULL; node = node->next)
                if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, "job") == 0)
                        return node;
        return NULL;
}

int mt_status_parse_flags(const char *xml, size_t length, uint64_t *ret_flags, struct mt_err *err)
{
        MT_CLEANUP(free_docp) xmlDoc *doc = NULL;
        MT_CLEANUP(free_xmlp) xmlChar *async = NULL, *flags = NULL;
        const xmlNode *job;
        char *end;
        unsigned long long value;

        if (length <= MAX_STATUS_BYTES)
                doc = xmlReadMemory(xml, (int)length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        if (doc == NULL)
                return mt_fail(err, EINVAL, "no XML");
        job = job_of(xmlDocGetRootElement(doc));
        async = job != NULL ? xmlGetNoNsProp(job, (const xmlChar *)"async") : NULL;
        flags = job != NULL ? xmlGetNoNsProp(job, (const xmlChar *)"flags") : NULL;
        if (async == NULL || strcmp((const char *)async, "migration out") != 0 || flags == NULL)
                return mt_fail(err, ENOENT, "no outgoing migration in it");
        errno = 0;
        value = strtoull((const char *)flags, &end, 0);
        if (errno != 0 || *end != '\0' || end == (const char *)flags)
                return mt_fail(err, EINVAL, "flags of its migration: '%.40s'", (const char *)flags);
        *ret_flags = value;
        return 0;
}

int mt_status_migration_flags(const char *name, uint64_t *ret_flags, struct mt_err *err)
{
        MT_CLEANUP(mt_fclosep) FILE *file = NULL;
        MT_CLEANUP(mt_freep) char *text = malloc(MAX_STATUS_BYTES);
        char path[512];
        int r;

        if (text == NULL)
                return mt_fail(err, ENOMEM, "libvirt's status file: out of memory");
        if (strchr(name, '/') != NULL || snprintf(path, sizeof(path), STATUS_DIR "/%s.xml", name) >= (int)sizeof(path))
                return mt_fail(err, ENOENT, "libvirt's status file: no file of that name");
        file = fopen(path, "re");
        if (file == NULL)
                return mt_fail(err, errno, "libvirt's status file '%s': %s", path, strerror(errno));
        r = mt_status_parse_flags(text, fread(text, 1, MAX_STATUS_BYTES, file), ret_flags, err);
        return r < 0 ? mt_wrap(err, "libvirt's status file '%s'", path) : 0;
}
