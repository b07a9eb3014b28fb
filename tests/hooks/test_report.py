#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""migtune report: the page itself, and how a browser shows it. test_report.py MIGTUNE PLUGIN"""
import html
import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.dom.minidom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
import browser  # noqa: E402
import synthetic  # noqa: E402
import terminal  # noqa: E402
from tap import Tap  # noqa: E402

MIGTUNE, PLUGIN = (os.path.abspath(a) for a in sys.argv[1:3])
VOID = {"meta", "br", "img", "link", "input", "hr"}
HOSTILE = "<script>alert(1)</script>\"'&\u202e`evil`\nplot '/etc/passwd'"
LIGHT, DARK = (255, 255, 255), (20, 24, 29)  # the page's background


def run(*arguments, **environment):
    """Runs the command. Returns (status, standard output, standard error)."""
    done = subprocess.run([MIGTUNE, "report", *arguments], env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN, **environment),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


class Page(html.parser.HTMLParser):
    """What a page is made of; whether each tag is closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.tags, self.attributes, self.text = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append((tag, self.getpos()))

    def handle_data(self, data):
        self.text.append(data)

    def count(self, tag):
        """Elements of a kind."""
        return sum(t == tag for t, _ in self.tags)

    def values(self, name):
        """What an attribute is, wherever it stands."""
        return [value for _, n, value in self.attributes if n == name]


def check_structure(tap, text):
    """Well-formed, whole, for everybody, and of itself alone."""
    page = Page(text)
    ids, svgs = page.values("id"), re.findall(r"<svg class=\"p\".*?</svg>", text, re.S)
    tap.equal((page.wrong[:3], page.open), ([], []), "each tag is closed in its place")
    tap.equal(sorted({i for i in ids if ids.count(i) > 1}), [], "identifiers are unique")
    tap.equal([h for h in page.values("href") if h[0] != "#" or h[1:] not in ids], [], "links lead to places in the page")
    named = [i for name in ("aria-labelledby", "aria-describedby") for value in page.values(name) for i in value.split()]
    tap.equal([i for i in named if i not in ids], [], "and so do names for assistive technology")
    tap.equal(re.findall(r"https?:|//[a-z]|@import|url\((?!#)", text), [], "nothing is loaded from anywhere")
    tap.equal([t for t, _ in page.tags if t in ("script", "iframe", "object", "link", "img", "form")], [],
              "no script, no frame")
    tap.equal([a for a in page.attributes if a[1].startswith("on") or a[1] in ("style", "src")], [], "nor in an attribute")
    tap.ok(("html", {"lang": "en"}) in page.tags and any(a.get("name") == "viewport" for _, a in page.tags)
           and page.count("h1") == 1, "language, viewport, one heading of the first rank")
    tap.ok(page.count("table") == page.count("caption") == 3, "each table has its caption")
    try:
        pictures = [xml.dom.minidom.parseString(svg) for svg in svgs]
    except xml.parsers.expat.ExpatError as problem:
        tap.ok(False, "pictures are well-formed", problem)
        return
    tap.equal([p for p in pictures if p.documentElement.getAttribute("role") != "img"
               or not p.getElementsByTagName("title")[0].firstChild.data], [], "each picture has a role and a name")
    tap.equal(len(pictures), 4 + 20, "pictures of all together, and of the newest 20")


def check_content(tap, text, records):
    """What is told, and that it is told harmlessly."""
    page = Page(text)
    words = re.sub(r"\s+", " ", " ".join(page.text))
    completed = [r for r in records if r["result"] == "completed"]
    held = sum(r["actual"]["downtime_ms"] <= r["intent"]["max_downtime_ms"] for r in completed)
    tap.ok("Live migrations of compute-17.example.org" in words and f"{len(records)} migrations from " in words,
           "host and span")
    for result in ("completed", "failed", "cancelled"):
        count = sum(r["result"] == result for r in records)
        tap.ok(re.search(rf"{result.capitalize()} {count} ", words), f"how many {result}", words[:2000])
    tap.ok(f"{held} of {len(completed)}" in words and f"held: {held} (" in words, "how many held their limit", words[:2000])
    tap.equal(sum(i.startswith("m-") for i in page.values("id")), len(records), "a row for each")
    tap.ok("max_downtime 300 ms" in words and "post-copy from here, blackout " in words, "reasons, and what happened")
    for name in ("carried", "planned", "dirtied", "others", "remaining"):
        tap.ok(text.count(f">{name}</text>") >= 10, f"lines named in the pictures: {name}")
    tap.ok("<script" not in text and "&lt;script&gt;alert(1)" in text and "\u202e" not in text, "hostile names are text")
    tap.ok("<bdi>" in text and html.escape("`evil`") in text, "and isolated")


def mark(number, record):
    """Hostile text wherever a record has text."""
    if number % 10 == 9:
        record["domain"]["name"] = record["destination"] = record["error"] = HOSTILE
        record["reasons"].append(HOSTILE)
        record["events"].append({"t_ms": 1, "text": HOSTILE})
    if number % 10 == 8:  # from before there were such members
        record["actual"].pop("stopped_ms")
        for sample in record["actual"]["samples"]:
            sample.pop("others_mbps")


def sheet(directory, text):
    """The first pictures alone, in boxes of 600 x 600, three in a row."""
    svgs = re.findall(r"<svg class=\"p\".*?</svg>", text, re.S)[:6]
    head, defs = text[:text.index("<body>")], re.search(r"<svg width=.*?</svg>", text, re.S).group()
    boxes = "".join(f'<div style="position:absolute;left:{i % 3 * 600}px;top:{i // 3 * 600}px;width:600px">{svg}</div>'
                    for i, svg in enumerate(svgs))
    path = os.path.join(directory, "sheet.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{head}<body>{defs}{boxes}</body></html>")
    return path


def is_blue(pixel):
    """Blue, or that mixed with what is below, as where it is drawn thinly."""
    return pixel[2] - pixel[0] > 30


def check_pictures(tap, directory, text):
    """Each picture is there and has its colours, in the light and in the dark."""
    path = sheet(directory, text)
    for name, options, paper in (("light", (), LIGHT), ("dark", browser.DARK, DARK)):
        rows = browser.picture(path, 1800, 1200, *options)
        tap.equal(rows[-1][-1], paper, f"{name}: the page's background")
        for box in range(6):
            pixels = [p for row in rows[box // 3 * 300:box // 3 * 300 + 300] for p in row[box % 3 * 300:box % 3 * 300 + 300]]
            drawn, blues = sum(p != paper for p in pixels), sum(is_blue(p) for p in pixels)
            tap.ok(len(pixels) * 0.01 < drawn < len(pixels) * 0.7 and blues > 50, f"{name}: picture {box + 1} is drawn",
                   f"{drawn} and {blues} of {len(pixels)}")


def check_narrow(tap, directory, text):
    """400 points wide: nothing sticks out but what can be scrolled."""
    path = os.path.join(directory, "narrow.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"""<!DOCTYPE html><title>none</title>
