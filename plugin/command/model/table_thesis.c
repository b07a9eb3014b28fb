/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thesis's technique rules as tables, and its table 1 beside what its rules choose. */
#include "cleanup.h"
#include "model/traffic.h"
#include "command/model/table.h"

#include <stdio.h>
#include <string.h>

#define CLASSES 4

static struct mt_table_cell text(const char *value, char mark)
{
        return (struct mt_table_cell){ .text = value, .mark = mark };
}

static struct mt_table_cell class_cell(unsigned traffic)
{
        return text(mt_traffic_class_name((enum mt_traffic_class)traffic), '\0');
}

static void fill_single(struct mt_table_rows *ret_rows)
{
        for (unsigned src = 0; src < CLASSES; src++) {
                struct mt_table_cell *cells = ret_rows->cells[ret_rows->n++];

                cells[0] = class_cell(src);
                for (unsigned dst = 0; dst < CLASSES; dst++) {
                        const enum mt_technique rule =
                                mt_traffic_technique((enum mt_traffic_class)src, (enum mt_traffic_class)dst);
                        const enum mt_technique prose =
                                mt_traffic_technique_text((enum mt_traffic_class)src, (enum mt_traffic_class)dst);

                        cells[dst + 1] = text(mt_technique_name(rule), rule != prose ? '*' : '\0');
                }
        }
}

/* Two rows a source: VMs whose own traffic is not inbound, and inbound. */
static void fill_parallel(struct mt_table_rows *ret_rows)
{
        for (unsigned i = 0; i < 2 * CLASSES; i++) {
                const enum mt_traffic_class src = (enum mt_traffic_class)(i / 2);
                const bool inbound = i % 2 == 1;
                struct mt_table_cell *cells = ret_rows->cells[ret_rows->n++];

                cells[0] = class_cell(src);
                cells[1] = text(inbound ? "inbound" : "not inbound", '\0');
                for (unsigned dst = 0; dst < CLASSES; dst++) {
                        const enum mt_technique rule = mt_traffic_parallel_technique(
                                src, (enum mt_traffic_class)dst, inbound ? MT_TRAFFIC_INBOUND : MT_TRAFFIC_OUTBOUND);

                        cells[dst + 2] = text(mt_technique_name(rule),
                                              rule != mt_traffic_technique(src, (enum mt_traffic_class)dst) ? '*' : '\0');
                }
        }
}

/* Table 1 of the thesis: total migration time, s, of parallel migrations under high priority. */
static const struct measured {
        const char *name; /* source-destination, as the thesis has it */
        enum mt_traffic_class src, dst, vms;
        double pre, post, hybrid, aware;
} measured[] = {
        { "idle-idle", MT_TRAFFIC_IDLE, MT_TRAFFIC_IDLE, MT_TRAFFIC_INBOUND, 32.7, 33.0, 30.4, 21.8 },
        { "idle-idle", MT_TRAFFIC_IDLE, MT_TRAFFIC_IDLE, MT_TRAFFIC_OUTBOUND, 24.9, 21.1, 24.3, 21.1 },
        { "idle-idle", MT_TRAFFIC_IDLE, MT_TRAFFIC_IDLE, MT_TRAFFIC_MIXED, 31.0, 24.0, 25.7, 22.2 },
        { "in-in", MT_TRAFFIC_INBOUND, MT_TRAFFIC_INBOUND, MT_TRAFFIC_INBOUND, 25.0, 48.4, 26.1, 23.5 },
        { "in-in", MT_TRAFFIC_INBOUND, MT_TRAFFIC_INBOUND, MT_TRAFFIC_OUTBOUND, 39.9, 140.5, 43.8, 34.4 },
        { "in-in", MT_TRAFFIC_INBOUND, MT_TRAFFIC_INBOUND, MT_TRAFFIC_MIXED, 28.5, 139.3, 39.2, 25.9 },
        { "in-out", MT_TRAFFIC_INBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_INBOUND, 19.5, 88.4, 25.8, 17.9 },
        { "in-out", MT_TRAFFIC_INBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_OUTBOUND, 30.6, 32.4, 33.3, 18.4 },
        { "in-out", MT_TRAFFIC_INBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_MIXED, 22.1, 60.5, 24.4, 19.7 },
        { "out-in", MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_INBOUND, MT_TRAFFIC_INBOUND, 29.5, 71.5, 32.1, 27.2 },
        { "out-in", MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_INBOUND, MT_TRAFFIC_OUTBOUND, 21.2, 57.4, 22.3, 20.4 },
        { "out-in", MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_INBOUND, MT_TRAFFIC_MIXED, 25.9, 43.6, 23.0, 18.5 },
        { "out-out", MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_INBOUND, 20.7, 104.0, 24.3, 20.9 },
        { "out-out", MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_OUTBOUND, 22.9, 25.8, 22.0, 21.3 },
        { "out-out", MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_OUTBOUND, MT_TRAFFIC_MIXED, 21.1, 43.5, 22.2, 17.9 },
};

