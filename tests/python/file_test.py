# SPDX-License-Identifier: Apache-2.0
"""seekable.open: every call of a buffered file, beside the standard library's own."""

import copy
import gc
import io
import os
import pickle
import random
import threading
import unittest
import weakref

import seekable
from streams import BLOCK, Feed, StreamCase, chunks_of, content

TEXT = b"".join(b"line %d\n" % i * (i % 5) + b"x" * (i * 37 % 20_000) + b"\n" for i in range(60))


class FileCase(StreamCase):
    def open(self, stream, *arguments, **settings):
        file = seekable.open(stream, *arguments, **settings)
        self.addCleanup(file.close)
        return file


class BesideBytesIO(FileCase):
    """The same calls on both, in any order."""

    def test_random_calls(self):
        seed = random.randrange(2**32)
        rng = random.Random(seed)
        calls = {
            "read": lambda f: f.read(rng.choice([0, 1, 100, 70_000, -1, None])),
            "read1": lambda f: self.one_part(f.read1, rng.choice([1, 100])),
            "readline": lambda f: f.readline(rng.choice([-1, 0, 1, 7, 5000, None])),
            "readinto": lambda f: self.filled(f.readinto, rng.choice([0, 1, 999, 100_000])),
            "seek": lambda f: f.seek(rng.randrange(len(TEXT) + 1000)),
            "seek from here": lambda f: f.seek(rng.randrange(-f.tell(), 1000), os.SEEK_CUR),
            "seek from the end": lambda f: f.seek(rng.randrange(-len(TEXT), 1000), os.SEEK_END),
            "tell": lambda f: f.tell(),
            # Not that of BytesIO: with lines of just as many bytes it stops one earlier.
            "readlines": lambda f: io.IOBase.readlines(f, rng.choice([-1, 0, 100, 100_000])),
            "next": lambda f: next(f, None),
        }
        for round_ in range(20):
            stream = chunks_of(TEXT, rng.randrange(1, 50_000))
            ours = self.open(stream, max_size=rng.choice([10_000, 3 * BLOCK, 10**7]))
            theirs = io.BytesIO(TEXT)
            for step in range(150):
                name = rng.choice(sorted(calls))
                state = rng.getstate()
                want = calls[name](theirs)
                rng.setstate(state)
                got = calls[name](ours)
                where = f"seed {seed}, round {round_}, step {step}: {name}"
                self.assertEqual(got if got != want else want, want, where)
                self.assertEqual(ours.tell(), theirs.tell(), where)
                rng.setstate(state)
                rng.random()

    @staticmethod
    def one_part(read, size):
        """Those may give less than was asked for: the rest is read behind it."""
        data = read(size)
        while len(data) < size and (more := read(size - len(data))):
            data += more
        return data

    @staticmethod
    def filled(readinto, size):
        room = bytearray(size)
        return readinto(room), bytes(room)

    def test_what_is_refused(self):
        ours, theirs = self.open([TEXT]), io.BufferedReader(io.BytesIO(TEXT))
        for call in (lambda f: f.write(b"a"), lambda f: f.truncate(), lambda f: f.fileno(),
                     lambda f: f.writelines([b"a"])):
            for file in (ours, theirs):
                with self.assertRaises(io.UnsupportedOperation):
                    call(file)
        with self.assertRaises(io.UnsupportedOperation):
            ours.detach()
        for arguments in ((-1,), (-1, os.SEEK_CUR), (-len(TEXT) - 1, os.SEEK_END), (0, 7)):
            with self.assertRaisesRegex(ValueError, "before byte 0|whence 7"):
                ours.seek(*arguments)
        for file in (ours, theirs):
            self.assertEqual(file.tell(), 0)
            self.assertFalse(file.isatty())
            with self.assertRaises(TypeError):
                file.read("1")
            with self.assertRaises((TypeError, BufferError)):
                file.readinto(b"abc")

    def test_after_it_was_closed(self):
        file = seekable.open([TEXT])
        file.close()
        file.close()
        self.assertTrue(file.closed)
        for call in (file.read, file.read1, file.readline, file.readlines, file.peek, file.tell,
                     file.readable, file.seekable, file.writable, lambda: file.seek(0),
                     lambda: file.readinto(bytearray(1)), lambda: next(file), lambda: iter(file),
                     file.__enter__):
            with self.assertRaisesRegex(ValueError, "closed"):
                call()


