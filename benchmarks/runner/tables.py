# SPDX-License-Identifier: Apache-2.0
"""The tables, on the terminal and between the marks of the documents."""

import dataclasses
import os
import platform
import subprocess
import time

import jobs
from sides import ROOT

PAGE = ROOT / "docs" / "performance.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- figures: written by script/bench -->\n", "<!-- end of figures -->"
HEAD = "| job | ours | against | ratio | hoped for, at most |\n|---|---|---|---|---|"
PEERS_HEAD = "| job | ours | peer | ratio |\n|---|---|---|---|"
BOLD = "A ratio in bold is not yet what is hoped for."


@dataclasses.dataclass
class Row:
    job: str
    what: str
    ours: str
    against: str
    ratio: float
    at_most: float = 0          # 0: nothing is hoped for
    is_peer: bool = False       # one of many, of which the best has a row of its own

    @property
    def is_missed(self):
        # As it is printed: nobody should have to wonder about a bold 1.15 beside a 1.15.
        return bool(self.at_most) and round(self.ratio, 2) > self.at_most

    @property
    def ratio_text(self):
        text = f"{self.ratio:.2f}" if self.ratio >= 0.1 else f"{self.ratio:.2g}"
        return f"**{text}**" if self.is_missed else text

    def cells(self):
        wanted = f"{self.at_most:g}" if self.at_most else ""
        return f"| {self.what} | {self.ours} | {self.against} | {self.ratio_text} | {wanted} |"


def time_text(seconds):
    for unit, name in ((1, "s"), (1e-3, "ms"), (1e-6, "us")):
        if seconds >= unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 1e-9:.3g} ns"


def size_text(size):
    for unit, name in ((jobs.GIB, "GiB"), (jobs.MIB, "MiB"), (jobs.KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size:.3g} bytes"


def targets(rows):
    """How many of those that were measured are met."""
    wanted = [row for row in rows if row.at_most]
    met = sum(not row.is_missed for row in wanted)
    return f"{met} of {len(wanted)} targets are met."


def commit():
    """The commit that is measured; what has been changed since is said, but for the figures."""
    name = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=True,
                          stdout=subprocess.PIPE, text=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--", ".", ":!docs", ":!README.md"],
                             cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return f"{name} with changes" if changed else name


def machine(words=(), rounds=jobs.ROUNDS):
    """What every figure carries: commit, machine, command (`words`: its arguments)."""
    cpu = next(line.partition(":")[2].strip() for line in open("/proc/cpuinfo", encoding="ascii")
               if line.startswith("model name"))
    command = " ".join(("script/bench", *words))
    return (f"Commit {commit()}, {cpu}, {os.cpu_count()} cores, Linux "
            f"{platform.release().partition('-')[0]}, {time.strftime('%Y-%m-%d')}; `{command}`; "
            f"medians of {rounds} rounds in which the sides take turns.")


def write_figures(page, figures):
    """Replaces what stands between the marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}{figures}\n{END}{after}", encoding="utf-8")


def page_figures(rows, line, plots):
    """What stands between the marks of docs/performance.md. `plots`: lines that show them."""
    main = [row.cells() for row in rows if not row.is_peer]
    peers = [f"| {row.what} | {row.ours} | {row.against} | {row.ratio_text} |"
             for row in rows if row.is_peer]
    return "\n".join([line, "", f"{targets(rows)} {BOLD}", "", HEAD, *main, "",
                      "### Each peer", "", PEERS_HEAD, *peers, "", "### Plots", "", *plots])


def readme_figures(rows, line):
    chosen = [f"| {row.what} | {row.against} | {row.ratio_text} |" for row in rows
              if row.what in jobs.IN_README and not row.is_peer
              and row.against not in jobs.NOT_IN_README]
    return "\n".join([
        "Time of ours divided by that of what stands beside it, below 1 is faster. "
        f"{BOLD} {line}", "", "| job | against | ratio |\n|---|---|---|", *chosen])


def write_pages(rows, line, plots):
    write_figures(PAGE, page_figures(rows, line, plots))
    write_figures(README, readme_figures(rows, line))
