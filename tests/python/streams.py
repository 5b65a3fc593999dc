# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Python package share: contents, iterators that are looked at, programs."""

import os
import pathlib
import random
import subprocess
import sys
import tempfile
import textwrap
import unittest

import seekable

ROOT = pathlib.Path(os.environ["SEEKABLE_SOURCE_DIR"])
BLOCK = 64 * 1024
PATIENCE = 60


def content(size, seed=1):
    """Bytes that look random; the same for the same seed."""
    return random.Random(seed).randbytes(size)


def chunks_of(data, size):
    """The data in pieces of that size, as a generator."""
    for offset in range(0, len(data), size):
        yield data[offset:offset + size]


class Feed:
    """An iterator that counts how often it was asked, and fails at its end where it is told to."""

    def __init__(self, chunks, failure=None):
        self.left = list(chunks)
        self.failure = failure
        self.asked = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.asked += 1
        if self.left:
            return self.left.pop(0)
        if self.failure is not None:
            raise self.failure
        raise StopIteration


class StreamCase(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="seekable-python-")
        self.addCleanup(scratch.cleanup)
        self.scratch = pathlib.Path(scratch.name)

    def assert_same(self, got, wanted, what=""):
        """Without printing a megabyte."""
        if got != wanted:
            first = next((i for i, (a, b) in enumerate(zip(got, wanted)) if a != b),
                         min(len(got), len(wanted)))
            self.fail(f"{what}: {len(got)} bytes, not {len(wanted)}; they differ at {first}")

    def buffer(self, stream, *arguments, **settings):
        made = seekable.StreamBuffer(stream, *arguments, **settings)
        self.addCleanup(made.close)
        return made


def run_program(text, *arguments, status=0, patience=PATIENCE):
    """Runs it as a program of its own, which must end with that status; returns what it printed."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=patience, check=False)
    if result.returncode != status:
        raise AssertionError(f"exit status {result.returncode}\n{result.stderr.decode()}")
    return result.stdout.decode(), result.stderr.decode()
