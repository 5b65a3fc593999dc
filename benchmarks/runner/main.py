#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The body of script/bench, which see: it has installed what is needed here."""

import argparse
import pathlib
import signal
import sys
import time

sys.dont_write_bytecode = True      # Nothing is left beside the sources.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))

import compare
import growth
import jobs
import sides
import tables

NAMES = ("micro", *(job.name for job in jobs.JOBS), *growth.GROWTH)


def arguments_of(words):
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--quick", action="store_true",
                        help="fewer rounds on smaller inputs; nothing is written")
    parser.add_argument("jobs", nargs="*", metavar="JOB",
                        help=f"only these, nothing is written: {', '.join(NAMES)}")
    arguments = parser.parse_args(words)
    for name in arguments.jobs:
        if name not in NAMES:
            parser.error(f"there is no job '{name}': {', '.join(NAMES)}")
    return arguments


def all_rows(wanted, quick, figures):
    """Runs what is wanted, row by row; `figures` gets what the plots need."""
    plain = [name for name in wanted if name in {job.name for job in jobs.JOBS}]
    if not wanted or "micro" in wanted:
        yield from compare.rows_of_micro(quick, figures)
    if not wanted or plain:
        yield from compare.rows_of_jobs(plain, quick, figures)
    for name, rows in growth.GROWTH.items():
        if not wanted or name in wanted:
            yield from rows(quick, figures)


def main():
    arguments = arguments_of(sys.argv[1:])
    # What lies on the disk is taken away then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sides.build()
    started = time.monotonic()
    rows, figures = [], {}
    machine = tables.machine(sys.argv[1:],
                             jobs.QUICK_ROUNDS if arguments.quick else jobs.ROUNDS)
    print(f"{machine}\n\n{tables.HEAD}", flush=True)
    for row in all_rows(arguments.jobs, arguments.quick, figures):
        rows.append(row)
        print(row.cells(), flush=True)
    print(f"\n{tables.targets(rows)} In {(time.monotonic() - started) / 60:.1f} minutes.")
    for row in rows:
        if row.is_missed:
            print(f"missed: {row.ratio:.2f}, hoped for {row.at_most:g}: {row.what}; "
                  f"against {row.against}")
    if not arguments.quick and not arguments.jobs:
        tables.write_pages(rows, machine, [])
    return 0


if __name__ == "__main__":
    sys.exit(main())
