/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan as a story for people. */
#ifndef MT_COMMAND_PLAN_SHOW_H
#define MT_COMMAND_PLAN_SHOW_H

#include <json-c/json.h>
#include <stddef.h>

/*
 * Prints {"domain", "facts", "intent", "plan", "reasons"}: in one line what would be done, then what was measured and is
 * wanted, which rules fired, the plan, what each way would cost and why this one. columns: of the terminal; 0: none. Makes the
 * object's strings harmless.
 */
void mt_plan_show(json_object *planned, size_t columns);

#endif
