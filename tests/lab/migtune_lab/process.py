# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run programs and wait for things, with errors that say what went wrong."""
import subprocess
import time

OUTPUT_LINES_IN_ERRORS = 6


class LabError(Exception):
    """Something in the lab failed; the text is one line for people."""


def last_lines(text, count=OUTPUT_LINES_IN_ERRORS):
    """The last lines of some output, joined to one line."""
    return "; ".join(line.strip() for line in text.strip().splitlines()[-count:])


def run(arguments, *, check=True, timeout=30, stdin=None, env=None):
    """Run a program to its end and return its subprocess.CompletedProcess with text output."""
    try:
        done = subprocess.run(arguments, input=stdin, capture_output=True, text=True, timeout=timeout, env=env, check=False)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{' '.join(arguments)}: no end after {timeout} s") from error
    if check and done.returncode != 0:
        raise LabError(f"{' '.join(arguments)}: status {done.returncode}: {last_lines(done.stderr or done.stdout)}")
    return done


def wait_for(what, condition, timeout=10.0, step=0.02):
    """Call condition until it returns something true, and return that; a LabError names what did not happen."""
    limit = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= limit:
            raise LabError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(step)


def end(process, timeout=5.0):
    """Terminate a process of ours, kill it if it does not obey, reap it; returns its exit status."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()
