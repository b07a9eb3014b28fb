/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune's plugin ABI: all there is between a host program (the migtune command and watcher, libvirt's qemu hook, the
 * preload shim) and migtune.so. Compiles alone, in C and in C++.
 *
 * The plugin exports one symbol, mt_plugin_get. A host loads it by absolute path with RTLD_NOW | RTLD_LOCAL, checks
 * abi_major and struct_size, copies min(struct_size, sizeof) bytes into a zeroed struct of its own, and never calls
 * dlclose(). Fields are appended, never moved or given another meaning; abi_major rises only if that must happen after all.
 *
 * The plugin never calls exit, abort, fork, openlog, setlocale, signal or chdir and never writes to descriptors 0 to 2:
 * messages and output go through the host's callbacks.
 */
#ifndef MIGTUNE_PLUGIN_H
#define MIGTUNE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MT_ABI_MAJOR 1u
#define MT_PLUGIN_SYMBOL "mt_plugin_get"

/* What a host gives to the plugin. It and all it points to must stay valid until close(). */
struct mt_host_ops {
        uint32_t struct_size; /* sizeof(struct mt_host_ops) as the host was compiled */
        uint32_t abi_major;   /* MT_ABI_MAJOR */
        void *ctx;            /* passed back as the callbacks' first argument */
        /* One line for operators, no newline. priority: syslog's numbers, 3 (error) to 7 (debug). Thread-safe. Or NULL. */
        void (*log)(void *ctx, int32_t priority, const char *message);
        /* A command's output, as it is. stream: 1 standard output, 2 standard error. May be NULL: discarded. */
        void (*print)(void *ctx, int32_t stream, const char *text);
        /* Sends one outcome record, JSON without newline, to where the host keeps them (syslog: "@cee: {...}"). Or NULL. */
        void (*record)(void *ctx, const char *json);
        const char *run_dir;     /* directory of the watcher's socket; NULL: /run/migtune */
        const char *config_file; /* NULL: the installed /etc/migtune/migtune.conf */
        uint32_t flags;          /* MT_HOST_*; unknown bits are refused */
        uint32_t columns;        /* width of the terminal behind standard output; 0: none */
        /*
         * Runs a program found in PATH (gnuplot, for a picture) with input as its standard input and its output on the host's
         * standard error, and waits for its end. Returns its exit status (128 + the number of the signal that ended it), or
         * -errno: it could not be run. NULL: this host runs no programs.
         */
        int32_t (*run)(void *ctx, const char *const *argv, const char *input);
};

/* The size of a struct in the first release of this major: what every host and plugin has. */
#define MT_HOST_OPS_SIZE_1_0 ((uint32_t)(offsetof(struct mt_host_ops, columns) + sizeof(uint32_t)))

#define MT_HOST_OUT_IS_TTY 1u /* standard output is a terminal: colour and progress are welcome */
#define MT_HOST_ERR_IS_TTY 2u
#define MT_HOST_ALL_FLAGS (MT_HOST_OUT_IS_TTY | MT_HOST_ERR_IS_TTY)

/* One call of libvirt's qemu hook: its arguments, and the domain XML from standard input ("" when not read). */
struct mt_hook_event {
        uint32_t struct_size;
        uint32_t timeout_ms; /* the plugin returns within this time */
        const char *domain;
        const char *operation;    /* "migrate", "prepare", "start", "started", "stopped", "release", ... */
        const char *suboperation; /* "begin", "end" */
        const char *extra;        /* "-" or a reason */
        const char *xml;
};

#define MT_HOOK_EVENT_SIZE_1_0 ((uint32_t)(offsetof(struct mt_hook_event, xml) + sizeof(char *)))

/*
 * What the plugin gives to a host. Functions return 0 or a negative errno value unless they say otherwise. handle comes
 * from open(); calls with one handle are serialised by the host.
 *
 * Two plugins speak this ABI: migtune.so with everything, and migtune-client.so, which has no command() but needs a
 * twentieth of the time to load, for programs that only tell or ask the watcher. A host checks for the functions it needs.
 */
struct mt_plugin_ops {
        uint32_t struct_size; /* sizeof(struct mt_plugin_ops) as the plugin was compiled */
        uint32_t abi_major;   /* MT_ABI_MAJOR */
        const char *name;     /* "migtune" */
        const char *version;  /* "0.1.0" */
        /* Checks the host's struct; *ret_handle is released by close(). Reads no file. -EPROTO: the ABI does not fit. */
        int32_t (*open)(const struct mt_host_ops *host, void **ret_handle);
        void (*close)(void *handle); /* accepts NULL */
        /*
         * Runs one subcommand: argv[0] is its name, argv[argc] NULL. Returns the exit status: 0 done, 1 failed (one line was
         * printed or logged), 2 bad usage or input. "watch" returns when SIGTERM or SIGINT arrives; the host blocks
         * SIGTERM, SIGINT and SIGHUP in all threads first (the plugin reads them from a signalfd). NULL: no commands here.
         */
        int32_t (*command)(void *handle, int32_t argc, const char *const *argv);
        /*
         * Tells the watcher of a hook event, within event->timeout_ms. A failure is logged, as one line of priority 4
         * (warning), and is for the log only: a hook always exits 0.
         */
        int32_t (*hook_event)(void *handle, const struct mt_hook_event *event);
};

#define MT_PLUGIN_OPS_SIZE_1_0 ((uint32_t)(offsetof(struct mt_plugin_ops, hook_event) + sizeof(void (*)(void))))

/* The one exported symbol. host_abi_major: the host's MT_ABI_MAJOR. A static struct, or NULL if that ABI is not served. */
typedef const struct mt_plugin_ops *(*mt_plugin_get_fn)(uint32_t host_abi_major);
const struct mt_plugin_ops *mt_plugin_get(uint32_t host_abi_major);

#ifdef __cplusplus
}
#endif

/*
 * Changes of this ABI: major, release of migtune, what changed, what a host or plugin must do.
 *   1  0.1.0  first
 */

#endif
