/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names and addresses, and which URIs only open a connection. */
#include "measure/resolve.h"
#include "measure/uri.h"
#include "table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static const struct address_case {
        const char *name, *text;
        int family; /* 0: it is none */
} addresses[] = {
        { "IPv4", "10.0.0.2", AF_INET },
        { "IPv6", "fd00::2", AF_INET6 },
        { "a name", "localhost", 0 },
        { "nothing", "", 0 },
        { "more than an address", "10.0.0.2 x", 0 },
};

static void test_address(void **state)
{
        const struct address_case *c = *state;
        struct sockaddr_storage got = { .ss_family = 77 };

        assert_int_equal(mt_resolve_numeric(c->text, &got), c->family != 0 ? 0 : -EINVAL);
        assert_int_equal(got.ss_family, c->family != 0 ? c->family : 77);
}

/* Looks it up, however long that takes. */
static int look_up(const char *name, struct sockaddr_storage *ret, struct mt_err *err)
{
        struct mt_resolver *resolver = NULL;
        int r = mt_resolver_start(name, &resolver, err);

        assert_int_equal(r, 0);
        for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
                r = mt_resolver_take(resolver, ret, err);
                if (r != -EAGAIN)
                        return r;
                (void)usleep(10000);
        }
        mt_resolver_abandon(resolver);
        return -EAGAIN;
}

static void test_name(void **state)
{
        struct sockaddr_storage got = { 0 };
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(look_up("localhost", &got, &err), 0);
        assert_true(got.ss_family == AF_INET || got.ss_family == AF_INET6);
}

static void test_no_such_name(void **state)
{
        struct sockaddr_storage got = { .ss_family = 77 };
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(look_up("a..b", &got, &err), -ENOENT); /* no name server is asked for that */
        assert_int_equal(got.ss_family, 77);
        assert_true(strncmp(err.msg, "host 'a..b': ", 13) == 0);
}

static void test_long_name(void **state)
{
        struct mt_resolver *resolver = NULL;
        struct mt_err err = { 0 };
        char name[400];

        (void)state;
        (void)memset(name, 'x', sizeof(name));
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(mt_resolver_start(name, &resolver, &err), -ENAMETOOLONG);
        assert_null(resolver);
}

/* Those that nobody waits for end by themselves; under a sanitizer, without a leak. */
static void test_abandon(void **state)
{
        struct mt_err err = { 0 };

        (void)state;
        mt_resolver_abandon(NULL);
        for (int i = 0; i < 50; i++) {
                struct mt_resolver *resolver = NULL;

                if (mt_resolver_start("localhost", &resolver, &err) < 0)
                        assert_int_equal(err.code, EBUSY); /* there is a bound on them */
                mt_resolver_abandon(resolver);
        }
        (void)usleep(200000);
}

static const struct plain_case {
        const char *name, *uri;
        bool want;
} plains[] = {
        { "TLS", "qemu+tls://b/system", true },
        { "TLS, by default", "qemu://b/system", true },
        { "TCP with a port", "qemu+tcp://10.0.0.2:16509/system", true },
        { "IPv6", "qemu+tcp://[fd00::2]/system", true },
        { "ssh runs a program", "qemu+ssh://b/system", false },
        { "so does ext", "qemu+ext://b/system?command=/tmp/x", false },
        { "a query may name one", "qemu+tls://b/system?command=/tmp/x", false },
        { "an empty query", "qemu+tls://b/system?", false },
        { "a unix socket", "qemu+unix:///system", false },
        { "this host", "qemu:///system", false },
        { "another driver", "test://b/default", false },
        { "a session", "qemu+tls://b/session", false },
        { "nothing", "", false },
};

static void test_plain(void **state)
{
        const struct plain_case *c = *state;

        assert_int_equal(mt_uri_is_plain(c->uri), c->want);
}

int main(void)
{
        struct CMUnitTest tests[sizeof(addresses) / sizeof(addresses[0]) + sizeof(plains) / sizeof(plains[0]) + 4];
        size_t n = 0;

        ADD_ROWS(tests, n, addresses, test_address);
        ADD_ROWS(tests, n, plains, test_plain);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_name);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_such_name);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_long_name);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_abandon);
        return _cmocka_run_group_tests("resolve", tests, n, NULL, NULL);
}
