/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our own version, for files that also have MT_VERSION() of call_flags.h. */
#ifndef MT_RELEASE_H
#define MT_RELEASE_H

/* "0.1.0" */
const char *mt_release(void);

#endif
