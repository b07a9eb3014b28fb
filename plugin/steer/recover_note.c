/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "steer/recover_note.h"
#include "cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PREFIX "post-copy-"
#define UUID_LENGTH 36
#define MAX_BYTES 2048

static void closedirp(DIR **dir)
{
        if (*dir != NULL)
                (void)closedir(*dir);
}

static void putp(json_object **object)
{
        (void)json_object_put(*object);
}

static bool is_uuid(const char *text)
{
        return strlen(text) == UUID_LENGTH && strspn(text, "0123456789abcdef-") == UUID_LENGTH;
}

/* False: there is no such file. */
static bool path_of(const char *run_dir, const char *uuid, char *ret, size_t size)
{
        return run_dir != NULL && is_uuid(uuid) && snprintf(ret, size, "%s/" PREFIX "%s", run_dir, uuid) < (int)size;
}

static int write_file(const char *path, const char *text)
{
        MT_CLEANUP(mt_closep) int fd = -1;
        size_t n = strlen(text);

        (void)unlink(path); /* a new one each time: nobody reads half of it but the next watcher, and that finds it broken */
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        return write(fd, text, n) == (ssize_t)n ? 0 : -EIO;
}

int mt_recover_note_write(const char *run_dir, const char *uuid, const struct mt_recover_note *note, struct mt_err *err)
{
        MT_CLEANUP(putp) json_object *o = NULL;
        char path[512];
        int r;

        if (!path_of(run_dir, uuid, path, sizeof(path)))
                return 0;
        o = json_object_new_object();
        (void)json_object_object_add(o, "peer", json_object_new_string(note->peer));
        (void)json_object_object_add(o, "uri", json_object_new_string(note->uri));
        (void)json_object_object_add(o, "migrate_uri", json_object_new_string(note->migrate_uri));
        (void)json_object_object_add(o, "flags", json_object_new_int64((int64_t)note->flags));
        r = write_file(path, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
        return r < 0 ? mt_fail(err, -r, "note for the next watcher: '%s': %s", path, strerror(-r)) : 0;
}

static void take_text(json_object *o, const char *key, char *ret, size_t size)
{
        json_object *value = NULL;

        if (json_object_object_get_ex(o, key, &value) && json_object_is_type(value, json_type_string))
                (void)snprintf(ret, size, "%s", json_object_get_string(value));
}

int mt_recover_note_read(const char *run_dir, const char *uuid, struct mt_recover_note *ret, struct mt_err *err)
{
        MT_CLEANUP(mt_closep) int fd = -1;
        MT_CLEANUP(putp) json_object *o = NULL;
        json_object *flags = NULL;
        char path[512], text[MAX_BYTES];
        ssize_t n;

        *ret = (struct mt_recover_note){ .flags = 0 };
        if (!path_of(run_dir, uuid, path, sizeof(path)))
                return mt_fail(err, ENOENT, "no note of an earlier watcher");
        fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return mt_fail(err, errno, "note of an earlier watcher: '%s': %s", path, strerror(errno));
        n = read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        o = json_tokener_parse(text);
        if (!json_object_is_type(o, json_type_object))
                return mt_fail(err, EINVAL, "note of an earlier watcher: '%s': no JSON object", path);
        take_text(o, "peer", ret->peer, sizeof(ret->peer));
        take_text(o, "uri", ret->uri, sizeof(ret->uri));
        take_text(o, "migrate_uri", ret->migrate_uri, sizeof(ret->migrate_uri));
        if (json_object_object_get_ex(o, "flags", &flags) && json_object_get_int64(flags) > 0)
                ret->flags = (uint64_t)json_object_get_int64(flags);
        return 0;
}

void mt_recover_note_remove(const char *run_dir, const char *uuid)
{
        char path[512];

        if (path_of(run_dir, uuid, path, sizeof(path)))
                (void)unlink(path);
}

void mt_recover_note_sweep(const char *run_dir, bool (*keep)(const void *ctx, const char *uuid), const void *ctx)
{
        MT_CLEANUP(closedirp) DIR *dir = run_dir != NULL ? opendir(run_dir) : NULL;
        const struct dirent *entry;

        while (dir != NULL && (entry = readdir(dir)) != NULL) {
                const char *uuid = entry->d_name + strlen(PREFIX);

                if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && is_uuid(uuid) && !keep(ctx, uuid))
                        mt_recover_note_remove(run_dir, uuid);
        }
}
