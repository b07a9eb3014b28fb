/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "release.h"
#include "mt_build.h"

const char *mt_release(void)
{
        return MT_VERSION;
}
