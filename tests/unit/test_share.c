/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cleanup.h"
#include "measure/share.h"
#include "scratch.h"
#include "table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/stat.h>

#define NOW UINT64_C(1700000000000)
#define MBIT UINT64_C(125000)
#define NAME "migtune-b.json"
#define UPLINK "{\"device\":\"eth0\",\"addresses\":[\"10.0.0.2\"],\"in_mbps\":500,\"out_mbps\":0.5,\"age_ms\":7}"
#define ODD_UPLINK(addresses, in, age) "{\"addresses\":[" addresses "],\"in_mbps\":" in ",\"out_mbps\":0,\"age_ms\":" age "}"
#define GOOD_ADDRESS "\"10.0.0.2\""
#define SENDS(sends) "{\"version\":1,\"host\":\"b\",\"at_ms\":1700000000000,\"uplinks\":[" UPLINK "],\"sends\":" sends "}"
#define SAMPLE(uplinks) "{\"version\":1,\"host\":\"b\",\"at_ms\":1700000000000,\"uplinks\":[" uplinks "]}"

static struct in6_addr address(const char *text)
{
        struct sockaddr_in in4 = { .sin_family = AF_INET };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
        struct in6_addr made = { 0 };

        if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
                assert_true(mt_share_address((const struct sockaddr *)&in4, &made));
        else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
                assert_true(mt_share_address((const struct sockaddr *)&in6, &made));
        else
                fail_msg("no address: %s", text);
        return made;
}

/* A host with an IPv4 and an IPv6 address on one uplink, and one of another uplink whose traffic is not known. */
static struct mt_share_sample sample_of(const char *first, const char *second, uint64_t in_bytes_s)
{
        struct mt_share_sample sample = {
                .n = 2,
                .uplink = { { .device = "eth0",
                              .n = 2,
                              .known = true,
                              .in_bytes_s = in_bytes_s,
                              .out_bytes_s = 3 * MBIT,
                              .age_ms = 400 },
                            { .device = "eth1", .n = 1, .known = false } },
        };

        sample.uplink[0].address[0] = address(first);
        sample.uplink[0].address[1] = address(second);
        sample.uplink[1].address[0] = address("172.16.0.1");
        return sample;
}

static struct mt_traffic_fact look_up(const char *dir, const char *text, uint64_t wall_ms)
{
        MT_CLEANUP(mt_share_done) struct mt_share share = { .n = 0 };
        struct in6_addr wanted = address(text);

        assert_int_equal(mt_share_read(dir, "", &share, NULL), 0);
        assert_int_equal(share.broken, 0);
        return mt_share_find(&share, &wanted, wall_ms);
}

static const struct find_case {
        const char *name;
        const char *address;
        int64_t later_ms; /* the reader's clock against the writer's */
        bool known;
        uint64_t age_ms;
} find_cases[] = {
        { "at once", "10.0.0.2", 0, true, 400 },
        { "a second later", "10.0.0.2", 1000, true, 1400 },
        { "as old as may be", "10.0.0.2", 5000, true, 5400 },
        { "too old", "10.0.0.2", 5001, false, 0 },
        { "long ago", "10.0.0.2", INT64_C(86400000), false, 0 },
        { "the reader's clock is behind a little", "10.0.0.2", -5000, true, 400 },
        { "the reader's clock is behind too much", "10.0.0.2", -5001, false, 0 },
        { "the IPv6 address", "fd00::2", 0, true, 400 },
        { "the IPv6 address written otherwise", "fd00:0:0:0::0:2", 0, true, 400 },
        { "IPv4 mapped into IPv6", "::ffff:10.0.0.2", 0, true, 400 },
        { "another host", "10.0.0.3", 0, false, 0 },
        { "the same digits in front", "10.0.0.20", 0, false, 0 },
        { "an uplink that is not known", "172.16.0.1", 0, false, 0 },
};

static void test_find(void **state)
{
        const struct find_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.2", "fd00::2", 500 * MBIT);
        struct mt_traffic_fact fact;

        assert_int_equal(mt_share_write(scratch.dir, "b", &sample, NOW, NULL), 0);
        fact = look_up(scratch.dir, c->address, (uint64_t)((int64_t)NOW + c->later_ms));
        assert_int_equal(fact.known, c->known);
        assert_int_equal(fact.source, c->known ? MT_TRAFFIC_SHARE : MT_TRAFFIC_UNKNOWN);
        assert_true(fact.age_ms == c->age_ms);
        assert_true(fact.in_bytes_s == (c->known ? 500 * MBIT : 0) && fact.out_bytes_s == (c->known ? 3 * MBIT : 0));
}

