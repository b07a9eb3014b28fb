/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "model/traffic.h"
#include "command/model/registry.h"

#define SOURCE "thesis 2025, "

#define RATE(name, fallback, range)                                                                                         \
        {                                                                                                                   \
                name, MT_MODEL_REAL, "Mbit/s", fallback, range, NULL                                                        \
        }
#define TRAFFIC(name) RATE(name, NULL, &mt_model_not_negative)
#define FITTED(name) RATE(name, NULL, &mt_model_fitted)
#define CLASS(name)                                                                                                         \
        {                                                                                                                   \
                name, MT_MODEL_CHOICE, "", NULL, NULL, classes                                                              \
        }
#define TECHNIQUE(set)                                                                                                      \
        {                                                                                                                   \
                "technique", MT_MODEL_CHOICE, "", NULL, NULL, set                                                           \
        }
#define URGENCY                                                                                                             \
        {                                                                                                                   \
                "urgency", MT_MODEL_CHOICE, "", NULL, NULL, urgencies                                                       \
        }
#define LINK RATE("tot_bw", NULL, &mt_model_positive), TRAFFIC("sla_lower"), TRAFFIC("sla_upper")
#define END                                                                                                                 \
        {                                                                                                                   \
                NULL, MT_MODEL_REAL, NULL, NULL, NULL, NULL                                                                 \
        }

static const char *const classes[] = { "idle", "inbound", "outbound", "mixed", NULL };
static const char *const fitted_classes[] = { "inbound", "outbound", "mixed", NULL };
static const char *const techniques[] = { "pre-copy", "post-copy", "hybrid", NULL };
static const char *const urgencies[] = { "high", "medium", "low", NULL };

static enum mt_traffic_class class_of(const struct mt_model_call *call, const char *name)
{
        return (enum mt_traffic_class)mt_model_whole(call, name);
}

static enum mt_technique technique_of(const struct mt_model_call *call)
{
        return (enum mt_technique)mt_model_whole(call, "technique");
}

static enum mt_urgency urgency_of(const struct mt_model_call *call)
{
        return (enum mt_urgency)mt_model_whole(call, "urgency");
}

static struct json_object *classify(const struct mt_model_call *call)
{
        return json_object_new_string(
                mt_traffic_class_name(mt_traffic_classify(mt_model_real(call, "rate_in"), mt_model_real(call, "rate_out"),
                                                          mt_model_real(call, "threshold"), mt_model_real(call, "idle"))));
}

static struct json_object *technique(const struct mt_model_call *call)
{
        return json_object_new_string(mt_technique_name(mt_traffic_technique(class_of(call, "src"), class_of(call, "dst"))));
}

static struct json_object *technique_text(const struct mt_model_call *call)
{
        return json_object_new_string(
                mt_technique_name(mt_traffic_technique_text(class_of(call, "src"), class_of(call, "dst"))));
}

/* fitted_classes leaves idle out, so its indices are one less than the enum's. */
static double model(const struct mt_model_call *call)
{
        return mt_traffic_model(technique_of(call), (enum mt_traffic_class)(mt_model_whole(call, "traffic") + 1),
                                mt_model_real(call, "x"));
}

static double ideal_bw(const struct mt_model_call *call)
{
        return mt_traffic_ideal_bw(technique_of(call), mt_model_real(call, "vm_in"), mt_model_real(call, "vm_out"));
}

static struct json_object *reserve(const struct mt_model_call *call)
{
        const struct mt_traffic_reservation r = mt_traffic_reserve(
                urgency_of(call), mt_model_real(call, "ideal_bw"), mt_model_real(call, "avail_bw"),
                mt_model_real(call, "tot_bw"), mt_model_real(call, "sla_lower"), mt_model_real(call, "sla_upper"));

        return mt_model_pair_json(mt_model_number_json(r.bandwidth), json_object_new_boolean(r.reserve));
}

static struct json_object *single(const struct mt_model_call *call)
{
        const struct mt_traffic_single s = mt_traffic_single(
                mt_model_real(call, "src_in"), mt_model_real(call, "src_out"), mt_model_real(call, "dst_in"),
                mt_model_real(call, "dst_out"), mt_model_real(call, "vm_in"), mt_model_real(call, "vm_out"),
                urgency_of(call), mt_model_real(call, "tot_bw"), mt_model_real(call, "sla_lower"),
                mt_model_real(call, "sla_upper"));
        struct json_object *list =
                mt_model_pair_json(json_object_new_string(mt_technique_name(s.technique)), mt_model_number_json(s.ideal));

        (void)json_object_array_add(list, mt_model_number_json(s.bandwidth));
        (void)json_object_array_add(list, json_object_new_boolean(s.reserve));
        return list;
}

static struct json_object *strategy(const struct mt_model_call *call)
{
        const bool parallel = mt_traffic_parallel(urgency_of(call), mt_model_whole(call, "sufficient") != 0);

