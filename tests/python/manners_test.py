# SPDX-License-Identifier: Apache-2.0
"""How the package behaves beside other threads, forks, the collector, and at the end."""

import gc
import os
import socket
import sys
import threading
import time
import unittest
import weakref

import seekable
from streams import BLOCK, PATIENCE, Feed, StreamCase, chunks_of, content, run_program


def started(target):
    thread = threading.Thread(target=target)
    thread.start()
    return thread


class Threads(StreamCase):
    def test_the_interpreter_goes_on_while_a_read_waits(self):
        """The byte that is waited for comes from another thread of Python."""
        reading, writing = socket.socketpair()
        with reading, writing, reading.makefile("rb", buffering=0) as stream:
            buffer = self.buffer(stream)
            got = []
            reader = started(lambda: got.append(buffer.read(0, 3)))
            for byte in b"abc":
                writing.send(bytes([byte]))
            reader.join(PATIENCE)
            self.assertEqual(got, [b"abc"])

    def test_many_readers_of_one_iterator(self):
        data = content(5_000_000)
        inside = []

        def chunks():
            for chunk in chunks_of(data, 10_000):
                inside.append(1)
                self.assertEqual(len(inside), 1, "one thread at a time")
                yield_to_others()
                inside.pop()
                yield chunk

        def yield_to_others():
            time.sleep(0)
        for fill in ("on_demand", "ahead"):
            buffer = self.buffer(chunks(), fill=fill, max_size=1_000_000)
            wrong = []

            def read(seed):
                offsets = range(seed * 1000, len(data), 70_001)
                for offset in offsets:
                    if buffer.read(offset, 5000) != data[offset:offset + 5000]:
                        wrong.append(offset)
            threads = [started(lambda seed=seed: read(seed)) for seed in range(8)]
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])

    def test_all_readers_are_told_of_a_failure(self):
        go = threading.Event()
        failure = ValueError("broken")

        def chunks():
            yield b"abc"
            go.wait()
            raise failure
        buffer = self.buffer(chunks())
        told = []

        def read():
            try:
                buffer.read(0, 10)
            except ValueError as error:
                told.append(error)
        threads = [started(read) for _ in range(5)]
        go.set()
        for thread in threads:
            thread.join(PATIENCE)
        self.assertEqual(told, [failure] * 5)

    def test_who_waits_is_told_when_the_buffer_is_closed(self):
        reading, writing = socket.socketpair()
        with reading, writing, reading.makefile("rb") as stream:
            buffer = seekable.StreamBuffer(stream, fill="ahead")
            waiting = threading.Event()
            told = []

            def read():
                waiting.set()
                try:
                    buffer.read(0, 10)
                except (seekable.CancelledError, ValueError) as error:
                    told.append(error)
            reader = started(read)
            waiting.wait()
            buffer.close()
            writing.send(b"a")  # Where it is in the iterator itself, it comes back from there.
            reader.join(PATIENCE)
            self.assertEqual(len(told), 1)

    def test_a_time_out_loses_nothing(self):
        go = threading.Event()

        def chunks():
            yield b"abc"
            go.wait()
            yield b"def"
        buffer = self.buffer(chunks())
        with self.assertRaises(TimeoutError) as caught:
            buffer.read(0, 6, timeout=0.01)
        self.assertIsInstance(caught.exception, seekable.TimedOutError)
        self.assertFalse(buffer.wait_for(0, 6, timeout=0.01))
        with self.assertRaises(TimeoutError):
            buffer.wait_for_size(timeout=0)
        go.set()
        self.assertEqual(buffer.read(0, 6, timeout=PATIENCE), b"abcdef")
        self.assertTrue(buffer.wait_for(0, 100, timeout=PATIENCE))


class Forks(StreamCase):
    def in_a_child(self, call):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                call()
                status = 0
            except BaseException as error:  # pylint: disable=broad-except
                print(repr(error), file=sys.stderr)
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

    def test_a_child_reads_what_is_in_memory_and_no_more(self):
        data = content(10 * BLOCK)
        for fill in ("on_demand", "ahead"):
            buffer = self.buffer(chunks_of(data, 10_000), fill=fill, read_ahead=2 * BLOCK,
                                 max_size=20 * BLOCK)
            buffer.read(0, BLOCK)
            file = buffer.open()

            def look():
                self.assertEqual(buffer.read(0, BLOCK), data[:BLOCK])
                self.assertEqual(file.read(100), data[:100])
                with self.assertRaises(PermissionError):
                    buffer.read(9 * BLOCK, 100)
                buffer.close()
            self.in_a_child(look)
            self.assert_same(buffer[:], data)

    def test_while_another_thread_reads(self):
        data = content(20 * BLOCK)
        buffer = self.buffer(chunks_of(data, BLOCK), max_size=40 * BLOCK)
        file = buffer.open()
        over = threading.Event()

        def read():
            while not over.is_set():
                file.seek(0)
                file.read()
        reader = started(read)
        try:
            for _ in range(20):
                self.in_a_child(lambda: (file.seek(5), file.tell(), buffer.available()))
        finally:
            over.set()
            reader.join()

    def test_multiprocessing(self):
        run_program("""
            import multiprocessing, seekable
            def work(number):
                return seekable.StreamBuffer([bytes([number]) * 100_000]).read(99_999, 5)
            if __name__ == "__main__":
                outer = seekable.StreamBuffer([b"abc"], fill="ahead")
                outer.wait_for_size()
                with multiprocessing.get_context("fork").Pool(2) as pool:
                    assert pool.map(work, range(10)) == [bytes([n]) for n in range(10)]
                assert outer[:] == b"abc"
        """)


