/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * One thread runs libvirt's event loop; all of steer/ and the local socket live in it. Other threads make the calls
 * that may block: the dirty-rate sampler, an agent for each job, and those that learn the other hosts' traffic
 * (measure/destination.h). Signals arrive through a signalfd: SIGHUP reloads the configuration (a bad file leaves the
 * old one in force), SIGTERM and SIGINT end the loop.
 *
 * Order at the start: configuration, socket (and with it the lock: one watcher a host), netlink, sweep of what an earlier
 * watcher left (nothing can be ours yet), libvirt, where running migrations are adopted and get new classes. At the end:
 * classes and limits go back, the socket goes; the migrations run on, and the next watcher adopts and records them.
 *
 * What is missing costs only itself: no netlink, no shaping; no sampler, no measured D; no libvirt, wait for it.
 */
#include "service/watch.h"
#include "cleanup.h"
#include "clock.h"
#include "config.h"
#include "log.h"
#include "service/libvirt.h"
#include "service/notify.h"
#include "service/requests.h"
#include "service/server.h"
#include "steer/agent.h"
#include "steer/call.h"
#include "steer/expose.h"
#include "steer/host.h"
#include "steer/incoming.h"
#include "steer/job.h"
#include "steer/learn.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#define DEFAULT_URI "qemu:///system"
#define AGENTS_END_MS 2000
#define HISTORY_WAIT_MS 300 /* for the first plans' sake; a longer history is taken over later */

struct watch {
        struct mt_host host;
        const struct mt_host_ops *ops;
        struct mt_server *server;
        struct mt_libvirt *libvirt;
        const char *uri;
        int signal_fd, signal_watch, agent_watch, tick_timer, watchdog_timer;
        bool quit;
};

static void send_record(void *ctx, const char *json, const char *const *fields)
{
        const struct watch *watch = ctx;

        if (watch->ops->record_fields != NULL)
                watch->ops->record_fields(watch->ops->ctx, json, fields);
        else if (watch->ops->record != NULL)
                watch->ops->record(watch->ops->ctx, json);
}

/* By destination.share_dir and uri, or as callers say; none configured is no error. */
static void start_destination(struct mt_host *host)
{
        struct mt_err err = { 0 };

        host->publish = (struct mt_publish){ .uplinks_ms = 0 };
        if (mt_destination_start(host->config.destination.share_dir, host->config.destination.uri, host->name,
                                 &host->destination, &err) < 0)
                mt_log(MT_LOG_WARNING, "other hosts' traffic is not known: %s; it counts as idle", err.msg);
}

static bool same_destination(const struct mt_config *a, const struct mt_config *b)
{
        return strcmp(a->destination.share_dir, b->destination.share_dir) == 0 &&
               strcmp(a->destination.uri, b->destination.uri) == 0;
}

/* Tells the service manager that the start or a reload is done. */
static void tell_ready(const struct watch *watch, const char *remark)
{
        char status[256];

        (void)snprintf(status, sizeof(status), "watching %s, mode %s%s", watch->uri,
                       mt_mode_name(watch->host.config.defaults.mode), remark);
        mt_notify_ready(status);
}

/* False: refused. */
static bool reload(struct watch *watch)
{
        struct mt_config fresh;
        struct mt_err err = { 0 };
        bool restart;

        if (mt_config_load(watch->ops->config_file, &fresh, &err) < 0) {
                mt_log(MT_LOG_ERR, "configuration refused, the last good one stays: %s", err.msg);
                mt_expose_reloaded(&watch->host, /* taken= */ false);
                return false;
        }
        restart = !same_destination(&watch->host.config, &fresh);
        mt_config_done(&watch->host.config);
        watch->host.config = fresh;
        mt_expose_reloaded(&watch->host, /* taken= */ true);
        watch->host.publish.uplinks_ms = 0; /* link.device may be another one */
        if (restart) {
                mt_destination_stop(MT_STEAL(&watch->host.destination));
                start_destination(&watch->host);
        }
        mt_learn_begin(&watch->host, 0);
        if (watch->host.sampler != NULL)
                mt_dirty_sampler_set_period(watch->host.sampler, fresh.measure.dirty_rate_every_ms);
        virEventUpdateTimeout(watch->tick_timer, (int)fresh.measure.traffic_every_ms);
        mt_log(MT_LOG_NOTICE, "configuration reloaded from %s (%zu rules)%s", watch->ops->config_file, fresh.n_rules,
               watch->host.jobs != NULL ? "; running migrations keep the intent they began with" : "");
        return true;
}

