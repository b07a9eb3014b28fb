/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions about all running jobs. */
#include "record/json.h"
#include "steer/job.h"
#include "steer/job_state.h"
#include "steer/link.h"

#include <string.h>

void mt_job_classes(const struct mt_host *host, json_object *array)
{
        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (job->shaped)
                        (void)json_object_array_add(array, mt_link_json(&job->link, job->minor));
}

uint64_t mt_job_own_rate(const struct mt_host *host, const char *device)
{
        double sum = 0.0;

        for (const struct mt_job *job = host->jobs; job != NULL; job = job->next)
                if (strcmp(job->facts.device, device) == 0)
                        sum += job->meter.bytes_s;
        return (uint64_t)sum;
}

static json_object *status_of(const struct mt_job *job)
{
        json_object *o = json_object_new_object(), *recovery = mt_recover_json(job);

        mt_json_add(o, "id", mt_json_string(job->outcome.id));
        mt_json_add(o, "domain", mt_json_string(job->xml.id.name));
        mt_json_add(o, "uuid", mt_json_string(job->xml.id.uuid));
        mt_json_add(o, "destination", mt_json_string(job->outcome.destination));
        mt_json_add(o, "state", mt_json_string(mt_state_name(job->state)));
        if (recovery != NULL)
                mt_json_add(o, "recovery", recovery);
        mt_json_add(o, "mode", mt_json_string(mt_mode_name(job->intent.mode)));
        mt_json_add(o, "iteration", mt_json_count(job->iteration));
        mt_json_add(o, "elapsed_ms", mt_json_count(job->stats.elapsed_ms));
        mt_json_add(o, "sent_bytes", mt_json_count(job->stats.memory_processed_bytes));
        mt_json_add(o, "remaining_bytes", mt_json_count(job->stats.memory_remaining_bytes));
        mt_json_add(o, "dirty_rate_mbps", mt_json_mbps(job->facts.dirty_rate_bytes_s));
        mt_json_add(o, "rate_mbps", mt_json_mbps((uint64_t)job->meter.bytes_s));
        mt_json_add(o, "facts", mt_facts_json(&job->facts, &job->plan));
        mt_json_add(o, "intent", mt_intent_json(&job->intent));
        mt_json_add(o, "plan", mt_plan_begun_json(&job->plan, &job->outcome.plan));
        mt_json_add(o, "reasons", mt_reasons_json(&job->plan.reasons));
        return o;
}

json_object *mt_job_status(const struct mt_host *host)
{
        json_object *array = json_object_new_array();

        for (const struct mt_job *job = host->jobs; array != NULL && job != NULL; job = job->next)
                (void)json_object_array_add(array, status_of(job));
        return array;
}
