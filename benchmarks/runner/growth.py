# SPDX-License-Identifier: Apache-2.0
"""Cost grows as it should: with the length of a stream, the number of buffers, that of readers."""

import command
import jobs
import rounds
import sides
from jobs import GIB, KIB, MIB
from tables import Row, size_text, time_text

SIZES, QUICK_SIZES = (MIB, 16 * MIB, 256 * MIB, 4 * GIB), (MIB, 16 * MIB, 256 * MIB)
# One run of it takes most of a minute; what it shows is the same each time.
LONGEST = 16 * GIB
MOST_RESIDENT = jobs.MEMORY_LIMIT + 16 * MIB
READERS = (1, 10, 100, 1000)


def own_sides(names_and_sizes):
    """Sides of seekable_scenarios by (name, size)."""
    return {(name, size): rounds.Side(
        f"{name} {size}", lambda size, name=name: sides.scenario(name, size), size)
        for name, size in names_and_sizes}


def rounds_of(quick):
    return jobs.QUICK_ROUNDS if quick else jobs.ROUNDS


def ratio_rows(quick, figures):
    """The ratio to the bare loop of the same size must not depend on the size."""
    sizes = [size for size in (QUICK_SIZES if quick else SIZES)
             if command.has_room(size, f"growth to {size_text(size)}")]
    if not sizes:
        return
    ratios = {}
    for size in sizes:
        done = own_sides((f"growth/{side}", size) for side in ("ours", "loop"))
        # Those that are soon done have more rounds: each may be off by a tenth.
        wanted = rounds_of(quick) * (1 if quick or size >= GIB else 3)
        rounds.take_turns(done.values(), wanted, quick)
        ours, loop = done["growth/ours", size], done["growth/loop", size]
        ratios[size] = rounds.ratio(ours, loop)
        yield Row("growth", f"`on_demand`, streams of {size_text(size)} from one pipe",
                  time_text(ours.median), "bare loop of the same size", ratios[size])
    figures["growth"] = {str(size): ratio for size, ratio in ratios.items()}
    low, high = min(ratios.values()), max(ratios.values())
    yield Row("growth", f"the same, {size_text(sizes[0])} to {size_text(sizes[-1])}: spread of "
              "the ratio (largest / smallest - 1)", f"{low:.2f} to {high:.2f}", "no spread",
              high / low - 1, 0.15)


def resident_of(size):
    """Bytes, and notes; of a stream that is filled on demand or ahead, whichever takes more."""
    runs = [sides.scenario_and_notes("resident/on_demand", size)]
    if size < LONGEST:
        runs.append(sides.scenario_and_notes("resident/ahead", size))
    return max(runs, key=lambda run: run[0])


def resident_rows(quick, figures):
    """One run of each: memory is not a matter of luck as time is."""
    sizes = [*QUICK_SIZES, GIB] if quick else [*SIZES, LONGEST]
    notes, longest = {}, 0
    for size in sizes:
        what = f"resident memory, 5 MiB for a stream of {size_text(size)}"
        if not command.has_room(size, what):
            continue
        resident, notes = resident_of(size)
        longest = size
        figures.setdefault("resident", {})[str(size)] = resident
        yield Row("resident", what, size_text(resident), "limit + 16 MiB",
                  resident / MOST_RESIDENT, 1)
    if bytes_each := notes.get("bytes_for_each_block"):
        yield Row("resident", f"memory for each spilled block, stream of {size_text(longest)}",
                  f"{bytes_each:.3g} bytes", "16 bytes", bytes_each / 16, 1)


def idle_rows(_quick, _figures):
    for side, also in (("all_that_is_asked", ""),
                       ("no_more_than_read", ", and the source gave no more")):
        beyond = sides.scenario(f"idle/{side}", 1000)
        yield Row("idle", f"1,000 idle buffers, 1 KiB of each was read{also}: memory beyond the "
                  "bytes they keep, each", size_text(beyond), "1 KiB", beyond / KIB, 1)


def readers_rows(quick, figures):
    done = own_sides((f"readers/{side}", count) for count in READERS for side in ("ours", "memcpy"))
    rounds.take_turns(done.values(), rounds_of(quick), quick)
    figures["readers"] = {side: {str(count): done[f"readers/{side}", count].median
                                 for count in READERS} for side in ("ours", "memcpy")}
    ratios = [rounds.ratio(done["readers/ours", count], done["readers/memcpy", count])
              for count in READERS]
    for count, ratio in zip(READERS, ratios):
        ours = done["readers/ours", count]
        yield Row("readers", f"`read_at` 4 KiB, hot, {count:,} readers of one buffer, for each core"
                  .replace("1 readers", "1 reader"), time_text(ours.median),
                  "bare memcpy by as many threads", ratio)
    # The copies themselves cost more where there are more threads, and each time the clock of a
    # shared processor changes.
    yield Row("readers", "the same, 1 to 1,000 readers: largest ratio / smallest",
              f"{min(ratios):.2f} to {max(ratios):.2f}", "no spread", max(ratios) / min(ratios),
              1.25)


GROWTH = {"growth": ratio_rows, "resident": resident_rows, "idle": idle_rows,
          "readers": readers_rows}
