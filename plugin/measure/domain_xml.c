/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/domain_xml.h"
#include "cleanup.h"
#include "units.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

#define MAX_XML_BYTES ((size_t)8 * 1024 * 1024)
#define MAX_DEPTH 16 /* elements of <metadata> that lie deeper are not looked at */
#define NOVA_NAMESPACE_1_0 "http://openstack.org/xmlns/libvirt/nova/1.0"
#define NOVA_NAMESPACE_1_1 "http://openstack.org/xmlns/libvirt/nova/1.1" /* the same elements, more of them */

static void free_docp(xmlDoc **doc)
{
        xmlFreeDoc(*doc);
}

static void free_xmlp(xmlChar **text)
{
        xmlFree(*text);
}

static bool is_element(const xmlNode *node, const char *name)
{
        return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static bool in_namespace(const xmlNode *node, const char *uri)
{
        return node->ns != NULL && node->ns->href != NULL && strcmp((const char *)node->ns->href, uri) == 0;
}

static const xmlNode *child(const xmlNode *parent, const char *name)
{
        for (const xmlNode *node = parent->children; node != NULL; node = node->next)
                if (is_element(node, name))
                        return node;
        return NULL;
}

/* Copies text as far as it fits, never cutting a UTF-8 character in two. */
static void copy(char *to, size_t size, const xmlChar *text)
{
        size_t length = text != NULL ? strlen((const char *)text) : 0;

        if (length >= size) {
                length = size - 1;
                while (length > 0 && (text[length] & 0xc0) == 0x80)
                        length--;
        }
        if (length > 0)
                (void)memcpy(to, text, length);
        to[length] = '\0';
}

static void copy_content(char *to, size_t size, const xmlNode *node)
{
        MT_CLEANUP(free_xmlp) xmlChar *text = node != NULL ? xmlNodeGetContent(node) : NULL;

        copy(to, size, text);
}

static void copy_attribute(char *to, size_t size, const xmlNode *node, const char *name)
{
        MT_CLEANUP(free_xmlp) xmlChar *text = node != NULL ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;

        copy(to, size, text);
}

/* libvirt's scaled integers: a decimal number and a unit, KiB when not given. 0 when it is none, or too large. */
static uint64_t read_memory(const xmlNode *node)
{
        static const struct {
                const char *name;
                uint64_t bytes;
        } units[] = {
                { "", MT_KIB },
                { "b", 1 },
                { "bytes", 1 },
                { "KB", UINT64_C(1000) },
                { "k", MT_KIB },
                { "KiB", MT_KIB },
                { "MB", UINT64_C(1000000) },
                { "M", MT_MIB },
                { "MiB", MT_MIB },
                { "GB", UINT64_C(1000000000) },
                { "G", MT_GIB },
                { "GiB", MT_GIB },
                { "TB", UINT64_C(1000000000000) },
                { "T", 1024 * MT_GIB },
                { "TiB", 1024 * MT_GIB },
        };
        char digits[32], unit[16];
        uint64_t number = 0, bytes;
        const char *p = digits;

        copy_content(digits, sizeof(digits), node);
        copy_attribute(unit, sizeof(unit), node, "unit");
        p += strspn(p, " \t\r\n");
        for (; *p >= '0' && *p <= '9'; p++)
                if (__builtin_mul_overflow(number, UINT64_C(10), &number) ||
                    __builtin_add_overflow(number, (uint64_t)(*p - '0'), &number))
                        return 0;
        if (p[strspn(p, " \t\r\n")] != '\0')
                return 0;
        for (size_t i = 0; i < MT_ARRAY_SIZE(units); i++)
                if (strcmp(units[i].name, unit) == 0)
                        return __builtin_mul_overflow(number, units[i].bytes, &bytes) || bytes == MT_AUTO ? 0 : bytes;
        return 0;
}

static void read_nova(const xmlNode *instance, struct mt_identity *id)
{
        const xmlNode *owner = child(instance, "owner");
        const xmlNode *project = owner != NULL ? child(owner, "project") : NULL;

        copy_attribute(id->nova_flavor, sizeof(id->nova_flavor), child(instance, "flavor"), "name");
        copy_attribute(id->nova_project, sizeof(id->nova_project), project, "uuid");
        copy_content(id->nova_project_name, sizeof(id->nova_project_name), project);
}

/*
 * The policy's attributes, unjudged: mt_config_intent refuses the whole set when one is wrong. What does not fit must not
 * be cut to something that looks right, so it becomes text that is refused.
 */
void mt_domain_policy_read(const struct _xmlNode *policy, struct mt_metadata *metadata)
{
        static const xmlChar too_many[] = "(too many attributes)", too_long[] = "(too long)";

        for (const xmlAttr *attr = policy->properties; attr != NULL; attr = attr->next) {
                MT_CLEANUP(free_xmlp) xmlChar *value = xmlNodeListGetString(policy->doc, attr->children, 1);
                char *key_to, *value_to;

                if (metadata->n == MT_ARRAY_SIZE(metadata->attribute)) {
                        copy(metadata->attribute[0].key, sizeof(metadata->attribute[0].key), too_many);
                        return;
                }
                key_to = metadata->attribute[metadata->n].key;
                value_to = metadata->attribute[metadata->n].value;
                metadata->n++;
                copy(key_to, sizeof(metadata->attribute[0].key), attr->name);
                if (value != NULL && strlen((const char *)value) >= sizeof(metadata->attribute[0].value))
                        copy(value_to, sizeof(metadata->attribute[0].value), too_long);
                else
                        copy(value_to, sizeof(metadata->attribute[0].value), value);
        }
}

/* The names from the element below <metadata> (top) down to node. False: too deep, or too long. */
static bool path_of(const xmlNode *node, const xmlNode *top, char *path, size_t size)
{
        const xmlNode *chain[MAX_DEPTH];
        size_t n = 0, used = 0;

        for (;; node = node->parent) {
                if (n == MAX_DEPTH)
                        return false;
                chain[n++] = node;
                if (node == top)
                        break;
        }
        while (n > 0 && used < size) {
                n--;
                used += (size_t)snprintf(path + used, size - used, "%s%s", used > 0 ? "/" : "",
                                         (const char *)chain[n]->name);
        }
        return used < size;
}

/* Without white space at its ends. */
static void copy_trimmed(char *to, size_t size, const xmlChar *text)
{
        const char *from = text != NULL ? (const char *)text : "";
        size_t length;

        copy(to, size, (const xmlChar *)from + strspn(from, " \t\r\n"));
        for (length = strlen(to); length > 0 && strchr(" \t\r\n", to[length - 1]) != NULL; length--)
                to[length - 1] = '\0';
}

static void add_element(const xmlNode *node, const xmlNode *top, struct mt_elements *elements)
{
        MT_CLEANUP(free_xmlp) xmlChar *text = xmlNodeListGetString(node->doc, node->children, 1);
        const char *uri = (const char *)top->ns->href;
        char path[MT_ELEMENT_PATH], value[MT_ELEMENT_VALUE];

        if (!path_of(node, top, path, sizeof(path)))
                return;
        copy_trimmed(value, sizeof(value), text);
        mt_elements_add(elements, uri, path, "", value);
        for (const xmlAttr *attr = node->properties; attr != NULL; attr = attr->next) {
                MT_CLEANUP(free_xmlp) xmlChar *of = xmlNodeListGetString(node->doc, attr->children, 1);

                copy(value, sizeof(value), of);
                mt_elements_add(elements, uri, path, (const char *)attr->name, value);
        }
}

/* The element and all below it, in document order. */
static void read_elements(const xmlNode *top, struct mt_elements *elements)
{
        const xmlNode *node = top;

        if (top->type != XML_ELEMENT_NODE || top->ns == NULL || top->ns->href == NULL)
                return; /* libvirt has none without a namespace */
        while (node != NULL) {
                if (node->type == XML_ELEMENT_NODE)
                        add_element(node, top, elements);
                if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
                        node = node->children;
                        continue;
                }
                while (node != top && node->next == NULL)
                        node = node->parent;
                node = node != top ? node->next : NULL;
        }
}

