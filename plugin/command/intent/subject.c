/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/intent/subject.h"
#include "cleanup.h"
#include "measure/domain.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stdlib.h>
#include <unistd.h>

/* libvirt would print its errors on standard error; one line says what failed: ours. */
static void ignore_error(void *ctx, virErrorPtr error)
{
        (void)ctx;
        (void)error;
}

static int read_config(const struct mt_host_ops *host, bool writes, struct mt_config *ret, struct mt_err *err)
{
        if (writes && access(host->config_file, F_OK) != 0 && errno == ENOENT) {
                mt_config_defaults(ret);
                return 0;
        }
        return mt_config_load(host->config_file, ret, err);
}

static int find(const struct mt_intent_options *options, struct mt_subject *subject, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *xml = NULL;
        int r;

        subject->domain = virDomainLookupByName(subject->connection, options->domain);
        if (subject->domain == NULL)
                subject->domain = virDomainLookupByUUIDString(subject->connection, options->domain);
        if (subject->domain == NULL)
                return mt_fail(err, ENOENT, "domain '%.120s': not found at %.120s", options->domain, options->connect);
        xml = virDomainGetXMLDesc(subject->domain, 0);
        r = xml != NULL ? mt_domain_xml_parse(xml, &subject->xml, err) : mt_libvirt_fail(err, "its XML");
        return r < 0 ? mt_wrap(err, "domain '%.120s'", options->domain) : 0;
}

int mt_subject_open(const struct mt_host_ops *host, const struct mt_intent_options *options, bool writes,
                    struct mt_subject *ret, struct mt_err *err)
{
        int r = read_config(host, writes, &ret->config, err);

        virSetErrorFunc(NULL, ignore_error);
        if (r < 0)
                return r;
        ret->connection = writes ? virConnectOpen(options->connect) : virConnectOpenReadOnly(options->connect);
        if (ret->connection == NULL)
                return mt_fail(err, EIO, "connect to libvirt at %.120s: %s", options->connect, virGetLastErrorMessage());
        return find(options, ret, err);
}

void mt_subject_close(struct mt_subject *subject)
{
        if (subject->domain != NULL)
                (void)virDomainFree(subject->domain);
        if (subject->connection != NULL)
                (void)virConnectClose(subject->connection);
        mt_config_done(&subject->config);
        virSetErrorFunc(NULL, NULL);
}
