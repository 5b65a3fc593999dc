# SPDX-License-Identifier: Apache-2.0
"""The table of jobs: what each is, what it is measured against, and what is hoped for.

Jobs of one `group` share their rounds: a side that several of them are measured against runs once a
round. Jobs that are no plain comparison of two sides stand in `growth.py` and `web.py`.
"""

import dataclasses

KIB, MIB, GIB = 1024, 1024 ** 2, 1024 ** 3
ROUNDS, QUICK_ROUNDS = 5, 3
LATENCY_ROUNDS = 15         # short, and what else runs matters most to them
MEMORY_LIMIT = 5 * MIB      # of every buffer that is measured, where a job does not say otherwise


@dataclasses.dataclass(frozen=True)
class Against:
    """What ours is measured against, and the ratio that is hoped for at most."""
    side: str               # JOB/SIDE
    at_most: float = 0      # 0: it is only shown

    @property
    def name(self):
        return self.side.rpartition("/")[2].replace("_", " ")


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    what: str
    size: int
    against: tuple
    ours: str = ""          # JOB/SIDE, if not NAME/ours
    group: str = ""
    quick_size: int = 0     # an eighth of `size`, where nothing is said
    peer_job: str = ""      # what it is called in peers.py, for jobs that peers can do
    best_peer_at_most: float = 0    # hoped for beside the fastest peer
    rounds: int = ROUNDS
    best_must_spill: bool = False   # only a peer that keeps within a limit of memory counts

    @property
    def ours_side(self):
        return self.ours or f"{self.name}/ours"

    def size_for(self, quick):
        if not quick:
            return self.size
        return self.quick_size or max(self.size // 8, MIB)


def lives(name, what, size, against, **more):
    """Short streams are as long in a quick run; there are fewer rounds of them."""
    return Job(f"lives_{name}", what, size, against, ours="lives/ours", quick_size=size,
               peer_job="lives", **more)


TWO_COPIES = (Against("lives/two_copies", 1.4),)

JOBS = (
    Job("ingest_ahead", "from a pipe, 5 MiB of memory, `ahead`", GIB,
        (Against("ingest_ahead/drain", 1.15), Against("ingest_ahead/two_threads")), group="ingest", peer_job="ingest_spilled",
        best_peer_at_most=0.7),
    Job("ingest_on_demand", "from a pipe, 5 MiB of memory, `on_demand`", GIB,
        (Against("ingest_on_demand/write_loop", 1.10),), group="ingest",
        peer_job="ingest_spilled", best_peer_at_most=0.95),
    Job("ingest_memory", "from a pipe, all in memory, `ahead`", GIB,
        (Against("ingest_memory/pool_loop", 1.20), Against("ingest_memory/fresh_loop"),
         Against("ingest_memory/on_demand")),
        peer_job="ingest_memory", best_peer_at_most=0.7),
    lives("1k", "1 KiB streams: made, filled, read back, dropped", KIB,
          (Against("lives/vector", 4),)),
    lives("64k", "64 KiB streams: made, filled, read back, dropped", 64 * KIB, TWO_COPIES,
          best_peer_at_most=1.2),
    lives("4m", "4 MiB streams: made, filled, read back, dropped", 4 * MIB, TWO_COPIES,
          best_peer_at_most=1.2),
    lives("8m", "8 MiB streams, 5 MiB of memory: made, filled, read back, dropped", 8 * MIB, (),
          best_peer_at_most=0.5, best_must_spill=True),
    Job("bytes_in_memory", "1-byte chunks, in memory", MIB,
        (Against("bytes_in_memory/vector", 3),)),
    Job("bytes_spilled", "1-byte chunks, once spilled", MIB,
        (Against("bytes_spilled/vector", 4),)),
    Job("followers_4", "one producer, 4 readers that follow", GIB,
        (Against("ingest_ahead/drain", 2.2),), peer_job="followers_4", best_peer_at_most=0.5),
    Job("istream_memory", "`std::istream`, kept bytes in memory, 64 KiB steps", GIB,
        (Against("istream_memory/ifstream", 0.9),)),
    Job("istream_spilled", "`std::istream`, spilled bytes, 64 KiB steps", GIB,
        (Against("istream_spilled/ifstream", 1.1),)),
    Job("wake_reader", "publish, until a sleeping reader runs", 2000,
        (Against("wake_reader/futex", 1.3),), quick_size=500, rounds=LATENCY_ROUNDS),
    Job("byte_in_pipe", "a byte written to a pipe, until a reader has it", 2000,
        (Against("byte_in_pipe/read", 1.3), Against("byte_in_pipe/poll_and_read")), quick_size=500,
        rounds=LATENCY_ROUNDS),
    Job("tail", "99th percentile of a read of kept bytes while the fill runs", 2 * GIB,
        (Against("tail/at_rest", 2),), ours="tail/filling"),
    Job("command", "`cat big \\| seekable run --eager -- cat {}`", 4 * GIB,
        (Against("command/a file between", 0.8),
         Against("command/the pipe and the reading alone"),
         Against("command/a file between, written from a pipe")), peer_job="command"),
)


@dataclasses.dataclass(frozen=True)
class MicroPair:
    """Two benchmarks of seekable_micro."""
    what: str
    ours: str
    baseline: str
    name: str               # what the baseline is called
    at_most: float


def pair(what, case, name, at_most):
    return MicroPair(what, f"ours_{case}", f"baseline_{case}", name, at_most)


MICRO_PAIRS = (
    pair("`read_at` 4 KiB, hot, in memory, 1 thread", "read_at/hot/real_time/threads:1",
         "bare memcpy", 1.25),
    pair("`read_at` 4 KiB, hot, in memory, 2 threads", "read_at/hot/real_time/threads:2",
         "bare memcpy", 1.25),
    pair("`read_at` 4 KiB at random over 1 GiB in memory",
         "read_at/random_1gib/real_time/threads:1", "bare memcpy", 1.15),
    pair("`read_at` 4 KiB at random, spilled, in the page cache", "spilled/real_time",
         "bare pread", 1.10),
    pair("`view` of 4 KiB, spilled, one byte touched", "view/real_time", "raw mmap", 1.5),
)

# By its name in seekable_micro: how much the worst alignment may cost beside +0.
ALIGNMENTS = (("memory_4k", 1.3), ("memory_64k", 1.3), ("spilled_4k", 1.4), ("spilled_64k", 1.4))

# What the README shows, of the rows that are no single peer's.
IN_README = (
    "`read_at` 4 KiB at random over 1 GiB in memory",
    "`read_at` 4 KiB at random, spilled, in the page cache",
    *(job.what for job in JOBS if job.name.startswith(("ingest", "lives", "followers"))),
    "64 KiB at 150 MB of a file of 200 MB, from a URL to the bytes",
    "Python: a generator of 64 KiB chunks taken, in memory",
    "Python: 64 KiB read at random by 8 threads, spilled",
)
NOT_IN_README = ("vector",)
