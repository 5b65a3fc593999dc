# SPDX-License-Identifier: Apache-2.0
"""Reads and slices as `bytes` has them: all there are of a small stream, and many of larger ones."""

import io
import itertools
import os
import string
import unittest

from hypothesis import HealthCheck, given, settings, strategies as st

import seekable
from streams import StreamCase, chunks_of, content

LETTERS = string.ascii_lowercase.encode()
LARGE = content(400_000)
EXAMPLES = int(os.environ.get("SEEKABLE_PYTHON_EXAMPLES", "2500"))
# Four tests of 2,500 examples. The seed of one that fails is printed.
many = settings(max_examples=EXAMPLES, deadline=None, print_blob=True, database=None,
                suppress_health_check=list(HealthCheck))

offsets = st.one_of(st.none(), st.integers(-450_000, 450_000), st.integers(-5, 5),
                    st.sampled_from([65535, 65536, 65537, 399_999, 400_000, 400_001]))
steps = st.one_of(st.none(), st.integers(-5, 5), st.integers(-500_000, 500_000)).filter(
    lambda step: step != 0)
limits = st.sampled_from([1, 10_000, 65_536, 200_000, 10**7])
sizes = st.one_of(st.integers(1, 100_000), st.sampled_from([65_535, 65_536, 400_000]))


class Exhaustive(StreamCase):
    def test_all_reads_of_the_alphabet_behind_one_another(self):
        """Each read of the 26 letters after each other one, in each of some cuts."""
        wrong = 0
        pairs = [(first, last) for first in range(28) for last in range(first, 28)]
        for size in (1, 3, 26):
            for before in pairs[::7]:
                for first, last in pairs:
                    buffer = seekable.StreamBuffer(chunks_of(LETTERS, size))
                    buffer.read(before[0], before[1] - before[0])
                    wrong += buffer.read(first, last - first) != LETTERS[first:last]
        self.assertEqual(wrong, 0)

    def test_all_slices_of_the_alphabet(self):
        numbers = [None, *range(-28, 29)]
        wrong = 0
        for start, stop in itertools.product(numbers, numbers):
            buffer = seekable.StreamBuffer(chunks_of(LETTERS, 5))
            for step in (None, 1, 2, 5, 26, -1, -2, -5, -26):
                key = slice(start, stop, step)
                wrong += buffer[key] != LETTERS[key]
        self.assertEqual(wrong, 0)

    def test_all_calls_of_a_file_of_the_alphabet(self):
        calls = [lambda f, n=n: f.read(n) for n in (0, 1, 5, 30, -1)]
        calls += [lambda f, o=o, w=w: f.seek(o, w) for o, w in ((0, 0), (7, 0), (30, 0), (3, 1),
                                                               (-3, 2), (0, 2))]
        for size in (1, 4, 26):
            for three in itertools.product(calls, repeat=3):
                ours, theirs = seekable.open(chunks_of(LETTERS, size)), io.BytesIO(LETTERS)
                for call in three:
                    self.assertEqual(call(ours), call(theirs))
                    self.assertEqual(ours.tell(), theirs.tell())


class Random(StreamCase):
    @many
    @given(st.lists(st.tuples(offsets, offsets, steps), min_size=1, max_size=4), sizes, limits,
           st.booleans())
    def test_slices(self, keys, size, limit, declared):
        with seekable.StreamBuffer(chunks_of(LARGE, size), len(LARGE) if declared else None,
                                   limit) as buffer:
            for key in keys:
                self.assert_same(buffer[slice(*key)], LARGE[slice(*key)], f"{key}")

    @many
    @given(st.lists(st.tuples(st.integers(0, 420_000), st.integers(0, 200_000)), min_size=1,
                    max_size=6), sizes, limits)
    def test_reads(self, ranges, size, limit):
        with seekable.StreamBuffer(chunks_of(LARGE, size), max_size=limit) as buffer:
            for offset, length in ranges:
                wanted = LARGE[offset:offset + length]
                self.assert_same(buffer.read(offset, length), wanted, f"{offset}, {length}")
                room = bytearray(length)
                self.assertEqual(buffer.readinto_at(offset, room), len(wanted))
                self.assert_same(room[:len(wanted)], wanted)
                view = buffer.view(offset, length)
                self.assertEqual(len(view) > 0, len(wanted) > 0)
                self.assert_same(view, wanted[:len(view)])

    @many
    @given(st.lists(st.binary(max_size=200), max_size=30), st.integers(0, 4000),
           st.integers(0, 4000))
    def test_chunks_of_any_size(self, chunks, offset, size):
        data = b"".join(chunks)
        with seekable.StreamBuffer(chunks) as buffer:
            self.assertEqual(buffer.read(offset, size), data[offset:offset + size])
            self.assertEqual(buffer[:], data)
            self.assertTrue(buffer.is_exhausted())

    @many
    @given(st.binary(max_size=3000), st.integers(1, 500),
           st.lists(st.tuples(st.sampled_from(["read", "read1", "readline", "seek", "peek"]),
                              st.integers(-1, 4000)), max_size=12))
    def test_files(self, data, size, calls):
        with seekable.open(chunks_of(data, size)) as ours:
            theirs = io.BytesIO(data)
            for name, number in calls:
                if name == "peek":
                    self.assertTrue(theirs.getvalue()[theirs.tell():].startswith(ours.peek()))
                elif name == "seek":
                    self.assertEqual(ours.seek(max(0, number)), theirs.seek(max(0, number)))
                elif name == "read1":
                    got = ours.read1(number)
                    self.assertEqual(got, theirs.read(len(got)))
                else:
                    self.assertEqual(getattr(ours, name)(number), getattr(theirs, name)(number))
                self.assertEqual(ours.tell(), theirs.tell())


if __name__ == "__main__":
    unittest.main()
