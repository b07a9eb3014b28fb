/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An outcome record's chief values as fields of a log that has them (journald): "MIGTUNE_RESULT=completed". */
#ifndef MT_RECORD_FIELDS_H
#define MT_RECORD_FIELDS_H

#include "record/outcome.h"

#define MT_RECORD_FIELDS 24

struct mt_record_fields {
        unsigned n;
        char text[MT_RECORD_FIELDS][320];
        const char *list[MT_RECORD_FIELDS + 1]; /* into text; NULL at the end */
};

/* Fills *ret and returns its list, which is valid as long as *ret is. What is not known has no field. */
const char *const *mt_record_fields(const struct mt_outcome *outcome, struct mt_record_fields *ret);

#endif
