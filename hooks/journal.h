/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd's journal, for records that keep their fields there. Without libsystemd at build time there never is one.
 */
#ifndef MT_JOURNAL_H
#define MT_JOURNAL_H

#include <stdbool.h>

/* Does what is sent to syslog arrive in the journal? (Then it must not be sent to both.) */
bool mt_journal_has_syslog(void);

/* Does what is written to standard error? */
bool mt_journal_has_stderr(void);

/*
 * Sends one record: message, priority info, facility daemon, and the fields ("NAME=value", NULL at the end). False: it was
 * not taken, and should go another way.
 */
bool mt_journal_send(const char *message, const char *const *fields);

#endif
