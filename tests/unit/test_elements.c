/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rules may ask of a domain's title and metadata, from the XML to the match. */
#include "elements.h"
#include "cleanup.h"
#include "config.h"
#include "measure/domain_xml.h"
#include "scratch.h"
#include "table.h"

#include <errno.h>
#include <string.h>

#define URI "urn:acme:inventory:1"

static const char domain_xml[] = "<domain><name>vm1</name><title>Shop: database 3</title><metadata>\n"
                                 "  <a:vm xmlns:a=\"" URI "\" tier=\"gold\" empty=\"\">\n"
                                 "    <a:owner mail=\"ops@acme.example\">  Team Blue\n  <a:deputy/></a:owner>\n"
                                 "    <a:tag>batch</a:tag><a:tag>weekly</a:tag>\n"
                                 "  </a:vm>\n"
                                 "  <plain tier=\"none\"/>\n"
                                 "  <vm xmlns=\"urn:other\" tier=\"lead\"/>\n"
                                 "</metadata></domain>";

static const struct match_case {
        const char *name;
        struct mt_element_match match;
        bool want;
} match_cases[] = {
        { "attribute", { URI, "vm", "tier", "gold" }, true },
        { "attribute, a glob", { URI, "vm", "tier", "g*" }, true },
        { "attribute of another value", { URI, "vm", "tier", "silver" }, false },
        { "the value of another namespace's", { URI, "vm", "tier", "lead" }, false },
        { "another namespace", { "urn:other", "vm", "tier", "lead" }, true },
        { "no namespace", { "", "plain", "tier", "none" }, false },
        { "attribute that is there", { URI, "vm", "tier", "" }, true },
        { "an empty one is there, too", { URI, "vm", "empty", "" }, true },
        { "but it is not anything", { URI, "vm", "empty", "?*" }, false },
        { "attribute that is not there", { URI, "vm", "colour", "" }, false },
        { "element that is there", { URI, "vm/owner", "", "" }, true },
        { "element that is not there", { URI, "vm/user", "", "" }, false },
        { "text without white space around it", { URI, "vm/owner", "", "Team Blue" }, true },
        { "an element without text", { URI, "vm/owner/deputy", "", "" }, true },
        { "the path is whole", { URI, "owner", "", "" }, false },
        { "the first of several", { URI, "vm/tag", "", "batch" }, true },
        { "the last of several", { URI, "vm/tag", "", "weekly" }, true },
        { "none of several", { URI, "vm/tag", "", "daily" }, false },
        { "an attribute is no text", { URI, "vm/owner", "", "ops@*" }, false },
        { "attribute below", { URI, "vm/owner", "mail", "*@acme.example" }, true },
};

static void test_match(void **state)
{
        const struct match_case *c = *state;
        struct mt_domain_xml got;

        assert_int_equal(mt_domain_xml_parse(domain_xml, &got, NULL), 0);
        assert_int_equal(mt_elements_match(&got.id.metadata, &c->match), c->want);
        assert_false(got.id.metadata.cut);
}

/* What is too much is left out at the end, and nothing before it changes. */
static void test_too_many(void **state)
{
        const struct mt_element_match first = { URI, "vm/n", "id", "1" }, last = { URI, "vm/n", "id", "999" };
        struct mt_elements elements = { .cut = false };
        char value[16];

        (void)state;
        for (unsigned i = 1; i <= 999; i++) {
                (void)snprintf(value, sizeof(value), "%u", i);
                mt_elements_add(&elements, URI, "vm/n", "id", value);
                assert_true(elements.bytes <= sizeof(elements.text));
        }
        assert_true(elements.cut);
        assert_true(mt_elements_match(&elements, &first));
        assert_false(mt_elements_match(&elements, &last));
}

/* Elements deeper, and paths longer, than are looked at. */
static void test_deep(void **state)
{
        struct mt_domain_xml got;
        char xml[4096] = "<domain><name>a</name><metadata><d xmlns='urn:d'>";

        (void)state;
        for (unsigned i = 0; i < 100; i++)
                (void)strcat(xml, "<d>");
        (void)strcat(xml, "x");
        for (unsigned i = 0; i < 100; i++)
                (void)strcat(xml, "</d>");
        (void)strcat(xml, "<e/></d></metadata></domain>");
        assert_int_equal(mt_domain_xml_parse(xml, &got, NULL), 0);
        assert_true(mt_elements_match(&got.id.metadata, &(struct mt_element_match){ "urn:d", "d/d/d", "", "" }));
        assert_true(mt_elements_match(&got.id.metadata, &(struct mt_element_match){ "urn:d", "d/e", "", "" }));
}

