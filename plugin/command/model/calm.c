/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/calm.h"
#include "command/model/registry.h"

#include <errno.h>
#include <math.h>

#define SOURCE "CALM slides, "
#define DERIVED " (derived: its formula is a picture)"

#define REAL(name, unit, range)                                                                                             \
        {                                                                                                                   \
                name, MT_MODEL_REAL, unit, NULL, range, NULL                                                                \
        }
#define WHOLE(name, unit, fallback, range)                                                                                  \
        {                                                                                                                   \
                name, MT_MODEL_WHOLE, unit, fallback, range, NULL                                                           \
        }
#define PAGES(name) REAL(name, "pages", &mt_model_not_negative)
#define RATE(name) REAL(name, "pages/unit", &mt_model_not_negative)
#define M_ARG REAL("M", "pages", &mt_model_positive)
#define B_ARG REAL("B", "pages/unit", &mt_model_positive)
#define P_ARG REAL("p", "", &mt_model_share)
#define F_C { "F", MT_MODEL_CHOICE, "", NULL, NULL, functions }, REAL("C", "pages/unit", &mt_model_positive)
#define STEP REAL("i", "pages", &mt_model_not_negative)
#define END                                                                                                                 \
        {                                                                                                                   \
                NULL, MT_MODEL_REAL, NULL, NULL, NULL, NULL                                                                 \
        }

/* No more steps than these are searched in one run of CALM. */
#define CALM_STEPS 1e6

static const char *const functions[] = { "exp", "ratio", "hyper", "linear", NULL };
static const struct mt_model_arg clean_args[] = { PAGES("N1"), REAL("t", "units", &mt_model_not_negative), RATE("Bm"), P_ARG,
                                                  END };
static const struct mt_model_arg time_args[] = { PAGES("N1"), PAGES("N2"), RATE("Bm"), P_ARG, END };

static struct mt_calm calm_of(const struct mt_model_call *call)
{
        return (struct mt_calm){ .B = mt_model_real(call, "B"),
                                 .p = mt_model_real(call, "p"),
                                 .F = (enum mt_calm_cost_function)mt_model_whole(call, "F"),
                                 .C = mt_model_real(call, "C") };
}

/* "small: must be at most large". */
static int check_order(const struct mt_model_call *call, const char *small, const char *large, struct mt_err *err)
{
        if (mt_model_real(call, small) > mt_model_real(call, large))
                return mt_fail(err, EINVAL, "%s: must be at most %s", small, large);
        return 0;
}

static double clean_after(const struct mt_model_call *call)
{
        return mt_calm_clean_after(mt_model_real(call, "N1"), mt_model_real(call, "t"), mt_model_real(call, "Bm"),
                                   mt_model_real(call, "p"));
}

static double clean_after_cont(const struct mt_model_call *call)
{
        return mt_calm_clean_after_cont(mt_model_real(call, "N1"), mt_model_real(call, "t"), mt_model_real(call, "Bm"),
                                        mt_model_real(call, "p"));
}

static int check_time(const struct mt_model_call *call, struct mt_err *err)
{
        return check_order(call, "N1", "N2", err);
}

static double time_between(const struct mt_model_call *call)
{
        return mt_calm_time(mt_model_real(call, "N1"), mt_model_real(call, "N2"), mt_model_real(call, "Bm"),
                            mt_model_real(call, "p"));
}

static double time_between_cont(const struct mt_model_call *call)
{
        return mt_calm_time_cont(mt_model_real(call, "N1"), mt_model_real(call, "N2"), mt_model_real(call, "Bm"),
                                 mt_model_real(call, "p"));
}

static int check_cost(const struct mt_model_call *call, struct mt_err *err)
{
        const int r = check_order(call, "N", "M", err);

        return r < 0 ? r : check_order(call, "Bm", "B", err);
}

static double cost(const struct mt_model_call *call)
{
        const struct mt_calm calm = calm_of(call);

        return mt_calm_total_cost(&calm, mt_model_real(call, "M"), mt_model_real(call, "N"), mt_model_real(call, "Bm"));
}

static int check_Bm(const struct mt_model_call *call, struct mt_err *err)
{
        return check_order(call, "Bm", "B", err);
}

static double best_N(const struct mt_model_call *call)
{
        const struct mt_calm calm = calm_of(call);

        return mt_calm_best_N(&calm, mt_model_real(call, "M"), mt_model_real(call, "Bm"));
}

static struct json_object *best_fixed(const struct mt_model_call *call)
{
        const struct mt_calm calm = calm_of(call);
        const struct mt_calm_fixed best = mt_calm_best_fixed(&calm, mt_model_real(call, "M"), mt_model_whole(call, "steps"));
        struct json_object *list = mt_model_pair_json(mt_model_number_json(best.cost), mt_model_number_json(best.Bm));

