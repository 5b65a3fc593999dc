# SPDX-License-Identifier: Apache-2.0
"""Servers that break off, lie, stall and say little."""

import json
import signal
import unittest

from web import WebCase, pattern, wait_until

DATA = pattern(300_000)
TAG = ("ETag", '"one"')


def whole(handler):
    handler.give(200, ("Content-Length", str(len(DATA))), body=DATA)


def half(handler):
    """Promises all and gives half, each time."""
    handler.give(200, TAG, ("Content-Length", str(len(DATA))), body=DATA[:150_000])


def without_size(handler):
    handler.give(200, body=DATA)


def stalls(handler):
    handler.give(200, TAG, ("Content-Length", str(len(DATA))), body=DATA[:1000])
    handler.wfile.flush()
    handler.rfile.read(1)  # until the command goes


class Short(WebCase):
    def test_again_and_again_is_truncated_and_no_file(self):
        url, _ = self.scripted(half)
        result = self.seekable("get", url + "file", "--stats")
        self.assertEqual(result.returncode, 1)
        line, stats = result.stderr.decode().splitlines()
        self.assertIn("after 150000 bytes", line)
        self.assertIn("run it again", line)
        self.assertEqual(json.loads(stats)["failure"]["offset"], 150_000)
        self.assertFalse((self.work / "file").exists())
        self.assertEqual(self.kept(), 150_000)


class Little(WebCase):
    def test_that_a_server_tells_is_enough(self):
        for answer in (whole, without_size):
            url, seen = self.scripted(answer)
            for connections in ("1", "3"):
                with self.subTest(answer=answer, connections=connections):
                    self.assert_ok(self.seekable("get", url + "file", "--connections",
                                                 connections))
                    self.assert_whole(DATA)
            self.assert_ok(self.seekable("cat", url + "file"), DATA)
            self.assert_ok(self.seekable("cat", url + "file", "--range", "-9,5-6"),
                           DATA[-9:] + DATA[5:7])
            result = self.seekable("stat", url + "file")
            self.assertIn(b"size: 300000 bytes", result.stdout)
            self.assertTrue(seen)

    def test_without_a_version_leaves_no_part_and_says_so(self):
        def endless(handler):
            handler.give(200, ("Content-Length", "1000000000"), body=DATA)
            handler.rfile.read(1)
        url, _ = self.scripted(endless)
        for options, told in (((), b"no version"), (("--decode",), b"what is decompressed")):
            with self.subTest(options):
                process = self.start("get", url + "file", "--verbose", *options)
                wait_until(lambda: self.part_size() == len(DATA), "the part")
                process.terminate()
                self.assertEqual(process.wait(), -signal.SIGTERM)
                self.assertIn(told, process.stderr.read())
                self.assert_nothing_made()


class Stall(WebCase):
    def test_ends_by_the_time_out_and_is_gone_on_with(self):
        url, _ = self.scripted(stalls)
        for arguments in (["cat", url + "file"], ["cat", url + "file", "--range", "2000-3000"],
                          ["stat", "--decode", url + "file"], ["run", url + "file", "--", "true"],
                          ["get", url + "file"]):
            with self.subTest(arguments):
                at = arguments.index("--") if "--" in arguments else len(arguments)
                result = self.seekable(*arguments[:at], "--timeout", "150ms", *arguments[at:])
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr.decode(),
                                 r"\Aseekable: the source gave no byte for 150ms[^\n]*\n\Z")
        self.assertEqual(self.kept(), 1000)

    def test_before_the_first_byte_ends_by_it_too(self):
        url, _ = self.scripted(lambda handler: handler.rfile.read(1))
        for command in ("cat", "stat", "get"):
            with self.subTest(command):
                result = self.seekable(command, url + "file", "--timeout", "150ms")
                self.assert_fails(result, 1, "no byte for 150ms")
        self.assert_nothing_made()

    def test_ends_by_a_signal_at_once(self):
        url, seen = self.scripted(stalls)
        for command in ("cat", "get"):
            with self.subTest(command):
                before = len(seen)
                process = self.start(command, url + "file")
                wait_until(lambda: len(seen) > before, "the request")
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(), -signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
