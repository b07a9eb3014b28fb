/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmocka with tables: each row, which begins with `const char *name`, is a test of its own. */
#ifndef MT_TEST_TABLE_H
#define MT_TEST_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Appends one test for each row of the array to tests[], from tests[n] on. */
#define ADD_ROWS(tests, n, rows, fn)                                                                                        \
        for (size_t row_ = 0; row_ < sizeof(rows) / sizeof((rows)[0]); row_++)                                              \
                (tests)[(n)++] = (struct CMUnitTest)                                                                        \
                {                                                                                                           \
                        .name = (rows)[row_].name, .test_func = (fn), .initial_state = (void *)(uintptr_t) & (rows)[row_]   \
                }

#endif
