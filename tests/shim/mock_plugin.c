/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plugin that writes down what the shim tells it, and answers as the environment says.
 *
 * MOCK_LOG      file: one line for each call
 * MOCK_ADVICE   what advise() answers, one after the other, separated by '|', the last again and again:
 *               "leave", "tune" or "wait", then add= drop= (flags, hexadecimal) bandwidth= postcopy= switchover=
 *               connections= compression= cache= wait= ticket= reason=
 * MOCK_ERROR    negative errno that advise() returns
 * MOCK_ERRORS   the same for one call after the other, "-107 0 -5"; 0: it answers; the last again and again
 * MOCK_ANSWERS  what report() answers: "WHAT=ANSWER ..."
 * MOCK_HANGS    "open", "advise" or "report": it does not return for MOCK_HANGS_MS
 * MOCK_NESTED   advise() calls libvirt's functions, as found by any name in the process
 *
 * Compiled with -DALONE it is another plugin: it goes by ALONE_... instead of MOCK_..., but for the log, where its lines
 * begin with "alone: ".
 */
#include <migtune/plugin.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef ALONE
#define PREFIX "ALONE_"
#define MARK "alone: "
#else
#define PREFIX "MOCK_"
#define MARK ""
#endif

static struct mt_host_ops host;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned n_asked;

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
        const char *path = getenv("MOCK_LOG");
        char line[2048];
        va_list args;
        int fd, n;

        if (path == NULL)
                return;
        va_start(args, format);
        n = snprintf(line, sizeof(line), "%s", MARK);
        n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);
        va_end(args);
        line[n++] = '\n';
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd >= 0) {
                (void)!write(fd, line, (size_t)n);
                (void)close(fd);
        }
}

static void hang(const char *where)
{
        const char *which = getenv(PREFIX "HANGS"), *ms = getenv(PREFIX "HANGS_MS");
        long left = ms != NULL ? atol(ms) : 3600000;
        struct timespec pause = { left / 1000, left % 1000 * 1000000 };

        if (which != NULL && strcmp(which, where) == 0) {
                (void)nanosleep(&pause, NULL);
                note("back from %s", where);
        }
}

static int32_t mock_open(const struct mt_host_ops *given, void **ret_handle)
{
        static int handle;

        hang("open");
        (void)memcpy(&host, given, sizeof(host));
        note("open run_dir=%s", host.run_dir != NULL ? host.run_dir : "-");
        *ret_handle = &handle;
        return 0;
}

static void mock_close(void *handle)
{
        (void)handle;
        note("close");
}

/* The answer whose turn it is, in text of size bytes. */
static void next_answer(char *text, size_t size)
{
        const char *answers = getenv(PREFIX "ADVICE"), *end;
        unsigned n;

        if (answers == NULL)
                answers = "leave";
        (void)pthread_mutex_lock(&lock);
        n = n_asked++;
        (void)pthread_mutex_unlock(&lock);
        while (n-- > 0 && strchr(answers, '|') != NULL)
                answers = strchr(answers, '|') + 1;
        end = strchrnul(answers, '|');
        (void)snprintf(text, size, "%.*s", (int)(end - answers), answers);
}

/* 0: advise() answers. */
static int error_now(void)
{
        static unsigned n_calls;
        const char *errors = getenv(PREFIX "ERRORS"), *always = getenv(PREFIX "ERROR");
        unsigned n;

        if (errors == NULL)
                return always != NULL ? atoi(always) : 0;
        (void)pthread_mutex_lock(&lock);
        n = n_calls++;
        (void)pthread_mutex_unlock(&lock);
        while (n-- > 0 && strchr(errors, ' ') != NULL)
                errors = strchr(errors, ' ') + 1;
        return atoi(errors);
}

static void set(struct mt_advice *advice, const char *key, const char *value)
{
        const struct {
                const char *key;
                uint64_t *number;
        } numbers[] = { { "bandwidth", &advice->bandwidth_mib_s },
                        { "postcopy", &advice->bandwidth_postcopy_mib_s },
                        { "switchover", &advice->bandwidth_switchover_mib_s },
                        { "cache", &advice->xbzrle_cache_bytes } };

        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                if (strcmp(key, numbers[i].key) == 0)
                        *numbers[i].number = strtoull(value, NULL, 10);
        if (strcmp(key, "add") == 0)
                advice->flags_add = strtoull(value, NULL, 16);
        if (strcmp(key, "drop") == 0)
                advice->flags_drop = strtoull(value, NULL, 16);
        if (strcmp(key, "connections") == 0)
                advice->connections = (uint32_t)strtoul(value, NULL, 10);
        if (strcmp(key, "wait") == 0)
                advice->wait_ms = (uint32_t)strtoul(value, NULL, 10);
        if (strcmp(key, "compression") == 0)
                (void)snprintf(advice->compression, sizeof(advice->compression), "%s", value);
        if (strcmp(key, "ticket") == 0)
                (void)snprintf(advice->ticket, sizeof(advice->ticket), "%s", value);
        if (strcmp(key, "reason") == 0)
                (void)snprintf(advice->reason, sizeof(advice->reason), "%s", value);
}

