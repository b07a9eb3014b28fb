/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A client of libvirt that does what it is told: caller URI DOMAIN COMMAND...
 *
 * Each command is one argument: a function's short name and its arguments, KEY=VALUE, separated by spaces; for typed
 * parameters p:NAME:U=NUMBER, p:NAME:I=NUMBER, p:NAME:S=TEXT. One line is printed for each: what was returned, errno (7 was
 * set before), the last error's code and message. Besides functions:
 *
 *   & COMMAND       in a thread              join              waits for those threads
 *   until FILE TEXT waits until the file has that text (in vain: ends the program)
 *   touch FILE      makes it                      pause MS
 *   fork COMMAND    in a child process       many N COMMAND    N threads at once, a domain each; prints how many gave 0
 */
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PARAMS 72
#define MAX_THREADS 64
#define ENTRY_ERRNO 7

int virDomainMigratePerform3Params(virDomainPtr domain, const char *dconnuri, virTypedParameterPtr params, int nparams,
                                   const char *cookiein, int cookieinlen, char **cookieout, int *cookieoutlen,
                                   unsigned int flags) __attribute__((weak));
int virDomainMigratePerform3(virDomainPtr domain, const char *xmlin, const char *cookiein, int cookieinlen, char **cookieout,
                             int *cookieoutlen, const char *dconnuri, const char *uri, unsigned long flags,
                             const char *dname, unsigned long resource) __attribute__((weak));
int caller_main(int argc, char **argv);

/* One command, parsed. */
struct command {
        char text[4096];
        virConnectPtr connection;
        char domain[64];
        const char *name, *uri, *miguri, *dname, *xml;
        unsigned long flags, bandwidth;
        unsigned long long value;
        virTypedParameter params[MAX_PARAMS], before[MAX_PARAMS];
        unsigned n_params;
        int status;
        bool is_quiet;
};

static void parse_param(struct command *c, char *text)
{
        virTypedParameterPtr p = &c->params[c->n_params++];
        char *type = strchr(text, ':');
        char *value = type + 3;

        (void)snprintf(p->field, sizeof(p->field), "%.*s", (int)(type - text), text);
        p->type = type[1] == 'U' ? VIR_TYPED_PARAM_ULLONG : type[1] == 'I' ? VIR_TYPED_PARAM_INT : VIR_TYPED_PARAM_STRING;
        if (type[1] == 'U')
                p->value.ul = strtoull(value, NULL, 10);
        else if (type[1] == 'I')
                p->value.i = atoi(value);
        else
                p->value.s = value;
}

static void parse_word(struct command *c, char *word)
{
        char *value = strchr(word, '=');

        if (strncmp(word, "p:", 2) == 0) {
                parse_param(c, word + 2);
                return;
        }
        *value++ = '\0';
        if (strcmp(word, "uri") == 0)
                c->uri = value;
        else if (strcmp(word, "miguri") == 0)
                c->miguri = value;
        else if (strcmp(word, "dname") == 0)
                c->dname = value;
        else if (strcmp(word, "xml") == 0)
                c->xml = value;
        else if (strcmp(word, "flags") == 0)
                c->flags = strtoul(value, NULL, 16);
        else if (strcmp(word, "bandwidth") == 0)
                c->bandwidth = strtoul(value, NULL, 10);
        else if (strcmp(word, "value") == 0)
                c->value = strtoull(value, NULL, 10);
        else if (strcmp(word, "domain") == 0)
                (void)snprintf(c->domain, sizeof(c->domain), "%s", value);
}

static void parse(struct command *c, virConnectPtr connection, const char *domain, const char *text)
{
        char *rest = NULL, *word;

        (void)memset(c, 0, sizeof(*c));
        c->connection = connection;
        (void)snprintf(c->domain, sizeof(c->domain), "%s", domain);
        (void)snprintf(c->text, sizeof(c->text), "%s", text);
        c->name = strtok_r(c->text, " ", &rest);
        while ((word = strtok_r(NULL, " ", &rest)) != NULL)
                parse_word(c, word);
        (void)memcpy(c->before, c->params, sizeof(c->before));
}

/* A domain that was migrated, as a status. */
static int arrived(virDomainPtr domain)
{
        if (domain == NULL)
                return -1;
        (void)virDomainFree(domain);
        return 0;
}

static int perform(struct command *c, virDomainPtr domain)
{
        char *cookie = NULL;
        int length = 0, r;

        if (strcmp(c->name, "perform3params") == 0)
                r = virDomainMigratePerform3Params(domain, c->uri, c->params, (int)c->n_params, "in", 2, &cookie, &length,
                                                   (unsigned)c->flags);
        else
                r = virDomainMigratePerform3(domain, c->xml, "in", 2, &cookie, &length, c->uri, c->miguri, c->flags,
                                             c->dname, c->bandwidth);
        if (r == 0 && (length != 3 || cookie == NULL || strcmp(cookie, "out") != 0))
                r = -99;
        free(cookie);
        return r;
}

