/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `migtune calibrate` found, in its three forms. */
#ifndef MT_COMMAND_CALIBRATE_SHOW_H
#define MT_COMMAND_CALIBRATE_SHOW_H

#include "command/plot.h"
#include "record/learnt.h"

#include <stdbool.h>
#include <stdint.h>

struct mt_calibrated {
        const char *file;           /* the history */
        struct mt_learnt learnt;    /* calibrated */
        uint64_t since_ms;          /* records before this were passed over; 0: none */
        uint64_t first_ms, last_ms; /* when the first and the last one began, since 1970; without records 0 */
        unsigned damaged;           /* lines */
        bool has_dirty;             /* of the two below */
        uint64_t dirty_low_bytes_s, dirty_high_bytes_s;
};

/* A libconfig fragment, its values between comments that say what they rest on. Comments alone if there is no value. */
void mt_calibrate_print_fragment(const struct mt_calibrated *calibrated);

/* One JSON object on one line. */
void mt_calibrate_print_json(const struct mt_calibrated *calibrated);

/* Panels that a picture would have: one for each bandwidth model with MT_CALIBRATION_LEAST points. */
unsigned mt_calibrate_panels(const struct mt_calibrated *calibrated);
/* The size of a picture of so many panels, 1 to 9. */
void mt_calibrate_plot_size(unsigned panels, unsigned *ret_width, unsigned *ret_height);
/* Draws them, each with its points, the fit and the built-in model, into a picture that was begun in that size. */
void mt_calibrate_plot(const struct mt_calibrated *calibrated, struct mt_plot *plot);

#endif
