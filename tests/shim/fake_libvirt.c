/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A libvirt.so.0 that can migrate: every function that the shim stands in front of writes down what it was called with, and
 * then behaves as the environment says.
 *
 * FAKE_LOG           file: one line for each call
 * FAKE_VERSION       what virGetVersion() says
 * FAKE_STATE         state and reason of every domain: "1.1" (running, booted)
 * FAKE_UNTIL         a migration runs until this file exists, unless it is aborted
 * FAKE_FAIL          error code with which every migration ends
 * FAKE_REFUSE        flags (hexadecimal) or the name of a parameter that a migration is refused for, by FAKE_REFUSE_CODE
 * FAKE_REFUSE_TEXT   the message then
 * FAKE_BEGUN         the guest was paused and resumed before a migration fails
 * FAKE_JOB           the client that conducts a migration has made libvirt begin its job: an abort counts from then on
 * FAKE_LIMITS_FAIL   error code of SetMaxDowntime and SetMaxSpeed
 * FAKE_PEER          process number of the client that a daemon serves; "none": it has none
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNNING 64
#define MAX_PARAMS 64 /* libvirt's REMOTE_DOMAIN_MIGRATE_PARAM_LIST_MAX */

struct _virConnect {
        char uri[64];
};

struct _virDomain {
        virConnectPtr connection;
        char name[64];
        char uuid[VIR_UUID_STRING_BUFLEN];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct running {
        char uuid[VIR_UUID_STRING_BUFLEN];
        bool is_aborted;
} running[MAX_RUNNING];
static bool was_resumed, was_aborted;
static _Thread_local virError last;

static const char *setting(const char *name, const char *otherwise)
{
        const char *value = getenv(name);

        return value != NULL ? value : otherwise;
}

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
        const char *path = getenv("FAKE_LOG");
        char line[9000];
        va_list args;
        int fd, n;

        if (path == NULL)
                return;
        va_start(args, format);
        n = vsnprintf(line, sizeof(line) - 1, format, args);
        va_end(args);
        line[n++] = '\n';
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (fd >= 0) {
                (void)!write(fd, line, (size_t)n);
                (void)close(fd);
        }
}

/* --- errors ------------------------------------------------------------------------------------------------------ */

void virResetLastError(void)
{
        free(last.message);
        last = (virError){ .code = VIR_ERR_OK };
}

virErrorPtr virGetLastError(void)
{
        return last.code != VIR_ERR_OK ? &last : NULL;
}

virErrorPtr virSaveLastError(void)
{
        virErrorPtr copy = calloc(1, sizeof(*copy));

        *copy = last;
        copy->message = last.message != NULL ? strdup(last.message) : NULL;
        return copy;
}

void virFreeError(virErrorPtr error)
{
        if (error != NULL)
                free(error->message);
        free(error);
}

int virSetError(virErrorPtr error);
int virSetError(virErrorPtr error)
{
        char *message = error->message != NULL ? strdup(error->message) : NULL;

        virResetLastError();
        last = *error;
        last.message = message;
        last.str1 = last.str2 = NULL;
        return 0;
}

void virDispatchError(virConnectPtr connection);
void virDispatchError(virConnectPtr connection)
{
        (void)connection;
        (void)fprintf(stderr, "libvirt: fake error : %s\n", last.message);
}

static int fail(int code, const char *message)
{
        virResetLastError();
        last.code = code;
        last.domain = VIR_FROM_QEMU;
        last.level = VIR_ERR_ERROR;
        last.message = strdup(message);
        virDispatchError(NULL);
        errno = EPIPE;
        return -1;
}

/* What libvirt's functions do on the way: reset the last error, and leave any errno behind. */
static void spoil(void)
{
        virResetLastError();
        errno = ENOTTY;
}

/* --- connections and domains ------------------------------------------------------------------------------------- */

int virGetVersion(unsigned long *version, const char *type, unsigned long *type_version)
{
        (void)type;
        (void)type_version;
        spoil();
        *version = strtoul(setting("FAKE_VERSION", "11003000"), NULL, 10);
        return 0;
}

virConnectPtr virConnectOpen(const char *uri)
{
        virConnectPtr connection = calloc(1, sizeof(*connection));

        (void)snprintf(connection->uri, sizeof(connection->uri), "%s", uri);
        return connection;
}

