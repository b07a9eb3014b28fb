/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tests against the real kernel in network namespaces of their own: nothing of the machine is touched, and all of it goes
 * with the process. ip and tc are the independent witnesses of what the code under test did.
 */
#ifndef MT_TEST_NETNS_H
#define MT_TEST_NETNS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h> /* after what it needs */

/*
 * Enters a new network namespace (and, not being root, a user namespace in which we are), with lo up and a /sys of its own.
 * 0; else the exit status to leave with at once, the reason being printed: the test is skipped.
 */
int netns_enter(void);

/* The shell command must succeed; fails the test if not. */
void netns_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the shell command prints; the caller's to free. */
char *netns_output(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True if the command succeeds. */
bool netns_can(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* True if what the command prints contains text. */
bool netns_shows(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * A second namespace for the other end of a wire. netns_peer makes it and returns a descriptor (never closed);
 * netns_switch makes it this thread's. netns_home is the first.
 */
int netns_home(void);
int netns_peer(void);
void netns_switch(int ns);

/* The devices and everything tc knows of them, without counters and sorted: what must be the same after as before. */
char *netns_snapshot(void);

/* Removes all devices but lo. */
void netns_clear(void);

#endif
