# SPDX-License-Identifier: LGPL-2.1-or-later
"""A history as a watcher would have written it: migrations of all kinds, simulated second by second from a seed."""
import json
import random

MIB = 1 << 20
LINK = 1000.0  # Mbit/s


def moment(number):
    """The start of a migration: half an hour after the one before."""
    minutes = number * 31
    day = f"2026-{10 + minutes // 43200:02d}-{1 + minutes // 1440 % 30:02d}"
    return f"{day}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:07.123Z"


def copy_rounds(rng, memory, dirty, rate, others, rounds):
    """Samples of a pre-copy, one a second, until so many rounds are done: (samples, ms, bytes sent, bytes left)."""
    samples, t, sent, left, carried = [], 0, 0.0, memory * rng.uniform(0.4, 0.9), 0.0
    for iteration in range(1, rounds + 1):
        began, copied = t, left
        while copied > 0:
            carried += 0.4 * (rate * rng.uniform(0.93, 1.0) - carried)
            samples.append({"t_ms": t + 40, "iteration": iteration, "remaining_bytes": int(max(copied, 0)),
                            "dirty_rate_mbps": round(dirty * rng.uniform(0.85, 1.15), 3) if iteration > 1 else 0.0,
                            "bandwidth_mbps": round(carried, 3), "planned_mbps": round(rate, 3),
                            "lambda": round(dirty / rate, 4), "others_mbps": round(others * rng.uniform(0.9, 1.06), 3)})
            step = max(carried, 1.0) * 125000
            if copied <= step:
                t += max(int(1000 * copied / step), 30)
                sent += copied
                break
            copied -= step
            sent += step
            t += 1000
        left = min(dirty * 125000 * (t - began) / 1000, memory * 0.6)
        if left < rate * 125000 * 0.1:
            break
    return samples, t, sent, left


def prediction(total, downtime, size, iterations):
    """As a plan has it; None: never."""
    return {"total_ms": total, "downtime_ms": downtime, "bytes": size, "iterations": iterations}


# What another way costs beside what was done: its name, and what it takes of the time, of the bytes and from others.
WAYS = (("pre-copy", "what is free", 1.25, 1.07, 0.0), ("pre-copy", "whole link", 0.6, 0.93, 2.6),
        ("pre-copy", "floor", 2.9, 1.35, 0.1), ("post-copy", "as planned", 0.72, 0.82, 0.8),
        ("hybrid", "as planned", 0.85, 0.95, 0.9), ("pre-copy", "min-bandwidth", 2.4, 1.25, 0.1),
        ("pre-copy", "of another version", 1, 1, 1))


def alternatives(rng, total, size, taken):
    """The other techniques and bandwidths; the slowest may never end."""
    rows = []
    for technique, way, slow, more, takes in WAYS:
        never = way == "floor" and rng.random() < 0.2
        rows.append({"name": f"{technique}, {way}", "technique": technique, "bandwidth_mbps": 100.0,
                     "prediction": prediction(None, None, None, 20) if never else
                     prediction(int(total * slow * rng.uniform(0.9, 1.1)), 250,
                                int(size * more * rng.uniform(0.95, 1.05)), 4),
                     "tenants": {"mbps": 5.0, "peak_mbps": 9.0, "ms": 1000, "bytes": None if never else int(taken * takes)}})
    return rows


