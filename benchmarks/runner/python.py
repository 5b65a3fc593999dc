# SPDX-License-Identifier: Apache-2.0
"""The Python package beside what people write with the standard library."""

import json
import os
import statistics
import subprocess

import jobs
import rounds
import sides
from tables import Row, size_text, time_text

PROGRAM = sides.ROOT / "benchmarks" / "python" / "spooled_file.py"
SIZE, QUICK_SIZE = 256, 64  # MiB
MEMORY = 5 * jobs.MIB
BESIDE_MEMORY = 32 * jobs.MIB  # what a process may grow by beyond the memory limit
SPOOLED = "SpooledTemporaryFile and a loop"
LOCKED = "SpooledTemporaryFile with a lock"

# By the name in the program: what it is, against what, and at most.
ROWS = {
    "ingest memory": ("Python: a generator of 64 KiB chunks taken, in memory", SPOOLED, 1 / 2),
    "ingest spilled": ("Python: a generator of 64 KiB chunks taken, spilled", SPOOLED, 1 / 1.5),
    "random memory": ("Python: 4 KiB read at random, in memory", SPOOLED, 1 / 1.5),
    "random spilled": ("Python: 4 KiB read at random, spilled", SPOOLED, 1 / 2),
    "threads memory": ("Python: 64 KiB read at random by 8 threads, in memory", LOCKED, 0),
    "threads spilled": ("Python: 64 KiB read at random by 8 threads, spilled", LOCKED, 1 / 3),
}
VIEWS = {"view memory": "Python: views of 1 MiB, in memory",
         "view spilled": "Python: views of 1 MiB, spilled"}


def run(*words):
    environment = dict(os.environ, PYTHONPATH=str(sides.BUILD / "python"),
                       PYTHONDONTWRITEBYTECODE="1")
    result = subprocess.run(["/usr/bin/python3", PROGRAM, *map(str, words)], check=True,
                            env=environment, stdout=subprocess.PIPE)
    return json.loads(result.stdout)


def ratio(ours, theirs):
    return statistics.median(a / b for a, b in zip(ours, theirs))


def rows_of_python(quick, _figures):
    if not (sides.BUILD / "python" / "seekable").exists():
        rounds.say("not measured: Python: the build has no package: pybind11 was not found")
        return
    size = QUICK_SIZE if quick else SIZE
    sides.have_memory(3 * size * jobs.MIB)
    costs = run(jobs.QUICK_ROUNDS if quick else 3 * jobs.ROUNDS, size)
    for name, (what, against, at_most) in ROWS.items():
        ours, theirs = costs[name]["ours"], costs[name]["theirs"]
        yield Row("python", what, time_text(statistics.median(ours)), against, ratio(ours, theirs),
                  round(at_most, 2))
    for name, what in VIEWS.items():
        ours, read = costs[name]["ours"], costs[name.replace("view", "read")]["ours"]
        yield Row("python", what, time_text(statistics.median(ours)), "`read` of 1 MiB",
                  ratio(ours, read), 1 / 5)
    most = MEMORY + BESIDE_MEMORY
    grown = run("memory", size)
    yield Row("python", "Python: what a process grows by while it takes and reads a spilled stream",
              size_text(grown), f"the limit and 32 MiB, {size_text(most)}", grown / most, 1)


PYTHON = {"python": rows_of_python}
