/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts.h"
#include "cleanup.h"

const char *mt_dirty_source_name(enum mt_dirty_source source)
{
        static const char *const names[] = { "default", "history", "measured", "in-flight", "given" };

        return (unsigned)source < MT_ARRAY_SIZE(names) ? names[(unsigned)source] : "?";
}

const char *mt_hot_source_name(enum mt_hot_source source)
{
        static const char *const names[] = { "none", "windows", "in-flight", "given" };

        return (unsigned)source < MT_ARRAY_SIZE(names) ? names[(unsigned)source] : "?";
}

const char *mt_traffic_source_name(enum mt_traffic_source source)
{
        static const char *const names[] = { "unknown", "share", "libvirt", "given" };

        return (unsigned)source < MT_ARRAY_SIZE(names) ? names[(unsigned)source] : "?";
}

const char *mt_value_source_name(enum mt_value_source source)
{
        static const char *const names[] = { "unknown", "built-in", "configuration", "history", "read", "given" };

        return (unsigned)source < MT_ARRAY_SIZE(names) ? names[(unsigned)source] : "?";
}
