# SPDX-License-Identifier: Apache-2.0
"""StreamBuffer: what it takes, what its reads give, and what its errors say."""

import array
import errno
import io
import os
import pathlib
import pickle
import traceback
import unittest

import buffer as seed
import seekable
from streams import BLOCK, Feed, StreamCase, chunks_of, content


class WhatItTakes(StreamCase):
    def test_all_that_has_bytes(self):
        data = content(200_000)
        path = self.scratch / "file"
        path.write_bytes(data)
        streams = {
            "a generator": lambda: chunks_of(data, 1000),
            "a list": lambda: list(chunks_of(data, 70_000)),
            "chunks of every kind": lambda: [data[:10], b"", bytearray(data[10:20]),
                                             memoryview(data)[20:30], array.array("B", data[30:])],
            "a memoryview of numbers": lambda: [memoryview(data).cast("I")],
            "bytes": lambda: data,
            "a bytearray": lambda: bytearray(data),
            "a memoryview": lambda: memoryview(data),
            "a file": lambda: self.enterContext(open(path, "rb")),
            "a raw file": lambda: self.enterContext(open(path, "rb", buffering=0)),
            "a file in memory": lambda: io.BytesIO(data),
            "a path in a string": lambda: str(path),
            "a path": lambda: path,
            "a path in an object": lambda: pathlib.PurePath(path),
        }
        for name, stream in streams.items():
            with self.subTest(name), self.buffer(stream(), max_size=100_000) as buffer:
                self.assert_same(buffer.read(150_000, 100), data[150_000:150_100], name)
                self.assert_same(buffer.read(0, None), data, name)
                self.assertEqual(len(buffer), len(data))
                self.assertTrue(buffer.is_exhausted())

    def test_a_file_is_read_from_where_it_stands(self):
        file = io.BytesIO(b"abcdef")
        file.seek(2)
        self.assertEqual(self.buffer(file)[:], b"cdef")

    def test_refuses_what_has_none(self):
        for stream, text in ((5, "cannot read a int"), (None, "cannot read a NoneType"),
                             (object(), "give an iterable of bytes")):
            with self.assertRaisesRegex(TypeError, text):
                seekable.StreamBuffer(stream)

        async def chunks():
            yield b"a"
        with self.assertRaisesRegex(TypeError, "use AsyncStreamBuffer or aopen"):
            seekable.StreamBuffer(chunks())
        with self.assertRaisesRegex(ValueError, "only http and https"):
            seekable.StreamBuffer("ftp://host/file")

    def test_a_chunk_that_is_none_is_a_failure_that_says_so(self):
        for chunks, text in (([b"abc", "text"], "must be bytes-like.*not str.*encode it"),
                             ([b"abc", 5], "not int"), ([b"abc", None], "not NoneType"),
                             ([b"abc", memoryview(b"abcdef")[::2]], "contiguous")):
            buffer = self.buffer(chunks)
            self.assertEqual(buffer.read(0, 3), b"abc")
            for _ in range(2):
                with self.assertRaisesRegex(TypeError, text):
                    buffer.read(0, 4)
        with self.assertRaisesRegex(TypeError, "binary mode"):
            self.buffer(io.StringIO("text")).read(0, 1)

        class NonBlocking(io.RawIOBase):
            def read(self, size=-1):
                return None
        with self.assertRaisesRegex(BlockingIOError, "non-blocking"):
            self.buffer(NonBlocking()).read(0, 1)

    def test_settings_that_are_none_are_refused_in_one_line(self):
        for settings, error, text in (
                ({"fill": "behind"}, ValueError, "neither 'on_demand' nor 'ahead'"),
                ({"size": -1}, ValueError, "size -1 is not between 0 and"),
                ({"max_size": "5"}, TypeError, "integer"),
                ({"decode": "gzip"}, TypeError, "decode: 'gzip' is of the wrong type"),
                ({"window": 0}, ValueError, "window"),
                ({"http": {}}, ValueError, "options of a URL"),
                ({"spool": "/tmp"}, TypeError, "unexpected keyword")):
            with self.subTest(settings), self.assertRaisesRegex(error, text):
                seekable.StreamBuffer([b"abc"], **settings)
        with self.assertRaisesRegex(ValueError, "there is no option 'retry'"):
            seekable.StreamBuffer("http://127.0.0.1:1/", http={"retry": 1})
        with self.assertRaisesRegex(TypeError, "retries: 'many'"):
            seekable.StreamBuffer("http://127.0.0.1:1/", http={"retries": "many"})

    def test_decode(self):
        import gzip
        data = content(100_000)
        self.assert_same(self.buffer([gzip.compress(data)], decode=True)[:], data)

    def test_encrypted(self):
        data = content(20 * BLOCK)
        buffer = self.buffer(chunks_of(data, BLOCK), max_size=4 * BLOCK, encrypt_spool=True)
        self.assert_same(buffer[:], data)
        self.assert_same(buffer[:], data)


