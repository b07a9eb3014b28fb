/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From text, numbers and booleans to the fields of config_keys.c's table, and the words of the errors. */
#include "config_keys.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OUR_TC_MAJOR 0x4d54u /* enforce/shape.h: classes under this handle come and go */

/* A line of text that grows; what does not fit is cut. */
struct text {
        char s[400];
        size_t used;
};

static void add(struct text *text, const char *format, ...) MT_PRINTF(2, 3);

static void add(struct text *text, const char *format, ...)
{
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(text->s + text->used, sizeof(text->s) - text->used, format, args);
        va_end(args);
        if (n > 0)
                text->used += (size_t)n < sizeof(text->s) - text->used ? (size_t)n : sizeof(text->s) - 1 - text->used;
}

static void add_range(struct text *text, const struct mt_key *key, const char *(*format)(char *, size_t, uint64_t))
{
        char low[32], high[32];

        add(text, ", from %s to %s", format(low, sizeof(low), key->min), format(high, sizeof(high), key->max));
        if (key->may_be_auto)
                add(text, ", or \"auto\"");
}

static void add_decimal(struct text *text, double value)
{
        char decimal[32];

        add(text, "%s", mt_key_decimal(decimal, sizeof(decimal), value));
}

int mt_key_expected(const struct mt_key *key, const char *found, struct mt_err *err)
{
        struct text text = { .used = 0 };

        switch (key->kind) {
        case MT_KEY_WORD:
                for (unsigned i = 0; i < key->n_words; i++)
                        add(&text, "%s\"%s\"", i == 0 ? "" : i + 1 == key->n_words ? " or " : ", ", key->word(i));
                break;
        case MT_KEY_RATE:
                add(&text, "a rate such as \"250Mbit\" or \"30MiB/s\"");
                add_range(&text, key, mt_format_rate);
                break;
        case MT_KEY_TIME:
                add(&text, "a time such as \"300ms\", \"5s\" or \"2min\"");
                add_range(&text, key, mt_format_time);
                break;
        case MT_KEY_FLOAT:
                add(&text, "a number from ");
                add_decimal(&text, key->float_min);
                add(&text, " to ");
                add_decimal(&text, key->float_max);
                break;
        case MT_KEY_COUNT:
                add(&text, "a whole number from %" PRIu64 " to %" PRIu64, key->min, key->max);
                break;
        case MT_KEY_SWITCH:
                add(&text, "true or false");
                break;
        case MT_KEY_DEVICE:
                add(&text, "the name of a network interface, at most %zu characters, or \"auto\"", key->size - 1);
                break;
        case MT_KEY_PATH:
                add(&text, "an absolute path of at most %zu characters, or \"\" for none", key->size - 1);
                break;
        case MT_KEY_CLASS:
                add(&text, "a class of your own HTB such as \"1:10\", or \"\" for none");
                break;
        case MT_KEY_URI:
                add(&text, "a libvirt URI such as \"qemu+tcp://%%a/system\", at most %zu characters, or \"\" for none",
                    key->size - 1);
                break;
        case MT_KEY_TABLE:
                add(&text,
                    "up to %d points of service bandwidth and violation probability, the former rising, the latter not, "
                    "such "
                    "as \"100Mbit:0.5 300Mbit:0.05\", or \"\" for none",
                    MT_CALM_POINTS);
                break;
        }
        return mt_fail(err, EINVAL, "expected %s, found %.80s", text.s, found);
}

static void put_u64(const struct mt_key *key, void *base, uint64_t value)
{
        for (size_t at = 0; at < key->size; at += sizeof(value))
                (void)memcpy((char *)base + key->offset + at, &value, sizeof(value));
}

static bool set_quantity(const struct mt_key *key, void *base, const char *text)
{
        uint64_t value;

        if (key->may_be_auto && strcmp(text, "auto") == 0) {
                put_u64(key, base, MT_AUTO);
                return true;
        }
        if ((key->kind == MT_KEY_RATE ? mt_parse_rate(text, &value) : mt_parse_time(text, &value)) < 0)
                return false;
        if (value < key->min || value > key->max)
                return false;
        put_u64(key, base, value);
        return true;
}

