/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy/ledger.h"

#include <math.h>
#include <stdbool.h>

#define NOTHING 1e-9 /* Mbit/s: less than this is a rounding error */

/* Thesis algorithm 2's shares of the ideal bandwidth, here among each other. */
static const double weight_of_urgency[] = {
        [MT_URGENCY_HIGH] = 1.0,
        [MT_URGENCY_MEDIUM] = 0.75,
        [MT_URGENCY_LOW] = 0.5,
};

/* What a filling heeds, beside what everyone draws on. */
enum heed {
        HEED_EVERYBODYS, /* only the budgets that spare nobody's wishes */
        HEED_FOR_NEEDS,
        HEED_ALL,
};

/* One filling: those that take part, how far each may go, and how fast it rises. */
struct filling {
        struct mt_ledger_entry *entry;
        size_t n;
        const struct mt_ledger_budget *budget;
        double left[MT_LEDGER_BUDGETS];
        size_t n_budgets;
        uint64_t spares_some;                                  /* budgets that do */
        double (*target)(const struct mt_ledger_entry *entry); /* what it may have in the end */
        double (*weight)(const struct mt_ledger_entry *entry);
        enum heed heed;
        int urgency; /* of those that take part; -1: all */
};

static double need(const struct mt_ledger_entry *entry)
{
        return entry->need;
}

static double wanted(const struct mt_ledger_entry *entry)
{
        return entry->wanted;
}

static double fair(const struct mt_ledger_entry *entry)
{
        return entry->fair;
}

static double missing_need(const struct mt_ledger_entry *entry)
{
        return entry->need - entry->floor;
}

static double weighted_want(const struct mt_ledger_entry *entry)
{
        return weight_of_urgency[entry->urgency] * entry->wanted;
}

static bool has(uint64_t set, size_t budget)
{
        return (set >> budget & 1) != 0;
}

static bool stops(const struct filling *filling, size_t budget, const struct mt_ledger_entry *entry)
{
        switch (filling->heed) {
        case HEED_EVERYBODYS:
                return has(entry->stopped_by, budget) && !has(filling->spares_some, budget);
        case HEED_FOR_NEEDS:
                return has(entry->need_stopped_by, budget);
        case HEED_ALL:
                break;
        }
        return has(entry->stopped_by, budget);
}

/* Does it still rise? */
static bool rises(const struct filling *filling, const struct mt_ledger_entry *entry)
{
        if ((filling->urgency >= 0 && (int)entry->urgency != filling->urgency) || filling->weight(entry) <= 0.0 ||
            filling->target(entry) - entry->granted <= NOTHING)
                return false;
        for (size_t b = 0; b < filling->n_budgets; b++)
                if (stops(filling, b, entry) && filling->left[b] <= NOTHING)
                        return false;
        return true;
}

/* How far the level rises until one has enough or a budget is used up; 0: nobody rises any more. */
static double next_step(const struct filling *filling)
{
        double step = INFINITY;

        for (size_t i = 0; i < filling->n; i++) {
                const struct mt_ledger_entry *entry = &filling->entry[i];

                if (rises(filling, entry))
                        step = fmin(step, (filling->target(entry) - entry->granted) / filling->weight(entry));
        }
        for (size_t b = 0; b < filling->n_budgets; b++) {
                double weights = 0.0;
                bool matters = false;

                for (size_t i = 0; i < filling->n; i++) {
                        const struct mt_ledger_entry *entry = &filling->entry[i];

                        if (!has(entry->draws_on, b) || !rises(filling, entry))
                                continue;
                        weights += filling->weight(entry);
                        matters |= stops(filling, b, entry);
                }
                if (matters)
                        step = fmin(step, filling->left[b] / weights);
        }
        return isfinite(step) ? step : 0.0;
}

/* What the budgets have left; never below zero, where the floors alone take more. */
static void count(struct filling *filling)
{
        for (size_t b = 0; b < filling->n_budgets; b++) {
                double left = filling->budget[b].rate;

                for (size_t i = 0; i < filling->n; i++)
                        if (has(filling->entry[i].draws_on, b))
                                left -= filling->entry[i].granted;
                filling->left[b] = fmax(left, 0.0);
        }
}

/* Each step ends with one that has enough or a budget that stops somebody, so there are at most n + n_budgets. */
static void fill(struct filling *filling)
{
        for (size_t steps = filling->n + filling->n_budgets; steps > 0; steps--) {
                double step = next_step(filling);

                if (step <= 0.0)
                        return;
                for (size_t i = 0; i < filling->n; i++)
                        if (rises(filling, &filling->entry[i]))
                                filling->entry[i].granted += step * filling->weight(&filling->entry[i]);
                count(filling);
        }
}

/* Fills urgency by urgency. */
static void fill_in_turn(struct filling *filling, double (*target)(const struct mt_ledger_entry *),
                         double (*weight)(const struct mt_ledger_entry *), enum heed heed)
{
        filling->target = target;
        filling->weight = weight;
        filling->heed = heed;
        for (int urgency = MT_URGENCY_HIGH; urgency <= MT_URGENCY_LOW; urgency++) {
                filling->urgency = urgency;
                fill(filling);
        }
}

/* entry[].fair; what is granted stays as it is. */
static void reckon_fair(struct filling *filling)
{
        filling->target = wanted;
        filling->weight = weighted_want;
        filling->heed = HEED_EVERYBODYS;
        filling->urgency = -1;
        for (size_t i = 0; i < filling->n; i++)
                filling->entry[i].fair = filling->entry[i].granted;
        fill(filling);
        for (size_t i = 0; i < filling->n; i++) {
                struct mt_ledger_entry *entry = &filling->entry[i];
                double granted = entry->fair;

                entry->fair = entry->granted;
                entry->granted = granted;
        }
        count(filling);
}

void mt_ledger_share(struct mt_ledger_entry *entry, size_t n, const struct mt_ledger_budget *budget, size_t n_budgets)
{
        struct filling filling = { .entry = entry, .n = n, .budget = budget, .n_budgets = n_budgets };

        for (size_t i = 0; i < n; i++) {
                entry[i].granted = entry[i].floor;
                filling.spares_some |= entry[i].draws_on & ~entry[i].stopped_by;
        }
        count(&filling);
        fill_in_turn(&filling, need, missing_need, HEED_FOR_NEEDS);
        reckon_fair(&filling);
        fill_in_turn(&filling, fair, weighted_want, HEED_ALL);
        fill_in_turn(&filling, wanted, weighted_want, HEED_ALL);
}
