# SPDX-License-Identifier: Apache-2.0
"""`seekable cat` and its ranges."""

import fcntl
import json
import os
import signal
import subprocess
import unittest

from harness import COMMAND, CommandCase, pattern


class Whole(CommandCase):
    def test_stream_is_copied_exactly(self):
        for size in (0, 1, 65_536, 3_000_000):
            data = pattern(size)
            for memory in ("4KiB", "64KiB", "200KiB", "5MiB"):
                with self.subTest(size=size, memory=memory):
                    self.assert_ok(self.seekable("cat", "--memory", memory, stdin=data), data)

    def test_file_is_copied_exactly(self):
        data = pattern(3_000_000)
        (self.work / "file").write_bytes(data)
        self.assert_ok(self.seekable("cat", "file"), data)

    def test_stream_is_passed_on_as_it_comes(self):
        process = self.start("cat")
        process.stdin.write(b"first")
        process.stdin.flush()
        self.assertEqual(process.stdout.read(5), b"first")
        process.stdin.close()
        self.assertEqual(process.stdout.read(), b"")
        self.assertEqual(process.wait(), 0)

    def test_small_pipe_is_made_larger_and_a_large_one_stays_as_it_is(self):
        for before, after in ((65_536, 524_288), (1_048_576, 1_048_576)):
            with self.subTest(before=before):
                process = self.start("cat", pipesize=before)
                process.stdin.write(b"1")
                process.stdin.flush()
                self.assertEqual(process.stdout.read(1), b"1")
                self.assertEqual(fcntl.fcntl(process.stdin, fcntl.F_GETPIPE_SZ), after)

    def test_stream_makes_no_file(self):
        result = self.seekable("cat", "--stats", "--memory", "64KiB", stdin=pattern(1_000_000))
        self.assertEqual(json.loads(result.stderr)["spilled_bytes"], 0)

    def test_output_that_is_closed_ends_it_quietly_as_with_cat(self):
        process = self.start("cat", "--exec", "cat /dev/zero")
        process.stdout.read(100)
        process.stdout.close()
        self.assertEqual(process.wait(), -signal.SIGPIPE)
        self.assertEqual(process.stderr.read(), b"")

    def test_signal_ends_it_also_while_nobody_reads(self):
        for arguments in ((), ("--range", "0-")):
            with self.subTest(arguments):
                process = self.start("cat", "--exec", "cat /dev/zero", *arguments)
                process.stdout.read(1)
                process.terminate()
                self.assertEqual(process.wait(), -signal.SIGTERM)


class Ranges(CommandCase):
    DATA = pattern(500_000)

    TABLE = (
        (["0-0"], [(0, 1)]),
        (["0-99"], [(0, 100)]),
        (["70000-70001"], [(70_000, 70_002)]),
        (["499999-"], [(499_999, 500_000)]),
        (["0-"], [(0, 500_000)]),
        (["-1"], [(499_999, 500_000)]),
        (["-16"], [(499_984, 500_000)]),
        (["-500000"], [(0, 500_000)]),
        (["-999999999"], [(0, 500_000)]),
        (["499990-999999"], [(499_990, 500_000)]),
        (["0-18446744073709551615"], [(0, 500_000)]),
        (["300000-300009", "100-109"], [(300_000, 300_010), (100, 110)]),
        (["-5", "0-4", "-5"], [(499_995, 500_000), (0, 5), (499_995, 500_000)]),
        (["-5", "-70000"], [(499_995, 500_000), (430_000, 500_000)]),
        (["5-9,0-4", "7-7"], [(5, 10), (0, 5), (7, 8)]),
        (["10-19", "10-19"], [(10, 20), (10, 20)]),
        (["0-399999", "200000-200009"], [(0, 400_000), (200_000, 200_010)]),
    )

    def test_are_given_in_order_from_a_stream_and_from_a_file(self):
        (self.work / "file").write_bytes(self.DATA)
        for texts, parts in self.TABLE:
            expected = b"".join(self.DATA[begin:end] for begin, end in parts)
            options = [word for text in texts for word in ("--range", text)]
            with self.subTest(texts):
                self.assert_ok(self.seekable("cat", *options, stdin=self.DATA), expected)
                self.assert_ok(self.seekable("cat", "--memory", "64KiB", *options,
                                             stdin=self.DATA), expected)
                self.assert_ok(self.seekable("cat", "file", *options), expected)

    def test_past_the_end_are_failures(self):
        (self.work / "file").write_bytes(self.DATA)
        for text in ("500000-", "500000-500009", "18446744073709551615-"):
            for source in ((), ("file",)):
                with self.subTest(text=text, source=source):
                    result = self.seekable("cat", *source, "--range", text, stdin=self.DATA)
                    self.assert_fails(result, 1, text, "past the end", "500000 bytes")

    def test_of_an_empty_stream_are_failures(self):
        for text in ("0-", "0-0", "-1"):
            with self.subTest(text):
                self.assert_fails(self.seekable("cat", "--range", text), 1, "past the end")

    def test_before_one_that_fails_are_given(self):
        result = self.seekable("cat", "--range", "0-3", "--range", "10-", stdin=b"bytes")
        self.assert_fails(result, 1, "10-", stdout=b"byte")

    def test_of_an_endless_stream_end(self):
        result = self.seekable("cat", "--exec", "yes", "--range", "1000000-1000003")
        self.assert_ok(result, b"y\ny\n")

    def test_keep_nothing_of_what_they_skip(self):
        result = self.seekable("cat", "--stats", "--disk", "0", "--memory", "1MiB", "--exec",
                               "head -c 30000000 /dev/zero; echo end", "--range", "29999999-")
        self.assert_ok(result, b"\0end\n")
        result = self.seekable("cat", "--stats", "--disk", "0", "--memory", "1MiB", "--exec",
                               "head -c 30000000 /dev/zero; echo end", "--range", "-4")
        self.assert_ok(result, b"end\n")

    def test_behind_a_window_are_failures(self):
        result = self.seekable("cat", "--window", "64KiB", "--range", "400000-400009", "--range",
                               "0-9", stdin=self.DATA)
        self.assert_fails(result, 1, "--window", stdout=self.DATA[400_000:400_010])