static void read_metadata(const xmlNode *metadata, struct mt_domain_xml *domain)
{
        bool have_policy = false;

        for (const xmlNode *node = metadata->children; node != NULL; node = node->next) {
                read_elements(node, &domain->id.metadata);
                if (is_element(node, "instance") &&
                    (in_namespace(node, NOVA_NAMESPACE_1_0) || in_namespace(node, NOVA_NAMESPACE_1_1))) {
                        read_nova(node, &domain->id);
                } else if (!have_policy && is_element(node, "policy") && in_namespace(node, MT_POLICY_NAMESPACE)) {
                        mt_domain_policy_read(node, &domain->metadata);
                        have_policy = true;
                }
        }
}

static void read_interface(const xmlNode *interface, struct mt_domain_xml *domain)
{
        const xmlNode *target = child(interface, "target");
        char type[16], device[IFNAMSIZ + 1] = "";

        copy_attribute(type, sizeof(type), interface, "type");
        domain->hostdev |= strcmp(type, "hostdev") == 0;
        copy_attribute(device, sizeof(device), target, "dev");
        if (device[0] == '\0' || strlen(device) >= IFNAMSIZ || domain->n_taps == MT_MAX_TAPS)
                return;
        (void)memcpy(domain->tap[domain->n_taps++], device, IFNAMSIZ);
}

