# SPDX-License-Identifier: Apache-2.0
"""The peers: what others do the same jobs with, behind one interface.

Jobs: ingest_spilled, ingest_memory   from a pipe until all is kept, in a file or in memory
      followers_4                     the same, while 4 readers follow to the end
      lives                           one stream: made, filled, read back, dropped; 5 MiB of memory
      command                         a file through `cat`, kept, and all of it read again

A peer of several programs is built under build/peers, never beside its sources: what a package
manager or a compiler leaves behind stays out of them. What peers keep, they keep in /var/tmp,
which is a disk where /tmp may be memory.
"""

import dataclasses
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Callable

from jobs import GIB
from sides import ROOT, SCENARIOS, TEMPORARY, have_memory

HERE = pathlib.Path(__file__).resolve().parent
BUILD = ROOT / "build" / "peers"
SPOOLED_TEMP_FILE = BUILD / "spooled_temp_file" / "target" / "release" / "spooled_temp_file"
PIPE_BYTES = 1024 ** 2

# Where Debian puts what it builds of other languages.
CARGO, RUSTC = pathlib.Path("/usr/bin/cargo"), pathlib.Path("/usr/bin/rustc")
GUAVA = pathlib.Path("/usr/share/java/guava.jar")
CRATES = pathlib.Path("/usr/share/cargo/registry")


@dataclasses.dataclass(frozen=True)
class Peer:
    name: str               # as tables show it
    jobs: frozenset
    # By job: the most bytes that it is run with. On a larger job the ratio is taken per byte.
    largest: dict = dataclasses.field(default_factory=dict, kw_only=True)

    def missing(self):
        """How to install what is not there; empty where all is."""
        return ""

    def build(self):
        """Does nothing where it has been done. Raises RuntimeError with the compiler's words."""

    def seconds(self, job, size, path=None):
        """What a job costs once. `path`, of the job `command`: a file of `size` bytes."""
        if job != "lives":
            have_memory(size, anonymous=job == "ingest_memory")
        return self.run(job, size, path)

    def run(self, job, size, path):
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Scenario(Peer):
    """A side of seekable_scenarios, which does its own pouring."""

    def missing(self):
        return "" if SCENARIOS.exists() else "build seekable_scenarios"

    def run(self, job, size, path):
        return number([SCENARIOS, f"{job}/{self.name}", str(size)])


@dataclasses.dataclass(frozen=True)
class Program(Peer):
    """A program that is told `lives SIZE`, or another job with standard input to read."""
    command: tuple
    needs: Callable = tuple     # Returns (whether it is there, its package) for each.
    make: Callable = lambda: None

    def missing(self):
        lacking = [package for there, package in self.needs() if not there]
        return f"apt-get install {' '.join(lacking)}" if lacking else ""

    def build(self):
        self.make()

    def run(self, job, size, path):
        if job == "lives":
            return number([*self.command, job, str(size)])
        return poured_into([*self.command, job], size)


@dataclasses.dataclass(frozen=True)
class Shell(Peer):
    """A script of the shell that is given a file to read and the name of one to write."""
    script: str
    program: str

    def missing(self):
        there = shutil.which(self.program)
        return "" if there else f"apt-get install {self.program}"

    def run(self, job, size, path):
        with tempfile.TemporaryDirectory(dir=TEMPORARY, prefix="seekable-peer-") as place:
            kept = pathlib.Path(place, "kept")
            started = time.perf_counter()
            subprocess.run(["sh", "-euc", self.script, self.name, path, kept], check=True)
            seconds = time.perf_counter() - started
            if kept.stat().st_size != pathlib.Path(path).stat().st_size:
                raise RuntimeError(f"{self.name}: not all was kept")
            return seconds


def number(command, **how):
    """Runs a program that prints one number."""
    environment = dict(os.environ, TMPDIR=str(TEMPORARY))
    result = subprocess.run(command, stdout=subprocess.PIPE, env=environment, check=True, **how)
    return float(result.stdout)