static const struct file_case {
        const char *name;
        const char *text;
        unsigned known; /* is 10.0.0.2 known then? */
        const char *wrong;
} file_cases[] = {
        { "a good one", SAMPLE(UPLINK), 1, NULL },
        { "keys of a later time", "{\"version\":1,\"x\":[],\"at_ms\":1700000000000,\"uplinks\":[" UPLINK "]}", 1, NULL },
        { "no uplinks", SAMPLE(""), 0, NULL },
        { "empty", "", 0, "is not a JSON object" },
        { "the first half", "{\"version\":1,\"host\":\"b\",\"at_ms\":17000", 0, "is not a JSON object" },
        { "not JSON", "hello", 0, "is not a JSON object" },
        { "an array", "[1]", 0, "is not a JSON object" },
        { "nested too deep", "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", 0, "is not a JSON object" },
        { "no version", "{\"at_ms\":1700000000000,\"uplinks\":[]}", 0, "is of another version" },
        { "another version", "{\"version\":2,\"at_ms\":1700000000000,\"uplinks\":[]}", 0, "is of another version" },
        { "no time", "{\"version\":1,\"uplinks\":[]}", 0, "lacks its time or uplinks" },
        { "time as text", "{\"version\":1,\"at_ms\":\"1700000000000\",\"uplinks\":[]}", 0, "lacks its time or uplinks" },
        { "time before time", "{\"version\":1,\"at_ms\":-1,\"uplinks\":[]}", 0, "lacks its time or uplinks" },
        { "uplinks no array", "{\"version\":1,\"at_ms\":1700000000000,\"uplinks\":{}}", 0, "lacks its time or uplinks" },
        { "too many uplinks", SAMPLE("{},{},{},{},{},{},{},{},{}"), 0, "lacks its time or uplinks" },
        { "uplink no object", SAMPLE("1"), 0, "has a wrong uplink" },
        { "one good uplink, one bad", SAMPLE(UPLINK ",{}"), 0, "has a wrong uplink" },
        { "negative traffic", SAMPLE(ODD_UPLINK(GOOD_ADDRESS, "-1", "0")), 0, "has a wrong uplink" },
        { "traffic without bounds", SAMPLE(ODD_UPLINK(GOOD_ADDRESS, "1e300", "0")), 0, "has a wrong uplink" },
        { "traffic that is no number", SAMPLE(ODD_UPLINK(GOOD_ADDRESS, "NaN", "0")), 0, "has a wrong uplink" },
        { "traffic as text", SAMPLE(ODD_UPLINK(GOOD_ADDRESS, "\"1\"", "0")), 0, "has a wrong uplink" },
        { "no age", SAMPLE("{\"addresses\":[\"10.0.0.2\"],\"in_mbps\":1,\"out_mbps\":0}"), 0, "has a wrong uplink" },
        { "an age of years", SAMPLE(ODD_UPLINK(GOOD_ADDRESS, "1", "99999999999")), 0, "has a wrong uplink" },
        { "address no text", SAMPLE(ODD_UPLINK("1", "1", "0")), 0, "has a wrong uplink" },
        { "address a name", SAMPLE(ODD_UPLINK("\"b\"", "1", "0")), 0, "has a wrong uplink" },
        { "migrations of an earlier version", SAMPLE(UPLINK), 1, NULL },
        { "migrations", SENDS("[{\"to\":\"10.0.0.7\",\"migrations\":1,\"mbps\":8.5}]"), 1, NULL },
        { "migrations no array", SENDS("{}"), 0, "has a wrong member sends" },
        { "migrations to nowhere", SENDS("[{\"to\":\"there\",\"migrations\":1,\"mbps\":8.5}]"), 0,
          "has a wrong member sends" },
        { "half a migration", SENDS("[{\"to\":\"10.0.0.7\",\"migrations\":0.5,\"mbps\":8.5}]"), 0,
          "has a wrong member sends" },
        { "a migration without a rate", SENDS("[{\"to\":\"10.0.0.7\",\"migrations\":1}]"), 0, "has a wrong member sends" },
        { "everybody's loopback", SAMPLE(ODD_UPLINK("\"127.0.0.1\"", "1", "0")), 0, "has a wrong uplink" },
};

