# SPDX-License-Identifier: Apache-2.0
"""Streams from the web: an nginx on the loopback, by itself or behind a simulated link. Their sides
take turns inside one process, which tells what each of them cost."""

import functools
import os
import shutil
import statistics

import command
import rounds
import sides
from jobs import GIB, KIB, MIB
from tables import Row, size_text, time_text

LINKS = {
    "1000_mbit_15_ms": "1 Gb/s, 15 ms",
    "300_mbit_20_ms": "300 Mb/s, 20 ms",
    "50_mbit_80_ms": "50 Mb/s, 80 ms",
    "10_mbit_150_ms": "10 Mb/s, 150 ms",
}
SLOWEST = "10_mbit_150_ms"
SEEDS, QUICK_SEEDS = (1, 2, 3), (1,)
# As many in one process as leave, with that of the first one, no more connections behind than it
# keeps idle (16 in src/http/client.cpp): to close one for the next is no part of the job. Then again
# in other processes, since each has its own luck.
SKIP_ROUNDS, SKIP_PROCESSES = 14, 9
FILE, QUICK_FILE = GIB, 128 * MIB
# Where nginx is on systems whose users have no path to it.
PLACES = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"))


def trouble_with(job, *programs):
    """Why the job cannot be run here; empty if it can."""
    for program in ("nginx", *programs):
        if shutil.which(program, path=PLACES) is None:
            return f"{program} is not installed"
    there = sides.scenarios()
    if not any(side.startswith(f"{job}/") for side in there):
        return "the library was built without seekable::http, which needs libcurl"
    return ""


def needs(job, *programs):
    """Leaves a job out, with one line, where what it needs is missing."""
    def wrap(rows):
        @functools.wraps(rows)
        def checked(quick, figures):
            trouble = trouble_with(job, *programs)
            if trouble:
                rounds.say(f"not measured: {job}: {trouble}")
                return
            yield from rows(quick, figures)
        return checked
    return wrap


@needs("http_trace")
def trace_rows(_quick, _figures):
    """A count each, which is the same in every run but for some hundred kilobytes."""
    for side in ("index_at_the_end", "index_at_the_start"):
        what = ("177 seeks to and fro between the data of a film of 25 MB and its "
                f"{side.replace('_', ' ')}, 16 MB are wanted, 50 Mb/s, 80 ms")
        requests, notes = sides.scenario_and_notes(f"http_trace/{side}", 1)
        on_the_wire = notes["megabytes_on_the_wire"]
        yield Row("http_trace", what, f"requests: {requests:.0f}", "4 requests", requests / 4, 1)
        yield Row("http_trace", what, f"{on_the_wire:.1f} MB on the wire", "22 MB",
                  on_the_wire / 22, 1)


def seconds_on(link, seeds):
    """Seconds of all traces by side: "ours", or the threshold in KiB."""
    seconds = {}
    for seed in seeds:
        ours, notes = sides.scenario_and_notes(f"http_links/{link}", seed)
        for side, cost in (("ours", ours), *notes.items()):
            name = side if side == "ours" else int(side.removeprefix("through_"))
            seconds[name] = seconds.get(name, 0) + cost
    return seconds


def best_of_all(found):
    """The threshold whose worst ratio to the best one of each link is the least."""
    def worst(threshold):
        return max(seconds[threshold] / min_fixed(seconds)[1] for seconds in found.values())
    return min((name for name in next(iter(found.values())) if name != "ours"), key=worst)


def min_fixed(seconds):
    """The best threshold, in KiB, and its time."""
    return min(((name, cost) for name, cost in seconds.items() if name != "ours"),
               key=lambda item: item[1])


@needs("http_links")
def links_rows(quick, figures):
    # There a threshold that is far too high takes most of a minute.
    links = [link for link in LINKS if not (quick and link == SLOWEST)]
    found = {link: seconds_on(link, QUICK_SEEDS if quick or link == SLOWEST else SEEDS)
             for link in links}
    figures["http_links"] = {link: {str(name): cost for name, cost in seconds.items()}
                             for link, seconds in found.items()}
    common = best_of_all(found)
    for link, seconds in found.items():
        what = f"mixed reads and seeks, {LINKS[link]}: gaps are read through, or asked for anew"
        best, cost = min_fixed(seconds)
        text = time_text(seconds["ours"])
        yield Row("http_links", what, text,
                  f"the best fixed threshold there, {size_text(best * KIB)}",
                  seconds["ours"] / cost, 1.25)
        yield Row("http_links", what, text,
                  f"the best fixed threshold for all links, {size_text(common * KIB)}",
                  seconds["ours"] / seconds[common])


@needs("http_skip")
def skip_rows(quick, _figures):
    runs = [sides.scenario_and_notes("http_skip/all", SKIP_ROUNDS)
            for _ in range(1 if quick else SKIP_PROCESSES)]
    ours = statistics.median(seconds for seconds, _ in runs)
    ratio = statistics.median(notes["ratio"] for _, notes in runs)
    yield Row("http_skip", "64 KiB at 150 MB of a file of 200 MB, from a URL to the bytes",
              time_text(ours), "a bare range request by libcurl", ratio, 1.2)


@needs("http_sequential", "curl")
def sequential_rows(quick, _figures):
    size = QUICK_FILE if quick else FILE
    what = f"a file of {size_text(size)} from nginx on the loopback"
    if not command.has_room(3 * size, what):
        return
    _, notes = sides.scenario_and_notes("http_sequential/all", size)
    to_file, to_nowhere = "curl_to_file", "curl_to_nowhere"
    names = {to_file: "`curl -o FILE`", to_nowhere: "`curl -o /dev/null`"}
    for side, how, at_most in (
            ("read_on", "read through a buffer, 5 MiB of memory", {to_file: 1.0, to_nowhere: 1 / 0.6}),
            ("ahead", "kept in a buffer, 5 MiB of memory, `ahead`", {to_file: 0, to_nowhere: 0}),
            ("source", "read from the source, nothing is kept", {to_nowhere: 1 / 0.9}),
            ("command", "by `seekable cat`, nothing is kept", {to_nowhere: 1 / 0.9})):
        for against, most in at_most.items():
            yield Row("http_sequential", f"{what}, {how}", time_text(notes[side]), names[against],
                      notes[f"{side}/{against}"], round(most, 2))


WEB = {"http_trace": trace_rows, "http_links": links_rows, "http_skip": skip_rows,
       "http_sequential": sequential_rows}
