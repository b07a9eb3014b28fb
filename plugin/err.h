/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The error object: made where a thing fails, given more context on the way up, logged once at the edge.
 */
#ifndef MT_ERR_H
#define MT_ERR_H

#define MT_PRINTF(text, first) __attribute__((format(printf, text, first)))

/* What went wrong. Lives on the caller's stack, so reporting ENOMEM allocates nothing. */
struct mt_err {
        int code;      /* a positive errno value; 0: no error */
        char msg[512]; /* one line, no full stop, no newline */
};

/* Fills *err (which may be NULL) with code, a positive errno, and the formatted message. Returns -code. */
int mt_fail(struct mt_err *err, int code, const char *format, ...) MT_PRINTF(3, 4);

/* Puts "context: " in front of *err's message. Returns -err->code (-EIO when err is NULL). */
int mt_wrap(struct mt_err *err, const char *format, ...) MT_PRINTF(2, 3);

#ifdef __clang_analyzer__ /* what a prototype cannot say: both return something negative */
#define mt_fail(err, code, ...) (mt_fail(err, code, __VA_ARGS__), -1)
#define mt_wrap(err, ...) (mt_wrap(err, __VA_ARGS__), -1)
#endif

#endif
