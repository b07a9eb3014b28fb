# SPDX-License-Identifier: LGPL-2.1-or-later
"""A picture of migrations on one time axis: rates, iterations, the switchover; drawn by gnuplot as SVG."""
import dataclasses
import pathlib

from .process import run

WIDTH, PANEL_HEIGHT = 960, 330
MIGRATION_COLOUR, BACKGROUND_COLOUR, BLACKOUT_COLOUR, ITERATION_COLOUR = "#2468b0", "#e07b1a", "#d03030", "#888888"
LABEL_DISTANCE = 0.02  # of the axis: iterations closer together get one label
AFTER_S = 2.0
SMOOTHED_SAMPLES = 3


@dataclasses.dataclass
class Panel:
    """One migration: its Result, its background Traffic (or None), a title."""
    title: str
    result: object
    traffic: object = None


def _rates(panel):
    """(seconds since the call, Mbit/s into the target), smoothed: QEMU itself sends in bursts of 100 ms."""
    samples, start = panel.result.samples, panel.result.start
    for before, after in zip(samples, samples[SMOOTHED_SAMPLES:]):
        if after.time > before.time:
            mbit = (after.to_target - before.to_target) * 8e-6
            yield (before.time + after.time) / 2 - start, mbit / (after.time - before.time)


def _goodput(panel):
    start = panel.result.start
    for interval in panel.traffic.intervals() if panel.traffic else []:
        yield (interval.start + interval.end) / 2 - start, interval.mbit_per_s


def _title(panel):
    result = panel.result
    blackout = "" if result.blackout_ms is None else f", blackout {result.blackout_ms:.0f} ms"
    return f"{panel.title}: {result.total_s:.1f} s{blackout}"


def _block(name, points):
    return f"${name} << EOD\n" + "".join(f"{x:.3f} {y:.3f}\n" for x, y in points) + "EOD\n"


def _marks(panel, length, top):
    """Iterations as vertical lines with numbers, the switchover as a band."""
    result = panel.result
    lines = ["unset arrow", "unset label", "unset object"]
    labelled = -length
    for number, moment in enumerate(result.iterations, 1):
        x = moment - result.start
        lines.append(f"set arrow from {x:.3f},0 to {x:.3f},{top} nohead lc rgb '{ITERATION_COLOUR}' dt 3 back")
        if x - labelled >= LABEL_DISTANCE * length:
            lines.append(f"set label '{number}' at {x:.3f},{top * 0.965:.1f} offset 0.3,0 left font ',9' "
                         f"tc rgb '{ITERATION_COLOUR}'")
            labelled = x
    if result.suspended:
        begin = result.suspended - result.start
        width = max((result.blackout_ms or 0) / 1000, length * 0.002)
        lines.append(f"set object rectangle from {begin:.3f},0 to {begin + width:.3f},{top} fc rgb '{BLACKOUT_COLOUR}' "
                     "fs solid 0.35 noborder back")
    return "\n".join(lines) + "\n"


def script(panels, output, link_mbit_per_s):
    """The gnuplot commands for some panels above each other."""
    length = max(panel.result.total_s for panel in panels) + AFTER_S
    top = link_mbit_per_s * 1.12
    parts = [
        f"set terminal svg size {WIDTH},{PANEL_HEIGHT * len(panels)} dynamic background '#ffffff' "
        "font 'DejaVu Sans,12'\n"
        f"set output '{output}'\nset multiplot layout {len(panels)},1\n"
        f"set xrange [-{AFTER_S}:{length:.2f}]\nset yrange [0:{top}]\nset ylabel 'Mbit/s'\n"
        "set xlabel 'seconds since the migration call'\nset grid ytics lc rgb '#dddddd'\nset tics nomirror\nset border 3\n"
        "set key outside right top vertical samplen 2 spacing 1.2 font ',10'\n"
        "set style fill transparent solid 0.25 noborder\n"]
    for index, panel in enumerate(panels):
        parts.append(_block(f"migration{index}", _rates(panel)))
        parts.append(_block(f"background{index}", _goodput(panel)))
        parts.append(_marks(panel, length, top))
        parts.append(f"set title '{_title(panel)}' font ',13'\n")
        plots = [f"{link_mbit_per_s} title 'link' lc rgb '#bbbbbb' dt 2",
                 f"$migration{index} using 1:2 with filledcurves y1=0 lc rgb '{MIGRATION_COLOUR}' notitle",
                 f"$migration{index} using 1:2 with lines lw 1.5 lc rgb '{MIGRATION_COLOUR}' title 'migration'"]
        if panel.traffic:
            plots.append(f"$background{index} using 1:2 with lines lw 2 lc rgb '{BACKGROUND_COLOUR}' title 'background'")
        plots.append(f"NaN with lines dt 3 lc rgb '{ITERATION_COLOUR}' title 'iteration'")
        plots.append(f"NaN with boxes fs solid 0.35 noborder lc rgb '{BLACKOUT_COLOUR}' title 'switchover'")
        parts.append("plot " + ", ".join(plots) + "\n")
    return "".join(parts) + "unset multiplot\n"


def draw(panels, output, link_mbit_per_s=1000):
    """Write the picture to a file; its commands stay beside it, so it can be drawn again."""
    output = pathlib.Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    commands = output.with_suffix(".gnuplot")
    commands.write_text(script(panels, output, link_mbit_per_s), encoding="utf-8")
    run(["gnuplot", str(commands)], timeout=60)
    return output
