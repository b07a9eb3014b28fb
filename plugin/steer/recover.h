/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job in post-copy: what breaks it, and how it goes on. Once the guest runs on the destination there is no way back, and
 * with the connection gone it stands still at the first page that it lacks: so the job is resumed, whoever started it.
 * See state.c for the states, resumer.c for the attempts.
 */
#ifndef MT_STEER_RECOVER_H
#define MT_STEER_RECOVER_H

#include "steer/recover_note.h"
#include "steer/resumer.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct mt_host;
struct mt_job;

/* The job's part of it. Zeroed: pre-copy. */
struct mt_recovery {
        unsigned breaks;
        unsigned attempts;  /* at resuming it, in all */
        uint64_t broken_ms; /* CLOCK_MONOTONIC, since when it is broken */
        uint64_t lost_ms;   /* how long it was broken before */
        bool was_let_go;    /* once at least */
        bool said;          /* why it is not resumed, in this break */
        struct mt_recover_note note;
        struct mt_resume_order order; /* the resumer's, but for libvirt_uri */
        struct mt_resumer *resumer;   /* NULL: nobody tries */
        unsigned resumer_attempts;    /* of its, counted in `attempts` already */
        unsigned told_attempts;       /* likewise: the last whose failure was logged */
        unsigned earlier_attempts;    /* of `attempts`, before this break */
};

/* The guest runs on the destination: writes the note for the next watcher. was_broken: it goes on. */
void mt_recover_runs(struct mt_host *host, struct mt_job *job, bool was_broken);
/* libvirt says that the post-copy failed: begins to resume it. adopted: it was so when the watcher came. */
void mt_recover_failed(struct mt_host *host, struct mt_job *job, bool adopted);
/* The resumer has news. */
void mt_recover_collect(struct mt_job *job);
/* Once a second: the configuration may name another way by now, or the first. */
void mt_recover_tick(struct mt_host *host, struct mt_job *job);
/* The job is freed. keep_note: its migration is not over, and the next watcher adopts it. */
void mt_recover_end(const struct mt_host *host, struct mt_job *job, bool keep_note);
/* Removes the notes of domains that have no job. */
void mt_recover_sweep(const struct mt_host *host);

/* "post-copy broken, resuming, attempt 3, next in 4 s". */
const char *mt_recover_text(const struct mt_job *job, char *ret, size_t size);
/* For `migtune status`: {"text", "breaks", "attempts", ...}; NULL where it never broke. */
json_object *mt_recover_json(const struct mt_job *job);

#endif