static bool set_word(const struct mt_key *key, void *base, const char *text)
{
        for (unsigned i = 0; i < key->n_words; i++)
                if (strcmp(key->word(i), text) == 0) {
                        (void)memcpy((char *)base + key->offset, &i, sizeof(i));
                        return true;
                }
        return false;
}

static bool float_ok(const struct mt_key *key, void *base, double value)
{
        if (!(value >= key->float_min && value <= key->float_max))
                return false;
        (void)memcpy((char *)base + key->offset, &value, sizeof(value));
        return true;
}

static bool count_ok(const struct mt_key *key, void *base, int64_t value)
{
        unsigned count = (unsigned)value;

        if (value < 0 || (uint64_t)value < key->min || (uint64_t)value > key->max)
                return false;
        (void)memcpy((char *)base + key->offset, &count, sizeof(count));
        return true;
}

/* DIGITS[.DIGITS] of at most 15 digits: exact in a double's 53 bits, so one division rounds right, in any locale. */
static bool read_decimal(const char *text, double *ret_value, bool *ret_whole)
{
        uint64_t digits = 0, scale = 1;
        unsigned n = 0;
        bool point = false;

        for (; *text != '\0'; text++) {
                if (*text == '.' && !point && n > 0 && text[1] != '\0') {
                        point = true;
                        continue;
                }
                if (*text < '0' || *text > '9' || ++n > 15)
                        return false;
                digits = digits * 10 + (uint64_t)(*text - '0');
                scale *= point ? 10 : 1;
        }
        *ret_value = (double)digits / (double)scale;
        *ret_whole = !point;
        return n > 0;
}

static bool set_number(const struct mt_key *key, void *base, const char *text)
{
        double value;
        bool whole;

        if (!read_decimal(text, &value, &whole))
                return false;
        return key->kind == MT_KEY_FLOAT ? float_ok(key, base, value) : whole && count_ok(key, base, (int64_t)value);
}

static bool set_switch(const struct mt_key *key, void *base, const char *text)
{
        bool value = strcmp(text, "true") == 0;

        if (!value && strcmp(text, "false") != 0)
                return false;
        (void)memcpy((char *)base + key->offset, &value, sizeof(value));
        return true;
}

static bool device_ok(const char *text)
{
        return text[0] != '\0' && strcmp(text, ".") != 0 && strcmp(text, "..") != 0 &&
               strpbrk(text, "/: \t\r\n\v\f") == NULL;
}

/* Reads 1 to 4 hexadecimal digits that end with `end`; returns what follows them, or NULL. */
static const char *read_hex16(const char *text, char end, unsigned *ret)
{
        unsigned value = 0, n = 0;

        for (; *text != end; text++, n++) {
                char c = *text;
                unsigned digit;

                if (c >= '0' && c <= '9')
                        digit = (unsigned)(c - '0');
                else if (c >= 'a' && c <= 'f')
                        digit = (unsigned)(c - 'a') + 10;
                else if (c >= 'A' && c <= 'F')
                        digit = (unsigned)(c - 'A') + 10;
                else
                        return NULL;
                value = value * 16 + digit;
                if (n >= 4)
                        return NULL;
        }
        *ret = value;
        return n > 0 && n <= 4 ? text + 1 : NULL;
}

/* A class handle, neither a qdisc ("1:") nor one of ours. */
static bool class_ok(const char *text)
{
        unsigned major = 0, minor = 0;

        text = read_hex16(text, ':', &major);
        return text != NULL && read_hex16(text, '\0', &minor) != NULL && major != 0 && minor != 0 && major != OUR_TC_MAJOR;
}

