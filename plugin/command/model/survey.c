/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/survey.h"
#include "command/model/registry.h"

#include <errno.h>

#define SOURCE "survey 2017, "

#define REAL(name, unit, range)                                                                                             \
        {                                                                                                                   \
                name, MT_MODEL_REAL, unit, NULL, range, NULL                                                                \
        }
#define ROUND(name)                                                                                                         \
        {                                                                                                                   \
                name, MT_MODEL_WHOLE, "", NULL, &mt_model_index, NULL                                                       \
        }
#define VMEM REAL("vmem", "bits", &mt_model_positive)
#define D_ARG REAL("d", "bit/s", &mt_model_not_negative)
#define R_ARG REAL("r", "bit/s", &mt_model_positive)
#define B_ARG REAL("b", "bit/s", &mt_model_positive)
#define END                                                                                                                 \
        {                                                                                                                   \
                NULL, MT_MODEL_REAL, NULL, NULL, NULL, NULL                                                                 \
        }

static double tm(const struct mt_model_call *call)
{
        return mt_survey_tm(mt_model_real(call, "vm"), mt_model_real(call, "b"));
}

static double td(const struct mt_model_call *call)
{
        return mt_survey_td(mt_model_real(call, "d"), mt_model_real(call, "l"), mt_model_real(call, "tn"),
                            mt_model_real(call, "b"));
}

static int check_v(const struct mt_model_call *call, struct mt_err *err)
{
        if (mt_model_whole(call, "i") > 0 && mt_model_get(call, "t_prev")->none)
                return mt_fail(err, EINVAL, "t_prev: must be given when i > 0");
        return 0;
}

static double v(const struct mt_model_call *call)
{
        return mt_survey_v(mt_model_whole(call, "i"), mt_model_real(call, "vmem"), mt_model_real(call, "d"),
                           mt_model_real(call, "t_prev"));
}

static double t(const struct mt_model_call *call)
{
        return mt_survey_t(mt_model_whole(call, "i"), mt_model_real(call, "vmem"), mt_model_real(call, "d"),
                           mt_model_real(call, "r"));
}

static double vmig(const struct mt_model_call *call)
{
        return mt_survey_vmig(mt_model_whole(call, "n"), mt_model_real(call, "vmem"), mt_model_real(call, "d"),
                              mt_model_real(call, "r"));
}

static double tmig(const struct mt_model_call *call)
{
        return mt_survey_tmig(mt_model_whole(call, "n"), mt_model_real(call, "vmem"), mt_model_real(call, "d"),
                              mt_model_real(call, "r"));
}

const struct mt_model mt_models_survey[] = {
        { .name = "survey.tm",
          .args = (const struct mt_model_arg[]){ REAL("vm", "bits", &mt_model_positive), B_ARG, END },
          .gives = "time to send the VM once, s: a lower bound",
          .source = SOURCE "Eq (1)",
          .number = tm },
        { .name = "survey.td",
          .args = (const struct mt_model_arg[]){ REAL("d", "pages/s", &mt_model_not_negative),
                                                 REAL("l", "bits a page", &mt_model_positive),
                                                 REAL("tn", "s", &mt_model_not_negative), B_ARG, END },
          .gives = "downtime, s",
          .source = SOURCE "Eq (2)",
          .number = td },
        { .name = "survey.v",
          .args = (const struct mt_model_arg[]){ ROUND("i"),
                                                 VMEM,
                                                 D_ARG,
                                                 { "t_prev", MT_MODEL_REAL, "s", "None", &mt_model_not_negative, NULL },
                                                 END },
          .gives = "bits sent in round i",
          .condition = "t_prev given when i > 0",
          .source = SOURCE "Eq (3)",
          .check = check_v,
          .number = v },
        { .name = "survey.t",
          .args = (const struct mt_model_arg[]){ ROUND("i"), VMEM, D_ARG, R_ARG, END },
          .gives = "duration of round i, s",
          .source = SOURCE "Eq (4)",
          .number = t },
        { .name = "survey.vmig",
          .args = (const struct mt_model_arg[]){ ROUND("n"), VMEM, D_ARG, R_ARG, END },
          .gives = "bits sent in rounds 0..n",
          .source = SOURCE "Eq (5)",
          .number = vmig },
        { .name = "survey.tmig",
          .args = (const struct mt_model_arg[]){ ROUND("n"), VMEM, D_ARG, R_ARG, END },
          .gives = "duration of rounds 0..n, s",
          .source = SOURCE "Eq (6)",
          .number = tmig },
        { .name = NULL },
};
