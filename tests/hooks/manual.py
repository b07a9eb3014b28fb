# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading the manual pages: what their lists name, and under which headings. The pages are mdoc(7)."""
import os
import re
import shlex

DELIMITERS = {",", ".", ";", ":", "|", "(", ")", "[", "]", "?", "!"}
MACROS = {"Ar", "Cm", "Dv", "Em", "Er", "Ev", "Fa", "Fl", "Fn", "Ft", "Ic", "In", "Li", "Nm", "No", "Ns", "Op", "Pa", "Pq",
          "Ql", "Qq", "Dq", "Sq", "Sy", "Ta", "Tn", "Va", "Vt", "Xr", "Xo", "Xc"}


def plain(text):
    """Without mdoc's escapes."""
    return text.replace("\\e", "\\").replace("\\&", "").replace("\\-", "-")


def words(line):
    """A macro line's words; quoted ones whole."""
    try:
        return shlex.split(line, posix=True)
    except ValueError:
        return line.split()


def names(line, macro):
    """What stands behind the macro on this line: of ".It Va a , b No = c" and Va a and b."""
    found, current = [], None
    for word in words(line.lstrip(".")):
        if word in MACROS:
            current = word
        elif current == macro and word not in DELIMITERS:
            found.append(plain(word))
    return found


class Item:
    """One .It, or several that share their text: head lines, text, and the headings it is under."""

    def __init__(self, section, subsection, head):
        self.section, self.subsection, self.heads, self.body = section, subsection, [head], []

    def names(self, macro):
        """What the heads name by this macro."""
        return [name for head in self.heads for name in names(head, macro)]

    @property
    def text(self):
        """What is said, macros and all, in one line."""
        return plain(" ".join(self.body))


class Page:
    """One manual page."""

    def __init__(self, path):
        self.path, self.name = path, os.path.basename(path)
        with open(path, encoding="ascii") as f:
            self.lines = f.read().splitlines()
        self.items = self._items()

    def _items(self):
        section = subsection = ""
        items, open_items = [], []  # open_items: the item that is being read at each depth of lists, or None
        for line in self.lines:
            if line.startswith(".Sh "):
                section, subsection = line[4:], ""
            elif line.startswith(".Ss "):
                subsection = line[4:]
            for item in open_items:
                if item is not None:
                    item.body.append(line)
            if line.startswith(".Bl "):
                open_items.append(None)
            elif line.startswith(".El"):
                open_items.pop()
            elif line.startswith(".It") and open_items:
                item = open_items[-1]
                if item is not None and [text for text in item.body if not text.startswith(".It")] == []:
                    item.heads.append(line[4:])
                    item.body = []
                else:
                    if item is not None:
                        item.body.pop()
                    open_items[-1] = Item(section, subsection, line[4:])
                    items.append(open_items[-1])
        return items

    def section(self, title):
        """The lines of a section."""
        lines, inside = [], False
        for line in self.lines:
            if line.startswith(".Sh "):
                inside = line[4:] == title
            elif inside:
                lines.append(line)
        return lines

    def sections(self):
        """Its headings."""
        return [line[4:] for line in self.lines if line.startswith(".Sh ")]

    def displays(self, section=None):
        """The literal displays, each as one text, and the .Dl lines."""
        lines = self.lines if section is None else self.section(section)
        found, block = [], None
        for line in lines:
            if line.startswith(".Bd "):
                block = []
            elif line.startswith(".Ed"):
                found.append(plain("\n".join(block)))
                block = None
            elif block is not None:
                block.append(line)
            elif line.startswith(".Dl "):
                found.append(plain(line[4:]))
        return found


def settings(path):
    """{"group.key": value} of a configuration in libconfig's format, as text; rules are left out."""
    with open(path, encoding="utf-8") as f:
        tokens = re.findall(r'#[^\n]*|"[^"]*"|[{}();=]|[^\s{}();=#"]+', f.read())
    tokens = [token for token in tokens if not token.startswith("#")]
    found, groups = {}, []
    for i, token in enumerate(tokens):
        if token == "{" and i > 1 and tokens[i - 1] == "=":
            groups.append(tokens[i - 2])
        elif token == "}":
            groups.pop()
        elif token == "=" and tokens[i + 1] not in ("{", "("):
            found[".".join([*groups, tokens[i - 1]])] = tokens[i + 1].strip('"')
    return found