/* Whatever one file is, the other host's is read. */
static void test_file(void **state)
{
        const struct file_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_share_done) struct mt_share share = { .n = 0 };
        const struct mt_share_sample other = sample_of("10.0.0.9", "fd00::9", MBIT);
        struct in6_addr wanted = address("10.0.0.2"), good = address("10.0.0.9");
        struct mt_traffic_fact fact;

        assert_int_equal(mt_share_write(scratch.dir, "other", &other, NOW, NULL), 0);
        (void)scratch_write(&scratch, NAME, c->text, strlen(c->text));
        assert_int_equal(mt_share_read(scratch.dir, "", &share, NULL), 0);
        fact = mt_share_find(&share, &wanted, NOW);
        assert_int_equal(fact.known, c->known);
        if (c->known)
                assert_true(fact.in_bytes_s == 500 * MBIT && fact.out_bytes_s == MBIT / 2 && fact.age_ms == 7);
        assert_true(mt_share_find(&share, &good, NOW).known);
        assert_int_equal(share.broken, c->wrong != NULL);
        if (c->wrong != NULL) {
                assert_non_null(strstr(share.first_broken, c->wrong));
                assert_non_null(strstr(share.first_broken, NAME));
        }
}

static const struct others_case {
        const char *name;
        const char *own; /* the reader's host */
        const char *to;
        int64_t later_ms;
        unsigned migrations;
        uint64_t mbit;
} others_cases[] = {
        { "two hosts send there", "c", "10.0.0.7", 0, 3, 700 }, { "one of them is the reader", "a", "10.0.0.7", 0, 2, 300 },
        { "the other one is", "b", "10.0.0.7", 0, 1, 400 },     { "by its IPv6 address", "c", "fd00::7", 0, 1, 50 },
        { "nobody sends there", "c", "10.0.0.8", 0, 0, 0 },     { "too old", "c", "10.0.0.7", 5001, 0, 0 },
        { "from the future", "c", "10.0.0.7", -5001, 0, 0 },
};

/* What others plan to send to one destination is summed up, without what the reader itself sends. */
static void test_others(void **state)
{
        const struct others_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_share_done) struct mt_share share = { .n = 0 };
        struct mt_share_sample a = sample_of("10.0.0.1", "fd00::1", 0), b = sample_of("10.0.0.2", "fd00::2", 0);
        struct in6_addr to = address(c->to);
        struct mt_share_send sum;

        a.n_sends = 1;
        a.send[0] = (struct mt_share_send){ address("10.0.0.7"), 1, 400 * MBIT };
        b.n_sends = 2;
        b.send[0] = (struct mt_share_send){ address("10.0.0.7"), 2, 300 * MBIT };
        b.send[1] = (struct mt_share_send){ address("fd00::7"), 1, 50 * MBIT };
        assert_int_equal(mt_share_write(scratch.dir, "a", &a, NOW, NULL), 0);
        assert_int_equal(mt_share_write(scratch.dir, "b", &b, NOW, NULL), 0);
        assert_int_equal(mt_share_read(scratch.dir, c->own, &share, NULL), 0);
        assert_int_equal(share.broken, 0);
        sum = mt_share_others(&share, &to, (uint64_t)((int64_t)NOW + c->later_ms));
        assert_int_equal(sum.migrations, c->migrations);
        assert_true(sum.bytes_s == c->mbit * MBIT);
}

static const struct host_case {
        const char *name;
        const char *host;
        const char *file; /* NULL: refused */
} host_cases[] = {
        { "a plain name", "host-b", "migtune-host-b.json" },
        { "a full name", "b.example.org", "migtune-b.example.org.json" },
        { "a slash", "a/b", "migtune-a%2Fb.json" },
        { "up and away", "../../etc/passwd", "migtune-..%2F..%2Fetc%2Fpasswd.json" },
        { "dots", "..", "migtune-...json" },
        { "a space and a line", "a b\n", "migtune-a%20b%0A.json" },
        { "UTF-8", "h\xc3\xb6st", "migtune-h%C3%B6st.json" },
        { "percent", "a%2Fb", "migtune-a%252Fb.json" },
        { "no name", "", NULL },
        { "a name too long",
          "////////////////////////////////////////////////////////////////////////////////////////////////////////////////",
          NULL },
};

