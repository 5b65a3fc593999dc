# SPDX-License-Identifier: Apache-2.0
"""Wrong command lines, bad places, and what teaches to do better: the help and the manual page."""

import os
import re
import shutil
import subprocess
import unittest

from harness import COMMAND, SOURCE_DIR, CommandCase

MANUAL = SOURCE_DIR / "cli" / "seekable.1"
OPTION = re.compile(r"(?<![\w-])(--[a-z0-9]+)\b")
COMMANDS = ("run", "cat", "get", "stat")
NOBODY = "http://127.0.0.1:1/nobody-listens-here"


class BadCommandLine(CommandCase):
    TABLE = (
        ([], "a command is missing"),
        (["walk"], "'walk' is not a command"),
        (["get"], "URL is missing"),
        (["get", "host/x"], "'host/x' is not a URL"),
        (["get", NOBODY, "-o", "-"], "seekable cat URL"),
        (["get", "http://host"], "-o FILE"),
        (["get", NOBODY, "--memory", "5MiB"], "'--memory' is not an option of get"),
        (["get", NOBODY, "--sha256", "abc"], "64 hexadecimal digits"),
        (["get", NOBODY, "--exec", "x"], "'--exec' is not an option of get"),
        (["cat", NOBODY, "--connections", "5"], "not a number from 1 to 4"),
        (["cat", NOBODY, "-H", "no colon"], "'Name: value'"),
        (["cat", "file", "--netrc"], "--netrc goes with a URL"),
        (["cat", "http://"], "names no host"),
        (["cat", "http:///path"], "names no host"),
        (["cat", "http://host/a b"], "%20"),
        (["stat", "gopher://host/x"], "gopher:// is not known"),
        (["serve"], "not part of this version"),
        (["mount", "-", "x"], "not part of this version"),
        (["run"], "COMMAND is missing"),
        (["run", "unzip", "-l", "{}"], "COMMAND"),
        (["run", "--"], "COMMAND is missing"),
        (["run", "--window", "1MiB", "--", "true"], "--window does not go with run"),
        (["run", "--lazy", "--", "true"], "not part of this version"),
        (["run", "ftp://localhost/x", "--", "true"], "ftp:// is not known"),
        (["cat", "s3://bucket/key"], "not part of this version"),
        (["cat", "--memory", "5 apples"], "bad size '5 apples'"),
        (["cat", "--memory", "99999999999999999999"], "2^64"),
        (["cat", "--disk", "16EiB"], "2^64"),
        (["cat", "--memory"], "--memory lacks its value"),
        (["cat", "--range", "5-1"], "bad range '5-1'"),
        (["cat", "--range", "bytes=0-1"], "bad range"),
        (["cat", "--range", ""], "--range lacks its value"),
        (["cat", "--timeout", "soon"], "bad time 'soon'"),
        (["cat", "--progress", "perhaps"], "'perhaps'"),
        (["cat", "--colour"], "'--colour' is not an option of cat"),
        (["cat", "one", "two"], "one SOURCE too many: 'two'"),
        (["cat", "--exec=", "echo not to be run"], "--exec lacks its value"),
        (["cat", "--dir=", "x"], "--dir lacks its value"),
        (["cat", "--decode=gzip"], "--decode takes no value"),
        (["cat", "S3://localhost/x"], "not part of this version"),
        (["stat", "--range", "0-1"], "'--range' is not an option of stat"),
        (["cat", "--memory", "line\nbreak"], "bad size 'line?break'"),
    )

    def test_is_one_line_and_status_2(self):
        for arguments, told in self.TABLE:
            with self.subTest(arguments):
                self.assert_fails(self.seekable(*arguments), 2, told)


class BadPlace(CommandCase):
    def test_of_a_source_is_one_line_and_status_1(self):
        for arguments in (["cat", "absent"], ["stat", "absent"],
                          ["run", "absent", "--", "cat", "{}"]):
            with self.subTest(arguments):
                self.assert_fails(self.seekable(*arguments), 1, "'absent'", "No such file")
        self.assert_fails(self.seekable("cat", "."), 1, "'.'", "directory")
        self.assert_fails(self.seekable("cat", "new\nline"), 1, "new?line")

    def test_of_the_spool_is_one_line_and_status_1_before_a_byte_is_taken(self):
        (self.work / "file").write_text("text")
        for directory in ("absent", "file", "/proc"):
            with self.subTest(directory):
                process = self.start("run", "--dir", directory, "--", "cat", "{}")
                _, error = process.communicate()
                self.assertEqual(process.returncode, 1)
                self.assertRegex(error.decode(),
                                 rf"\Aseekable: cannot keep a file in '{directory}': [^\n]*\n\Z")

    def test_of_the_spool_is_no_matter_where_another_will_do(self):
        result = self.seekable("run", "--dir", "absent", "--dir", self.spool, "--memory", "4KiB",
                               "--", "wc", "-c", stdin=b"x" * 100_000)
        self.assert_ok(result)
        self.assertEqual(result.stdout.strip(), b"100000")

    def test_that_may_not_be_read_is_one_line_and_status_1(self):
        if os.geteuid() == 0:
            prefix = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        else:
            prefix = ()
        secret = self.work / "secret"
        secret.write_text("text")
        secret.chmod(0)
        closed = self.work / "closed"
        closed.mkdir()
        closed.chmod(0o555)
        command = self.home / "seekable-command"
        shutil.copy(COMMAND, command)
        command.chmod(0o755)
        result = self.seekable("cat", "secret", prefix=prefix, command=command)
        self.assert_fails(result, 1, "'secret'", "Permission denied")
        result = self.seekable("run", "--dir", "closed", "--", "true", prefix=prefix,
                               command=command)
        self.assert_fails(result, 1, "'closed'", "Permission denied")


