/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/alpha.h"
#include "command/model/registry.h"

#include <errno.h>
#include <limits.h>

#define SOURCE "alpha paper, "

/* How far alpha may exceed rho and still be meant to equal it: what typing 17 digits loses. */
#define EQUAL 1e-12

#define REAL(name, unit, fallback, range)                                                                                   \
        {                                                                                                                   \
                name, MT_MODEL_REAL, unit, fallback, range, NULL                                                            \
        }
#define PS(fallback)                                                                                                        \
        {                                                                                                                   \
                "Ps", MT_MODEL_WHOLE, "pages", fallback, &mt_model_count, NULL                                              \
        }
#define ALPHA(name, fallback) REAL(name, "", fallback, &mt_model_open_share)
#define RHO REAL("rho", "", NULL, &mt_model_open_share)
#define DNH REAL("Dnh", "pages/s", "1.8", &mt_model_not_negative)
#define BETA(fallback) REAL("beta", "", fallback, &mt_model_share)
#define LINK REAL("S", "KB", "16.0", &mt_model_positive), REAL("B", "KB/s", "60.0", &mt_model_positive)
#define STRICT                                                                                                              \
        {                                                                                                                   \
                "strict", MT_MODEL_BOOL, "", "false", NULL, NULL                                                            \
        }
#define END                                                                                                                 \
        {                                                                                                                   \
                NULL, MT_MODEL_REAL, NULL, NULL, NULL, NULL                                                                 \
        }

static const char *const cases[] = { "uniform", "hot1", "hot2", NULL };
static const char *const utilisations[] = { "Unet", "Unet_capped", NULL };

static struct mt_alpha_vm vm_of(const struct mt_model_call *call)
{
        return (struct mt_alpha_vm){ .Ps = mt_model_whole(call, "Ps"),
                                     .D = mt_model_real(call, "D"),
                                     .Dnh = mt_model_real(call, "Dnh"),
                                     .Dh = mt_model_real(call, "Dh"),
                                     .beta = mt_model_real(call, "beta"),
                                     .S = mt_model_real(call, "S"),
                                     .B = mt_model_real(call, "B") };
}

/* Whole, but perhaps too large for JSON's whole numbers. */
static struct json_object *pages_json(double pages)
{
        return pages < 0x1p53 ? json_object_new_int64((int64_t)pages) : mt_model_number_json(pages);
}

static struct json_object *result_json(const struct mt_alpha_result *r)
{
        const struct {
                const char *name;
                double value;
        } times[] = { { "Tdown", r->Tdown }, { "Tprecopy", r->Tprecopy }, { "Ttotal", r->Ttotal } },
          rest[] = { { "PActual", r->PActual }, { "G", r->G }, { "Unet", r->Unet }, { "Unet_capped", r->Unet_capped } };
        struct json_object *object = json_object_new_object();

        (void)json_object_object_add(object, "rho", mt_model_number_json(r->rho));
        (void)json_object_object_add(object, "n", json_object_new_int64(r->n));
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
                (void)json_object_object_add(object, times[i].name, mt_model_number_json(times[i].value));
        (void)json_object_object_add(object, "PTotalMig", pages_json(r->PTotalMig));
        for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
                (void)json_object_object_add(object, rest[i].name, mt_model_number_json(rest[i].value));
        return object;
}

/* 0 < alpha <= rho, which leaves n >= 0; and n can be counted. */
static int check_alpha(const struct mt_model_call *call, const char *name, double rho, struct mt_err *err)
{
        const double alpha = mt_model_real(call, name);

        if (alpha > rho * (1.0 + EQUAL))
                return mt_fail(err, EINVAL, "%s: must be at most rho = %.17g", name, rho);
        if (mt_alpha_n(alpha, rho, mt_model_whole(call, "strict") != 0) == UINT_MAX)
                return mt_fail(err, EINVAL, "%s: must be so large that n < %u, with rho = %.17g", name, UINT_MAX, rho);
        return 0;
}

static int check_case(const struct mt_model_call *call, enum mt_alpha_case which, const char *rate, struct mt_err *err)
{
        const struct mt_alpha_vm vm = vm_of(call);
        const double rho = mt_alpha_rho(which, &vm);

        if (!(rho < 1.0))
                return mt_fail(err, EINVAL, "%s: must be low enough for rho = D*S/B < 1, which is %.17g", rate, rho);
        return check_alpha(call, "alpha", rho, err);
}

static int check_n(const struct mt_model_call *call, struct mt_err *err)
{
        return check_alpha(call, "alpha", mt_model_real(call, "rho"), err);
}

static struct json_object *n(const struct mt_model_call *call)
{
        return json_object_new_int64(
                mt_alpha_n(mt_model_real(call, "alpha"), mt_model_real(call, "rho"), mt_model_whole(call, "strict") != 0));
}

static struct json_object *evaluate(const struct mt_model_call *call, enum mt_alpha_case which)
{
        const struct mt_alpha_vm vm = vm_of(call);
        const struct mt_alpha_result r =
                mt_alpha_evaluate(which, &vm, mt_model_real(call, "alpha"), mt_model_whole(call, "strict") != 0);