static void parse(struct mt_advice *advice, char *text)
{
        char *rest = NULL, *word = strtok_r(text, " ", &rest);

        advice->action = word != NULL && strcmp(word, "tune") == 0   ? MT_ADVICE_TUNE
                         : word != NULL && strcmp(word, "wait") == 0 ? MT_ADVICE_WAIT
                                                                     : MT_ADVICE_LEAVE;
        while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
                char *value = strchr(word, '=');

                if (value != NULL) {
                        *value = '\0';
                        set(advice, word, value + 1);
                }
        }
}

/* Calls what a plugin may call: it must come out at libvirt, not at the shim again. */
static void call_libvirt(void)
{
        void *(*look_up)(void *connection, const char *name) = NULL;
        int (*set_max_downtime)(void *domain, unsigned long long ms, unsigned flags) = NULL;
        int (*migrate)(void *domain, const char *uri, void *params, unsigned n, unsigned flags) = NULL;
        int (*release)(void *domain) = NULL;
        const struct {
                const char *name;
                void *function;
        } wanted[] = { { "virDomainLookupByName", &look_up },
                       { "virDomainMigrateSetMaxDowntime", &set_max_downtime },
                       { "virDomainMigrateToURI3", &migrate },
                       { "virDomainFree", &release } };
        void *domain;

        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
                void *symbol = dlsym(RTLD_DEFAULT, wanted[i].name);

                (void)memcpy(wanted[i].function, &symbol, sizeof(symbol));
        }
        domain = look_up(NULL, "nested");
        (void)set_max_downtime(domain, 77, 0);
        (void)migrate(domain, "nested", NULL, 0, 0);
        (void)release(domain);
}

static const char *or_dash(const char *text)
{
        return text != NULL ? text : "-";
}

static int32_t mock_advise(void *handle, const struct mt_call *call, struct mt_advice *ret_advice)
{
        char text[512];
        int error;
        sigset_t mask;

        (void)handle;
        note("advise %s %s attach=%u state=%u uri=%s migrate_uri=%s ticket=%s flags=%#" PRIx64 " bandwidth=%" PRIu64
             "/%" PRIu64 "/%" PRIu64 " version=%" PRIu64 " timeout=%u",
             call->domain, call->uuid, call->attach, call->state, or_dash(call->uri), or_dash(call->migrate_uri),
             or_dash(call->ticket), call->flags, call->bandwidth_mib_s, call->bandwidth_postcopy_mib_s,
             call->bandwidth_switchover_mib_s, call->libvirt_version, call->timeout_ms);
        (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
        if (sigismember(&mask, SIGINT) != 1)
                note("signals are not blocked");
        errno = ENOTTY; /* a plugin's errno is nobody else's */
        if (getenv(PREFIX "NESTED") != NULL)
                call_libvirt();
        hang("advise");
        if (MARK[0] != '\0')
                host.log(host.ctx, 5, "mock: a notice");
        error = error_now();
        if (error != 0) {
                host.log(host.ctx, 4, MARK "mock: it does not work");
                return error;
        }
        next_answer(text, sizeof(text));
        parse(ret_advice, text);
        return 0;
}

static int32_t mock_report(void *handle, const struct mt_report *report)
{
        const char *answers = getenv(PREFIX "ANSWERS");
        char key[16], *found;

        (void)handle;
        note("report %u result=%d %s ticket=%s value=%" PRIu64 " text=%s", report->what, report->result,
             or_dash(report->uuid), or_dash(report->ticket), report->value, or_dash(report->text));
        hang("report");
        (void)snprintf(key, sizeof(key), "%u=", report->what);
        found = answers != NULL ? strstr(answers, key) : NULL;
        return found != NULL ? atoi(found + strlen(key)) : 0;
}

const struct mt_plugin_ops *mt_plugin_get(uint32_t host_abi_major)
{
        static const struct mt_plugin_ops ops = {
                .struct_size = sizeof(ops),
                .abi_major = MT_ABI_MAJOR,
                .name = "mock",
                .version = "0",
                .open = mock_open,
                .close = mock_close,
                .advise = mock_advise,
                .report = mock_report,
        };

        return host_abi_major == MT_ABI_MAJOR ? &ops : NULL;
}
