# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C ends whatever the main thread waits for, and loses nothing."""

import signal
import subprocess
import sys
import textwrap
import threading
import unittest

from streams import PATIENCE, StreamCase


class Signals(StreamCase):
    PROGRAM = """
        import signal, socket, sys, threading, seekable

        seen = []
        def interrupt(*_):
            seen.append(1)
            print("seen", flush=True)
            if len(seen) == 3:  # By then it waits, if it was not before.
                raise KeyboardInterrupt
        signal.signal(signal.SIGINT, interrupt)
        inside, go = threading.Event(), threading.Event()

        def chunks():
            yield b"abc"
            inside.set()
            go.wait()
            yield b"def"

        def pulled_by_another():
            buffer = seekable.StreamBuffer(chunks())
            threading.Thread(target=buffer.read, args=(0, 4)).start()
            inside.wait()
            return buffer

        def interrupted(call):
            try:
                print("ready", flush=True)
                call()
            except KeyboardInterrupt:
                return
            sys.exit("it was not interrupted")
        """

    def interrupt(self, text):
        """Runs the program, which is interrupted three times."""
        program = textwrap.dedent(self.PROGRAM) + textwrap.dedent(text)
        with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as process:
            watch = threading.Timer(PATIENCE, process.kill)
            watch.start()
            self.assertEqual(process.stdout.readline(), b"ready\n")
            for _ in range(3):
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.stdout.readline(), b"seen\n")
            self.assertEqual(process.wait(), 0)
            watch.cancel()

    def test_end_a_wait_for_what_another_thread_pulls(self):
        for call in ("lambda: buffer.read(0, 6)", "lambda: buffer.read_some(3)",
                     "lambda: buffer.readinto_at(3, bytearray(1))", "lambda: buffer.view(3)",
                     "lambda: buffer.wait_for(0, 6)", "buffer.wait_for_size", "buffer.open().read",
                     "buffer.open(3).readline", "lambda: buffer.save('/nowhere/file')"):
            with self.subTest(call):
                self.interrupt(f"""
                    buffer = pulled_by_another()
                    interrupted({call})
                    assert buffer.read(0, 3) == b"abc"
                    go.set()
                    assert buffer.read(0, 6) == b"abcdef"
                """)

    def test_end_a_wait_for_a_server(self):
        for call in ("lambda: buffer.read(0, 3)", "buffer.wait_for_size"):
            self.interrupt(f"""
                server = socket.create_server(("127.0.0.1", 0))
                buffer = seekable.StreamBuffer(f"http://127.0.0.1:{{server.getsockname()[1]}}/")
                interrupted({call})
            """)

    def test_end_a_wait_for_a_file_that_another_thread_reads(self):
        self.interrupt("""
            file = pulled_by_another().open()
            threading.Thread(target=file.read).start()
            interrupted(file.read)
            go.set()
        """)

    def test_in_the_iterator_itself_end_it(self):
        self.interrupt("""
            def ready_inside():
                yield b"abc"
                print("ready", flush=True)
                go.wait()

            buffer = seekable.StreamBuffer(ready_inside())
            for _ in range(2):
                try:
                    buffer.read(0, 6)
                    sys.exit("it has not failed")
                except KeyboardInterrupt:
                    assert buffer.read(0, 3) == b"abc"
        """)


if __name__ == "__main__":
    unittest.main()
