/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Deleting an ifb device takes the kernel 12 to 20 ms (it waits for all readers); a watcher whose loop waited for that would
 * lift another migration's ceil that much later. So the device, already out of the packets' way, is deleted in a thread.
 */
#ifndef MT_ENFORCE_REAP_H
#define MT_ENFORCE_REAP_H

#include "enforce/tc.h"

#include <pthread.h>
#include <stdbool.h>

/* One deletion under way at most. Zeroed: none. */
struct mt_reaper {
        pthread_t thread;
        bool running;
        struct mt_tc_device device;
};

/* Deletes device in the background, or here if no thread can be had. Waits for an earlier deletion first. */
int mt_reap(struct mt_reaper *reaper, struct mt_nl *nl, const struct mt_tc_device *device, struct mt_err *err);

/* Waits for the deletion under way, if any: before anything is made or swept. */
void mt_reap_wait(struct mt_reaper *reaper);

#endif
