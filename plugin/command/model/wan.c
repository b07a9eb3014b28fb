/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/wan.h"
#include "command/model/registry.h"

#include <errno.h>
#include <math.h>

#define SOURCE "WAN paper, "

#define REAL(name, unit, fallback, range)                                                                                   \
        {                                                                                                                   \
                name, MT_MODEL_REAL, unit, fallback, range, NULL                                                            \
        }
#define VM_MB REAL("vm_mb", "Mbit", NULL, &mt_model_positive)
#define R_ARG REAL("R", "Mbit/s", NULL, &mt_model_positive)
#define D_ARG REAL("D", "Mbit/s", NULL, &mt_model_not_negative)
#define TAU REAL("tau", "s", NULL, &mt_model_not_negative)
#define TG(fallback) REAL("tg", "s", fallback, &mt_model_not_negative)
#define LIMIT REAL("limit", "s", NULL, &mt_model_any)
#define CAP REAL("cap", "Mbit/s", "10000.0", &mt_model_positive)
#define COUNT(name, fallback)                                                                                               \
        {                                                                                                                   \
                name, MT_MODEL_WHOLE, "", fallback, &mt_model_count, NULL                                                   \
        }
#define RANGE                                                                                                               \
        REAL("DL", "Mbit/s", "0.1", &mt_model_not_negative), REAL("DH", "Mbit/s", "500.0", &mt_model_positive),             \
                REAL("lL", "", "0.1", &mt_model_open_share), REAL("lH", "", "0.4", &mt_model_open_share)
#define CLAMP                                                                                                               \
        {                                                                                                                   \
                "clamp", MT_MODEL_BOOL, "", "true", NULL, NULL                                                              \
        }
#define END                                                                                                                 \
        {                                                                                                                   \
                NULL, MT_MODEL_REAL, NULL, NULL, NULL, NULL                                                                 \
        }

static const struct mt_model_arg rounds_args[] = { VM_MB, R_ARG, D_ARG, TAU, TG(NULL), COUNT("n", NULL), END };

static struct mt_wan_vm vm_of(const struct mt_model_call *call)
{
        return (struct mt_wan_vm){ .vm_mb = mt_model_real(call, "vm_mb"),
                                   .R = mt_model_real(call, "R"),
                                   .D = mt_model_real(call, "D"),
                                   .tau = mt_model_real(call, "tau"),
                                   .tg = mt_model_real(call, "tg") };
}

static struct mt_wan_range range_of(const struct mt_model_call *call)
{
        return (struct mt_wan_range){ .DL = mt_model_real(call, "DL"),
                                      .DH = mt_model_real(call, "DH"),
                                      .lL = mt_model_real(call, "lL"),
                                      .lH = mt_model_real(call, "lH") };
}

static struct json_object *iterations(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);
        struct json_object *list = json_object_new_array();

        for (unsigned i = 1; i <= mt_model_whole(call, "n"); i++)
                (void)json_object_array_add(list, mt_model_number_json(mt_wan_round(&vm, i)));
        return list;
}

static double one_round(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_round(&vm, mt_model_whole(call, "i"));
}

static double tdown(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_tdown(&vm, mt_model_whole(call, "n"));
}

static double tmig(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_tmig(&vm, mt_model_whole(call, "n"));
}

static int check_printed(const struct mt_model_call *call, struct mt_err *err)
{
        if (mt_model_real(call, "R") == mt_model_real(call, "D"))
                return mt_fail(err, EINVAL, "R: must differ from D: Eq (2) as printed has a pole at lambda = 1");
        return 0;
}

static double tmig_printed(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_tmig_printed(&vm, mt_model_whole(call, "n"));
}

static double wmig(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_wmig(&vm, mt_model_whole(call, "n"));
}

static double sent(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_sent(&vm, mt_model_whole(call, "n"));
}

static double tdown_floor(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_tdown_floor(&vm);
}

static int check_min_n(const struct mt_model_call *call, struct mt_err *err)
{
        if (mt_model_whole(call, "n_min") > mt_model_whole(call, "max_n"))
                return mt_fail(err, EINVAL, "n_min: must be at most max_n");
        return 0;
}

static struct json_object *min_n(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);
        unsigned n;
        const bool met = mt_wan_min_n(&vm, mt_model_real(call, "limit"), mt_model_whole(call, "max_n"),
                                      mt_model_whole(call, "n_min"), &n);

        return mt_model_pair_json(json_object_new_int64(n), json_object_new_boolean(met));
}

