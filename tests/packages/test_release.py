#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""packaging/release refuses what is not ready, and packs and signs what is.

Works on a small project of its own with a git tree and a gpg key that are thrown away.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import Tap  # noqa: E402

RELEASE = pathlib.Path(HERE, "..", "..", "packaging", "release").resolve()
FILES = {
    "meson.build": "project('migtune', 'c',\n  version: '1.2.3',\n  meson_version: '>= 0.63')\nexecutable('one', 'one.c')\n",
    "one.c": "int main(void) { return 0; }\n",
    "packaging/NEWS": "migtune 1.2.3\n=============\n",
    "packaging/rpm/migtune.spec": "Version:        1.2.3\n%changelog\n* Fri Nov 20 2026 A <a@b.invalid> - 1.2.3-1\n- It.\n",
    "packaging/debian/changelog": "migtune (1.2.3-1) unstable; urgency=medium\n\n  * It.\n",
    "tests/run": "#!/bin/sh\necho \"suites: $*\" >>\"$TESTS_LOG\"\nexit ${TESTS_STATUS:-0}\n",
    ".gitignore": "/ignored\n",
    "ignored": "must not be packed\n",
}
NAME = "migtune-1.2.3.tar.xz"
WHO = ("-c", "user.name=A", "-c", "user.email=a@b.invalid")


class Project:
    """The small project, and a home for gpg."""

    def __init__(self, directory):
        self.top = pathlib.Path(directory)
        self.tree = self.top / "tree"
        self.environment = dict(os.environ, HOME=str(self.top), GNUPGHOME=str(self.top / "gpg"), TMPDIR=str(self.top),
                                GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
                                TESTS_LOG=str(self.top / "suites"),
                                GIT_AUTHOR_DATE="1700000000 +0000", GIT_COMMITTER_DATE="1700000000 +0000", LC_ALL="C.UTF-8")
        (self.top / "gpg").mkdir(mode=0o700)
        self.reset()

    def run(self, *command, **more):
        """A command in the tree."""
        return subprocess.run(command, cwd=self.tree, env=dict(self.environment, **more), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)

    def reset(self, **changes):
        """The tree anew, with other texts for some files, committed."""
        shutil.rmtree(self.tree, ignore_errors=True)
        for name, text in {**FILES, **changes}.items():
            path = self.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="ascii")
        (self.tree / "tests" / "run").chmod(0o755)
        shutil.copy(RELEASE, self.tree / "packaging" / "release")
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "One"]):
            subprocess.run(["git", *WHO, *command], cwd=self.tree, env=self.environment, check=True)

    def release(self, *arguments, **more):
        """packaging/release."""
        return self.run("packaging/release", *arguments, **more)

    def make_key(self):
        """A key without a passphrase; its fingerprint."""
        made = self.run("gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key",
                        "Thrown away <key@b.invalid>", "ed25519", "sign", "1d")
        listed = self.run("gpg", "--batch", "--with-colons", "--list-secret-keys").stdout.splitlines()
        return next((line.split(":")[9] for line in listed if line.startswith("fpr:")), None), made.stderr

    def end(self):
        """No agent stays."""
        self.run("gpgconf", "--kill", "all")


def refused(tap, name, done, text, status=1):
    """Ended with this status, said why, and made nothing."""
    tap.ok(done.returncode == status and text in done.stderr, name,
           f"{done.returncode}\n{done.stdout}\n{done.stderr}\nwant {text!r}")


def check_usage(tap, project):
    """The command line."""
    done = project.release("--help")
    tap.ok(done.returncode == 0 and "--dry-run" in done.stdout and "set -euo" not in done.stdout, "--help", done.stdout)
    for arguments, text in (([], "expected a DIRECTORY"), (["--key"], "--key: expected a value"),
                            (["a", "b"], "one DIRECTORY"),
                            (["--sign", "a"], "no option --sign"), (["--key", "a", "--no-sign", "b"], "exclude each other"),
                            (["--suites", "gcc", "--no-tests", "b"], "exclude each other")):
        refused(tap, f"usage: {' '.join(arguments) or 'nothing'}", project.release(*arguments), text, status=2)


