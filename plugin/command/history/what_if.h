/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `migtune history --what-if`: what the plans of migrations that were only watched would have made of them. Their plan was
 * predicted from what was measured as they began; what they came to without it was recorded.
 */
#ifndef MT_COMMAND_HISTORY_WHAT_IF_H
#define MT_COMMAND_HISTORY_WHAT_IF_H

#include "command/history/accuracy.h"
#include "command/history/options.h"
#include "command/history/reader.h"
#include "command/history/ring.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a migration costs, in ms, ms, bytes and bytes. >= 0; INFINITY: predicted never to end; NAN: not known. */
enum mt_what_if_cost { MT_WHAT_IF_TIME, MT_WHAT_IF_BLACKOUT, MT_WHAT_IF_BYTES, MT_WHAT_IF_OTHERS };
#define MT_WHAT_IF_COSTS 4

/* One migration. Texts are harmless on a terminal. */
struct mt_what_if_row {
        char id[64], started[24], domain[192];
        bool observed; /* mode observe; else it was to be steered, and nothing of it could be set */
        double actual[MT_WHAT_IF_COSTS], planned[MT_WHAT_IF_COSTS];
        double limit_ms; /* max_downtime; NAN: not known */
};

/* Why records that were asked for tell nothing here. */
struct mt_what_if_left_out {
        uint64_t not_completed, steered, adopted, unseen;
};

/* Sums over those of which both sides are known and finite. */
struct mt_what_if_sum {
        size_t n[MT_WHAT_IF_COSTS];
        double actual[MT_WHAT_IF_COSTS], planned[MT_WHAT_IF_COSTS];
        size_t never;                                 /* whose plan was predicted never to end */
        size_t with_limit, actual_over, planned_over; /* blackouts above their limit, of those where all is known */
};

struct mt_what_if {
        struct mt_ring rows; /* struct mt_what_if_row */
        struct mt_what_if_left_out left_out;
        struct mt_what_if_sum sum;
        struct mt_accuracy_group known; /* how good the predictions of all steered ones of the file were; n 0: none was */
};

/*
 * The row of a record. False: it tells nothing here, and was counted in *left_out.
 *
 * What is taken from others: before it began the uplink sent facts.src.out_mbps for them; what they sent less while it ran,
 * sample by sample, is taken to be its doing. Planned: plan.tenants.bytes.
 */
bool mt_what_if_row(json_object *record, struct mt_what_if_left_out *left_out, struct mt_what_if_row *ret);

/* Adds the row to the sums. */
void mt_what_if_add(struct mt_what_if_sum *sum, const struct mt_what_if_row *row);

/* Print it (what_if_show.c). file: where it was read. */
void mt_what_if_print_table(const struct mt_what_if *what_if, const char *file);
void mt_what_if_print_json(const struct mt_what_if *what_if, const char *file, const struct mt_history_counts *counts);

/* 0 or -errno with a message; *ret_counts is filled in either case. */
int mt_history_what_if(const struct mt_host_ops *host, const struct mt_history_options *options, const char *file,
                       struct mt_history_counts *ret_counts, struct mt_err *err);

#endif