int virConnectClose(virConnectPtr connection)
{
        free(connection);
        return 0;
}

char *virConnectGetURI(virConnectPtr connection)
{
        spoil();
        return strdup(connection->uri);
}

virDomainPtr virDomainLookupByName(virConnectPtr connection, const char *name)
{
        virDomainPtr domain = calloc(1, sizeof(*domain));
        unsigned sum = 0;

        for (const char *c = name; *c != '\0'; c++)
                sum = sum * 31 + (unsigned char)*c;
        domain->connection = connection;
        (void)snprintf(domain->name, sizeof(domain->name), "%s", name);
        (void)snprintf(domain->uuid, sizeof(domain->uuid), "00000000-0000-4000-8000-%012x", sum);
        return domain;
}

int virDomainFree(virDomainPtr domain)
{
        free(domain);
        return 0;
}

virConnectPtr virDomainGetConnect(virDomainPtr domain)
{
        spoil();
        return domain->connection;
}

const char *virDomainGetName(virDomainPtr domain)
{
        spoil();
        return domain->name;
}

int virDomainGetUUIDString(virDomainPtr domain, char *buf)
{
        spoil();
        (void)memcpy(buf, domain->uuid, sizeof(domain->uuid));
        return 0;
}

int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags)
{
        (void)domain;
        (void)flags;
        spoil();
        if (sscanf(setting("FAKE_STATE", "1.1"), "%d.%d", state, reason) != 2)
                return fail(VIR_ERR_NO_DOMAIN, "Domain not found");
        (void)pthread_mutex_lock(&lock);
        if (was_resumed)
                *reason = VIR_DOMAIN_RUNNING_MIGRATION_CANCELED;
        (void)pthread_mutex_unlock(&lock);
        return 0;
}

/* --- migrations -------------------------------------------------------------------------------------------------- */

static struct running *find_running(const char *uuid)
{
        for (size_t i = 0; i < MAX_RUNNING; i++)
                if (strcmp(running[i].uuid, uuid) == 0)
                        return &running[i];
        return NULL;
}

/* Runs until FAKE_UNTIL is there. False: aborted. */
static bool run(virDomainPtr domain)
{
        const char *end = getenv("FAKE_UNTIL");
        struct running *job;
        int code = errno;
        bool is_aborted;

        (void)pthread_mutex_lock(&lock);
        job = find_running("");
        if (job == NULL)
                abort();
        (void)snprintf(job->uuid, sizeof(job->uuid), "%s", domain->uuid);
        job->is_aborted = was_aborted;
        while (end != NULL && !job->is_aborted && access(end, F_OK) < 0) {
                (void)pthread_mutex_unlock(&lock);
                (void)nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
                (void)pthread_mutex_lock(&lock);
        }
        is_aborted = job->is_aborted;
        job->uuid[0] = '\0';
        (void)pthread_mutex_unlock(&lock);
        errno = code;
        return !is_aborted;
}

static bool is_refused(unsigned long flags, virTypedParameterPtr params, int n)
{
        const char *refused = getenv("FAKE_REFUSE");
        char *end;
        unsigned long mask = refused != NULL ? strtoul(refused, &end, 16) : 0;

        if (refused == NULL)
                return false;
        for (int i = 0; i < n; i++)
                if (strcmp(params[i].field, refused) == 0)
                        return true;
        return *end == '\0' && (flags & mask) != 0;
}

static int migrate(virDomainPtr domain, unsigned long flags, virTypedParameterPtr params, int n)
{
        int code = atoi(setting("FAKE_FAIL", "0"));

        virResetLastError();
        if (n > MAX_PARAMS)
                return fail(VIR_ERR_RPC, "too many parameters");
        if (is_refused(flags, params, n)) {
                (void)pthread_mutex_lock(&lock);
                was_resumed = getenv("FAKE_BEGUN") != NULL;
                (void)pthread_mutex_unlock(&lock);
                return fail(atoi(setting("FAKE_REFUSE_CODE", "8")), setting("FAKE_REFUSE_TEXT", "not that flag"));
        }
        if (!run(domain))
                return fail(VIR_ERR_OPERATION_ABORTED, "operation aborted: job 'migration out' canceled by client");
        return code != 0 ? fail(code, "it did not work") : 0;
}