static struct mt_table_cell seconds(double value, char mark)
{
        return (struct mt_table_cell){ .number = value, .decimals = 1, .mark = mark };
}

/* The least of the three techniques that the thesis compares itself with. */
static double best_of(const struct measured *m)
{
        const double two = m->pre < m->post ? m->pre : m->post;

        return two < m->hybrid ? two : m->hybrid;
}

static void fill_table1(struct mt_table_rows *ret_rows)
{
        unsigned right = 0, least = 0;

        for (size_t i = 0; i < MT_ARRAY_SIZE(measured); i++) {
                const struct measured *m = &measured[i];
                const enum mt_technique rule = mt_traffic_parallel_technique(m->src, m->dst, m->vms);
                const enum mt_technique faster = m->pre < m->post ? MT_PRE_COPY : MT_POST_COPY;
                struct mt_table_cell *cells = ret_rows->cells[ret_rows->n++];

                cells[0] = text(m->name, '\0');
                cells[1] = class_cell(m->vms);
                cells[2] = seconds(m->pre, '\0');
                cells[3] = seconds(m->post, '\0');
                cells[4] = seconds(m->hybrid, '\0');
                cells[5] = seconds(m->aware, m->aware < best_of(m) ? '\0' : '+');
                cells[6] = text(mt_technique_name(rule), rule == faster ? '\0' : '*');
                cells[7] = text(mt_technique_name(faster), '\0');
                right += rule == faster;
                least += m->aware < best_of(m);
        }
        (void)snprintf(ret_rows->summary, sizeof(ret_rows->summary),
                       "The rule's technique is the faster of pre-copy and post-copy in %u of %u rows; traffic-aware is the "
                       "least of all four in %u.",
                       right, ret_rows->n, least);
}

static const struct mt_table_column single_columns[] = { { "source", "" },   { "idle", "" },  { "inbound", "" },
                                                         { "outbound", "" }, { "mixed", "" }, { NULL, NULL } };
static const struct mt_table_column parallel_columns[] = { { "source", "" },  { "VMs", "" },      { "idle", "" },
                                                           { "inbound", "" }, { "outbound", "" }, { "mixed", "" },
                                                           { NULL, NULL } };
static const struct mt_table_column table1_columns[] = { { "src-dest", "" },
                                                         { "VMs", "" },
                                                         { "pre-copy", "s" },
                                                         { "post-copy", "s" },
                                                         { "hybrid", "s" },
                                                         { "traffic-aware", "s" },
                                                         { "rule's technique", "" },
                                                         { "faster technique", "" },
                                                         { NULL, NULL } };

const struct mt_table mt_thesis_tables[MT_THESIS_TABLES] = {
        { .name = "thesis.single",
          .caption = "technique for a single migration, by the traffic of source (rows) and destination",
          .source = "thesis, Algorithm 1 (pseudo code) beside the prose of Section 4.4.1, read in order",
          .columns = single_columns,
          .marks = { { '*', "the prose says post-copy; the pseudo code decides" }, { '\0', NULL } },
          .fill = fill_single },
        { .name = "thesis.parallel",
          .caption = "technique for parallel migrations, by the traffic of source, VMs (rows) and destination",
          .source = "thesis, the list of Section 4.4.2, read in order, beside Algorithm 1",
          .columns = parallel_columns,
          .marks = { { '*', "differs from the technique for a single migration" }, { '\0', NULL } },
          .fill = fill_parallel },
        { .name = "thesis.1",
          .caption = "measured times of parallel migrations, and the technique that the rule chooses",
          .source = "thesis, table 1 (15 rows, high priority); the rule is the list of Section 4.4.2",
          .columns = table1_columns,
          .marks = { { '*', "the rule's technique was not the faster of pre-copy and post-copy" },
                     { '+', "traffic-aware was not the least, as the text says it is in all combinations" },
                     { '\0', NULL } },
          .notes =
                  (const char *const[]){
                          "With an outbound source the rule says post-copy in all six rows; pre-copy was faster in all six.",
                          NULL },
          .fill = fill_table1 },
};
