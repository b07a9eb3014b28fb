# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pages in a headless Chromium: pictures of them, and their size as print."""
import os
import shutil
import struct
import subprocess
import tempfile
import zlib

CHROMIUM = shutil.which("chromium")
DARK = ("--blink-settings=preferredColorScheme=0",)  # what prefers-color-scheme tells the page; 1 is light


def chromium(url, *options):
    """Opens a file in a browser of its own. Returns its standard output."""
    with tempfile.TemporaryDirectory() as profile:
        done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                               "--disable-background-networking", "--disable-component-update", "--disable-sync",
                               "--disable-dev-shm-usage", "--hide-scrollbars", f"--user-data-dir={profile}", *options,
                               f"file://{url}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              check=True)
    return done.stdout


def unfilter(kind, line, above, depth):
    """One line of a PNG, in place."""
    for i, byte in enumerate(line):
        left = line[i - depth] if i >= depth else 0
        if kind == 1:
            line[i] = (byte + left) & 255
        elif kind == 2:
            line[i] = (byte + above[i]) & 255
        elif kind == 3:
            line[i] = (byte + (left + above[i]) // 2) & 255
        else:
            corner = above[i - depth] if i >= depth else 0
            guess = left + above[i] - corner
            best = min((left, above[i], corner), key=lambda value, g=guess: abs(g - value))
            line[i] = (byte + best) & 255


def decode(path):
    """Rows of (red, green, blue) of a PNG of eight bits without palette or interlacing."""
    with open(path, "rb") as f:
        data = f.read()
    width, _, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    assert (bits, colour in (2, 6), interlaced) == (8, True, 0)
    depth, at, packed = 3 if colour == 2 else 4, 8, b""
    while at < len(data):
        size, = struct.unpack(">I", data[at:at + 4])
        packed += data[at + 8:at + 8 + size] if data[at + 4:at + 8] == b"IDAT" else b""
        at += 12 + size
    raw, stride, rows = zlib.decompress(packed), width * depth + 1, []
    above = bytearray(width * depth)
    for start in range(0, len(raw), stride):
        line = bytearray(raw[start + 1:start + stride])
        if raw[start]:
            unfilter(raw[start], line, above, depth)
        rows.append([tuple(line[i:i + 3]) for i in range(0, len(line), depth)])
        above = line
    return rows


def picture(url, width, height, *options):
    """A page as rows of pixels; each of them is two by two points of the page."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "page.png")
        chromium(url, f"--screenshot={path}", f"--window-size={width},{height}", "--force-device-scale-factor=0.5", *options)
        return decode(path)


def pages(url):
    """How many pages the print has."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "page.pdf")
        chromium(url, f"--print-to-pdf={path}", "--no-pdf-header-footer")
        with open(path, "rb") as f:
            return f.read().count(b"/Type /Page\n")
