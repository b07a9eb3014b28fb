/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * migtune plan: asks the watcher, which has the samples; without one, measures for a moment itself. Or, with --offline,
 * plans from numbers alone (plan_offline.c). Changes nothing.
 */
#include "cleanup.h"
#include "command/arguments.h"
#include "command/commands.h"
#include "command/plan.h"
#include "command/plan_offline.h"
#include "command/plan_show.h"
#include "clock.h"
#include "log.h"
#include "measure/uri.h"
#include "record/json.h"
#include "service/alone.h"
#include "service/client.h"
#include "shim_json.h"
#include "steer/preview.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MS 10000

static const char help[] =
        "usage: migtune plan DOMAIN DEST-URI [--urgency high|medium|low] [--max-downtime TIME] [--connect URI] [--json]\n"
        "       migtune plan --offline key=value... [--json]\n"
        "\n"
        "Shows what would be done with a migration and why, the alternatives and the predictions. Changes nothing.\n"
        "The first form asks the watcher, or measures for a second where none runs. The second needs neither libvirt nor "
        "root:\n"
        "\n";

struct arguments {
        struct mt_plan_question question;
        bool json;
};

static int bad(const char *what, const char *argument)
{
        mt_print_err("migtune plan: '%s': %s, see migtune plan --help\n", argument, what);
        return 2;
}

/* Takes an option with its value at argv[*i]: 1; 0: it is another argument; -1: the value is missing. */
static int take_valued(struct mt_plan_question *q, int argc, const char *const *argv, int *i)
{
        static const struct {
                const char *option, *key; /* NULL: none of the intent's */
        } valued[] = { { "--urgency", "urgency" }, { "--max-downtime", "max_downtime" }, { "--connect", NULL } };

        for (size_t k = 0; k < MT_ARRAY_SIZE(valued); k++) {
                const char *value;
                int r = mt_option_value(valued[k].option, argc, argv, i, &value);

                if (r == 0)
                        continue;
                if (r > 0 && valued[k].key == NULL)
                        q->connect = value;
                else if (r > 0)
                        mt_json_add(q->intent, valued[k].key, json_object_new_string(value));
                return r;
        }
        return 0;
}

/* Fills *a; 0, or 2 after a message. */
static int parse(int argc, const char *const *argv, struct arguments *a)
{
        struct mt_plan_question *q = &a->question;

        for (int i = 1; i < argc; i++) {
                int r = take_valued(q, argc, argv, &i);

                if (r < 0)
                        return bad("its value is missing", argv[i]);
                if (r > 0)
                        continue;
                if (strcmp(argv[i], "--json") == 0)
                        a->json = true;
                else if (argv[i][0] == '-')
                        return bad("unknown option", argv[i]);
                else if (q->domain == NULL)
                        q->domain = argv[i];
                else if (q->destination == NULL)
                        q->destination = argv[i];
                else
                        return bad("expected two arguments, a domain and a destination", argv[i]);
        }
        return q->destination != NULL ? 0
                                      : bad("expected a domain and a destination", q->domain != NULL ? q->domain : "plan");
}

/* The address that a migration to this URI would go to. */
static int resolve(const char *uri, char *ret_address, size_t size, struct mt_err *err)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
        struct addrinfo *found = NULL;
        char host[256];
        int r = mt_uri_host(uri, host, sizeof(host));

        if (r < 0 || host[0] == '\0')
                return mt_fail(err, EINVAL,
                               "destination '%s': expected a libvirt URI with a host, such as qemu+ssh://host/system", uri);
        r = getaddrinfo(host, NULL, &hints, &found);
        if (r != 0)
                return mt_fail(err, ENOENT, "destination '%s': %s", host, gai_strerror(r));
        r = getnameinfo(found->ai_addr, found->ai_addrlen, ret_address, (socklen_t)size, NULL, 0, NI_NUMERICHOST);
        freeaddrinfo(found);
        return r == 0 ? 0 : mt_fail(err, EINVAL, "destination '%s': %s", host, gai_strerror(r));
}

