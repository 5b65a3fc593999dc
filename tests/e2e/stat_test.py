# SPDX-License-Identifier: Apache-2.0
"""`seekable stat`."""

import json
import os
import unittest

from harness import CommandCase, pattern


def facts(result):
    return dict(line.split(": ", 1) for line in result.stdout.decode().splitlines())


class Stat(CommandCase):
    def test_tells_the_size_of_a_stream_and_keeps_nothing_of_it(self):
        result = self.seekable("stat", "--memory", "1MiB", stdin=pattern(3_000_000))
        self.assert_ok(result)
        self.assertEqual(facts(result), {"size": "3000000 bytes (2.9 MiB)",
                                         "name": "standard input",
                                         "seekable in place": "no"})

    def test_tells_what_is_known_of_a_file(self):
        path = self.work / "file.bin"
        path.write_bytes(b"x")
        os.utime(path, (86_400, 86_400))
        result = self.seekable("stat", "file.bin")
        self.assert_ok(result)
        self.assertEqual(facts(result), {"size": "1 byte", "name": "file.bin",
                                         "modified": "1970-01-02T00:00:00Z",
                                         "seekable in place": "yes"})

    def test_does_not_read_a_file(self):
        path = self.work / "sparse"
        with open(path, "wb") as file:
            file.truncate(1 << 40)
        result = self.seekable("stat", "sparse", "--stats")
        self.assert_ok(result)
        self.assertEqual(facts(result)["size"], f"{1 << 40} bytes (1.0 TiB)")
        self.assertEqual(json.loads(result.stderr)["bytes_on_wire"], 0)

    def test_tells_the_size_of_an_empty_stream(self):
        self.assertEqual(facts(self.seekable("stat"))["size"], "0 bytes")

    def test_tells_the_size_of_what_a_command_writes(self):
        result = self.seekable("stat", "--exec", "printf 12345")
        self.assertEqual(facts(result)["size"], "5 bytes")
        self.assertEqual(facts(result)["name"], "printf 12345")

    def test_is_a_line_for_each_fact_whatever_the_name(self):
        name = "a\nsize: 999"
        (self.work / name).write_bytes(b"12345")
        lines = self.seekable("stat", name).stdout.decode().splitlines()
        self.assertEqual([line for line in lines if line.startswith("size")], ["size: 5 bytes"])

    def test_of_a_source_that_cannot_be_opened_prints_statistics_all_the_same(self):
        error = self.seekable("stat", "absent", "--stats").stderr.decode().splitlines()
        self.assertEqual(len(error), 2)
        self.assertIsNone(json.loads(error[1])["size"])

    def test_needs_little_memory_and_no_disk(self):
        for memory in ("64KiB", "5MiB"):
            with self.subTest(memory):
                result = self.seekable("stat", "--disk", "0", "--memory", memory,
                                       stdin=pattern(2_000_000))
                self.assert_ok(result)


if __name__ == "__main__":
    unittest.main()