class Leaks(StreamCase):
    def test_an_iterator_goes_with_its_buffer_or_at_its_end(self):
        class Chunks(Feed):
            pass
        chunks = Chunks([b"abc", b"def"])
        reference = weakref.ref(chunks)
        buffer = self.buffer(chunks)
        del chunks
        buffer.read(0, 1)
        self.assertIsNotNone(reference())
        self.assertEqual(buffer[:], b"abcdef")
        self.assertIsNone(reference(), "it has ended")
        chunks = Chunks([b"abc", b"def"])
        reference = weakref.ref(chunks)
        buffer = seekable.StreamBuffer(chunks)
        del chunks
        buffer.read(0, 1)
        del buffer
        self.assertIsNone(reference())

    def test_a_cycle_through_the_iterator_is_collected(self):
        class Owner:
            def __init__(self):
                self.buffer = seekable.StreamBuffer(self.chunks(), progress=self.came)
                self.file = self.buffer.open()

            def chunks(self):
                while True:
                    yield self.__class__.__name__.encode()

            def came(self, count):
                pass
        owner = Owner()
        self.assertEqual(owner.file.read(7), b"OwnerOw")
        reference = weakref.ref(owner)
        del owner
        gc.collect()
        self.assertIsNone(reference())

    def test_nothing_stays_of_ten_thousand_buffers(self):
        run_program("""
            import gc, resource, sys, seekable
            def once():
                buffer = seekable.StreamBuffer([b"x" * 100_000, b"y"], 100_001)
                views = [buffer.view(0), buffer.view(70_000, 5)]
                with buffer.open() as file:
                    file.readline()
                try:
                    seekable.StreamBuffer([b"a", 5]).read(0, 5)
                except TypeError:
                    pass
                assert buffer[-1:] == b"y"
            def memory():
                gc.collect()
                return int(open("/proc/self/statm").read().split()[1]) * 4096
            for _ in range(1000): once()
            before, blocks = memory(), sys.getallocatedblocks()
            for _ in range(10_000): once()
            grown = memory() - before
            assert grown < 2_000_000, grown
            assert sys.getallocatedblocks() - blocks < 1000
        """)

    def test_failures_that_are_raised_often_do_not_grow(self):
        buffer = self.buffer(Feed([b"abc"], ValueError("broken")))

        def once():
            try:
                buffer.read(0, 5)
            except ValueError as error:
                depth, trace = 0, error.__traceback__
                while trace:
                    depth, trace = depth + 1, trace.tb_next
                return depth
        self.assertEqual(once(), once())
        before = sys.getallocatedblocks()
        for _ in range(2000):
            once()
        self.assertLess(sys.getallocatedblocks() - before, 200)


class TheEnd(StreamCase):
    """A program ends with its own status and says nothing, whatever its threads are doing."""

    def assert_quiet(self, text):
        self.assertEqual(run_program(text), ("", ""))

    def test_of_a_program_whose_threads_wait(self):
        self.assert_quiet("""
            import os, threading, time, seekable
            read_end, write_end = os.pipe()
            pipe = os.fdopen(read_end, "rb", buffering=0)
            buffer = seekable.StreamBuffer(pipe)
            waiting = threading.Barrier(4)
            def read():
                waiting.wait()
                buffer.read(0, 10)
            for _ in range(3):
                threading.Thread(target=read, daemon=True).start()
            waiting.wait()
        """)

    def test_of_a_program_whose_iterator_is_busy(self):
        self.assert_quiet("""
            import time, seekable
            def chunks():
                while True:
                    yield b"x" * 1000
                    time.sleep(0)
            ahead = seekable.StreamBuffer(chunks(), fill="ahead", max_size=10**6)
            other = seekable.StreamBuffer(chunks(), fill="ahead", max_size=10**6, disk_limit=0)
            ahead.read(5000, 10)
            other.read(5000, 10)
        """)

    def test_of_a_program_whose_objects_are_left_to_the_interpreter(self):
        self.assert_quiet("""
            import seekable, threading
            class Last:
                def __init__(self):
                    self.buffer = seekable.StreamBuffer(iter([b"abc", b"def"]))
                    self.view = self.buffer.view(0)
                    self.file = self.buffer.open()
                def __del__(self):
                    self.buffer.available()
            last = Last()
            cycle = [last]
            cycle.append(cycle)
            local = threading.local()
            local.last = Last()
        """)

    def test_of_a_thread_while_a_buffer_goes_that_is_read_by_another(self):
        self.assert_quiet("""
            import os, threading, seekable
            read_end, write_end = os.pipe()
            pipe = os.fdopen(read_end, "rb", buffering=0)
            buffer = seekable.StreamBuffer(pipe, fill="ahead")
            del buffer
            os.write(write_end, b"abc")
        """)


if __name__ == "__main__":
    unittest.main()
