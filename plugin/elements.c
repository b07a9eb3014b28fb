/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "elements.h"

#include <fnmatch.h>
#include <string.h>

static void put(struct mt_elements *elements, const char *text)
{
        const size_t size = strlen(text) + 1;

        (void)memcpy(elements->text + elements->bytes, text, size);
        elements->bytes += size;
}

void mt_elements_add(struct mt_elements *elements, const char *uri, const char *path, const char *attribute,
                     const char *value)
{
        const bool same_uri = elements->bytes > 0 && strcmp(elements->text + elements->uri_at, uri) == 0;
        const bool same_path = same_uri && strcmp(elements->text + elements->path_at, path) == 0;
        const size_t size =
                strlen(same_uri ? "" : uri) + strlen(same_path ? "" : path) + strlen(attribute) + strlen(value) + 4;

        if (elements->cut || size > sizeof(elements->text) - elements->bytes) {
                elements->cut = true;
                return;
        }
        elements->uri_at = same_uri ? elements->uri_at : elements->bytes;
        put(elements, same_uri ? "" : uri);
        elements->path_at = same_path ? elements->path_at : elements->bytes;
        put(elements, same_path ? "" : path);
        put(elements, attribute);
        put(elements, value);
}

/* The text at *at, which moves behind it. */
static const char *next(const struct mt_elements *elements, size_t *at)
{
        const char *text = elements->text + *at;

        *at += strlen(text) + 1;
        return text;
}

bool mt_elements_match(const struct mt_elements *elements, const struct mt_element_match *match)
{
        const char *uri = "", *path = "";

        for (size_t at = 0; at < elements->bytes;) {
                const char *new_uri = next(elements, &at), *new_path = next(elements, &at);
                const char *attribute = next(elements, &at), *value = next(elements, &at);

                uri = new_uri[0] != '\0' ? new_uri : uri;
                path = new_path[0] != '\0' ? new_path : path;
                if (strcmp(uri, match->uri) == 0 && strcmp(path, match->element) == 0 &&
                    strcmp(attribute, match->attribute) == 0 &&
                    (match->value[0] == '\0' || fnmatch(match->value, value, 0) == 0))
                        return true;
        }
        return false;
}
