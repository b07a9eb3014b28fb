/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "measure/domain_xml.h"
#include "measure/uri.h"
#include "table.h"
#include "units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLICY(attributes) "<metadata><migtune:policy xmlns:migtune=\"urn:migtune:policy:1\" " attributes "/></metadata>"
#define SPACES40 "                                        "
#define DOMAIN(inner)                                                                                                       \
        "<domain type='kvm'><name>vm1</name><uuid>8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90</uuid>" inner "</domain>"
#define NOVA(version, flavor, owner)                                                                                        \
        "<metadata><nova:instance xmlns:nova=\"http://openstack.org/xmlns/libvirt/nova/" version "\">"                      \
        "<nova:package version=\"26.2.1\"/><nova:name>web</nova:name>" flavor owner "</nova:instance></metadata>"

static const struct xml_case {
        const char *name;
        const char *xml;
        struct mt_domain_xml want; /* the name and uuid of DOMAIN() are added */
} xml_cases[] = {
        { "least", DOMAIN(""), { .memory_bytes = 0 } },
        { "memory in KiB", DOMAIN("<memory unit='KiB'>1048576</memory>"), { .memory_bytes = MT_GIB } },
        { "currentMemory first",
          DOMAIN("<memory unit='KiB'>1048576</memory><currentMemory unit='KiB'>524288</currentMemory>"),
          { .memory_bytes = MT_GIB / 2 } },
        { "no unit means KiB", DOMAIN("<memory>4</memory>"), { .memory_bytes = 4096 } },
        { "bytes", DOMAIN("<memory unit='b'>4096</memory>"), { .memory_bytes = 4096 } },
        { "GiB", DOMAIN("<memory unit='GiB'> 4\n</memory>"), { .memory_bytes = 4 * MT_GIB } },
        { "GB is SI", DOMAIN("<memory unit='GB'>4</memory>"), { .memory_bytes = UINT64_C(4000000000) } },
        { "unknown unit", DOMAIN("<memory unit='pages'>4</memory>"), { .memory_bytes = 0 } },
        { "memory too large", DOMAIN("<memory unit='TiB'>99999999999</memory>"), { .memory_bytes = 0 } },
        { "memory no number", DOMAIN("<memory>4x</memory>"), { .memory_bytes = 0 } },
        { "taps",
          DOMAIN("<devices><interface type='bridge'><source bridge='br0'/><target dev='vnet0'/></interface>"
                 "<interface type='network'><target dev='tap8a4fd9a2-3d'/></interface><interface type='bridge'/></devices>"),
          { .n_taps = 2, .tap = { "vnet0", "tap8a4fd9a2-3d" } } },
        { "a device's name too long is no tap",
          DOMAIN("<devices><interface type='bridge'><target dev='abcdefghijklmnop'/></interface></devices>"),
          { .n_taps = 0 } },
        { "targets of disks are no taps", DOMAIN("<devices><disk><target dev='vda'/></disk></devices>"), { .n_taps = 0 } },
        { "hugepages", DOMAIN("<memoryBacking><hugepages/></memoryBacking>"), { .hugepages = true } },
        { "other memory backing", DOMAIN("<memoryBacking><locked/></memoryBacking>"), { .hugepages = false } },
        { "hostdev", DOMAIN("<devices><hostdev mode='subsystem' type='pci'/></devices>"), { .hostdev = true } },
        { "interface of type hostdev", DOMAIN("<devices><interface type='hostdev'/></devices>"), { .hostdev = true } },
        { "policy",
          DOMAIN(POLICY("urgency=\"high\" max-downtime=\"100ms\"")),
          { .metadata = { 2, { { "urgency", "high" }, { "max-downtime", "100ms" } } } } },
        { "policy with a character reference",
          DOMAIN(POLICY("urgency=\"hi&#103;h\"")),
          { .metadata = { 1, { { "urgency", "high" } } } } },
        { "policy of another version",
          DOMAIN("<metadata><p:policy xmlns:p=\"urn:migtune:policy:10\" urgency=\"high\"/></metadata>"),
          { .n_taps = 0 } },
        { "policy without namespace", DOMAIN("<metadata><policy urgency=\"high\"/></metadata>"), { .n_taps = 0 } },
        { "policy outside metadata",
          DOMAIN("<p:policy xmlns:p=\"urn:migtune:policy:1\" urgency=\"high\"/>"),
          { .n_taps = 0 } },
        { "policy: value too long",
          DOMAIN(POLICY("urgency=\"high" SPACES40 SPACES40 SPACES40 SPACES40 "\"")),
          { .metadata = { 1, { { "urgency", "(too long)" } } } } },
        { "policy: too many attributes",
          DOMAIN(POLICY(
                  "a='1' b='1' c='1' d='1' e='1' f='1' g='1' h='1' i='1' j='1' k='1' l='1' m='1' n='1' o='1' p='1' q='1'")),
          { .metadata = { 16,
                          { { "(too many attributes)", "1" },
                            { "b", "1" },
                            { "c", "1" },
                            { "d", "1" },
                            { "e", "1" },
                            { "f", "1" },
                            { "g", "1" },
                            { "h", "1" },
                            { "i", "1" },
                            { "j", "1" },
                            { "k", "1" },
                            { "l", "1" },
                            { "m", "1" },
                            { "n", "1" },
                            { "o", "1" },
                            { "p", "1" } } } } },
        { "nova 1.1",
          DOMAIN(NOVA("1.1", "<nova:flavor name=\"m1.large\"><nova:memory>4096</nova:memory></nova:flavor>",
                      "<nova:owner><nova:user uuid=\"u\">admin</nova:user><nova:project "
                      "uuid=\"p1\">payments</nova:project></nova:owner>")),
          { .id = { .nova_flavor = "m1.large", .nova_project = "p1", .nova_project_name = "payments" } } },
        { "nova 1.0", DOMAIN(NOVA("1.0", "<nova:flavor name=\"m1.tiny\"/>", "")), { .id = { .nova_flavor = "m1.tiny" } } },
        { "title", DOMAIN("<title>Shop, the database</title>"), { .id = { .title = "Shop, the database" } } },
        { "nova of a version to come", DOMAIN(NOVA("2.0", "<nova:flavor name=\"m1.tiny\"/>", "")), { .n_taps = 0 } },
};