class Statistics(CommandCase):
    def test_are_one_line_of_json(self):
        data = pattern(100_000)
        result = self.seekable("cat", "--stats", stdin=data)
        self.assert_ok(result, data)
        stats = json.loads(result.stderr)
        self.assertEqual((stats["size"], stats["failure"]), (100_000, None))
        self.assertEqual(stats["bytes_on_wire"], 100_000)


class Keeping(CommandCase):
    """What a range does not need any more is not kept: limits that are smaller than the range do."""

    def test_nothing_behind_a_range(self):
        data = pattern(3_000_000)
        result = self.seekable("cat", "--range", "100-", "--memory", "128KiB", "--disk", "0",
                               stdin=data)
        self.assert_ok(result, data[100:])

    def test_only_the_end_for_a_range_of_the_end(self):
        data = pattern(3_000_000)
        for ranges in (["--range", "-10"], ["--range", "0-9,-10"],
                       ["--range", "1000000-1000009", "--range", "-10,-5"]):
            with self.subTest(ranges):
                result = self.seekable("cat", *ranges, "--memory", "192KiB", "--disk", "0",
                                       stdin=data)
                self.assert_ok(result)
                self.assertTrue(result.stdout.endswith(data[-10:] if len(ranges) == 2
                                                       else data[-5:]))

    def test_and_nothing_of_a_file_is_read_but_its_ranges(self):
        with open(self.work / "sparse", "wb") as file:
            file.truncate(1 << 40)
        self.assert_ok(self.seekable("cat", "sparse", "--range", "0-0,-5"), b"\0" * 6)

    def test_the_last_bytes_in_the_smallest_window(self):
        data = pattern(600_000)
        self.assert_ok(self.seekable("cat", "--window", "1", "--range", "-1", stdin=data),
                       data[-1:])

    def test_what_later_ranges_need(self):
        data = pattern(1_000_000)
        result = self.seekable("cat", "--range", "900000-,5-6,-3,0-0", "--memory", "128KiB",
                               stdin=data)
        self.assert_ok(result, data[900_000:] + data[5:7] + data[-3:] + data[:1])

    def test_goes_on_in_large_steps_without_memory(self):
        data = pattern(5_000_000)
        self.assert_ok(self.seekable("cat", "--memory", "0", stdin=data), data)
        self.assert_ok(self.seekable("cat", "--window", "1", stdin=data), data)


class Names(CommandCase):
    def test_in_brackets_are_names_like_others(self):
        (self.work / "[x]").write_bytes(b"brackets")
        (self.work / "x").write_bytes(b"none")
        (self.work / "[]").write_bytes(b"empty")
        self.assert_ok(self.seekable("cat", "[x]"), b"brackets")
        self.assert_ok(self.seekable("cat", "[]", stdin=b"input"), b"empty")
        self.assert_ok(self.seekable("run", "[x]", "--", "cat", "{}"), b"brackets")


class Progress(CommandCase):
    def test_is_drawn_when_asked_for_and_not_where_there_is_no_terminal(self):
        self.assertEqual(self.seekable("cat", stdin=b"bytes").stderr, b"")
        self.assertEqual(self.seekable("cat", "--progress", "never", stdin=b"bytes").stderr, b"")
        error = self.seekable("cat", "--progress", "always", stdin=b"bytes").stderr.decode()
        self.assertIn("5 bytes", error)
        self.assertTrue(error.startswith("\r") and error.endswith("\n"), error)

    def test_of_a_file_reaches_a_hundred_percent(self):
        (self.work / "file").write_bytes(pattern(1_000_000))
        error = self.seekable("cat", "file", "--progress", "always").stderr.decode()
        self.assertIn("100%", error)

    def test_is_drawn_on_a_terminal(self):
        ours, theirs = os.openpty()
        with subprocess.Popen(
                [COMMAND, "cat", "--exec", "printf 12345; sleep 0.6; echo"], stderr=theirs,
                stdout=subprocess.DEVNULL, env=self.environment()) as process:
            os.close(theirs)
            seen = b""
            while b"5 bytes" not in seen:
                seen += os.read(ours, 4096)
            process.kill()
        os.close(ours)


if __name__ == "__main__":
    unittest.main()
