# SPDX-License-Identifier: Apache-2.0
"""Every block of C++ in the documents compiles and runs, every block of Python runs; every block of
shell marked `run` does what it says it does."""

import concurrent.futures
import dataclasses
import functools
import http.server
import os
import pathlib
import re
import shlex
import shutil
import sqlite3
import subprocess
import tempfile
import threading
import unittest
import zipfile

import pages

SECONDS = 30
PREAMBLE = """\
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <ranges>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <seekable/decode.hpp>
#include <seekable/http.hpp>
#include <seekable/seekable.hpp>
"""
# What the documents call a server; here a real one stands in its place.
SERVER = "http://localhost:8000"


def cache(name):
    """A value of the build's CMakeCache.txt; empty where there is none."""
    text = (pages.BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:[A-Z]+=(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def library(name):
    found = sorted((pages.BUILD / "src").glob(f"lib{name}.*"))
    wanted = [path for path in found if path.suffix in (".a", ".so")]
    return wanted[0] if wanted else None


def compiler():
    words = [cache("CMAKE_CXX_COMPILER"), "-std=c++20", "-O0", "-Wall", "-Wextra", "-Werror",
             f"-I{pages.ROOT / 'include'}", *shlex.split(cache("CMAKE_CXX_FLAGS"))]
    return [shutil.which("ccache"), *words] if shutil.which("ccache") else words


def link_words():
    words = [str(library("seekable")), "-pthread"]
    for part, needs in (("http", ["-lcurl"]),
                        ("decode", ["-lz", "-lbz2", "-llzma", "-lzstd", "-llz4"])):
        if found := library(f"seekable_{part}"):
            words = [str(found), *words, *needs]
    if crypto := library("seekable_crypto"):
        sodium = subprocess.run(["pkg-config", "--libs", "libsodium"], capture_output=True,
                                text=True, check=True).stdout
        words = ["-Wl,--undefined=seekable_crypto_linked", str(crypto), *words,
                 *shlex.split(sodium)]
    if library("seekable").suffix == ".so":
        words += ["-Wl,--no-as-needed", f"-Wl,-rpath,{pages.BUILD / 'src'}"]
    return words


def run(words, **how):
    return subprocess.run([str(word) for word in words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **how)


def is_program(block):
    return re.search(r"^int main\(", block.text, re.MULTILINE) is not None


def can_run(block):
    """Optional parts may have been left out of the build."""
    needs = {"encrypt_spool": "crypto", "from_url": "http", SERVER: "http", "decoded(": "decode",
             "--decode": "decode"}
    return all(word not in block.text or library(f"seekable_{part}")
               for word, part in needs.items())


def as_function(number, block):
    """A block without `main` becomes a function; its own includes stand in the preamble."""
    lines = [line for line in block.text.splitlines() if not line.startswith("#include")]
    return (f"static void block_{number}() {{\n#line {block.line} \"{pages.ROOT / block.page}\"\n"
            + "\n".join(lines) + "\n}\n")


def one_program_of(blocks):
    """All the blocks as one program, which runs the one whose number it is given."""
    functions = "".join(as_function(number, block) for number, block in enumerate(blocks))
    cases = "".join(f"    case {number}: block_{number}(); return 0;\n"
                    for number in range(len(blocks)))
    return (f"{PREAMBLE}\n{functions}\nint main(int, char** arguments) {{\n"
            f"  switch (std::atoi(arguments[1])) {{\n{cases}  }}\n  return 2;\n}}\n")


class QuietServer(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class CodeBlocks(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="seekable-docs-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)
        self.server = ""

    def with_server(self, block):
        """The block, with the address of a real server that has the files of `place`."""
        if SERVER not in block.text:
            return block
        if not self.server:
            handler = functools.partial(QuietServer, directory=self.place("served"))
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            self.addCleanup(server.server_close)
            self.addCleanup(thread.join)
            self.addCleanup(server.shutdown)
            self.server = f"http://127.0.0.1:{server.server_address[1]}"
        return dataclasses.replace(block, text=block.text.replace(SERVER, self.server))

    def compile(self, name, text):
        """Returns the program, or what the compiler said."""
        source = self.scratch / f"{name}.cpp"
        source.write_text(text)
        unit, program = source.with_suffix(".o"), source.with_suffix("")
        said = run([*compiler(), "-c", source, "-o", unit])
        if said.returncode == 0:
            said = run([*compiler(), unit, *link_words(), "-o", program])
        return (program, "") if said.returncode == 0 else (None, said.stdout.decode())

    def place(self, name):
        """A directory with the files that the documents speak of."""
        here = self.scratch / name
        here.mkdir()
        (here / "spool").mkdir()
        (here / "data.bin").write_bytes(bytes(i * i // 251 % 256 for i in range(300_000)))
        with zipfile.ZipFile(here / "photos.zip", "w") as photos:
            for number in range(1, 4):
                photos.writestr(f"photo-{number}.txt", f"photo {number}\n" * 1000)
        with sqlite3.connect(here / "shop.sqlite") as shop:
            shop.execute("create table users (name text)")
            shop.executemany("insert into users values (?)", [("Ada",), ("Grace",), ("Edsger",)])
        shop.close()
        (here / "log.txt").write_text("".join(f"line {i}\n" for i in range(1, 20_001)))
        return here

    def run_in(self, here, words):
        environment = dict(os.environ, TMPDIR=str(here / "spool"), LC_ALL="C",
                           PATH=f"{pages.COMMAND.parent}:{os.environ['PATH']}")
        with open(here / "data.bin", "rb") as data:
            try:
                return run(words, stdin=data, cwd=here, env=environment, timeout=SECONDS)
            except subprocess.TimeoutExpired as late:
                output = (late.output or b"").decode(errors="replace")
                raise AssertionError(f"did not end in {SECONDS} seconds: {output}") from late

    def assert_succeeds(self, name, words):
        result = self.run_in(self.place(name), words)
        self.assertEqual(result.returncode, 0, result.stdout.decode(errors="replace"))

    def test_every_block_of_cpp_compiles_and_runs(self):
        blocks = [self.with_server(block) for block in pages.all_blocks()
                  if block.language == "cpp"]
        self.assertGreater(len(blocks), 20)
        blocks = [block for block in blocks if can_run(block) or "encrypt_spool" in block.text]
        programs = [block for block in blocks if is_program(block)]
        fragments = [block for block in blocks if not is_program(block)]
        halves = [fragments[0::2], fragments[1::2]]
        texts = ([(f"half_{n}", one_program_of(half)) for n, half in enumerate(halves)]
                 + [(f"program_{n}", block.text) for n, block in enumerate(programs)])
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            compiled = list(pool.map(lambda one: self.compile(*one), texts))
        for program, trouble in compiled:
            self.assertIsNotNone(program, trouble)
        jobs = [(block, [compiled[n][0], number]) for n, half in enumerate(halves)
                for number, block in enumerate(half)]
        jobs += [(block, [compiled[n][0]]) for n, block in enumerate(programs, len(halves))]
        for number, (block, words) in enumerate(jobs):
            with self.subTest(block.name):
                if can_run(block):
                    self.assert_succeeds(f"place_{number}", words)

    @unittest.skipUnless((pages.BUILD / "python" / "seekable").is_dir(), "the package is not built")
    def test_every_block_of_python_runs(self):
        blocks = [self.with_server(block) for block in pages.all_blocks()
                  if block.language == "python"]
        self.assertGreater(len(blocks), 5)
        for number, block in enumerate(blocks):
            with self.subTest(block.name):
                if can_run(block):
                    here = self.place(f"place_{number}")
                    words = ["env", f"PYTHONPATH={pages.BUILD / 'python'}", "/usr/bin/python3", "-c",
                             block.text]
                    result = self.run_in(here, words)
                    self.assertEqual(result.returncode, 0, result.stdout.decode(errors="replace"))

    def test_every_block_of_shell_marked_run_does_what_it_says(self):
        """`<!-- run -->` before a block of sh: its exit status is 0; `<!-- run: status 1 -->`: 1.
        `<!-- prints -->` before the next block: that is what it prints."""
        blocks = pages.all_blocks()
        runnable = [number for number, block in enumerate(blocks)
                    if block.language == "sh" and block.mark.startswith("run")]
        self.assertGreater(len(runnable), 5)
        for number in runnable:
            if not can_run(blocks[number]):
                continue
            block = self.with_server(blocks[number])
            with self.subTest(block.name):
                wanted = int(block.mark.rpartition("status")[2]) if "status" in block.mark else 0
                here = self.place(f"place_{number}")
                result = self.run_in(here, ["bash", "-euo", "pipefail", "-c", block.text])
                output = result.stdout.decode(errors="replace")
                self.assertEqual(result.returncode, wanted, output)
                after = blocks[number + 1] if number + 1 < len(blocks) else block
                if after.mark == "prints" and after.page == block.page:
                    self.assertEqual(output, after.text)
                self.assertEqual(list((here / "spool").iterdir()), [], "something was left behind")

    def test_every_block_says_its_language(self):
        known = {"cpp", "sh", "cmake", "text", "python", "python3"}
        self.assertEqual([block.name for block in pages.all_blocks()
                          if block.language not in known], [])


if __name__ == "__main__":
    unittest.main()
