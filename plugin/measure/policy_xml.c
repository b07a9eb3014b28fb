/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/policy_xml.h"
#include "cleanup.h"
#include "config_keys.h"
#include "measure/domain_xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>
#include <string.h>

#define MAX_POLICY_BYTES ((size_t)64 * 1024)

static void free_docp(xmlDoc **doc)
{
        xmlFreeDoc(*doc);
}

static void free_bufferp(xmlBuffer **buffer)
{
        xmlBufferFree(*buffer);
}

/* libvirt takes the element's own namespace away where it gives it, and puts it back where it takes it. */
static int parse(const char *xml, xmlDoc **ret, struct mt_err *err)
{
        const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
        const size_t length = strlen(xml);
        xmlDoc *doc = length <= MAX_POLICY_BYTES ? xmlReadMemory(xml, (int)length, NULL, NULL, options) : NULL;
        const xmlNode *root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;

        if (root != NULL && doc->intSubset == NULL && strcmp((const char *)root->name, "policy") == 0) {
                *ret = doc;
                return 0;
        }
        xmlFreeDoc(doc);
        return mt_fail(err, EINVAL, "metadata: expected an element <policy> in the namespace %s", MT_POLICY_NAMESPACE);
}

static bool is_key(const xmlAttr *attr, const char *key)
{
        const struct mt_key *known = mt_key_by_intent(key);
        const char *name = (const char *)attr->name;

        return attr->ns == NULL && (known != NULL ? mt_key_by_intent(name) == known : strcmp(name, key) == 0);
}

/* With '-' for '_', as the manual writes attributes. */
static void attribute_name(const char *key, char *name, size_t size)
{
        (void)snprintf(name, size, "%s", key);
        for (char *c = name; *c != '\0'; c++)
                if (*c == '_')
                        *c = '-';
}

static int change(xmlNode *policy, const struct mt_policy_change *wanted)
{
        xmlAttr *next;
        char name[48];

        for (xmlAttr *attr = policy->properties; attr != NULL; attr = next) {
                next = attr->next;
                if (is_key(attr, wanted->key))
                        (void)xmlRemoveProp(attr);
        }
        if (wanted->value == NULL)
                return 0;
        attribute_name(wanted->key, name, sizeof(name));
        return xmlNewProp(policy, (const xmlChar *)name, (const xmlChar *)wanted->value) != NULL ? 0 : -ENOMEM;
}

static int dump(xmlDoc *doc, xmlNode *policy, char **ret_xml)
{
        MT_CLEANUP(free_bufferp) xmlBuffer *buffer = xmlBufferCreate();

        if (buffer == NULL || xmlNodeDump(buffer, doc, policy, 0, 0) < 0)
                return -ENOMEM;
        *ret_xml = strdup((const char *)xmlBufferContent(buffer));
        return *ret_xml != NULL ? 0 : -ENOMEM;
}

int mt_policy_xml_change(const char *xml, const struct mt_policy_change *changes, size_t n, char **ret_xml,
                         struct mt_err *err)
{
        MT_CLEANUP(free_docp) xmlDoc *doc = NULL;
        int r = parse(xml != NULL ? xml : "<policy/>", &doc, err);
        xmlNode *policy;

        if (r < 0)
                return r;
        policy = xmlDocGetRootElement(doc);
        for (size_t i = 0; i < n && r == 0; i++)
                r = change(policy, &changes[i]);
        if (r == 0 && policy->properties == NULL && policy->children == NULL)
                *ret_xml = NULL;
        else if (r == 0)
                r = dump(doc, policy, ret_xml);
        return r == 0 ? 0 : mt_fail(err, ENOMEM, "metadata: out of memory");
}

int mt_policy_xml_read(const char *xml, struct mt_metadata *ret, struct mt_err *err)
{
        MT_CLEANUP(free_docp) xmlDoc *doc = NULL;
        int r;

        (void)memset(ret, 0, sizeof(*ret));
        if (xml == NULL)
                return 0;
        r = parse(xml, &doc, err);
        if (r == 0)
                mt_domain_policy_read(xmlDocGetRootElement(doc), ret);
        return r;
}
