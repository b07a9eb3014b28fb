/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Incoming migrations: ingress classes on the destination, from the qemu hook's "migrate begin" to the guest's resume.
 */
#ifndef MT_STEER_INCOMING_H
#define MT_STEER_INCOMING_H

#include "steer/host.h"

/* The hook saw "migrate begin": xml is the incoming domain's. Arms at once where the uplink is known already. */
void mt_incoming_announced(struct mt_host *host, const char *xml);

/* libvirt started the incoming domain (also without a hook, and when a restarted watcher finds one). */
void mt_incoming_started(struct mt_host *host, virDomainPtr domain);

/* The guest runs here, or never will. Identified by uuid, or by name where uuid is NULL. Unknown ones are ignored. */
void mt_incoming_ended(struct mt_host *host, const char *uuid, const char *name, const char *why);

/* Looks for the connections of those that wait for theirs. True while there are any: call again within 50 ms. */
bool mt_incoming_poll(struct mt_host *host);

/* Once a second: meters, and those whose domain never came or went unseen. */
void mt_incoming_tick(struct mt_host *host);

/* Finds incoming domains that were there before the watcher was. */
void mt_incoming_adopt(struct mt_host *host);

/* Adds their classes to a JSON array, as mt_host_classes says. */
void mt_incoming_classes(const struct mt_host *host, json_object *array);

/* Bytes/s that incoming migrations' classes carry on device, smoothed. */
uint64_t mt_incoming_own_rate(const struct mt_host *host, const char *device);

/* Bytes/s that incoming migrations' classes guarantee on device; how many come in. */
uint64_t mt_incoming_granted(const struct mt_host *host, const char *device);
unsigned mt_incoming_count(const struct mt_host *host);

/* Whether a migration comes in that no class counts. */
bool mt_incoming_uncounted(const struct mt_host *host);

/* Removes every class and forgets all: at the watcher's end. */
void mt_incoming_clear(struct mt_host *host);

#endif