class File(FileCase):
    def test_is_one_by_every_test_of_the_library(self):
        file = self.open([TEXT])
        self.assertIsInstance(file, io.BufferedIOBase)
        self.assertIsInstance(file, io.RawIOBase)
        self.assertIsInstance(file, io.IOBase)
        self.assertTrue(file.readable() and file.seekable() and not file.writable())
        self.assertEqual(file.mode, "rb")
        self.assertEqual(self.open(str(self.path(b"abc"))).name, str(self.scratch / "file"))

    def path(self, data):
        path = self.scratch / "file"
        path.write_bytes(data)
        return path

    def test_peeks_without_moving_and_gives_what_is_there(self):
        feed = Feed(chunks_of(TEXT, 1000))
        file = self.open(feed)
        part = file.peek()
        self.assertTrue(part and TEXT.startswith(part))
        self.assertEqual((file.tell(), feed.asked), (0, 1))
        self.assertTrue(TEXT.startswith(file.read1()))
        self.assertEqual(feed.asked, 1, "one piece was there")
        file.seek(0, os.SEEK_END)
        self.assertEqual((file.peek(), file.read1(), file.read()), (b"", b"", b""))

    def test_text(self):
        text = "Zeile äöü\r\nzweite\n" * 5000
        with io.TextIOWrapper(self.open(chunks_of(text.encode(), 777)), "utf-8",
                              newline="") as file:
            self.assertEqual(file.read(), text)
            file.seek(0)
            self.assertEqual(file.readline(), "Zeile äöü\r\n")
            where = file.tell()
            rest = file.read()
            file.seek(where)
            self.assertEqual(file.read(), rest)

    def test_a_buffered_reader_may_be_put_upon_it(self):
        file = io.BufferedReader(self.open(chunks_of(TEXT, 777)))
        self.assertEqual(file.read(10), TEXT[:10])
        file.seek(5000)
        self.assertEqual(file.read(), TEXT[5000:])

    def test_lines(self):
        for size in (1, 100, 5000, 10**6):
            self.assertEqual(list(self.open(chunks_of(TEXT, size))), TEXT.splitlines(True))
        buffer = self.buffer(chunks_of(TEXT, 1000), max_size=10_000)
        file = buffer.open()
        self.assertEqual(file.readline(), TEXT.splitlines(True)[0])
        buffer.release_before(len(TEXT) // 2)
        with self.assertRaises(seekable.ReleasedError):
            file.readline()

    def test_files_of_one_buffer_are_independent(self):
        data = content(300_000)
        buffer = self.buffer(chunks_of(data, 10_000))
        with buffer.open() as one, buffer.open(100_000) as other:
            self.assertEqual(one.read(10), data[:10])
            self.assertEqual(other.read(10), data[100_000:100_010])
            self.assertEqual(one.read(10), data[10:20])
        self.assertFalse(buffer.closed)
        with seekable.open(buffer) as file:
            self.assertIs(file.buffer, buffer)
        self.assertFalse(buffer.closed)
        with self.assertRaises(TypeError):
            seekable.open(buffer, max_size=3)

    def test_closes_the_buffer_that_was_made_for_it(self):
        with seekable.open(chunks_of(TEXT, 10)) as file:
            buffer = file.buffer
        self.assertTrue(file.closed and buffer.closed)
        file = seekable.open([TEXT])
        file.buffer.close()
        with self.assertRaisesRegex(ValueError, "closed"):
            file.read()

    def test_a_failure_is_raised_and_the_position_stays(self):
        failure = RuntimeError("broken")
        data = content(100_000)
        file = self.open(Feed(chunks_of(data, 10_000), failure))
        for call in (file.read, lambda: file.read(200_000), lambda: file.readinto(bytearray(200_000)),
                     lambda: file.seek(0, os.SEEK_END), file.readall):
            file.seek(1000)
            with self.assertRaises(RuntimeError) as caught:
                call()
            self.assertIs(caught.exception, failure)
            self.assertEqual(file.tell(), 1000)
        self.assert_same(file.read(99_000), data[1000:])
        with self.assertRaises(RuntimeError):
            file.read(1)
        lines = self.open(Feed([b"one\ntw"], failure))
        self.assertEqual(lines.readline(), b"one\n")
        for _ in range(2):
            with self.assertRaises(RuntimeError):
                lines.readline()
            self.assertEqual(lines.tell(), 4)

    def test_is_shared_by_threads_call_by_call(self):
        data = content(2_000_000)
        file = self.open(chunks_of(data, 10_000), max_size=500_000)
        pieces = []

        def read():
            while piece := file.read(1000):
                pieces.append(piece)
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(pieces), sorted(chunks_of(data, 1000)))

    def test_cannot_be_pickled_or_copied_and_can_be_referred_to_weakly(self):
        file = seekable.open([TEXT])
        for call in (pickle.dumps, copy.copy, copy.deepcopy):
            with self.assertRaisesRegex(TypeError, "cannot be pickled"):
                call(file)
        reference = weakref.ref(file)
        del file
        gc.collect()
        self.assertIsNone(reference())


if __name__ == "__main__":
    unittest.main()