<iframe style="width:400px;height:800px;border:0" srcdoc="{html.escape(text)}"></iframe><script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const inside = frame.contentDocument;
  const out = [...inside.querySelectorAll("body *")].filter(e => !e.closest(".scroll, svg, .skip, .defs")
                                                        && e.getBoundingClientRect().right > 400.5);
  document.title = inside.querySelectorAll("svg").length + " pictures, out: "
    + out.map(e => e.tagName).join() + ", " + inside.documentElement.scrollWidth;
}};</script>""")
    title = re.search("<title>(.*?)</title>", browser.chromium(path, "--dump-dom", "--virtual-time-budget=2000")).group(1)
    tap.equal(title, "25 pictures, out: , 400", "400 points wide: nothing sticks out")


def check_output(tap, directory, history):
    """Where the page goes, and what is said when it cannot."""
    status, output, errors = run("-o", "-", "--timelines", "0", history)
    tap.ok((status, errors) == (0, "") and output.startswith("<!DOCTYPE html>") and output.endswith("</html>\n"), "-o -", errors)
    path = os.path.join(directory, "old.html")
    with open(path, "w", encoding="ascii") as f:
        f.write("old")
    status, output, errors = run("-o", path, history, PATH=directory)
    tap.ok(status == 1 and output == "" and errors.count("\n") == 1 and "install the package gnuplot-nox" in errors,
           "no gnuplot: one line, and which package", errors)
    with open(path, encoding="ascii") as f:
        tap.equal(f.read(), "old", "and the page that was there stays")
    status, output, errors = run("-o", path, "--failed", history)
    with open(path, encoding="utf-8") as f:
        tap.ok((status, output, errors) == (0, "", "") and f.read().endswith("</html>\n"), "else it is replaced, in silence")
    tap.equal([n for n in os.listdir(directory) if n.endswith(".new")], [], "nothing else is left")


def check_terminal(tap, directory, history):
    """A progress bar while it is drawn, which goes."""
    status, seen = terminal.run([MIGTUNE, "report", "-o", os.path.join(directory, "bar.html"), "--timelines", "12", history],
                                env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN))
    tap.ok(status == 0 and "drawing the timelines [" in seen and seen.endswith("\r\033[K"),
           "a bar, which goes", seen)


# The memory of who starts a program counts for the program: this one has little.
START = "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ); print(os.wait4(pid, 0)[2].ru_maxrss)"


def peak_kib(directory, history):
    """The most memory that a report of the history takes, and its page's size."""
    path = os.path.join(directory, "peak.html")
    peak = subprocess.run([sys.executable, "-S", "-c", START, MIGTUNE, "report", "-o", path, "--timelines", "2", history],
                          env=dict(os.environ, MIGTUNE_PLUGIN=PLUGIN), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120, check=True).stdout
    return int(peak), os.path.getsize(path)


