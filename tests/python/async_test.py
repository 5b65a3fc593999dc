# SPDX-License-Identifier: Apache-2.0
"""AsyncStreamBuffer and aopen: what is awaited, by whom, and what a reader that is cancelled does."""

import asyncio
import io
import os
import pickle
import unittest

import seekable
from seekable import AsyncStreamBuffer, aopen
from streams import BLOCK, Feed, StreamCase, chunks_of, content

TEXT = b"".join(b"line %d %s\n" % (i, b"x" * (i * 997 % 9000)) for i in range(300))


class AsyncFeed:
    """An asynchronous iterator that counts how often it was asked, and waits where it is told to."""

    def __init__(self, chunks, failure=None, gate=None):
        self.left = list(chunks)
        self.failure = failure
        self.gate = gate
        self.asked = 0
        self.closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)
        if self.left:
            return self.left.pop(0)
        raise self.failure or StopAsyncIteration

    async def aclose(self):
        self.closed = True


class AsyncCase(StreamCase, unittest.IsolatedAsyncioTestCase):
    pass


class Buffer(AsyncCase):
    async def test_reads_anything_at_any_offset(self):
        data = content(10 * BLOCK)
        path = self.scratch / "file"
        path.write_bytes(data)
        for stream in (AsyncFeed(chunks_of(data, 10_000)), chunks_of(data, 10_000), data, path,
                       io.BytesIO(data)):
            async with AsyncStreamBuffer(stream, max_size=3 * BLOCK) as buffer:
                self.assert_same(await buffer.read(4 * BLOCK, 100), data[4 * BLOCK:4 * BLOCK + 100])
                self.assert_same(await buffer.read(5, 2 * BLOCK), data[5:5 + 2 * BLOCK])
                self.assert_same(await buffer.read(0), data)
                self.assertEqual(await buffer.read(len(data), 10), b"")
                self.assertEqual(await buffer.wait_for_size(), len(data))
                self.assertTrue(buffer.is_exhausted())
                self.assert_same(b"".join([chunk async for chunk in buffer]), data)

    async def test_awaits_nothing_before_it_is_needed(self):
        feed = AsyncFeed(chunks_of(content(50_000), 10_000))
        async with AsyncStreamBuffer(feed, 50_000) as buffer:
            self.assertEqual((buffer.size, await buffer.read(7, 0), await buffer.wait_for_size()),
                             (50_000, b"", 50_000))
            self.assertEqual(feed.asked, 0)
            await buffer.read(0, 10)
            self.assertEqual(feed.asked, 1)
            await buffer.read_some(0)
            self.assertEqual(feed.asked, 1)
        self.assertTrue(feed.closed)

    async def test_a_reader_that_is_cancelled_disturbs_no_other(self):
        gate = asyncio.Event()
        feed = AsyncFeed([b"abc", b"def"], gate=gate)
        async with AsyncStreamBuffer(feed) as buffer:
            readers = [asyncio.create_task(buffer.read(0, 6)) for _ in range(4)]
            while feed.asked == 0:
                await asyncio.sleep(0)
            readers[0].cancel()
            with self.assertRaises(asyncio.CancelledError):
                await readers[0]
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(buffer.read(0, 6), 0.001)
            gate.set()
            self.assertEqual(await asyncio.gather(*readers[1:]), [b"abcdef"] * 3)
            self.assertLessEqual(feed.asked, 3, "each chunk was awaited once")

    async def test_what_the_iterator_raises_comes_unchanged(self):
        failure = ValueError("broken")
        async with AsyncStreamBuffer(AsyncFeed([b"abc"], failure)) as buffer:
            for _ in range(3):
                with self.assertRaises(ValueError) as caught:
                    await buffer.read(1, 10)
                self.assertIs(caught.exception, failure)
                with self.assertRaises(ValueError):
                    await buffer.wait_for_size()
                self.assertEqual(await buffer.read(0, 3), b"abc")
        async with AsyncStreamBuffer(Feed([b"abc"], failure)) as buffer:
            with self.assertRaises(ValueError):
                await buffer.read(1, 10)
        async with AsyncStreamBuffer(AsyncFeed([b"abc", "text"])) as buffer:
            with self.assertRaises(TypeError):
                await buffer.read(1, 10)

    async def test_a_wrong_size_is_told(self):
        async with AsyncStreamBuffer(AsyncFeed([b"abc"]), 5) as buffer:
            with self.assertRaises(seekable.TruncatedError):
                await buffer.read(0, 5)
        async with AsyncStreamBuffer(AsyncFeed([b"abc", b"def"]), 5) as buffer:
            self.assertEqual(await buffer.read(0, 5), b"abcde")
            with self.assertRaises(seekable.OverrunError):
                await buffer.read(0, 6)

    async def test_closing_ends_who_waits(self):
        gate = asyncio.Event()
        feed = AsyncFeed([b"abc"], gate=gate)
        buffer = AsyncStreamBuffer(feed)
        reader = asyncio.create_task(buffer.read(0, 6))
        while feed.asked == 0:
            await asyncio.sleep(0)
        await buffer.aclose()
        with self.assertRaises((OSError, ValueError)):
            await reader
        with self.assertRaises(ValueError):
            await buffer.read(0, 1)
        await buffer.aclose()

    async def test_the_loop_goes_on_while_a_stream_is_silent(self):
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb", buffering=0) as pipe, os.fdopen(writing, "wb", 0) as writer:
            async with AsyncStreamBuffer(pipe) as buffer:
                reader = asyncio.create_task(buffer.read(0, 3))
                for _ in range(10):
                    await asyncio.sleep(0)
                self.assertFalse(reader.done())
                writer.write(b"abc")
                self.assertEqual(await reader, b"abc")
                writer.close()

    async def test_settings_that_mean_nothing_here_are_refused(self):
        for name in ("fill", "decode", "progress"):
            with self.assertRaisesRegex(ValueError, name):
                AsyncStreamBuffer(AsyncFeed([]), **{name: None})
        with self.assertRaises(TypeError):
            pickle.dumps(AsyncStreamBuffer(AsyncFeed([])))


