/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The watcher knows most: it is asked, by a plugin that can do nothing else and costs a program next to nothing. Where it
 * says that no watcher runs, the whole plugin is loaded, which measures and decides by itself: over a read-only connection
 * of its own to this host's libvirt. That is good only for a client of this very libvirt (may_be_alone): a domain elsewhere
 * is not for this host to plan, and what fails in connecting would be told to the program's error handler. For the same
 * reason it is not told the URI of the destination's libvirt, to which it would connect; the host's name is all it needs.
 *
 * It is not asked in a daemon either. No lock of libvirt's is held where the shim stands, so it could not block for good;
 * but its connection would have no client's identity, which access control denies, and while a client conducts the
 * migration, libvirt has a job for the domain, whose end the measuring of dirty rates would wait for.
 *
 * A plugin that could not be loaded is tried again next time: it may have been in the middle of a package's upgrade, and a
 * migration is rare. None is ever closed, because a thread may still be in it.
 */
#include "shim_plugin.h"
#include "loader.h"
#include "mt_build.h"
#include "shim_log.h"
#include "shim_time.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static struct plugin {
        const char *installed;
        void (*log)(void *ctx, int32_t priority, const char *message);
        pthread_mutex_t loading; /* of what follows */
        bool is_open;
        struct mt_plugin_ops ops;
        struct mt_host_ops host;
        void *handle;
} plugins[] = {
        [MT_SHIM_ASKS_WATCHER] = { MT_CLIENT_PLUGIN_PATH, mt_shim_log_plugin, PTHREAD_MUTEX_INITIALIZER },
        [MT_SHIM_DECIDES_ALONE] = { MT_PLUGIN_PATH, mt_shim_log_warnings, PTHREAD_MUTEX_INITIALIZER },
};

/* 0, with p->ops and p->handle for use; or -errno after a line in the log. */
static int load(struct plugin *p)
{
        const char *path = mt_plugin_path(p->installed);
        const char *run_dir = secure_getenv("MIGTUNE_RUN_DIR");
        char error[512] = "";
        int r;

        r = mt_plugin_load(path, MT_NEED_SHIM, &p->ops, error, sizeof(error));
        if (r < 0) {
                mt_shim_log(LOG_WARNING, p->installed, "%s, leaving migrations untuned", error);
                return r;
        }
        free((char *)(uintptr_t)p->host.run_dir); /* of an open() that failed */
        p->host = (struct mt_host_ops){
                .struct_size = sizeof(p->host),
                .abi_major = MT_ABI_MAJOR,
                .log = p->log,
                .run_dir = run_dir != NULL ? strdup(run_dir) : NULL, /* the program may change its environment */
        };
        r = p->ops.open(&p->host, &p->handle);
        if (r < 0)
                mt_shim_log(LOG_WARNING, p->installed, "open plugin %s: %s, leaving migrations untuned", path, strerror(-r));
        return r;
}

static int make_ready(struct plugin *p)
{
        int r = 0;

        (void)pthread_mutex_lock(&p->loading);
        if (!p->is_open) {
                r = load(p);
                p->is_open = r == 0;
        }
        (void)pthread_mutex_unlock(&p->loading);
        return r;
}

static int advise(enum mt_shim_plugin who, const struct mt_call *call, struct mt_advice *ret_advice)
{
        int r = make_ready(&plugins[who]);

        return r < 0 ? r : plugins[who].ops.advise(plugins[who].handle, call, ret_advice);
}

static bool is_another(void)
{
        return strcmp(mt_plugin_path(MT_PLUGIN_PATH), mt_plugin_path(MT_CLIENT_PLUGIN_PATH)) != 0;
}

/* Each of the two lines is logged once, until a watcher has answered. */
static atomic_bool is_said[2];

static void say_no_watcher(bool is_advised)
{
        if (!atomic_exchange(&is_said[is_advised], true))
                mt_shim_log(LOG_WARNING, NULL, "no watcher runs (systemctl start migtune): %s",
                            is_advised ? "migrations are planned without one, and nothing steers them afterwards"
                                       : "leaving migrations untuned");
}

static int advise_alone(const struct mt_call *call, uint64_t began_ms, struct mt_advice *ret_advice)
{
        uint64_t passed_ms = mt_shim_now_ms() - began_ms;
        struct mt_call own = *call;
        int r;

        if (passed_ms >= call->timeout_ms)
                return -ETIMEDOUT;
        own.timeout_ms = call->timeout_ms - (uint32_t)passed_ms;
        own.uri = NULL;
        own.migrate_uri = call->migrate_uri != NULL ? call->migrate_uri : call->uri;
        *ret_advice = (struct mt_advice){ .struct_size = ret_advice->struct_size };
        r = advise(MT_SHIM_DECIDES_ALONE, &own, ret_advice);
        if (r >= 0 && ret_advice->action != MT_ADVICE_LEAVE)
                say_no_watcher(true);
        return r;
}

int mt_shim_plugin_advise(const struct mt_call *call, bool may_be_alone, struct mt_advice *ret_advice,
                          enum mt_shim_plugin *ret_who)
{
        const uint64_t began_ms = mt_shim_now_ms();
        int r = advise(MT_SHIM_ASKS_WATCHER, call, ret_advice);

        *ret_who = MT_SHIM_ASKS_WATCHER;
        if (r >= 0)
                for (size_t i = 0; i < sizeof(is_said) / sizeof(is_said[0]); i++)
                        atomic_store(&is_said[i], false);
        if (r != -ENOTCONN)
                return r;
        if (!may_be_alone || !is_another()) {
                say_no_watcher(false);
                return r;
        }
        *ret_who = MT_SHIM_DECIDES_ALONE;
        return advise_alone(call, began_ms, ret_advice);
}

int mt_shim_plugin_report(enum mt_shim_plugin who, const struct mt_report *report)
{
        int r = make_ready(&plugins[who]);

        return r < 0 ? r : plugins[who].ops.report(plugins[who].handle, report);
}