class Help(CommandCase):
    def help_of(self, *command):
        result = self.seekable(*command, "--help")
        self.assert_ok(result)
        self.assertEqual(result.stderr, b"")
        return result.stdout.decode()

    def options_of(self, command):
        """The options that the list in the help of a command has."""
        lines = self.help_of(command).splitlines()
        return {option for line in lines if line.startswith("  -")
                for option in OPTION.findall(line.split("   ")[0])}

    def test_teaches_by_example(self):
        for command in ((), *((name,) for name in COMMANDS)):
            with self.subTest(command):
                text = self.help_of(*command)
                self.assertIn("Examples:", text)
                self.assertIn("| seekable", text)
                self.assertIn("Exit status:", text)

    def test_advertises_no_more_than_there_is(self):
        text = self.help_of() + "".join(map(self.help_of, COMMANDS)) + MANUAL.read_text()
        for word in ("--lazy", "seekable serve", "s3:", "seekable mount"):
            self.assertNotIn(word, text)

    def test_lists_the_options_that_work(self):
        values = {"--exec": "true", "--memory": "5MiB", "--disk": "1GB", "--dir": ".",
                  "--timeout": "10s", "--progress": "never", "--window": "1MiB", "--range": "0-1",
                  "--output": "file", "--sha256": "0" * 64, "--header": "A: b", "--user": "a:b",
                  "--proxy": "http://127.0.0.1:1", "--cacert": MANUAL, "--connections": "2"}
        for_urls = {"--header", "--user", "--netrc", "--proxy", "--cacert", "--location",
                    "--connections"}
        for command in COMMANDS:
            for option in self.options_of(command) - {"--help", "--version"}:
                value = [values[option]] if option in values else []
                source = [NOBODY] if command == "get" or option in for_urls else []
                tail = ["--", "true"] if command == "run" else []
                with self.subTest(command=command, option=option):
                    result = self.seekable(command, option, *value, *source, *tail, stdin=b"bytes")
                    self.assertNotEqual(result.returncode, 2, result.stderr)

    def test_fits_a_terminal(self):
        for command in ((), *((name,) for name in COMMANDS)):
            for line in self.help_of(*command).splitlines():
                self.assertLessEqual(len(line), 90, line)

    def test_and_the_manual_page_have_the_same_options(self):
        manual = MANUAL.read_text().replace("\\-", "-")
        sections = dict(re.findall(r"^\.Ss (?:Of|For) (.*)\n((?:(?!\.S[sh]).*\n)*)", manual,
                                   re.MULTILINE))
        in_section = {name: set(re.findall(r"^\.It Fl (?:\w , )?-([a-z0-9]+)", text, re.MULTILINE))
                      for name, text in sections.items()}
        for command in COMMANDS:
            with self.subTest(command):
                expected = (in_section["every command"] | in_section["a URL"]
                            | in_section[f"seekable {command}"])
                if command != "get":
                    expected |= in_section["run, cat and stat"]
                self.assertEqual({option[2:] for option in self.options_of(command)}, expected)

    def test_of_the_version_is_one_line(self):
        for arguments in (["--version"], ["run", "--version"]):
            result = self.seekable(*arguments)
            self.assert_ok(result)
            self.assertRegex(result.stdout.decode(), r"\Aseekable \d+\.\d+\.\d+\n\Z")


class ManualPage(unittest.TestCase):
    def test_is_free_of_warnings(self):
        result = subprocess.run(["man", "-l", "--warnings", MANUAL], capture_output=True,
                                env={**os.environ, "LC_ALL": "C.UTF-8", "MANPAGER": "cat"},
                                check=True)
        self.assertEqual(result.stderr, b"")
        self.assertIn(b"seekable run", result.stdout)


if __name__ == "__main__":
    unittest.main()
