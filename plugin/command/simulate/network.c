/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command/simulate/network.h"
#include "cleanup.h"
#include "config_file.h"
#include "units.h"

#include <errno.h>
#include <libconfig.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CAPACITY_MOST UINT64_C(100000000000000) /* 100 Tbit/s */

static void config_destroyp(config_t *parsed)
{
        config_destroy(parsed);
}

/* Puts "FILE:LINE: WHAT: " in front of the error; an included file is named as libconfig does. */
static int at(const char *path, const config_setting_t *setting, const char *what, struct mt_err *err)
{
        const char *file = config_setting_source_file(setting);

        return mt_wrap(err, "%s:%u: %s", file != NULL ? file : path, config_setting_source_line(setting), what);
}

/* A list or an array: libconfig tells them apart, its users hardly. */
static bool is_sequence(const config_setting_t *setting)
{
        return config_setting_is_list(setting) || config_setting_is_array(setting);
}

static int read_capacity(const char *text, uint64_t *ret_bps, struct mt_err *err)
{
        uint64_t bytes_s;

        if (text == NULL || mt_parse_rate(text, &bytes_s) < 0 || bytes_s == 0 || bytes_s > CAPACITY_MOST / 8)
                return mt_fail(err, EINVAL, "expected the capacity to be a rate such as \"100Gbit\", at most 100000Gbit");
        *ret_bps = bytes_s * 8;
        return 0;
}

/* ( "a", "b" ) or ( "a", "b", "40Gbit" ). */
static int read_link(const config_setting_t *link, uint64_t capacity_bps, struct mt_sim_network *network, struct mt_err *err)
{
        const int n = is_sequence(link) ? config_setting_length(link) : 0;
        const char *a = n > 0 ? config_setting_get_string_elem(link, 0) : NULL;
        const char *b = n > 1 ? config_setting_get_string_elem(link, 1) : NULL;
        int r = 0;

        if (n < 2 || n > 3 || a == NULL || b == NULL)
                return mt_fail(err, EINVAL, "expected (\"NODE\", \"NODE\") or (\"NODE\", \"NODE\", \"CAPACITY\")");
        if (n == 3)
                r = read_capacity(config_setting_get_string_elem(link, 2), &capacity_bps, err);
        return r < 0 ? r : mt_sim_network_link(network, a, b, capacity_bps, err);
}

static int read_links(const char *path, const config_setting_t *links, uint64_t capacity_bps, struct mt_sim_network *network,
                      struct mt_err *err)
{
        if (!is_sequence(links) || config_setting_length(links) == 0) {
                (void)mt_fail(err, EINVAL, "expected a list of links, ((\"NODE\", \"NODE\"), ...)");
                return at(path, links, "links", err);
        }
        for (int i = 0; i < config_setting_length(links); i++) {
                const config_setting_t *link = config_setting_get_elem(links, (unsigned)i);

                if (read_link(link, capacity_bps, network, err) < 0)
                        return at(path, link, "links", err);
        }
        return 0;
}

static int read_datacenters(const char *path, const config_setting_t *datacenters, struct mt_sim_network *network,
                            struct mt_err *err)
{
        const int n = is_sequence(datacenters) ? config_setting_length(datacenters) : 0;

        for (int i = 0; i < n; i++) {
                const char *node = config_setting_get_string_elem(datacenters, i);
                int r = node != NULL ? mt_sim_network_datacenter(network, node, err)
                                     : mt_fail(err, EINVAL, "expected the names of nodes");

                if (r < 0)
                        return at(path, config_setting_get_elem(datacenters, (unsigned)i), "datacenters", err);
        }
        if (n >= 2)
                return 0;
        (void)mt_fail(err, EINVAL, "expected a list of two nodes or more, (\"NODE\", \"NODE\", ...)");
        return at(path, datacenters, "datacenters", err);
}

/* Nothing else may stand there: it would be a misspelt name. */
static int check_names(const char *path, const config_setting_t *root, struct mt_err *err)
{
        for (int i = 0; i < config_setting_length(root); i++) {
                const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
                const char *name = config_setting_name(setting);

                if (strcmp(name, "links") == 0 || strcmp(name, "datacenters") == 0)
                        continue;
                (void)mt_fail(err, EINVAL, "unknown key, expected links or datacenters");
                return at(path, setting, name, err);
        }
        return 0;
}

static int read_root(const char *path, const config_t *parsed, uint64_t capacity_bps, struct mt_sim_network *network,
                     struct mt_err *err)
{
        const config_setting_t *root = config_root_setting(parsed);
        const config_setting_t *links = config_setting_get_member(root, "links");
        const config_setting_t *datacenters = config_setting_get_member(root, "datacenters");
        int r = check_names(path, root, err);

        if (r == 0 && links == NULL)
                r = mt_fail(err, EINVAL, "%s: links: missing, expected a list of them", path);
        if (r == 0)
                r = read_links(path, links, capacity_bps, network, err);
        if (r == 0 && datacenters != NULL)
                r = read_datacenters(path, datacenters, network, err);
        for (unsigned i = 0; r == 0 && datacenters == NULL && i < network->n_nodes; i++)
                r = mt_sim_network_datacenter(network, network->nodes[i].name, err);
        if (r == 0 && mt_sim_network_route(network, err) < 0)
                r = datacenters != NULL ? at(path, datacenters, "datacenters", err) : at(path, links, "links", err);
        return r;
}

int mt_simulate_network_read(const char *path, uint64_t capacity_bps, struct mt_sim_network *ret, struct mt_err *err)
{
        MT_CLEANUP(mt_freep) char *text = NULL;
        MT_CLEANUP(config_destroyp) config_t parsed;
        struct mt_sim_network network = { .n_nodes = 0 };
        const char *slash = strrchr(path, '/');
        char directory[PATH_MAX];
        const char *dir;
        int r;

        config_init(&parsed);
        if (snprintf(directory, sizeof(directory), "%s", path) >= (int)sizeof(directory))
                return mt_fail(err, ENAMETOOLONG, "%.80s: %s", path, strerror(ENAMETOOLONG));
        dir = dirname(directory);
        r = mt_config_file_text(path, dir, &text, err);
        if (r < 0)
                return r;
        config_set_include_dir(&parsed, dir);
        if (config_read_string(&parsed, text) != CONFIG_TRUE)
                return mt_fail(err, EINVAL, "%s:%d: %s",
                               config_error_file(&parsed) != NULL ? config_error_file(&parsed) : path,
                               config_error_line(&parsed), config_error_text(&parsed));
        (void)snprintf(network.name, sizeof(network.name), "%.*s", (int)sizeof(network.name) - 1,
                       slash != NULL ? slash + 1 : path);
        r = read_root(path, &parsed, capacity_bps, &network, err);
        if (r < 0)
                mt_sim_network_done(&network);
        else
                *ret = network;
        return r;
}
