/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: libvirt's public interface can read and reset the last error, but not set it; a public call that
 * fails would set it, but to its own failure, and would tell the program's handler, which prints it. libvirt's daemons do
 * it with virSetError() and virDispatchError(), which are exported for them. Where these are missing, or libvirt is of a
 * version that they were not tried with, no call is ever ended by the shim: see can_cancel in shim_jobs.h.
 */
#include "shim_error.h"
#include "shim_real.h"

#include <stddef.h>
#include <string.h>

/*
 * QEMU's words for it come as internal errors, and only libvirt's message names the command that QEMU refused. Its quotes
 * and names are the same in every language. Each is sent before memory moves, in the order of this list.
 */
static const char *const refused_commands[] = { "'migrate-set-capabilities'", "'migrate-set-parameters'", "'migrate'" };

static const virError *last(void)
{
        return mt_shim_real()->virGetLastError != NULL ? mt_shim_real()->virGetLastError() : NULL;
}

int mt_shim_error_code(void)
{
        const virError *error = last();

        return error != NULL ? error->code : VIR_ERR_OK;
}

bool mt_shim_error_is_refusal(void)
{
        const virError *error = last();

        if (error == NULL)
                return false;
        switch (error->code) {
        case VIR_ERR_NO_SUPPORT:
        case VIR_ERR_INVALID_ARG:
        case VIR_ERR_CONFIG_UNSUPPORTED:
        case VIR_ERR_OPERATION_INVALID:
        case VIR_ERR_ARGUMENT_UNSUPPORTED:
        case VIR_ERR_OPERATION_UNSUPPORTED:
                return true;
        case VIR_ERR_INTERNAL_ERROR:
                for (size_t i = 0; i < sizeof(refused_commands) / sizeof(refused_commands[0]); i++)
                        if (error->message != NULL && strstr(error->message, refused_commands[i]) != NULL)
                                return true;
                return false;
        default:
                return false;
        }
}

const char *mt_shim_error_text(void)
{
        const virError *error = last();

        return error != NULL ? error->message : NULL;
}

bool mt_shim_error_can_set(uint64_t version)
{
        const struct mt_shim_real *real = mt_shim_real();

        return mt_shim_version_is_tested(version) && real->virSetError != NULL && real->virDispatchError != NULL &&
               real->virSaveLastError != NULL && real->virFreeError != NULL && real->virDomainGetConnect != NULL;
}

void mt_shim_error_set_aborted(virDomainPtr domain)
{
        char message[] = MT_ABORTED_TEXT, format[] = "operation aborted: %s",
             detail[] = "job 'migration out' canceled by client";
        virError error = {
                .code = VIR_ERR_OPERATION_ABORTED,
                .domain = VIR_FROM_QEMU,
                .level = VIR_ERR_ERROR,
                .message = message,
                .str1 = format,
                .str2 = detail,
                .int1 = -1,
                .int2 = -1,
        };
        virConnectPtr connection = mt_shim_real()->virDomainGetConnect(domain); /* first: it resets the last error */

        (void)mt_shim_real()->virSetError(&error); /* copies it */
        mt_shim_real()->virDispatchError(connection);
}

virErrorPtr mt_shim_error_save(void)
{
        return mt_shim_real()->virSaveLastError();
}

void mt_shim_error_restore(virErrorPtr error)
{
        (void)mt_shim_real()->virSetError(error);
        mt_shim_real()->virFreeError(error);
}
