/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/notify.h"
#include "clock.h"
#include "log.h"
#include "mt_build.h"

#include <inttypes.h>
#include <libvirt/libvirt.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if MT_HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#else
/* The two functions of libsystemd that are used here, for a host without a service manager. */
#define sd_notify(unset, state) ((void)(unset), (void)(state), 0)
#define sd_watchdog_enabled(unset, period_us) ((void)(unset), (void)(period_us), 0)
#endif

#define MS_US UINT64_C(1000)

/* Nothing depends on its success: a manager that does not hear of it acts by its own timeouts. */
static void tell(const char *state)
{
        (void)sd_notify(0, state);
}

void mt_notify_ready(const char *status)
{
        char state[512];

        (void)snprintf(state, sizeof(state), "READY=1\nSTATUS=%s", status);
        tell(state);
}

void mt_notify_reloading(void)
{
        char state[64];

        /* Managers since systemd 253 may want its time, and heed none that lies before their signal: not cut to ms. */
        (void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, mt_now_ns() / 1000);
        tell(state);
}

void mt_notify_stopping(void)
{
        tell("STOPPING=1\nSTATUS=taking classes and limits back");
}

static void on_watchdog(int timer, void *opaque)
{
        (void)timer;
        (void)opaque;
        tell("WATCHDOG=1");
}

int mt_notify_watchdog_start(void)
{
        uint64_t period_us = 0, half_ms;
        int timer;

        if (sd_watchdog_enabled(0, &period_us) <= 0)
                return -1;
        half_ms = period_us / (2 * MS_US);
        timer = virEventAddTimeout(half_ms < INT_MAX ? (int)half_ms : INT_MAX, on_watchdog, NULL, NULL);
        if (timer < 0)
                mt_log(MT_LOG_WARNING, "the service manager's watchdog is not fed: cannot join the event loop");
        return timer;
}

void mt_notify_watchdog_stop(int timer)
{
        if (timer >= 0)
                (void)virEventRemoveTimeout(timer);
}
