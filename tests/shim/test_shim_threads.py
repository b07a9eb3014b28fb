#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Threads that all call at once, under ThreadSanitizer: test_shim_threads.py SHIM PLUGIN PROGRAM"""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from shim import Shim, Tap  # noqa: E402

SHIM, PLUGIN, PROGRAM = (os.path.abspath(a) for a in sys.argv[1:4])
RUNNER = Shim(SHIM, PLUGIN, PROGRAM)
TSAN = {"preload": False, "TSAN_OPTIONS": "halt_on_error=0 exitcode=66 report_signal_unsafe=0"}

tap = Tap()
if subprocess.run([PROGRAM], capture_output=True, check=False).returncode != 2:
    tap.skip("ThreadSanitizer", "its programs do not run here")
    tap.finish()
for name, settings in {"tuned": {"MOCK_ADVICE": "tune bandwidth=60 ticket=t"},
                       "refused": {"MOCK_ADVICE": "tune add=8000 ticket=t", "FAKE_REFUSE": "8000"},
                       "after a wait": {"MOCK_ADVICE": "wait wait=50 ticket=t|" * 10 + "tune bandwidth=60 ticket=t"},
                       "without a plugin": {"plugin": "/nonexistent/plugin.so"},
                       "without a watcher": {"MIGTUNE_PLUGIN": "", "uri": "qemu:///system", "MOCK_ERROR": -107,
                                             "ALONE_ADVICE": "wait wait=50 ticket=t|tune bandwidth=60 ticket=t"},
                       "a watcher that comes and goes": {"MIGTUNE_PLUGIN": "", "uri": "qemu:///system",
                                                         "MOCK_ERRORS": "-107 0 -107 0 0 -107 -107 0 -107",
                                                         "MOCK_ADVICE": "tune bandwidth=60 ticket=t"},
                       "stuck": {"MOCK_HANGS": "advise", "MOCK_HANGS_MS": 300, "MIGTUNE_SHIM_TIMEOUT_MS": 50}}.items():
    for command in ("touri3 uri=b flags=3 p:bandwidth:U=5", "migrate3 flags=1"):
        result = RUNNER.run(f"many 8 {command}", f"many 8 {command}", **TSAN, **settings)
        tap.ok(result.status == 0 and result.out == "8 of 8\n" * 2 and "ThreadSanitizer" not in result.err,
               f"eight threads, {name}, {command.split()[0]}", result)
others = [f"& {name} domain=vm{i} value=50" for i in range(6) for name in ("maxdowntime", "maxspeed", "suspend", "postcopy")]
result = RUNNER.run(*(f"& touri3 uri=b flags=3 domain=vm{i}" for i in range(6)), *others, "pause 200",
                    "touch {dir}/end", "join", FAKE_UNTIL="{dir}/end",
                    MOCK_ADVICE="tune bandwidth=60 ticket=t", MOCK_ANSWERS="3=1 4=1", **TSAN)
tap.ok(result.status == 0 and "ThreadSanitizer" not in result.err and result.out.count(" 0 errno 7 error 0 -") == 30,
       "calls about migrations that run", result)
result = RUNNER.run(*(f"& touri3 uri=b flags=3 domain=vm{i}" for i in range(8)),
                    *(f"until {{dir}}/shim 'vm{i}': its migration waits" for i in range(8)), *(f"& abort domain=vm{i}" for i in range(8)),
                    "join", MOCK_ADVICE="wait wait=60000 ticket=t reason=others", **TSAN)
tap.ok(result.status == 0 and "ThreadSanitizer" not in result.err and result.out.count("error 78 ") == 8
       and result.fake == [], "eight that wait, and eight that abort", result)
tap.finish()