        return json_object_new_string(parallel ? "parallel" : "serial");
}

static struct json_object *parallel_technique(const struct mt_model_call *call)
{
        return json_object_new_string(mt_technique_name(
                mt_traffic_parallel_technique(class_of(call, "src"), class_of(call, "dst"), class_of(call, "vms"))));
}

static struct json_object *serial_order(const struct mt_model_call *call)
{
        const struct mt_model_value *given = mt_model_get(call, "classes");
        struct json_object *list = json_object_new_array();
        enum mt_traffic_class vms[MT_MODEL_LIST];
        size_t order[MT_MODEL_LIST];

        for (size_t i = 0; i < given->n; i++)
                vms[i] = (enum mt_traffic_class)given->list[i];
        mt_traffic_serial_order(vms, given->n, order);
        for (size_t i = 0; i < given->n; i++)
                (void)json_object_array_add(list, json_object_new_int64((int64_t)order[i]));
        return list;
}

const struct mt_model mt_models_traffic[] = {
        { .name = "traffic.classify",
          .args = (const struct mt_model_arg[]){ TRAFFIC("rate_in"),
                                                 TRAFFIC("rate_out"),
                                                 { "threshold", MT_MODEL_REAL, "", "1.2", &mt_model_positive, NULL },
                                                 RATE("idle", "10.0", &mt_model_not_negative),
                                                 END },
          .gives = "idle, inbound, outbound or mixed",
          .source = SOURCE "Section 4.4.1",
          .other = classify },
        { .name = "traffic.technique",
          .args = (const struct mt_model_arg[]){ CLASS("src"), CLASS("dst"), END },
          .gives = "pre-copy or post-copy",
          .source = SOURCE "Algorithm 1",
          .other = technique },
        { .name = "traffic.technique_text",
          .args = (const struct mt_model_arg[]){ CLASS("src"), CLASS("dst"), END },
          .gives = "pre-copy or post-copy; for comparison only",
          .source = SOURCE "Section 4.4.1's prose, read in order",
          .other = technique_text },
        { .name = "traffic.model",
          .args = (const struct mt_model_arg[]){ TECHNIQUE(techniques),
                                                 { "traffic", MT_MODEL_CHOICE, "", NULL, NULL, fitted_classes },
                                                 FITTED("x"),
                                                 END },
          .gives = "bandwidth a migration gets on a 1 Gbit/s path, Mbit/s",
          .source = SOURCE "Section 3.3's piecewise models",
          .number = model },
        { .name = "traffic.ideal_bw",
          .args = (const struct mt_model_arg[]){ TECHNIQUE(techniques), FITTED("vm_in"), FITTED("vm_out"), END },
          .gives = "Mbit/s: the model that the VM's own class selects",
          .source = SOURCE "Algorithm 1, line 19",
          .number = ideal_bw },
        { .name = "traffic.reserve",
          .args = (const struct mt_model_arg[]){ URGENCY, TRAFFIC("ideal_bw"), TRAFFIC("avail_bw"), LINK, END },
          .gives = "[bandwidth in Mbit/s, reserve?]",
          .source = SOURCE "Algorithm 2, tot_bw - sla cut at 0",
          .other = reserve },
        { .name = "traffic.single",
          .args = (const struct mt_model_arg[]){ TRAFFIC("src_in"), TRAFFIC("src_out"), TRAFFIC("dst_in"),
                                                 TRAFFIC("dst_out"), FITTED("vm_in"), FITTED("vm_out"), URGENCY, LINK, END },
          .gives = "[technique, ideal in Mbit/s, bandwidth in Mbit/s, reserve?]",
          .source = SOURCE "Algorithms 1 and 2, available = min(tot_bw - src_out, tot_bw - dst_in)",
          .other = single },
        { .name = "traffic.strategy",
          .args = (const struct mt_model_arg[]){ URGENCY, { "sufficient", MT_MODEL_BOOL, "", NULL, NULL, NULL }, END },
          .gives = "parallel or serial",
          .source = SOURCE "Algorithm 3, lines 12-20",
          .other = strategy },
        { .name = "traffic.parallel_technique",
          .args = (const struct mt_model_arg[]){ CLASS("src"), CLASS("dst"), CLASS("vms"), END },
          .gives = "pre-copy or post-copy",
          .source = SOURCE "Section 4.4.2, the list for parallel migrations",
          .other = parallel_technique },
        { .name = "traffic.serial_order",
          .args = (const struct mt_model_arg[]){ { "classes", MT_MODEL_CHOICES, "", NULL, NULL, classes }, END },
          .gives = "indices: outbound and idle first, then mixed, inbound last; stable",
          .source = SOURCE "Algorithm 3, line 22 and Section 4.4.2",
          .other = serial_order },
        { .name = NULL },
};
