/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What record/member.h reads, on a terminal. */
#ifndef MT_COMMAND_MEMBER_H
#define MT_COMMAND_MEMBER_H

#include "record/member.h"

/*
 * Makes every string in it fit for a terminal (mt_terminal_clean), so that nothing that is printed of it can do anything
 * there. Keys are left: nobody prints them.
 */
void mt_member_clean(json_object *value);

#endif