def check_refusals(tap, project):
    """A tree that is not ready."""
    target = str(project.top / "refused")
    other = {"packaging/NEWS": ("migtune 1.2.4\n", "packaging/NEWS says 1.2.4 where meson.build says 1.2.3"),
             "packaging/rpm/migtune.spec": (FILES["packaging/rpm/migtune.spec"].replace("1.2.3-1", "1.2.2-1"),
                                            "migtune.spec's changelog says 1.2.2 where"),
             "packaging/debian/changelog": ("migtune (1.2.3-1) UNRELEASED; urgency=medium\n",
                                            "its first entry is UNRELEASED"),
             "meson.build": (FILES["meson.build"].replace("1.2.3", "1.2"), "version '1.2' is not MAJOR.MINOR.PATCH")}
    for name, (text, want) in other.items():
        project.reset(**{name: text})
        refused(tap, f"refused: {want}", project.release("--no-sign", "--no-tests", target), want)
    project.reset()
    (project.tree / "new").write_text("not committed\n", encoding="ascii")
    refused(tap, "refused: a file that is not committed", project.release("--no-sign", "--no-tests", target),
            "not clean: 1 files")
    project.reset()
    refused(tap, "refused: no key", project.release("--no-tests", target), "gpg has no secret key to sign with")
    refused(tap, "refused: failed tests", project.release("--no-sign", target, TESTS_STATUS="1"),
            "tests failed, nothing was packed")
    project.run("git", "tag", "v1.2.3", "HEAD")
    (project.tree / "one.c").write_text("int main(void) { return 1; }\n", encoding="ascii")
    project.run("git", *WHO, "commit", "-qam", "Two")
    refused(tap, "refused: the version was released before", project.release("--no-sign", "--no-tests", target),
            "a released version is never made anew")
    project.reset(**{"one.c": "int main(void) { return nonsense; }\n"})
    refused(tap, "refused: sources that do not build", project.release("--no-sign", "--no-tests", target), "does not build")
    tap.ok(not (project.top / "refused" / NAME).exists(), "what was refused leaves no tarball")
    project.reset()
    done = project.release("--dry-run", "--no-sign", "--suites", "gcc lint", str(project.top / "dry"))
    tap.ok(done.returncode == 0 and "would run tests/run gcc lint" in done.stdout and not (project.top / "dry").exists(),
           "--dry-run tells and does nothing", done.stdout + done.stderr)
    done = project.run("sh", "-c", "cd .. && exec tree/packaging/release --dry-run --no-sign --no-tests dry")
    tap.ok(done.returncode == 0 and f" to {project.top}/dry\n" in done.stdout, "DIRECTORY is that of who calls",
           done.stdout + done.stderr)


def check_release(tap, project):
    """What comes out."""
    key, error = project.make_key()
    if not tap.ok(key is not None, "a key for the test", error):
        return
    one, two = project.top / "one", project.top / "two"
    (project.top / "suites").unlink(missing_ok=True)
    done = project.release("--key", key, "--suites", "gcc lint", str(one))
    tap.ok(done.returncode == 0, "a release", done.stdout + done.stderr)
    tap.equal((project.top / "suites").read_text(encoding="ascii"), "suites: gcc lint\n", "its suites ran, once")
    tap.equal(sorted(path.name for path in one.iterdir()), ["SHA256SUMS", NAME, NAME + ".asc"], "its files")
    tap.equal(project.run("gpg", "--batch", "--verify", str(one / (NAME + ".asc")), str(one / NAME)).returncode, 0,
              "the signature is good")
    sums = {line.split()[1]: line.split()[0] for line in (one / "SHA256SUMS").read_text(encoding="ascii").splitlines()}
    tap.equal(sums, {name: hashlib.sha256((one / name).read_bytes()).hexdigest() for name in (NAME, NAME + ".asc")},
              "SHA256SUMS is right")
    with tarfile.open(one / NAME) as tar:
        members = tar.getmembers()
    tap.equal(sorted(m.name for m in members if m.isfile()),
              sorted(f"migtune-1.2.3/{name}" for name in [*FILES, "packaging/release"] if name != "ignored"),
              "the tarball has what git has")
    tap.equal({(m.uid, m.gid, m.uname, m.mtime) for m in members}, {(0, 0, "", 1700000000)}, "and nothing of the packer's")
    tap.ok(all(m.mode & 0o111 for m in members if m.name.endswith(("tests/run", "release"))), "programs stay programs")
    (project.tree / "packaging").chmod(0o700)
    done = project.release("--no-tests", "--no-sign", str(two))
    tap.equal((done.returncode, (one / NAME).read_bytes() == (two / NAME).read_bytes()), (0, True),
              "made a second time it is the same, bit for bit")
    tap.equal(sorted(path.name for path in two.iterdir()), ["SHA256SUMS", NAME], "--no-sign leaves no signature")


def main():
    """All of it."""
    tap = Tap()
    missing = [tool for tool in ("git", "gpg", "meson", "ninja", "xz") if not shutil.which(tool)]
    if missing:
        tap.skip("releases", f"not installed: {', '.join(missing)}")
        tap.finish()
    with tempfile.TemporaryDirectory(prefix="mt-") as directory:
        project = Project(directory)
        check_usage(tap, project)
        check_refusals(tap, project)
        check_release(tap, project)
        project.end()
    tap.finish()


main()
