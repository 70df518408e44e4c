"""Draws a plan as SVG: boxes in layers, arrows from each step to those that need it, for light and dark pages.

Nothing is loaded from anywhere. The layout is the usual one in layers (Sugiyama, Tagawa, Toda 1981): a step stands
below all that it needs; arrows that pass a layer get a place of their own in it; the order within the layers is
improved by the mean place of the neighbours; then the boxes are moved above and below one another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from agentsdk.evidence import Evidence
from agentsdk.i18n import _
from agentsdk.plan import Plan, Step
from agentsdk.shown import lines_of
from agentsdk.step import STEP_KINDS

_SIZE, _WIDE, _NARROW, _LINE = 13, 13.0, 7.85, 18
"""Of a letter in a fixed font: its size, the width of a Chinese one and of a Latin one, and a line's height."""
_PAD, _GAP, _LAYER, _MARGIN = 12, 28, 46, 16
_LONGEST = 46
"""Latin letters of a line; a Chinese one counts as nearly two."""

_HUES = {
    "tool": ("#0969da", "#4493f8"),
    "think": ("#8250df", "#ab7df8"),
    "extract": ("#1a7f8e", "#39c5cf"),
    "map": ("#bc4c00", "#f0883e"),
    "reduce": ("#9a6700", "#d29922"),
    "ask": ("#bf3989", "#db61a2"),
    "done": ("#1a7f37", "#3fb950"),
    "failed": ("#cf222e", "#f85149"),
    "refused": ("#cf222e", "#f85149"),
    "skipped": ("#8c959f", "#656c76"),
    "pending": ("#8250df", "#ab7df8"),
}
"""Of the kinds and ends of steps: on light pages, on dark ones."""

_PAPER = ({"paper": "#ffffff", "ink": "#1f2328", "soft": "#59636e", "line": "#8c959f"},
          {"paper": "#151b23", "ink": "#f0f6fc", "soft": "#9198a1", "line": "#7d8590"})  # fmt: skip
_TIP = 'viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"'
_FONTS = (
    'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Noto Sans Mono CJK SC", "PingFang SC", '
    '"Microsoft YaHei", monospace'
)


def _colours(dark: int) -> str:
    page = _PAPER[dark]
    return "\n".join(
        [
            f".plan text {{ fill: {page['soft']} }}",
            f".plan text.name {{ fill: {page['ink']} }}",
            f".plan rect {{ fill: {page['paper']}; stroke: {page['line']} }}",
            f".plan .arrow {{ stroke: {page['line']} }}",
            f".plan .tip {{ fill: {page['line']} }}",
            *(f".plan .{name} {{ stroke: {hues[dark]} }}" for name, hues in _HUES.items()),
        ]
    )


def _style() -> str:
    # No CSS variables: what is not a browser draws them black.
    return (
        f".plan text {{ font-family: {_FONTS}; font-size: {_SIZE}px; white-space: pre }}\n"
        ".plan text.name { font-weight: 600 }\n"
        ".plan .arrow { fill: none; stroke-width: 1.4 }\n.plan .order { stroke-dasharray: 2 4 }\n"
        ".plan .bar { fill: none; stroke-width: 3 }\n"
        f"{_colours(0)}\n@media (prefers-color-scheme: dark) {{\n{_colours(1)}\n}}"
    )


# Characters that XML 1.0 does not allow, or that turn the direction of what follows.
_UNDRAWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True, eq=False)
class _Box:
    """A step in the drawing; or, without one, a place that an arrow passes through."""

    step: Step | None
    layer: int
    lines: list[str] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    x: float = 0.0
    """Of its middle."""
    y: float = 0.0
    """Of its upper edge."""
    above: list[_Box] = field(default_factory=list)
    below: list[_Box] = field(default_factory=list)


