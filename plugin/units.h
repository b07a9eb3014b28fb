/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Quantities: the only place where units are converted.
 *
 * Outside model/, rates are bytes per second (suffix _bytes_s), sizes bytes (_bytes), times milliseconds (_ms), all
 * 64-bit integers. Inside model/ the papers' units hold: Mbit/s (10^6), Mbit, s, pages. Records and configuration show
 * rates in Mbit/s (_mbps).
 *
 * Text: rates "250Mbit" (bit kbit Mbit Gbit, powers of 1000, per second) or "30MiB/s" (B/s KiB/s MiB/s GiB/s); sizes
 * "4GiB" (B KiB MiB GiB); times "300ms" "5s" "2min". A number may have decimals ("0.1Mbit"). A number without a unit
 * is refused: libconfig 1.5 silently truncates integers above 2^31.
 */
#ifndef MT_UNITS_H
#define MT_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* "auto" where a quantity may be left to migtune. No parser below ever returns it for a number. */
#define MT_AUTO UINT64_MAX

#define MT_KIB UINT64_C(1024)
#define MT_MIB (UINT64_C(1024) * MT_KIB)
#define MT_GIB (UINT64_C(1024) * MT_MIB)

/*
 * Share of a shaped rate that is QEMU's payload: tc counts Ethernet frames of 1514 bytes, of which 1448 are TCP payload
 * at an MTU of 1500 with time stamps.
 */
#define MT_PAYLOAD (1448.0 / 1514.0)

/* Share of a link that can be given away: frames of 1514 bytes, as tc counts them, take 1538 bytes of the wire. */
#define MT_USABLE (1514.0 / 1538.0)

/* Each parses all of text. 0, or -EINVAL (not such a quantity), -ERANGE (negative or too large); *ret is then untouched. */
int mt_parse_rate(const char *text, uint64_t *ret_bytes_s);
int mt_parse_size(const char *text, uint64_t *ret_bytes);
int mt_parse_time(const char *text, uint64_t *ret_ms);

/* Writes a short human form into text ("268.4 Mbit/s", "1.0 GiB", "300 ms") and returns text. MT_AUTO gives "auto". */
const char *mt_format_rate(char *text, size_t size, uint64_t bytes_s);
const char *mt_format_size(char *text, size_t size, uint64_t bytes);
const char *mt_format_time(char *text, size_t size, uint64_t ms);

/*
 * bytes/s <-> Mbit/s, bytes <-> Mbit, ms <-> s. To bytes: rounded to nearest; negative and NaN give 0, too large
 * UINT64_MAX - 1.
 */
double mt_mbps(uint64_t bytes_s);
uint64_t mt_bytes_s(double mbps);
double mt_mbit(uint64_t bytes);
uint64_t mt_bytes(double mbit);
double mt_seconds(uint64_t ms);
uint64_t mt_ms(double seconds);

/* bytes/s -> libvirt's whole MiB/s, rounded up, at least 1 (virDomainMigrateSetMaxSpeed). */
uint64_t mt_mib_s_ceil(uint64_t bytes_s);

#endif
