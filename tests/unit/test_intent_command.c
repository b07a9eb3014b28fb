/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* migtune set and migtune get, against libvirt's test driver; and what they do to a policy element. */
#include "command/commands.h"
#include "array.h"
#include "cleanup.h"
#include "command/member.h"
#include "config.h"
#include "measure/policy_xml.h"
#include "records.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#define RUN(command, ...) records_run(command, config_file, 0, (const char *const[]){ __VA_ARGS__, NULL })
#define SET(...) RUN(mt_command_set, "--connect", "test:///default", __VA_ARGS__)
#define GET(...) RUN(mt_command_get, "--connect", "test:///default", __VA_ARGS__)

static const struct edit_case {
        const char *name, *xml;
        struct mt_policy_change change;
        const char *want; /* NULL: nothing is left; "": refused */
} edits[] = {
        { "the first", NULL, { "urgency", "high" }, "<policy urgency=\"high\"/>" },
        { "underscores", NULL, { "max_downtime", "9ms" }, "<policy max-downtime=\"9ms\"/>" },
        { "another stays", "<policy mode='off'/>", { "urgency", "low" }, "<policy mode=\"off\" urgency=\"low\"/>" },
        { "a new value",
          "<policy urgency='low' mode='off'/>",
          { "urgency", "high" },
          "<policy mode=\"off\" urgency=\"high\"/>" },
        { "of either spelling",
          "<policy max_downtime='1s' max-downtime='2s'/>",
          { "max_downtime", "3s" },
          "<policy max-downtime=\"3s\"/>" },
        { "removed", "<policy max-downtime='1s' mode='off'/>", { "max_downtime", NULL }, "<policy mode=\"off\"/>" },
        { "the last is removed", "<policy max-downtime='1s'/>", { "max-downtime", NULL }, NULL },
        { "what was not there", NULL, { "urgency", NULL }, NULL },
        { "an unknown one is removed",
          "<policy urgancy='high' mode='off'/>",
          { "urgancy", NULL },
          "<policy mode=\"off\"/>" },
        { "children stay",
          "<policy mode='off'><note>mine</note></policy>",
          { "mode", NULL },
          "<policy><note>mine</note></policy>" },
        { "with its namespace",
          "<m:policy xmlns:m='urn:migtune:policy:1' mode='off'/>",
          { "urgency", "low" },
          "<m:policy xmlns:m=\"urn:migtune:policy:1\" mode=\"off\" urgency=\"low\"/>" },
        { "quotes are escaped", NULL, { "cost_table", "\"<" }, "<policy cost-table=\"&quot;&lt;\"/>" },
        { "another element", "<police/>", { "urgency", "low" }, "" },
        { "no XML", "<policy", { "urgency", "low" }, "" },
        { "a document type", "<!DOCTYPE policy [<!ENTITY a \"b\">]><policy/>", { "urgency", "low" }, "" },
};

static void test_edit(void **state)
{
        const struct edit_case *c = *state;
        MT_CLEANUP(mt_freep) char *got = NULL;
        struct mt_err err = { 0 };
        int r = mt_policy_xml_change(c->xml, &c->change, 1, &got, &err);

        if (c->want != NULL && c->want[0] == '\0') {
                assert_int_equal(r, -EINVAL);
                assert_non_null(strstr(err.msg, "expected an element <policy>"));
                return;
        }
        assert_int_equal(r, 0);
        if (c->want == NULL)
                assert_null(got);
        else
                assert_string_equal(got, c->want);
}

static struct scratch scratch;
static const char *config_file;
static virConnectPtr connection; /* the driver forgets all when its last connection is closed */
static virDomainPtr domain;

static void ignore_error(void *ctx, virErrorPtr error)
{
        (void)ctx;
        (void)error;
}

static int setup(void **state)
{
        static const char conf[] = "migration = { max_downtime = \"200ms\"; };\n"
                                   "rules = ( { match = { name = \"te*\"; }; set = { urgency = \"low\"; }; } );\n";

        (void)state;
        virSetErrorFunc(NULL, ignore_error);
        scratch = scratch_new();
        config_file = scratch_write(&scratch, "migtune.conf", conf, strlen(conf));
        connection = virConnectOpen("test:///default");
        assert_non_null(connection);
        domain = virDomainLookupByName(connection, "test");
        assert_non_null(domain);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        (void)virDomainFree(domain);
        (void)virConnectClose(connection);
        scratch_done(&scratch);
        return 0;
}