static const struct rule_case {
        const char *name, *match; /* of a rule that sets urgency */
        bool want;
        const char *message; /* when refused; NULL: it is good */
} rule_cases[] = {
        { "title", "title = \"Shop: *\";", true, NULL },
        { "another title", "title = \"Shop\";", false, NULL },
        { "metadata", "metadata = { namespace = \"" URI "\"; element = \"vm\"; attribute = \"tier\"; value = \"gold\"; };",
          true, NULL },
        { "metadata and title", "title = \"Blog: *\"; metadata = { namespace = \"" URI "\"; element = \"vm\"; };", false,
          NULL },
        { "metadata: text", "metadata = { namespace = \"" URI "\"; element = \"vm/tag\"; value = \"week*\"; };", true,
          NULL },
        { "title of nothing", "title = \"\";", false, "rule:1.match.title: expected text of 1 to 127 characters" },
        { "title as a number", "title = 3;", false, "rule:1.match.title: expected text of 1 to 127 characters" },
        { "metadata as text", "metadata = \"gold\";", false, "rule:1.match.metadata: expected a group { namespace = " },
        { "metadata of nothing", "metadata = { };", false, "rule:1.match.metadata: expected namespace and element in it" },
        { "no element", "metadata = { namespace = \"urn:a\"; };", false,
          "rule:1.match.metadata: expected namespace and element in it" },
        { "element with a prefix", "metadata = { namespace = \"urn:a\"; element = \"a:vm\"; };", false,
          "rule:1.match.metadata.element: expected names without prefix" },
        { "element with a slash too many", "metadata = { namespace = \"urn:a\"; element = \"vm/\"; };", false,
          "rule:1.match.metadata.element: expected names without prefix" },
        { "unknown member", "metadata = { uri = \"urn:a\"; element = \"vm\"; };", false,
          "rule:1.match.metadata.uri: unknown key, expected one of namespace, element, attribute, value" },
        { "unknown match", "label = \"a\";", false,
          "rule:1.match.label: unknown key, expected one of name, uuid, title, flavor, project, metadata" },
};

static void test_rule(void **state)
{
        const struct rule_case *c = *state;
        MT_CLEANUP(mt_config_done) struct mt_config config = { .n_rules = 0 };
        struct scratch scratch = scratch_new();
        struct mt_domain_xml vm;
        struct mt_err err = { 0 };
        struct mt_intent intent;
        char text[512];
        const char *path;
        int r;

        (void)snprintf(text, sizeof(text), "rules = ( { match = { %s }; set = { urgency = \"high\"; }; } );\n", c->match);
        path = scratch_write(&scratch, "r.conf", text, strlen(text));
        r = mt_config_load(path, &config, &err);
        scratch_done(&scratch);
        if (c->message != NULL) {
                assert_int_equal(r, -EINVAL);
                if (strstr(err.msg, c->message) == NULL)
                        fail_msg("got '%s', wanted '%s'", err.msg, c->message);
                return;
        }
        if (r < 0)
                fail_msg("%s", err.msg);
        assert_int_equal(mt_domain_xml_parse(domain_xml, &vm, NULL), 0);
        assert_int_equal(mt_config_intent(&config, &vm.id, NULL, &intent, NULL), 0);
        assert_int_equal(intent.urgency, c->want ? MT_URGENCY_HIGH : MT_URGENCY_MEDIUM);
}

int main(void)
{
        static const struct CMUnitTest others[] = { cmocka_unit_test(test_too_many), cmocka_unit_test(test_deep) };
        struct CMUnitTest tests[MT_ARRAY_SIZE(match_cases) + MT_ARRAY_SIZE(rule_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, match_cases, test_match);
        ADD_ROWS(tests, n, rule_cases, test_rule);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("elements", tests, n, NULL, NULL);
}
