#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The metrics: test_metrics.py MIGTUNE PLUGIN SOURCE-ROOT

Their format (the golden text, which the unit test holds against the code, and a running watcher's), and the Grafana dashboard.
The watcher runs where it finds no libvirt and no network.
"""
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
from exposition import Exposition  # noqa: E402
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN, ROOT = (os.path.abspath(a) for a in sys.argv[1:4])
INSIDE = ["unshare", "--user", "--map-root-user", "--net"]
PATIENCE_S = 60
NOT_SHOWN = set()  # metrics that the dashboard leaves out on purpose

# Texts that are not good, so that a good one says something.
BAD = {
    "no help": "# TYPE a_total counter\na_total 1\n",
    "no type": "# HELP a_total b\na_total 1\n",
    "an unknown type": "# HELP a b\n# TYPE a meter\na 1\n",
    "no value": "# HELP a b\n# TYPE a gauge\na \n",
    "no number": "# HELP a b\n# TYPE a gauge\na x\n",
    "a decimal comma": "# HELP a b\n# TYPE a gauge\na 1,5\n",
    "a label without quotes": "# HELP a b\n# TYPE a gauge\na{c=d} 1\n",
    "a bad escape": '# HELP a b\n# TYPE a gauge\na{c="\\x"} 1\n',
    "a quote inside": '# HELP a b\n# TYPE a gauge\na{c="d"e"} 1\n',
    "a series twice": '# HELP a b\n# TYPE a gauge\na{c="d"} 1\na{c="d"} 2\n',
    "a label twice": '# HELP a b\n# TYPE a gauge\na{c="d",c="e"} 1\n',
    "a family twice": "# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\n",
    "another family's series": "# HELP a b\n# TYPE a gauge\nc 1\n",
    "no last newline": "# HELP a b\n# TYPE a gauge\na 1",
    "an empty line": "# HELP a b\n# TYPE a gauge\n\na 1\n",
    "a counter without _total": "# HELP a b\n# TYPE a counter\na 1\n",
    "a negative counter": "# HELP a_total b\n# TYPE a_total counter\na_total -1\n",
    "milliseconds": "# HELP a_milliseconds b\n# TYPE a_milliseconds gauge\na_milliseconds 1\n",
    "buckets that fall": '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
    "no last bucket": '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_sum 1\na_count 2\n',
}


def promtool(tap, text, name):
    """What Prometheus's own checker says, where it is installed."""
    if not shutil.which("promtool"):
        tap.skip(name, "promtool is not installed (Debian: prometheus)")
        return
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=PATIENCE_S,
                          check=False)
    tap.equal((done.returncode, done.stdout + done.stderr), (0, ""), name)


def check_format(tap):
    """The checker itself, and the golden text."""
    for name, text in BAD.items():
        tap.ok(Exposition(text).problems, f"{name} is no good")
    with open(os.path.join(ROOT, "tests", "golden", "metrics.prom"), encoding="utf-8") as f:
        text = f.read()
    metrics = Exposition(text)
    tap.equal(metrics.problems, [], "the golden text is good")
    tap.ok(all(family.samples for family in metrics.families.values()), "and has every family")
    tap.equal([name for name in metrics.families if not name.startswith("migtune_")], [], "with our prefix")
    tap.ok('"a\\"b\\\\c\\\\xff\\\\x0a"' in text, "a device's strange name is escaped")
    tap.ok("domain=" not in text and "uuid=" not in text, "no label names a domain")
    promtool(tap, text, "promtool finds it good, too")
    return metrics


def expressions(panel):
    """Of a panel."""
    return [target["expr"] for target in panel.get("targets", [])]


def names_of(metrics):
    """The series' names that a query may use, by family."""
    names = {}
    for family in metrics.families.values():
        for name, _ in family.samples:
            names[name] = family
    return names