def draw(plan: Plan, steps: Sequence[Evidence] = ()) -> str:
    """Return the plan as an SVG document.

    Args:
        plan: what is drawn. What stands in no layer, in a plan that cannot run, is left out.
        steps: how the steps ended; each box is then coloured by it, and says how long it took.

    """
    ended = {each.step: each for each in steps}
    layers, boxes = _place_in_layers(plan, ended)
    _order(layers)
    _spread(layers)
    width, height = _measure(layers)
    size = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plan" {size} role="img">',
        f"<title>{_text(plan.question) or _('Plan')}</title>",
        f"<style>\n{_style()}\n</style>",
        f'<defs><marker id="tip" {_TIP}><path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
    ]
    for box in boxes.values():
        if box.step is not None:
            used = {ref.step for ref in box.step.refs}
            parts += [
                _arrow(boxes[need], box, order=need not in used) for need in box.step.needs if need in boxes
            ]
    parts += [_drawn(box, ended) for box in boxes.values()]
    return "\n".join([*parts, "</svg>\n"])


def _place_in_layers(plan: Plan, ended: dict[str, Evidence]) -> tuple[list[list[_Box]], dict[str, _Box]]:
    boxes: dict[str, _Box] = {}
    layers: list[list[_Box]] = []
    for at, level in enumerate(plan.levels()):
        layers.append([])
        for step in level:
            box = _Box(step, at, _lines(step, ended.get(step.id)))
            box.width = max(map(_wide, box.lines)) + 2 * _PAD
            box.height = len(box.lines) * _LINE + 2 * _PAD - 6
            boxes[step.id] = box
            layers[at].append(box)
            for need in step.needs:
                _connect(boxes[need], box, layers)
    return layers, boxes


def _connect(upper: _Box, lower: _Box, layers: list[list[_Box]]) -> None:
    last = upper
    for at in range(upper.layer + 1, lower.layer):
        passing = _Box(None, at, width=8)
        layers[at].append(passing)
        last.below.append(passing)
        passing.above.append(last)
        last = passing
    last.below.append(lower)
    lower.above.append(last)


