/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* open() checks the host's struct. argv[1]: the plugin. */
#include <migtune/plugin.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct open_case {
        const char *name;
        uint32_t struct_size, abi_major, flags;
        int32_t want;
} cases[] = {
        { "the host of this release", sizeof(struct mt_host_ops), MT_ABI_MAJOR, 0, 0 },
        { "all flags of this release", sizeof(struct mt_host_ops), MT_ABI_MAJOR, MT_HOST_OUT_IS_TTY | MT_HOST_ERR_IS_TTY,
          0 },
        { "the first released size", MT_HOST_OPS_SIZE_1_0, MT_ABI_MAJOR, 0, 0 },
        { "a larger, future host", sizeof(struct mt_host_ops) + 64, MT_ABI_MAJOR, 0, 0 },
        { "an older major", sizeof(struct mt_host_ops), MT_ABI_MAJOR - 1, 0, -EPROTO },
        { "a newer major", sizeof(struct mt_host_ops), MT_ABI_MAJOR + 1, 0, -EPROTO },
        { "one byte too short", MT_HOST_OPS_SIZE_1_0 - 1, MT_ABI_MAJOR, 0, -EPROTO },
        { "size never set", 0, MT_ABI_MAJOR, 0, -EPROTO },
        { "an unknown flag", sizeof(struct mt_host_ops), MT_ABI_MAJOR, 4, -EINVAL },
        { "the highest flag", sizeof(struct mt_host_ops), MT_ABI_MAJOR, UINT32_C(1) << 31, -EINVAL },
};

static unsigned count, failed;

static void ok(bool good, const char *name)
{
        count++;
        failed += !good;
        (void)printf("%s %u - %s\n", good ? "ok" : "not ok", count, name);
}

static void check_open(const struct mt_plugin_ops *ops, const struct open_case *c)
{
        struct {
                struct mt_host_ops host;
                char future[64];
        } given = { .host = { .struct_size = c->struct_size, .abi_major = c->abi_major, .flags = c->flags } };
        int sentinel = 0;
        void *handle = &sentinel;
        int32_t r = ops->open(&given.host, &handle);

        ok(r == c->want && (r == 0) == (handle != &sentinel), c->name); /* a failure leaves the handle alone */
        if (r == 0)
                ops->close(handle);
}

static void check_hook_event(const struct mt_plugin_ops *ops)
{
        const struct mt_host_ops host = { .struct_size = sizeof(host),
                                          .abi_major = MT_ABI_MAJOR,
                                          .run_dir = "/nonexistent" };
        struct mt_hook_event event = { .struct_size = MT_HOOK_EVENT_SIZE_1_0 - 1, .timeout_ms = 100 };
        void *handle = NULL;

        ok(ops->open(&host, &handle) == 0, "open for hook_event");
        ok(ops->hook_event(handle, NULL) == -EPROTO, "no event");
        ok(ops->hook_event(handle, &event) == -EPROTO, "a short event");
        event.struct_size = sizeof(event);
        ok(ops->hook_event(handle, &event) == -ENOENT, "an event of NULL strings, and no watcher");
        ops->close(handle);
}

static void check_shim(const struct mt_plugin_ops *ops)
{
        const struct mt_host_ops host = { .struct_size = sizeof(host),
                                          .abi_major = MT_ABI_MAJOR,
                                          .run_dir = "/nonexistent",
                                          .config_file = "/nonexistent" };
        struct mt_call call = {
                .struct_size = sizeof(call), .timeout_ms = 5000, .attach = MT_CALL_BY_CLIENT, .domain = "vm"
        };
        struct mt_advice advice = { .struct_size = sizeof(advice), .wait_ms = 77 };
        struct mt_report report = {
                .struct_size = sizeof(report), .timeout_ms = 5000, .what = MT_REPORT_ABORT, .uuid = "u"
        };
        void *handle = NULL;

        ok(ops->open(&host, &handle) == 0, "open for advise and report");
        ok(ops->advise(handle, NULL, &advice) == -EPROTO, "no call");
        ok(ops->advise(handle, &call, &advice) == -EINVAL, "a call without a uuid");
        call.uuid = "u";
        ok(ops->advise(handle, &call, &advice) < 0 && advice.wait_ms == 77, "neither a watcher nor a configuration");
        call.struct_size = MT_CALL_SIZE_1_0 - 1;
        ok(ops->advise(handle, &call, &advice) == -EPROTO, "a short call");
        ok(ops->report(handle, NULL) == -EPROTO, "no report");
        ok(ops->report(handle, &report) == -ENOTCONN, "a report, and no watcher");
        report.struct_size = MT_REPORT_SIZE_1_0 - 1;
        ok(ops->report(handle, &report) == -EPROTO, "a short report");
        ops->close(handle);
}

int main(int argc, char **argv)
{
        void *object = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
        void *symbol = object != NULL ? dlsym(object, MT_PLUGIN_SYMBOL) : NULL;
        mt_plugin_get_fn get = NULL;
        const struct mt_plugin_ops *ops;
        int sentinel = 0;
        void *handle = &sentinel;

        if (symbol == NULL) {
                (void)printf("Bail out! %s\n", dlerror());
                return 1;
        }
        (void)memcpy(&get, &symbol, sizeof(get));
        ok(get(MT_ABI_MAJOR + 1) == NULL && get(0) == NULL, "mt_plugin_get: NULL for majors that are not served");
        ops = get(MT_ABI_MAJOR);
        ok(ops != NULL && ops->abi_major == MT_ABI_MAJOR && ops->struct_size == sizeof(*ops), "mt_plugin_get: this major");
        if (ops == NULL)
                return 1;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                check_open(ops, &cases[i]);
        ok(ops->open(NULL, &handle) == -EPROTO && handle == &sentinel, "no host at all");
        ops->close(NULL);
        ok(true, "close(NULL)");
        check_hook_event(ops);
        check_shim(ops);
        (void)printf("1..%u\n", count);
        return failed > 0;
}
