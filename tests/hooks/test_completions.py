#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shells' completions: test_completions.py MIGTUNE PLUGIN SOURCE-ROOT

What they offer is compared both ways with what the commands say of themselves. libvirt's domains are a made-up virsh's.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
from shells import Bash, Zsh  # noqa: E402
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN, ROOT = (os.path.abspath(a) for a in sys.argv[1:4])
COMPLETIONS = os.path.join(ROOT, "packaging", "completions")
COMMON = {"--help", "--config", "--run-dir", "--log", "--debug"}
VIRSH = """#!/bin/sh
echo "$@" >>"$MIGTUNE_TEST_ASKED"
case "$*" in
  *session*) echo mine ;;
  *hangs*) exec sleep 1000 ;;
  *broken*) echo "error: no" >&2; echo vm9; exit 1 ;;
  *--all*) printf 'vm1\\nweb 2\\noff\\n\\n' ;;
  *) printf 'vm1\\nweb 2\\n\\n' ;;
esac
"""
OFFLINE = ["plan", "--offline", "memory=1GiB", "dirty_rate=10Mbit", "link=1Gbit"]
URIS = ["qemu+ssh://", "qemu+tcp://", "qemu+tls://"]

# A line, and what is offered at its end: by bash, which gives what stands behind its last break (: and =); by zsh, where it
# differs.
LINES = (
    ("migtune pl", ["plan"]),
    ("migtune --debug --log stderr pl", ["plan"]),
    ("migtune bogus ", []),
    ("migtune status x", []),
    ("migtune plan v", ["vm1"]),
    ("migtune plan ", ["vm1", "web\\ 2"]),
    ("migtune plan web\\ ", ["web\\ 2"]),
    ("migtune plan web\\ 2 ", URIS),
    ("migtune migrate vm1 qemu+s", ["qemu+ssh://"]),
    ("migtune migrate vm1 --urgency ", ["high", "low", "medium"]),
    ("migtune migrate --urgency=h", ["high"]),
    ("migtune migrate --json v", ["vm1"]),
    ("migtune migrate --bandwidth 5Mbit v", ["vm1"]),
    ("migtune evacuate ", URIS),
    ("migtune evacuate qemu+tcp://b/system vm1 w", ["web\\ 2"]),
    ("migtune set ", ["off", "vm1", "web\\ 2"]),
    ("migtune set vm1 urg", ["urgency="], ["urgency"]),
    ("migtune set vm1 urgency=", ["high", "low", "medium"]),
    ("migtune set vm1 post_copy=", ["add", "never", "permitted"]),
    ("migtune set vm1 post-copy-switch=f", ["first-pass"]),
    ("migtune set vm1 --unset urg", ["urgency"]),
    ("migtune set vm1 mode=off tech", ["technique="], ["technique"]),
    ("migtune get vm1 tech", ["technique"]),
    ("migtune get vm1 technique ", [], sorted(COMMON | {"--connect", "--json"})),
    ("migtune plan --offline post_copy=", ["add", "false", "never", "permitted", "true"]),
    ("migtune plan --offline memory=4GiB li", ["libvirt=", "link="], ["libvirt", "link"]),
    ("migtune explain o", ["off"]),
    ("migtune history --domain o", ["off"]),
    ("migtune plan --connect qemu:///session ", ["mine"]),
    ("migtune plan --connect=qemu:///session ", ["mine"]),
    ("migtune plan --connect qemu:///hangs ", []),
    ("migtune plan --connect q", ["qemu:///session", "qemu:///system"]),
    ("migtune plan --connect qemu:///se", ["///session"], ["qemu:///session"]),
    ("migtune --log ", ["file:", "stderr", "syslog"]),
    ("migtune model wan.T", ["wan.Ti"]),
    ("migtune model wan.Ti ", ["D=", "R=", "i=", "tau=", "vm_mb="], ["D", "R", "i", "tau", "vm_mb"]),
    ("migtune model --figure wan.", ["wan.3", "wan.4", "wan.5", "wan.6"]),
    ("migtune model --table thesis.s", ["thesis.single"]),
    ("migtune simulate --law uniform,n", ["uniform,normal"], ["normal"]),
    ("migtune simulate --network us", ["usnet"]),
    ("migtune report -o DIR/a-f", ["DIR/a-file"], ["a-file"]),
    ("migtune check DIR/a-f", ["DIR/a-file"], ["a-file"]),
    ("migtune --config DIR/a-f", ["DIR/a-file"], ["a-file"]),
)


