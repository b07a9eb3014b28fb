#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manual and the code say the same, both ways: test_manual.py MIGTUNE PLUGIN EVERY-FIELD SOURCE-ROOT

Each configuration key, option, subcommand, record field, metric, environment variable and symbol of the ABI is in the
pages, and each that the pages name exists; so do the messages that they explain. Examples are tried.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Tap  # noqa: E402
from manual import Page, names, plain, settings  # noqa: E402

MIGTUNE, PLUGIN, EVERY_FIELD, ROOT = (os.path.abspath(a) for a in sys.argv[1:5])
PAGES = {os.path.basename(path): Page(path) for path in sorted(glob.glob(os.path.join(ROOT, "packaging", "man", "*.[1-9]")))}
# Pages of others that ours refer to: whether they are installed here says nothing about ours.
MAPS = {"intent.origins", "plan.bars"}  # members of the record whose own members are named by what they are about
OTHERS = {"virsh 1", "tc 8", "ld.so 8", "dlclose 3", "exit 3", "abort 3", "fork 2", "openlog 3", "setlocale 3", "signal 3",
          "chdir 2"}


def run(*arguments):
    """Runs the command. Returns (status, standard output, standard error)."""
    done = subprocess.run([MIGTUNE, *arguments], env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def read(*path):
    """A file of the tree."""
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def sources(*folders):
    """The C sources of these folders, one text."""
    paths = [path for folder in folders for path in glob.glob(os.path.join(ROOT, folder, "**", "*.[ch]"), recursive=True)]
    return "\n".join(read(path) for path in sorted(paths))


def both_ways(in_code, in_pages, what):
    """Two checks: nothing is missing, nothing is invented."""
    tap.equal(sorted(set(in_code) - set(in_pages)), [], f"{what}: none is missing in the manual")
    tap.equal(sorted(set(in_pages) - set(in_code)), [], f"{what}: the manual names no other")


def refused(text):
    """What `migtune check` says against a configuration, without the file's name."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "migtune.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        return run("check", path)[2].replace(path, "")


def setting(key, value):
    """One key of a configuration as a file has it."""
    *groups, name = key.split(".")
    text = f"{name} = {value};"
    for group in reversed(groups):
        text = f"{group} = {{ {text} }};"
    return text


def check_expectation(key, item):
    """Words and bounds that the program expects of a key are those that the page tells."""
    expected = re.search(r"expected (.*), found", refused(setting(key, "-1")))
    tap.ok(expected is not None, f"{key}: -1 is refused")
    if expected is None:
        return
    bounds = re.findall(r"from \S+(?: \S+?)?(?= to) to \S+(?: [kMG]?bit/s| ms| s| min)?", expected[1])
    choices = [] if "such as" in expected[1] else re.findall(r'"([\w-]+)"', expected[1])
    wanted = [bound.rstrip(",") for bound in bounds] + choices + (["auto"] if '"auto"' in expected[1] else [])
    missing = [text for text in wanted if text not in item.text]
    tap.equal(missing, [], f"{key}: bounds and words")


def check_keys():
    """Keys of the configuration, their defaults and bounds; matches and names in rules."""
    page = PAGES["migtune.conf.5"]
    table = re.findall(r'\{ (?:INTENT\("([\w.]+)", "(\w+)"|CONFIG\("([\w.]+)")', read("plugin", "config_keys.c"))
    keys = [intent or config for intent, _, config in table]
    tap.ok(len(keys) > 50, "the table of keys was found", keys)
    items = {name: item for item in page.items for name in item.names("Ic") if item.section != "RULES"}
    both_ways(keys, items, "keys")
    defaults = settings(os.path.join(ROOT, "conf", "migtune.conf"))
    for key in keys:
        head = next((head for head in items[key].heads if key in names(head, "Ic")), "") if key in items else ""
        match = re.search(r" No = (?:Qq )?(.*)$", head)
        tap.equal(match and match[1].replace('"', ""), defaults.get(key), f"{key}: its default")
        if key in items:
            check_expectation(key, items[key])
    matches = re.search(r"expected one of (.*)\n", refused('rules = ( { match = { x = "a"; }; set = { }; } );'))
    listed = [name for item in page.items if item.section == "RULES" for name in item.names("Ic")]
    both_ways([f"match.{name}" for name in matches[1].split(", ")], [name for name in listed if "." in name],
              "matches of rules")
    inner = re.search(r"expected one of (.*)\n",
                      refused('rules = ( { match = { metadata = { x = "a"; }; }; set = { }; } );'))
    both_ways(inner[1].split(", "), [name for name in listed if "." not in name], "matches of metadata")
    by_name = {name for intent, name, _ in table if intent and intent != f"migration.{name}"} - {"mode"}
    said = {name for line in page.section("RULES") if line.startswith(".Ic") for name in names(line, "Ic")}
    tap.equal(sorted(by_name - said), [], "what a rule sets by another name is in the manual")
    known = {name for _, name, _ in table} | set(keys)
    tap.equal(sorted(name for name in said - known if re.fullmatch(r"[a-z]+_[a-z_]+", name)), [], "and nothing else")


def options(text):
    """Options in a text: --long ones, and -s at a word's place."""
    short = set(re.findall(r"(?:^| )-([a-z])(?=[ ,])", text, re.MULTILINE))
    return short | set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", text))


def check_commands():
    """Subcommands and options."""
    page = PAGES["migtune.1"]
    helped = run("--help")[1]
    commands = re.findall(r"^  ([a-z]+) ", helped, re.MULTILINE)
    sections = {}
    for line in page.section("COMMANDS"):
        if line.startswith(".Ss "):
            sections[line[4:]] = line[4:].split(", ")
    both_ways(commands, [name for group in sections.values() for name in group], "subcommands")
    everywhere = options(helped.partition("\nOptions")[2])
    documented = {}
    for item in page.items:
        documented.setdefault(item.subsection, set()).update(name.lstrip("-") for name in item.names("Fl"))
    both_ways(everywhere, documented.get("Options of all commands", set()), "options of all commands")
    for title, group in sections.items():
        own = set().union(*(options(run(name, "--help")[1]) for name in group)) - everywhere
        both_ways(own, documented.get(title, set()), f"options of {title}")
    keys = re.findall(r"^  (?!and )([a-z_]+) +\S", run("plan", "--help")[1], re.MULTILINE)
    both_ways(keys, [item_name for item in page.items if item.subsection == "plan" for item_name in item.names("Cm")
                     if item_name not in ("high", "medium", "low", "true", "false")], "keys of plan --offline")


def fields(value, prefix=""):
    """The paths of all members; a list's members are those of its first."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return fields(value[0], prefix)
    if not isinstance(value, dict):
        return set()
    found = set()
    for name, member in value.items():
        found |= {prefix + name}
        if prefix + name not in MAPS:
            found |= fields(member, f"{prefix}{name}.")
    return found


def check_records():
    """Fields of a record; the program that prints all of them really does."""
    page = PAGES["migtune-record.5"]
    done = subprocess.run([EVERY_FIELD], capture_output=True, text=True, check=True)
    record = json.loads(done.stdout)
    paths = fields(record)
    written = set(re.findall(r'mt_json_add\(\s*\w+,\s*"(\w+)"', "\n".join(
        read(path) for path in glob.glob(os.path.join(ROOT, "plugin", "record", "*json*.c")) +
        [os.path.join(ROOT, "plugin", "record", "outcome.c")])))
    tap.equal(sorted(written - {path.rsplit(".", 1)[-1] for path in paths}), [],
              "every_field.c prints each field that plugin/record writes")
    documented = {name for item in page.items if item.section == "FIELDS OF A RECORD" for name in item.names("Va")}
    groups = {path for path in paths if any(other.startswith(path + ".") for other in paths)}
    tap.equal(sorted(documented - paths), [], "record: the manual names no other field")
    tap.equal(sorted(paths - groups - documented), [], "record: no field is missing in the manual")
    live = set(re.findall(r'mt_json_add\(\w+,\s*"(\w+)"', "\n".join(
        read("plugin", "steer", name) for name in ("jobs.c", "call.c", "link.c", "recover.c"))))
    text = plain(" ".join(page.section("RUNNING MIGRATIONS")))
    tap.equal(sorted(name for name in live if not re.search(rf"\b{name}\b", text)), [], "status: no field is missing")
    said = {name for line in page.section("RUNNING MIGRATIONS") if line.startswith(".") for name in names(line, "Va")}
    whole = set(re.findall(r'object_add\(reply, "(\w+)"', read("plugin", "service", "requests.c")))
    tap.equal(sorted(said - live - whole), [], "status: the manual names no other field")


def check_journal():
    """Fields that a record has in the journal."""
    page = PAGES["migtune-record.5"]
    added = re.findall(r'\badd\w*\(ret, "([A-Z_]+)"', read("plugin", "record", "fields.c"))
    both_ways([f"MIGTUNE_{name}" for name in added], [name for item in page.items if item.section == "FIELDS OF THE JOURNAL"
                                                      for name in item.names("Va")], "fields of the journal")
    number = re.search(r'RECORD_MESSAGE_ID "(\w+)"', read("hooks", "journal.c"))
    tap.ok(number is not None and f"Li {number[1]} ." in "\n".join(page.lines), "the records' MESSAGE_ID")


def declared(statement):
    """The members that one declaration makes: a function pointer's name, or what stands before a comma or the end."""
    functions = re.findall(r"\(\*(\w+)\)", statement)
    plain_ones = re.findall(r"(\w+)(?:\[\w+\])?\s*(?=,|$)", statement.strip())
    return functions[:1] or plain_ones


def check_abi():
    """Symbols, structs and fields of the ABI, and its changelog."""
    page = PAGES["migtune-plugin.3"]
    header = read("include", "migtune", "plugin.h")
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    symbols = set(re.findall(r"\bM[Tt]_[A-Z_0-9]+\b|\bmt_\w+", code))
    said = set(re.findall(r"\b(?:MT|mt)_\w+", "\n".join(page.lines)))
    both_ways(symbols, said, "symbols of the ABI")
    for name, body in re.findall(r"^struct (mt_\w+) \{\n(.*?)^\};", code, re.DOTALL | re.MULTILINE):
        members = {member for statement in body.split(";") for member in declared(statement)}
        shown = {member for item in page.items if item.subsection == f"struct {name}" for head in item.heads
                 for member in names(head, "Va") + names(head, "Fn")[:1]}
        both_ways(members, shown, f"struct {name}")
    changes = re.findall(r"^ \* +(\d+) +(\d+\.\d+\.\d+) +(.*)$", header, re.MULTILINE)
    listed = re.findall(r"^\.It (\d+) Ta (\S+) Ta (.*)$", "\n".join(page.lines), re.MULTILINE)
    tap.equal(listed, changes, "the ABI's changelog")


def check_example_host():
    """The ABI's example compiles."""
    compiler = shutil.which("cc")
    example = next(text for text in PAGES["migtune-plugin.3"].displays("EXAMPLES") if text.startswith("#include <migtune/"))
    if compiler is None:
        tap.skip("the example host", "no compiler")
        return
    with tempfile.TemporaryDirectory() as directory:
        command = [compiler, "-Wall", "-Wextra", "-Werror", "-I", os.path.join(ROOT, "include"), "-x", "c", "-", "-o",
                   os.path.join(directory, "host"), "-ldl"]
        built = subprocess.run(command, input=example + "\n", capture_output=True, text=True, check=False)
        tap.equal((built.returncode, built.stderr), (0, ""), "the example host compiles")


def check_environment():
    """Variables that programs read."""
    read_by_programs = re.findall(r'getenv\("(\w+)"\)', sources("plugin", "hooks"))
    listed = [name for page in PAGES.values() for item in page.items if item.section == "ENVIRONMENT"
              for name in item.names("Ev")]
    both_ways(read_by_programs, listed, "environment")


def check_metrics():
    """Metrics."""
    table = set(re.findall(r'"(migtune_[a-z0-9_]+)"', sources("plugin")))
    listed = {name for item in PAGES["migtune-metrics.7"].items for name in item.names("Ic")}
    both_ways(table, listed, "metrics")


def check_messages():
    """Messages that the pages explain are messages that the programs write."""
    literals = re.sub(r'"\s*(?:PRI\w+\s*)?"', "", sources("plugin", "hooks"))
    heads = [(page.name, plain(head[3:])) for page in PAGES.values() for item in page.items for head in item.heads
             if head.startswith("Dq ")]
    tap.ok(len(heads) > 20, "messages are explained", len(heads))
    for name, message in heads:
        pieces = [piece.strip(" :;,") for piece in message.split("...")]
        missing = [piece for piece in pieces if len(piece) > 5 and piece not in literals]
        tap.equal(missing, [], f"{name}: the message '{message}'")


def check_examples():
    """What can be tried without a host is tried."""
    page = PAGES["migtune.conf.5"]
    for text in page.displays():
        if re.match(r"\w+ = ", text):
            tap.equal(refused(text), "", f"{page.name}: '{text.splitlines()[0]} ...' is a good configuration")
    for page in PAGES.values():
        for text in page.displays():
            for line in re.sub(r"\\\n\s*", "", text).splitlines():
                match = re.match(r"(?:\$ )?migtune ((?:model|simulate|plan --offline) .*)$", line)
                if match is None or "--plot" in line:
                    continue
                status, _, errors = run(*match[1].split())
                tap.equal((status, errors), (0, ""), f"{page.name}: {line}")


def check_form(page):
    """mandoc's lint, sections, references."""
    lint = subprocess.run(["mandoc", "-Tlint", "-Wstyle", page.path], capture_output=True, text=True, check=False)
    complaints = [line for line in (lint.stdout + lint.stderr).splitlines()
                  if "referenced manual not found" not in line and "outdated mandoc.db" not in line]
    tap.equal(complaints, [], f"{page.name}: mandoc -Tlint -Wstyle")


def check_pages():
    """All pages are installed, refer to pages that exist, and have an example."""
    installed = re.findall(r"'([\w.-]+\.[1-9])'", read("packaging", "man", "meson.build"))
    both_ways(PAGES, installed, "installed pages")
    ours = {f"{name.rsplit('.', 1)[0]} {name[-1]}" for name in PAGES}
    for page in PAGES.values():
        references = {" ".join(match) for match in re.findall(r"Xr (\S+) (\d)", "\n".join(page.lines))}
        tap.equal(sorted(references - ours - OTHERS), [], f"{page.name}: its references")
        tap.ok({"NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"} <= set(page.sections()), f"{page.name}: its sections",
               page.sections())
        if shutil.which("mandoc"):
            check_form(page)
        else:
            tap.skip(f"{page.name}: mandoc -Tlint -Wstyle", "mandoc is not installed")


tap = Tap()
for check in (check_keys, check_commands, check_records, check_journal, check_abi, check_example_host, check_environment,
              check_metrics, check_messages, check_examples, check_pages):
    check()
tap.finish()
