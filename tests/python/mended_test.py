# SPDX-License-Identifier: Apache-2.0
"""What a hostile reader has found, each once wrong."""

import asyncio
import gc
import io
import os
import socket
import sys
import threading
import traceback
import unittest
import urllib.request
import weakref

import seekable
from seekable import AsyncStreamBuffer, StreamBuffer
from streams import BLOCK, PATIENCE, Feed, StreamCase, chunks_of, content, run_program
from http_url_test import WebCase


class Crashes(StreamCase):
    def test_threads_that_get_errors_while_the_interpreter_ends(self):
        for _ in range(5):
            self.assertEqual(run_program("""
                import threading, time
                from seekable import StreamBuffer
                def slow():
                    yield b"a"
                    time.sleep(100)
                def bad():
                    yield b"a"
                    raise ValueError
                slow, bad = StreamBuffer(slow()), StreamBuffer(bad())
                begun = threading.Barrier(5)
                def poll(call):
                    begun.wait()
                    while True:
                        try:
                            call()
                        except (TimeoutError, ValueError):
                            pass
                for call in (lambda: slow.read(0, 10, timeout=.001), lambda: bad.read(0, 10)) * 2:
                    threading.Thread(target=poll, args=(call,), daemon=True).start()
                begun.wait()
            """), ("", ""))

    def test_a_collection_while_a_buffer_is_made(self):
        run_program("""
            import gc
            gc.set_threshold(1)
            import seekable
            for _ in range(300):
                assert seekable.open([b"x"]).read() == b"x"
                gc.collect()
        """)

    def test_one_whose_init_has_failed_is_shown(self):
        for make in (lambda: StreamBuffer(5), lambda: seekable.File(5), lambda: seekable.open(5)):
            with self.assertRaises(TypeError):
                try:
                    make()
                except TypeError as error:
                    traceback.TracebackException.from_exception(error, capture_locals=True).format()
                    raise
        raw = StreamBuffer.__new__(StreamBuffer)
        for call in (lambda: raw.size, lambda: raw.read(0, 1), raw.stats, raw.cancel, raw.residency,
                     lambda: raw.failed, lambda: raw.available(0), lambda: raw.wait_for(0, 1),
                     raw.close):
            with self.assertRaisesRegex(ValueError, "__init__ was not called"):
                call()
        self.assertTrue(raw.closed)
        with self.assertRaises(TypeError):
            StreamBuffer.cancel(5)


class EarlyEnds(WebCase):
    def test_a_file_that_does_not_block_has_no_end_where_nothing_is_there_now(self):
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        with os.fdopen(writing, "wb", 0) as writer, os.fdopen(reading, "rb") as file:
            writer.write(b"hello")
            buffer = self.buffer(file)
            self.assertEqual(buffer.read(0, 5), b"hello")
            with self.assertRaises(BlockingIOError):
                buffer.read(5, 5)
            self.assertFalse(buffer.is_exhausted())
        one, other = socket.socketpair()
        with one, other:
            one.setblocking(False)
            with one.makefile("rb") as file, self.assertRaises((BlockingIOError, OSError)):
                self.buffer(file).read(0, 1)
            one.setblocking(True)

    def test_a_file_that_raises_stop_iteration(self):
        class File:
            chunks = iter([b"abc"])

            def read(self, size):
                return next(self.chunks)
        with self.assertRaisesRegex(RuntimeError, "StopIteration"):
            list(seekable.open(File()))

    def test_a_response_that_breaks_off(self):
        url = self.breaking_off()
        with urllib.request.urlopen(url, timeout=60) as response:
            buffer = self.buffer(response)
            self.assertEqual(len(buffer.read(0, 50_000)), 50_000)
            with self.assertRaisesRegex(Exception, "IncompleteRead|more expected"):
                buffer.read(0, 100_000)
        import requests
        with requests.get(url, stream=True, timeout=60) as response:
            with self.assertRaisesRegex(Exception, "IncompleteRead|more expected"):
                self.buffer(response.raw).read(0, None)