static void on_signal(int handle, int fd, int events, void *opaque)
{
        struct watch *watch = opaque;
        struct signalfd_siginfo info;

        (void)handle;
        (void)events;
        while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                if (info.ssi_signo != SIGHUP) {
                        watch->quit = true;
                        continue;
                }
                mt_notify_reloading();
                tell_ready(watch, reload(watch) ? "" : "; a configuration was refused, see the log");
        }
}

static void on_agents(int handle, int fd, int events, void *opaque)
{
        struct watch *watch = opaque;
        uint64_t count;

        (void)handle;
        (void)events;
        if (read(fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
                mt_job_collect(&watch->host);
}

static void on_tick(int timer, void *opaque)
{
        struct watch *watch = opaque;
        struct mt_err err = { 0 };

        (void)timer;
        if (watch->host.nics != NULL && mt_nic_sample(watch->host.nics, mt_now_ms(), &err) < 0) {
                mt_log_limited(MT_LOG_WARNING, "nic", "sample the network devices: %s; traffic counts as unknown", err.msg);
                mt_failed_open(&watch->host, MT_FAIL_OPEN_MEASUREMENT);
        }
        mt_incoming_tick(&watch->host);
        mt_job_tick(&watch->host);
        mt_call_tick(&watch->host);
        mt_log_tick();
        mt_publish_tick(&watch->host);
        mt_expose_tick(&watch->host);
        mt_learn_tick(&watch->host);
        while (mt_destination_tick(watch->host.destination, &err))
                mt_log_limited(MT_LOG_WARNING, err.msg, "%s", err.msg);
}

/* Netlink and the sampler; each may be missing. */
static void start_measuring(struct watch *watch)
{
        struct mt_host *host = &watch->host;
        struct mt_err err = { 0 };
        int removed;

        mt_learn_begin(host, HISTORY_WAIT_MS);
        if (mt_shaper_new(&host->shaper, &err) < 0) {
                mt_log(MT_LOG_WARNING, "no shaping: %s, leaving migrations to QEMU's own cap", err.msg);
        } else {
                mt_shaper_delete_in_background(host->shaper);
                removed = mt_shape_sweep(host->shaper, NULL, NULL, &err);
                if (removed > 0)
                        mt_log(MT_LOG_NOTICE, "removed %d tc objects that an earlier watcher left", removed);
                else if (removed < 0)
                        mt_log(MT_LOG_WARNING, "sweep of tc leftovers: %s; `migtune cleanup` tries again", err.msg);
        }
        if (mt_nic_table_new(&host->nics, &err) < 0)
                mt_log(MT_LOG_WARNING, "no traffic rates: %s; all traffic counts as unknown", err.msg);
        else
                (void)mt_nic_sample(host->nics, mt_now_ms(), NULL);
        if (mt_dirty_sampler_start(watch->uri, host->config.measure.dirty_rate_every_ms, &host->sampler, &err) < 0)
                mt_log(MT_LOG_WARNING, "no dirty rates before migrations: %s; they come from the history, or are assumed",
                       err.msg);
        start_destination(host);
}

static int start(struct watch *watch, struct mt_err *err)
{
        sigset_t signals;
        int r;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGTERM);
        (void)sigaddset(&signals, SIGINT);
        (void)sigaddset(&signals, SIGHUP);
        r = mt_config_load(watch->ops->config_file, &watch->host.config, err);
        if (r < 0)
                return r;
        if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
                return mt_fail(err, EIO, "libvirt's event loop does not start");
        r = mt_server_start(watch->ops->run_dir, mt_requests_answer, &watch->host, &watch->server, err);
        if (r < 0)
                return r;
        watch->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (watch->signal_fd < 0)
                return mt_fail(err, errno, "signalfd: %s", strerror(errno));
        watch->signal_watch = virEventAddHandle(watch->signal_fd, VIR_EVENT_HANDLE_READABLE, on_signal, watch, NULL);
        watch->tick_timer = virEventAddTimeout((int)watch->host.config.measure.traffic_every_ms, on_tick, watch, NULL);
        watch->host.agent_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (watch->host.agent_fd < 0)
                return mt_fail(err, errno, "eventfd: %s", strerror(errno));
        watch->agent_watch = virEventAddHandle(watch->host.agent_fd, VIR_EVENT_HANDLE_READABLE, on_agents, watch, NULL);
        if (watch->signal_watch < 0 || watch->agent_watch < 0 || watch->tick_timer < 0)
                return mt_fail(err, ENOMEM, "cannot join the event loop");
        watch->watchdog_timer = mt_notify_watchdog_start();
        mt_expose_start(&watch->host);
        start_measuring(watch);
        return mt_libvirt_start(&watch->host, watch->uri, &watch->libvirt, err);
}

static void stop(struct watch *watch)
{
        mt_job_clear(&watch->host);
        mt_call_clear(&watch->host);
        for (int i = 0; i < AGENTS_END_MS / 10 && mt_agents_running() > 0; i++) /* they put QEMU's limits back */
                (void)usleep(10000);
        mt_incoming_clear(&watch->host);
        mt_expose_stop(&watch->host);
        mt_server_stop(watch->server);
        mt_libvirt_stop(watch->libvirt);
        mt_destination_stop(watch->host.destination);
        mt_dirty_sampler_stop(watch->host.sampler);
        mt_nic_table_free(watch->host.nics);
        mt_shaper_free(watch->host.shaper);
        if (watch->signal_watch >= 0)
                (void)virEventRemoveHandle(watch->signal_watch);
        if (watch->agent_watch >= 0)
                (void)virEventRemoveHandle(watch->agent_watch);
        if (watch->tick_timer >= 0)
                (void)virEventRemoveTimeout(watch->tick_timer);
        mt_notify_watchdog_stop(watch->watchdog_timer);
        if (watch->signal_fd >= 0)
                (void)close(watch->signal_fd);
        if (watch->host.agent_fd >= 0) /* no agent writes any more: mt_job_clear released them all */
                (void)close(watch->host.agent_fd);
        mt_learn_end(&watch->host);
        mt_config_done(&watch->host.config);
}

static void on_settled(int timer, void *opaque)
{
        (void)opaque;
        (void)virEventRemoveTimeout(timer);
}

/* The loop frees what was removed from it on its next turns: give it two. */
static void settle(void)
{
        for (int i = 0; i < 2; i++)
                if (virEventAddTimeout(0, on_settled, NULL, NULL) >= 0)
                        (void)virEventRunDefaultImpl();
}

int mt_watch_run(const struct mt_host_ops *ops, const char *uri)
{
        struct watch watch = { .ops = ops,
                               .uri = uri != NULL ? uri : DEFAULT_URI,
                               .signal_fd = -1,
                               .signal_watch = -1,
                               .agent_watch = -1,
                               .tick_timer = -1,
                               .watchdog_timer = -1,
                               .host = { .agent_fd = -1 } };
        struct mt_err err = { 0 };
        int status = 0;

        watch.host.record = send_record;
        watch.host.record_ctx = &watch;
        watch.host.run_dir = ops->run_dir;
        (void)gethostname(watch.host.name, sizeof(watch.host.name) - 1);
        if (start(&watch, &err) < 0) {
                mt_log(MT_LOG_ERR, "watch: %s, leaving migrations untuned", err.msg);
                status = 1;
        } else {
                mt_log(MT_LOG_NOTICE, "watching %s (mode %s, configuration %s)", watch.uri,
                       mt_mode_name(watch.host.config.defaults.mode), ops->config_file);
                tell_ready(&watch, "");
                while (!watch.quit)
                        if (virEventRunDefaultImpl() < 0) {
                                mt_log(MT_LOG_ERR, "libvirt's event loop failed, leaving migrations untuned");
                                status = 1;
                                break;
                        }
        }
        mt_notify_stopping();
        stop(&watch);
        settle();
        return status;
}
