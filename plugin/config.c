/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"
#include "cleanup.h"
#include "config_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const char *mt_models_choice_name(enum mt_models_choice choice)
{
        static const char *const names[] = { "built-in", "auto" };

        return (unsigned)choice < MT_ARRAY_SIZE(names) ? names[(unsigned)choice] : "?";
}

const char *mt_caller_limits_name(enum mt_caller_limits limits)
{
        static const char *const names[] = { "respect", "override" };

        return (unsigned)limits < MT_ARRAY_SIZE(names) ? names[(unsigned)limits] : "?";
}

const char *mt_resume_choice_name(enum mt_resume_choice choice)
{
        static const char *const names[] = { "auto", "always", "never" };

        return (unsigned)choice < MT_ARRAY_SIZE(names) ? names[(unsigned)choice] : "?";
}

void mt_config_defaults(struct mt_config *ret_config)
{
        (void)memset(ret_config, 0, sizeof(*ret_config));
        mt_intent_defaults(&ret_config->defaults);
        ret_config->link.rate_bytes_s = MT_AUTO;
        ret_config->tc.enable = true;
        ret_config->tc.ingress = true;
        ret_config->tc.max_link_bytes_s = UINT64_C(3125000000); /* 25Gbit */
        ret_config->measure.dirty_rate_every_ms = 60000;
        ret_config->measure.traffic_every_ms = 1000;
        ret_config->measure.before_start_ms = 1000;
        (void)snprintf(ret_config->history.file, sizeof(ret_config->history.file), "/var/lib/migtune/history.jsonl");
        ret_config->history.keep = 10000;
        ret_config->shim.max_wait_ms = 600000;
        ret_config->shim.timeout_ms = 2000;
}

void mt_config_done(struct mt_config *config)
{
        free(config->rules);
        (void)memset(config, 0, sizeof(*config));
}

static int is_conf(const struct dirent *entry)
{
        size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* Not alphasort, which follows the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

struct names {
        struct dirent **entry;
        int n;
};

static void names_done(struct names *names)
{
        for (int i = 0; i < names->n; i++)
                free(names->entry[i]);
        free(names->entry);
}

static int read_directory(const char *dir, struct mt_config *config, struct mt_err *err)
{
        MT_CLEANUP(names_done) struct names names = { NULL, 0 };
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/conf.d", dir) >= (int)sizeof(path))
                return mt_fail(err, ENAMETOOLONG, "%.80s...: path too long", dir);
        names.n = scandir(path, &names.entry, is_conf, by_name);
        if (names.n < 0)
                return errno == ENOENT ? 0 : mt_fail(err, errno, "%s: %s", path, strerror(errno));
        for (int i = 0; i < names.n; i++) {
                char file[PATH_MAX];
                int r;

                if (snprintf(file, sizeof(file), "%s/conf.d/%s", dir, names.entry[i]->d_name) >= (int)sizeof(file))
                        return mt_fail(err, ENAMETOOLONG, "%.80s...: path too long", dir);
                r = mt_config_file_read(file, dir, config, err);
                if (r < 0)
                        return r;
        }
        return 0;
}

int mt_config_load(const char *path, struct mt_config *ret_config, struct mt_err *err)
{
        MT_CLEANUP(mt_config_done) struct mt_config config;
        const char *slash = strrchr(path, '/');
        char dir[PATH_MAX];
        int r;

        mt_config_defaults(&config);
        r = slash != NULL ? snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path) : snprintf(dir, sizeof(dir), ".");
        if (r < 0 || (size_t)r >= sizeof(dir))
                return mt_fail(err, ENAMETOOLONG, "%.80s...: path too long", path);
        r = mt_config_file_read(path, dir, &config, err);
        if (r < 0)
                return r;
        r = read_directory(dir, &config, err);
        if (r < 0)
                return r;
        *ret_config = config;
        config.rules = NULL; /* handed over */
        return 0;
}
