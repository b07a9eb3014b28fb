/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "measure/share.h"
#include "array_room.h"
#include "cleanup.h"
#include "units.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "migtune-"
#define SUFFIX ".json"
#define VERSION 1
#define MAX_BYTES 16384
#define MAX_FILES 1024
#define MAX_DEPTH 8
#define MAX_MBPS 1e8
#define MAX_AGE_MS INT64_C(86400000)

static void close_dirp(DIR **dir)
{
        if (*dir != NULL)
                (void)closedir(*dir);
}

static void put_jsonp(json_object **object)
{
        (void)json_object_put(*object);
}

static void free_tokenerp(json_tokener **tokener)
{
        if (*tokener != NULL)
                json_tokener_free(*tokener);
}

bool mt_share_address(const struct sockaddr *address, struct in6_addr *ret)
{
        if (address->sa_family == AF_INET) {
                const struct in_addr *in4 = &((const struct sockaddr_in *)(const void *)address)->sin_addr;
                uint32_t number = ntohl(in4->s_addr);

                if (number == INADDR_ANY || number >> 24 == IN_LOOPBACKNET)
                        return false;
                *ret = (struct in6_addr){ .s6_addr[10] = 0xff, .s6_addr[11] = 0xff };
                (void)memcpy(&ret->s6_addr[12], in4, sizeof(*in4));
                return true;
        }
        if (address->sa_family == AF_INET6) {
                const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

                if (IN6_IS_ADDR_UNSPECIFIED(in6) || IN6_IS_ADDR_LOOPBACK(in6) || IN6_IS_ADDR_LINKLOCAL(in6))
                        return false;
                *ret = *in6;
                return true;
        }
        return false;
}

/*
 * The whole of a regular file, NUL-terminated. NULL: *ret_wrong says why, or is NULL where nothing is wrong (it has
 * just gone).
 */
static char *read_file(int dir_fd, const char *name, size_t *ret_size, const char **ret_wrong)
{
        MT_CLEANUP(mt_closep) int fd = -1;
        MT_CLEANUP(mt_freep) char *text = NULL;
        struct stat st;
        ssize_t n;

        *ret_wrong = NULL;
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return NULL;
        *ret_wrong = "is not a regular file"; /* looked at twice: opening a device may do something, and it may change */
        if (!S_ISREG(st.st_mode))
                return NULL;
        fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0) {
                *ret_wrong = errno == ENOENT ? NULL : "cannot be opened";
                return NULL;
        }
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return NULL;
        *ret_wrong = "is too large";
        if (st.st_size > MAX_BYTES)
                return NULL;
        *ret_wrong = "cannot be read";
        text = malloc(MAX_BYTES + 1);
        n = text != NULL ? read(fd, text, MAX_BYTES) : -1;
        if (n < 0) {
                if (text != NULL && errno == ESTALE) /* replaced on NFS */
                        *ret_wrong = NULL;
                return NULL;
        }
        text[n] = '\0';
        *ret_size = (size_t)n;
        return MT_STEAL(&text);
}

static bool get_number(json_object *object, const char *key, double *ret)
{
        json_object *value = NULL;

        if (!json_object_object_get_ex(object, key, &value) ||
            (!json_object_is_type(value, json_type_double) && !json_object_is_type(value, json_type_int)))
                return false;
        *ret = json_object_get_double(value);
        return *ret >= 0.0 && *ret <= MAX_MBPS; /* not for NaN */
}

static bool get_count(json_object *object, const char *key, int64_t most, uint64_t *ret)
{
        json_object *value = NULL;
        int64_t number;

        if (!json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, json_type_int))
                return false;
        number = json_object_get_int64(value);
        *ret = (uint64_t)number;
        return number >= 0 && number <= most;
}

/* The array of that name, with at most so many members; NULL otherwise. */
static json_object *get_array(json_object *object, const char *key, size_t most)
{
        json_object *value = NULL;

        return json_object_object_get_ex(object, key, &value) && json_object_is_type(value, json_type_array) &&
                               json_object_array_length(value) <= most
                       ? value
                       : NULL;
}

