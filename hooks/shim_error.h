/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's last error, which belongs to the calling thread: reading it, and setting it where a call ends in the shim. */
#ifndef MT_SHIM_ERROR_H
#define MT_SHIM_ERROR_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <stdbool.h>
#include <stdint.h>

#define MT_ABORTED_TEXT "operation aborted: job 'migration out' canceled by client"

/* True if the last error is one with which libvirt refuses a migration's flags or parameters before it begins it. */
bool mt_shim_error_is_refusal(void);

/* Its code, VIR_ERR_OK if there is none. */
int mt_shim_error_code(void);

/* Its message; NULL: there is no error. Valid until the thread's next libvirt call. */
const char *mt_shim_error_text(void);

/* True if mt_shim_error_set_aborted() and mt_shim_error_restore() work with that version of libvirt. */
bool mt_shim_error_can_set(uint64_t version);

/*
 * Sets the last error to what a migration ends with that was aborted, MT_ABORTED_TEXT, and tells the program's error
 * handler, as libvirt does.
 */
void mt_shim_error_set_aborted(virDomainPtr domain);

/* Keeps a copy of the last error, and sets it again. restore() releases the copy. */
virErrorPtr mt_shim_error_save(void);
void mt_shim_error_restore(virErrorPtr error);

#endif
