# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prometheus's text exposition format, version 0.0.4, read strictly: what it forbids, and what Prometheus advises against."""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
UNITS = re.compile(r"_(milliseconds|ms|microseconds|us|minutes|hours|kilobytes|megabytes|mib|kib|bits|mbps|percent)(_|$)")


class Family:
    """One metric family."""

    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, {}


class Exposition:
    """A text: families by name, and what is wrong with it."""

    def __init__(self, text):
        self.families, self.problems = {}, []
        self._last = None
        if text and not text.endswith("\n"):
            self.problems.append("the last line has no end")
        for number, line in enumerate(text.split("\n")[:-1], 1):
            problem = self._comment(line) if line.startswith("#") else self._sample(line)
            if problem:
                self.problems.append(f"{number}: {problem}: {line!r}")
        for family in self.families.values():
            self.problems += [f"{family.name}: {problem}" for problem in self._advice(family)]
            if family.type == "histogram":
                self.problems += [f"{family.name}: {problem}" for problem in self._histogram(family)]

    def _comment(self, line):
        match = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.*)", line)
        if not match:
            return "neither HELP nor TYPE"
        kind, name, text = match.groups()
        if kind == "HELP":
            if name in self.families:
                return "told about twice"
            if re.search(r"\\(?![\\n])", text):
                return "a bad escape"
            self._last = self.families[name] = Family(name, text)
            return None
        if self._last is None or self._last.name != name or self._last.type or self._last.samples:
            return "TYPE does not follow its HELP"
        self._last.type = text
        return None if text in SUFFIXES else "an unknown type"

    def _sample(self, line):
        match = SAMPLE.fullmatch(line)
        if not match:
            return "no sample"
        name, labels, value = match.groups()
        family = self._last
        if family is None or family.type is None or name not in [family.name + s for s in SUFFIXES.get(family.type, ())]:
            return "outside its family"
        if not NUMBER.fullmatch(value):
            return "no number"
        pairs = dict(re.findall(r'([a-zA-Z_0-9]+)="((?:[^"\\]|\\.)*)"', labels or ""))
        if len(pairs) != len(re.findall(LABEL, labels or "")):
            return "a label twice"
        key = (name, tuple(sorted(pairs.items())))
        if key in family.samples:
            return "a series twice"
        family.samples[key] = float(value)
        return None

    @staticmethod
    def _advice(family):
        """As `promtool check metrics` gives it."""
        if not family.help:
            yield "no help"
        if family.type is None:
            yield "no type"
        if family.type == "counter" and not family.name.endswith("_total"):
            yield "a counter's name ends in _total"
        if family.type != "counter" and family.name.endswith("_total"):
            yield "only a counter's name ends in _total"
        if family.name.endswith(("_bucket", "_sum", "_count", "_info_total")):
            yield "a suffix that is reserved"
        if UNITS.search(family.name):
            yield "no base unit"
        if re.search(r"[A-Z:]", family.name):
            yield "its name has capitals or colons"
        for (name, _), value in family.samples.items():
            if family.type != "gauge" and not (value >= 0 and math.isfinite(value)):
                yield f"{name} is {value}"

    @staticmethod
    def _histogram(family):
        """Buckets rise up to +Inf, which is the count."""
        series = {}
        for (name, labels), value in family.samples.items():
            rest = tuple(pair for pair in labels if pair[0] != "le")
            part = series.setdefault(rest, {"buckets": {}})
            if name.endswith("_bucket"):
                part["buckets"][float(dict(labels).get("le", "nan"))] = value
            else:
                part[name[len(family.name) + 1:]] = value
        for rest, part in series.items():
            counts = [count for _, count in sorted(part["buckets"].items())]
            if {"sum", "count"} - part.keys() or math.inf not in part["buckets"]:
                yield f"{rest}: incomplete"
            elif counts != sorted(counts) or counts[-1] != part["count"]:
                yield f"{rest}: its buckets do not rise to its count"

    def value(self, name, **labels):
        """Of one series; None: there is none."""
        for family in self.families.values():
            if (name, tuple(sorted(labels.items()))) in family.samples:
                return family.samples[(name, tuple(sorted(labels.items())))]
        return None
