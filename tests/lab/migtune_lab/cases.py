# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of the lab tests: TAP lines with the numbers behind them, and cases that fail alone.

A case is a function of the bench. It is one or more checks; one that raises an error becomes a failed check of its
name, the bench is brought back to order, and the next case runs.
"""
import os
import sys
import traceback

from . import image
from .process import LabError

sys.path.insert(0, str(image.SOURCE_ROOT / "tests"))
from tap import Tap  # noqa: E402 (tests/ is on the path only now)


class Cases(Tap):
    """TAP with notes, which are shown whether a check fails or not. The name of each check begins with its case's."""

    def __init__(self):
        super().__init__()
        self._case = ""

    def ok(self, good, name, detail=""):
        """One check, see Tap."""
        return super().ok(good, f"{self._case}: {name}" if self._case else name, detail)

    def note(self, text):
        """Something a reader of the results wants to know: numbers, mostly."""
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def note_load(self):
        """How busy the machine is: emulated guests feel it in every time that is measured."""
        self.note(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")

    def near(self, got, want, part, name):
        """A check that a number is within a part (0.01: 1 %) of what is wanted."""
        good = got is not None and want is not None and abs(got - want) <= part * abs(want)
        return self.ok(good, name, f"got  {got}\nwant {want} within {part:.1%}")

    def run(self, bench, *functions):
        """The cases one after the other, named like their functions."""
        for function in functions:
            self._case = function.__name__.replace("_", " ")
            self.note(f"-- {self._case}: {function.__doc__.strip().splitlines()[0]}")
            try:
                function(bench)
            except (LabError, OSError, KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                place = f"{os.path.basename(where.filename)}:{where.lineno}"
                self.ok(False, "goes through", f"{type(error).__name__}: {error} ({place})\n"
                                               + "".join(traceback.format_tb(error.__traceback__, limit=4)))
                bench.recover()