static void test_xml(void **state)
{
        const struct xml_case *c = *state;
        struct mt_domain_xml want = c->want, got;
        struct mt_err err = { 0 };

        (void)strcpy(want.id.name, "vm1");
        (void)strcpy(want.id.uuid, "8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90");
        if (mt_domain_xml_parse(c->xml, &got, &err) < 0)
                fail_msg("%s", err.msg);
        (void)memset(&got.id.metadata, 0, sizeof(got.id.metadata)); /* see test_elements.c */
        assert_memory_equal(&got, &want, sizeof(got));
}

static const struct bad_xml_case {
        const char *name;
        const char *xml;
        const char *want;
} bad_xml_cases[] = {
        { "empty", "", "domain XML: expected 1 byte to 8 MiB, found 0 bytes" },
        { "not XML", "hello", "domain XML: not well-formed" },
        { "cut off", "<domain><name>vm1</name>", "domain XML: not well-formed" },
        { "another root", "<network><name>n</name></network>", "domain XML: expected <domain>, found <network>" },
        { "no name", "<domain/>", "domain XML: expected a <name>" },
        { "document type", "<!DOCTYPE domain [<!ENTITY a \"vm1\">]><domain><name>&a;</name></domain>",
          "domain XML: a document type is not expected" },
        { "external entity", "<!DOCTYPE domain SYSTEM \"file:///etc/passwd\"><domain><name>x</name></domain>",
          "domain XML: a document type is not expected" },
        { "undefined entity", "<domain><name>&nope;</name></domain>", "domain XML: not well-formed" },
        { "entities that multiply",
          "<!DOCTYPE d [<!ENTITY a \"aaaaaaaaaaaaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
          "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">]>"
          "<domain><name>&d;</name></domain>",
          "domain XML: " }, /* libxml2's versions differ in how far they read this */
};