static const char *or_dash(const char *text)
{
        return text != NULL ? text : "-";
}

/* "[name:type=value ...]". */
static const char *show(virTypedParameterPtr params, int n, char *text, size_t size)
{
        size_t used = (size_t)snprintf(text, size, "[");

        for (int i = 0; i < n && used < size; i++) {
                used += (size_t)snprintf(text + used, size - used, "%s%s:", i > 0 ? " " : "", params[i].field);
                if (used >= size)
                        break;
                if (params[i].type == VIR_TYPED_PARAM_STRING)
                        used += (size_t)snprintf(text + used, size - used, "S=%s", params[i].value.s);
                else if (params[i].type == VIR_TYPED_PARAM_ULLONG)
                        used += (size_t)snprintf(text + used, size - used, "U=%llu", params[i].value.ul);
                else
                        used += (size_t)snprintf(text + used, size - used, "I=%d", params[i].value.i);
        }
        if (used < size)
                (void)snprintf(text + used, size - used, "]");
        return text;
}

int virDomainMigrateToURI3(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params, unsigned int nparams,
                           unsigned int flags)
{
        char text[8192];

        note("virDomainMigrateToURI3 %s %s flags=%#x %s", domain->name, or_dash(dconnuri), flags,
             show(params, (int)nparams, text, sizeof(text)));
        return migrate(domain, flags, params, (int)nparams);
}

int virDomainMigrateToURI2(virDomainPtr domain, const char *dconnuri, const char *miguri, const char *dxml,
                           unsigned long flags, const char *dname, unsigned long bandwidth)
{
        note("virDomainMigrateToURI2 %s %s %s %s flags=%#lx %s bandwidth=%lu", domain->name, or_dash(dconnuri),
             or_dash(miguri), or_dash(dxml), flags, or_dash(dname), bandwidth);
        return migrate(domain, flags, NULL, 0);
}

int virDomainMigrateToURI(virDomainPtr domain, const char *duri, unsigned long flags, const char *dname,
                          unsigned long bandwidth)
{
        note("virDomainMigrateToURI %s %s flags=%#lx %s bandwidth=%lu", domain->name, or_dash(duri), flags, or_dash(dname),
             bandwidth);
        return migrate(domain, flags, NULL, 0);
}

virDomainPtr virDomainMigrate3(virDomainPtr domain, virConnectPtr dconn, virTypedParameterPtr params, unsigned int nparams,
                               unsigned int flags)
{
        char text[8192];

        note("virDomainMigrate3 %s %s flags=%#x %s", domain->name, dconn->uri, flags,
             show(params, (int)nparams, text, sizeof(text)));
        if (nparams + 2 > MAX_PARAMS) { /* libvirt adds the domain's name and XML */
                (void)fail(VIR_ERR_RPC, "too many parameters");
                return NULL;
        }
        return migrate(domain, flags, params, (int)nparams) == 0 ? virDomainLookupByName(dconn, domain->name) : NULL;
}

virDomainPtr virDomainMigrate2(virDomainPtr domain, virConnectPtr dconn, const char *dxml, unsigned long flags,
                               const char *dname, const char *uri, unsigned long bandwidth)
{
        note("virDomainMigrate2 %s %s %s flags=%#lx %s %s bandwidth=%lu", domain->name, dconn->uri, or_dash(dxml), flags,
             or_dash(dname), or_dash(uri), bandwidth);
        return migrate(domain, flags, NULL, 0) == 0 ? virDomainLookupByName(dconn, domain->name) : NULL;
}

virDomainPtr virDomainMigrate(virDomainPtr domain, virConnectPtr dconn, unsigned long flags, const char *dname,
                              const char *uri, unsigned long bandwidth)
{
        note("virDomainMigrate %s %s flags=%#lx %s %s bandwidth=%lu", domain->name, dconn->uri, flags, or_dash(dname),
             or_dash(uri), bandwidth);
        return migrate(domain, flags, NULL, 0) == 0 ? virDomainLookupByName(dconn, domain->name) : NULL;
}

int virDomainMigratePerform3Params(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params, int nparams,
                                   const char *cookiein, int cookieinlen, char **cookieout, int *cookieoutlen,
                                   unsigned int flags);
