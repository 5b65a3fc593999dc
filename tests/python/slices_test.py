# SPDX-License-Identifier: Apache-2.0
"""Slices, indexes and numbers: Python's own rules."""

import unittest

import seekable
from streams import Feed, StreamCase, chunks_of, content


class Slices(StreamCase):
    def test_are_those_of_bytes(self):
        data = bytes(range(40))
        numbers = (None, 0, 1, 3, 39, 40, 41, 100, -1, -3, -40, -41, -100)
        steps = (None, 1, 2, 7, 39, 40, 2 * 1024**2, -1, -2, -41)
        for start in numbers:
            for stop in numbers:
                for step in steps:
                    key = slice(start, stop, step)
                    self.assertEqual(self.buffer(chunks_of(data, 7))[key], data[key], key)
        with self.assertRaises(ValueError):
            self.buffer([data])[::0]

    def test_of_a_long_stream_are_gathered_in_pieces(self):
        data = content(3 * 1024**2 + 5)
        buffer = self.buffer(chunks_of(data, 100_000))
        for key in (slice(5, None, 3), slice(None, None, -7), slice(10, 3_000_000, 1024**2 - 1),
                    slice(None, None, 1024**2), slice(-5, 3, -1_000_003)):
            self.assert_same(buffer[key], data[key], str(key))

    def test_of_two_offsets(self):
        buffer = self.buffer([b"abcdef"])
        self.assertEqual(buffer[1, 3], b"bc")
        self.assertEqual(buffer[[1, 3]], b"bc")
        self.assertEqual(buffer[-3, -1], b"de")
        for key in ((1,), (1, 2, 3)):
            with self.assertRaisesRegex(TypeError, "two offsets"):
                buffer[key]

    def test_of_one_byte(self):
        buffer = self.buffer([b"abcdef"])
        self.assertEqual((buffer[0], buffer[5], buffer[-1], buffer[-6]), (97, 102, 102, 97))
        for index in (6, 100, -7, -100):
            with self.assertRaisesRegex(IndexError, str(abs(index))):
                buffer[index]
        with self.assertRaises(TypeError):
            buffer["a"]

    def test_that_need_no_size_do_not_wait_for_it(self):
        feed = Feed(chunks_of(content(500_000), 100_000))
        buffer = self.buffer(feed)
        buffer[10:20]
        buffer[10:20:3]
        buffer[5:5]
        buffer[9:5]
        self.assertEqual(feed.asked, 1)


class Numbers(StreamCase):
    def test_a_number_is_the_same_however_it_is_given(self):
        class Subclass(int):
            pass

        class Index:
            def __init__(self, number):
                self.number = number

            def __index__(self):
                return self.number

        data = content(262_144)
        with seekable.StreamBuffer([data], max_size=2**30) as buffer:
            buffer.wait_for_size()
            for offset, size in ((0, 1), (1, 4096), (1000, 5000), (65535, 2), (262143, 10), (5, 0),
                                 (262144, 1), (1, 0x10000), (1, 0x10001), (0, 2**63), (3, -1)):
                wanted = data[offset:] if size < 0 else data[offset:offset + size]
                for number in (int, Subclass, Index):
                    self.assertEqual(buffer.read(number(offset), number(size)), wanted)
                    self.assertEqual(buffer.read(number(offset), size=number(size)), wanted)
            for offset in (-1, 2**64):
                with self.assertRaisesRegex(ValueError, "between 0 and"):
                    buffer.read(offset, 1)
            for offset, size in ((1.0, 1), (0, "1"), (None, 1)):
                with self.assertRaises(TypeError):
                    buffer.read(offset, size)
        with self.assertRaisesRegex(ValueError, "closed"):
            buffer.read(0, 1)


if __name__ == "__main__":
    unittest.main()
