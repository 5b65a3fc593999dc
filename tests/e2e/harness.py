# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: the command under test, run in a place of its own, and a look
around afterwards for what it may have left."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

COMMAND = os.environ.get("SEEKABLE_COMMAND", "seekable")
SOURCE_DIR = pathlib.Path(
    os.environ.get("SEEKABLE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))

# Directories that the command covers in the namespace of its child.
COVERED = ("/srv", "/media", "/mnt", "/var/empty", "/var/local", "/var/opt", "/opt",
           "/sys/fs/fuse/connections")

# Spoken of in an argument, none of them is covered, and there is no private name.
SPEAK_OF_ALL = "# " + " ".join(COVERED)

TIMEOUT = 60


def pattern(size, seed=1):
    """`size` bytes of which no two parts look alike."""
    block = b"".join((seed * 1_000_003 + i * 2_654_435_761 & 0xFFFFFFFF).to_bytes(4, "little")
                     for i in range(16 * 1024))
    data = bytearray()
    while len(data) < size:
        data += len(data).to_bytes(8, "little") + block
    return bytes(data[:size])


def listing(path):
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []


def mounts():
    return pathlib.Path("/proc/self/mountinfo").read_text()


class CommandCase(unittest.TestCase):
    """Gives each test a directory to work in and one for the spool, and checks that both, the
    machine's temporary directories and its mounts are as they were."""

    def setUp(self):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="e2e-"))
        self.home.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.spool = self.home / "spool"
        self.work = self.home / "work"
        for directory in (self.spool, self.work):
            directory.mkdir()
            directory.chmod(0o777)
        self.covered_before = {path: listing(path) for path in COVERED}

    def tearDown(self):
        self.assert_nothing_left()

    def assert_nothing_left(self):
        self.assertEqual(listing(self.spool), [])
        for directory in ("/tmp", "/var/tmp", self.work):
            # Not those of a test that runs beside this one, which are gone at once.
            names = [name for name in listing(directory) if name.startswith(".seekable")]
            left = [name for name in names if name in listing(directory)]
            self.assertEqual(left, [], directory)
        for path, before in self.covered_before.items():
            self.assertEqual(listing(path), before, path)
        self.assertNotIn("seekable", [line.split()[-2] for line in mounts().splitlines()])

    def environment(self, **changes):
        return {**os.environ, "TMPDIR": str(self.spool), **changes}

    def seekable(self, *arguments, stdin=b"", prefix=(), command=COMMAND, **changes):
        """Runs the command to its end. `stdin` is bytes, or what subprocess takes as stdin."""
        if "strace" in prefix:
            changes["ASAN_OPTIONS"] = "detect_leaks=0"  # which cannot work while traced
        how = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
        return subprocess.run([*prefix, command, *map(str, arguments)], capture_output=True,
                              cwd=self.work, timeout=TIMEOUT,
                              env=self.environment(**changes), check=False, **how)

    def start(self, *arguments, **how):
        """Starts the command and leaves it running; the test ends it or waits for it."""
        process = subprocess.Popen([COMMAND, *map(str, arguments)], cwd=self.work,
                                   stdin=how.pop("stdin", subprocess.PIPE),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env=self.environment(), **how)
        self.addCleanup(self.put_away, process)
        return process

    @staticmethod
    def put_away(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def assert_ok(self, result, stdout=None):
        self.assertEqual(result.returncode, 0, result.stderr[-1000:])
        if stdout is not None:
            self.assert_same(result.stdout, stdout)

    def assert_same(self, got, expected):
        """Equal bytes; says where they differ and does not print them all."""
        if got == expected:
            return
        at = len(os.path.commonprefix((got, expected)))
        self.fail(f"{len(got)} bytes in place of {len(expected)}; from byte {at}: "
                  f"{got[at:at + 32]!r} in place of {expected[at:at + 32]!r}")

    def assert_fails(self, result, status, *told, stdout=b""):
        """One line on standard error that tells all of `told`, and nothing else."""
        error = result.stderr.decode()
        self.assertEqual(result.returncode, status, error[-1000:])
        self.assert_same(result.stdout, stdout)
        self.assertTrue(error.startswith("seekable: "), error)
        self.assertEqual(error.count("\n"), 1, error)
        self.assertTrue(error.endswith("\n"), error)
        for text in told:
            self.assertIn(text, error)