def run(environment, *arguments):
    """(status, all output) of migtune."""
    done = subprocess.run([MIGTUNE, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def long_options(text):
    """The options that a help text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def check_options(tap, name, shell, environment, commands):
    """Each subcommand's options, both ways."""
    offered = shell.all_offers([f"migtune {command} --" for command in commands])
    for command, offers in zip(commands, offered):
        helped = long_options(run(environment, command, "--help")[1])
        tap.equal((sorted(set(offers) - helped - COMMON), sorted((helped | COMMON) - set(offers))), ([], []),
                  f"{name}: the options of {command} and those of its --help")
    helped = long_options(run(environment, "--help")[1])
    offers = set(shell.offers("migtune --"))
    summaries = {"--since", "--accuracy", "--json", "--follow", "--offline", "--connect", "--list", "--plot", "--network"}
    tap.equal((offers - helped, helped - offers - summaries), (set(), set()), f"{name}: migtune's own")


def check_keys(tap, name, shell, environment):
    """What set, get and plan --offline take."""
    with open(os.path.join(ROOT, "plugin", "config_keys.c"), encoding="utf-8") as f:
        intent = set(re.findall(r'INTENT\("[^"]+", "([^"]+)"', f.read()))
    helped = set(re.findall(r"^  ([a-z_]+) +\S", run(environment, "plan", "--help")[1], re.MULTILINE)) - {"and"}
    plan, get, to_set = ({offer.rstrip("=") for offer in offers} for offers in shell.all_offers(
        ["migtune plan --offline ", "migtune get vm1 ", "migtune set vm1 "]))
    tap.ok(len(intent) > 30 and len(helped) > 20, "the sources have keys", f"{intent} {helped}")
    tap.equal((to_set ^ intent, get ^ intent), (set(), set()), f"{name}: the keys of set and get are those of a rule")
    tap.equal(plan ^ (intent | helped), set(), f"{name}: those of plan --offline")


def check_words(tap, name, shell, environment):
    """Each word that is offered for a key is good there."""
    keys = [offer.rstrip("=") for offer in shell.offers("migtune plan --offline ")]
    bad, n = [], 0
    for key, words in zip(keys, shell.all_offers([f"migtune plan --offline {key}=" for key in keys])):
        for word in words:
            n += 1
            with_it = ["caller_flags=live"] if key == "guest_paused" else []
            status, output = run(environment, *OFFLINE, f"{key}={word}", *with_it)
            if status != 0 and "cost.table" not in output:  # cost_function = "table" wants another key
                bad.append(f"{key}={word}: {output}")
    tap.ok(n > 30 and not bad, f"{name}: words of keys are taken", bad or n)


def check_models(tap, name, shell, environment):
    """The models' names."""
    listed = set(re.findall(r"^([\w.]+)\(", run(environment, "model", "--list")[1], re.MULTILINE))
    tap.equal(set(shell.offers("migtune model ")) ^ listed, set(), f"{name}: the models")


def check_lines(tap, name, shell, directory):
    """The table above."""
    lines = [line.replace("DIR", directory) for line, *_ in LINES]
    for (line, *wanted), offers in zip(LINES, shell.all_offers(lines)):
        want = [word.replace("DIR", directory) for word in wanted[-1 if name == "zsh" else 0]]
        tap.equal(offers, want, f"{name}: {line!r}")


def check_virsh(tap, name, shell, asked):
    """How libvirt is asked, and that a failure is silent."""
    with open(asked, "w", encoding="ascii"):
        pass
    shell.all_offers(["migtune plan ", "migtune set ", "migtune plan --connect qemu+tcp://h/system "])
    with open(asked, encoding="utf-8") as f:
        lines = f.read().splitlines()
    tap.equal(lines, ["-r -q -c qemu:///system list --name", "-r -q -c qemu:///system list --name --all",
                      "-r -q -c qemu+tcp://h/system list --name"], f"{name}: virsh is asked")
    tap.equal(shell.offers("migtune plan --connect test:///broken "), ["vm9"], f"{name}: what it complains of is not shown")


def check_shell(tap, name, shell, directory, environment):
    """All of one shell."""
    commands = re.findall(r"^  (\w+) ", run(environment, "--help")[1], re.MULTILINE)
    tap.equal(sorted(shell.offers("migtune ")), sorted(commands), f"{name}: the subcommands")
    check_options(tap, name, shell, environment, commands)
    check_keys(tap, name, shell, environment)
    check_models(tap, name, shell, environment)
    check_lines(tap, name, shell, directory)
    check_virsh(tap, name, shell, environment["MIGTUNE_TEST_ASKED"])
    if name == "bash":  # the words are the same
        check_words(tap, name, shell, environment)


def main():
    """bash and zsh."""
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        binaries = os.path.join(directory, "bin")
        os.mkdir(binaries)
        os.symlink(MIGTUNE, os.path.join(binaries, "migtune"))
        with open(os.path.join(binaries, "virsh"), "w", encoding="ascii") as f:
            f.write(VIRSH)
        os.chmod(os.path.join(binaries, "virsh"), 0o755)
        with open(os.path.join(directory, "a-file"), "w", encoding="ascii"):
            pass
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("LIBVIRT", "MIGTUNE"))}
        environment.update(PATH=f"{binaries}:{os.environ['PATH']}", MIGTUNE_PLUGIN=PLUGIN,
                           MIGTUNE_TEST_ASKED=os.path.join(directory, "asked"))
        check_shell(tap, "bash", Bash(os.path.join(COMPLETIONS, "migtune.bash"), environment), directory, environment)
        if shutil.which("zsh"):
            zsh = Zsh(directory, COMPLETIONS, environment)
            check_shell(tap, "zsh", zsh, directory, environment)
            zsh.end()
        else:
            tap.skip("zsh", "it is not installed")
    tap.finish()


if __name__ == "__main__":
    main()