def poured_into(command, size):
    """The number of a program into whose standard input `size` bytes are poured."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with subprocess.Popen([SCENARIOS, "pour", str(size)], stdout=write):
        os.close(write)
        try:
            return number(command, stdin=read)
        finally:
            os.close(read)  # Else what pours would wait for ever for a program that has failed.


def run_quietly(command, **how):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
                            **how)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}:\n{result.stdout}")
    return result.stdout


def is_fresh(product, *sources):
    return product.exists() and all(source.stat().st_mtime <= product.stat().st_mtime
                                    for source in sources)


def copied(folder):
    """A copy of a folder of this one, for tools that write beside what they read."""
    return shutil.copytree(HERE / folder, BUILD / folder, dirs_exist_ok=True)


def make_fs_capacitor():
    place = copied("fs_capacitor")
    if not is_fresh(place / "node_modules", HERE / "fs_capacitor" / "package-lock.json"):
        run_quietly(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=place)


def make_file_backed():
    source = HERE / "file_backed" / "Peer.java"
    place = BUILD / "file_backed"
    if not is_fresh(place / "Peer.class", source):
        place.mkdir(parents=True, exist_ok=True)
        run_quietly(["javac", "-cp", GUAVA, "-d", place, source])


def make_spooled_temp_file():
    if not is_fresh(SPOOLED_TEMP_FILE, *(HERE / "spooled_temp_file").iterdir()):
        # Debian's own compiler beside Debian's own crates, whatever else is on the PATH.
        environment = dict(os.environ, CARGO_HOME=str(BUILD / "cargo"), RUSTC=str(RUSTC))
        run_quietly([CARGO, "build", "--release", "--offline",
                     "--config", "source.crates-io.replace-with='debian'",
                     "--config", f"source.debian.directory='{CRATES}'"],
                    cwd=copied("spooled_temp_file"), env=environment)


def make_cache_protocol():
    source, program = HERE / "cache_protocol" / "main.cpp", BUILD / "cache_protocol"
    if not is_fresh(program, source):
        BUILD.mkdir(parents=True, exist_ok=True)
        words = run_quietly(["pkg-config", "--cflags", "--libs", "libavformat", "libavutil"])
        run_quietly(["g++", "-std=c++20", "-O2", "-o", program, source, *words.split()])


def needs_of_fs_capacitor():
    installed = (BUILD / "fs_capacitor" / "node_modules" / "fs-capacitor").exists()
    return ((shutil.which("node"), "nodejs"), (installed or shutil.which("npm"), "npm"))


def needs_of_file_backed():
    return ((GUAVA.exists(), "libguava-java"),
            (shutil.which("java") and shutil.which("javac"), "default-jdk-headless"))


def needs_of_spooled_temp_file():
    return ((CARGO.exists(), "cargo"), (RUSTC.exists(), "rustc"),
            (any(CRATES.glob("tempfile-3.*")), "librust-tempfile-dev"))


def needs_of_cache_protocol():
    found = shutil.which("pkg-config") and subprocess.run(
        ["pkg-config", "--exists", "libavformat"], check=False).returncode == 0
    return ((shutil.which("pkg-config"), "pkg-config"), (found, "libavformat-dev"),
            (shutil.which("g++"), "g++"))


PEERS = [
    Scenario("tmpfile and a mutex", frozenset({"ingest_spilled", "lives", "followers_4"})),
    Scenario("std::stringstream", frozenset({"ingest_memory"})),
    Program("Python SpooledTemporaryFile", frozenset({"ingest_spilled", "lives"}),
            (sys.executable, HERE / "spooled.py")),
    Program("Python BytesIO", frozenset({"ingest_memory"}), (sys.executable, HERE / "spooled.py")),
    Program("Rust SpooledTempFile", frozenset({"ingest_spilled", "ingest_memory", "lives"}),
            (SPOOLED_TEMP_FILE,), needs_of_spooled_temp_file, make_spooled_temp_file),
    # The array that it keeps memory in ends at 2 GiB.
    Program("Guava FileBackedOutputStream",
            frozenset({"ingest_spilled", "ingest_memory", "lives"}),
            ("java", f"-Djava.io.tmpdir={TEMPORARY}", "-cp", f"{BUILD / 'file_backed'}:{GUAVA}",
             "Peer"),
            needs_of_file_backed, make_file_backed, largest={"ingest_memory": GIB}),
    Program("FFmpeg cache:", frozenset({"ingest_spilled"}), (BUILD / "cache_protocol",),
            needs_of_cache_protocol, make_cache_protocol),
    Program("fs-capacitor", frozenset({"ingest_spilled", "lives", "followers_4"}),
            ("node", BUILD / "fs_capacitor" / "peer.js"), needs_of_fs_capacitor,
            make_fs_capacitor),
    Shell("cat > file", frozenset({"command"}), 'cat "$1" > "$2"; cat "$2" > /dev/null', "cat"),
    # To standard output: into a file that it opens itself it writes at half the speed.
    Shell("mbuffer", frozenset({"command"}),
          'cat "$1" | mbuffer -q -v 1 -s 64k -m 5M > "$2"; cat "$2" > /dev/null', "mbuffer"),
]
