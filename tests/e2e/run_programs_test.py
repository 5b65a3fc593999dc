# SPDX-License-Identifier: Apache-2.0
"""`seekable run` with real programs that need a file, on streams that come through a pipe."""

import hashlib
import io
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import unittest
import wave
import zipfile

from harness import COMMAND, SPEAK_OF_ALL, CommandCase, listing, pattern


def make_zip(path):
    """A zip of some of the machine's own files. Returns their names."""
    names = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("/etc/passwd", "/etc/os-release", __file__, sys.executable):
            archive.write(name)
            names.append(name.lstrip("/"))
    return names


def make_database(path, mode):
    connection = sqlite3.connect(path)
    connection.execute(f"pragma journal_mode={mode}")
    connection.execute("create table numbers(n)")
    connection.executemany("insert into numbers values(?)", ((n,) for n in range(10_000)))
    connection.commit()
    connection.close()


class Zip(CommandCase):
    def setUp(self):
        super().setUp()
        self.zip = self.home / "some.zip"
        self.names = make_zip(self.zip)

    def test_unzip_lists_a_zip_from_a_pipe(self):
        result = self.seekable("run", "--", "unzip", "-l", "{}", stdin=self.zip.read_bytes())
        self.assert_ok(result)
        for name in self.names:
            self.assertIn(name, result.stdout.decode())

    def test_unzip_tests_a_zip_that_is_larger_than_memory(self):
        result = self.seekable("run", "--memory", "64KiB", "--", "unzip", "-tq", "{}",
                               stdin=self.zip.read_bytes())
        self.assert_ok(result)

    def test_pythons_zipfile_tests_a_zip_from_a_pipe(self):
        result = self.seekable("run", "--", sys.executable, "-m", "zipfile", "-t", "{}",
                               stdin=self.zip.read_bytes())
        self.assert_ok(result)
        self.assertIn(b"Done testing", result.stdout)

    def test_pythons_zipfile_reads_a_zip_as_its_standard_input(self):
        script = "import sys, zipfile; print(zipfile.ZipFile(sys.stdin.buffer).testzip())"
        result = self.seekable("run", "--", sys.executable, "-c", script,
                               stdin=self.zip.read_bytes())
        self.assert_ok(result, b"None\n")

    def test_unzip_finds_fault_with_half_a_zip(self):
        half = self.zip.read_bytes()[: self.zip.stat().st_size // 2]
        result = self.seekable("run", "--", "unzip", "-l", "{}", stdin=half)
        self.assertEqual(result.returncode, 9, result)


class Archives(CommandCase):
    def test_pythons_tarfile_reads_one_member(self):
        archive = self.home / "some.tar"
        with tarfile.open(archive, "w") as tar:
            for name in ("one", "two"):
                file = tarfile.TarInfo(name)
                file.size = 300_000
                tar.addfile(file, io.BytesIO(pattern(300_000, len(name) + ord(name[0]))))
        script = ("import sys, tarfile; t = tarfile.open(sys.argv[1], 'r:');"
                  "sys.stdout.buffer.write(t.extractfile('two').read())")
        result = self.seekable("run", "--memory", "64KiB", "--", sys.executable, "-c", script, "{}",
                               stdin=archive.read_bytes())
        self.assert_ok(result, pattern(300_000, 3 + ord("t")))

    def test_pythons_wave_reads_the_last_samples(self):
        sound = self.home / "some.wav"
        with wave.open(str(sound), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(pattern(200_000))
        script = ("import sys, wave; w = wave.open(sys.argv[1]); w.setpos(w.getnframes() - 5);"
                  "sys.stdout.buffer.write(w.readframes(5))")
        result = self.seekable("run", "--", sys.executable, "-c", script, "{}",
                               stdin=sound.read_bytes())
        self.assert_ok(result, pattern(200_000)[-10:])


class Sqlite(CommandCase):
    QUERY = "select count(*), sum(n) from numbers"

    def query(self, mode, *options, **how):
        database = self.home / "numbers.db"
        make_database(database, mode)
        result = self.seekable("run", *options, "--", "sqlite3", "{}", self.QUERY,
                               stdin=database.read_bytes(), **how)
        self.assert_ok(result, b"10000|49995000\n")
        return result

    def test_sqlite3_queries_a_database_from_a_pipe(self):
        self.query("delete")

    def test_sqlite3_queries_a_database_with_a_write_ahead_log(self):
        self.query("wal")

    def test_sqlite3_queries_a_database_that_is_larger_than_memory(self):
        self.query("delete", "--memory", "64KiB")

    def test_the_name_is_a_real_one(self):
        result = self.query("delete", "--verbose")
        self.assertIn("/seekable/stream, a name in a mount namespace of its own",
                      result.stderr.decode())

    def test_the_database_cannot_be_written(self):
        database = self.home / "numbers.db"
        make_database(database, "delete")
        result = self.seekable("run", "--", "sqlite3", "{}", "delete from numbers",
                               stdin=database.read_bytes())
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(b"readonly", result.stderr)


class Unprivileged(CommandCase):
    """The same as a user without any right."""

    def setUp(self):
        super().setUp()
        # The build tree may be closed to others.
        self.command = self.home / "seekable-command"
        shutil.copy(COMMAND, self.command)
        self.command.chmod(0o755)
        self.prefix = []
        if os.geteuid() == 0:
            self.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    def unprivileged(self, *arguments, stdin):
        return self.seekable(*arguments, stdin=stdin, prefix=self.prefix, command=self.command)

    def test_sqlite3_queries_a_database_from_a_pipe(self):
        for mode in ("delete", "wal"):
            with self.subTest(mode):
                database = self.home / f"{mode}.db"
                make_database(database, mode)
                result = self.unprivileged("run", "--", "sqlite3", "{}", Sqlite.QUERY,
                                           stdin=database.read_bytes())
                self.assert_ok(result, b"10000|49995000\n")

    def test_command_stays_who_it_is(self):
        user = "65534" if os.geteuid() == 0 else str(os.geteuid())
        result = self.unprivileged("run", "--", "sh", "-c", "id -u; cat {}", stdin=b"bytes")
        self.assert_ok(result, f"{user}\nbytes".encode())

    def test_a_stream_that_is_larger_than_memory_arrives_whole(self):
        data = pattern(300_000)
        result = self.unprivileged("run", "--memory", "64KiB", "--", "cat", "{}", stdin=data)
        self.assert_ok(result, data)


class Path(CommandCase):
    def test_stands_wherever_the_braces_do(self):
        result = self.seekable("run", "--", "sh", "-c", 'echo "$0 $1 $2"; cat "$2"', "a{}b{}",
                               "--file={}", "{}", stdin=b"bytes")
        self.assert_ok(result)
        first, rest = result.stdout.decode().split("\n")
        a_b, option, path = first.split(" ")
        self.assertEqual(a_b, f"a{path}b{path}")
        self.assertEqual(option, f"--file={path}")
        self.assertEqual(rest, "bytes")

    def test_resolves_to_itself_and_is_a_file_that_seeks(self):
        script = ("import os, sys; p = sys.argv[1]; assert os.path.realpath(p) == p, p;"
                  "f = open(p, 'rb'); f.seek(-3, 2); print(f.read(), os.path.getsize(p),"
                  "os.path.isfile(p))")
        result = self.seekable("run", "--", sys.executable, "-c", script, "{}", stdin=b"0123456789")
        self.assert_ok(result, b"b'789' 10 True\n")

    def test_cannot_be_written(self):
        result = self.seekable("run", "--", "sh", "-c", "echo x >> {} || cat {}", stdin=b"bytes")
        self.assert_ok(result, b"bytes")

    def test_lies_where_files_beside_it_can_be_made_and_nothing_else(self):
        script = 'd=$(dirname {}); touch {}-journal && ls "$d"; touch "$d/../x" || echo no'
        result = self.seekable("run", "--", "sh", "-c", script, stdin=b"bytes")
        self.assert_ok(result, b"stream\nstream-journal\nno\n")

    def test_is_named_after_a_named_pipe(self):
        pipe = self.work / "some.txt"
        os.mkfifo(pipe)
        writer = subprocess.Popen(["sh", "-c", 'echo bytes > "$0"', pipe])
        self.addCleanup(self.put_away, writer)
        result = self.seekable("run", pipe, "--", "sh", "-c", "basename {}; cat {}")
        self.assert_ok(result, b"some.txt\nbytes\n")

    def test_of_a_regular_file_is_its_own(self):
        (self.work / "plain").write_bytes(b"bytes")
        result = self.seekable("run", "plain", "--verbose", "--", "sh", "-c", "echo {}; cat {}")
        self.assert_ok(result, b"plain\nbytes")
        self.assertIn(b"its own path", result.stderr)

    def test_of_a_regular_file_is_never_taken_for_an_option(self):
        (self.work / "-n").write_bytes(b"bytes")
        result = self.seekable("run", "./-n", "--", "cat", "{}")
        self.assert_ok(result, b"bytes")

    def test_falls_back_to_a_descriptor_where_no_directory_may_be_covered(self):
        script = "case {} in /dev/fd/*) cat {};; esac " + SPEAK_OF_ALL
        result = self.seekable("run", "--verbose", "--", "sh", "-c", script, stdin=b"bytes")
        self.assert_ok(result, b"bytes")
        self.assertIn(b"no private name", result.stderr)

    def test_falls_back_to_a_descriptor_where_namespaces_are_not_allowed(self):
        result = self.seekable("run", "--verbose", "--", "cat", "{}", stdin=b"bytes", prefix=(
            "strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=unshare:error=EPERM"))
        self.assert_ok(result, b"bytes")
        self.assertIn(b"make a mount namespace: Operation not permitted", result.stderr)

    def test_falls_back_to_a_descriptor_where_any_step_fails(self):
        for call in ("mount", "linkat", "mkdir"):
            with self.subTest(call):
                result = self.seekable(
                    "run", "--verbose", "--memory", "4KiB", "--", "cat", "{}",
                    stdin=pattern(50_000), prefix=(
                        "strace", "-f", "-qq", "-o", "/dev/null", "-e",
                        f"inject={call}:error=EACCES"))
                self.assert_ok(result, pattern(50_000))
                self.assertIn(b"no private name", result.stderr)

    def test_works_where_the_stream_is_in_memory_alone(self):
        data = pattern(10_000_000)
        for memory, size in (("64KiB", 5), ("5MiB", 5_000_000), ("10100KB", len(data))):
            with self.subTest(memory=memory, size=size):
                result = self.seekable("run", "--disk", "0", "--memory", memory, "--verbose", "--",
                                       "cat", "{}", stdin=data[:size])
                self.assert_ok(result, data[:size])
                self.assertIn(b"mount namespace", result.stderr)

    def test_cannot_be_written_where_the_stream_is_in_memory_alone(self):
        for option in (["--disk", "0"], ["--encrypt"]):
            with self.subTest(option):
                result = self.seekable("run", *option, "--", "sh", "-c",
                                       "(echo lost > {}) 2> /dev/null; cat {}", stdin=b"bytes")
                self.assert_ok(result, b"bytes")

    def test_covers_no_directory_that_command_reaches_by_another_name(self):
        os.symlink("/srv", self.work / "link")
        for argument in ("link/x", os.path.relpath("/srv/x", self.work)):
            with self.subTest(argument):
                result = self.seekable("run", "--", "sh", "-c", "echo {}", argument, stdin=b"bytes")
                self.assert_ok(result)
                self.assertFalse(result.stdout.startswith(b"/srv/"), result.stdout)
        result = self.seekable("run", "--", "echo", "{}", stdin=b"bytes", OUT="/srv/out")
        self.assertFalse(result.stdout.startswith(b"/srv/"), result.stdout)

    def test_of_a_file_is_no_other_program(self):
        (self.work / "ls").write_bytes(b"#!/bin/sh\necho ours\n")
        (self.work / "ls").chmod(0o755)
        self.assert_ok(self.seekable("run", "ls", "--", "{}"), b"ours\n")
        result = self.seekable("run", "/proc/self/exe", "--", "echo", "{}")
        self.assert_ok(result, os.path.realpath(COMMAND).encode() + b"\n")

    def test_works_in_a_directory_that_was_named(self):
        other = self.work / "other"
        other.mkdir()
        data = pattern(300_000)
        result = self.seekable("run", "--memory", "64KiB", "--dir", "other", "--", "cat", "{}",
                               stdin=data)
        self.assert_ok(result, data)
        self.assertEqual(listing(other), [])

    def test_of_an_empty_stream_is_an_empty_file(self):
        result = self.seekable("run", "--", "sh", "-c", "wc -c < {}")
        self.assert_ok(result)
        self.assertEqual(result.stdout.strip(), b"0")


class StandardInput(CommandCase):
    def test_is_the_stream_from_its_start_and_seeks(self):
        script = ("import os; s = os.lseek(0, 0, 1), os.lseek(0, 0, 2); os.lseek(0, -4, 1);"
                  "print(s, os.read(0, 9))")
        result = self.seekable("run", "--", sys.executable, "-c", script, stdin=b"0123456789")
        self.assert_ok(result, b"(0, 10) b'6789'\n")

    def test_is_empty_when_the_stream_was_read_from_it_and_has_a_path(self):
        result = self.seekable("run", "--", "sh", "-c", "cat; cat {}", stdin=b"bytes")
        self.assert_ok(result, b"bytes")

    def test_is_left_alone_when_the_stream_comes_from_elsewhere(self):
        result = self.seekable("run", "--exec", "echo bytes", "--", "sh", "-c", "cat; cat {}",
                               stdin=b"input ")
        self.assert_ok(result, b"input bytes\n")

    def test_of_a_regular_file_is_that_file(self):
        (self.work / "plain").write_bytes(b"bytes")
        result = self.seekable("run", "plain", "--", "cat")
        self.assert_ok(result, b"bytes")

    def test_may_be_a_file_that_is_read_from_where_it_stands(self):
        (self.work / "plain").write_bytes(b"0123456789")
        with open(self.work / "plain", "rb") as file:
            os.lseek(file.fileno(), 4, os.SEEK_SET)
            result = self.seekable("run", "--", "cat", "{}", stdin=file)
        self.assert_ok(result, b"456789")


class WholeStream(CommandCase):
    def test_arrives_unchanged_whatever_its_size_and_the_memory(self):
        for size in (0, 1, 4095, 4096, 65_535, 65_536, 65_537, 1_000_000):
            data = pattern(size)
            for memory in ("0", "4KiB", "64KiB", "1MiB", "5MiB"):
                with self.subTest(size=size, memory=memory):
                    result = self.seekable("run", "--memory", memory, "--", "sha256sum",
                                           stdin=data)
                    self.assert_ok(result)
                    self.assertEqual(result.stdout.split()[0].decode(),
                                     hashlib.sha256(data).hexdigest())

    def has_encryption(self):
        """Whether this build has it; if not, the one line that says so is as it should be."""
        result = self.seekable("run", "--encrypt", "--", "true")
        if result.returncode == 0:
            return True
        self.assert_fails(result, 1, "--encrypt: this build has no encryption")
        return False

    def test_arrives_unchanged_when_it_is_encrypted_on_disk(self):
        if self.has_encryption():
            data = pattern(3_000_000)
            result = self.seekable("run", "--encrypt", "--memory", "3200KB", "--", "cat", "{}",
                                   stdin=data)
            self.assert_ok(result, data)
            result = self.seekable("cat", "--encrypt", "--memory", "256KiB", "--stats", "--range",
                                   "2000000-2000009", "--range", "5-9", stdin=data)
            self.assertEqual(result.stdout, data[2_000_000:2_000_010] + data[5:10])

    def test_is_not_written_to_disk_in_the_clear_when_it_is_to_be_encrypted(self):
        if self.has_encryption():
            result = self.seekable("run", "--encrypt", "--memory", "256KiB", "--", "cat", "{}",
                                   stdin=pattern(1_000_000))
            self.assert_fails(result, 1, "256KiB of memory", "--encrypt")

    def test_takes_a_command_as_its_source(self):
        result = self.seekable("run", "--exec", "printf 12; printf 34", "--", "cat", "{}")
        self.assert_ok(result, b"1234")

    def test_leaves_nothing_open_in_command_but_the_standard_descriptors(self):
        result = self.seekable("run", "--memory", "4KiB", "--", "ls", "/proc/self/fd",
                               stdin=pattern(50_000))
        self.assert_ok(result, b"0\n1\n2\n3\n")

    def test_blocks_no_signal_in_command(self):
        result = self.seekable("run", "--", "grep", "^SigBlk", "/proc/self/status")
        self.assert_ok(result)
        self.assertEqual(int(result.stdout.split()[1], 16), 0)


class Eager(CommandCase):
    def test_is_accepted_and_changes_nothing(self):
        self.assert_ok(self.seekable("run", "--eager", "--", "cat", "{}", stdin=b"bytes"), b"bytes")


if __name__ == "__main__":
    unittest.main()