static int ask_watcher(const struct mt_host_ops *host, const struct mt_plan_question *q, const char *address,
                       json_object **ret, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *reply = NULL;
        json_object *request = json_object_new_object();
        json_object *error;
        int r;

        mt_json_add(request, "request", mt_json_string("plan"));
        mt_json_add(request, "domain", mt_json_string(q->domain));
        mt_json_add(request, "address", mt_json_string(address));
        mt_json_add(request, "intent", json_object_get(q->intent));
        if (q->call != NULL)
                mt_json_add(request, "call", json_object_get(q->call));
        r = mt_client_call(host->run_dir, mt_json_text(request), ANSWER_MS, &reply, err);
        (void)json_object_put(request);
        if (r < 0)
                return r;
        *ret = json_tokener_parse(reply);
        if (*ret != NULL && !json_object_object_get_ex(*ret, "error", &error))
                return 0;
        r = mt_fail(err, EREMOTEIO, "%s", *ret != NULL ? json_object_get_string(error) : "the watcher's answer is not JSON");
        (void)json_object_put(MT_STEAL(ret));
        return r;
}

/* No watcher: measure here, for about a second. */
static int plan_alone(const struct mt_host_ops *ops, const struct mt_plan_question *q, const char *address,
                      json_object **ret, struct mt_err *err)
{
        MT_CLEANUP(mt_alone_close) struct mt_host host = { .name = "" };
        struct timespec interval;
        struct mt_preview preview;
        virDomainPtr domain;
        struct mt_call call;
        uint64_t rate = 0;
        int r = q->call != NULL ? mt_shim_call_read(q->call, &call, err) : 0;

        if (r == 0)
                r = mt_alone_open(ops->config_file, &host, err);
        if (r < 0)
                return r;
        if (host.config.history.file[0] != '\0')
                (void)mt_learnt_load(&host.learnt, host.config.history.file, /* stop= */ NULL, NULL);
        host.connection = virConnectOpen(q->connect);
        if (host.connection == NULL)
                return mt_fail(err, EIO, "connect to libvirt: %s", virGetLastErrorMessage());
        domain = virDomainLookupByName(host.connection, q->domain);
        interval = (struct timespec){ .tv_sec = (time_t)(host.config.measure.before_start_ms / 1000),
                                      .tv_nsec = (long)(host.config.measure.before_start_ms % 1000) * 1000000 };
        if (domain == NULL || mt_dirty_measure_now(domain, &rate, NULL) < 0)
                (void)nanosleep(&interval, NULL);
        if (domain != NULL)
                (void)virDomainFree(domain);
        if (host.nics != NULL)
                (void)mt_nic_sample(host.nics, mt_now_ms(), NULL);
        r = mt_preview(&host, q->domain, address, q->intent, q->call != NULL ? &call : NULL, rate, &preview, err);
        if (r == 0)
                *ret = mt_preview_json(&preview);
        return r;
}

int mt_plan_ask(const struct mt_host_ops *host, const struct mt_plan_question *question, json_object **ret,
                struct mt_err *err)
{
        char address[64];
        int r = resolve(question->destination, address, sizeof(address), err);

        if (r < 0)
                return r;
        r = ask_watcher(host, question, address, ret, err);
        if (r == -ENOENT || r == -ECONNREFUSED || r == -EACCES)
                r = plan_alone(host, question, address, ret, err);
        return r;
}

static int plan_domain(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        struct arguments a = { .question = { .intent = json_object_new_object() } };
        json_object *planned = NULL;
        struct mt_err err = { 0 };
        int r = parse(argc, argv, &a);

        if (r == 0) {
                r = mt_plan_ask(host, &a.question, &planned, &err);
                if (r < 0)
                        mt_print_err("migtune plan: %s\n", err.msg);
                else if (a.json)
                        mt_print("%s\n", mt_json_text(planned));
                else
                        mt_plan_show(planned, host->columns);
                r = r < 0 ? (r == -EINVAL ? 2 : 1) : 0;
        }
        (void)json_object_put(planned);
        (void)json_object_put(a.question.intent);
        return r;
}

int mt_command_plan(const struct mt_host_ops *host, int argc, const char *const *argv)
{
        if (mt_help_wanted(argc, argv)) {
                mt_print("%s", help);
                mt_plan_offline_help();
                return 0;
        }
        for (int i = 1; i < argc; i++)
                if (strcmp(argv[i], "--offline") == 0)
                        return mt_plan_offline(host, argc, argv);
        return plan_domain(host, argc, argv);
}
