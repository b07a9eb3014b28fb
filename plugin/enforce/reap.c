/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "enforce/reap.h"
#include "cleanup.h"
#include "log.h"

#include <linux/netlink.h>

static void *run(void *arg)
{
        const struct mt_reaper *reaper = arg;
        MT_CLEANUP(mt_nl_closep) struct mt_nl *nl = NULL; /* a socket belongs to one thread */
        struct mt_err err = { 0 };

        if (mt_nl_open(&nl, NETLINK_ROUTE, &err) < 0 || mt_tc_link_delete(nl, &reaper->device, &err) < 0)
                mt_log(MT_LOG_WARNING, "%s; `migtune cleanup` removes it", err.msg);
        return NULL;
}

int mt_reap(struct mt_reaper *reaper, struct mt_nl *nl, const struct mt_tc_device *device, struct mt_err *err)
{
        mt_reap_wait(reaper);
        reaper->device = *device;
        reaper->running = pthread_create(&reaper->thread, NULL, run, reaper) == 0;
        return reaper->running ? 0 : mt_tc_link_delete(nl, device, err);
}

void mt_reap_wait(struct mt_reaper *reaper)
{
        if (!reaper->running)
                return;
        (void)pthread_join(reaper->thread, NULL);
        reaper->running = false;
}
