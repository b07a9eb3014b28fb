/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Preloaded into libvirtd 11.2 or 11.3, makes it survive what its version cannot: when a failed post-copy is resumed, the
 * destination's daemon looks at the number of a descriptor by a pointer that is NULL (mended in libvirt 11.4). So that the
 * resuming itself can be tested with such a version; it is in nothing that is installed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

typedef void *(*new_fn)(void *driver, void *vm, const char *address, const char *from, int *fd, const char *path, void *data,
                        void *params);

void *qemuProcessIncomingDefNew(void *driver, void *vm, const char *address, const char *from, int *fd, const char *path,
                                void *data, void *params);

void *qemuProcessIncomingDefNew(void *driver, void *vm, const char *address, const char *from, int *fd, const char *path,
                                void *data, void *params)
{
        static _Thread_local int none;
        Dl_info caller = { 0 };
        void *library = NULL;
        new_fn real = NULL;

        if (dladdr(__builtin_return_address(0), &caller) != 0) /* libvirt's QEMU driver, which has the real one */
                library = dlopen(caller.dli_fname, RTLD_NOW | RTLD_NOLOAD);
        if (library != NULL)
                real = (new_fn)dlsym(library, "qemuProcessIncomingDefNew");
        if (real == NULL)
                return NULL;
        none = -1;
        return real(driver, vm, address, from, fd != NULL ? fd : &none, path, data, params);
}