static bool set_string(const struct mt_key *key, void *base, const char *text)
{
        bool good = text[0] == '\0';

        if (key->kind == MT_KEY_DEVICE) {
                good = device_ok(text);
                text = strcmp(text, "auto") == 0 ? "" : text;
        } else if (key->kind == MT_KEY_PATH) {
                good |= text[0] == '/';
        } else if (key->kind == MT_KEY_CLASS) {
                good |= class_ok(text);
        } else {
                good |= strstr(text, "://") != NULL && text[0] != ':';
        }
        if (!good || strlen(text) >= key->size)
                return false;
        (void)memset((char *)base + key->offset, 0, key->size); /* structs are compared whole in tests */
        (void)memcpy((char *)base + key->offset, text, strlen(text));
        return true;
}

/* Reads "RATE:PROBABILITY" of length characters as point n of the table. */
static bool add_point(struct mt_calm_table *table, const char *text, size_t length)
{
        unsigned n = table->n;
        char point[48], *colon;
        uint64_t bytes_s;
        double F;
        bool whole;

        if (n == MT_CALM_POINTS || length >= sizeof(point))
                return false;
        (void)memcpy(point, text, length);
        point[length] = '\0';
        colon = strchr(point, ':');
        if (colon == NULL)
                return false;
        *colon = '\0';
        if (mt_parse_rate(point, &bytes_s) < 0 || !read_decimal(colon + 1, &F, &whole))
                return false;
        if (mt_mbps(bytes_s) <= (n > 0 ? table->Bs[n - 1] : 0.0) || F > (n > 0 ? table->F[n - 1] : 1.0))
                return false;
        table->Bs[n] = mt_mbps(bytes_s);
        table->F[n] = F;
        table->n++;
        return true;
}

static bool set_table(const struct mt_key *key, void *base, const char *text)
{
        struct mt_calm_table table;

        (void)memset(&table, 0, sizeof(table)); /* structs are compared whole in tests */
        for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
                size_t length = strcspn(text, " ");

                if (!add_point(&table, text, length))
                        return false;
                text += length;
        }
        (void)memcpy((char *)base + key->offset, &table, sizeof(table));
        return true;
}

int mt_key_set_text(const struct mt_key *key, void *base, const char *text, struct mt_err *err)
{
        char found[96];
        bool good = false;

        switch (key->kind) {
        case MT_KEY_WORD:
                good = set_word(key, base, text);
                break;
        case MT_KEY_RATE:
        case MT_KEY_TIME:
                good = set_quantity(key, base, text);
                break;
        case MT_KEY_FLOAT:
        case MT_KEY_COUNT:
                good = set_number(key, base, text);
                break;
        case MT_KEY_SWITCH:
                good = set_switch(key, base, text);
                break;
        case MT_KEY_DEVICE:
        case MT_KEY_PATH:
        case MT_KEY_CLASS:
        case MT_KEY_URI:
                good = set_string(key, base, text);
                break;
        case MT_KEY_TABLE:
                good = set_table(key, base, text);
                break;
        }
        if (good)
                return 0;
        (void)snprintf(found, sizeof(found), "\"%.70s\"", text);
        return mt_key_expected(key, found, err);
}

int mt_key_set_float(const struct mt_key *key, void *base, double value, struct mt_err *err)
{
        struct text found = { .used = 0 };

        if (key->kind == MT_KEY_FLOAT && float_ok(key, base, value))
                return 0;
        if (value >= 0 && value < 1e6)
                add_decimal(&found, value);
        else
                add(&found, "%s number", value < 0 ? "a negative" : "a large");
        return mt_key_expected(key, found.s, err);
}

int mt_key_set_count(const struct mt_key *key, void *base, int64_t value, struct mt_err *err)
{
        char found[64];

        if (key->kind == MT_KEY_COUNT && count_ok(key, base, value))
                return 0;
        if (key->kind == MT_KEY_FLOAT && float_ok(key, base, (double)value))
                return 0;
        (void)snprintf(found, sizeof(found), "the bare number %" PRId64, value);
        return mt_key_expected(key, found, err);
}

int mt_key_set_switch(const struct mt_key *key, void *base, bool value, struct mt_err *err)
{
        if (key->kind != MT_KEY_SWITCH)
                return mt_key_expected(key, value ? "true" : "false", err);
        (void)memcpy((char *)base + key->offset, &value, sizeof(value));
        return 0;
}
