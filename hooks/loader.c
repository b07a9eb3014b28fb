/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: the plugin is another program's code until it has proved that it fits. RTLD_NOW finds a missing
 * library or symbol here, where it is one line in a log, and not in the middle of a migration; RTLD_LOCAL keeps its
 * libraries' symbols away from the host's; RTLD_NODELETE, and no dlclose() ever, because a thread or a destructor of
 * these libraries may outlive any handle. The functions are copied into a zeroed struct of the host's own: what an
 * older plugin does not have reads as NULL, and what a newer one has more is not looked at.
 */
#include "loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mandatory {
        const char *name;
        size_t offset;
        uint32_t needed_for; /* 0: always */
};

static const struct mandatory mandatory[] = {
        { "open", offsetof(struct mt_plugin_ops, open), 0 },
        { "close", offsetof(struct mt_plugin_ops, close), 0 },
        { "command", offsetof(struct mt_plugin_ops, command), MT_NEED_COMMAND },
        { "hook_event", offsetof(struct mt_plugin_ops, hook_event), MT_NEED_HOOK_EVENT },
        { "advise", offsetof(struct mt_plugin_ops, advise), MT_NEED_SHIM },
        { "report", offsetof(struct mt_plugin_ops, report), MT_NEED_SHIM },
};

const char *mt_plugin_path(const char *installed)
{
        const char *path = secure_getenv("MIGTUNE_PLUGIN");

        return path != NULL && path[0] != '\0' ? path : installed;
}

static int refuse(char *error, size_t size, int code, const char *format, ...) __attribute__((format(printf, 4, 5)));

static int refuse(char *error, size_t size, int code, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vsnprintf(error, size, format, args);
        va_end(args);
        return -code;
}

/* True if the function pointer at offset in ops is NULL. */
static int is_missing(const struct mt_plugin_ops *ops, size_t offset)
{
        void (*function)(void) = NULL;

        (void)memcpy(&function, (const char *)ops + offset, sizeof(function));
        return function == NULL;
}

static int check_and_copy(const char *path, const struct mt_plugin_ops *src, uint32_t needs, struct mt_plugin_ops *ret_ops,
                          char *error, size_t error_size)
{
        struct mt_plugin_ops ops = { .struct_size = 0 };

        if (src->abi_major != MT_ABI_MAJOR)
                return refuse(error, error_size, EPROTO, "plugin %s: it has ABI %u, this program needs %u", path,
                              src->abi_major, MT_ABI_MAJOR);
        if (src->struct_size < MT_PLUGIN_OPS_SIZE_1_0)
                return refuse(error, error_size, EPROTO,
                              "plugin %s: its struct mt_plugin_ops has %u bytes, this program needs %u", path,
                              src->struct_size, MT_PLUGIN_OPS_SIZE_1_0);
        (void)memcpy(&ops, src, src->struct_size < sizeof(ops) ? src->struct_size : sizeof(ops));
        for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++) {
                const struct mandatory *m = &mandatory[i];

                if ((m->needed_for == 0 || (needs & m->needed_for) != 0) && is_missing(&ops, m->offset))
                        return refuse(error, error_size, EPROTO, "plugin %s: it has no %s()", path, m->name);
        }
        if (ops.name == NULL || ops.version == NULL)
                return refuse(error, error_size, EPROTO, "plugin %s: it has no name or version", path);
        *ret_ops = ops;
        return 0;
}

/* dlerror()'s text without the path that our own messages start with. */
static const char *reason(const char *path)
{
        const char *text = dlerror();
        size_t length = strlen(path);

        if (text == NULL)
                return "unknown error";
        if (strncmp(text, path, length) == 0 && strncmp(text + length, ": ", 2) == 0)
                return text + length + 2;
        return text;
}

int mt_plugin_load(const char *path, uint32_t needs, struct mt_plugin_ops *ret_ops, char *error, size_t error_size)
{
        const struct mt_plugin_ops *ops;
        mt_plugin_get_fn get = NULL;
        void *object, *symbol;

        if (path[0] != '/') /* dlopen() would search directories that are not ours */
                return refuse(error, error_size, EINVAL, "plugin %s: not an absolute path", path);
        object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (object == NULL)
                return refuse(error, error_size, ENOENT, "plugin %s: %s", path, reason(path));
        (void)dlerror();
        symbol = dlsym(object, MT_PLUGIN_SYMBOL);
        if (symbol == NULL)
                return refuse(error, error_size, ENOSYS, "plugin %s: it does not export %s, so it is no migtune plugin",
                              path, MT_PLUGIN_SYMBOL);
        (void)memcpy(&get, &symbol, sizeof(get)); /* ISO C has no cast from object to function pointer */
        ops = get(MT_ABI_MAJOR);
        if (ops == NULL)
                return refuse(error, error_size, EPROTO, "plugin %s: it does not serve ABI %u", path, MT_ABI_MAJOR);
        return check_and_copy(path, ops, needs, ret_ops, error, error_size);
}
