#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The body of script/test, which see: it has installed what is needed here."""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = str(len(os.sched_getaffinity(0)))


class Results:
    """Counts by configuration and kind."""

    def __init__(self):
        self.counts = collections.defaultdict(lambda: [0, 0])

    def add(self, configuration, kind, passed, how_many=1):
        self.counts[configuration, kind][0 if passed else 1] += how_many

    def failed(self, configuration=None):
        return sum(failed for (where, _), (_, failed) in self.counts.items()
                   if configuration in (None, where))

    def print(self):
        print(f"\n{'configuration':<15}{'kind':<12}{'passed':>8}{'failed':>8}")
        for (configuration, kind), (passed, failed) in self.counts.items():
            print(f"{configuration:<15}{kind:<12}{passed:>8}{failed:>8}")
        passed = sum(passed for passed, _ in self.counts.values())
        print(f"\n{passed} passed, {self.failed()} failed")


def run(what, *command):
    """Runs one step; of a step that fails, all of its output is shown."""
    print(f"== {what}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            check=False)
    seconds = time.monotonic() - started
    if result.returncode != 0:
        sys.stdout.write(result.stdout.decode(errors="replace"))
        print(f"== {what}: FAILED with exit status {result.returncode} ({seconds:.0f} s)")
    else:
        print(f"== {what}: ok ({seconds:.0f} s)")
    sys.stdout.flush()
    return result.returncode == 0


def count_cases(results, preset, report):
    """Adds what ctest has written to `report`. The first word of a test's name is its kind."""
    if not report.is_file():
        results.add(preset, "(none ran)", False)
        return
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = case.get("name")
        kind = name.split(".")[0] if "." in name else "(not built)"
        # A test that was skipped or switched off has not passed.
        results.add(preset, kind, case.get("status") == "run")


def build(results, preset, *settings):
    """Returns false if nothing can have been built."""
    if not run(f"configure {preset}", "cmake", "--preset", preset, *settings):
        results.add(preset, "(configure)", False)
        return False
    # What cannot be built does not keep the rest from being tested.
    if not run(f"build {preset}", "cmake", "--build", "--preset", preset, "-j", JOBS, "--", "-k0"):
        results.add(preset, "(build)", False)
    return True


def build_and_test(results, preset):
    if not build(results, preset):
        return
    report = ROOT / "build" / preset / "tests.xml"
    report.unlink(missing_ok=True)
    passed = run(f"test {preset}", "ctest", "--preset", preset, "-j", JOBS, "--output-junit",
                 str(report))
    count_cases(results, preset, report)
    if not passed and results.failed(preset) == 0:
        results.add(preset, "(ctest)", False)


def check_format(results):
    results.add("checks", "format", run("format", "script/format", "--check"))


def check_with_tidy(results):
    configured = run("configure clang", "cmake", "--preset", "clang")
    sources = f"^{re.escape(str(ROOT))}/(src|cli)/.*\\.cpp$"
    results.add("checks", "tidy",
                configured and run("tidy", "run-clang-tidy-19", "-quiet", "-j", JOBS,
                                   "-p", "build/clang", sources))


def main():
    parser = argparse.ArgumentParser(prog="script/test")
    parser.add_argument("--quick", action="store_true",
                        help="the formatter and the preset dev only")
    arguments = parser.parse_args()

    started = time.monotonic()
    results = Results()
    check_format(results)
    build_and_test(results, "dev")
    if not arguments.quick:
        for preset in ("tsan", "asan", "fuzz"):
            build_and_test(results, preset)
        # Other warnings come with -O3. (`pip` builds the Python package so, in a test.)
        build(results, "release", "-DSEEKABLE_BUILD_TESTS=OFF", "-DSEEKABLE_WITH_PYTHON=OFF",
              "-DSEEKABLE_BUILD_TOGETHER=ON")
        check_with_tidy(results)
    print(f"\nin {(time.monotonic() - started) / 60:.1f} minutes on {JOBS} processors")
    results.print()
    return 1 if results.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
