# SPDX-License-Identifier: Apache-2.0
"""The plots of docs/plots, from the figures of one run."""

import svg
from jobs import GIB, JOBS, MIB
from sides import ROOT
from tables import size_text, time_text

PLOTS = ROOT / "docs" / "plots"
OURS = "seekable"
# Colours of the peers, by their rank.
KINDS = ("s1", "s2", "s3", "s4", "s5")


def job_sides(figures, name):
    """Costs of a job by side, for the size of ours."""
    job = figures[name]
    return {side: one["cost"] * job["size"] / one["size"] for side, one in job["sides"].items()}


def is_own(side):
    """Whether it is a side of seekable_scenarios (JOB/SIDE), and no peer."""
    return "/" in side and " " not in side


def rate_bars(figures, names):
    """GiB a second of what jobs share their rounds: each side of theirs once."""
    found = {}
    for name, called in names:
        size = figures[name]["size"]
        for side, cost in job_sides(figures, name).items():
            rate = size / cost / GIB
            if side == "ours":
                found[f"{OURS}{called}"] = svg.Bar(f"{OURS}{called}", rate, "ours")
            elif not is_own(side):
                found[side] = svg.Bar(side, rate)
            elif side.endswith("/on_demand"):
                found[f"{OURS}, on demand"] = svg.Bar(f"{OURS}, on demand", rate, "ours")
            elif not side.endswith("/ours"):
                words = f"bare: {side.rpartition('/')[2].replace('_', ' ')}"
                found[words] = svg.Bar(words, rate, "plain")
    return list(found.values())


def bars_text(bars):
    return ", ".join(f"{bar.name} {bar.value:.2f}"
                     for bar in sorted(bars, key=lambda bar: -bar.value))


def ingest(figures, line):
    spilled = rate_bars(figures, (("ingest_ahead", ", ahead"), ("ingest_on_demand", ", on demand")))
    memory = rate_bars(figures, (("ingest_memory", ", ahead"),))
    size = size_text(figures["ingest_ahead"]["size"])
    title = f"{size} from a pipe until all is kept (longer is better)"
    panels = [("5 MiB of memory, the rest on disk", spilled), ("All in memory", memory)]
    return (svg.bars(title, panels, "GiB a second", line),
            f"Bars: GiB a second from a pipe until {size} is kept. With 5 MiB of memory: "
            f"{bars_text(spilled)}. All in memory: {bars_text(memory)}.")


def lives(figures, line):
    names = [job.name for job in JOBS if job.name.startswith("lives_")]
    sizes = [size_text(figures[name]["size"]) for name in names]
    points = {}
    for place, name in enumerate(names):
        for side, cost in job_sides(figures, name).items():
            if side == "ours" or not is_own(side):
                points.setdefault(side, []).append((place, cost))
    peers = sorted(side for side in points if side != "ours")
    series = [svg.Series(OURS, points["ours"], "s0")]
    series += [svg.Series(peer, points[peer], KINDS[number % len(KINDS)])
               for number, peer in enumerate(peers)]
    costs = [cost for all_ in points.values() for _, cost in all_]
    # Not to scale: 4 MiB, all in memory, and 8 MiB, which is not, are cases of their own.
    x = svg.Axis(f"length of the stream (5 MiB of memory: {sizes[-1]} have no room)", 0,
                 len(sizes) - 1, list(range(len(sizes))), lambda place: sizes[int(place)])
    y = svg.decades("time of one stream (logarithmic)", min(costs), max(costs), time_text)
    text = "; ".join(f"{one.name} " + ", ".join(time_text(cost) for _, cost in one.points)
                     for one in series)
    return (svg.lines("Short streams: made, filled, read back, dropped (lower is better)", x, y,
                      series, line),
            f"Lines: time of one stream of {', '.join(sizes)}, made, filled, read back, dropped: "
            f"{text}.")


def by_number(values):
    return [(float(key), value) for key, value in values.items()]


def size_axis(points):
    ticks = [size for size in (MIB, 16 * MIB, 256 * MIB, 4 * GIB, 16 * GIB)
             if size <= points[-1][0]]
    return svg.Axis("length of the stream (logarithmic)", points[0][0], points[-1][0], ticks,
                    size_text, logarithmic=True)