class Reads(StreamCase):
    def test_pull_nothing_before_they_need_it(self):
        feed = Feed(chunks_of(content(500_000), 100_000))
        buffer = self.buffer(feed)
        self.assertEqual((buffer.is_exhausted(), buffer.size, buffer.available(), feed.asked),
                         (False, None, 0, 0))
        buffer.read(0, 0)
        buffer.read(10**15, 0)
        self.assertEqual(feed.asked, 0)
        buffer.read(0, 10)
        self.assertEqual(feed.asked, 1)

    def test_every_way_to_read(self):
        data = content(5 * BLOCK)
        for limit in (10 * BLOCK, 2 * BLOCK):
            buffer = self.buffer(chunks_of(data, 10_000), max_size=limit)
            self.assert_same(buffer.read(1000, 3 * BLOCK), data[1000:1000 + 3 * BLOCK])
            self.assert_same(buffer.read(offset=BLOCK - 5, size=10), data[BLOCK - 5:BLOCK + 5])
            room = bytearray(2 * BLOCK)
            self.assertEqual(buffer.readinto_at(7, room), len(room))
            self.assert_same(room, data[7:7 + len(room)])
            self.assertEqual(buffer.readinto_at(len(data) - 3, room), 3)
            some = buffer.read_some(100)
            self.assertGreater(len(some), 0)
            self.assert_same(some, data[100:100 + len(some)])
            self.assertEqual(buffer.read_some(len(data)), b"")
            self.assertEqual(buffer.read(len(data), 5), b"")
            self.assertEqual(buffer.read(2**64 - 1, 0), b"")

    def test_views_are_of_the_bytes_themselves(self):
        data = content(5 * BLOCK)
        for limit in (10 * BLOCK, 2 * BLOCK):
            buffer = seekable.StreamBuffer(chunks_of(data, 10_000), max_size=limit)
            views, offset = [], 0
            while view := buffer.view(offset):
                self.assertTrue(view.readonly)
                views.append(view)
                offset += len(view)
            self.assertEqual(offset, len(data))
            buffer.close()
            self.assert_same(b"".join(views), data, "after the buffer is gone")
            self.assertEqual(bytes(views[0][3:7]), data[3:7])

    def test_a_huge_size_allocates_only_what_comes(self):
        buffer = self.buffer([b"abc"])
        self.assertEqual(buffer.read(0, 2**63 - 1), b"abc")
        self.assertEqual(buffer.read(1, 2**64 - 2), b"bc")
        with self.assertRaisesRegex(ValueError, r"past 2\*\*64 - 1"):
            buffer.read(2, 2**64 - 1)
        self.assertEqual(self.buffer([b"abc"], 10**18).read(0, 3), b"abc")

    def test_what_is_no_offset_is_refused(self):
        buffer = self.buffer([b"abc"])
        for offset in (-1, 2**64):
            with self.assertRaisesRegex(ValueError, f"offset {offset} is not between"):
                buffer.read(offset, 1)
        for call in (lambda: buffer.read("0", 1), lambda: buffer.read(0.5, 1),
                     lambda: buffer.read(0), lambda: buffer.read(0, 1, 2, 3),
                     lambda: buffer.read(0, 1, offset=1), lambda: buffer.read(0, count=1),
                     lambda: buffer.readinto_at(0, b"read only")):
            with self.assertRaises((TypeError, BufferError)):
                call()
        with self.assertRaisesRegex(ValueError, "timeout"):
            buffer.read(0, 1, timeout=-1)

    def test_take_what_acts_as_a_number(self):
        class Number:
            def __index__(self):
                return 1
        buffer = self.buffer([b"abc"])
        self.assertEqual(buffer.read(Number(), Number()), b"b")
        self.assertEqual(buffer[Number():], b"bc")
        self.assertEqual(buffer[Number()], ord("b"))

    def test_chunks(self):
        data = content(300_000)
        buffer = self.buffer(chunks_of(data, 10_000))
        one, other = iter(buffer), iter(buffer)
        begin = next(one)
        self.assertTrue(begin and data.startswith(begin))
        self.assertEqual(b"".join(other), data)
        self.assertEqual(begin + b"".join(one), data)
        self.assertTrue(all(0 < len(chunk) <= BLOCK for chunk in buffer))

    def test_length_where_it_is_known(self):
        buffer = self.buffer([b"abc"])
        with self.assertRaisesRegex(TypeError, "not known yet"):
            len(buffer)
        self.assertTrue(buffer)
        self.assertEqual(buffer.wait_for_size(), 3)
        self.assertEqual(len(buffer), 3)
        self.assertEqual(len(self.buffer([b"abc"], 7)), 7)
        self.assertTrue(self.buffer([]))

    def test_saved(self):
        data = content(20 * BLOCK)
        for declared in (None, len(data)):
            buffer = self.buffer(chunks_of(data, 10_000), declared, 4 * BLOCK)
            buffer.save(self.scratch / "copy")
            self.assert_same((self.scratch / "copy").read_bytes(), data)
        source = self.scratch / "copy"
        self.buffer(source).save(str(self.scratch / "again"))
        self.assert_same((self.scratch / "again").read_bytes(), data)

    def test_where_bytes_are(self):
        data = content(20 * BLOCK)
        buffer = self.buffer(chunks_of(data, BLOCK), max_size=4 * BLOCK,
                             spool_directories=[self.scratch])
        buffer.read(0, 10 * BLOCK)
        kinds = {kind for _, _, kind in buffer.residency()}
        self.assertEqual(kinds, {"memory", "spool"})
        stats = buffer.stats()
        self.assertEqual(stats["bytes_on_wire"], 10 * BLOCK)
        self.assertLessEqual(stats["memory_bytes"], 4 * BLOCK)
        self.assertGreater(stats["spilled_bytes"], 0)
        self.assertEqual(os.listdir(self.scratch), [], "the file has no name")

    def test_progress_is_told_of_every_byte(self):
        data = content(300_000)
        told = []
        self.assert_same(self.buffer(chunks_of(data, 10_000), progress=told.append)[:], data)
        self.assertEqual(sum(told), len(data))
        try:
            import tqdm
        except ImportError:
            return
        with tqdm.tqdm(total=len(data), file=io.StringIO()) as bar:
            self.buffer(chunks_of(data, 10_000), progress=bar.update).wait_for_size()
            self.assertEqual(bar.n, len(data))


