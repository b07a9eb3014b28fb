/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What hosts tell each other of their traffic: one small file a host in a directory that all of them see
 * (destination.share_dir).
 *
 *   migtune-HOST.json   {"version":1,"host":"host-b","at_ms":1700000000000,
 *                        "uplinks":[{"device":"eth0","addresses":["10.0.0.2","fd00::2"],
 *                                    "in_mbps":12.5,"out_mbps":3.1,"age_ms":400}],
 *                        "sends":[{"to":"10.0.0.3","migrations":2,"mbps":480.0}]}
 *
 * The traffic is that of the uplink which an address is reached through, without migrations; "sends" are those, as planned,
 * so that several sources share one destination. at_ms is the wall clock, so hosts' clocks must agree to MT_SHARE_FRESH_MS;
 * HOST is the host name, so names must differ. A file is replaced by a rename: a reader finds the old one or the new one,
 * never a half. Whoever may write to the directory is believed.
 */
#ifndef MT_MEASURE_SHARE_H
#define MT_MEASURE_SHARE_H

#include "err.h"
#include "facts.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define MT_SHARE_FRESH_MS 5000 /* an older sample does not count, nor one that is so far in the future */
#define MT_SHARE_UPLINKS 8
#define MT_SHARE_ADDRESSES 16 /* an uplink's */
#define MT_SHARE_SENDS 32     /* destinations of one host */

/* One uplink, its addresses (IPv4 as ::ffff:a.b.c.d) and its traffic. */
struct mt_share_uplink {
        char device[IFNAMSIZ];
        unsigned n;
        struct in6_addr address[MT_SHARE_ADDRESSES];
        bool known; /* false: not written */
        uint64_t in_bytes_s, out_bytes_s, age_ms;
};

/* Migrations to one destination, as planned. */
struct mt_share_send {
        struct in6_addr to;
        unsigned migrations;
        uint64_t bytes_s; /* all of them together */
};

/* What one host tells. Plain data. */
struct mt_share_sample {
        unsigned n;
        struct mt_share_uplink uplink[MT_SHARE_UPLINKS];
        unsigned n_sends;
        struct mt_share_send send[MT_SHARE_SENDS];
};

/* One address of some host, as read. */
struct mt_share_entry {
        struct in6_addr address;
        uint64_t at_ms; /* wall clock */
        uint64_t in_bytes_s, out_bytes_s, age_ms;
};

/* One host's migrations to some destination, as read. */
struct mt_share_sent {
        struct mt_share_send send;
        uint64_t at_ms; /* wall clock */
        bool own;       /* this host's own */
};

/* A directory's contents. */
struct mt_share {
        size_t n, room;
        struct mt_share_entry *entry; /* owned */
        size_t n_sent, sent_room;
        struct mt_share_sent *sent; /* owned */
        uint64_t newest_ms;         /* the latest at_ms */
        char newest[256];           /* and its file */
        unsigned broken;            /* files with our kind of name that are no samples */
        char first_broken[256];     /* one of them, and what is wrong */
};

/*
 * An IPv4 or IPv6 address as struct mt_share_entry has it. False: another family, or one that means nothing elsewhere
 * (loopback, IPv6 link-local).
 */
bool mt_share_address(const struct sockaddr *address, struct in6_addr *ret);

/* Replaces the host's file (mode 0644). wall_ms: the time to write into it. -errno with a message that names the file. */
int mt_share_write(const char *dir, const char *host, const struct mt_share_sample *sample, uint64_t wall_ms,
                   struct mt_err *err);

/* The name of the host's file: "migtune-HOST.json", what may trouble a file system as %XX. -EINVAL, -ENAMETOOLONG. */
int mt_share_file_name(const char *host, char *ret, size_t size);

/* Removes the host's file; none is no error. */
int mt_share_remove(const char *dir, const char *host, struct mt_err *err);

/*
 * Reads all hosts' files. Never blocks on what lies there (only regular files are opened, symlinks are not followed),
 * reads at most 16 KiB a file and 1024 files, and leaves out what is no sample. host: whose file is our own; "": none. *ret
 * changes only on success; the caller releases it.
 */
int mt_share_read(const char *dir, const char *host, struct mt_share *ret, struct mt_err *err);

/* Releases what mt_share_read gave; for MT_CLEANUP. */
void mt_share_done(struct mt_share *share);

/*
 * The traffic of the host that has the address. known = false: no host tells of it, its sample is not fresh at wall_ms,
 * or more than one host claims it.
 */
struct mt_traffic_fact mt_share_find(const struct mt_share *share, const struct in6_addr *address, uint64_t wall_ms);

/* What other hosts' fresh samples tell of migrations to the address: their number and planned rates, summed up. */
struct mt_share_send mt_share_others(const struct mt_share *share, const struct in6_addr *address, uint64_t wall_ms);

#endif