static void test_bad_xml(void **state)
{
        const struct bad_xml_case *c = *state;
        struct mt_domain_xml got;
        struct mt_err err = { 0 };

        (void)memset(&got, 0xa5, sizeof(got));
        assert_int_equal(mt_domain_xml_parse(c->xml, &got, &err), -EINVAL);
        assert_int_equal(strncmp(err.msg, c->want, strlen(c->want)), 0);
        assert_int_equal(*(unsigned char *)&got, 0xa5);
}

/* A name longer than its field is cut before a character, not inside it. */
static void test_long_name_is_cut_between_characters(void **state)
{
        struct mt_domain_xml got;
        char xml[512], name[256];
        size_t n = 0;

        (void)state;
        (void)memset(name, 'a', 126);
        for (n = 126; n < 140; n += 2)
                (void)memcpy(name + n, "\xc3\xa9", 2);
        name[n] = '\0';
        (void)snprintf(xml, sizeof(xml), "<domain><name>%s</name></domain>", name);
        assert_int_equal(mt_domain_xml_parse(xml, &got, NULL), 0);
        assert_int_equal(strlen(got.id.name), 126);
}

static void test_more_taps_than_fit(void **state)
{
        MT_CLEANUP(mt_freep) char *xml = calloc(1, 8192);
        struct mt_domain_xml got;

        (void)state;
        (void)strcpy(xml, "<domain><name>a</name><devices>");
        for (unsigned i = 0; i < 40; i++)
                (void)sprintf(xml + strlen(xml), "<interface><target dev='vnet%u'/></interface>", i);
        (void)strcat(xml, "</devices></domain>");
        assert_int_equal(mt_domain_xml_parse(xml, &got, NULL), 0);
        assert_int_equal(got.n_taps, MT_MAX_TAPS);
        assert_string_equal(got.tap[15], "vnet15");
}

static const struct uri_case {
        const char *name; /* also the URI */
        int want;
        const char *host;
} uri_cases[] = {
        { "qemu+tcp://host2/system", 0, "host2" },
        { "qemu+ssh://user@[::1]:22/system", 0, "::1" },
        { "qemu+ssh://root@10.0.0.2/system?keyfile=/root/k", 0, "10.0.0.2" },
        { "qemu+tls://compute-2.example.org:16514/system", 0, "compute-2.example.org" },
        { "tcp://10.0.0.2:49152", 0, "10.0.0.2" },
        { "tcp://[fe80::1%25eth0]:49152", 0, "fe80::1%eth0" },
        { "qemu:///system", -ENOENT, NULL },
        { "tcp:10.0.0.2:49152", -ENOENT, NULL },
        { "qemu+tcp://ho%20st/system", -EINVAL, NULL },
        { "qemu+tcp://ho%0Ast/system", -EINVAL, NULL },
        { "not a uri", -EINVAL, NULL },
        { "/system", -EINVAL, NULL },
        { "", -EINVAL, NULL },
        { "qemu+tcp://a-name-that-is-longer-than-the-buffer-of-this-test/system", -ENAMETOOLONG, NULL },
};

static void test_uri(void **state)
{
        const struct uri_case *c = *state;
        char host[32] = "untouched";

        assert_int_equal(mt_uri_host(c->name, host, sizeof(host)), c->want);
        assert_string_equal(host, c->host != NULL ? c->host : "untouched");
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_long_name_is_cut_between_characters),
                cmocka_unit_test(test_more_taps_than_fit),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(xml_cases) + MT_ARRAY_SIZE(bad_xml_cases) + MT_ARRAY_SIZE(uri_cases) +
                                MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, xml_cases, test_xml);
        ADD_ROWS(tests, n, bad_xml_cases, test_bad_xml);
        ADD_ROWS(tests, n, uri_cases, test_uri);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("domain_xml", tests, n, NULL, NULL);
}
