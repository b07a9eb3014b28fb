# SPDX-License-Identifier: LGPL-2.1-or-later
"""States in which nothing of migtune's may reach a caller: with one of these in force on the bench's source, migrate.

Each is a with block that gives what to add to the environment of a program under the shim. All but watcher_hangs want no
watcher; that one starts watchers with a configuration.
"""
import contextlib
import signal
import time

from .watcher import prefix


@contextlib.contextmanager
def plugin_garbage(bench, _config):
    """The plugin's files are no libraries."""
    source = bench.source
    plugins = [path for path in sorted((prefix() / "lib" / "migtune").glob("*.so")) if "shim" not in path.name]
    source.path("/run/garbage.so").write_bytes(b"\x7fELF" + b"\0" * 5000)
    for plugin in plugins:
        source.run("mount", "--bind", "/run/garbage.so", plugin)
    try:
        yield {}
    finally:
        for plugin in plugins:
            source.run("umount", plugin)


@contextlib.contextmanager
def plugin_missing(_bench, _config):
    """The plugin is not where it should be."""
    yield {"MIGTUNE_PLUGIN": "/run/there-is-none.so"}


@contextlib.contextmanager
def configuration_broken(bench, _config):
    """No watcher, and a configuration with an error."""
    source, installed = bench.source, prefix() / "etc" / "migtune" / "migtune.conf"
    source.path("/run/broken.conf").write_text('migration = { urgency = "loww"; };\n', encoding="utf-8")
    source.run("mount", "--bind", "/run/broken.conf", installed)
    try:
        yield {}
    finally:
        source.run("umount", installed)


@contextlib.contextmanager
def no_watcher(_bench, _config):
    """No watcher, and all else in order."""
    yield {}


@contextlib.contextmanager
def watcher_hangs(bench, config):
    """The watchers are there and do not answer."""
    bench.watch(config)
    hosts = bench.lab.hosts
    for host in hosts:
        host.watcher.process.send_signal(signal.SIGSTOP)
    try:
        yield {}
    finally:
        for host in hosts:
            host.watcher.process.send_signal(signal.SIGCONT)
        time.sleep(1)