static void read_devices(const xmlNode *devices, struct mt_domain_xml *domain)
{
        for (const xmlNode *node = devices->children; node != NULL; node = node->next) {
                if (is_element(node, "interface"))
                        read_interface(node, domain);
                else if (is_element(node, "hostdev"))
                        domain->hostdev = true;
        }
}

static void read_domain(const xmlNode *root, struct mt_domain_xml *domain)
{
        const xmlNode *backing = child(root, "memoryBacking");
        const xmlNode *current = child(root, "currentMemory");
        const xmlNode *metadata = child(root, "metadata");
        const xmlNode *devices = child(root, "devices");

        copy_content(domain->id.name, sizeof(domain->id.name), child(root, "name"));
        copy_content(domain->id.uuid, sizeof(domain->id.uuid), child(root, "uuid"));
        copy_content(domain->id.title, sizeof(domain->id.title), child(root, "title"));
        domain->memory_bytes = read_memory(current != NULL ? current : child(root, "memory"));
        domain->hugepages = backing != NULL && child(backing, "hugepages") != NULL;
        if (metadata != NULL)
                read_metadata(metadata, domain);
        if (devices != NULL)
                read_devices(devices, domain);
}

int mt_domain_xml_parse(const char *xml, struct mt_domain_xml *ret, struct mt_err *err)
{
        /* no XML_PARSE_NOENT or XML_PARSE_DTDLOAD: entities stay unexpanded; NOERROR: libxml2 must not write to stderr */
        const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
        MT_CLEANUP(free_docp) xmlDoc *doc = NULL;
        struct mt_domain_xml domain;
        size_t length = strlen(xml);
        const xmlNode *root;

        if (length == 0 || length > MAX_XML_BYTES)
                return mt_fail(err, EINVAL, "domain XML: expected 1 byte to 8 MiB, found %zu bytes", length);
        doc = xmlReadMemory(xml, (int)length, NULL, NULL, options);
        root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
        if (root == NULL)
                return mt_fail(err, EINVAL, "domain XML: not well-formed");
        if (doc->intSubset != NULL || doc->extSubset != NULL)
                return mt_fail(err, EINVAL, "domain XML: a document type is not expected");
        if (!is_element(root, "domain"))
                return mt_fail(err, EINVAL, "domain XML: expected <domain>, found <%.40s>", (const char *)root->name);
        (void)memset(&domain, 0, sizeof(domain));
        read_domain(root, &domain);
        if (domain.id.name[0] == '\0')
                return mt_fail(err, EINVAL, "domain XML: expected a <name>");
        *ret = domain;
        return 0;
}