/* The policy as `virsh metadata` shows it; "": none. */
static const char *policy(unsigned flags)
{
        static char text[512];
        char *xml = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, MT_POLICY_NAMESPACE, flags);

        (void)snprintf(text, sizeof(text), "%s", xml != NULL ? xml : "");
        free(xml);
        return text;
}

static void forget(void)
{
        (void)virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, NULL, "migtune", MT_POLICY_NAMESPACE,
                                   VIR_DOMAIN_AFFECT_LIVE);
        (void)virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, NULL, "migtune", MT_POLICY_NAMESPACE,
                                   VIR_DOMAIN_AFFECT_CONFIG);
}

static void test_set(void **state)
{
        (void)state;
        forget();
        assert_int_equal(SET("test", "urgency=high", "max_downtime=50ms"), 0);
        assert_string_equal(records_err, "");
        assert_non_null(strstr(records_out, "test, the running VM: <policy urgency=\"high\" max-downtime=\"50ms\"/>\n"));
        assert_non_null(strstr(records_out, "test, its definition: <policy urgency=\"high\" max-downtime=\"50ms\"/>\n"));
        assert_non_null(strstr(policy(VIR_DOMAIN_AFFECT_LIVE), "urgency=\"high\" max-downtime=\"50ms\""));
        assert_non_null(strstr(policy(VIR_DOMAIN_AFFECT_CONFIG), "urgency=\"high\" max-downtime=\"50ms\""));
        assert_int_equal(SET("test", "max-downtime=70ms"), 0);
        assert_non_null(strstr(policy(VIR_DOMAIN_AFFECT_LIVE), "urgency=\"high\" max-downtime=\"70ms\""));
        assert_int_equal(SET("test", "urgency=", "--unset", "max_downtime"), 0);
        assert_non_null(strstr(records_out, "test, the running VM: no policy\n"));
        assert_string_equal(policy(VIR_DOMAIN_AFFECT_LIVE), "");
        assert_string_equal(policy(VIR_DOMAIN_AFFECT_CONFIG), "");
}

/* The running VM's and the definition's own attributes stay apart; other metadata stays. */
static void test_set_keeps(void **state)
{
        static const char other[] = "<vm tier=\"gold\"/>";
        char *xml;

        (void)state;
        forget();
        assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "<policy mode='observe'/>", "migtune",
                                              MT_POLICY_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE),
                         0);
        assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, other, "acme", "urn:acme:1",
                                              VIR_DOMAIN_AFFECT_LIVE),
                         0);
        assert_int_equal(SET("test", "urgency=high"), 0);
        assert_non_null(strstr(policy(VIR_DOMAIN_AFFECT_LIVE), "mode=\"observe\" urgency=\"high\""));
        assert_null(strstr(policy(VIR_DOMAIN_AFFECT_CONFIG), "mode"));
        xml = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "urn:acme:1", VIR_DOMAIN_AFFECT_LIVE);
        assert_non_null(xml);
        assert_non_null(strstr(xml, "tier=\"gold\""));
        free(xml);
}

static const struct bad_case {
        const char *name;
        const char *arguments[4];
        int want;
        const char *message;
} bad_sets[] = {
        { "nothing to set", { "test" }, 2, "'test': expected key=value, or --unset KEY, after it, see migtune " },
        { "no key=value", { "test", "urgency" }, 2, "'urgency': expected key=value, or key= to remove it" },
        { "unknown key", { "test", "urgancy=high" }, 2, "'urgancy=high': unknown key, expected one of mode, lambda_low" },
        { "a file's key", { "test", "keep=3" }, 2, "'keep=3': unknown key" },
        { "a bad word", { "test", "urgency=hgih" }, 2, "urgency: expected \"high\", \"medium\" or \"low\", found \"hgih\"" },
        { "a bare number", { "test", "max_downtime=300" }, 2, "max_downtime: expected a time such as \"300ms\"" },
        { "twice", { "test", "urgency=low", "urgency=high" }, 2, "'urgency=high': expected each key once" },
        { "against the defaults",
          { "test", "lambda_low=0.5" },
          2,
          "domain 'test': metadata: lambda_low: expected less than lambda.high" },
        { "unset of what is not there",
          { "test", "--unset", "urgancy" },
          2,
          "domain 'test': urgancy: unknown key, and there is no such attribute to remove" },
        { "unset of nothing", { "test", "--unset" }, 2, "'--unset': its value is missing" },
        { "no such domain", { "nobody", "urgency=low" }, 1, "domain 'nobody': not found at test:///default" },
        { "unknown option", { "test", "--json" }, 2, "'--json': unknown option" },
};

