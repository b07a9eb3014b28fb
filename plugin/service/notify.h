/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the watcher tells the service manager: ready, reloading, stopping, and that its loop turns. All of it does nothing
 * where there is no service manager that wants to know (NOTIFY_SOCKET is not set), or where libsystemd was not there at
 * build time.
 */
#ifndef MT_SERVICE_NOTIFY_H
#define MT_SERVICE_NOTIFY_H

/* The start, or a reload, is over; status is one line for people, as in systemctl status. */
void mt_notify_ready(const char *status);

/* A reload begins; mt_notify_ready() must follow. */
void mt_notify_reloading(void);

/* The end begins. */
void mt_notify_stopping(void);

/*
 * Joins libvirt's event loop with a timer that tells the manager's watchdog that this loop turns: in a loop that is stuck
 * it does not run. Twice in each period that the manager asks for; without a watchdog there is no timer. Returns its number
 * for mt_notify_watchdog_stop(), or -1.
 */
int mt_notify_watchdog_start(void);

/* Accepts -1. */
void mt_notify_watchdog_stop(int timer);

#endif