static int check_n_real(const struct mt_model_call *call, struct mt_err *err)
{
        const struct mt_wan_vm vm = vm_of(call);

        if (vm.D >= vm.R)
                return mt_fail(err, EINVAL, "R: must be above D (lambda < 1)");
        if (isnan(mt_wan_n_real(&vm, mt_model_real(call, "limit"))))
                return mt_fail(err, EINVAL,
                               "vm_mb: vm_mb/R must be above lambda*tau/(1-lambda), or more rounds lower nothing");
        return 0;
}

static double n_real(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);

        return mt_wan_n_real(&vm, mt_model_real(call, "limit"));
}

static int check_range(const struct mt_model_call *call, struct mt_err *err)
{
        const struct mt_wan_range range = range_of(call);

        if (range.DH <= range.DL)
                return mt_fail(err, EINVAL, "DH: must be above DL");
        if (range.lH < range.lL)
                return mt_fail(err, EINVAL, "lH: must be at least lL");
        return 0;
}

static double lambda(const struct mt_model_call *call)
{
        const struct mt_wan_range range = range_of(call);

        return mt_wan_lambda(mt_model_real(call, "D"), &range, mt_model_whole(call, "clamp") != 0);
}

static int check_algorithm1(const struct mt_model_call *call, struct mt_err *err)
{
        const int r = check_range(call, err);

        if (r < 0)
                return r;
        if (!(lambda(call) > 0.0))
                return mt_fail(err, EINVAL, "D: without clamp, lambda(D) must be > 0");
        return 0;
}

static struct json_object *algorithm1(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);
        const struct mt_wan_range range = range_of(call);
        const struct mt_wan_parameters p =
                mt_wan_algorithm1(&vm, mt_model_real(call, "limit"), mt_model_real(call, "default_limit"), &range,
                                  mt_model_whole(call, "max_n"), mt_model_whole(call, "clamp") != 0);
        struct json_object *list = mt_model_pair_json(mt_model_number_json(p.lambda), mt_model_number_json(p.R));

        (void)json_object_array_add(list, json_object_new_int64(p.n));
        (void)json_object_array_add(list, json_object_new_boolean(p.met));
        return list;
}

static double min_bandwidth(const struct mt_model_call *call)
{
        return mt_wan_min_bandwidth(mt_model_real(call, "D"), mt_model_real(call, "delta"));
}

static double max_bandwidth(const struct mt_model_call *call)
{
        return mt_wan_max_bandwidth(mt_model_real(call, "D"), mt_model_real(call, "cap"));
}

static int check_delta(const struct mt_model_call *call, struct mt_err *err)
{
        const double room = mt_model_real(call, "cap") - mt_model_real(call, "D");

        if (mt_model_real(call, "Delta") * 1e5 < room)
                return mt_fail(err, EINVAL, "Delta: must be at least (cap - D)/100000");
        return 0;
}

static double delta_increment(const struct mt_model_call *call)
{
        const struct mt_wan_vm vm = vm_of(call);
        const struct mt_model_value *fixed_n = mt_model_get(call, "fixed_n");

        return mt_wan_delta_increment(&vm, mt_model_real(call, "limit"), mt_model_real(call, "Delta"),
                                      mt_model_real(call, "eps"), mt_model_whole(call, "max_n"),
                                      fixed_n->none ? 0 : fixed_n->whole, mt_model_real(call, "cap"));
}

