/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MT_ARRAY_H
#define MT_ARRAY_H

/* Number of elements of an array (not of a pointer). */
#define MT_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
