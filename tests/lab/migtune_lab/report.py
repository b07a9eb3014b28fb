# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables about migrations: what was seen, side by side, and a plan beside what came of it."""

MIB = 1048576
BEFORE_S = 2.0


def table(header, rows):
    """Columns aligned, the first to the left, the others to the right, as text."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for number, row in enumerate(cells):
        first = row[0].ljust(widths[0])
        lines.append("  ".join([first] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _number(value, unit, digits=0):
    return "-" if value is None else f"{value:.{digits}f} {unit}"


def comparison(columns):
    """What migrations were like, side by side. columns: (title, Result, Traffic or None)."""
    results = [result for _, result, _ in columns]

    def goodput(result, traffic, is_before):
        if not traffic:
            return None
        span = (result.start - BEFORE_S, result.start) if is_before else (result.start, result.end)
        return traffic.goodput(*span)

    def worst(result, traffic):
        during = [interval.mbit_per_s for interval in traffic.intervals()
                  if interval.start >= result.start and interval.end <= result.end] if traffic else []
        return min(during, default=None)
    rows = [
        ["total time"] + [_number(result.total_s, "s", 1) for result in results],
        ["blackout, as the client saw it"] + [_number(result.blackout_ms, "ms") for result in results],
        ["downtime, as QEMU says"] + [_number(result.downtime_ms, "ms") for result in results],
        ["transferred"] + [_number(result.bytes / MIB, "MiB") for result in results],
        ["iterations"] + [str(len(result.iterations)) for result in results],
        ["guest work lost"] + [_number(result.work_lost_s, "s", 2) for result in results],
        ["background goodput before"] + [_number(goodput(r, t, True), "Mbit/s") for _, r, t in columns],
        ["background goodput during"] + [_number(goodput(r, t, False), "Mbit/s") for _, r, t in columns],
        ["background goodput, worst half second"] + [_number(worst(r, t), "Mbit/s") for _, r, t in columns],
    ]
    return table(["", *(title for title, _, _ in columns)], rows)


def plan_and_actual(record):
    """A record's plan, its reasons, and its prediction beside the actual."""
    plan, actual, domain = record.get("plan") or {}, record.get("actual") or {}, record.get("domain") or {}
    prediction = plan.get("prediction") or {}
    chosen = [f"{label} {plan[key]}{unit}" for label, key, unit in (
        ("technique", "technique", ""), ("strategy", "strategy", ""), ("lambda", "lambda", ""),
        ("bandwidth", "bandwidth_mbps", " Mbit/s"), ("reserved", "reserve_mbps", " Mbit/s"), ("alpha", "alpha", ""),
        ("downtime limit", "downtime_limit_ms", " ms")) if key in plan]
    lines = [f"The plan for {domain.get('name', '?')} ({record.get('result', '?')}): " + ", ".join(chosen)]
    lines += [f"  - {reason}" for reason in record.get("reasons") or []]

    def row(label, key, unit, scale=1.0, digits=0):
        return [label] + [_number(side[key] * scale if side.get(key) is not None else None, unit, digits).strip()
                          for side in (prediction, actual)]
    rows = [row("total time", "total_ms", "s", 1e-3, 1), row("downtime", "downtime_ms", "ms"),
            row("transferred", "bytes", "MiB", 1 / MIB), row("iterations", "iterations", "")]
    return "\n".join(lines) + "\n\n" + table(["", "predicted", "actual"], rows)