def growth(figures, line):
    points = by_number(figures["growth"])
    ratios = [ratio for _, ratio in points]
    y = svg.linear("ratio to the bare loop", max(1.2, 1.15 * max(ratios)))
    text = ", ".join(f"{size_text(size)} {ratio:.2f}" for size, ratio in points)
    return (svg.lines("Time beside the bare loop, by the length of the stream (lower is better)",
                      size_axis(points), y, [svg.Series(f"{OURS}, on demand", points, "s0")], line,
                      band=(min(ratios), 1.15 * min(ratios), "within 15 %")),
            "A line: time of ours divided by that of the bare loop, by length of the stream: "
            f"{text}. A band marks 15 % from the smallest.")


def resident(figures, line):
    points = [(size, most / MIB) for size, most in by_number(figures["resident"])]
    text = ", ".join(f"{size_text(size)} {most:.1f} MiB" for size, most in points)
    return (svg.lines("Most memory that was resident, by the length of the stream",
                      size_axis(points), svg.linear("MiB", 22), [svg.Series(OURS, points, "s0")],
                      line, marks=((21, "hoped for: limit + 16 MiB", "wanted"),
                                   (5, "memory limit: 5 MiB", "mark"))),
            f"A line: most memory that was resident, by length of the stream: {text}.")


def readers(figures, line):
    series = [svg.Series(name, [(count, cost * 1e9) for count, cost in by_number(costs)], kind)
              for costs, name, kind in ((figures["readers"]["ours"], f"{OURS}, read_at", "s0"),
                                        (figures["readers"]["memcpy"], "bare: memcpy", "bare"))]
    counts = [count for count, _ in series[0].points]
    x = svg.Axis("readers of one buffer, each a thread (logarithmic)", counts[0], counts[-1],
                 counts, "{:,.0f}".format, logarithmic=True)
    most = max(cost for one in series for _, cost in one.points)
    text = "; ".join(f"{one.name} " + ", ".join(f"{cost:.0f}" for _, cost in one.points)
                     for one in series)
    return (svg.lines("A read of 4 KiB that is kept, by the number of readers (flat is good)", x,
                      svg.linear("ns for a read, for each core", most), series, line),
            f"Lines: nanoseconds for a read of 4 KiB, for each core, with 1, 10, 100 and 1,000 "
            f"readers: {text}.")


def alignments(figures, line):
    names = {"memory_4k": "4 KiB, memory", "memory_64k": "64 KiB, memory",
             "spilled_4k": "4 KiB, spilled", "spilled_64k": "64 KiB, spilled"}
    series = [svg.Series(names[case], list(enumerate(ratios)),
                         KINDS[number], dots=False)
              for number, (case, ratios) in enumerate(figures["alignments"].items())]
    worst = max(ratio for one in series for _, ratio in one.points)
    x = svg.Axis("(destination - source) modulo 4096, in bytes", 0, 63, list(range(0, 64, 8)))
    y = svg.linear("time divided by that at 0", max(worst, 1.5))
    text = "; ".join(f"{one.name} {max(ratio for _, ratio in one.points):.2f}" for one in series)
    return (svg.lines("Time of read_at, by where it copies to (flat is good)", x, y, series,
                      line, marks=((1.4, "hoped for, spilled: 1.4", "wanted"),
                                   (1.3, "hoped for, memory: 1.3", "wanted"))),
            "Lines: time of a read by where it copies to, divided by that at 0. At the worst: "
            f"{text}.")


ALL = {"ingest": ingest, "lives": lives, "growth": growth, "resident": resident,
       "readers": readers, "alignments": alignments}


def write(figures, line, folder=PLOTS):
    """Draws all, and returns the lines that show them on the page; `line` is what each carries."""
    folder.mkdir(exist_ok=True)
    shown = []
    for name, draw in ALL.items():
        try:
            drawing, text = draw(figures, line)
        except KeyError:
            continue    # It was not measured: there was no room on the disk, say.
        (folder / f"{name}.svg").write_text(drawing, encoding="utf-8")
        shown += [f"![{text}](plots/{name}.svg)", ""]
    return shown[:-1]
