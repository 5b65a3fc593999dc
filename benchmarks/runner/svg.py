# SPDX-License-Identifier: Apache-2.0
"""Drawings of two kinds, bars and lines, as SVG: legible in light and dark, on any page, with the
fonts that are there."""

import dataclasses
import math
from typing import Callable
from xml.sax.saxutils import escape

WIDTH = 760
MARGIN = 20
LINE_HEIGHT = 17
# A page may be dark where the system is light: so a drawing brings its own ground.
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.strong { font-weight: 600; }
.soft { fill: #59636e; }
.ground { fill: #ffffff; }
.grid { stroke: #d8dee4; }
.axis { stroke: #818b98; }
.lead { stroke: #818b98; stroke-width: 0.7; }
.wanted { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 6 4; }
.mark { stroke: #818b98; stroke-width: 1.5; stroke-dasharray: 2 4; }
.band { fill: #1a7f37; opacity: 0.12; }
.line { fill: none; stroke-width: 1.8; }
.line.s0 { stroke-width: 3; }
.s0 { stroke: #0969da; } .s1 { stroke: #bc4c00; } .s2 { stroke: #1a7f37; }
.s3 { stroke: #8250df; } .s4 { stroke: #bf3989; } .s5 { stroke: #9a6700; }
.bare { stroke: #818b98; stroke-dasharray: 5 3; }
.dot.s0 { fill: #0969da; } .dot.s1 { fill: #bc4c00; } .dot.s2 { fill: #1a7f37; }
.dot.s3 { fill: #8250df; } .dot.s4 { fill: #bf3989; } .dot.s5 { fill: #9a6700; }
.dot.bare { fill: #818b98; stroke-dasharray: none; }
.bar.ours { fill: #0969da; } .bar.peer { fill: #afb8c1; }
.bar.plain { fill: none; stroke: #59636e; stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .soft { fill: #9198a1; }
  .ground { fill: #0d1117; }
  .grid { stroke: #2a3038; }
  .wanted { stroke: #f85149; }
  .band { fill: #3fb950; opacity: 0.18; }
  .s0 { stroke: #58a6ff; } .s1 { stroke: #f0883e; } .s2 { stroke: #3fb950; }
  .s3 { stroke: #bc8cff; } .s4 { stroke: #f778ba; } .s5 { stroke: #d29922; }
  .dot.s0 { fill: #58a6ff; } .dot.s1 { fill: #f0883e; } .dot.s2 { fill: #3fb950; }
  .dot.s3 { fill: #bc8cff; } .dot.s4 { fill: #f778ba; } .dot.s5 { fill: #d29922; }
  .bar.ours { fill: #58a6ff; } .bar.peer { fill: #656c76; }
  .bar.plain { stroke: #9198a1; }
}
"""


class Drawing:
    """Shapes in the order in which they are drawn."""

    def __init__(self):
        self.shapes = []

    def text(self, x, y, words, kind="", anchor="start", turned=False):
        turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}"'
                           f"{turn}>{escape(words)}</text>")

    def line(self, x1, y1, x2, y2, kind):
        self.shapes.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                           f'class="{kind}"/>')

    def rectangle(self, x, y, width, height, kind):
        self.shapes.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                           f'height="{height:.1f}" class="{kind}"/>')

    def dot(self, x, y, kind):
        self.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" class="dot {kind}"/>')

    def path(self, points, kind):
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self.shapes.append(f'<polyline points="{joined}" class="line {kind}"/>')

    def document(self, height, title, description):
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
            f'width="{WIDTH}" height="{height:.0f}" role="img" aria-labelledby="title desc">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="desc">{escape(description)}</desc>', f"<style>{STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height:.0f}" rx="6" class="ground"/>',
            *self.shapes, "</svg>", ""])


@dataclasses.dataclass
class Axis:
    """From `low` to `high`, both among `ticks` or beyond them."""
    label: str
    low: float
    high: float
    ticks: list
    text: Callable = "{:g}".format
    logarithmic: bool = False

    def share(self, value):
        """Where a value lies, from 0 to 1."""
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def round_ticks(high, wanted=5):
    """Round numbers from 0 to at least `high`."""
    raw = high / wanted
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    return [step * number for number in range(math.ceil(high / step - 1e-9) + 1)]


def linear(label, high, text="{:g}".format):
    ticks = round_ticks(high)
    return Axis(label, 0, ticks[-1], ticks, text)


def decades(label, low, high, text):
    """A logarithmic axis of whole powers of ten."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [10.0 ** power for power in range(first, last + 1)]
    return Axis(label, ticks[0], ticks[-1], ticks, text, logarithmic=True)


@dataclasses.dataclass
class Bar:
    name: str
    value: float
    kind: str = "peer"      # ours, peer, plain (a baseline)


def bars(title, panels, label, description):
    """`panels`: (heading, bars), one below the other on one axis. Longer is better."""
    drawing = Drawing()
    left, right = 240, WIDTH - MARGIN - 50
    axis = linear(label, max(bar.value for _, all_ in panels for bar in all_))

    def at(value):
        return left + axis.share(value) * (right - left)

    drawing.text(MARGIN, 30, title, "title")
    y = 42
    for heading, all_ in panels:
        drawing.text(MARGIN, y + 22, heading, "strong")
        y += 34
        bottom = y + 24 * len(all_)
        for tick in axis.ticks:
            drawing.line(at(tick), y, at(tick), bottom, "grid" if tick else "axis")
        for bar in sorted(all_, key=lambda bar: -bar.value):
            kind = "strong" if bar.kind == "ours" else ""
            drawing.text(left - 8, y + 16, bar.name, kind, "end")
            drawing.rectangle(left, y + 4, at(bar.value) - left, 16, f"bar {bar.kind}")
            drawing.text(at(bar.value) + 6, y + 16, f"{bar.value:.2f}", kind or "soft")
            y += 24
    for tick in axis.ticks:
        drawing.text(at(tick), y + 18, axis.text(tick), "soft", "middle")
    drawing.text((left + right) / 2, y + 40, label, "soft", "middle")
    return drawing.document(y + 54, title, description)


@dataclasses.dataclass
class Series:
    name: str
    points: list            # (x, y)
    kind: str               # s0 is ours; bare
    dots: bool = True


def spread(wanted, low, high):
    """Places as near as may be to the wanted ones, in their order, a line of text apart."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    places, last = {}, low - LINE_HEIGHT
    for index in order:
        last = max(wanted[index], last + LINE_HEIGHT)
        places[index] = last
    limit = high
    for index in reversed(order):
        places[index] = min(places[index], limit)
        limit = places[index] - LINE_HEIGHT
    return [places[index] for index in range(len(wanted))]


@dataclasses.dataclass
class Frame:
    """Where lines are drawn, and how their values become places."""
    x: Axis
    y: Axis
    left: float = 84
    right: float = WIDTH - 255
    top: float = 62
    bottom: float = 360

    def place(self, point):
        return (self.left + self.x.share(point[0]) * (self.right - self.left),
                self.bottom - self.y.share(point[1]) * (self.bottom - self.top))

    def draw(self, drawing):
        for tick in self.y.ticks:
            y = self.place((self.x.low, tick))[1]
            drawing.line(self.left, y, self.right, y, "grid")
            drawing.text(self.left - 8, y + 4, self.y.text(tick), "soft", "end")
        for tick in self.x.ticks:
            x = self.place((tick, self.y.low))[0]
            drawing.line(x, self.bottom, x, self.bottom + 5, "axis")
            drawing.text(x, self.bottom + 20, self.x.text(tick), "soft", "middle")
        drawing.line(self.left, self.bottom, self.right, self.bottom, "axis")
        drawing.text((self.left + self.right) / 2, self.bottom + 44, self.x.label, "soft",
                     "middle")
        drawing.text(MARGIN + 4, (self.top + self.bottom) / 2, self.y.label, "soft", "middle",
                     turned=True)


def lines(title, x, y, all_series, description, marks=(), band=None):
    """`marks`: (value, words, kind), lines across; `band`: (low, high, words), to stay within."""
    drawing = Drawing()
    frame = Frame(x, y)
    drawing.text(MARGIN, 30, title, "title")
    labels = []     # (the end of the line, words, kind of the text, kind of the dot)
    if band:
        low, high = (frame.place((x.high, value))[1] for value in band[:2])
        drawing.rectangle(frame.left, high, frame.right - frame.left, low - high, "band")
        labels.append(((frame.right, high), band[2], "soft", ""))
    frame.draw(drawing)
    for value, words, kind in marks:
        begin, end = frame.place((x.low, value)), frame.place((x.high, value))
        drawing.line(*begin, *end, kind)
        labels.append((end, words, "soft", ""))
    for series in reversed(all_series):     # The first one lies on top.
        points = [frame.place(point) for point in series.points]
        drawing.path(points, series.kind)
        if series.dots:
            for point in points:
                drawing.dot(*point, series.kind)
        labels.append((points[-1], series.name, "strong" if series.kind == "s0" else "",
                       series.kind))
    draw_labels(drawing, frame, labels)
    return drawing.document(frame.bottom + 60, title, description)


def draw_labels(drawing, frame, labels):
    """Beside the ends of lines; a dot says whose a label is where lines end close together."""
    places = spread([end[1] for end, *_ in labels], frame.top, frame.bottom)
    for (end, words, kind, dot), place in zip(labels, places):
        drawing.line(end[0] + 5, end[1], frame.right + 18, place, "lead")
        if dot:
            drawing.dot(frame.right + 24, place, dot)
        drawing.text(frame.right + (32 if dot else 22), place + 4, words, kind)
