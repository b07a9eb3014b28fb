/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of every configuration key: path, kind, range, where the value goes. One table serves the files, rules, the
 * VMs' metadata and `plan --offline`.
 */
#ifndef MT_CONFIG_KEYS_H
#define MT_CONFIG_KEYS_H

#include "err.h"
#include "intent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a key's value is, in text and in the struct it goes to. */
enum mt_key_kind {
        MT_KEY_WORD,   /* one of a list; an enum */
        MT_KEY_RATE,   /* uint64_t, bytes/s */
        MT_KEY_TIME,   /* uint64_t, ms; a field of several is filled with the same value */
        MT_KEY_FLOAT,  /* double */
        MT_KEY_COUNT,  /* unsigned */
        MT_KEY_SWITCH, /* bool: true or false */
        MT_KEY_DEVICE, /* char[]: an interface; "auto" is stored as "" */
        MT_KEY_PATH,   /* char[]: absolute, or "" */
        MT_KEY_CLASS,  /* char[]: "MAJOR:MINOR" in hexadecimal, as tc writes it, or "" */
        MT_KEY_URI,    /* char[]: SCHEME://..., or "" */
        MT_KEY_TABLE,  /* struct mt_calm_table: "RATE:PROBABILITY RATE:PROBABILITY ...", or "" */
};

struct mt_key {
        const char *path;   /* in the file: "migration.max_downtime" */
        const char *intent; /* elsewhere: "max_downtime"; NULL: not part of an intent, so only files have it */
        size_t offset;      /* in struct mt_intent if intent is set, else in struct mt_config */
        size_t size;        /* of the field */
        enum mt_key_kind kind;
        bool may_be_auto;            /* "auto" is MT_AUTO (RATE, TIME) */
        uint64_t min, max;           /* RATE, TIME, COUNT: inclusive */
        double float_min, float_max; /* FLOAT: inclusive */
        unsigned n_words;            /* WORD: how many of word's values are allowed */
        const char *(*word)(unsigned value);
};

/* Row i of the table, 0 <= i < mt_key_count() <= 64; the intent's rows come first. */
unsigned mt_key_count(void);
const struct mt_key *mt_key_at(unsigned i);

/* The row with this path, or with this intent name ('-' counts as '_'); NULL: there is none. */
const struct mt_key *mt_key_by_path(const char *path);
const struct mt_key *mt_key_by_intent(const char *name);

/* The row's number, and its bit in struct mt_rule.fields. */
unsigned mt_key_index(const struct mt_key *key);
uint64_t mt_key_bit(const struct mt_key *key);

/* Sets the field of *base (a struct mt_intent or mt_config, see offset) from text. -EINVAL and "expected ..." in *err. */
int mt_key_set_text(const struct mt_key *key, void *base, const char *text, struct mt_err *err);

/* The same from a number or a boolean; -EINVAL for kinds that want text. */
int mt_key_set_float(const struct mt_key *key, void *base, double value, struct mt_err *err);
int mt_key_set_count(const struct mt_key *key, void *base, int64_t value, struct mt_err *err);
int mt_key_set_switch(const struct mt_key *key, void *base, bool value, struct mt_err *err);

/* Fills *err with what the key expects and what was found instead. Returns -EINVAL. */
int mt_key_expected(const struct mt_key *key, const char *found, struct mt_err *err);

/*
 * The value in the configuration's notation ("100ms", "250Mbit", "high", "0.25"), as mt_key_set_text reads it: whole ms and
 * bytes/s come back the same, numbers to nine decimals. Cut to size. Returns text.
 */
const char *mt_key_text(const struct mt_key *key, const void *base, char *text, size_t size);

/* A number from 0 to 1e6 with a point whatever the locale, without trailing zeros: "0.25", "1.0". Returns text. */
const char *mt_key_decimal(char *text, size_t size, double value);

/* Does the row stand for several that come alone as well ("deadline": of each urgency)? Then it has no value of its own. */
bool mt_key_is_group(const struct mt_key *key);

/* Copies the key's field from one struct to another of the same type. */
void mt_key_copy(const struct mt_key *key, void *to, const void *from);

/*
 * Looks for settings that contradict each other. 0, or -EINVAL: *ret_key and *ret_other are the pair and *err says
 * "expected ..." about the first.
 */
int mt_intent_verify(const struct mt_intent *intent, const struct mt_key **ret_key, const struct mt_key **ret_other,
                     struct mt_err *err);

#endif