static int call(struct command *c, virDomainPtr domain, virConnectPtr destination)
{
        const char *n = c->name;

        if (strcmp(n, "touri3") == 0)
                return virDomainMigrateToURI3(domain, c->uri, c->n_params > 0 ? c->params : NULL, c->n_params,
                                              (unsigned)c->flags);
        if (strcmp(n, "touri2") == 0)
                return virDomainMigrateToURI2(domain, c->uri, c->miguri, c->xml, c->flags, c->dname, c->bandwidth);
        if (strcmp(n, "touri") == 0)
                return virDomainMigrateToURI(domain, c->uri, c->flags, c->dname, c->bandwidth);
        if (strcmp(n, "migrate3") == 0)
                return arrived(virDomainMigrate3(domain, destination, c->params, c->n_params, (unsigned)c->flags));
        if (strcmp(n, "migrate2") == 0)
                return arrived(virDomainMigrate2(domain, destination, c->xml, c->flags, c->dname, c->miguri, c->bandwidth));
        if (strcmp(n, "migrate") == 0)
                return arrived(virDomainMigrate(domain, destination, c->flags, c->dname, c->miguri, c->bandwidth));
        if (strncmp(n, "perform3", 8) == 0)
                return perform(c, domain);
        if (strcmp(n, "maxdowntime") == 0)
                return virDomainMigrateSetMaxDowntime(domain, c->value, (unsigned)c->flags);
        if (strcmp(n, "maxspeed") == 0)
                return virDomainMigrateSetMaxSpeed(domain, (unsigned long)c->value, (unsigned)c->flags);
        if (strcmp(n, "postcopy") == 0)
                return virDomainMigrateStartPostCopy(domain, (unsigned)c->flags);
        if (strcmp(n, "abort") == 0)
                return virDomainAbortJob(domain);
        if (strcmp(n, "abortflags") == 0)
                return virDomainAbortJobFlags(domain, (unsigned)c->flags);
        if (strcmp(n, "suspend") == 0)
                return virDomainSuspend(domain);
        (void)fprintf(stderr, "caller: no function '%s'\n", n);
        exit(2);
}

static void *run(void *arg)
{
        struct command *c = arg;
        virConnectPtr destination = c->connection;
        virDomainPtr domain = virDomainLookupByName(c->connection, c->domain);
        const void *params = c->params, *before = c->before;
        virErrorPtr error;
        int code;

        errno = ENTRY_ERRNO;
        c->status = call(c, domain, destination);
        code = errno;
        error = virGetLastError();
        if (!c->is_quiet)
                (void)printf("%s %d errno %d error %d %s%s\n", c->name, c->status, code, error != NULL ? error->code : 0,
                             error != NULL ? error->message : "-",
                             memcmp(params, before, sizeof(c->params)) == 0 ? "" : " PARAMETERS CHANGED");
        (void)fflush(stdout);
        virResetLastError();
        (void)virDomainFree(domain);
        return NULL;
}

static void until(const char *arguments)
{
        char path[512], content[65536];
        const char *text = strchr(arguments, ' ') + 1;

        (void)snprintf(path, sizeof(path), "%.*s", (int)(text - 1 - arguments), arguments);
        for (int i = 0; i < 3000; i++) {
                FILE *f = fopen(path, "re");
                size_t n = f != NULL ? fread(content, 1, sizeof(content) - 1, f) : 0;

                if (f != NULL)
                        (void)fclose(f);
                content[n] = '\0';
                if (strstr(content, text) != NULL)
                        return;
                (void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
        }
        (void)fprintf(stderr, "caller: %s: waited in vain for '%s'\n", path, text);
        exit(3);
}

static void many(virConnectPtr connection, const char *arguments)
{
        static struct command commands[MAX_THREADS];
        pthread_t threads[MAX_THREADS];
        char *text;
        long n = strtol(arguments, &text, 10), good = 0;
        char name[64];

        for (long i = 0; i < n && i < MAX_THREADS; i++) {
                (void)snprintf(name, sizeof(name), "vm%ld", i);
                parse(&commands[i], connection, name, text + 1);
                commands[i].is_quiet = true;
                (void)pthread_create(&threads[i], NULL, run, &commands[i]);
        }
        for (long i = 0; i < n && i < MAX_THREADS; i++) {
                (void)pthread_join(threads[i], NULL);
                good += commands[i].status == 0;
        }
        (void)printf("%ld of %ld\n", good, n);
}

static void run_in_child(struct command *c)
{
        pid_t pid = fork();

        if (pid == 0) {
                (void)run(c);
                _exit(0);
        }
        (void)waitpid(pid, NULL, 0);
}

/* main(), for a program that loads this as a module. */
int caller_main(int argc, char **argv)
{
        static struct command background[MAX_THREADS], c;
        pthread_t threads[MAX_THREADS];
        unsigned n_threads = 0;
        virConnectPtr connection;

        if (argc < 3)
                return 2;
        connection = virConnectOpen(argv[1]);
        if (connection == NULL)
                return 1;
        for (int i = 3; i <= argc; i++) {
                const char *text = i < argc ? argv[i] : "join"; /* at the end, in any case */

                if (strncmp(text, "& ", 2) == 0) {
                        parse(&background[n_threads], connection, argv[2], text + 2);
                        (void)pthread_create(&threads[n_threads], NULL, run, &background[n_threads]);
                        n_threads++;
                } else if (strcmp(text, "join") == 0) {
                        while (n_threads > 0)
                                (void)pthread_join(threads[--n_threads], NULL);
                } else if (strncmp(text, "until ", 6) == 0) {
                        until(text + 6);
                } else if (strncmp(text, "touch ", 6) == 0) {
                        (void)fclose(fopen(text + 6, "we"));
                } else if (strncmp(text, "pause ", 6) == 0) {
                        (void)usleep((useconds_t)atoi(text + 6) * 1000);
                } else if (strncmp(text, "fork ", 5) == 0) {
                        parse(&c, connection, argv[2], text + 5);
                        run_in_child(&c);
                } else if (strncmp(text, "many ", 5) == 0) {
                        many(connection, text + 5);
                } else {
                        parse(&c, connection, argv[2], text);
                        (void)run(&c);
                }
        }
        (void)virConnectClose(connection);
        return 0;
}

#ifndef CALLER_MODULE
int main(int argc, char **argv)
{
        return caller_main(argc, argv);
}
#endif