class Asynchronous(StreamCase, unittest.IsolatedAsyncioTestCase):
    async def test_one_that_reads_its_own_buffer(self):
        async def chunks():
            yield b"abc"
            yield await buffer.read(0, 10)
        buffer = AsyncStreamBuffer(chunks())
        with self.assertRaisesRegex(OSError, "its own buffer"):
            await asyncio.wait_for(buffer.read(0, 10), PATIENCE)

    async def test_what_was_given_up_is_not_pulled_for(self):
        async def endless():
            while True:
                yield b"x" * 10_000
                await asyncio.sleep(0)
        buffer = AsyncStreamBuffer(endless())
        await buffer.read(0, 100_000)
        buffer.buffer.release_before(50_000)
        with self.assertRaises(seekable.ReleasedError):
            await asyncio.wait_for(buffer.read(0, 10), PATIENCE)
        self.assertEqual(await buffer.read(50_000, 3), b"xxx")

    async def test_a_window_narrower_than_a_step(self):
        data = content(300_000)

        async def chunks():
            for chunk in chunks_of(data, 5000):
                yield chunk
        for stream in (chunks(), chunks_of(data, 5000)):
            async with AsyncStreamBuffer(stream, window=2 * BLOCK) as buffer:
                self.assert_same(await buffer.read(0, 300_000), data)

    async def test_no_room_is_told_and_not_waited_for(self):
        for stream in (chunks_of(content(10 * BLOCK), BLOCK), self.awaited(10)):
            buffer = AsyncStreamBuffer(stream, max_size=4 * BLOCK, disk_limit=0)
            with self.assertRaises(seekable.DiskFullError):
                await asyncio.wait_for(buffer.read(0), PATIENCE)

    @staticmethod
    async def awaited(count):
        for _ in range(count):
            yield b"x" * BLOCK

    async def test_settings_are_checked_as_those_of_a_stream_buffer(self):
        with self.assertRaisesRegex(ValueError, "disk_limt: no setting"):
            AsyncStreamBuffer(self.awaited(1), disk_limt=0)
        async with AsyncStreamBuffer(self.awaited(9), max_size=BLOCK,
                                     spool_directories=str(self.scratch)) as buffer:
            self.assertEqual(len(await buffer.read(0)), 9 * BLOCK)
        given = StreamBuffer([b"abc"])
        async with await seekable.aopen(given) as file:
            self.assertEqual(await file.read(), b"abc")
        self.assertFalse(given.closed)
        with self.assertRaises(TypeError):
            AsyncStreamBuffer(given, window=5)

    async def test_cancel_wakes_who_waits(self):
        asked = asyncio.Event()

        async def silent():
            yield b"abc"
            asked.set()
            await asyncio.Event().wait()
        buffer = AsyncStreamBuffer(silent())
        reader = asyncio.create_task(buffer.read(0, 10))
        await asked.wait()
        buffer.buffer.cancel()
        with self.assertRaises(seekable.CancelledError):
            await asyncio.wait_for(reader, PATIENCE)
        await buffer.aclose()

    async def test_failures_keep_their_cause_and_do_not_grow(self):
        async def chunks():
            yield b"abc"
            raise ValueError("v") from KeyError("k")
        buffer = AsyncStreamBuffer(chunks())
        depths = set()
        for _ in range(5):
            try:
                await buffer.read(0, 10)
                self.fail("it gave bytes that are not there")
            except ValueError as error:
                self.assertIsInstance(error.__cause__, KeyError)
                depths.add(len(traceback.extract_tb(error.__traceback__)))
        self.assertEqual(len(depths), 1)

    async def test_takes_a_buffer(self):
        async with AsyncStreamBuffer(StreamBuffer([b"abc"])) as buffer:
            self.assertEqual(await buffer.read(0), b"abc")
        with self.assertRaisesRegex(TypeError, "asynchronous"):
            StreamBuffer(AsyncStreamBuffer([b"abc"]))

    async def test_memory_that_must_not_be_written(self):
        async with await seekable.aopen([b"abc"]) as file:
            with self.assertRaises(TypeError):
                await file.readinto(b"abc")
            self.assertEqual(file.tell(), 0)


