/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where each value of an intent comes from: built in, a line of a file, a rule, the VM's metadata, the command line. An
 * origin per row of config_keys.c's table, so that a plan can say "max_downtime 100ms from rule 2 (migtune.conf:41)".
 */
#ifndef MT_ORIGIN_H
#define MT_ORIGIN_H

#include "config_keys.h"
#include "intent.h"
#include "plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MT_ORIGIN_SIZE 128 /* of mt_origin_text's text, at most */

/* A line of a configuration file. file: as it is to be shown, relative to the main file's directory where it can be. */
struct mt_place {
        const char *file;
        unsigned line;
};

/*
 * The row's value now comes from here; the rows that it stands for ("deadline": of each urgency) do as well. Does nothing
 * for a row that is not part of an intent.
 */
void mt_origin_set(struct mt_intent *intent, const struct mt_key *key, enum mt_origin_kind kind);

/* The same for a value set by a line of a file; rule: number of the rule that it is in, from 1 on; 0: in none. */
void mt_origin_set_place(struct mt_intent *intent, const struct mt_key *key, unsigned rule, const struct mt_place *place);

/* Takes over the row's origin of another intent, as mt_key_copy its value. */
void mt_origin_copy(struct mt_intent *to, const struct mt_key *key, const struct mt_intent *from);

/*
 * "built-in", "migtune.conf:12", "rule 2 (migtune.conf:41)", "the VM's metadata", "the command line" or "no watcher runs"
 * (only pre-copy is planned then). Returns text.
 */
const char *mt_origin_text(const struct mt_intent *intent, const struct mt_key *key, char *text, size_t size);

/*
 * Is the row's origin worth telling? Not of built-in values, of those that a file sets to what is built in (as the
 * installed one does), and of rows that stand for others.
 */
bool mt_origin_tells(const struct mt_intent *intent, const struct mt_key *key);

/* Appends "intent: max_downtime 100ms from rule 2 (migtune.conf:41); ..." in as many lines as needed, at most 6. */
void mt_origin_reasons(const struct mt_intent *intent, struct mt_reasons *reasons);

#endif
