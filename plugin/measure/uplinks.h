/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This host's addresses and the uplinks behind them. */
#ifndef MT_MEASURE_UPLINKS_H
#define MT_MEASURE_UPLINKS_H

#include "err.h"
#include "measure/share.h"

/*
 * Fills in devices and addresses, traffic unknown: every address that others may know this host by, with the uplink of
 * the device that has it, or, where device is not "", with that one for all. Addresses without an uplink (a network of
 * the VMs' own) are left out. -errno: the addresses cannot be read, or the device is not there.
 */
int mt_uplinks_read(const char *device, struct mt_share_sample *ret, struct mt_err *err);

#endif
