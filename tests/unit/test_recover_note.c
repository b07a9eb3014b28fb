/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The note for the next watcher: what is written is read, what is not ours is refused, what nobody needs goes. */
#include "scratch.h"
#include "steer/recover_note.h"

#include <errno.h>

#define UUID "8a4fd9a2-3d5c-4f5e-9b1a-0c6f2f1d7e90"
#define OTHER "00000000-3d5c-4f5e-9b1a-0c6f2f1d7e90"

static const struct note_case {
        const char *name;
        struct mt_recover_note note;
} notes[] = {
        { "all of it", { "10.0.0.2", "qemu+tls://host2/system", "tcp://10.1.0.2", 0x1801b } },
        { "the peer alone", { .peer = "fd77::2" } },
        { "nothing", { .flags = 0 } },
        { "quotes and others", { .uri = "qemu://h\"\\\n/system" } },
};

static void test_round_trip(void **state)
{
        const struct note_case *c = *state;
        struct scratch scratch = scratch_new();
        struct mt_recover_note got;
        struct stat st;

        assert_int_equal(mt_recover_note_read(scratch.dir, UUID, &got, NULL), -ENOENT);
        assert_int_equal(mt_recover_note_write(scratch.dir, UUID, &(struct mt_recover_note){ .peer = "before" }, NULL), 0);
        assert_int_equal(mt_recover_note_write(scratch.dir, UUID, &c->note, NULL), 0);
        assert_int_equal(stat(scratch_path(&scratch, "post-copy-" UUID), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(mt_recover_note_read(scratch.dir, UUID, &got, NULL), 0);
        assert_memory_equal(&got, &c->note, sizeof(got));
        mt_recover_note_remove(scratch.dir, UUID);
        mt_recover_note_remove(scratch.dir, UUID);
        assert_int_equal(mt_recover_note_read(scratch.dir, UUID, &got, NULL), -ENOENT);
        scratch_done(&scratch);
}

static const struct broken_case {
        const char *name, *text;
        int want_r;
} broken[] = {
        { "empty", "", -EINVAL },
        { "half of it", "{\"peer\":\"10.0.", -EINVAL },
        { "another kind", "[1]", -EINVAL },
        { "members of another kind", "{\"peer\":1,\"uri\":[],\"flags\":\"x\"}", 0 },
        { "negative flags", "{\"flags\":-1}", 0 },
};

static void test_broken(void **state)
{
        const struct broken_case *c = *state;
        const struct mt_recover_note nothing = { .flags = 0 };
        struct scratch scratch = scratch_new();
        struct mt_recover_note got = { .peer = "x" };

        (void)scratch_write(&scratch, "post-copy-" UUID, c->text, strlen(c->text));
        assert_int_equal(mt_recover_note_read(scratch.dir, UUID, &got, NULL), c->want_r);
        assert_memory_equal(&got, &nothing, sizeof(got));
        scratch_done(&scratch);
}

/* A name that is no uuid leads nowhere, nor does a symbolic link. */
static void test_names(void **state)
{
        struct scratch scratch = scratch_new();
        struct mt_recover_note note = { .peer = "10.0.0.2" };
        struct mt_err err = { 0 };

        (void)state;
        assert_int_equal(mt_recover_note_write(scratch.dir, "../../x", &note, &err), 0);
        assert_int_equal(mt_recover_note_read(scratch.dir, "../../x", &note, &err), -ENOENT);
        assert_int_equal(mt_recover_note_write(NULL, UUID, &note, &err), 0);
        assert_int_equal(mt_recover_note_read(NULL, UUID, &note, &err), -ENOENT);
        assert_int_equal(symlink("/etc/passwd", scratch_path(&scratch, "post-copy-" UUID)), 0);
        assert_int_equal(mt_recover_note_read(scratch.dir, UUID, &note, &err), -ELOOP);
        assert_int_equal(mt_recover_note_write(scratch_path(&scratch, "none"), UUID, &note, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "note for the next watcher"));
        scratch_done(&scratch);
}

static bool is_wanted(const void *ctx, const char *uuid)
{
        return strcmp(uuid, ctx) == 0;
}

static void test_sweep(void **state)
{
        struct scratch scratch = scratch_new();
        struct mt_recover_note note = { .peer = "10.0.0.2" };

        (void)state;
        assert_int_equal(mt_recover_note_write(scratch.dir, UUID, &note, NULL), 0);
        assert_int_equal(mt_recover_note_write(scratch.dir, OTHER, &note, NULL), 0);
        (void)scratch_write(&scratch, "migtune.lock", "", 0);
        mt_recover_note_sweep(scratch.dir, is_wanted, UUID);
        assert_int_equal(mt_recover_note_read(scratch.dir, UUID, &note, NULL), 0);
        assert_int_equal(mt_recover_note_read(scratch.dir, OTHER, &note, NULL), -ENOENT);
        assert_int_equal(access(scratch_path(&scratch, "migtune.lock"), F_OK), 0);
        mt_recover_note_sweep(NULL, is_wanted, UUID);
        scratch_done(&scratch);
}

int main(void)
{
        struct CMUnitTest tests[sizeof(notes) / sizeof(notes[0]) + sizeof(broken) / sizeof(broken[0]) + 2];
        size_t n = 0;

        ADD_ROWS(tests, n, notes, test_round_trip);
        ADD_ROWS(tests, n, broken, test_broken);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_names);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_sweep);
        return _cmocka_run_group_tests("recover_note", tests, n, NULL, NULL);
}
