/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * The file is written with the tick that follows an outcome, else every 10 s while something migrates and every 60 s while
 * nothing does. Where nothing has changed only its time stamp is renewed, so that node_textfile_mtime_seconds tells that the
 * watcher lives.
 *
 * Counters must not fall when the watcher is restarted: rate() would take what is left for new. So they go on from the file
 * itself, which is what Prometheus saw last. (The history would not do: it is cut to history.keep records, and does not have
 * them all.) That is why the file stays when the watcher ends: with its counters, migtune_up 0, and no devices. A file that
 * was lost begins anew from 0, which is a reset as Prometheus knows it. One that no longer is the configured one is removed,
 * since the node exporter would show it for ever.
 */
#include "steer/expose.h"
#include "cleanup.h"
#include "clock.h"
#include "log.h"
#include "measure/route.h"
#include "measure/uplinks.h"
#include "policy/decide.h"
#include "release.h"
#include "replace.h"
#include "steer/call.h"
#include "steer/incoming.h"
#include "steer/job.h"
#include "steer/job_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BUSY_MS 10000
#define IDLE_MS 60000
#define MODE 0644
#define MOST_TEXT ((size_t)1 << 20)

struct mt_expose {
        struct mt_metrics metrics;
        char file[256]; /* metrics.textfile as it is in use; "": none */
        char *text;     /* owned: what the file was given last; NULL: nothing yet */
        bool due;       /* there is something new to tell */
        uint64_t tried_ms;
        uint64_t start_ms, reload_ms; /* wall clock */
        bool reload_ok;
};

void mt_failed_open(const struct mt_host *host, enum mt_fail_open what)
{
        if (host->expose != NULL)
                host->expose->metrics.fail_open[what]++;
}

void mt_host_decide(const struct mt_host *host, const struct mt_facts *facts, const struct mt_intent *intent,
                    struct mt_plan *ret_plan)
{
        uint64_t began_ns = mt_now_ns();

        mt_decide(facts, intent, ret_plan);
        if (host->expose != NULL)
                mt_metrics_plan(&host->expose->metrics, mt_now_ns() - began_ns);
}

void mt_expose_outcome(const struct mt_host *host, const struct mt_outcome *outcome)
{
        if (host->expose == NULL)
                return;
        mt_metrics_outcome(&host->expose->metrics, outcome);
        if (outcome->intent.mode == MT_MODE_ENFORCE && outcome->unshaped[0] != '\0' && host->config.tc.enable)
                mt_failed_open(host, MT_FAIL_OPEN_SHAPING);
        host->expose->due = true;
}

/* Gauges. */

static uint64_t granted_to_jobs(const struct mt_host *host, const char *device)
{
        uint64_t sum = 0;

        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (job->state != MT_JOB_OVER && strcmp(job->facts.device, device) == 0)
                        sum += job->intent.mode == MT_MODE_ENFORCE ? job->plan.bandwidth_bytes_s
                                                                   : (uint64_t)job->meter.bytes_s;
        return sum;
}

static void look_at_device(const struct mt_host *host, const char *name, struct mt_metrics_device *ret)
{
        struct mt_traffic_fact traffic = mt_host_traffic(host, name, mt_now_ms());
        uint64_t rate = host->config.link.rate_bytes_s, budget;
        struct mt_uplink uplink = { .link_bytes_s = 0 };

        if (rate == MT_AUTO)
                rate = mt_route_device(name, &uplink, NULL) == 0 ? uplink.link_bytes_s : 0;
        budget = (uint64_t)((double)rate * MT_USABLE);
        *ret = (struct mt_metrics_device){ .link_bytes_s = rate,
                                           .egress = { .known = traffic.known,
                                                       .budget_bytes_s = budget,
                                                       .granted_bytes_s = granted_to_jobs(host, name),
                                                       .carried_bytes_s = mt_job_own_rate(host, name),
                                                       .background_bytes_s = traffic.out_bytes_s },
                                           .ingress = { .known = traffic.known,
                                                        .budget_bytes_s = budget,
                                                        .granted_bytes_s = mt_incoming_granted(host, name),
                                                        .carried_bytes_s = mt_incoming_own_rate(host, name),
                                                        .background_bytes_s = traffic.in_bytes_s } };
        (void)memcpy(ret->name, name, strnlen(name, sizeof(ret->name) - 1));
}

static void look_around(const struct mt_host *host, struct mt_metrics_now *ret)
{
        struct mt_share_sample uplinks = { .n = 0 };
        struct mt_err err = { 0 };

        if (mt_uplinks_read(host->config.link.device, &uplinks, &err) < 0)
                mt_log_limited(MT_LOG_WARNING, "metrics uplinks", "%s, leaving the uplinks out of the metrics", err.msg);
        ret->up = true;
        ret->libvirt = host->connection != NULL;
        ret->incoming = mt_incoming_count(host);
        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                ret->outgoing += job->state != MT_JOB_OVER ? 1 : 0;
        for (const struct mt_announced *call = host->calls; call != NULL; call = call->next)
                ret->waiting += call->state == MT_ANNOUNCED_WAITING ? 1 : 0;
        for (; ret->n_devices < uplinks.n && ret->n_devices < MT_METRICS_DEVICES; ret->n_devices++)
                look_at_device(host, uplinks.uplink[ret->n_devices].device, &ret->device[ret->n_devices]);
}

