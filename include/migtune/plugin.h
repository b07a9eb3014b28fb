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
        /*
         * Called instead of record where it is not NULL: the same JSON, and beside it the record's chief values, "NAME=value"
         * each, NULL at the end, for a log that keeps fields (journald). A name has A to Z, 0 to 9 and '_'.
         */
        void (*record_fields)(void *ctx, const char *json, const char *const *fields);
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

/* Who stands in a migration call. */
#define MT_CALL_BY_CLIENT 1u /* preloaded into a libvirt client: nova-compute, virsh */
#define MT_CALL_BY_DAEMON 2u /* preloaded into libvirtd or virtqemud */

/* A migration call that is about to be made. Numbers are as libvirt has them; 0: the caller set none. */
struct mt_call {
        uint32_t struct_size;
        uint32_t timeout_ms; /* the plugin returns within this time */
        uint32_t attach;     /* MT_CALL_BY_* */
        uint32_t state;      /* MT_CALL_* */
        const char *domain;  /* its name */
        const char *uuid;
        const char *uri;         /* of the destination's libvirt; NULL: not known */
        const char *migrate_uri; /* where memory is to go, if the caller says so; or NULL */
        const char *ticket;      /* of an earlier advice to wait; NULL: the first time */
        uint64_t flags;          /* virDomainMigrateFlags */
        uint64_t bandwidth_mib_s, bandwidth_postcopy_mib_s, bandwidth_switchover_mib_s;
        uint64_t libvirt_version; /* of the library at run time: major * 1000000 + minor * 1000 + release */
};

#define MT_CALL_PAUSED 1u      /* the domain does not run */
#define MT_CALL_FIXED_FLAGS 2u /* the destination was prepared already: flags can be changed no more */

#define MT_CALL_SIZE_1_0 ((uint32_t)(offsetof(struct mt_call, libvirt_version) + sizeof(uint64_t)))

/* What to make of the call. */
struct mt_advice {
        uint32_t struct_size; /* as the host was compiled; the plugin fills no more */
        uint32_t action;      /* MT_ADVICE_* */
        uint32_t wait_ms;     /* of MT_ADVICE_WAIT: ask again after so long, or when the wait is cancelled */
        uint32_t connections; /* multifd's ("parallel.connections"); 0: leave */
        uint64_t flags_add, flags_drop;
        uint64_t bandwidth_mib_s, bandwidth_postcopy_mib_s, bandwidth_switchover_mib_s; /* 0: leave the caller's */
        uint64_t xbzrle_cache_bytes;                                                    /* 0: leave */
        char compression[16];                                                           /* "xbzrle", "zstd"; "": leave */
        char ticket[64];  /* names this call to report(); "": there is nothing to report */
        char reason[256]; /* one line for the log */
};

#define MT_ADVICE_LEAVE 0u /* make the call as it is */
#define MT_ADVICE_TUNE 1u  /* with the changes */
#define MT_ADVICE_WAIT 2u  /* not yet: others go first */

#define MT_ADVICE_SIZE_1_0 ((uint32_t)(offsetof(struct mt_advice, reason) + 256u))

/* Something else that a caller does about a domain that migrates, or how a call ended. */
struct mt_report {
        uint32_t struct_size;
        uint32_t timeout_ms;
        uint32_t what;  /* MT_REPORT_* */
        int32_t result; /* MT_REPORT_ENDED: what the call returned */
        const char *uuid;
        const char *ticket; /* MT_REPORT_ENDED, MT_REPORT_RETRIED; or NULL */
        const char *text;   /* libvirt's message where it failed; or NULL */
        uint64_t value;     /* MT_REPORT_MAX_DOWNTIME: ms; MT_REPORT_MAX_SPEED: MiB/s */
};

#define MT_REPORT_ENDED 1u /* the migration call returned */
#define MT_REPORT_RETRIED                                                                                                   \
        2u /* libvirt refused the changed call; the caller's own is made, unless the answer is 1: it had begun */
#define MT_REPORT_MAX_DOWNTIME                                                                                              \
        3u                     /* a caller sets a limit. The answer 1: the plan's stands, so the real call is left out and */
#define MT_REPORT_MAX_SPEED 4u /* success is returned; 0: let it through */
#define MT_REPORT_POST_COPY 5u /* a caller acts: passes in any case, and is recorded */
#define MT_REPORT_ABORT 6u     /* without a ticket; also of a call that waits, which then ends and asks no more */
#define MT_REPORT_SUSPEND 7u

#define MT_REPORT_SIZE_1_0 ((uint32_t)(offsetof(struct mt_report, value) + sizeof(uint64_t)))

/*
 * What the plugin gives to a host. Functions return 0 or a negative errno value unless they say otherwise. handle comes
 * from open(); calls with one handle are serialised by the host, but for advise() and report().
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
         * SIGTERM, SIGINT and SIGHUP in all threads first (the plugin reads them from a signalfd); before "migrate" and
         * "evacuate" SIGTERM and SIGINT. NULL: no commands here.
         */
        int32_t (*command)(void *handle, int32_t argc, const char *const *argv);
        /*
         * Tells the watcher of a hook event, within event->timeout_ms. A failure is logged, as one line of priority 4
         * (warning), and is for the log only: a hook always exits 0.
         */
        int32_t (*hook_event)(void *handle, const struct mt_hook_event *event);
        /*
         * What to make of a migration call. 0, or -errno after one line in the log: then the call is left as it is. -ENOTCONN
         * without a line: there is no watcher, and migtune-client.so cannot do without; migtune.so can, and may be asked
         * instead. These two may be called by several threads at once.
         */
        int32_t (*advise)(void *handle, const struct mt_call *call, struct mt_advice *ret_advice);
        /* Tells the watcher. 0 or 1 (see MT_REPORT_MAX_DOWNTIME), or -errno: let it through. */
        int32_t (*report)(void *handle, const struct mt_report *report);
};

#define MT_PLUGIN_OPS_SIZE_1_0 ((uint32_t)(offsetof(struct mt_plugin_ops, hook_event) + sizeof(void (*)(void))))

/* The one exported symbol. host_abi_major: the host's MT_ABI_MAJOR. A static struct, or NULL if that ABI is not served. */
typedef const struct mt_plugin_ops *(*mt_plugin_get_fn)(uint32_t host_abi_major);
const struct mt_plugin_ops *mt_plugin_get(uint32_t host_abi_major);

#ifdef __cplusplus
}
#endif

/*
 * Rules of this ABI, from the first release on:
 * 1. The plugins have no soname: nothing is linked with them, and file names never change. A host asks for its own major;
 *    two majors may be served by one plugin, and a major that was released is served for a year after its successor.
 * 2. Within a major a field keeps its place, type, unit and meaning, and a constant its number. Fields are appended at a
 *    struct's end; arrays do not grow; functions are not removed, though they may come to answer -ENOTSUP.
 * 3. struct_size says how much of a struct its author knew. Who reads takes what is beyond it for zero, which must mean "as
 *    before"; who fills writes nothing there. MT_..._SIZE_1_0 is what everybody has.
 * 4. Bits that are not known are refused in what a host gives (-EINVAL), ignored in what a plugin gives: so both stay free.
 * 5. What breaks 2 to 4 needs a new major. Other changes that a host could notice are appended to the list below.
 */

/*
 * Changes of this ABI: major, release of migtune, what changed, what a host or plugin must do.
 *   1  0.1.0  first
 */

#endif
