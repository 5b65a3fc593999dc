# SPDX-License-Identifier: Apache-2.0
"""Sides that take turns: what counts is the median of the ratios of each round, since the machine
may be shared, and then absolute times say little."""

import dataclasses
import statistics
import subprocess
import sys
import time
from typing import Callable

# A side without a target whose last run took longer than this many seconds is run fewer times, so
# that the whole comes to its end.
SLOW_SECONDS, SLOW_ROUNDS = 2, 3
QUICK_SLOW_SECONDS, QUICK_SLOW_ROUNDS = 0.4, 1


def say(line):
    """Something beside the tables, in one line."""
    print(line.replace("\n", " "), file=sys.stderr, flush=True)


@dataclasses.dataclass
class Side:
    """Something that is run once a round."""
    name: str
    run: Callable           # Returns what one run costs, for `size`.
    size: int
    may_be_slow: bool = False       # then it is run less often
    may_fail: bool = False          # then it is left out, with a line why
    costs: list = dataclasses.field(default_factory=list)
    wall_seconds: float = 0

    def take_turn(self):
        started = time.monotonic()
        self.costs.append(self.run(self.size))
        self.wall_seconds = time.monotonic() - started

    def is_done(self, quick):
        if not self.may_be_slow or not self.costs:
            return False
        seconds, rounds = ((QUICK_SLOW_SECONDS, QUICK_SLOW_ROUNDS) if quick else
                           (SLOW_SECONDS, SLOW_ROUNDS))
        return self.wall_seconds > seconds and len(self.costs) >= rounds

    @property
    def median(self):
        return statistics.median(self.costs)


def take_turns(sides, rounds, quick):
    """Runs all in turns, and returns those that did not fail."""
    left = list(sides)
    for _ in range(rounds):
        for side in list(left):
            if side.is_done(quick):
                continue
            try:
                side.take_turn()
            except (subprocess.SubprocessError, OSError, RuntimeError, ValueError) as trouble:
                if not side.may_fail:
                    raise
                say(f"failed peer: {side.name}: {trouble}")
                left.remove(side)
    return left


def ratio(ours, other):
    """The median of the ratios of the rounds that both took part in; for each byte, where the other
    one could not do as much."""
    sizes = other.size / ours.size
    return statistics.median(a / b * sizes for a, b in zip(ours.costs, other.costs))