        (void)json_object_array_add(list, mt_model_number_json(best.N));
        (void)json_object_array_add(list, mt_model_number_json(best.total_time));
        (void)json_object_array_add(list, mt_model_number_json(best.downtime));
        return list;
}

static int check_Bi(const struct mt_model_call *call, struct mt_err *err)
{
        return check_order(call, "Bi", "B", err);
}

static double step_cost(const struct mt_model_call *call)
{
        const struct mt_calm calm = calm_of(call);

        return mt_calm_step_cost(&calm, mt_model_real(call, "i"), mt_model_real(call, "Bi"));
}

static double best_step(const struct mt_model_call *call)
{
        const struct mt_calm calm = calm_of(call);

        return mt_calm_best_step(&calm, mt_model_real(call, "i"), mt_model_real(call, "tol"));
}

static double best_step_closed(const struct mt_model_call *call)
{
        const struct mt_calm calm = calm_of(call);

        return mt_calm_best_step_closed(&calm, mt_model_real(call, "i"));
}

static int check_calm(const struct mt_model_call *call, struct mt_err *err)
{
        if (mt_model_real(call, "M") > CALM_STEPS * mt_model_real(call, "stride"))
                return mt_fail(err, EINVAL, "stride: must be at least M/1000000");
        return 0;
}

static struct json_object *simulate(const struct mt_model_call *call)
{
        const struct mt_calm parameters = calm_of(call);
        const struct mt_calm_run run =
                mt_calm_simulate(&parameters, mt_model_whole(call, "M"), mt_model_whole(call, "stride"));
        struct json_object *object = json_object_new_object();

        (void)json_object_object_add(object, "N", json_object_new_int64((int64_t)run.N));
        (void)json_object_object_add(object, "cost", mt_model_number_json(run.cost));
        (void)json_object_object_add(object, "precopy_time", mt_model_number_json(run.precopy_time));
        (void)json_object_object_add(object, "downtime", mt_model_number_json(run.downtime));
        (void)json_object_object_add(object, "total_time", mt_model_number_json(run.total_time));
        (void)json_object_object_add(object, "B_first", mt_model_number_json(run.B_first));
        (void)json_object_object_add(object, "B_last", mt_model_number_json(run.B_last));
        return object;
}

static int check_clark(const struct mt_model_call *call, struct mt_err *err)
{
        const int r = check_order(call, "b0", "B", err);

        return r < 0 ? r : check_order(call, "bmax", "B", err);
}

static struct json_object *clark(const struct mt_model_call *call)
{
        const struct mt_calm parameters = calm_of(call);
        const struct mt_calm_clark_rule rule = { .b0 = mt_model_real(call, "b0"),
                                                 .add = mt_model_real(call, "add"),
                                                 .bmax = mt_model_real(call, "bmax"),
                                                 .stop_pages = mt_model_real(call, "stop_pages"),
                                                 .max_rounds = mt_model_whole(call, "max_rounds") };
        const struct mt_calm_clark_run run = mt_calm_clark(&parameters, mt_model_real(call, "M"), &rule);
        struct json_object *object = json_object_new_object();

        (void)json_object_object_add(object, "rounds", json_object_new_int64(run.rounds));
        (void)json_object_object_add(object, "stop", json_object_new_string(mt_calm_stop_name(run.stop)));
        (void)json_object_object_add(object, "cost", mt_model_number_json(run.cost));
        (void)json_object_object_add(object, "downtime", mt_model_number_json(run.downtime));
        (void)json_object_object_add(object, "total_time", mt_model_number_json(run.total_time));
        (void)json_object_object_add(object, "sent", mt_model_number_json(run.sent));
        return object;
}

static struct json_object *xen_stop(const struct mt_model_call *call)
{
        const char *why = mt_calm_xen_stop(mt_model_real(call, "dirtied_last"), mt_model_whole(call, "iterations"),
                                           mt_model_real(call, "pages_sent"), mt_model_real(call, "ram_pages"));

        return why != NULL ? json_object_new_string(why) : NULL;
}

