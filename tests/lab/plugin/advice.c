/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plugin that advises what a test wants, so that the shim's part can be seen alone: what the shim was told and what it
 * then made of the call, in a real client or daemon of a real libvirt. It is for tests/lab/test_shim.py.
 *
 * The file that MIGTUNE_LAB_ADVICE names has a line NAME=NUMBER or NAME=TEXT for each member of struct mt_advice that is to
 * be set; besides these
 *   waits=N    the first N questions about a call are answered with MT_ADVICE_WAIT, half a second each
 *   sleep=MS   no answer before that
 *   stands=1   the plan's limits stand against a caller's
 * An empty file: MT_ADVICE_LEAVE. Each question and report is a line of the file of the same name with ".log" behind it.
 */
#include <migtune/plugin.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 500u

static const char *path(void)
{
        const char *name = getenv("MIGTUNE_LAB_ADVICE");

        return name != NULL ? name : "/dev/null";
}

/* The value of a line NAME=VALUE of the file, in a buffer of the caller's; false: there is none. */
static bool find(const char *name, char *value, size_t size)
{
        FILE *file = fopen(path(), "re");
        char line[256];
        bool found = false;
        size_t length = strlen(name);

        value[0] = '\0';
        while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
                line[strcspn(line, "\n")] = '\0';
                found = strncmp(line, name, length) == 0 && line[length] == '=';
                if (found)
                        (void)snprintf(value, size, "%s", line + length + 1);
        }
        if (file != NULL)
                (void)fclose(file);
        return found;
}

static uint64_t number(const char *name)
{
        char value[64];

        return find(name, value, sizeof(value)) ? strtoull(value, NULL, 0) : 0;
}

static void note(const char *line)
{
        char name[256];
        FILE *file;

        (void)snprintf(name, sizeof(name), "%s.log", path());
        file = fopen(name, "ae");
        if (file == NULL)
                return;
        (void)fprintf(file, "%s\n", line);
        (void)fclose(file);
}

static const char *or_none(const char *text)
{
        return text != NULL ? text : "-";
}

static int32_t lab_open(const struct mt_host_ops *host, void **ret_handle)
{
        static int handle;

        (void)host;
        *ret_handle = &handle;
        return 0;
}

static void lab_close(void *handle)
{
        (void)handle;
}

static int32_t lab_hook_event(void *handle, const struct mt_hook_event *event)
{
        (void)handle;
        (void)event;
        return 0;
}

static int32_t lab_advise(void *handle, const struct mt_call *call, struct mt_advice *ret)
{
        const unsigned asked = call->ticket != NULL ? (unsigned)strtoul(call->ticket, NULL, 10) : 0;
        char line[1024], text[64];

        (void)handle;
        (void)snprintf(line, sizeof(line),
                       "advise attach=%" PRIu32 " state=%" PRIu32 " domain=%s uri=%s flags=%#" PRIx64 " bandwidth=%" PRIu64
                       " asked=%u",
                       call->attach, call->state, or_none(call->domain), or_none(call->uri), call->flags,
                       call->bandwidth_mib_s, asked);
        note(line);
        (void)usleep((useconds_t)number("sleep") * 1000);
        (void)snprintf(ret->ticket, sizeof(ret->ticket), "%u", asked + 1);
        if (asked < number("waits")) {
                ret->action = MT_ADVICE_WAIT;
                ret->wait_ms = WAIT_MS;
                return 0;
        }
        ret->flags_add = number("flags_add");
        ret->flags_drop = number("flags_drop");
        ret->bandwidth_mib_s = number("bandwidth_mib_s");
        ret->bandwidth_postcopy_mib_s = number("bandwidth_postcopy_mib_s");
        ret->bandwidth_switchover_mib_s = number("bandwidth_switchover_mib_s");
        ret->connections = (uint32_t)number("connections");
        ret->xbzrle_cache_bytes = number("xbzrle_cache_bytes");
        if (find("compression", text, sizeof(text)))
                (void)snprintf(ret->compression, sizeof(ret->compression), "%.15s", text);
        ret->action = ret->flags_add || ret->flags_drop || ret->bandwidth_mib_s || ret->bandwidth_postcopy_mib_s ||
                                      ret->bandwidth_switchover_mib_s
                              ? MT_ADVICE_TUNE
                              : MT_ADVICE_LEAVE;
        return 0;
}

static int32_t lab_report(void *handle, const struct mt_report *report)
{
        static const char *const names[] = { "?",         "ended",     "retried", "max-downtime",
                                             "max-speed", "post-copy", "abort",   "suspend" };
        bool is_limit = report->what == MT_REPORT_MAX_DOWNTIME || report->what == MT_REPORT_MAX_SPEED;
        char line[1024];

        (void)handle;
        (void)snprintf(line, sizeof(line), "report %s value=%" PRIu64 " result=%" PRId32 " text=%s",
                       names[report->what < sizeof(names) / sizeof(names[0]) ? report->what : 0], report->value,
                       report->result, or_none(report->text));
        note(line);
        return is_limit && number("stands") ? 1 : 0;
}

const struct mt_plugin_ops *mt_plugin_get(uint32_t host_abi_major)
{
        static const struct mt_plugin_ops ops = {
                .struct_size = sizeof(ops),
                .abi_major = MT_ABI_MAJOR,
                .name = "advice",
                .version = "0",
                .open = lab_open,
                .close = lab_close,
                .hook_event = lab_hook_event,
                .advise = lab_advise,
                .report = lab_report,
        };

        return host_abi_major == MT_ABI_MAJOR ? &ops : NULL;
}
