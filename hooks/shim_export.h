/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the shim shows: these functions, and migtune-shim.map lists them once more. */
#ifndef MT_SHIM_EXPORT_H
#define MT_SHIM_EXPORT_H

#define MT_EXPORT __attribute__((visibility("default")))

#endif