static bool parse_address(json_object *value, struct in6_addr *ret)
{
        struct sockaddr_in in4 = { .sin_family = AF_INET };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
        const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";

        if (inet_pton(AF_INET, text, &in4.sin_addr) == 1)
                return mt_share_address((const struct sockaddr *)&in4, ret);
        return inet_pton(AF_INET6, text, &in6.sin6_addr) == 1 && mt_share_address((const struct sockaddr *)&in6, ret);
}

static bool keep(struct mt_share *share, const struct mt_share_entry *entry)
{
        struct mt_share_entry *array = mt_array_room(share->entry, share->n, &share->room, sizeof(*array));

        if (array == NULL)
                return false;
        share->entry = array;
        share->entry[share->n++] = *entry;
        return true;
}

static bool keep_sent(struct mt_share *share, const struct mt_share_sent *sent)
{
        struct mt_share_sent *array = mt_array_room(share->sent, share->n_sent, &share->sent_room, sizeof(*array));

        if (array == NULL)
                return false;
        share->sent = array;
        share->sent[share->n_sent++] = *sent;
        return true;
}

static bool parse_uplink(struct mt_share *share, json_object *object, uint64_t at_ms)
{
        struct mt_share_entry entry = { .at_ms = at_ms };
        json_object *addresses = get_array(object, "addresses", MT_SHARE_ADDRESSES);
        double in, out;

        if (addresses == NULL || !get_number(object, "in_mbps", &in) || !get_number(object, "out_mbps", &out) ||
            !get_count(object, "age_ms", MAX_AGE_MS, &entry.age_ms))
                return false;
        entry.in_bytes_s = mt_bytes_s(in);
        entry.out_bytes_s = mt_bytes_s(out);
        for (size_t i = 0; i < json_object_array_length(addresses); i++)
                if (!parse_address(json_object_array_get_idx(addresses, i), &entry.address) || !keep(share, &entry))
                        return false;
        return true;
}

static bool parse_send(struct mt_share *share, json_object *object, uint64_t at_ms, bool own)
{
        struct mt_share_sent sent = { .at_ms = at_ms, .own = own };
        json_object *to = NULL;
        uint64_t migrations;
        double rate;

        if (!json_object_object_get_ex(object, "to", &to) || !parse_address(to, &sent.send.to) ||
            !get_count(object, "migrations", INT32_MAX, &migrations) || !get_number(object, "mbps", &rate))
                return false;
        sent.send.migrations = (unsigned)migrations;
        sent.send.bytes_s = mt_bytes_s(rate);
        return keep_sent(share, &sent);
}

/* Its migrations; none in the samples of earlier versions. */
static bool parse_sends(struct mt_share *share, json_object *object, uint64_t at_ms, bool own)
{
        json_object *sends = NULL;

        if (!json_object_object_get_ex(object, "sends", &sends))
                return true;
        sends = get_array(object, "sends", MT_SHARE_SENDS);
        if (sends == NULL)
                return false;
        for (size_t i = 0; i < json_object_array_length(sends); i++)
                if (!parse_send(share, json_object_array_get_idx(sends, i), at_ms, own))
                        return false;
        return true;
}

/* Adds what one file tells; NULL, or what is wrong with it (then nothing was added). */
static const char *parse(struct mt_share *share, const char *name, const char *text, size_t size, bool own)
{
        MT_CLEANUP(free_tokenerp) json_tokener *tokener = json_tokener_new_ex(MAX_DEPTH);
        MT_CLEANUP(put_jsonp) json_object *object = tokener != NULL ? json_tokener_parse_ex(tokener, text, (int)size) : NULL;
        size_t before = share->n, sent_before = share->n_sent;
        json_object *uplinks;
        uint64_t version, at_ms;

        if (!json_object_is_type(object, json_type_object))
                return "is not a JSON object";
        if (!get_count(object, "version", INT32_MAX, &version) || version != VERSION)
                return "is of another version";
        uplinks = get_array(object, "uplinks", MT_SHARE_UPLINKS);
        if (uplinks == NULL || !get_count(object, "at_ms", INT64_MAX, &at_ms))
                return "lacks its time or uplinks";
        for (size_t i = 0; i < json_object_array_length(uplinks); i++)
                if (!parse_uplink(share, json_object_array_get_idx(uplinks, i), at_ms)) {
                        share->n = before;
                        return "has a wrong uplink";
                }
        if (!parse_sends(share, object, at_ms, own)) {
                share->n = before;
                share->n_sent = sent_before;
                return "has a wrong member sends";
        }
        if (at_ms > share->newest_ms) {
                share->newest_ms = at_ms;
                (void)snprintf(share->newest, sizeof(share->newest), "%s", name);
        }
        return NULL;
}