int virDomainMigratePerform3Params(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params, int nparams,
                                   const char *cookiein, int cookieinlen, char **cookieout, int *cookieoutlen,
                                   unsigned int flags)
{
        char text[8192];

        note("virDomainMigratePerform3Params %s %s flags=%#x %s cookie=%.*s", domain->name, or_dash(dconnuri), flags,
             show(params, nparams, text, sizeof(text)), cookieinlen, cookiein);
        *cookieout = strdup("out");
        *cookieoutlen = 3;
        return migrate(domain, flags, params, nparams);
}

int virDomainMigratePerform3(virDomainPtr domain, const char *xmlin, const char *cookiein, int cookieinlen, char **cookieout,
                             int *cookieoutlen, const char *dconnuri, const char *uri, unsigned long flags,
                             const char *dname, unsigned long resource);
int virDomainMigratePerform3(virDomainPtr domain, const char *xmlin, const char *cookiein, int cookieinlen, char **cookieout,
                             int *cookieoutlen, const char *dconnuri, const char *uri, unsigned long flags,
                             const char *dname, unsigned long resource)
{
        note("virDomainMigratePerform3 %s %s %s %s flags=%#lx %s bandwidth=%lu cookie=%.*s", domain->name, or_dash(xmlin),
             or_dash(dconnuri), or_dash(uri), flags, or_dash(dname), resource, cookieinlen, cookiein);
        *cookieout = strdup("out");
        *cookieoutlen = 3;
        return migrate(domain, flags, NULL, 0);
}

/* --- what else callers do ---------------------------------------------------------------------------------------- */

static int limit_status(void)
{
        int code = atoi(setting("FAKE_LIMITS_FAIL", "0"));

        virResetLastError();
        return code != 0 ? fail(code, "no such limit") : 0;
}

int virDomainMigrateSetMaxDowntime(virDomainPtr domain, unsigned long long downtime, unsigned int flags)
{
        note("virDomainMigrateSetMaxDowntime %s %llu flags=%#x", domain->name, downtime, flags);
        return limit_status();
}

int virDomainMigrateSetMaxSpeed(virDomainPtr domain, unsigned long bandwidth, unsigned int flags)
{
        note("virDomainMigrateSetMaxSpeed %s %lu flags=%#x", domain->name, bandwidth, flags);
        return limit_status();
}

int virDomainMigrateStartPostCopy(virDomainPtr domain, unsigned int flags)
{
        note("virDomainMigrateStartPostCopy %s flags=%#x", domain->name, flags);
        return limit_status();
}

int virDomainSuspend(virDomainPtr domain)
{
        note("virDomainSuspend %s", domain->name);
        return limit_status();
}

static int abort_job(virDomainPtr domain)
{
        struct running *job;

        virResetLastError();
        (void)pthread_mutex_lock(&lock);
        job = find_running(domain->uuid);
        if (job != NULL)
                job->is_aborted = true;
        was_aborted = getenv("FAKE_JOB") != NULL;
        (void)pthread_mutex_unlock(&lock);
        return job != NULL || getenv("FAKE_JOB") != NULL ? 0
                                                         : fail(VIR_ERR_OPERATION_INVALID, "no job is active on the domain");
}

int virDomainAbortJob(virDomainPtr domain)
{
        note("virDomainAbortJob %s", domain->name);
        return abort_job(domain);
}

int virDomainAbortJobFlags(virDomainPtr domain, unsigned int flags)
{
        note("virDomainAbortJobFlags %s flags=%#x", domain->name, flags);
        return abort_job(domain);
}

/* --- who calls the daemon ---------------------------------------------------------------------------------------- */

void *virIdentityGetCurrent(void);
void *virIdentityGetCurrent(void)
{
        static int identity;

        return &identity;
}

int virIdentityGetProcessID(void *identity, pid_t *pid);
int virIdentityGetProcessID(void *identity, pid_t *pid)
{
        const char *peer = setting("FAKE_PEER", "none");

        (void)identity;
        spoil();
        *pid = (pid_t)atoi(peer);
        return strcmp(peer, "none") == 0 ? 0 : 1;
}

void g_object_unref(void *object);
void g_object_unref(void *object)
{
        (void)object;
}
