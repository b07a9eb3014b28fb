/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shim_real.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define FIRST_TESTED 9000000u  /* 9.0.0 */
#define AFTER_TESTED 11004000u /* 11.3.x is the last */

static struct mt_shim_real real;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/*
 * RTLD_NEXT sees the program's own libraries, which is enough for virsh and libvirtd. Python opens libvirt with RTLD_LOCAL,
 * where only the handle of the very library helps; RTLD_NOLOAD, because what is not there already is not to be brought in.
 */
static void *find(void *library, const char *name)
{
        void *symbol = dlsym(RTLD_NEXT, name);

        return symbol != NULL || library == NULL ? symbol : dlsym(library, name);
}

static void resolve(void)
{
        static const struct {
                const char *name;
                size_t offset;
        } functions[] = {
#define ROW(function) { #function, offsetof(struct mt_shim_real, function) },
                MT_REAL_FUNCTIONS(ROW)
#undef ROW
        };
        void *library = dlopen("libvirt.so.0", RTLD_NOW | RTLD_NOLOAD); /* kept: what was found must not be unloaded */

        for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
                void *symbol = find(library, functions[i].name);

                (void)memcpy((char *)&real + functions[i].offset, &symbol, sizeof(symbol));
        }
}

const struct mt_shim_real *mt_shim_real(void)
{
        int code = errno;

        (void)pthread_once(&once, resolve);
        errno = code;
        return &real;
}

uint64_t mt_shim_version(void)
{
        unsigned long version = 0;

        if (mt_shim_real()->virGetVersion == NULL || real.virGetVersion(&version, NULL, NULL) < 0)
                return 0;
        return version;
}

bool mt_shim_version_is_tested(uint64_t version)
{
        return version >= FIRST_TESTED && version < AFTER_TESTED;
}