def check_labels(tap, all_expressions, names):
    """The labels that expressions choose and group by are labels of the metrics."""
    wrong = []
    for expression in all_expressions:
        used = [names[name] for name in re.findall(r"migtune_\w+", expression) if name in names]
        has = {label for family in used for _, labels in family.samples for label, _ in labels} | {"instance"}
        asked = {word.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for word in group.split(",")}
        asked |= set(re.findall(r"[{,](\w+)=", expression))
        wrong += [f"{expression}: {asked - has}"] if asked - has else []
        for label, value in re.findall(r'(\w+)="([^"$]*)"', expression):
            if not any((label, value) in labels for family in used for _, labels in family.samples):
                wrong.append(f"{expression}: no {label}={value}")
    tap.equal(wrong, [], "dashboard: the labels are there")


def check_dashboard(tap, metrics):
    """Every expression names what the code writes, and everything that it writes is shown."""
    with open(os.path.join(ROOT, "packaging", "grafana", "migtune.json"), encoding="utf-8") as f:
        dashboard = json.load(f)
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    names = names_of(metrics)
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    all_expressions = [e for panel in panels for e in expressions(panel)]
    asked = all_expressions + [v["definition"] for v in variables.values() if v["type"] == "query"]
    used = {name for e in asked for name in re.findall(r"migtune_\w+", e)}
    tap.equal(used - set(names), set(), "dashboard: every expression names only what is written")
    shown = {names[name].name for e in all_expressions for name in re.findall(r"migtune_\w+", e) if name in names}
    tap.equal(set(metrics.families) - shown, NOT_SHOWN, "and everything that is written is shown")
    check_labels(tap, all_expressions, names)
    poor = [p["title"] for p in panels
            if not expressions(p) or not p["description"] or "unit" not in p["fieldConfig"]["defaults"]]
    tap.equal(poor, [], "dashboard: panels have expressions, a unit and a description")
    tap.equal(len({p["id"] for p in dashboard["panels"]}), len(dashboard["panels"]), "dashboard: panels have ids of their own")
    sources = {json.dumps(o["datasource"]) for p in panels for o in [p, *p["targets"]]}
    tap.equal((variables["datasource"]["type"], sources),
              ("datasource", {json.dumps({"type": "prometheus", "uid": "${datasource}"})}), "dashboard: its source is a variable")
    known = set(variables) | {"__rate_interval"}
    tap.equal({v for e in asked for v in re.findall(r"\$\{?(\w+)", e)} - known, set(), "dashboard: its variables are there")
    places = [(p["gridPos"]["x"] + dx, p["gridPos"]["y"] + dy) for p in dashboard["panels"]
              for dx in range(p["gridPos"]["w"]) for dy in range(p["gridPos"]["h"])]
    tap.ok(len(places) == len(set(places)) and max(x for x, _ in places) < 24, "dashboard: panels do not overlap")
    counters = {name for name, family in names.items() if family.type != "gauge"}
    bare = [e for e in all_expressions for name in re.findall(r"migtune_\w+", e)
            if name in counters and not re.search(rf"(rate|increase)\({name}\b", e)]
    tap.equal(bare, [], "dashboard: counters are shown by what they rise")
    check_rules(tap, all_expressions)


def check_rules(tap, all_expressions):
    """Prometheus understands them."""
    if not shutil.which("promtool"):
        tap.skip("promtool understands the expressions", "promtool is not installed (Debian: prometheus)")
        return
    rules = [{"record": f"a{i}", "expr": e.replace("$__rate_interval", "5m")} for i, e in enumerate(all_expressions)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as f:
        json.dump({"groups": [{"name": "a", "rules": rules}]}, f)  # JSON is YAML
        f.flush()
        done = subprocess.run(["promtool", "check", "rules", f.name], text=True, capture_output=True, timeout=PATIENCE_S,
                              check=False)
    tap.equal((done.returncode, done.stderr), (0, ""), "promtool understands the expressions")


class Watcher:
    """A watcher without libvirt, and its textfile."""

    def __init__(self, directory):
        self.directory = directory
        self.file = os.path.join(directory, "migtune.prom")
        self.config = os.path.join(directory, "migtune.conf")
        self.configure()

    def configure(self, more=""):
        """Writes the configuration."""
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f'history = {{ file = ""; }};\nmeasure = {{ traffic_every = "100ms"; }};\n'
                    f'metrics = {{ textfile = "{self.file}"; }};\n{more}')

    def start(self):
        """Begins to watch."""
        # pylint: disable=consider-using-with
        return subprocess.Popen(
            [*INSIDE, MIGTUNE, "watch", "--config", self.config, "--run-dir", self.directory, "--log", "stderr", "--connect",
             f"qemu+unix:///system?socket={self.directory}/nobody"],
            env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)

    def wait(self, condition):
        """Waits until the condition holds of the metrics. Returns them, as they are then or at last."""
        end = time.monotonic() + PATIENCE_S
        metrics = Exposition("")
        while time.monotonic() < end:
            try:
                with open(self.file, encoding="utf-8") as f:
                    metrics = Exposition(f.read())
            except FileNotFoundError:
                pass
            if condition(metrics):
                break
            time.sleep(0.05)
        return metrics


