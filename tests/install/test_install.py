#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What meson install puts into a prefix works from there: test_install.py PREFIX VERSION

Nothing in the environment points anywhere: the programs must find plugin and configuration by the paths compiled in.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402

PREFIX, VERSION = os.path.abspath(sys.argv[1]), sys.argv[2]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MIGTUNE_")}
MIGTUNE = os.path.join(PREFIX, "bin", "migtune")
HOOK = os.path.join(PREFIX, "etc", "libvirt", "hooks", "qemu.d", "50-migtune")
HOST = """
#include <migtune/plugin.h>
#include <dlfcn.h>
#include <string.h>
int main(void)
{
        void *object = dlopen(PLUGIN_DIR "/migtune.so", RTLD_NOW | RTLD_LOCAL);
        void *symbol = object ? dlsym(object, MT_PLUGIN_SYMBOL) : 0;
        mt_plugin_get_fn get;
        memcpy(&get, &symbol, sizeof(get));
        return !(symbol && get(MT_ABI_MAJOR) && !strcmp(get(MT_ABI_MAJOR)->version, VERSION));
}
"""


def run(*command):
    """(status, standard output, standard error)."""
    done = subprocess.run(command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def check_third_party(tap):
    """Somebody else's host program, built from what is installed alone."""
    pkg_config = next((os.path.join(directory, "migtune.pc") for directory, _, names in os.walk(PREFIX)
                       if "migtune.pc" in names), None)
    if not tap.ok(pkg_config is not None, "migtune.pc is installed"):
        return
    plugin_dir = run("pkg-config", "--variable=plugindir", pkg_config)[1].strip()
    flags = run("pkg-config", "--cflags", pkg_config)[1].split()
    tap.ok(os.path.exists(os.path.join(plugin_dir, "migtune.so")), "plugindir is where the plugin is", plugin_dir)
    compiler = shutil.which("cc")
    with tempfile.TemporaryDirectory() as directory:
        source, program = os.path.join(directory, "host.c"), os.path.join(directory, "host")
        with open(source, "w", encoding="ascii") as f:
            f.write(HOST)
        done = run(compiler, *flags, f'-DPLUGIN_DIR="{plugin_dir}"', f'-DVERSION="{VERSION}"', source, "-o", program, "-ldl")
        tap.equal(done[0], 0, "a third party's host program compiles")
        tap.equal(run(program)[0], 0, "and loads the plugin")


def check_shim(tap):
    """The preload shim, and the drop-ins that name it."""
    dropins = [os.path.join(directory, name) for directory, _, names in os.walk(os.path.join(PREFIX, "share", "migtune"))
               for name in names if name == "migtune-shim.conf"]
    named = set()
    for path in dropins:
        with open(path, encoding="utf-8") as f:
            named |= set(re.findall(r"^Environment=LD_PRELOAD=(.*)$", f.read(), re.MULTILINE))
    tap.ok(len(dropins) == 4 and len(named) == 1 and os.path.exists(min(named)), "four drop-ins name the installed shim",
           (dropins, named))
    tap.equal(run("/usr/bin/env", f"LD_PRELOAD={min(named, default='')}", "/bin/true"), (0, "", ""), "it can be preloaded")


tap = Tap()
tap.equal(run(MIGTUNE, "--version"), (0, f"migtune {VERSION}\n", ""), "migtune --version")
status, output, errors = run(MIGTUNE, "--help")
listed = set(re.findall(r"^  (\w+) ", output, re.MULTILINE))
tap.equal({"watch", "plan", "status", "model", "check", "cleanup"} - listed, set(), "migtune --help lists every command")
status, output, errors = run(MIGTUNE, "check")
tap.ok(status == 0, "migtune check accepts the installed configuration", output + errors)
status, output, errors = run(MIGTUNE, "model", "--list")
tap.ok(status == 0 and len(output.splitlines()) > 5, "migtune model --list", output + errors)
status, output, errors = run(MIGTUNE, "plan", "--offline", "memory=4GiB", "dirty_rate=300Mbit", "link=1Gbit", "--json")
try:
    plan = json.loads(output)
except ValueError:
    plan = None
tap.ok(status == 0 and isinstance(plan, dict), "migtune plan --offline", output + errors)
done = run(HOOK, "vm", "reconnect", "begin", "-")
tap.equal(done, (0, "", ""), "the hook, for a step that does not matter")
status, output, errors = run(HOOK, "vm", "migrate", "begin", "-")
tap.ok((status, output) == (0, "") and "plugin" not in errors, "the hook finds its plugin", errors)
check_third_party(tap)
check_shim(tap)
beside = ("bash-completion/completions/migtune", "zsh/site-functions/_migtune", "migtune/grafana/migtune.json",
          "migtune/rsyslog/40-migtune.conf")
tap.equal([name for name in beside if not os.path.exists(os.path.join(PREFIX, "share", name))], [],
          "what other programs take up is installed")
tap.finish()
