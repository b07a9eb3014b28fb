#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every message that an operator can see is one line that says what, where and, for a warning, what follows or what to do.

Looked at are the formats of log lines (mt_log, mt_log_limited, mt_shim_log, syslog), of errors that become part of them
(mt_fail, mt_wrap) and of what commands print to standard error (mt_print_err, fprintf(stderr)):

  line     one line, without a newline, a tab or an escape sequence in it, and no full stop, space or colon at its end;
           what is printed directly ends with one newline
  subject  a warning, an error and each mt_fail say which thing they are about: by a conversion (%s, %u, ...) or by a name
           that stands in the text
  ending   a warning or an error of the log has a second half behind a comma, a semicolon or a colon: its cause, what
           follows from it or what to do
"""
import glob
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import Tap  # noqa: E402

# Function: which argument is its format, and of which kind it is.
CALLS = {"mt_log": (1, "log"), "mt_log_limited": (2, "log"), "mt_shim_log": (2, "log"), "syslog": (1, "log"),
         "mt_fail": (2, "fail"), "mt_wrap": (1, "wrap"), "mt_print_err": (0, "print"), "fprintf": (1, "print"),
         "mt_terminal_complain": (1, "complain")}
CALL = re.compile(r"\b(" + "|".join(CALLS) + r")\s*\(")
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)\'|//[^\n]*|/\*.*?\*/|[()\[\]{},]|[^"\'()\[\]{},/]+|.', re.S)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|(PRI[a-zA-Z0-9]+)')
CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?([sduxXofgcm])")
LOUD = re.compile(r"\b(MT_LOG_ERR|MT_LOG_WARNING|LOG_ERR|LOG_WARNING|failure_priority)\b")
# Names that a text may have instead of a conversion: a configuration key, an option, a program or a part of the system.
NAMED = re.compile(r"[a-z_]+\.[a-z_]+\b|--[a-z]+|\b(?:libvirt|watcher|plugin|netlink|uplink|kernel|tc|sock_diag|share_dir|"
                   r"histor[a-z]+|agent|sampler|local socket|event loop|thread|history|qdisc|domain|guest|host|post-copy|"
                   r"QEMU|XML|ifb|gnuplot|route|destinations?|migrations?|request|service manager)\b|^[^:]{2,40}: ", re.I)

# (file, whole format); None: all of the file's.
EXCEPTIONS = {
    ("plugin/command/migrate/screen.c", None),  # draws on the terminal
    ("plugin/command/progress.c", None),        # as well
    ("plugin/service/watch.c", "%s"),           # the complaint of a destination, which says what follows
    ("hooks/shim_log.c", "%s"),                 # the plugin's own lines
    ("plugin/command/intent/set.c", "it is gone"),  # "domain 'NAME': " is put in front
}
# Errors of parsers: whoever calls them puts the key, the argument or the file in front (mt_wrap), and some say it alone.
WRAPPED = ("plugin/shim_json.c", "plugin/config_value.c", "plugin/config_text.c", "plugin/units.c", "plugin/simulate/",
           "plugin/command/model/", "plugin/command/simulate/", "plugin/policy/", "plugin/measure/status_file.c")


def arguments(text, at):
    """The arguments of the call whose '(' is before at, as texts; comments and what is within strings count for nothing."""
    found, depth, current = [], 0, ""
    for match in TOKEN.finditer(text, at):
        token = match.group()
        if token.startswith(("//", "/*")):
            continue
        if token in "([{":
            depth += 1
        elif token in ")]}":
            if depth == 0:
                return [*found, current.strip()]
            depth -= 1
        if token == "," and depth == 0:
            found.append(current.strip())
            current = ""
        else:
            current += token
    return found


def format_of(argument):
    """The text of adjacent string literals; None where the format is something else (a parameter, a conditional)."""
    if not argument.startswith('"'):
        return None
    rest = STRING.sub("", argument).strip()
    return None if rest else "".join(text or "u" for text, _ in STRING.findall(argument))


def messages(path):
    """(line number, function, kind, the arguments before the format, the format) of each message in a file."""
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        text = f.read()
    for match in CALL.finditer(text):
        name = match.group(1)
        index, kind = CALLS[name]
        given = arguments(text, match.end())
        if len(given) <= index or (name == "fprintf" and given[0] != "stderr"):
            continue
        text_of = format_of(given[index])
        if text_of is not None:
            yield text.count("\n", 0, match.start()) + 1, kind, given[:index], text_of


def line_faults(kind, text):
    """What is wrong with its being one line."""
    if kind == "print":
        if not text.endswith("\\n"):
            yield "does not end with a newline"
        text = text.removesuffix("\\n")
    if re.search(r"\\[nrtvfabe]|\\0|\\x", text):
        yield "has a newline or a control character in it"
    if re.search(r"[.! :,;]$", text) and not text.endswith(("...", "%s:")):
        yield "ends with a full stop, a space or a colon"


def content_faults(path, kind, before, text):
    """What is wrong with what it says."""
    loud = kind == "log" and any(LOUD.search(argument) for argument in before)
    if (loud or (kind == "fail" and not path.startswith(WRAPPED))) and not (CONVERSION.search(text) or NAMED.search(text)):
        yield "has no subject: which thing is it about?"
    if loud and not re.search(r"[,;:] ", text):
        yield "says neither a cause, nor what follows, nor what to do"


def faults(path, kind, before, text):
    """All of them."""
    if (path, text) in EXCEPTIONS or (path, None) in EXCEPTIONS:
        return []
    return [*line_faults(kind, text), *content_faults(path, kind, before, text)]


def check_itself(tap):
    """The rules find what they are for."""
    warning = ["MT_LOG_WARNING"]
    for kind, before, text, want in (
            ("log", warning, "domain '%s': %s, leaving it", 0), ("log", warning, "tc.parent: not there, shaping nothing", 0),
            ("log", warning, "it failed, leaving it", 1), ("log", warning, "domain '%s' failed", 1), ("log", warning, "oh", 2),
            ("log", ["MT_LOG_INFO"], "done", 0), ("log", ["MT_LOG_INFO"], "done.", 1), ("log", ["MT_LOG_INFO"], "a\\nb", 1),
            ("fail", [], "out of memory", 1), ("fail", [], "list devices: out of memory", 0), ("fail", [], "%s: %s ", 1),
            ("print", [], "migtune x: %s\\n", 0), ("print", [], "migtune x: %s", 1), ("print", [], "migtune x: %s.\\n", 1)):
        tap.equal(len(faults("plugin/x.c", kind, before, text)), want, f"{kind}: {text}")
    tap.equal(arguments('(a, "b, (\\"" PRIu64 " c", f(d, e), /* ,) */ g)', 1), ["a", '"b, (\\"" PRIu64 " c"', "f(d, e)", "g"],
              "arguments are split")
    tap.equal([format_of('"a %" PRIu64 "b"'), format_of("text"), format_of('x ? "a" : "b"')], ["a %ub", None, None],
              "literals are joined")


def main():
    """One check a file that has messages."""
    tap = Tap()
    check_itself(tap)
    total = 0
    paths = sorted(os.path.relpath(path, ROOT) for folder in ("plugin", "hooks")
                   for path in glob.glob(os.path.join(ROOT, folder, "**", "*.c"), recursive=True))
    for path in paths:
        found = list(messages(path))
        total += len(found)
        bad = [f"{path}:{line}: {fault}: {text}" for line, kind, before, text in found
               for fault in faults(path, kind, before, text)]
        if found:
            tap.ok(not bad, f"{path}: {len(found)} messages", "\n".join(bad))
    tap.ok(total > 300, "the messages were found", f"only {total}")
    tap.finish()


if __name__ == "__main__":
    main()