def check_watcher(tap, directory):
    """A life: start, reloads, end, and the next one's start."""
    watcher = Watcher(directory)
    process = watcher.start()
    metrics = watcher.wait(lambda m: m.value("migtune_up") == 1)
    tap.equal(metrics.problems, [], "watcher: its text is good")
    tap.equal([metrics.value("migtune_up"), metrics.value("migtune_libvirt_connected"),
               metrics.value("migtune_running_migrations", direction="outgoing")], [1, 0, 0],
              "watcher: it runs, without libvirt")
    tap.equal(stat.S_IMODE(os.stat(watcher.file).st_mode), 0o644, "watcher: everybody may read it")
    tap.equal([name for name in os.listdir(directory) if "prom" in name], ["migtune.prom"], "watcher: nothing lies beside it")
    process.send_signal(signal.SIGHUP)
    metrics = watcher.wait(lambda m: m.value("migtune_config_reloads_total", result="success") == 1)
    tap.equal(metrics.value("migtune_config_last_reload_successful"), 1, "watcher: a reload")
    loaded = metrics.value("migtune_config_last_reload_success_timestamp_seconds")
    watcher.configure("nonsense = 1;\n")
    process.send_signal(signal.SIGHUP)
    metrics = watcher.wait(lambda m: m.value("migtune_config_reloads_total", result="failure") == 1)
    tap.equal((metrics.value("migtune_config_last_reload_successful"),
               metrics.value("migtune_config_last_reload_success_timestamp_seconds"),
               metrics.value("migtune_fail_open_events_total", cause="configuration")), (0, loaded, 1),
              "watcher: one that is refused")
    process.terminate()
    tap.equal(process.wait(PATIENCE_S), 0, "watcher: its end")
    process.stderr.close()
    metrics = watcher.wait(lambda m: m.value("migtune_up") == 0)
    tap.equal((metrics.problems, metrics.value("migtune_up"), metrics.value("migtune_config_reloads_total", result="success")),
              ([], 0, 1), "watcher: what it leaves")
    watcher.configure()
    process = watcher.start()
    metrics = watcher.wait(lambda m: m.value("migtune_up") == 1)
    tap.equal([metrics.value("migtune_config_reloads_total", result=r) for r in ("success", "failure")], [1, 1],
              "watcher: the next one counts on")
    watcher.file = os.path.join(directory, "other.prom")
    watcher.configure()
    process.send_signal(signal.SIGHUP)
    metrics = watcher.wait(lambda m: m.value("migtune_up") == 1)
    tap.equal((metrics.value("migtune_config_reloads_total", result="success"),
               os.path.exists(os.path.join(directory, "migtune.prom"))), (2, False), "watcher: another file")
    promtool(tap, open(watcher.file, encoding="utf-8").read(), "promtool finds it good")
    process.kill()
    process.wait(PATIENCE_S)
    process.stderr.close()


def main():
    """All of it."""
    tap = Tap()
    check_dashboard(tap, check_format(tap))
    if subprocess.run([*INSIDE, "true"], capture_output=True, check=False).returncode == 0:
        with tempfile.TemporaryDirectory() as directory:
            check_watcher(tap, directory)
    else:
        tap.skip("a watcher", "no user and network namespaces here")
    tap.finish()


if __name__ == "__main__":
    main()