static bool is_sample_name(const char *name)
{
        size_t length = strlen(name);

        return length > sizeof(PREFIX SUFFIX) - 1 && strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 &&
               strcmp(name + length - (sizeof(SUFFIX) - 1), SUFFIX) == 0;
}

int mt_share_read(const char *dir, const char *host, struct mt_share *ret, struct mt_err *err)
{
        MT_CLEANUP(close_dirp) DIR *stream = opendir(dir);
        struct mt_share share = { .n = 0 };
        unsigned files = 0;
        char own[256];

        if (stream == NULL)
                return mt_fail(err, errno, "share_dir '%s': %s", dir, strerror(errno));
        if (mt_share_file_name(host, own, sizeof(own)) < 0)
                own[0] = '\0';
        for (struct dirent *entry; files < MAX_FILES && (entry = readdir(stream)) != NULL;) {
                MT_CLEANUP(mt_freep) char *text = NULL;
                const char *wrong;
                size_t size = 0;

                if (!is_sample_name(entry->d_name))
                        continue;
                files++;
                text = read_file(dirfd(stream), entry->d_name, &size, &wrong);
                if (text != NULL)
                        wrong = parse(&share, entry->d_name, text, size, strcmp(entry->d_name, own) == 0);
                if (wrong != NULL && share.broken++ == 0)
                        (void)snprintf(share.first_broken, sizeof(share.first_broken), "'%.200s' %s", entry->d_name, wrong);
        }
        *ret = share;
        return 0;
}

void mt_share_done(struct mt_share *share)
{
        free(share->entry);
        free(share->sent);
        *share = (struct mt_share){ .n = 0 };
}

static bool is_fresh(uint64_t at_ms, uint64_t wall_ms)
{
        return at_ms + MT_SHARE_FRESH_MS >= wall_ms && at_ms <= wall_ms + MT_SHARE_FRESH_MS;
}

struct mt_share_send mt_share_others(const struct mt_share *share, const struct in6_addr *address, uint64_t wall_ms)
{
        struct mt_share_send sum = { .to = *address };

        for (size_t i = 0; i < share->n_sent; i++) {
                const struct mt_share_sent *sent = &share->sent[i];

                if (sent->own || !is_fresh(sent->at_ms, wall_ms) || !IN6_ARE_ADDR_EQUAL(&sent->send.to, address))
                        continue;
                sum.migrations += sent->send.migrations;
                sum.bytes_s += sent->send.bytes_s;
        }
        return sum;
}

struct mt_traffic_fact mt_share_find(const struct mt_share *share, const struct in6_addr *address, uint64_t wall_ms)
{
        const struct mt_traffic_fact unknown = { .known = false };
        struct mt_traffic_fact fact = unknown;

        for (size_t i = 0; i < share->n; i++) {
                const struct mt_share_entry *entry = &share->entry[i];
                uint64_t age_ms = wall_ms > entry->at_ms ? wall_ms - entry->at_ms : 0;

                if (!is_fresh(entry->at_ms, wall_ms) || !IN6_ARE_ADDR_EQUAL(&entry->address, address))
                        continue;
                if (fact.known) /* a bridge that has the same address on every host, say */
                        return unknown;
                fact = (struct mt_traffic_fact){ .known = true,
                                                 .source = MT_TRAFFIC_SHARE,
                                                 .in_bytes_s = entry->in_bytes_s,
                                                 .out_bytes_s = entry->out_bytes_s,
                                                 .age_ms = age_ms + entry->age_ms };
        }
        return fact;
}