static void test_bad_set(void **state)
{
        const struct bad_case *c = *state;
        char before[512];

        (void)snprintf(before, sizeof(before), "%s", policy(VIR_DOMAIN_AFFECT_LIVE));
        assert_int_equal(SET(c->arguments[0], c->arguments[1], c->arguments[2], c->arguments[3]), c->want);
        assert_string_equal(records_out, "");
        assert_int_equal(records_lines(records_err), 1);
        assert_int_equal(strncmp(records_err, "migtune ", 8), 0);
        if (strstr(records_err, c->message) == NULL)
                fail_msg("got '%s', wanted '%s'", records_err, c->message);
        assert_string_equal(policy(VIR_DOMAIN_AFFECT_LIVE), before);
}

static void test_get(void **state)
{
        (void)state;
        forget();
        assert_int_equal(SET("test", "max_downtime=50ms"), 0);
        assert_int_equal(GET("test"), 0);
        assert_string_equal(records_err, "");
        assert_non_null(strstr(records_out, "max_downtime            50ms            the VM's metadata\n"));
        assert_non_null(strstr(records_out, "urgency                 low             rule 1 (migtune.conf:2)\n"));
        assert_non_null(strstr(records_out, "exceed_downtime         2s              built-in\n"));
        assert_int_equal(SET("test", "max_downtime="), 0);
        assert_int_equal(GET("test", "max-downtime"), 0);
        assert_string_equal(records_out, "max_downtime            200ms           migtune.conf:1\n");
        assert_int_equal(GET("test", "deadline"), 0);
        assert_int_equal(records_lines(records_out), 3);
        assert_int_equal(GET("test", "urgancy"), 2);
        assert_non_null(strstr(records_err, "'urgancy': unknown key, expected one of"));
        assert_int_equal(GET("nobody"), 1);
        assert_int_equal(records_run(mt_command_get, "/nonexistent/migtune.conf", 0,
                                     (const char *const[]){ "--connect", "test:///default", "test", NULL }),
                         1);
        assert_non_null(strstr(records_err, "/nonexistent/migtune.conf"));
}

/* Metadata that somebody wrote with virsh, and that is wrong. */
static void test_get_refused(void **state)
{
        json_object *o;

        (void)state;
        forget();
        assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, "<policy mode='off' urgancy='high'/>",
                                              "migtune", MT_POLICY_NAMESPACE, VIR_DOMAIN_AFFECT_LIVE),
                         0);
        assert_int_equal(GET("--json", "test", "mode"), 1);
        o = json_tokener_parse(records_out);
        assert_string_equal(mt_member_text(o, "intent/mode/value"), "enforce");
        assert_string_equal(mt_member_text(o, "intent/mode/origin"), "built-in");
        assert_non_null(strstr(mt_member_text(o, "metadata_error"), "metadata: urgancy: unknown key"));
        assert_int_equal(json_object_object_length(mt_member(o, "intent")), 1);
        (void)json_object_put(o);
        assert_int_equal(SET("test", "urgency=high"), 2); /* it would be refused with it */
        assert_int_equal(SET("test", "--unset=urgancy", "urgency=high"), 0);
        assert_int_equal(GET("test", "mode"), 0);
        assert_string_equal(records_out, "mode                    off             the VM's metadata\n");
}

static void test_help(void **state)
{
        (void)state;
        assert_int_equal(SET("--help"), 0);
        assert_non_null(strstr(records_out, "usage: migtune set DOMAIN key=value"));
        assert_int_equal(GET("--help"), 0);
        assert_non_null(strstr(records_out, "usage: migtune get DOMAIN [KEY]"));
}

int main(void)
{
        static const struct CMUnitTest plain[] = { cmocka_unit_test(test_set), cmocka_unit_test(test_set_keeps),
                                                   cmocka_unit_test(test_get), cmocka_unit_test(test_get_refused),
                                                   cmocka_unit_test(test_help) };
        struct CMUnitTest tests[MT_ARRAY_SIZE(edits) + MT_ARRAY_SIZE(bad_sets) + MT_ARRAY_SIZE(plain)];
        size_t n = 0;

        ADD_ROWS(tests, n, edits, test_edit);
        ADD_ROWS(tests, n, bad_sets, test_bad_set);
        for (size_t i = 0; i < MT_ARRAY_SIZE(plain); i++)
                tests[n++] = plain[i];
        return _cmocka_run_group_tests("intent_command", tests, n, setup, teardown);
}