        return result_json(&r);
}

static int check_uniform(const struct mt_model_call *call, struct mt_err *err)
{
        return check_case(call, MT_ALPHA_UNIFORM, "D", err);
}

static struct json_object *uniform(const struct mt_model_call *call)
{
        return evaluate(call, MT_ALPHA_UNIFORM);
}

static int check_hot1(const struct mt_model_call *call, struct mt_err *err)
{
        return check_case(call, MT_ALPHA_HOT1, "Dnh", err);
}

static struct json_object *hot1(const struct mt_model_call *call)
{
        return evaluate(call, MT_ALPHA_HOT1);
}

static int check_hot2(const struct mt_model_call *call, struct mt_err *err)
{
        return check_case(call, MT_ALPHA_HOT2, "Dnh", err);
}

static struct json_object *hot2(const struct mt_model_call *call)
{
        return evaluate(call, MT_ALPHA_HOT2);
}

static double unet_infimum(const struct mt_model_call *call)
{
        return mt_alpha_unet_infimum(mt_model_real(call, "rho"), mt_model_real(call, "beta"));
}

static int check_optimise(const struct mt_model_call *call, struct mt_err *err)
{
        const struct mt_alpha_vm vm = mt_alpha_table2(mt_model_whole(call, "Ps"));

        return check_alpha(call, "alpha_min", mt_alpha_rho((enum mt_alpha_case)mt_model_whole(call, "case"), &vm), err);
}

static struct json_object *optimise(const struct mt_model_call *call)
{
        const struct mt_alpha_vm vm = mt_alpha_table2(mt_model_whole(call, "Ps"));
        struct mt_alpha_result r;
        double alpha;

        if (!mt_alpha_optimise((enum mt_alpha_case)mt_model_whole(call, "case"), &vm, mt_model_real(call, "Umax"),
                               mt_model_real(call, "alpha_min"), mt_model_whole(call, "unet") == 1, &alpha, &r))
                return NULL;
        return mt_model_pair_json(mt_model_number_json(alpha), result_json(&r));
}

const struct mt_model mt_models_alpha[] = {
        { .name = "alpha.n",
          .args = (const struct mt_model_arg[]){ ALPHA("alpha", NULL), RHO, STRICT, END },
          .gives = "least n >= 0 with rho^(n+1) <= alpha (strict: <)",
          .condition = "alpha <= rho",
          .source = SOURCE "Eq (11)",
          .check = check_n,
          .other = n },
        { .name = "alpha.uniform",
          .args = (const struct mt_model_arg[]){ PS(NULL), ALPHA("alpha", NULL),
                                                 REAL("D", "pages/s", "2.0", &mt_model_positive), LINK, STRICT, END },
          .gives = "rho, n, Tdown, Tprecopy, Ttotal (s), PTotalMig, PActual (pages), G, Unet, Unet_capped",
          .condition = "alpha <= rho = D*S/B < 1",
          .source = SOURCE "Eq (6)-(16)",
          .check = check_uniform,
          .other = uniform },
        { .name = "alpha.hot1",
          .args = (const struct mt_model_arg[]){ PS(NULL), ALPHA("alpha", NULL), DNH,
                                                 REAL("Dh", "pages/s", "4.0", &mt_model_not_negative), BETA("0.1"), LINK,
                                                 STRICT, END },
          .gives = "as alpha.uniform",
          .condition = "alpha <= rho = (Dnh*(1-beta) + Dh*beta)*S/B < 1",
          .source = SOURCE "Eq (17)-(23)",
          .check = check_hot1,
          .other = hot1 },
        { .name = "alpha.hot2",
          .args = (const struct mt_model_arg[]){ PS(NULL), ALPHA("alpha", NULL), DNH, BETA("0.1"), LINK, STRICT, END },
          .gives = "as alpha.uniform",
          .condition = "alpha <= rho = Dnh*S/B < 1",
          .source = SOURCE "Eq (24)-(31)",
          .check = check_hot2,
          .other = hot2 },
        { .name = "alpha.unet_infimum",
          .args = (const struct mt_model_arg[]){ RHO, BETA("0.0"), END },
          .gives = "greatest lower bound of Unet, never reached",
          .source = SOURCE "Eq (16), (31) for alpha -> 0",
          .number = unet_infimum },
        { .name = "alpha.optimise",
          .args = (const struct mt_model_arg[]){ { "case", MT_MODEL_CHOICE, "", NULL, NULL, cases },
                                                 REAL("Umax", "", NULL, &mt_model_any),
                                                 PS("4096"),
                                                 ALPHA("alpha_min", "0.05"),
                                                 { "unet", MT_MODEL_CHOICE, "", "Unet", NULL, utilisations },
                                                 END },
          .gives = "[alpha, all of that case at alpha] with the least Tdown subject to Unet <= Umax; null where there is "
                   "none",
          .condition = "alpha_min <= rho; the other parameters are those of table 2",
          .source = SOURCE "Section 6",
          .check = check_optimise,
          .other = optimise },
        { .name = NULL },
};