class Errors(StreamCase):
    def test_what_an_iterator_raises_comes_unchanged_to_every_reader(self):
        class Broken(Exception):
            pass
        failure = Broken("the network")

        def chunks():
            yield b"abcdef"
            raise failure
        buffer = self.buffer(chunks())
        for _ in range(3):
            try:
                buffer.read(3, 10)
                self.fail("it gave bytes that are not there")
            except Broken as error:
                self.assertIs(error, failure)
                frames = traceback.extract_tb(error.__traceback__)
            # Where it was raised, and no traces of the readers before.
            self.assertEqual([frame.name for frame in frames], [self._testMethodName, "chunks"])
            self.assertEqual(buffer.read(2, 4), b"cdef", "what lies before is not disturbed")
            for key in (slice(None), slice(-1, None), slice(None, None, 2)):
                with self.assertRaises(Broken):
                    buffer[key]
            self.assertFalse(buffer.is_exhausted())

    def test_one_that_ends_a_program_too(self):
        for failure in (KeyboardInterrupt(), SystemExit(3), GeneratorExit(), MemoryError()):
            buffer = self.buffer(Feed([b"abc"], failure))
            for _ in range(2):
                with self.assertRaises(type(failure)) as caught:
                    buffer.read(0, 4)
                self.assertIs(caught.exception, failure)

    def test_a_wrong_size_is_told_with_what_may_be_the_reason(self):
        for size, kind, offset in ((10, seekable.TruncatedError, 6), (4, seekable.OverrunError, 4)):
            buffer = self.buffer([b"abcdef"], size)
            self.assertEqual(len(buffer), size)
            with self.assertRaisesRegex(kind, "Content-Encoding") as caught:
                buffer.read(0, 100)
            self.assertEqual((caught.exception.offset, caught.exception.errno), (offset, errno.EIO))
            self.assertIsNone(buffer.size)
            self.assertEqual(buffer.read(0, 4), b"abcd")

    def test_are_of_the_system_where_it_has_a_code(self):
        path = self.scratch / "none"
        with self.assertRaises(FileNotFoundError) as caught:
            seekable.StreamBuffer(path)
        self.assertIsInstance(caught.exception, seekable.Error)
        self.assertEqual(caught.exception.errno, errno.ENOENT)
        self.assertIn(str(path), str(caught.exception))
        with self.assertRaises(IsADirectoryError):
            seekable.StreamBuffer(self.scratch)
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((type(again), again.args, again.offset),
                         (type(caught.exception), caught.exception.args, caught.exception.offset))

    def test_given_up_bytes(self):
        buffer = self.buffer(chunks_of(content(10 * BLOCK), BLOCK), window=2 * BLOCK,
                             max_size=10 * BLOCK)
        buffer.wait_for_size()
        with self.assertRaises(seekable.ReleasedError) as caught:
            buffer.read(0, 1)
        self.assertEqual(caught.exception.offset, 8 * BLOCK)
        buffer.release_before(9 * BLOCK)
        with self.assertRaises(seekable.ReleasedError):
            buffer.view(9 * BLOCK - 1)
        self.assertEqual(len(buffer.read(9 * BLOCK, 2 * BLOCK)), BLOCK)

    def test_no_room_is_not_final(self):
        buffer = self.buffer(chunks_of(content(10 * BLOCK), BLOCK), max_size=4 * BLOCK,
                             disk_limit=0)
        for _ in range(2):
            with self.assertRaises(seekable.DiskFullError) as caught:
                buffer.read(0, 10 * BLOCK)
            self.assertEqual(caught.exception.errno, errno.ENOSPC)
        buffer.release_before(3 * BLOCK)
        self.assertEqual(len(buffer.read(4 * BLOCK, 1000)), 1000)

    def test_after_cancel_and_after_close(self):
        buffer = self.buffer(chunks_of(content(10 * BLOCK), BLOCK))
        buffer.read(0, 10)
        buffer.cancel()
        self.assertEqual(len(buffer.read(0, 10)), 10)
        with self.assertRaises(seekable.CancelledError) as caught:
            buffer.read(0, 5 * BLOCK)
        self.assertEqual(caught.exception.errno, errno.ECANCELED)
        buffer.close()
        buffer.close()
        self.assertTrue(buffer.closed)
        for call in (lambda: buffer.read(0, 1), lambda: buffer[0:1], lambda: buffer.view(),
                     lambda: buffer.size, buffer.is_exhausted, buffer.stats, buffer.open):
            with self.assertRaisesRegex(ValueError, "closed"):
                call()
        self.assertIn("closed", repr(buffer))

    def test_a_source_that_reads_its_own_buffer(self):
        def chunks():
            yield b"abc"
            yield buffer.read(1, 1)
            yield buffer.read(100, 1)
        buffer = self.buffer(chunks())
        with self.assertRaisesRegex(OSError, "its own buffer") as caught:
            buffer.read(0, 10)
        self.assertEqual(caught.exception.errno, errno.EDEADLK)
        self.assertEqual(buffer.read(0, 4), b"abcb")

    def test_it_cannot_be_pickled(self):
        with self.assertRaisesRegex(TypeError, "cannot be pickled"):
            pickle.dumps(self.buffer([b"abc"]))


