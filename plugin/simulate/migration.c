/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulate/migration.h"

/* The rest of a migration at vm->R in n rounds. */
static void run(const struct mt_wan_vm *vm, unsigned n, bool met, struct mt_sim_migration *ret)
{
        ret->mbps = vm->R;
        ret->iterations = n;
        ret->duration_s = mt_wan_tmig(vm, n);
        ret->downtime_s = mt_wan_tdown(vm, n);
        ret->reserved_mbit = ret->duration_s * vm->R; /* Eq (4) */
        ret->sent_mbit = mt_wan_sent(vm, n);
        ret->met = met;
}

/* The least n that meets the limit at R, as Algorithm 1 has it. */
static void run_at(double R, struct mt_wan_vm *vm, const struct mt_sim_policy *policy, double limit_s,
                   struct mt_sim_migration *ret)
{
        unsigned n;
        bool met;

        vm->R = R;
        met = mt_wan_min_n(vm, limit_s, policy->max_iterations, 1, &n);
        run(vm, n, met, ret);
}

void mt_sim_migrate(enum mt_strategy strategy, const struct mt_sim_policy *policy, const struct mt_sim_request *request,
                    struct mt_sim_migration *ret)
{
        struct mt_wan_vm vm = {
                .vm_mb = request->memory_mbit, .D = request->dirty_mbps, .tau = policy->tau, .tg = policy->tg
        };
        const double limit = request->limit_s;
        struct mt_wan_parameters parameters;

        switch (strategy) {
        case MT_LAMBDA_RANGE:
                parameters = mt_wan_algorithm1(&vm, limit, limit, &policy->range, policy->max_iterations, true);
                vm.R = parameters.R;
                run(&vm, parameters.n, parameters.met, ret);
                return;
        case MT_DELTA_INCREMENT:
                run_at(mt_wan_delta_increment(&vm, limit, policy->step_mbps, policy->step_gain, policy->max_iterations, 0,
                                              policy->max_mbps),
                       &vm, policy, limit, ret);
                return;
        case MT_MIN_BANDWIDTH:
                run_at(mt_wan_min_bandwidth(vm.D, policy->min_addition_mbps), &vm, policy, limit, ret);
                return;
        case MT_MAX_BANDWIDTH:
                break;
        case MT_CLARK:
                mt_sim_clark(policy, request, ret);
                return;
        case MT_COST_AWARE:
                mt_sim_cost_aware(policy, request, ret);
                return;
        }
        run_at(mt_wan_max_bandwidth(vm.D, policy->max_mbps), &vm, policy, limit, ret);
}
