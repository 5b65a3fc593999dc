# SPDX-License-Identifier: Apache-2.0
"""The command `seekable` in a pipeline, beside the file that people make between two programs."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
import time

import jobs
import rounds
import sides

OURS = 'cat "$1" | "$2" run --eager -- cat {}'
FILE_BETWEEN = 'cat "$1" > "$2"; cat "$2"'
# `cat` from one file to another is a single call in the kernel; what comes from a program is not.
FILE_FROM_PIPE = 'cat "$1" | cat > "$2"; cat "$2"'
# What no program between the two can be faster than: the bytes come through a pipe of 1 MiB, the
# largest that may be asked for, and the second `cat` reads them from the page cache.
NOTHING_KEPT = 'cat "$1" | "$2" drain; cat "$1"'
# For what else the machine does with its disk meanwhile.
SPARE_BYTES = 2 * jobs.GIB


def has_room(size, what):
    """Whether the disk has room for `size` bytes; says where it has not."""
    there = os.statvfs(sides.TEMPORARY)
    free = there.f_bavail * there.f_frsize
    if free < size + SPARE_BYTES:
        rounds.say(f"not measured: {what}: {sides.TEMPORARY} has too little room")
        return False
    return True


def shell(script, *words):
    # The same disk for all of them: the one that the files lie on.
    environment = dict(os.environ, TMPDIR=str(sides.TEMPORARY))
    return subprocess.run(["sh", "-euc", script, "sh", *map(str, words)], check=True,
                          env=environment, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def big_file(size):
    """A file of the pattern, which lies in the page cache and on the disk; gone afterwards.

    The output of the command is compared with it once.
    """
    with tempfile.TemporaryDirectory(prefix="seekable-bench-", dir=sides.TEMPORARY) as place:
        path = pathlib.Path(place, "big")
        with open(path, "wb") as file:
            subprocess.run([sides.SCENARIOS, "pour", str(size)], stdout=file, check=True)
            os.fsync(file.fileno())     # Else the disk would be busy with it while others write.
        shell(OURS + ' | cmp - "$1"', path, sides.COMMAND)
        yield path


def seconds_of(script, path, *words):
    sides.have_memory(path.stat().st_size, anonymous=True)
    words = (path, *words)
    started = time.perf_counter()
    shell(script, *words)
    return time.perf_counter() - started


def ours(path):
    return seconds_of(OURS, path, sides.COMMAND)


def with_file(script, path):
    """Taking the file away again is not part of the job: the next run could do it as well."""
    between = path.with_name("between")
    try:
        return seconds_of(script, path, between)
    finally:
        between.unlink(missing_ok=True)


SIDES = {
    "command/ours": ours,
    "command/a file between": lambda path: with_file(FILE_BETWEEN, path),
    "command/the pipe and the reading alone":
        lambda path: seconds_of(NOTHING_KEPT, path, sides.SCENARIOS),
    "command/a file between, written from a pipe": lambda path: with_file(FILE_FROM_PIPE, path),
}