def check_long(tap, directory, history):
    """A history twenty-five times as long takes hardly more memory; its page has at most 200 rows and 2000 points."""
    long, name = os.path.join(directory, "long.jsonl"), "bounded memory, bounded page"
    with open(history, encoding="utf-8") as f, open(long, "w", encoding="utf-8") as g:
        g.write(f.read() * 25)
    with open(PLUGIN, "rb") as f:
        if b"__asan_init" in f.read():
            tap.skip(name, "the sanitizer keeps what was freed")
            return
    (few, short), (many, whole) = peak_kib(directory, history), peak_kib(directory, long)
    tap.ok(0 < few and 0 < many < few + 8192 and whole < short + 500000, name,
           f"{few} KiB, {many} KiB; {short} and {whole} bytes")


def main():
    """All of it."""
    tap = Tap()
    if not shutil.which("gnuplot"):
        tap.skip("report", "gnuplot is not installed")
        tap.finish()
    with tempfile.TemporaryDirectory() as directory:
        history = synthetic.history(os.path.join(directory, "history.jsonl"), 80, mark)
        path = os.path.join(directory, "report.html")
        records = [synthetic.migration(number) for number in range(80)]
        tap.equal(run("-o", path, "--timelines", "20", history), (0, "", ""), "a report, in silence")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        check_structure(tap, text)
        check_content(tap, text, records)
        check_output(tap, directory, history)
        check_terminal(tap, directory, history)
        check_long(tap, directory, history)
        if browser.CHROMIUM:
            check_pictures(tap, directory, text)
            check_narrow(tap, directory, text)
            tap.ok(browser.pages(path) >= 3, "it can be printed")
        else:
            tap.skip("in a browser", "chromium is not installed")
    tap.finish()


if __name__ == "__main__":
    main()
