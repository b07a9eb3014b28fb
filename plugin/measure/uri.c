/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/uri.h"
#include "cleanup.h"

#include <errno.h>
#include <libxml/uri.h>
#include <string.h>

static void free_urip(xmlURI **uri)
{
        xmlFreeURI(*uri);
}

int mt_uri_host(const char *uri, char *ret_host, size_t size)
{
        /* a name, an IPv4 or IPv6 address, a scope ("fe80::1%eth0"): what may be resolved and logged without surprise */
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";
        MT_CLEANUP(free_urip) xmlURI *parsed = xmlParseURI(uri);
        const char *host;
        size_t length;

        if (parsed == NULL || parsed->scheme == NULL)
                return -EINVAL;
        host = parsed->server;
        if (host == NULL || host[0] == '\0')
                return -ENOENT;
        length = strlen(host);
        if (host[0] == '[' && length > 2 && host[length - 1] == ']') {
                host++;
                length -= 2;
        }
        if (strspn(host, allowed) < length)
                return -EINVAL;
        if (length >= size)
                return -ENAMETOOLONG;
        (void)memcpy(ret_host, host, length);
        ret_host[length] = '\0';
        return 0;
}

bool mt_uri_is_plain(const char *uri)
{
        MT_CLEANUP(free_urip) xmlURI *parsed = xmlParseURI(uri);

        return parsed != NULL && parsed->scheme != NULL && parsed->server != NULL && parsed->server[0] != '\0' &&
               (strcmp(parsed->scheme, "qemu") == 0 || strcmp(parsed->scheme, "qemu+tls") == 0 ||
                strcmp(parsed->scheme, "qemu+tcp") == 0) &&
               parsed->path != NULL && strcmp(parsed->path, "/system") == 0 && parsed->query_raw == NULL &&
               parsed->query == NULL && parsed->fragment == NULL;
}
