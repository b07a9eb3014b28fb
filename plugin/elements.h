/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a domain's <metadata> holds, flat: the texts and attributes of its elements, so that rules can be held against them
 * without the XML. Plain data.
 */
#ifndef MT_ELEMENTS_H
#define MT_ELEMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define MT_ELEMENT_PATH 128  /* "instance/owner/project", with NUL */
#define MT_ELEMENT_VALUE 128 /* of a text or an attribute */

/* Zeroed: none. */
struct mt_elements {
        bool cut; /* not all fitted: the last ones are missing */
        size_t bytes, uri_at, path_at;
        char text[6144]; /* for each value: namespace, path, attribute, value, each with its NUL; "": as the one before */
};

/*
 * What a rule asks of them. All texts but uri and element may be empty: no attribute is the element's own text, no value is
 * that the attribute (or, without one, the element) is there.
 */
struct mt_element_match {
        char uri[160];                 /* namespace of the element below <metadata>, as virsh metadata has it */
        char element[MT_ELEMENT_PATH]; /* its name, and those below it: "instance/flavor"; no prefixes */
        char attribute[64];
        char value[MT_ELEMENT_VALUE]; /* a glob (fnmatch) */
};

/* Adds a value; attribute "": the element's own text. Each element has one, if an empty one. */
void mt_elements_add(struct mt_elements *elements, const char *uri, const char *path, const char *attribute,
                     const char *value);

/* Is there an element that fits? */
bool mt_elements_match(const struct mt_elements *elements, const struct mt_element_match *match);

#endif