class File(AsyncCase):
    async def test_has_the_calls_of_a_file(self):
        for stream in (AsyncFeed(chunks_of(TEXT, 777)), chunks_of(TEXT, 777)):
            async with await aopen(stream) as file:
                self.assertEqual([line async for line in file], TEXT.splitlines(True))
                self.assertEqual(await file.seek(-10, os.SEEK_END), len(TEXT) - 10)
                self.assertEqual(await file.read(), TEXT[-10:])
                await file.seek(5)
                self.assertEqual(await file.read(10), TEXT[5:15])
                await file.seek(-3, os.SEEK_CUR)
                self.assertEqual((await file.readline(), file.tell()), (TEXT[12:16], 16)
                                 if TEXT[12:16].endswith(b"\n") else
                                 (TEXT[12:TEXT.index(b"\n", 12) + 1], TEXT.index(b"\n", 12) + 1))
                part = await file.peek()
                self.assertTrue(part and TEXT[file.tell():].startswith(part))
                room = bytearray(100)
                await file.seek(50)
                self.assertEqual((await file.readinto(room), bytes(room)), (100, TEXT[50:150]))
                self.assertTrue(TEXT[150:].startswith(await file.read1(7)))
                with self.assertRaises(ValueError):
                    await file.seek(-1)
            self.assertTrue(file.closed)
            with self.assertRaises(ValueError):
                await file.read()

    async def test_files_of_one_buffer_are_independent(self):
        async with AsyncStreamBuffer(AsyncFeed(chunks_of(TEXT, 1000))) as buffer:
            async with buffer.open() as one, await aopen(buffer) as other:
                self.assertEqual(await asyncio.gather(one.read(), other.read()), [TEXT, TEXT])
            self.assertEqual(await buffer.read(0, 3), TEXT[:3])


if __name__ == "__main__":
    unittest.main()
