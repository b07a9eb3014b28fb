/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The thread between the watcher and destination.share_dir, which may be on a network file system and hang: once a
 * second it writes this host's sample and reads everybody's.
 */
#ifndef MT_MEASURE_EXCHANGE_H
#define MT_MEASURE_EXCHANGE_H

#include "err.h"
#include "measure/share.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_exchange;

/* Starts the thread. host: the name to write under; "": only reads. Both are copied. */
int mt_exchange_start(const char *dir, const char *host, struct mt_exchange **ret, struct mt_err *err);

/*
 * Asks the thread to remove this host's file and to end, and waits for that half a second at most: a thread that hangs
 * is left to itself, and ends when its call returns. Accepts NULL.
 */
void mt_exchange_stop(struct mt_exchange *exchange);

/* This host's sample as of now. Written once a second while it is not older than MT_SHARE_FRESH_MS. */
void mt_exchange_publish(struct mt_exchange *exchange, const struct mt_share_sample *sample);

/* As mt_share_find, in what was read last. */
struct mt_traffic_fact mt_exchange_find(struct mt_exchange *exchange, const struct in6_addr *address);

/* As mt_share_others, likewise. */
struct mt_share_send mt_exchange_others(struct mt_exchange *exchange, const struct in6_addr *address);

/* What is wrong with the directory: each thing once, when it begins. False: nothing new. */
bool mt_exchange_complaint(struct mt_exchange *exchange, struct mt_err *ret);

#endif