def migration(number, seed=1):
    """One record. What is rare is there at fixed numbers, so that a short history has it, too."""
    rng = random.Random(seed * 1000003 + number)
    memory = rng.choice((1, 2, 4, 4, 8, 16)) * 1024 * MIB
    others = rng.choice((0.0, 0.0, 40.0, 220.0, 480.0))
    rate = min(rng.uniform(350, 930), LINK - 0.8 * others)
    dirty = rate * rng.choice((0.05, 0.15, 0.25, 0.35, 0.55))
    limit = rng.choice((100, 300, 300, 300, 500))
    result = {3: "failed", 6: "cancelled"}.get(number % 17, "completed")
    technique = {4: "post-copy", 8: "hybrid", 12: "hybrid"}.get(number % 13, "pre-copy")
    technique = technique if result == "completed" else "pre-copy"
    samples, copied_ms, sent, left = copy_rounds(rng, memory, dirty, rate, others,
                                                 1 if technique == "post-copy" else 2 if technique == "hybrid" else 12)
    events = []
    if technique == "pre-copy":
        downtime = min(left / (rate * 125), limit * 0.95) * rng.uniform(0.85, 1.15) + 18
        downtime = downtime * 1.7 if number % 19 == 7 else downtime
        stopped, total = copied_ms, copied_ms + downtime
    else:
        downtime, stopped = rng.uniform(30, 240), copied_ms if technique == "hybrid" else 120
        total = stopped + 1000 * (left if technique == "hybrid" else memory * 0.6) / (rate * 125000)
        events.append({"t_ms": int(stopped), "text": f"post-copy begins with iteration {samples[-1]['iteration']}"})
    if result != "completed":
        cut = max(2, len(samples) * 2 // 3)
        samples, total, downtime = samples[:cut], samples[cut - 1]["t_ms"] + 400, None
        events.append({"t_ms": int(total * 0.9),
                       "text": "it does not converge: a round copies less than is dirtied meanwhile"})
    never = number % 29 == 11
    about = {"total_ms": int(total), "downtime_ms": None if downtime is None else int(downtime), "bytes": int(sent),
             "iterations": samples[-1]["iteration"], "technique": technique, "last_copy_bytes": None,
             "stopped_ms": int(stopped) if result == "completed" else None, "dirty_rate_mbps": round(dirty, 3),
             "samples": samples}
    predicted = prediction(None, None, None, 20) if never else prediction(
        int(total * rng.lognormvariate(0, 0.09)), int((downtime or 0.6 * limit) * rng.lognormvariate(0, 0.25)),
        int(sent * rng.lognormvariate(0, 0.05)), about["iterations"])
    started = moment(number)
    return {"event": "migration", "id": f"{started.replace('-', '').replace(':', '')}-{number:08x}", "result": result,
            "started": started, "attach": "watcher", "mode": "observe" if number % 23 == 5 else "enforce",
            "domain": {"name": f"instance-{number:08x}" if number % 3 else f"db-{number % 40}",
                       "uuid": f"{number:08x}-0000-4000-8000-000000000000", "memory_bytes": memory},
            "source": "compute-17.example.org", "destination": f"compute-{number % 5 + 21}.example.org",
            "facts": {"dirty_rate_mbps": round(dirty, 3), "dirty_rate_source": "history", "link_mbps": LINK,
                      "device": "eth0",
                      "src": {"in_mbps": 3.0, "out_mbps": others, "class": "idle", "known": True, "age_ms": 300}},
            "intent": {"urgency": "medium", "max_downtime_ms": limit, "from": "default"},
            "plan": {"strategy": "lambda-range", "technique": technique, "lambda": round(dirty / rate, 4),
                     "bandwidth_mbps": round(rate, 3), "limit_met": not never, "prediction": predicted,
                     "tenants": {"mbps": 5.0, "peak_mbps": 9.0, "ms": 1000, "bytes": int(others * 9000)},
                     "alternatives": alternatives(rng, total, sent, others * 9000)},
            "reasons": [f"intent from default: medium urgency, max_downtime {limit} ms",
                        f"dirty rate {dirty:.0f} Mbit/s (history), link {LINK:.0f} Mbit/s, others {others:.0f} Mbit/s",
                        f"R = {rate:.0f} Mbit/s: the dirty rate over lambda {dirty / rate:.2f}"],
            "actual": about, "events": events, "tc": [],
            "error": "connection to the destination was lost: Input/output error" if result == "failed" else None}


def history(path, count, change=None, seed=1):
    """Writes so many records; change(number, record) may alter each before."""
    with open(path, "w", encoding="utf-8") as f:
        for number in range(count):
            record = migration(number, seed)
            if change:
                change(number, record)
            f.write(json.dumps(record, separators=(",", ":")) + "\n")
    return path
