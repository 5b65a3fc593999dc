#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The body of script/bench, which see: it has installed what is needed here."""

import argparse
import dataclasses
import json
import pathlib
import re
import signal
import sys
import time

sys.dont_write_bytecode = True      # Nothing is left beside the sources.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))

import compare
import growth
import jobs
import plots
import python
import sides
import tables
import web

RESULTS = sides.ROOT / "build" / "bench.json"
QUICK_RESULTS = sides.ROOT / "build" / "bench-quick.json"
OTHERS = {**growth.GROWTH, **web.WEB, **python.PYTHON}
NAMES = ("micro", *(job.name for job in jobs.JOBS), *OTHERS)


def arguments_of(words):
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--quick", action="store_true",
                        help="fewer rounds on smaller inputs; no document is written")
    parser.add_argument("--redraw", action="store_true",
                        help="writes the documents again from the results that are kept")
    parser.add_argument("jobs", nargs="*", metavar="JOB",
                        help=f"only these; they replace what the last complete run kept of them, "
                             f"for --redraw: {', '.join(NAMES)}")
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
    for name, rows in OTHERS.items():
        if not wanted or name in wanted:
            yield from rows(quick, figures)


def measure(arguments, machine, keep):
    """Runs what is asked for and prints it. `keep` gets all that is known after each row."""
    started = time.monotonic()
    rows, figures = [], {}
    print(f"{machine}\n\n{tables.HEAD}", flush=True)
    for row in all_rows(arguments.jobs, arguments.quick, figures):
        rows.append(row)
        print(row.cells(), flush=True)
        keep({"machine": machine, "rows": [dataclasses.asdict(row) for row in rows],
              "figures": figures})
    print(f"\n{tables.targets(rows)} In {(time.monotonic() - started) / 60:.1f} minutes.")
    for row in rows:
        if row.is_missed:
            print(f"missed: {row.ratio:.2f}, hoped for {row.at_most:g}: {row.what}; "
                  f"against {row.against}")


def merged(old, new, names):
    """`old` with the jobs in `names` as `new` has them; each row stays where its job stood."""
    at = [row["job"] for row in old["rows"]]
    rows = list(old["rows"])
    for name in names:
        mine = [row for row in new["rows"] if row["job"] == name]
        place = at.index(name) if name in at else len(at)
        rows = ([row for row in rows[:place] if row["job"] != name] + mine +
                [row for row in rows[place:] if row["job"] != name])
        at = [row["job"] for row in rows]
    return {"machine": with_commit(old["machine"], names, new["machine"]), "rows": rows,
            "figures": {**old["figures"], **new["figures"]}}


AGAIN = re.compile(r" ([\w, ]+): commit ([^.,]+)\.")


def with_commit(line, names, newer):
    """`line` of the complete run; behind it, from which commit the jobs in `names` are, and those
    that were measured on their own before."""
    commits = {name: again[2] for again in AGAIN.finditer(line) for name in again[1].split(", ")}
    commits |= dict.fromkeys(names, newer.partition(",")[0].removeprefix("Commit "))
    line = AGAIN.sub("", line)
    for commit in dict.fromkeys(commits.values()):
        line += f" {', '.join(name for name in commits if commits[name] == commit)}: commit {commit}."
    return line


def keeper(arguments):
    """What keeps results: those of single jobs go in among the last complete ones."""
    path = QUICK_RESULTS if arguments.quick else RESULTS
    if not arguments.jobs:
        return lambda results: write_results(path, results)
    if arguments.quick or not path.exists():
        return lambda results: None
    old = json.loads(path.read_text(encoding="utf-8"))
    return lambda results: write_results(path, merged(old, results, arguments.jobs))


def write_results(path, results):
    path.write_text(json.dumps(results, indent=1), encoding="utf-8")


def write_documents(results):
    rows = [tables.Row(**row) for row in results["rows"]]
    shown = plots.write(results["figures"], results["machine"])
    tables.write_pages(rows, results["machine"], shown)


def main():
    arguments = arguments_of(sys.argv[1:])
    # What lies on the disk is taken away then, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if arguments.redraw:
        write_documents(json.loads(RESULTS.read_text(encoding="utf-8")))
        return 0
    sides.build()
    machine = tables.machine(sys.argv[1:],
                             jobs.QUICK_ROUNDS if arguments.quick else jobs.ROUNDS)
    measure(arguments, machine, keeper(arguments))
    if not arguments.quick and not arguments.jobs:
        write_documents(json.loads(RESULTS.read_text(encoding="utf-8")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
