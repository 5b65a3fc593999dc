# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the world: sources that break off, disks that are full, time that runs out."""

import json
import os
import pathlib
import resource
import subprocess
import unittest

from harness import COMMAND, CommandCase, listing, pattern

NOT_STARTED = "COMMAND was not started"


class BrokenSource(CommandCase):
    SOURCE = "head -c 300000 /dev/urandom; exit 3"

    def test_starts_no_command(self):
        for memory in ("64KiB", "5MiB"):
            with self.subTest(memory):
                result = self.seekable("run", "--memory", memory, "--exec", self.SOURCE, "--",
                                       "sh", "-c", "echo started; cat {}")
                self.assert_fails(result, 1, "after 300000 bytes", "status 3", NOT_STARTED)

    def test_killed_by_a_signal_starts_no_command(self):
        result = self.seekable("run", "--exec", "echo half; kill -9 $$", "--", "cat", "{}")
        self.assert_fails(result, 1, "after 5 bytes", NOT_STARTED)

    def test_gives_cat_its_bytes_and_then_an_error(self):
        result = self.seekable("cat", "--exec", "printf half; exit 3")
        self.assert_fails(result, 1, "after 4 bytes", stdout=b"half")

    def test_gives_a_range_before_the_failure_and_none_that_reaches_it(self):
        source = "printf 0123456789; exit 3"
        self.assert_ok(self.seekable("cat", "--exec", source, "--range", "2-4"), b"234")
        result = self.seekable("cat", "--exec", source, "--range", "8-20")
        self.assert_fails(result, 1, "after 10 bytes", stdout=b"89")
        self.assert_fails(self.seekable("cat", "--exec", source, "--range", "-4"), 1, "10 bytes")

    def test_has_no_size(self):
        self.assert_fails(self.seekable("stat", "--exec", self.SOURCE), 1, "after 300000 bytes")

    def test_is_told_in_the_statistics_too_which_come_last(self):
        result = self.seekable("run", "--stats", "--exec", "printf half; exit 3", "--", "cat", "{}")
        self.assertEqual(result.returncode, 1)
        error, stats = result.stderr.decode().splitlines()
        self.assertTrue(error.startswith("seekable: "))
        stats = json.loads(stats)
        self.assertIsNone(stats["size"])
        self.assertEqual(stats["failure"]["offset"], 4)

    def test_that_is_a_directory_as_standard_input_is_an_error(self):
        descriptor = os.open(self.work, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        self.assert_fails(self.seekable("cat", stdin=descriptor), 1, "directory")

    def test_that_is_closed_is_an_error_and_not_an_empty_stream(self):
        result = subprocess.run(["sh", "-c", '"$0" cat <&-', COMMAND],
                                capture_output=True, env=self.environment(), check=False)
        self.assert_fails(result, 1, "standard input")


class FullDisk(CommandCase):
    DATA = pattern(3_000_000)

    def assert_told(self, result):
        self.assert_fails(result, 1, NOT_STARTED)

    def test_that_strace_pretends_is_one_clear_error(self):
        for nth in ("1+", "3+"):
            with self.subTest(nth):
                result = self.seekable(
                    "run", "--memory", "256KiB", "--", "cat", "{}", stdin=self.DATA, prefix=(
                        "strace", "-f", "-qq", "-o", "/dev/null", "-e",
                        f"inject=pwrite64:error=ENOSPC:when={nth}"))
                self.assert_told(result)

    def test_that_is_real_is_one_clear_error(self):
        small = self.home / "small"
        small.mkdir()
        if os.geteuid() != 0:
            return  # a small file system needs root; the next test is for others too
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "e2e", small], check=True)
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        result = self.seekable("run", "--memory", "256KiB", "--dir", small, "--", "cat", "{}",
                               stdin=self.DATA)
        self.assert_told(result)
        self.assertEqual(listing(small), [])

    def test_that_is_a_limit_on_the_size_of_files_is_one_clear_error(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        result = subprocess.run([COMMAND, "run", "--memory", "256KiB", "--", "cat", "{}"],
                                input=self.DATA, capture_output=True, env=self.environment(),
                                preexec_fn=limit, check=False)
        self.assert_told(result)

    def test_is_no_trouble_where_there_is_another_directory(self):
        if os.geteuid() != 0:
            return  # a small file system needs root; the limit on file size would hit both
        small = self.home / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "e2e", small], check=True)
        self.addCleanup(subprocess.run, ["umount", small], check=True)
        result = self.seekable("run", "--memory", "256KiB", "--dir", small, "--dir", self.spool,
                               "--", "cat", "{}", stdin=self.DATA)
        self.assert_ok(result, self.DATA)

    def test_limits_are_kept(self):
        result = self.seekable("run", "--memory", "256KiB", "--disk", "1MiB", "--", "cat", "{}",
                               stdin=self.DATA)
        self.assert_fails(result, 1, NOT_STARTED, "--disk")
        result = self.seekable("run", "--memory", "256KiB", "--disk", "0", "--", "cat", "{}",
                               stdin=self.DATA)
        self.assert_fails(result, 1, NOT_STARTED, "--memory")

    def test_at_the_output_of_cat_is_one_clear_error(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run([COMMAND, "cat"], input=self.DATA,
                                    stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(),
                         r"\Aseekable: cannot write to standard output: No space[^\n]*\n\Z")


class TimeOut(CommandCase):
    def test_ends_a_source_that_stalls(self):
        for arguments in (("run", "--timeout", "50ms", "--", "cat", "{}"),
                          ("stat", "--timeout", "50ms"),
                          ("cat", "--timeout", "50ms", "--range", "5-9"),
                          ("cat", "--timeout", "50ms", "--range", "-1")):
            with self.subTest(arguments):
                process = self.start(*arguments)
                process.stdin.write(b"half")
                process.stdin.flush()
                self.assertEqual(process.wait(), 1)
                self.assertEqual(process.stdout.read(), b"")
                self.assertRegex(process.stderr.read().decode(),
                                 r"\Aseekable: the source gave no byte for 50ms[^\n]*\n\Z")

    def test_of_cat_gives_what_came(self):
        process = self.start("cat", "--timeout", "50ms")
        process.stdin.write(b"half")
        process.stdin.flush()
        self.assertEqual(process.stdout.read(), b"half")
        self.assertEqual(process.wait(), 1)
        self.assertIn(b"no byte for 50ms", process.stderr.read())

    def test_does_not_end_a_source_that_takes_long_but_gives(self):
        source = "for i in 1 2 3 4 5 6 7 8; do printf $i; sleep 0.2; done"
        for arguments in (("run", "--timeout", "1s", "--exec", source, "--", "cat", "{}"),
                          ("cat", "--timeout", "1s", "--exec", source),
                          ("cat", "--timeout", "1s", "--exec", source, "--range", "0-7")):
            with self.subTest(arguments):
                self.assert_ok(self.seekable(*arguments), b"12345678")

    def test_does_not_blame_the_source_for_an_output_that_nobody_reads(self):
        process = self.start("cat", "--timeout", "200ms", "--exec", "head -c 3000000 /dev/zero")
        # The pipe is full and the source waits; only then is it read.
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(1)
        self.assertEqual(len(process.stdout.read()), 3_000_000)
        self.assertEqual(process.wait(), 0)

    def test_ends_the_wait_for_the_writer_of_a_named_pipe(self):
        os.mkfifo(self.work / "pipe")
        self.assert_fails(self.seekable("cat", "pipe", "--timeout", "50ms"), 1, "'pipe'", "50ms")


def most_kilobytes():
    """The memory that is allowed; sanitizers take several times as much, and the rest of this test
    (no more than the stream) holds with them too."""
    program = pathlib.Path(COMMAND).read_bytes()
    sanitized = any(mark in program for mark in (b"__asan_init", b"__tsan_init", b"__msan_init"))
    return 240 * 1024 if sanitized else 24 * 1024


class Memory(CommandCase):
    # /usr/bin/time gives the peak of the command and of those it waits for, each for itself.
    def test_of_a_long_run_stays_small(self):
        report = self.home / "time"
        result = self.seekable(
            "run", "--memory", "5MiB", "--exec", "head -c 256M /dev/zero", "--", "wc", "-c",
            prefix=("/usr/bin/time", "-f", "%M", "-o", str(report)))
        self.assert_ok(result)
        self.assertEqual(int(result.stdout), 256 << 20)
        self.assertLess(int(report.read_text()), most_kilobytes())

    def test_of_a_long_cat_stays_small(self):
        report = self.home / "time"
        with open(os.devnull, "wb") as devnull:
            subprocess.run(["/usr/bin/time", "-f", "%M", "-o", report, COMMAND, "cat", "--exec",
                            "head -c 256M /dev/zero"], stdout=devnull, env=self.environment(),
                           check=True)
        self.assertLess(int(report.read_text()), most_kilobytes())


if __name__ == "__main__":
    unittest.main()
