/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "origin.h"
#include "array.h"
#include "reason.h"

#include <stdio.h>
#include <string.h>

#define MOST_LINES 6
#define NO_FILE UINT8_MAX /* its name did not fit */

/* The row's index among the intent's, which come first in the table. */
static struct mt_origin *origin_of(struct mt_intent *intent, const struct mt_key *key)
{
        return &intent->origins.of[mt_key_index(key)];
}

/* The name's number among those of the intent, added where it is new. */
static uint8_t file_number(struct mt_origins *origins, const char *name)
{
        const size_t size = sizeof(origins->files);
        size_t at = 0;
        unsigned i = 0;

        for (; at < size && origins->files[at] != '\0'; at += strlen(origins->files + at) + 1, i++)
                if (strcmp(origins->files + at, name) == 0)
                        return (uint8_t)i;
        if (at + strlen(name) + 2 > size || name[0] == '\0' || i >= NO_FILE) /* an empty name ends them */
                return NO_FILE;
        (void)memcpy(origins->files + at, name, strlen(name));
        return (uint8_t)i;
}

static const char *file_name(const struct mt_origins *origins, unsigned number)
{
        const char *name = origins->files;

        if (number == NO_FILE)
                return "a further file";
        for (; number > 0; number--)
                name += strlen(name) + 1;
        return name;
}

/* Sets the row's origin, and those of the rows whose field lies within its own. */
static void set(struct mt_intent *intent, const struct mt_key *key, struct mt_origin origin)
{
        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const struct mt_key *other = mt_key_at(i);

                if (other->offset >= key->offset && other->offset + other->size <= key->offset + key->size)
                        *origin_of(intent, other) = origin;
        }
}

void mt_origin_set(struct mt_intent *intent, const struct mt_key *key, enum mt_origin_kind kind)
{
        if (key->intent != NULL)
                set(intent, key, (struct mt_origin){ .kind = (uint8_t)kind });
}

void mt_origin_set_place(struct mt_intent *intent, const struct mt_key *key, unsigned rule, const struct mt_place *place)
{
        if (key->intent != NULL)
                set(intent, key,
                    (struct mt_origin){ .line = place->line,
                                        .rule = (uint16_t)rule,
                                        .kind = rule > 0 ? MT_ORIGIN_RULE : MT_ORIGIN_FILE,
                                        .file = file_number(&intent->origins, place->file) });
}

void mt_origin_copy(struct mt_intent *to, const struct mt_key *key, const struct mt_intent *from)
{
        struct mt_origin origin = from->origins.of[mt_key_index(key)];

        if ((origin.kind == MT_ORIGIN_FILE || origin.kind == MT_ORIGIN_RULE) && origin.file != NO_FILE)
                origin.file = file_number(&to->origins, file_name(&from->origins, origin.file));
        set(to, key, origin);
}

const char *mt_origin_text(const struct mt_intent *intent, const struct mt_key *key, char *text, size_t size)
{
        static const char *const names[] = {
                [MT_ORIGIN_BUILT_IN] = "built-in",
                [MT_ORIGIN_METADATA] = "the VM's metadata",
                [MT_ORIGIN_COMMAND_LINE] = "the command line",
                [MT_ORIGIN_ALONE] = "no watcher runs",
        };
        const struct mt_origin *origin = &intent->origins.of[mt_key_index(key)];

        if (origin->kind == MT_ORIGIN_FILE)
                (void)snprintf(text, size, "%s:%u", file_name(&intent->origins, origin->file), origin->line);
        else if (origin->kind == MT_ORIGIN_RULE)
                (void)snprintf(text, size, "rule %u (%s:%u)", origin->rule, file_name(&intent->origins, origin->file),
                               origin->line);
        else
                (void)snprintf(text, size, "%s", origin->kind < MT_ARRAY_SIZE(names) ? names[origin->kind] : "?");
        return text;
}

bool mt_origin_tells(const struct mt_intent *intent, const struct mt_key *key)
{
        const struct mt_origin *origin = &intent->origins.of[mt_key_index(key)];
        struct mt_intent built_in;

        if (origin->kind == MT_ORIGIN_BUILT_IN || mt_key_is_group(key))
                return false;
        if (origin->kind != MT_ORIGIN_FILE)
                return true;
        mt_intent_defaults(&built_in);
        return memcmp((const char *)intent + key->offset, (const char *)&built_in + key->offset, key->size) != 0;
}

/* Puts "KEY VALUE from ORIGIN" behind the line, or begins a new one with it. */
static void add_item(struct mt_reasons *reasons, char *line, const char *item)
{
        const size_t used = strlen(line);

        if (used > 0 && used + strlen("; ") + strlen(item) >= MT_REASON_SIZE) {
                mt_reason(reasons, "%s", line);
                line[0] = '\0';
        }
        if (line[0] == '\0')
                (void)snprintf(line, MT_REASON_SIZE, "intent: %s", item);
        else
                (void)snprintf(line + used, MT_REASON_SIZE - used, "; %s", item);
}

void mt_origin_reasons(const struct mt_intent *intent, struct mt_reasons *reasons)
{
        const unsigned before = reasons->n;
        char line[MT_REASON_SIZE] = "";
        unsigned more = 0;

        for (unsigned i = 0; i < mt_key_count() && mt_key_at(i)->intent != NULL; i++) {
                const struct mt_key *key = mt_key_at(i);
                char value[40], origin[MT_ORIGIN_SIZE], item[MT_REASON_SIZE - sizeof("intent: ") + 1];

                if (!mt_origin_tells(intent, key))
                        continue;
                if (reasons->n - before >= MOST_LINES - 2) { /* one is in the making, one says how many more there are */
                        more++;
                        continue;
                }
                (void)snprintf(item, sizeof(item), "%s %s from %s", key->intent,
                               mt_key_text(key, intent, value, sizeof(value)),
                               mt_origin_text(intent, key, origin, sizeof(origin)));
                add_item(reasons, line, item);
        }
        if (line[0] != '\0')
                mt_reason(reasons, "%s", line);
        if (more > 0)
                mt_reason(reasons, "intent: %u more keys are not as built in, see migtune get", more);
}
