"""The book's figures: one style, and the few forms that its chapters share.

Everything is drawn in mid-tones on nothing, so that a figure reads on a white page and on a dark one, and what differs
by colour differs by line or marker as well, so that it reads in grey. Each function draws into the current notebook
and returns the axes, for what a chapter wants to add; text of its own is added inside `panels`, where the style holds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from i2vbook.evidence.effects import Effect
from i2vbook.evidence.plan import Run
from i2vbook.show import tables
from i2vlib.joints import ACTIONS
from i2vlib.papers.playing import Dialled

#: Text, frames and reference lines: a contrast of 4.3 to white and to #121212.
INK = "#7a7a7a"
#: What is shown first, second, ...: blue, orange, green, purple, each at least 3 to 1 on white and on #121212.
COLOURS = ("#2f7ec4", "#d0701c", "#2f9668", "#a765c4")
DASHES = ("-", "--", "-.", ":")
STYLE = {
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.prop_cycle": cycler(color=COLOURS) + cycler(linestyle=DASHES),
    "font.size": 10,
    "hatch.color": COLOURS[1],
    "image.cmap": "gray",
    "legend.fontsize": "small",
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "lines.markersize": 4.5,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
DPI = 110
#: Of a dotted line that says what would be equal, or nothing, or asked for.
REFERENCE = {"color": INK, "linestyle": ":", "linewidth": 1.1}
#: Inches: a figure over the page's whole column, and a single panel.
WIDE, SINGLE = 8.2, 5.0
#: Pixels between the pictures of a strip, and between groups of them.
GAP, GROUP_GAP = 2, 10


@contextmanager
def panels(
    titles: Sequence[str],
    columns: int | None = None,
    *,
    width: float | None = None,
    height: float = 2.6,
    xlabel: str = "",
    ylabel: str = "",
    sharex: bool = False,
    sharey: bool = False,
) -> Iterator[list[Axes]]:
    """Axes in the book's style, side by side; the style holds inside the ``with``.

    Args:
        titles: one a panel; ``[""]`` is a single panel without one.
        columns: of panels; all in one row by default.
        width: of the figure in inches; the page's, or a single panel's.
        height: of a row in inches.
        xlabel, ylabel: written below the last row and beside the first column.
    """
    columns = min(columns or len(titles), len(titles))
    rows = -(-len(titles) // columns)
    size = (width or (WIDE if columns > 1 else SINGLE), height * rows)
    # The first figure of a notebook turns pyplot's backend interactive, which must outlive the style.
    figure = plt.figure(figsize=size, dpi=DPI, facecolor="none", layout="constrained")
    with plt.style.context(STYLE):
        grid = figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False)
        axes = list(grid.flat)
        for axis, title in zip(axes, titles, strict=False):
            axis.set_title(title)
        for axis in axes[len(titles) :]:
            axis.set_visible(False)
        for axis in axes[len(titles) - columns : len(titles)]:
            axis.tick_params(labelbottom=True)
        for axis in axes[(rows - 1) * columns : len(titles)]:
            axis.set_xlabel(xlabel)
        for axis in axes[: len(titles) : columns]:
            axis.set_ylabel(ylabel)
        yield axes[: len(titles)]
        figure.draw_without_rendering()  # ticks are made late, and would be made without the style


def pictures(shown: Iterable[tuple[str, np.ndarray]], columns: int | None = None, width: float = WIDE) -> list[Axes]:
    """Pictures with their names above, in rows.

    Args:
        shown: name and picture: ``uint8 (H, W, 3)``, or a map ``(H, W)`` in which 0 is black and 1 is white.
        columns: pictures a row; all in one row by default.
        width: of the figure in inches.
    """
    shown = [(name, np.asarray(picture)) for name, picture in shown]
    across = min(columns or len(shown), len(shown))
    tallest = max(picture.shape[0] / picture.shape[1] for _, picture in shown)
    height = tallest * (width / across - 0.08) + 0.3
    with panels([name for name, _ in shown], across, width=width, height=height) as axes:
        for axis, (_, picture) in zip(axes, shown, strict=True):
            axis.imshow(picture, vmin=0, vmax=1)
            axis.set_axis_off()
    return axes


def strips(
    rows: Iterable[tuple[str, np.ndarray]],
    titles: Sequence[str] = (),
    columns: int | None = None,
    width: float = WIDE,
) -> list[Axes]:
    """Film strips one below the other, each with its name at the left.

    Args:
        rows: name and frames ``uint8 (T, H, W, 3)`` of one size; a shorter strip leaves the rest of its row empty.
        titles: above the columns; fewer than there are columns stand above equal groups of them, set apart.
        columns: frames of each row that are shown, evenly chosen, the first and the last among them; all by default.
        width: of the figure in inches; small pictures are drawn at three times their size at most.

    Raises:
        ValueError: the frames have different sizes, or the columns cannot be parted among the titles.
    """
    chosen = [(name, _evenly(np.asarray(frames), columns)) for name, frames in rows]
    sizes = {frames.shape[1:3] for _, frames in chosen}
    longest = max(len(frames) for _, frames in chosen)
    if len(sizes) > 1:
        raise ValueError(f"Strips of one figure have frames of one size; these have {sorted(sizes)}.")
    if titles and longest % len(titles):
        raise ValueError(f"{longest} columns cannot be parted evenly among {len(titles)} titles.")
    ((high, wide),) = sizes
    group = longest // (len(titles) or 1)
    lefts = [n * (wide + GAP) + (n // group) * (GROUP_GAP - GAP if group > 1 else 0) for n in range(longest)]
    sheet = np.zeros((len(chosen) * (high + GAP) - GAP, lefts[-1] + wide, 4), np.uint8)
    for place, (_, frames) in enumerate(chosen):
        for left, frame in zip(lefts, frames, strict=False):
            sheet[place * (high + GAP) :][:high, left : left + wide] = np.dstack([frame, np.full((high, wide), 255)])
    beside = 0.15 + 0.083 * max(len(line) for name, _ in chosen for line in name.split("\n"))
    across = min(width - beside, 3 * sheet.shape[1] / DPI)
    size = across + beside, across * sheet.shape[0] / sheet.shape[1] + (0.3 if titles else 0.1)
    with panels([""], width=size[0], height=size[1]) as axes:
        axes[0].imshow(sheet)
        axes[0].spines[:].set_visible(False)
        axes[0].tick_params(length=0, labeltop=True, labelbottom=False)
        axes[0].set_yticks([place * (high + GAP) + high / 2 for place in range(len(chosen))], [n for n, _ in chosen])
        centres = [(lefts[n * group] + lefts[(n + 1) * group - 1] + wide) / 2 for n in range(len(titles))]
        axes[0].set_xticks(centres, titles)
    return axes


def curves(
    shown: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]],
    *,
    xlabel: str = "",
    ylabel: str = "",
    columns: int | None = None,
    width: float | None = None,
    height: float = 2.8,
    log: Sequence[str] = (),
    sharey: bool = True,
    diagonal: bool = False,
    marks: Sequence[float] = (),
) -> list[Axes]:
    """A few named lines a panel; each differs from the others by colour and by dashes.

    Args:
        shown: by panel's title and line's name, its x and y. A name that recurs has one look in all panels.
        log: titles of the panels whose y axis is logarithmic.
        sharey: all panels share one y axis, and one legend for the lines that it names; otherwise each has its own.
            Four lines and more that are the same in all panels are named below them.
        diagonal: a dotted line where y is x.
        marks: places on the x axis with a thin upright line, such as the ends of the stages of a training.
    """
    every = [name for lines in shown.values() for name in lines]
    names = list(dict.fromkeys(every))
    sizes = {"columns": columns, "width": width, "height": height}
    with panels(list(shown), **sizes, xlabel=xlabel, ylabel=ylabel, sharey=sharey) as axes:
        for axis, (title, lines) in zip(axes, shown.items(), strict=True):
            for place, (name, (x, y)) in enumerate(lines.items()):
                look = names.index(name) if len(names) < len(every) else place
                dashes = DASHES[(look + look // 4) % 4]  # a fifth line is as blue as the first, and dashed
                thickness = 0.8 if len(x) > 100 else STYLE["lines.linewidth"]  # many points are noise
                axis.plot(x, y, color=COLOURS[look % 4], linestyle=dashes, linewidth=thickness, label=name)
            if title in log:
                axis.set_yscale("log")
            if diagonal:
                axis.plot([0, 1], [0, 1], **REFERENCE)
            for mark in marks:
                axis.axvline(mark, color=INK, linewidth=0.8)
        first = next(iter(shown.values()))
        if len(shown) > 1 and len(names) > 3 and all(set(lines) == set(names) for lines in shown.values()):
            handles = axes[0].get_legend_handles_labels()[0]
            axes[0].figure.legend(handles=handles, loc="outside lower center", ncols=len(names))
            return axes
        for axis, lines in zip(axes, shown.values(), strict=True):
            explained = sharey and axis is not axes[0] and set(lines) <= set(first)
            if len(names) > 1 and any(lines) and not explained:
                axis.legend()
    return axes


def bundles(
    shown: Mapping[str, Iterable[tuple[Sequence[float], Sequence[float], int]]],
    *,
    xlabel: str = "",
    ylabel: str = "",
    columns: int | None = None,
    width: float | None = None,
    height: float = 2.6,
    sharey: bool = True,
) -> list[Axes]:
    """Many thin lines a panel, one a person, over the dotted diagonal: what each says beside what would be right.

    Args:
        shown: by panel's title, of each line x, y and the number of its group (a seed), which has a colour.
    """
    titles = list(shown)
    sizes = {"columns": columns, "width": width, "height": height}
    with panels(titles, **sizes, xlabel=xlabel, ylabel=ylabel, sharex=True, sharey=sharey) as axes:
        for axis, lines in zip(axes, shown.values(), strict=True):
            for x, y, group in lines:
                axis.plot(x, y, color=COLOURS[group % 4], linestyle="-", linewidth=0.8, alpha=0.8)
            axis.plot([0, 1], [0, 1], **REFERENCE)
            axis.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    return axes


def effects(
    rows: Mapping[tables.Key, Mapping[str, Effect]],
    zero: bool = False,
    width: float = WIDE,
    columns: int | None = None,
) -> list[Axes]:
    """A panel a metric and a row a system: a dot for the mean, a bar for its interval, a ring a seed.

    What is dotted says what a real clip has, where that is known by definition (`tables.REAL`). A notebook shows it at
    once and not at the end of the cell, so that the table of the same numbers may follow it there.

    Args:
        rows: by system and metric, from `i2vbook.evidence.effects.levels`, `differences` or `results.measurements`; a
            system that lacks a metric has an empty row there. A row of two names, ``(group, name)``, stands under its
            group, and those of one name look alike in all groups.
        zero: they are differences: what is dotted is none.
        width: of the figure in inches.
        columns: panels a row; at most four by default.
    """
    titles = list(dict.fromkeys(metric for row in rows.values() for metric in row))
    across = min(columns or 4, len(titles))
    grouped = isinstance(next(iter(rows)), tuple)
    places, labels, heads = _places(rows)
    named = tables.names_in_order(rows) if grouped else []
    drawn = {"bar": False, "ring": False, "line": False}
    said = [textwrap.fill(tables.words(title), max(14, round(13 * width / across / 1.5))) for title in titles]
    height = 0.75 + 0.17 * max(title.count("\n") for title in said) + 0.24 * (max(places) + 1)
    with panels(said, across, width=width, height=height, sharey=True) as axes:
        for axis, metric in zip(axes, titles, strict=True):
            line = 0.0 if zero else tables.REAL.get(metric)
            if line is not None:
                axis.axvline(line, **REFERENCE)
                drawn["line"] = True
            for place, (key, row) in zip(places, rows.items(), strict=True):
                axis.axhline(place, color=INK, linewidth=0.5, alpha=0.25, zorder=0)
                if metric in row and np.isfinite(row[metric].mean):
                    look = named.index(key[-1]) % 4 if grouped else 0
                    drawn["bar"] |= bool(np.isfinite(row[metric].low))
                    drawn["ring"] |= row[metric].seeds > 1
                    _dot(axis, place, row[metric], look)
            axis.tick_params(axis="y", length=0)
            axis.locator_params(axis="x", nbins=4)
            axis.spines["left"].set_visible(False)
        for axis in axes[::across]:
            axis.set_yticks([*places, *heads], [*map(tables.words, labels), *heads.values()])
            for text in axis.get_yticklabels()[len(places) :]:
                text.set_fontweight("bold")
        axes[0].set_ylim(max(places) + 0.6, min([*places, *heads]) - 0.6)
        _explain(axes[0].figure, drawn, "no difference" if zero else "real clips")
    if plt.isinteractive():
        plt.show()
    return axes


MARKERS = ("o", "s", "D", "^")


def _places(rows: Mapping[tables.Key, object]) -> tuple[list[float], list[str], dict[float, str]]:
    """Where the rows stand, what they are called, and where the names of their groups stand."""
    places, heads, at, group = [], {}, 0.0, None
    for key in rows:
        if isinstance(key, tuple) and key[0] != group:
            group = key[0]
            heads[at] = tables.words(group)
            at += 1
        places.append(at)
        at += 1
    return places, [key[-1] if isinstance(key, tuple) else key for key in rows], heads


def _dot(axis: Axes, place: float, found: Effect, look: int) -> None:
    colour = COLOURS[look]
    axis.plot(found.interval, [place] * 2, "-", color=colour, alpha=0.45, linewidth=6, solid_capstyle="butt")
    axis.plot([found.mean], [place], MARKERS[look], color=colour, markersize=5.5)
    if found.seeds > 1:
        axis.plot(found.by_seed, [place] * found.seeds, "o", color=INK, fillstyle="none", markersize=4.5)


def _explain(figure: Figure, drawn: Mapping[str, bool], dotted: str) -> None:
    """One line below the figure: what dot, bar, ring and dotted line are."""
    looks = {
        "mean": {"marker": "o", "linestyle": "none", "color": COLOURS[0]},
        "95 % interval": {"color": COLOURS[0], "linewidth": 6, "alpha": 0.45} if drawn["bar"] else None,
        "one seed": {"marker": "o", "linestyle": "none", "color": INK, "fillstyle": "none"} if drawn["ring"] else None,
        dotted: REFERENCE if drawn["line"] else None,
    }
    handles = [Line2D([], [], label=name, **look) for name, look in looks.items() if look]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handlelength=1.6)


def kept(run: Run, expression: str | None = None) -> np.ndarray:
    """The film strips that a measured run left (`measuring.sample`): ``uint8 (rows, 6, size, size, 3)``.

    The true frames and those made of the first of them by turns, a pair for each expression that the run knows, or for
    each action; of one ``expression`` its pair.

    Raises:
        ValueError: it left none: it has not been measured, is of another seed than 0, or no chapter showed it.
    """
    if not run.picture.is_file():
        kept_of = "it is kept of a measured run of seed 0 that a chapter shows"
        raise ValueError(f"{run.name}, of seed {run.seed}, has no sample: {kept_of}.")
    picture = np.asarray(Image.open(run.picture))
    side = (picture.shape[1] + GAP) // _KEPT - GAP
    frames = np.pad(picture, ((0, 0), (0, GAP), (0, 0))).reshape(-1, side, _KEPT, side + GAP, 3)
    strips = frames[:, :, :, :side].swapaxes(1, 2)
    if expression is None:
        return strips
    order = run.settings.expressions if issubclass(run.kind, Dialled) else sorted(run.data.get("expressions", ACTIONS))
    return strips[2 * list(order).index(expression) :][:2]


_KEPT = 6


def _evenly(frames: np.ndarray, columns: int | None) -> np.ndarray:
    count = min(len(frames), columns or len(frames))
    return frames[np.linspace(0, len(frames) - 1, count).round().astype(int)]