def _order(layers: list[list[_Box]]) -> None:
    """Sort each layer by the mean place of its neighbours, down and up, and keep the order that crosses least."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for turn in range(8):
        down = turn % 2 == 0
        for layer in layers[1:] if down else layers[-2::-1]:
            near = {box: at for other in layers for at, box in enumerate(other)}

            def mean(box: _Box, near: dict[_Box, int] = near, *, down: bool = down) -> float:
                others = box.above if down else box.below
                return sum(near[o] for o in others) / len(others) if others else float(near[box])

            layer.sort(key=mean)
        crossed = _crossings(layers)
        if crossed < fewest:
            best, fewest = [list(layer) for layer in layers], crossed
    for layer, kept in zip(layers, best, strict=True):
        layer[:] = kept


def _crossings(layers: list[list[_Box]]) -> int:
    count = 0
    for upper, lower in zip(layers, layers[1:], strict=False):
        at = {box: place for place, box in enumerate(lower)}
        ends = [at[below] for box in upper for below in sorted(box.below, key=at.__getitem__)]
        count += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
    return count


def _spread(layers: list[list[_Box]]) -> None:
    """Give every box its place: as near to its neighbours as the boxes beside it allow."""
    y = float(_MARGIN)
    for layer in layers:
        x = 0.0
        for box in layer:
            box.x, box.y = x + box.width / 2, y
            x += box.width + _GAP
        highest = max(box.height for box in layer)
        for box in layer:
            box.height = box.height if box.step else highest
        y += highest + _LAYER
    for turn in range(10):
        for layer in layers if turn % 2 == 0 else reversed(layers):
            wanted = []
            for box in layer:
                others = box.above + box.below
                wanted.append(sum(o.x for o in others) / len(others) if others else box.x)
            _settle(layer, wanted)


def _settle(layer: list[_Box], wanted: list[float]) -> None:
    """Put the boxes where they are wanted; those that would overlap share the distance (pool adjacent violators)."""
    offsets, at = [], 0.0
    for i, box in enumerate(layer):
        at += (layer[i - 1].width + box.width) / 2 + _GAP if i else 0.0
        offsets.append(at)
    groups: list[list[float]] = []  # the mean of what is wanted, and how many
    for want, offset in zip(wanted, offsets, strict=True):
        groups.append([want - offset, 1.0])
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            mean, count = groups.pop()
            before, size = groups[-1]
            groups[-1] = [(before * size + mean * count) / (size + count), size + count]
    i = 0
    for mean, count in groups:
        for _each in range(int(count)):
            layer[i].x = mean + offsets[i]
            i += 1


def _measure(layers: list[list[_Box]]) -> tuple[float, float]:
    everything = [box for layer in layers for box in layer]
    if not everything:
        return 2.0 * _MARGIN, 2.0 * _MARGIN
    left = min(box.x - box.width / 2 for box in everything)
    for box in everything:
        box.x += _MARGIN - left
    right = max(box.x + box.width / 2 for box in everything)
    return right + _MARGIN, max(box.y + box.height for box in everything) + _MARGIN


def _arrow(upper: _Box, lower: _Box, *, order: bool) -> str:
    """Return the arrow between two steps, through the places that it passes."""
    way = _way(upper, lower)
    x, y = upper.x, upper.y + upper.height
    path = f"M{x:.1f} {y:.1f}"
    for box in way:
        to_x, to_y = box.x, box.y - (0 if box is lower else 8)
        half = (to_y - y) / 2
        path += f" C{x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}"
        x, y = to_x, to_y
        if box is not lower:
            y = box.y + box.height + 8
            path += f" V{y:.1f}"
    kind = "arrow order" if order else "arrow"
    return f'<path class="{kind}" d="{path}" marker-end="url(#tip)"/>'


def _way(upper: _Box, lower: _Box) -> list[_Box]:
    for first in upper.below:
        way = [first]
        while way[-1].step is None:
            way.append(way[-1].below[0])
        if way[-1] is lower:
            return way
    return [lower]


def _drawn(box: _Box, ended: dict[str, Evidence]) -> str:
    step = box.step
    if step is None:
        return ""
    kind = step.do if step.do in STEP_KINDS else "tool"
    evidence = ended.get(step.id)
    hue = evidence.status if evidence else kind
    left, top = box.x - box.width / 2, box.y
    size = f'width="{box.width:.1f}" height="{box.height:.1f}" rx="7"'
    dashed = ' stroke-dasharray="5 4"' if step.when is not None else ""
    shapes = []
    if step.over is not None:  # done for many
        shapes.append(f'<rect x="{left + 4:.1f}" y="{top + 4:.1f}" {size}/>')
    shapes.append(f'<rect class="{hue}" x="{left:.1f}" y="{top:.1f}" {size}{dashed}/>')
    shapes.append(f'<path class="bar {hue}" d="M{left + 1:.1f} {top + 8:.1f} V{top + box.height - 8:.1f}"/>')
    for at, line in enumerate(box.lines):
        name = ' class="name"' if at == 0 else ""
        y = top + _PAD + 9 + at * _LINE
        shapes.append(f'<text{name} x="{left + _PAD:.1f}" y="{y:.1f}">{_text(line)}</text>')
    return "<g>" + "".join(shapes) + "</g>"


def _lines(step: Step, evidence: Evidence | None) -> list[str]:
    first, *rest = lines_of(step)
    if evidence is not None:
        rest.append(f"{_word(evidence.status)} · {evidence.seconds:.2f} s")
    return [_cut(line) for line in (first, *rest)]


def _word(status: str) -> str:
    words = {
        "done": _("done"),
        "failed": _("failed"),
        "refused": _("refused"),
        "skipped": _("skipped"),
        "pending": _("waiting"),
    }
    return words[status]


def _text(line: str) -> str:
    return escape(_UNDRAWN.sub("", " ".join(line.split())), quote=False)


def _cut(line: str) -> str:
    line = _UNDRAWN.sub("", " ".join(line.split()))
    room = _LONGEST * _NARROW
    if _wide(line) <= room:
        return line
    shown = ""
    for letter in line:
        if _wide(shown + letter + "…") > room:
            break
        shown += letter
    return shown + "…"


def _wide(line: str) -> float:
    """Return how wide a line is drawn: Chinese letters as they are, marks that sit on others as nothing."""
    return sum(
        0.0 if unicodedata.combining(c) else _WIDE if unicodedata.east_asian_width(c) in "WF" else _NARROW
        for c in line
    )
