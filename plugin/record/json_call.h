/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JSON of a migration call and of what is changed in it; forms and ownership as in json.h. */
#ifndef MT_RECORD_JSON_CALL_H
#define MT_RECORD_JSON_CALL_H

#include "record/json.h"

/* {"flags":["live",...],"paused":...,"bandwidth_mbps":...,...}; null: nobody stands in the call. */
json_object *mt_call_json(const struct mt_call_fact *call);

/* {"flags_add":[...],"flags_drop":[...],"connections":...,...}; null where the call is not known. In it null: left as it is. */
json_object *mt_call_changes_json(const struct mt_call_changes *changes);

/* {"cpu_idle_share":...,"cpus":...,"memory_free_bytes":...,"source":"given"} */
json_object *mt_headroom_json(const struct mt_headroom_fact *headroom);

/* "xbzrle", "zstd", as libvirt's parameter has them; NULL: leave. */
const char *mt_compression_name(enum mt_compression compression);

#endif
