# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of the lab tests: TAP lines with the numbers behind them, and cases that fail alone.

A case is a function of the bench. It is one or more checks; one that raises an error becomes a failed check of its
name, the bench is brought back to order, and the next case runs.

A case that fails after the machine stood still in it (see standstill.py) says nothing of what it is about: it is noted, and
the whole case is run again, twice at most. So a case has to be one that can be run again.
"""
import os
import sys
import time
import traceback

from . import image

sys.path.insert(0, str(image.SOURCE_ROOT / "tests"))
from tap import Tap  # noqa: E402 (tests/ is on the path only now)

ATTEMPTS = 3
STOOD_STILL_S = 0.1  # shorter ones make no difference but to a blackout
TOLD_AFTER_S = 0.2  # until a standstill that has just ended is known


class Spoilt(Exception):
    """A check failed after the machine stood still; the text tells which."""


class Cases(Tap):
    """TAP with notes, which are shown whether a check fails or not. The name of each check begins with its case's."""

    def __init__(self):
        super().__init__()
        self._case = ""
        self._is_spoilt = lambda: False

    def ok(self, good, name, detail=""):
        """One check, see Tap."""
        if not good and self._is_spoilt():
            raise Spoilt(f"{name}\n{detail}".rstrip())
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
            begin = time.time()
            for attempt in range(ATTEMPTS):
                if self._attempt(bench, function, is_last=attempt == ATTEMPTS - 1):
                    break
            self.note(f"{self._case} took {time.time() - begin:.0f} s")

    def _attempt(self, bench, function, is_last):
        """Run a case once. False: it was spoilt, and has to be run again."""
        begin = time.time()

        def stood_still():
            time.sleep(TOLD_AFTER_S)
            return bench.lab.standstills.seconds(begin)

        self._is_spoilt = lambda: not is_last and stood_still() > STOOD_STILL_S
        try:
            function(bench)
        except Exception as error:  # pylint: disable=broad-except # whatever it is, the other cases are to run
            again = isinstance(error, Spoilt) or self._is_spoilt()
            self._is_spoilt = lambda: False
            if again:
                self.note(f"the machine stood still for {stood_still():.2f} s, so this is run again: {error}")
            else:
                self._goes_wrong(error)
            bench.recover()
            return not again
        finally:
            self._is_spoilt = lambda: False
        return True

    def _goes_wrong(self, error):
        """The failed check of an error that ended a case."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{os.path.basename(where.filename)}:{where.lineno}"
        self.ok(False, "goes through", f"{type(error).__name__}: {error} ({place})\n"
                                       + "".join(traceback.format_tb(error.__traceback__, limit=4)))
