# SPDX-License-Identifier: Apache-2.0
"""What the tests of the documents share: the pages, their code blocks, their links, their tables."""

import dataclasses
import os
import pathlib
import re

ROOT = pathlib.Path(os.environ.get("SEEKABLE_SOURCE_DIR",
                                   pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("SEEKABLE_BUILD_DIR", ROOT / "build" / "dev"))
COMMAND = pathlib.Path(os.environ.get("SEEKABLE_COMMAND", BUILD / "bin" / "seekable"))

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
MARK = re.compile(r"^<!-- (?P<text>.+) -->$")


def pages():
    """Every document of the project."""
    found = [path for path in ROOT.glob("*.md")]
    for place in ("docs", "src", "tests", "include", "cli", "python", "script", "benchmarks"):
        found += (ROOT / place).rglob("*.md")
    return sorted(found)


def name_of(page):
    return str(page.relative_to(ROOT))


@dataclasses.dataclass
class Block:
    """A fenced block. `mark` is the comment in the line before it, which a reader does not see."""
    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def name(self):
        return f"{self.page}:{self.line}"


def blocks_of(page):
    blocks = []
    lines = page.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        opened = FENCE.match(lines[number])
        number += 1
        if not opened:
            continue
        first = number
        while lines[number].strip() != "```":
            number += 1
        mark = MARK.match(lines[first - 2]) if first >= 2 else None
        indent = len(opened["indent"])
        text = "".join(line[indent:] + "\n" for line in lines[first:number])
        blocks.append(Block(name_of(page), first + 1, opened["language"],
                            mark["text"] if mark else "", text))
        number += 1
    return blocks


def all_blocks():
    return [block for page in pages() for block in blocks_of(page)]


def without_blocks(text):
    """`text` without its fenced blocks, line numbers kept."""
    kept, inside = [], False
    for line in text.splitlines():
        fence = line.lstrip().startswith("```")
        kept.append("" if inside or fence else line)
        inside = inside != fence
    return "\n".join(kept)


def section(text, heading):
    """What stands under a heading, up to the next one of its level or higher."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    if not found:
        raise AssertionError(f"there is no heading '{heading}'")
    rest = text[found.end():]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[:end.start()] if end else rest


def first_cells(text):
    """The first cell of every row of the tables in `text`, heads left out."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    heads = {number - 1 for number, row in enumerate(rows) if set(row) <= set("|-: ")}
    return [row.split("|")[1].strip() for number, row in enumerate(rows)
            if number not in heads and not set(row) <= set("|-: ")]


def slug(heading):
    """The anchor that a heading gets."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page):
    text = without_blocks(page.read_text(encoding="utf-8"))
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
