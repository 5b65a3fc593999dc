# SPDX-License-Identifier: Apache-2.0
"""How a side is run: in a process of its own, which gets ready, checks its bytes, then times."""

import json
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
SCENARIOS = BUILD / "bin" / "seekable_scenarios"
MICRO = BUILD / "bin" / "seekable_micro"
COMMAND = BUILD / "bin" / "seekable"
TEMPORARY = pathlib.Path("/var/tmp")    # a disk; /tmp may be memory


def build():
    subprocess.run(["cmake", "--preset", "release", "-DSEEKABLE_BUILD_TESTS=OFF"], cwd=ROOT,
                   check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", "seekable_scenarios",
                    "seekable_micro", "seekable_cli", *python_targets()], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)


def python_targets():
    """The package, where the build has it."""
    return ["seekable_python"] if (BUILD / "python").exists() else []


def have_memory(size, anonymous=False):
    """Has the host of a virtual machine give back what it has taken away (memory_use.hpp).

    Of files, or anonymous: then nothing is left to be written to the disk meanwhile.
    """
    subprocess.run([SCENARIOS, "have_anonymous" if anonymous else "have", str(size)], check=True)


def scenarios():
    """All JOB/SIDE that seekable_scenarios has."""
    result = subprocess.run([SCENARIOS, "list"], check=True, stdout=subprocess.PIPE, text=True)
    return result.stdout.split()


def scenario_lines(side, size):
    result = subprocess.run([SCENARIOS, side, str(size)], check=True, stdout=subprocess.PIPE,
                            text=True)
    return result.stdout.splitlines()


def scenario(side, size):
    """What one run of JOB/SIDE of seekable_scenarios costs."""
    return float(scenario_lines(side, size)[0])


def scenario_and_notes(side, size):
    """As `scenario`, and what else the run found out, by name."""
    cost, *notes = scenario_lines(side, size)
    return float(cost), {name: float(value) for name, value in map(str.split, notes)}


def micro_runs(pattern, rounds, seconds):
    """Returns, by name, what is told of each repetition of what matches `pattern`."""
    result = subprocess.run(
        [MICRO, f"--benchmark_filter={pattern}", f"--benchmark_repetitions={rounds}",
         "--benchmark_enable_random_interleaving=true", f"--benchmark_min_time={seconds}",
         "--benchmark_format=json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    runs = {}
    for run in json.loads(result.stdout)["benchmarks"]:
        if run["run_type"] == "iteration":
            runs.setdefault(run["name"], []).append(run)
    return runs


def micro(pattern, rounds, seconds):
    """As `micro_runs`: their times alone, in nanoseconds."""
    return {name: [run["real_time"] for run in runs]
            for name, runs in micro_runs(pattern, rounds, seconds).items()}
