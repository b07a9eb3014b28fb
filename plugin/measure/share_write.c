/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a host's own sample; see share.c for reading. */
#include "measure/share.h"
#include "cleanup.h"
#include "replace.h"
#include "units.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>

#define PREFIX "migtune-"
#define SUFFIX ".json"
#define VERSION 1
#define MODE 0644
#define TEMPORARY_ROOM 5 /* ".", ".new" */

static void put_jsonp(json_object **object)
{
        (void)json_object_put(*object);
}

int mt_share_file_name(const char *host, char *ret, size_t size)
{
        size_t at = sizeof(PREFIX) - 1;

        if (host[0] == '\0')
                return -EINVAL;
        (void)memcpy(ret, PREFIX, sizeof(PREFIX));
        for (const char *c = host; *c != '\0'; c++) {
                bool plain = isascii((unsigned char)*c) && (isalnum((unsigned char)*c) || strchr("._-", *c) != NULL);

                if (at + 3 + sizeof(SUFFIX) > size)
                        return -ENAMETOOLONG;
                at += (size_t)snprintf(ret + at, size - at, plain ? "%c" : "%%%02X", (unsigned char)*c);
        }
        (void)memcpy(ret + at, SUFFIX, sizeof(SUFFIX));
        return 0;
}

static void add(json_object *object, const char *key, json_object *value)
{
        if (object == NULL || json_object_object_add(object, key, value) != 0)
                (void)json_object_put(value);
}

static void append(json_object *array, json_object *value)
{
        if (array == NULL || json_object_array_add(array, value) != 0)
                (void)json_object_put(value);
}

static json_object *mbps(uint64_t bytes_s)
{
        json_object *number = json_object_new_double(mt_mbps(bytes_s));

        if (number != NULL) /* json-c undoes what a locale does to the decimal point */
                json_object_set_serializer(number, json_object_double_to_json_string, (void *)(uintptr_t) "%.3f", NULL);
        return number;
}

/* As text, IPv4 in its own notation. */
static json_object *address_json(const struct in6_addr *address)
{
        bool is4 = IN6_IS_ADDR_V4MAPPED(address);
        const void *bytes = is4 ? (const void *)&address->s6_addr[12] : address;
        char text[INET6_ADDRSTRLEN] = "";

        (void)inet_ntop(is4 ? AF_INET : AF_INET6, bytes, text, sizeof(text)); /* cannot fail with that room */
        return json_object_new_string(text);
}

static json_object *send_json(const struct mt_share_send *send)
{
        json_object *o = json_object_new_object();

        add(o, "to", address_json(&send->to));
        add(o, "migrations", json_object_new_int64(send->migrations));
        add(o, "mbps", mbps(send->bytes_s));
        return o;
}

static json_object *uplink_json(const struct mt_share_uplink *uplink)
{
        json_object *o = json_object_new_object();
        json_object *addresses = json_object_new_array();

        for (unsigned i = 0; i < uplink->n && i < MT_SHARE_ADDRESSES; i++)
                append(addresses, address_json(&uplink->address[i]));
        add(o, "device", json_object_new_string(uplink->device));
        add(o, "addresses", addresses);
        add(o, "in_mbps", mbps(uplink->in_bytes_s));
        add(o, "out_mbps", mbps(uplink->out_bytes_s));
        add(o, "age_ms", json_object_new_int64((int64_t)uplink->age_ms));
        return o;
}

static json_object *sample_json(const char *host, const struct mt_share_sample *sample, uint64_t wall_ms)
{
        json_object *o = json_object_new_object();
        json_object *uplinks = json_object_new_array(), *sends = json_object_new_array();

        for (unsigned i = 0; i < sample->n_sends && i < MT_SHARE_SENDS; i++)
                append(sends, send_json(&sample->send[i]));
        for (unsigned i = 0; i < sample->n && i < MT_SHARE_UPLINKS; i++)
                if (sample->uplink[i].known)
                        append(uplinks, uplink_json(&sample->uplink[i]));
        add(o, "version", json_object_new_int(VERSION));
        add(o, "host", json_object_new_string(host));
        add(o, "at_ms", json_object_new_int64((int64_t)wall_ms));
        add(o, "uplinks", uplinks);
        add(o, "sends", sends);
        return o;
}

int mt_share_write(const char *dir, const char *host, const struct mt_share_sample *sample, uint64_t wall_ms,
                   struct mt_err *err)
{
        MT_CLEANUP(put_jsonp) json_object *object = sample_json(host, sample, wall_ms);
        MT_CLEANUP(mt_closep) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        const char *text = object != NULL ? json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN) : NULL;
        char name[256];
        int r = mt_share_file_name(host, name, sizeof(name) - TEMPORARY_ROOM);

        if (dir_fd < 0)
                return mt_fail(err, errno, "share_dir '%s': %s", dir, strerror(errno));
        if (r < 0)
                return mt_fail(err, -r, "share_dir '%s': no file name for host '%s': %s", dir, host, strerror(-r));
        if (text == NULL)
                return mt_fail(err, ENOMEM, "share_dir '%s': out of memory", dir);
        r = mt_replace_at(dir_fd, name, text, strlen(text), MODE);
        if (r < 0)
                return mt_fail(err, -r, "share_dir: write '%s/%s': %s", dir, name, strerror(-r));
        return 0;
}

int mt_share_remove(const char *dir, const char *host, struct mt_err *err)
{
        MT_CLEANUP(mt_closep) int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char name[256];

        if (dir_fd < 0)
                return mt_fail(err, errno, "share_dir '%s': %s", dir, strerror(errno));
        if (mt_share_file_name(host, name, sizeof(name) - TEMPORARY_ROOM) < 0)
                return mt_fail(err, EINVAL, "share_dir '%s': no file name for host '%s'", dir, host);
        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                return mt_fail(err, errno, "share_dir: remove '%s/%s': %s", dir, name, strerror(errno));
        return 0;
}