static void test_host(void **state)
{
        const struct host_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.2", "fd00::2", MBIT);
        struct mt_err err = { 0 };
        struct stat st;
        int r = mt_share_write(scratch.dir, c->host, &sample, NOW, &err);

        if (c->file == NULL) {
                assert_true(r < 0);
                assert_non_null(strstr(err.msg, scratch.dir));
                assert_int_equal(rmdir(scratch.dir), 0); /* it is empty */
                scratch.dir[0] = '\0';
                return;
        }
        assert_int_equal(r, 0);
        assert_int_equal(lstat(scratch_path(&scratch, c->file), &st), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(st.st_mode & 07777, 0644);
        assert_true(look_up(scratch.dir, "10.0.0.2", NOW).known);
        assert_int_equal(mt_share_remove(scratch.dir, c->host, NULL), 0);
        assert_int_equal(mt_share_remove(scratch.dir, c->host, NULL), 0);
        assert_int_equal(rmdir(scratch.dir), 0);
        scratch.dir[0] = '\0';
}

/* What lies in the directory under our names, and is no file to be read. */
enum lure { FIFO, SYMLINK, DIRECTORY, HUGE_FILE, DEVICE_LINK };

static const struct lure_case {
        const char *name;
        enum lure lure;
        const char *wrong;
} lure_cases[] = {
        { "a FIFO does not block", FIFO, "is not a regular file" },
        { "a symlink is not followed", SYMLINK, "is not a regular file" },
        { "a directory", DIRECTORY, "is not a regular file" },
        { "a huge file is not read", HUGE_FILE, "is too large" },
        { "a symlink to a device", DEVICE_LINK, "is not a regular file" },
};

static void test_lure(void **state)
{
        const struct lure_case *c = *state;
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_share_done) struct mt_share share = { .n = 0 };
        const char *path = scratch_path(&scratch, NAME);
        const char *target = scratch_write(&scratch, "sample", SAMPLE(UPLINK), strlen(SAMPLE(UPLINK)));
        struct in6_addr wanted = address("10.0.0.2");

        if (c->lure == FIFO)
                assert_int_equal(mkfifo(path, 0644), 0);
        else if (c->lure == DIRECTORY)
                assert_int_equal(mkdir(path, 0755), 0);
        else if (c->lure == HUGE_FILE)
                assert_int_equal(truncate(scratch_write(&scratch, NAME, "{}", 2), 1L << 40), 0);
        else
                assert_int_equal(symlink(c->lure == SYMLINK ? target : "/dev/zero", path), 0);
        assert_int_equal(mt_share_read(scratch.dir, "", &share, NULL), 0);
        assert_false(mt_share_find(&share, &wanted, NOW).known);
        assert_int_equal(share.broken, 1);
        assert_non_null(strstr(share.first_broken, c->wrong));
}

static void test_foreign_names(void **state)
{
        static const char *const names[] = { "b.json",    "migtune-.json", "migtune-b.json.new", ".migtune-b.json.new",
                                             "migtune-b", "notes" };
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        MT_CLEANUP(mt_share_done) struct mt_share share = { .n = 0 };

        (void)state;
        for (size_t i = 0; i < MT_ARRAY_SIZE(names); i++)
                (void)scratch_write(&scratch, names[i], SAMPLE(UPLINK), strlen(SAMPLE(UPLINK)));
        assert_int_equal(mt_share_read(scratch.dir, "", &share, NULL), 0);
        assert_int_equal(share.n, 0);
        assert_int_equal(share.broken, 0);
}

static void test_two_hosts_claim_an_address(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample b = sample_of("10.0.0.2", "192.168.122.1", MBIT);
        const struct mt_share_sample c = sample_of("10.0.0.3", "192.168.122.1", 2 * MBIT);

        (void)state;
        assert_int_equal(mt_share_write(scratch.dir, "b", &b, NOW, NULL), 0);
        assert_int_equal(mt_share_write(scratch.dir, "c", &c, NOW + 3000, NULL), 0);
        assert_true(look_up(scratch.dir, "10.0.0.2", NOW + 3000).in_bytes_s == MBIT);
        assert_true(look_up(scratch.dir, "10.0.0.3", NOW + 3000).in_bytes_s == 2 * MBIT);
        assert_false(look_up(scratch.dir, "192.168.122.1", NOW + 3000).known);
        assert_true(look_up(scratch.dir, "192.168.122.1", NOW + 6000).in_bytes_s == 2 * MBIT); /* b is gone by then */
}

