/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A job's errand runner: the thread that makes the libvirt calls about one running migration.
 *
 * QEMU answers nothing while it copies the last pages (it holds its big lock), so a call made then waits for the whole
 * blackout; in the event loop it would delay the lifting of the ceil by just that long (seen: 600 ms away instead of
 * 260). So the loop only leaves wishes here, of each kind the latest counts, and is woken when something was done.
 */
#ifndef MT_STEER_AGENT_H
#define MT_STEER_AGENT_H

#include "enforce/qemu.h"
#include "measure/domain.h"

#include <stdbool.h>

struct mt_agent;

/* What the agent has done since it was last asked. */
struct mt_agent_news {
        bool has_stats;
        int stats_r; /* 0, or -errno: the statistics could not be read */
        struct mt_job_stats stats;
        uint64_t speed_bytes_s; /* the speed that was set; 0: none since */
        uint64_t downtime_ms;   /* the downtime limit that was set; 0: none since */
        uint64_t pace_bytes_s;  /* post-copy's own limit that was set; 0: none since */
        bool speed_failed, downtime_failed, pace_failed, abort_failed;
        bool post_copy_started; /* libvirt took the switch to post-copy */
        bool post_copy_refused; /* the caller did not allow it (no VIR_MIGRATE_POSTCOPY), or the guest cannot */
        char error[192];        /* of what failed; "": nothing did */
};

/* Starts the thread. It refers to the domain itself; wake_fd (an eventfd) stays the caller's and outlives all agents. */
int mt_agent_start(virDomainPtr domain, int wake_fd, struct mt_agent **ret, struct mt_err *err);

/*
 * Lets go of the agent. Its thread ends by itself, at once or when its call returns; wishes that it has not begun are
 * dropped, and its last errand is to put back *restore (NULL: nothing), so that no late wish undoes that. Never waits.
 * Accepts NULL.
 */
void mt_agent_release(struct mt_agent *agent, const struct mt_qemu_limits *restore);

/* Agents whose threads have not ended yet; for the watcher's end, which gives them a moment. */
unsigned mt_agents_running(void);

void mt_agent_want_stats(struct mt_agent *agent);
void mt_agent_want_speed(struct mt_agent *agent, uint64_t bytes_s);
void mt_agent_want_downtime(struct mt_agent *agent, uint64_t downtime_ms);
void mt_agent_want_abort(struct mt_agent *agent);
/* Post-copy's own limit; before a switch that is asked for afterwards. */
void mt_agent_want_pace(struct mt_agent *agent, uint64_t bytes_s);
void mt_agent_want_post_copy(struct mt_agent *agent);

/* Takes the news. False: there are none. */
bool mt_agent_take(struct mt_agent *agent, struct mt_agent_news *ret);

#endif