const struct mt_model mt_models_calm[] = {
        { .name = "calm.clean_after",
          .args = clean_args,
          .gives = "clean pages after t units",
          .source = SOURCE "Fixed Bandwidth Migration 4/7" DERIVED,
          .number = clean_after },
        { .name = "calm.clean_after_cont",
          .args = clean_args,
          .gives = "clean pages after t units, with e^(-p*t) for q^t",
          .source = SOURCE "Fixed Bandwidth Migration 4/7" DERIVED,
          .number = clean_after_cont },
        { .name = "calm.time",
          .args = time_args,
          .gives = "units from N1 to N2 clean pages; inf where Bm <= p*N2",
          .condition = "N1 <= N2",
          .source = SOURCE "Fixed Bandwidth Migration 5/7" DERIVED,
          .check = check_time,
          .number = time_between },
        { .name = "calm.time_cont",
          .args = time_args,
          .gives = "units from N1 to N2 clean pages, with e^(-p*t) for q^t",
          .condition = "N1 <= N2",
          .source = SOURCE "Fixed Bandwidth Migration 5/7" DERIVED,
          .check = check_time,
          .number = time_between_cont },
        { .name = "calm.cost",
          .args = (const struct mt_model_arg[]){ M_ARG, PAGES("N"), B_ARG, RATE("Bm"), P_ARG, F_C, END },
          .gives = "cost of pre-copy to N clean pages at Bm, then stop-and-copy",
          .condition = "N <= M, Bm <= B",
          .source = SOURCE "Fixed Bandwidth Migration 6/7" DERIVED,
          .check = check_cost,
          .number = cost },
        { .name = "calm.best_N",
          .args = (const struct mt_model_arg[]){ M_ARG, B_ARG, RATE("Bm"), P_ARG, F_C, END },
          .gives = "the N that costs least at Bm, pages",
          .condition = "Bm <= B",
          .source = SOURCE "Fixed Bandwidth Migration 6/7, minimised" DERIVED,
          .check = check_Bm,
          .number = best_N },
        { .name = "calm.best_fixed",
          .args = (const struct mt_model_arg[]){ M_ARG, B_ARG, P_ARG, F_C, WHOLE("steps", "", "4000", &mt_model_steps),
                                                 END },
          .gives = "[cost, Bm in pages/unit, N, total time, downtime] of the best Bm among B*1/steps..B",
          .source = SOURCE "Fixed Bandwidth Migration 6/7, minimised" DERIVED,
          .other = best_fixed },
        { .name = "calm.step_cost",
          .args = (const struct mt_model_arg[]){ STEP, RATE("Bi"), B_ARG, P_ARG, F_C, END },
          .gives = "cost of the step from i to i + 1 clean pages; inf where Bi <= p*(i+1)",
          .condition = "Bi <= B",
          .source = SOURCE "The CALM Algorithm 2/2" DERIVED,
          .check = check_Bi,
          .number = step_cost },
        { .name = "calm.best_step",
          .args =
                  (const struct mt_model_arg[]){
                          STEP, B_ARG, P_ARG, F_C, { "tol", MT_MODEL_REAL, "", "1e-9", &mt_model_open_share, NULL }, END },
          .gives = "the bandwidth at which that step costs least, pages/unit; within tol*B",
          .source = SOURCE "The CALM Algorithm 2/2" DERIVED,
          .number = best_step },
        { .name = "calm.calm",
          .args = (const struct mt_model_arg[]){ WHOLE("M", "pages", NULL, &mt_model_count), B_ARG, P_ARG, F_C,
                                                 WHOLE("stride", "pages", "1", &mt_model_count), END },
          .gives = "N, cost, precopy_time, downtime, total_time, B_first, B_last (null when no step pays)",
          .condition = "M/stride <= 1000000",
          .source = SOURCE "The CALM Algorithm 1/2, 2/2",
          .check = check_calm,
          .other = simulate },
        { .name = "calm.clark",
          .args = (const struct mt_model_arg[]){ M_ARG, B_ARG, P_ARG, F_C, REAL("b0", "pages/unit", &mt_model_positive),
                                                 RATE("add"), REAL("bmax", "pages/unit", &mt_model_positive),
                                                 REAL("stop_pages", "pages", &mt_model_positive),
                                                 WHOLE("max_rounds", "", "1000", &mt_model_steps), END },
          .gives = "rounds, stop (few, max-bandwidth or rounds), cost, downtime, total_time, sent (pages)",
          .condition = "b0 <= B, bmax <= B",
          .source = SOURCE "Related Work 1/2",
          .check = check_clark,
          .other = clark },
        { .name = "calm.xen_stop",
          .args = (const struct mt_model_arg[]){ PAGES("dirtied_last"), WHOLE("iterations", "", NULL, &mt_model_index),
                                                 PAGES("pages_sent"), REAL("ram_pages", "pages", &mt_model_positive), END },
          .gives = "dirty, iterations or sent; null: go on",
          .source = SOURCE "Related Work 2/2",
          .other = xen_stop },
        { .name = "calm.best_step_closed",
          .args = (const struct mt_model_arg[]){ STEP, B_ARG, P_ARG, F_C, END },
          .gives = "the same for small p in closed form, cut at B; ratio as C/Bs",
          .source = SOURCE "The CALM Algorithm 2/2" DERIVED,
          .number = best_step_closed },
        { .name = NULL },
};