class Seed(StreamCase):
    """The names of the package that this one began as."""

    def test_have_stayed(self):
        self.assertIs(seed.StreamBuffer, seekable.StreamBuffer)
        self.assertEqual((seed.MAX_SIZE, seed.CHUNK, seed.START), (5 * 1024**2, 4096, 0))
        data = content(10_000)
        self.assertEqual(b"".join(seed.IterableBytes(data)), data)
        self.assertEqual(list(seed.IterableBytes(data, 6000, 1000)), [data[1000:7000], data[7000:]])
        self.assertEqual(seed.StreamBuffer(seed.IterableBytes(data), 10_000)[:], data)
        buffer = seed.StreamBuffer(data, 10_000, 1000)
        self.assertEqual((buffer.size, buffer.max_size), (10_000, 1000))
        self.assertEqual(buffer.read(9_000, size=5_000), data[9_000:])

    def test_what_it_got_wrong_is_right(self):
        """Reads across what has come, and what is yet to come, gave wrong bytes."""
        data = content(10_000)
        buffer = seed.StreamBuffer(chunks_of(data, 100), len(data))
        buffer.read(0, 1000)
        self.assertEqual(buffer.read(900, 500), data[900:1400])
        self.assertEqual(buffer.read(5_050, 100), data[5_050:5_150])
        self.assertFalse(buffer.is_exhausted())
        self.assertEqual(buffer.read(9_950, 50), data[9_950:])


if __name__ == "__main__":
    unittest.main()
