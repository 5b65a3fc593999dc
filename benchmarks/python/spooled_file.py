# SPDX-License-Identifier: Apache-2.0
"""seekable's StreamBuffer beside `tempfile.SpooledTemporaryFile` and a loop, which people write.

usage: spooled_file.py ROUNDS MEBIBYTES | spooled_file.py memory MEBIBYTES

The sides take turns, also in being the first: what a spilled stream has left may still keep the
machine busy when the next side begins.

Prints by name what each has cost in each round, in seconds, as JSON. With `memory`: how many bytes
the process has grown by at most while it took a stream with 5 MiB of memory, and read it.
"""

import json
import mmap
import random
import sys
import tempfile
import threading
import time

import seekable

MIB = 1024**2
CHUNK = 64 * 1024
DIRECTORY = "/var/tmp"  # a disk; /tmp may be memory
SPILLED = 5 * MIB
THREADS = 8


class Chunks:
    """A stream of `size` bytes, which costs next to nothing to make."""

    def __init__(self, size):
        self.size = size
        self.chunk = random.Random(1).randbytes(CHUNK)

    def __iter__(self):
        for _ in range(self.size // CHUNK):
            yield self.chunk

    def at(self, offset, size):
        """What a read must give."""
        begin = offset % CHUNK
        return (self.chunk * (size // CHUNK + 2))[begin:begin + size]


class Ours:
    def __init__(self, chunks, memory):
        self.chunks = chunks
        self.memory = memory

    def take(self):
        self.buffer = seekable.StreamBuffer(self.chunks, max_size=self.memory,
                                            spool_directories=[DIRECTORY])
        self.buffer.wait_for_size()

    def close(self):
        self.buffer.close()

    def read_each(self, offsets, size):
        read = self.buffer.read
        for offset in offsets:
            read(offset, size)

    shared_read_each = read_each

    def views_of_each(self, offsets, size):
        for offset in offsets:
            end = offset + size
            while offset < end:
                offset += len(self.buffer.view(offset, end - offset))

    def get(self, offset, size):
        return self.buffer.read(offset, size)


class Theirs:
    def __init__(self, chunks, memory):
        self.chunks = chunks
        self.memory = memory
        self.lock = threading.Lock()

    def take(self):
        self.file = tempfile.SpooledTemporaryFile(max_size=self.memory, dir=DIRECTORY)
        for chunk in self.chunks:
            self.file.write(chunk)

    def close(self):
        self.file.close()

    def read_each(self, offsets, size):
        file = self.file
        for offset in offsets:
            file.seek(offset)
            file.read(size)

    def shared_read_each(self, offsets, size):
        file, lock = self.file, self.lock
        for offset in offsets:
            with lock:
                file.seek(offset)
                file.read(size)

    def get(self, offset, size):
        self.file.seek(offset)
        return self.file.read(size)


def seconds(call, *arguments):
    started = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - started


def by_threads(call, offsets, size):
    threads = [threading.Thread(target=call, args=(offsets[i::THREADS], size))
               for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def random_offsets(count, size, most):
    rng = random.Random(count)
    return [rng.randrange(size - most) for _ in range(count)]


def have_memory(size):
    """Has the host of a virtual machine give it this memory before the clock runs: it takes back
    within seconds what nobody uses."""
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 1
    memory.close()


def check(side, size):
    for offset in random_offsets(50, size, 100_000):
        if side.get(offset, 100_000) != side.chunks.at(offset, 100_000):
            raise SystemExit(f"{type(side).__name__}: wrong bytes at {offset}")


def measure(rounds, size):
    costs = {}
    chunks = Chunks(size)
    small = random_offsets(100_000, size, 4096)
    large = random_offsets(THREADS * 2000, size, CHUNK)
    whole = list(range(0, size - MIB + 1, MIB))
    for number in range(rounds):
        kinds = (Ours, Theirs) if number % 2 == 0 else (Theirs, Ours)
        for place, memory in (("memory", 2 * size), ("spilled", SPILLED)):
            for side in (kind(chunks, memory) for kind in kinds):
                def note(job, cost, name=type(side).__name__.lower(), place=place):
                    costs.setdefault(f"{job} {place}", {}).setdefault(name, []).append(cost)
                have_memory(2 * size)
                note("ingest", seconds(side.take))
                check(side, size)
                note("random", seconds(side.read_each, small, 4096))
                note("threads", seconds(by_threads, side.shared_read_each, large, CHUNK))
                if isinstance(side, Ours):
                    note("view", seconds(side.views_of_each, whole, MIB))
                    note("read", seconds(side.read_each, whole, MIB))
                side.close()
    return costs


def resident(name):
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(name))


def grown(size):
    side = Ours(Chunks(size), SPILLED)
    before = resident("VmRSS:")
    side.take()
    check(side, size)
    side.read_each(random_offsets(10_000, size, 4096), 4096)
    side.views_of_each(range(0, size - MIB + 1, MIB), MIB)
    return resident("VmHWM:") - before


def main():
    size = int(sys.argv[2]) * MIB
    result = grown(size) if sys.argv[1] == "memory" else measure(int(sys.argv[1]), size)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