/* The file. */

/* The directory of a path that is absolute, and what it is called there. */
static int open_directory(const char *path, const char **ret_name)
{
        const char *slash = strrchr(path, '/');
        char directory[256] = "/";
        int fd;

        if (slash > path)
                (void)snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *ret_name = slash + 1;
        return fd >= 0 ? fd : -errno;
}

static int replace(const char *path, const char *text)
{
        const char *name;
        MT_CLEANUP(mt_closep) int dir_fd = open_directory(path, &name);

        return dir_fd < 0 ? dir_fd : mt_replace_at(dir_fd, name, text, strlen(text), MODE);
}

/* The watcher lives, and there is nothing new. False: the file is not there any more. */
static bool renew(const struct mt_expose *expose)
{
        return utimensat(AT_FDCWD, expose->file, NULL, AT_SYMLINK_NOFOLLOW) == 0;
}

static void write_now(struct mt_expose *expose, struct mt_metrics_now *now)
{
        char *text;
        int r;

        now->version = mt_release();
        now->start_ms = expose->start_ms;
        now->reload_ms = expose->reload_ms;
        now->reload_ok = expose->reload_ok;
        text = mt_metrics_text(&expose->metrics, now);
        if (text != NULL && expose->text != NULL && strcmp(text, expose->text) == 0 && renew(expose)) {
                free(text);
                return;
        }
        r = text != NULL ? replace(expose->file, text) : -ENOMEM;
        if (r < 0) {
                mt_log_limited(MT_LOG_WARNING, "metrics", "metrics.textfile: write '%s': %s, trying again later",
                               expose->file, strerror(-r));
                free(text);
                return;
        }
        free(expose->text);
        expose->text = text;
}

/* Counters go on from what an earlier watcher wrote. Its absence is no error. */
static void go_on_from(struct mt_expose *expose)
{
        MT_CLEANUP(mt_closep) int fd = open(expose->file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        MT_CLEANUP(mt_freep) char *text = NULL;
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size > MOST_TEXT)
                return;
        text = calloc(1, (size_t)st.st_size + 1);
        n = text != NULL ? read(fd, text, (size_t)st.st_size) : -1;
        if (n > 0)
                mt_metrics_load(&expose->metrics, text);
}

void mt_expose_start(struct mt_host *host)
{
        struct mt_expose *expose = calloc(1, sizeof(*expose));

        host->expose = expose;
        if (expose == NULL)
                return;
        (void)memcpy(expose->file, host->config.metrics.textfile, sizeof(expose->file));
        expose->start_ms = expose->reload_ms = mt_wall_ms();
        expose->reload_ok = expose->due = true;
        if (expose->file[0] != '\0')
                go_on_from(expose);
}

void mt_expose_reloaded(struct mt_host *host, bool taken)
{
        struct mt_expose *expose = host->expose;
        const char *file = host->config.metrics.textfile;

        if (expose == NULL)
                return;
        expose->metrics.reloads[taken ? 0 : 1]++;
        expose->reload_ok = taken;
        expose->due = true;
        if (!taken) {
                mt_failed_open(host, MT_FAIL_OPEN_CONFIGURATION);
                return;
        }
        expose->reload_ms = mt_wall_ms();
        if (strcmp(file, expose->file) == 0)
                return;
        if (expose->text != NULL)
                (void)unlink(expose->file);
        (void)memcpy(expose->file, file, sizeof(expose->file));
        if (expose->text == NULL && file[0] != '\0')
                go_on_from(expose);
        free(MT_STEAL(&expose->text));
}

void mt_expose_tick(struct mt_host *host)
{
        struct mt_expose *expose = host->expose;
        bool busy = host->jobs != NULL || host->incoming != NULL || host->calls != NULL;
        struct mt_metrics_now now = { .up = false };
        uint64_t now_ms = mt_now_ms();

        if (expose == NULL || expose->file[0] == '\0' ||
            (!expose->due && now_ms - expose->tried_ms < (busy ? BUSY_MS : IDLE_MS)))
                return;
        expose->due = false;
        expose->tried_ms = now_ms;
        look_around(host, &now);
        write_now(expose, &now);
}

void mt_expose_stop(struct mt_host *host)
{
        struct mt_expose *expose = MT_STEAL(&host->expose);

        if (expose == NULL)
                return;
        if (expose->file[0] != '\0')
                write_now(expose, &(struct mt_metrics_now){ .up = false });
        free(expose->text);
        free(expose);
}