class Loops(StreamCase):
    def test_another_event_loop_is_refused(self):
        async def chunks():
            for _ in range(5):
                await asyncio.sleep(0)
                yield b"x" * 10
        buffer = AsyncStreamBuffer(chunks())
        asyncio.run(buffer.read(0, 10))
        with self.assertRaises((RuntimeError, OSError)):
            asyncio.run(buffer.read(0, 50))

    def test_a_wait_for_a_size_that_is_given_up_does_not_stay(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            buffer = AsyncStreamBuffer(f"http://127.0.0.1:{server.getsockname()[1]}/")

            async def wait():
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(buffer.wait_for_size(), 0.001)
            asyncio.run(wait())


class Others(StreamCase):
    def test_a_named_pipe_is_opened_without_the_interpreter_lock(self):
        path = self.scratch / "pipe"
        os.mkfifo(path)

        def write():
            with open(path, "wb") as file:
                file.write(b"hello")
        threading.Thread(target=write).start()
        self.assertEqual(self.buffer(path).read(0, 5), b"hello")

    def test_a_failure_whose_frames_hold_the_buffer_is_collected(self):
        references = []

        def once():
            buffer = StreamBuffer(Feed([b"x" * 100_000], ValueError()))
            references.append(weakref.ref(buffer))
            try:
                buffer.read(0, 200_000)
            except ValueError:
                pass
        for _ in range(5):
            once()
        gc.collect()
        self.assertEqual([reference() for reference in references], [None] * 5)

    def test_a_cycle_through_an_attribute_is_collected(self):
        class Mine(StreamBuffer):
            def __init__(self):
                self.own = self.chunks()
                super().__init__(self.own)

            def chunks(self):
                yield type(self).__name__.encode()
        buffer = Mine()
        self.assertEqual(buffer[:], b"Mine")
        reference = weakref.ref(buffer)
        del buffer
        gc.collect()
        self.assertIsNone(reference())

    def test_a_buffer_that_was_not_made_is_refused(self):
        with self.assertRaisesRegex(ValueError, "__init__ was not called"):
            seekable.File(StreamBuffer.__new__(StreamBuffer))

    def test_what_a_progress_function_raises_is_no_failure(self):
        def wrong(count):
            raise ValueError("of mine")
        told = []
        hook, sys.unraisablehook = sys.unraisablehook, told.append
        try:
            self.assertEqual(self.buffer([b"abc"], progress=wrong)[:], b"abc")
        finally:
            sys.unraisablehook = hook
        self.assertEqual(str(told[0].exc_value), "of mine")

    def test_slices_past_all_offsets(self):
        buffer = self.buffer([b"abcdef"])
        self.assertEqual(buffer[2:2**64], b"cdef")
        self.assertEqual(buffer[2:2**70:2], b"ce")
        self.assertEqual((buffer[2**64:], buffer[2**64:2**65], buffer[::2**70]), (b"", b"", b"a"))
        self.assertEqual(buffer[-2**70:2**70], b"abcdef")
        for key in (2**64, -2**70):
            with self.assertRaises(IndexError):
                buffer[key]
        for key in ("a", 1.0, None, slice("a", None)):
            with self.assertRaises(TypeError):
                buffer[key]

    def test_names_in_no_encoding(self):
        path = os.fsencode(self.scratch) + b"/u\x80"
        with self.assertRaises(FileNotFoundError):
            StreamBuffer(os.fsdecode(path))
        with open(path, "wb") as file:
            file.write(b"abc")
        self.assertEqual(self.buffer(os.fsdecode(path))[:], b"abc")
        with open(os.fsdecode(path), "rb") as file:
            self.assertEqual(self.buffer(file)[:], b"abc")
        with self.assertRaisesRegex(ValueError, "null byte"):
            StreamBuffer("a\0b")
        with self.assertRaisesRegex(ValueError, "null byte"):
            self.buffer([b"abc"]).save("a\0b")

    def test_one_directory_may_be_given_as_it_is(self):
        buffer = self.buffer(chunks_of(content(5 * BLOCK), BLOCK), max_size=BLOCK,
                             spool_directories=str(self.scratch / "none"))
        with self.assertRaisesRegex(seekable.Error, "none"):
            buffer.wait_for_size()

    def test_a_child_is_told_in_the_usual_way(self):
        buffer = self.buffer([b"abc"])
        buffer[:]
        child = os.fork()
        if child == 0:
            status = 1
            try:
                buffer.residency()
                status = 0
            except OSError:
                status = 0
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_numbers_that_are_none(self):
        file = self.buffer([b"abc"]).open()
        with self.assertRaisesRegex(ValueError, "2\\*\\*63"):
            file.seek(2**63)
        for call in (lambda: file.seek(1.5), lambda: file.readinto(b"abc"),
                     lambda: file.readinto(memoryview(bytearray(9))[::2])):
            with self.assertRaises(TypeError):
                call()
        with self.assertRaisesRegex(ValueError, "begin -1"):
            file.buffer.prefetch([(-1, 2)])
        with self.assertRaisesRegex(ValueError, "more than a stream can have"):
            StreamBuffer([b"abc"], 2**64 - 1)

    def test_a_buffer_of_a_buffer_is_one_of_its_chunks(self):
        self.assertEqual(self.buffer(self.buffer([b"abc", b"def"]))[:], b"abcdef")

    def test_the_hint_about_lengths_stands_where_one_was_given(self):
        import gzip
        buffer = self.buffer([gzip.compress(b"x" * 100_000)[:-20]], decode=True)
        with self.assertRaises(seekable.TruncatedError) as caught:
            buffer[:]
        self.assertNotIn("Content-Encoding", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
