#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The body of script/bench, which see: it has installed what is needed here.

A job has sides: ours, and what it is measured against. Each side runs in a process of its own, the
sides take turns, and what counts is the median of the ratios of each round: the machine may be
shared, and then absolute times say little.
"""

import argparse
import dataclasses
import fcntl
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "release"
SCENARIOS = BUILD / "bin" / "seekable_scenarios"
MICRO = BUILD / "bin" / "seekable_micro"
PEERS = ROOT / "benchmarks" / "peers"
PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
PIPE_BYTES = 1024 * 1024
KIB, MIB, GIB = 1024, 1024 ** 2, 1024 ** 3
ROUNDS, QUICK_ROUNDS = 5, 3


@dataclasses.dataclass
class Against:
    """What ours is measured against, and the ratio that is hoped for at most."""
    side: str
    at_most: float


@dataclasses.dataclass
class Job:
    name: str
    what: str
    size: int
    against: list
    ours: str = ""          # JOB/SIDE of seekable_scenarios, if not NAME/ours
    peers: tuple = ()       # further sides, which are only shown
    quick_size: int = 0


PYTHON = "Python SpooledTemporaryFile"
BY_HAND = "tmpfile and a mutex"

JOBS = [
    Job("ingest_ahead", "from a pipe, 5 MiB of memory, `ahead`", GIB,
        [Against("drain", 1.15)], peers=(BY_HAND, PYTHON)),
    Job("ingest_on_demand", "from a pipe, 5 MiB of memory, `on_demand`", GIB,
        [Against("write_loop", 1.10)], peers=(BY_HAND, PYTHON)),
    Job("ingest_memory", "from a pipe, all in memory", GIB,
        [Against("pool_loop", 1.20)], peers=("std::stringstream", "Python BytesIO")),
    Job("lives_1k", "1 KiB streams: made, filled, read back, dropped", KIB,
        [Against("vector", 4)], ours="lives/ours", peers=(PYTHON,), quick_size=KIB),
    Job("lives_64k", "64 KiB streams: the same", 64 * KIB, [Against("two_copies", 1.4)],
        ours="lives/ours", peers=(BY_HAND, PYTHON), quick_size=64 * KIB),
    Job("lives_4m", "4 MiB streams: the same", 4 * MIB, [Against("two_copies", 1.4)],
        ours="lives/ours", peers=(BY_HAND, PYTHON), quick_size=4 * MIB),
    Job("lives_8m", "8 MiB streams with 5 MiB of memory: the same", 8 * MIB,
        [Against(BY_HAND, 0.5)], ours="lives/ours", peers=(PYTHON,), quick_size=8 * MIB),
    Job("bytes_in_memory", "1-byte chunks, in memory", MIB, [Against("vector", 3)]),
    Job("bytes_spilled", "1-byte chunks, once spilled", MIB, [Against("vector", 4)]),
    Job("followers_4", "one producer, 4 readers that follow", GIB,
        [Against("ingest_ahead/drain", 2.2), Against(BY_HAND, 0.5)]),
    Job("istream_memory", "`std::istream`, kept bytes in memory, 64 KiB steps", GIB,
        [Against("ifstream", 0.9)]),
    Job("istream_spilled", "`std::istream`, spilled bytes, 64 KiB steps", GIB,
        [Against("ifstream", 1.1)]),
    Job("wake_reader", "publish, until a sleeping reader runs", 2000, [Against("futex", 1.3)],
        quick_size=500),
    Job("byte_in_pipe", "a byte written to a pipe, until a reader has it", 2000,
        [Against("read", 1.3)], quick_size=500),
    Job("tail", "99th percentile of a read of kept bytes while the fill runs", 2 * GIB,
        [Against("at_rest", 2)], ours="tail/filling"),
]

# Google Benchmark: ours, baseline, and the ratio that is hoped for at most.
MICRO_PAIRS = [
    ("`read_at` 4 KiB, hot, in memory, 1 thread", "ours_read_at/hot/real_time/threads:1",
     "baseline_read_at/hot/real_time/threads:1", 1.25),
    ("`read_at` 4 KiB, hot, in memory, 2 threads", "ours_read_at/hot/real_time/threads:2",
     "baseline_read_at/hot/real_time/threads:2", 1.25),
    ("`read_at` 4 KiB at random over 1 GiB in memory",
     "ours_read_at/random_1gib/real_time/threads:1",
     "baseline_read_at/random_1gib/real_time/threads:1", 1.15),
    ("`read_at` 4 KiB at random, spilled, in the page cache", "ours_spilled/real_time",
     "baseline_spilled/real_time", 1.10),
    ("`view` of 4 KiB, spilled, one byte touched", "ours_view/real_time",
     "baseline_view/real_time", 1.5),
]
IN_README = [job.what for job in JOBS if job.name.startswith(("ingest", "lives", "followers"))]
IN_README += [MICRO_PAIRS[2][0], MICRO_PAIRS[3][0]]
NOT_IN_README = ("vector",)
ALIGNMENTS = [("memory_4k", 1.3), ("memory_64k", 1.3), ("spilled_4k", 1.4), ("spilled_64k", 1.4)]


def build():
    subprocess.run(["cmake", "--preset", "release", "-DSEEKABLE_BUILD_TESTS=OFF"], cwd=ROOT,
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", "seekable_scenarios",
                    "seekable_micro", "seekable_cli"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)


def python_peer(job, size):
    """Seconds of Python's own on a job."""
    script = [sys.executable, PEERS / "spooled.py"]
    if job.name.startswith("lives"):
        return float(subprocess.run([*script, "lives", str(size)], check=True,
                                    stdout=subprocess.PIPE).stdout)
    what = "ingest_memory" if job.name == "ingest_memory" else "ingest_spilled"
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    with subprocess.Popen([SCENARIOS, "pour", str(size)], stdout=write):
        os.close(write)
        result = subprocess.run([*script, what], stdin=read, check=True, stdout=subprocess.PIPE)
        os.close(read)
    return float(result.stdout)