const struct mt_model mt_models_wan[] = {
        { .name = "wan.iterations",
          .args =
                  (const struct mt_model_arg[]){
                          VM_MB, R_ARG, D_ARG, TAU, { "n", MT_MODEL_WHOLE, "", NULL, &mt_model_list_count, NULL }, END },
          .gives = "list of T_1..T_n, s",
          .source = SOURCE "Eq (1)",
          .other = iterations },
        { .name = "wan.Ti",
          .args = (const struct mt_model_arg[]){ VM_MB, R_ARG, D_ARG, TAU, COUNT("i", NULL), END },
          .gives = "duration of round i, s",
          .source = SOURCE "Eq (1)",
          .number = one_round },
        { .name = "wan.tdown",
          .args = rounds_args,
          .gives = "downtime after n rounds, s",
          .source = SOURCE "Eq (3)",
          .number = tdown },
        { .name = "wan.tmig",
          .args = rounds_args,
          .gives = "migration time, s",
          .source = SOURCE "Eq (2), its exponent n + 1 corrected to n",
          .number = tmig },
        { .name = "wan.tmig_printed",
          .args = rounds_args,
          .gives = "migration time as misprinted, s; for comparison only",
          .condition = "R != D",
          .source = SOURCE "Eq (2) as printed",
          .check = check_printed,
          .number = tmig_printed },
        { .name = "wan.wmig",
          .args = rounds_args,
          .gives = "Mbit reserved, Tmig * R",
          .source = SOURCE "Eq (4)",
          .number = wmig },
        { .name = "wan.sent",
          .args = rounds_args,
          .gives = "Mbit sent, vm_mb + D * sum of the rounds",
          .source = SOURCE "Section III's V_i, summed",
          .number = sent },
        { .name = "wan.tdown_floor",
          .args = (const struct mt_model_arg[]){ R_ARG, D_ARG, TAU, TG(NULL), END },
          .gives = "downtime after infinitely many rounds, s; inf where R <= D",
          .source = SOURCE "Eq (3), n -> infinity",
          .number = tdown_floor },
        { .name = "wan.min_n",
          .args = (const struct mt_model_arg[]){ VM_MB, R_ARG, D_ARG, TAU, TG(NULL), LIMIT, COUNT("max_n", "20"),
                                                 COUNT("n_min", "1"), END },
          .gives = "[n, met]: least n with downtime <= limit; [max_n, false] where there is none",
          .condition = "n_min <= max_n",
          .source = SOURCE "Algorithm 1 with Eq (3)",
          .check = check_min_n,
          .other = min_n },
        { .name = "wan.n_real",
          .args = (const struct mt_model_arg[]){ VM_MB, R_ARG, D_ARG, TAU, TG(NULL), LIMIT, END },
          .gives = "n before rounding up; inf where limit <= floor",
          .condition = "R > D, vm_mb/R > lambda*tau/(1-lambda)",
          .source = SOURCE "Eq (3) solved for n",
          .check = check_n_real,
          .number = n_real },
        { .name = "wan.lambda",
          .args = (const struct mt_model_arg[]){ D_ARG, RANGE, CLAMP, END },
          .gives = "lambda = D/R",
          .condition = "DL < DH, lL <= lH",
          .source = SOURCE "Eq (5)",
          .check = check_range,
          .number = lambda },
        { .name = "wan.algorithm1",
          .args = (const struct mt_model_arg[]){ VM_MB, REAL("D", "Mbit/s", NULL, &mt_model_positive), TAU, LIMIT,
                                                 REAL("default_limit", "s", "1.0", &mt_model_any), TG("0.5"), RANGE,
                                                 COUNT("max_n", "20"), CLAMP, END },
          .gives = "[lambda, R in Mbit/s, n, met]; limit <= 0 takes default_limit",
          .condition = "DL < DH, lL <= lH; without clamp lambda(D) > 0",
          .source = SOURCE "Algorithm 1",
          .check = check_algorithm1,
          .other = algorithm1 },
        { .name = "wan.min_bandwidth",
          .args = (const struct mt_model_arg[]){ D_ARG, REAL("delta", "Mbit/s", "50.0", &mt_model_positive), END },
          .gives = "R, Mbit/s",
          .source = SOURCE "Section V",
          .number = min_bandwidth },
        { .name = "wan.max_bandwidth",
          .args = (const struct mt_model_arg[]){ D_ARG, CAP, END },
          .gives = "R, Mbit/s",
          .source = SOURCE "Section V",
          .number = max_bandwidth },
        { .name = "wan.delta_increment",
          .args = (const struct mt_model_arg[]){ VM_MB, D_ARG, TAU, TG(NULL), LIMIT,
                                                 REAL("Delta", "Mbit/s", "25.0", &mt_model_positive),
                                                 REAL("eps", "", "0.1", &mt_model_any), COUNT("max_n", "20"),
                                                 COUNT("fixed_n", "None"), CAP, END },
          .gives = "R, Mbit/s",
          .condition = "Delta >= (cap - D)/100000",
          .source = SOURCE "Section V, with the least n that meets limit unless fixed_n is given",
          .check = check_delta,
          .number = delta_increment },
        { .name = NULL },
};
