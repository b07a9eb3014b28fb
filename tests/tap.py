# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test Anything Protocol for the test programs written in Python: one named line a check, the plan at the end."""
import sys


class Tap:
    """Counts checks and prints a TAP line for each; finish() gives the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, good, name, detail=""):
        """One check. The detail is shown when it fails. Returns whether it was good."""
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}", flush=True)
        if not good and detail:
            for line in str(detail).splitlines():
                print(f"# {line}", flush=True)
        return bool(good)

    def equal(self, got, want, name):
        """A check for equality that shows both."""
        return self.ok(got == want, name, f"got  {got!r}\nwant {want!r}")

    def skip(self, name, reason):
        """A check that cannot be made here."""
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {reason}", flush=True)

    def finish(self):
        """Prints the plan and ends the program."""
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)