def run_side(job, side, size):
    """What one run of a side costs."""
    if side.startswith("Python"):
        return python_peer(job, size)
    if "/" not in side:
        kind = job.name.partition("_")[0]
        at_home = {"lives": "lives", "tail": "tail"}.get(kind, job.name)
        if kind == "ingest" and side == BY_HAND:
            at_home = "ingest_spilled"
        side = f"{at_home}/{side}"
    result = subprocess.run([SCENARIOS, side, str(size)], check=True, stdout=subprocess.PIPE)
    return float(result.stdout)


def run_job(job, rounds, size):
    """Runs all sides in turns. Returns seconds of ours and, by side, the ratios of the rounds."""
    ours = job.ours or f"{job.name}/ours"
    sides = [against.side for against in job.against] + list(job.peers)
    seconds, ratios = [], {side: [] for side in sides}
    for _ in range(rounds):
        mine = run_side(job, ours, size)
        seconds.append(mine)
        for side in sides:
            ratios[side].append(mine / run_side(job, side, size))
    return statistics.median(seconds), {side: statistics.median(all_)
                                        for side, all_ in ratios.items()}


def run_micro(pattern, rounds, seconds):
    """Returns, by name, the times of the repetitions of what matches `pattern`."""
    result = subprocess.run(
        [MICRO, f"--benchmark_filter={pattern}", f"--benchmark_repetitions={rounds}",
         "--benchmark_enable_random_interleaving=true", f"--benchmark_min_time={seconds}",
         "--benchmark_format=json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    times = {}
    for run in json.loads(result.stdout)["benchmarks"]:
        if run["run_type"] == "iteration":
            times.setdefault(run["name"], []).append(run["real_time"])
    return times


@dataclasses.dataclass
class Row:
    what: str
    ours: str
    against: str
    ratio: float
    at_most: float = 0

    def cells(self):
        wanted = f"{self.at_most:g}" if self.at_most else ""
        return f"| {self.what} | {self.ours} | {self.against} | {self.ratio:.2f} | {wanted} |"


def time_text(seconds):
    for unit, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 1e-9:.3g} ns"


def rows_of_micro(rounds, seconds):
    times = run_micro("^(ours|baseline)_(read_at|spilled|view)", rounds, seconds)
    for what, ours, baseline, at_most in MICRO_PAIRS:
        ratio = statistics.median(a / b for a, b in zip(times[ours], times[baseline]))
        yield Row(what, time_text(statistics.median(times[ours]) * 1e-9),
                  baseline.split("/")[0].replace("baseline_", "bare ").replace(
                      "bare read_at", "bare memcpy").replace("bare spilled", "bare pread").replace(
                          "bare view", "raw mmap"), ratio, at_most)
    for name, at_most in ALIGNMENTS:
        times = run_micro(f"^ours_aligned/{name}/", rounds, seconds / 10)
        medians = {int(key.rpartition("/")[2]): statistics.median(all_)
                   for key, all_ in times.items()}
        worst = max(medians, key=medians.get)
        yield Row(f"`read_at`, {name.replace('_', ', ')}: worst of 64 alignments (+{worst})",
                  time_text(medians[worst] * 1e-9), "the same at +0", medians[worst] / medians[0],
                  at_most)


def rows_of_jobs(wanted, quick):
    for job in JOBS:
        if wanted and job.name not in wanted:
            continue
        size = (job.quick_size or max(job.size // 8, MIB)) if quick else job.size
        seconds, ratios = run_job(job, QUICK_ROUNDS if quick else ROUNDS, size)
        at_most = {against.side: against.at_most for against in job.against}
        for side, ratio in ratios.items():
            yield Row(job.what, time_text(seconds), side, ratio, at_most.get(side, 0))


def machine():
    cpu = next(line.partition(":")[2].strip() for line in open("/proc/cpuinfo", encoding="ascii")
               if line.startswith("model name"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    return (f"Commit {commit}, {cpu}, {os.cpu_count()} cores, Linux "
            f"{platform.release().partition('-')[0]}, {time.strftime('%Y-%m-%d')}; `script/bench`; "
            f"medians of {ROUNDS} rounds in which the sides take turns.")


HEAD = ("| job | ours | against | ratio | hoped for, at most |\n|---|---|---|---|---|")


def write_figures(page, figures):
    """Replaces what stands between the marks."""
    begin, end = "<!-- figures: written by script/bench -->\n", "<!-- end of figures -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}{figures}\n{end}{after}", encoding="utf-8")


def write_pages(rows):
    write_figures(PAGE, "\n".join([machine(), "", HEAD, *(row.cells() for row in rows)]))
    chosen = [f"| {row.what} | {row.against} | {row.ratio:.2f} |" for row in rows
              if row.what in IN_README and row.against not in NOT_IN_README]
    write_figures(README, "\n".join([
        f"Time of ours divided by that of what stands beside it, below 1 is faster. {machine()}", "",
        "| job | against | ratio |\n|---|---|---|", *chosen]))


def main():
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("jobs", nargs="*", metavar="JOB",
                        help="micro, " + ", ".join(job.name for job in JOBS))
    arguments = parser.parse_args()
    build()
    rows = []
    print(HEAD, flush=True)

    def take(some):
        for row in some:
            rows.append(row)
            print(row.cells(), flush=True)

    if not arguments.jobs or "micro" in arguments.jobs:
        take(rows_of_micro(QUICK_ROUNDS if arguments.quick else ROUNDS,
                           0.05 if arguments.quick else 0.2))
    if arguments.jobs != ["micro"]:
        take(rows_of_jobs(arguments.jobs, arguments.quick))
    if not arguments.quick and not arguments.jobs:
        write_pages(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
