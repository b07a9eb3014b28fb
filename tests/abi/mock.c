/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Plugins with one peculiarity each: MOCK is one of the names below. They print or log what was called, so that a test
 * sees whether a host went too far.
 */
#include <migtune/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GOOD 0
#define WRONG_MAJOR 1
#define SHORT_STRUCT 2
#define NO_OPEN 3
#define NO_CLOSE 4
#define NO_COMMAND 5
#define NO_HOOK_EVENT 6
#define NULL_FROM_GET 7
#define NO_SYMBOL 8
#define FUTURE 9
#define UNRESOLVED 10
#define OPEN_FAILS 11
#define NOISY 12
#define HANGS 13

static const struct mt_host_ops *the_host;

static int32_t mock_open(const struct mt_host_ops *host, void **ret_handle)
{
        static int handle;

        the_host = host;
        if (MOCK == OPEN_FAILS)
                return -EPROTO;
        *ret_handle = &handle;
        return 0;
}

static void mock_close(void *handle)
{
        (void)handle;
}

static int32_t mock_command(void *handle, int32_t argc, const char *const *argv)
{
        static const char *const fields[] = { "MIGTUNE_ID=1", "MIGTUNE_DOMAIN=a b=c", "MIGTUNE_ERROR=two\nlines", NULL };
        char line[256];

        (void)handle;
        if (argc > 1 && strcmp(argv[1], "record") == 0) {
                the_host->record_fields(the_host->ctx, "{\"id\":1}", fields);
                return 0;
        }
        (void)snprintf(line, sizeof(line), "mock command %s argc %d terminated %s\n", argv[0], argc,
                       argv[argc] == NULL ? "yes" : "no");
        the_host->print(the_host->ctx, 1, line);
        return argc > 1 && strcmp(argv[1], "three") == 0 ? 3 : 0;
}

static int32_t mock_hook_event(void *handle, const struct mt_hook_event *event)
{
        (void)handle;
        if (MOCK == NOISY) {
                (void)puts("<domain>not yours</domain>");
                (void)fflush(stdout);
                (void)!write(STDOUT_FILENO, "noise\n", 6);
        }
        while (MOCK == HANGS)
                (void)pause();
        the_host->log(the_host->ctx, 4, event->operation);
        return -EIO;
}

#if MOCK == UNRESOLVED
int found_nowhere(void);
int (*const needs_it)(void) = found_nowhere;
#endif

/* What a later release may look like: more than this host knows of, behind what it knows. */
struct future_ops {
        struct mt_plugin_ops known;
        int32_t (*later)(void *handle);
        char more[512];
};

static const struct future_ops ops = {
        .known = {
                .struct_size = MOCK == FUTURE ? sizeof(struct future_ops)
                             : MOCK == SHORT_STRUCT ? MT_PLUGIN_OPS_SIZE_1_0 - 1 : sizeof(struct mt_plugin_ops),
                .abi_major = MOCK == WRONG_MAJOR ? MT_ABI_MAJOR + 1 : MT_ABI_MAJOR,
                .name = "mock",
                .version = "9.9",
                .open = MOCK == NO_OPEN ? NULL : mock_open,
                .close = MOCK == NO_CLOSE ? NULL : mock_close,
                .command = MOCK == NO_COMMAND ? NULL : mock_command,
                .hook_event = MOCK == NO_HOOK_EVENT ? NULL : mock_hook_event,
        },
};

#if MOCK == NO_SYMBOL
const void *some_other_symbol(void);
const void *some_other_symbol(void)
{
        return &ops;
}
#else
const struct mt_plugin_ops *mt_plugin_get(uint32_t host_abi_major)
{
        return host_abi_major != MT_ABI_MAJOR || MOCK == NULL_FROM_GET ? NULL : &ops.known;
}
#endif
