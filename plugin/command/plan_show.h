/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A plan as a story for people. */
#ifndef MT_COMMAND_PLAN_SHOW_H
#define MT_COMMAND_PLAN_SHOW_H

#include <json-c/json.h>

/* Prints {"domain", "facts", "intent", "plan"}: what would be done, the prediction, the alternatives, the reasons. */
void mt_plan_show(json_object *planned);

#endif