/* A replaced file is a new one: who has the old one open goes on reading the old one. */
static void test_replaced_as_a_whole(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample one = sample_of("10.0.0.2", "fd00::2", MBIT);
        const struct mt_share_sample two = sample_of("10.0.0.2", "fd00::2", 2 * MBIT);
        char before[4096], after[4096];
        const char *path = scratch_path(&scratch, NAME);
        ssize_t n, m;
        int fd;

        (void)state;
        assert_int_equal(mt_share_write(scratch.dir, "b", &one, NOW, NULL), 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = pread(fd, before, sizeof(before), 0);
        assert_true(n > 0);
        assert_int_equal(mt_share_write(scratch.dir, "b", &two, NOW, NULL), 0);
        m = pread(fd, after, sizeof(after), 0);
        assert_int_equal(m, n);
        assert_memory_equal(before, after, (size_t)n);
        (void)close(fd);
        assert_true(look_up(scratch.dir, "10.0.0.2", NOW).in_bytes_s == 2 * MBIT);
        assert_int_equal(mt_share_remove(scratch.dir, "b", NULL), 0);
        assert_int_equal(rmdir(scratch.dir), 0); /* no temporary file either */
        scratch.dir[0] = '\0';
}

/* A link where the temporary file goes must not make us write elsewhere. */
static void test_temporary_file_is_a_lure(void **state)
{
        MT_CLEANUP(scratch_done) struct scratch scratch = scratch_new();
        const struct mt_share_sample sample = sample_of("10.0.0.2", "fd00::2", MBIT);
        const char *victim = scratch_write(&scratch, "victim", "precious", 8);
        MT_CLEANUP(mt_freep) char *text = NULL;

        (void)state;
        assert_int_equal(symlink(victim, scratch_path(&scratch, "." NAME ".new")), 0);
        assert_int_equal(mt_share_write(scratch.dir, "b", &sample, NOW, NULL), 0);
        text = scratch_read(victim, NULL);
        assert_string_equal(text, "precious");
        assert_true(look_up(scratch.dir, "10.0.0.2", NOW).known);
}

static void test_no_directory(void **state)
{
        const struct mt_share_sample sample = sample_of("10.0.0.2", "fd00::2", MBIT);
        struct mt_share share = { .n = 7 };
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_share_write("/nowhere/at/all", "b", &sample, NOW, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "/nowhere/at/all"));
        assert_int_equal(mt_share_read("/nowhere/at/all", "", &share, &err), -ENOENT);
        assert_int_equal(share.n, 7);
        assert_int_equal(mt_share_remove("/nowhere/at/all", "b", &err), -ENOENT);
}

static void test_addresses_that_do_not_count(void **state)
{
        static const char *const none[] = { "::1", "::", "fe80::1" };
        struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        const struct sockaddr other = { .sa_family = AF_UNIX };
        struct in6_addr made;

        (void)state;
        assert_false(mt_share_address((const struct sockaddr *)&in4, &made));
        assert_false(mt_share_address(&other, &made));
        for (size_t i = 0; i < MT_ARRAY_SIZE(none); i++) {
                struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

                assert_int_equal(inet_pton(AF_INET6, none[i], &in6.sin6_addr), 1);
                assert_false(mt_share_address((const struct sockaddr *)&in6, &made));
        }
}

int main(void)
{
        static const struct CMUnitTest others[] = {
                cmocka_unit_test(test_foreign_names),       cmocka_unit_test(test_two_hosts_claim_an_address),
                cmocka_unit_test(test_replaced_as_a_whole), cmocka_unit_test(test_temporary_file_is_a_lure),
                cmocka_unit_test(test_no_directory),        cmocka_unit_test(test_addresses_that_do_not_count),
        };
        struct CMUnitTest tests[MT_ARRAY_SIZE(find_cases) + MT_ARRAY_SIZE(file_cases) + MT_ARRAY_SIZE(others_cases) +
                                MT_ARRAY_SIZE(host_cases) + MT_ARRAY_SIZE(lure_cases) + MT_ARRAY_SIZE(others)];
        size_t n = 0;

        ADD_ROWS(tests, n, find_cases, test_find);
        ADD_ROWS(tests, n, file_cases, test_file);
        ADD_ROWS(tests, n, others_cases, test_others);
        ADD_ROWS(tests, n, host_cases, test_host);
        ADD_ROWS(tests, n, lure_cases, test_lure);
        for (size_t i = 0; i < MT_ARRAY_SIZE(others); i++)
                tests[n++] = others[i];
        return _cmocka_run_group_tests("share", tests, n, NULL, NULL);
}
