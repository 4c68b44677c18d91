"""Figures show the data they are given, in a style that reads on white and on black; effects are `metrics.paired`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from i2vbook.checkout import NOTEBOOKS
from i2vbook.evidence import effects, plan
from i2vbook.evidence.effects import Effect
from i2vbook.show import figures
from i2vlib import metrics, video


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    plt.switch_backend("agg")
    yield
    plt.close("all")


def frames(count: int, value: int = 0, high: int = 8, wide: int = 6) -> np.ndarray:
    return np.full((count, high, wide, 3), value, np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None, None]


def rows(values: dict[tuple[int, str], float]) -> pd.DataFrame:
    """Rows of `metrics.evaluate`, of metric ``x``, by seed and subject."""
    return pd.DataFrame([{"seed": seed, "subject": who, "x": value} for (seed, who), value in values.items()])


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


# Style --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", [figures.INK, *figures.COLOURS])
@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_every_colour_can_be_seen_on_a_white_page_and_on_a_dark_one(colour: str, page: str) -> None:
    dark, bright = sorted((luminance(colour), luminance(page)))
    assert (bright + 0.05) / (dark + 0.05) >= (4 if colour == figures.INK else 3)


def test_the_style_holds_inside_the_panels_and_nowhere_else() -> None:
    before = dict(mpl.rcParams)
    with figures.panels(["one", "two", "three"], 2, xlabel="across", ylabel="up") as axes:
        axes[0].plot([0, 1], [0, 1], label="line")
        axes[0].legend()
    assert dict(mpl.rcParams) == before
    figure = axes[0].figure
    assert figure.get_facecolor()[3] == 0 and axes[0].get_facecolor()[3] == 0
    texts = [axes[0].title, axes[2].xaxis.label, *axes[0].get_xticklabels(), *axes[0].get_legend().get_texts()]
    assert {text.get_color() for text in texts} == {figures.INK}
    assert [axis.get_title() for axis in axes] == ["one", "two", "three"]
    assert [axis.get_xlabel() for axis in axes] == ["", "", "across"]
    assert [axis.get_ylabel() for axis in axes] == ["up", "", "up"]
    assert [axis.get_visible() for axis in figure.axes] == [True, True, True, False]


def test_a_notebook_that_turns_interactive_with_its_first_figure_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plt.figure

    def first(*arguments: object, **options: object) -> object:
        mpl.interactive(True)
        return made(*arguments, **options)

    monkeypatch.setattr(plt, "figure", first)
    mpl.interactive(False)
    try:
        with figures.panels([""]):
            pass
        assert mpl.is_interactive()
    finally:
        mpl.interactive(False)


@pytest.mark.parametrize("chapter", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_chapter_draws_by_these_alone_and_describes_what_it_draws(chapter: Path) -> None:
    cells = [cell for cell in json.loads(chapter.read_text())["cells"] if cell["cell_type"] == "code"]
    own = re.compile(r"pyplot|from matplotlib|plt\.|FigureCanvas")
    assert [cell["id"] for cell in cells if own.search("".join(cell["source"]))] == []
    drawn = re.compile(r"^\S.*\bfigures\.(panels|pictures|strips|curves|bundles|effects)\(|^figures\.", re.MULTILINE)
    drawing = [cell for cell in cells if drawn.search("".join(cell["source"]))]
    described = [cell for cell in drawing if cell["metadata"].get("mystnb", {}).get("image", {}).get("alt")]
    assert [cell["id"] for cell in drawing if cell not in described] == []


# Pictures -----------------------------------------------------------------------------------------------------------


def test_pictures_stand_in_rows_under_their_names() -> None:
    grey = np.linspace(0.2, 0.4, 48).reshape(8, 6)
    axes = figures.pictures([("a", frames(1)[0]), ("map", grey), ("b", frames(2)[1])], columns=2)
    assert [axis.get_title() for axis in axes] == ["a", "map", "b"]
    assert len({round(axis.get_position().y0, 6) for axis in axes}) == 2
    drawn = axes[1].images[0]
    assert np.array_equal(drawn.get_array(), grey) and drawn.get_clim() == (0, 1)  # grey as it is, not stretched
    assert np.array_equal(axes[2].images[0].get_array(), frames(2)[1])


def test_strips_hold_every_frame_in_its_place_with_names_and_titles() -> None:
    true, made = frames(4, 10), frames(2, 100)
    (axis,) = figures.strips([("true", true), ("made", made)], titles=["left", "right"])
    sheet = np.asarray(axis.images[0].get_array())
    assert sheet.shape[0] == 2 * 8 + figures.GAP
    solid = sheet[0, :, 3] == 255
    starts = np.flatnonzero(np.diff(solid.astype(int), prepend=0) == 1)
    assert np.diff(starts).tolist() == [6 + figures.GAP, 6 + figures.GROUP_GAP, 6 + figures.GAP]
    for place, start in enumerate(starts):
        assert np.array_equal(sheet[:8, start : start + 6, :3], true[place])
    assert np.array_equal(sheet[-8:, starts[1] : starts[1] + 6, :3], made[1])
    assert not sheet[-8:, starts[2] :, 3].any()  # the shorter strip ends early
    assert [label.get_text() for label in axis.get_yticklabels()] == ["true", "made"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["left", "right"]
    assert axis.get_xticks()[0] == (starts[0] + starts[1] + 6) / 2
    ends = axis.images[0].get_extent()
    assert axis.get_xlim() == tuple(ends[:2]) and axis.get_ylim() == tuple(ends[2:])


def test_strips_show_columns_evenly_and_refuse_what_does_not_fit() -> None:
    (axis,) = figures.strips([("all", frames(9))], columns=3)
    sheet = np.asarray(axis.images[0].get_array())
    assert sheet[0, :: 6 + figures.GAP, 0].tolist() == [0, 4, 8]
    with pytest.raises(ValueError, match="frames"):
        figures.strips([("small", frames(2)), ("large", frames(2, high=9))])
    with pytest.raises(ValueError, match="4 columns.*3 titles"):
        figures.strips([("four", frames(4))], titles=["a", "b", "c"])


def test_what_a_run_left_is_read_back_as_frames(tmp_path) -> None:
    true, made = frames(6, 10, 12, 12), frames(6, 90, 12, 12)
    path = tmp_path / "run.png"
    Image.fromarray(np.concatenate([video.film_strip(true), video.film_strip(made)])).save(path)
    assert np.array_equal(figures.kept(SimpleNamespace(picture=path)), [true, made])
    with pytest.raises(ValueError, match="fan_1.*1"):
        figures.kept(SimpleNamespace(name="fan_1", seed=1, picture=tmp_path / "none.webp"))


# Curves -------------------------------------------------------------------------------------------------------------


def test_a_curve_keeps_its_look_from_panel_to_panel() -> None:
    x = [0, 1, 2]
    shown = {"first": {"true": (x, [1, 2, 3]), "made": (x, [1, 1, 2])}, "second": {"made": (x, [3, 2, 1])}}
    first, second = figures.curves(shown, xlabel="step", ylabel="error", diagonal=True, marks=[1.5])
    assert first.get_ylabel() == "error" and second.get_ylabel() == ""
    assert {first.get_xlabel(), second.get_xlabel()} == {"step"}
    looks = [(line.get_color(), line.get_linestyle()) for line in first.lines[:2]]
    assert looks[0][0] != looks[1][0] and looks[0][1] != looks[1][1]
    assert (second.lines[0].get_color(), second.lines[0].get_linestyle()) == looks[1]
    assert second.lines[0].get_ydata().tolist() == [3, 2, 1]
    assert second.lines[1].get_linestyle() == ":" and list(second.lines[2].get_xdata()) == [1.5, 1.5]
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["true", "made"]
    assert second.get_legend() is None


def test_panels_of_different_things_have_their_own_axes_and_legends() -> None:
    shown = {"error": {"a": ([1, 2], [1, 100])}, "mean": {"b": ([1, 2], [0, 1]), "c": ([1, 2], [1, 0])}}
    error, mean = figures.curves(shown, sharey=False, log=["error"])
    assert (error.get_yscale(), mean.get_yscale()) == ("log", "linear")
    assert [text.get_text() for text in mean.get_legend().get_texts()] == ["b", "c"]
    assert error.lines[0].get_color() == mean.lines[0].get_color()
    _, mask = figures.curves({"error": {"a": ([1], [1]), "b": ([1], [2])}, "mask": {"b": ([1], [1])}}, sharey=False)
    assert mask.lines[0].get_color() == mean.lines[1].get_color()  # the second line, wherever it is drawn
    (alone,) = figures.curves({"": {"": ([0, 1], [0, 1])}})
    assert alone.get_legend() is None


def test_lines_that_the_first_legend_does_not_name_are_named_beside_them() -> None:
    first, second = figures.curves({"left": {"a": ([1], [1]), "b": ([1], [2])}, "right": {"c": ([1], [1])}})
    assert [text.get_text() for text in second.get_legend().get_texts()] == ["c"] and first.get_legend() is not None


@pytest.mark.parametrize("sharey", [True, False])
def test_many_lines_that_all_panels_have_are_named_once_below_them(sharey) -> None:
    lines = {name: ([0, 1], [0, 1]) for name in "abcd"}
    axes = figures.curves({"left": lines, "right": lines}, sharey=sharey)
    (below,) = axes[0].figure.legends
    assert [text.get_text() for text in below.get_texts()] == list("abcd")
    assert not any(axis.get_legend() for axis in axes)
    one, other = figures.curves({"left": lines, "right": {"a": lines["a"]}}, sharey=sharey)
    assert one.get_legend() is not None and not one.figure.legends


def test_six_curves_differ_from_one_another() -> None:
    (axis,) = figures.curves({"": {str(n): ([0, 1], [0, n]) for n in range(6)}})
    assert len({(line.get_color(), line.get_linestyle()) for line in axis.lines}) == 6


def test_a_bundle_has_a_line_a_person_and_a_colour_a_seed() -> None:
    lines = [([0, 1], [0, 0.8], 0), ([0, 1], [0, 0.9], 1), ([0, 1], [0, 0.7], 0)]
    one, two = figures.bundles({"one": lines, "two": lines[:1]}, xlabel="true", ylabel="inferred")
    assert (len(one.lines), len(two.lines)) == (4, 2)
    assert one.lines[0].get_color() == one.lines[2].get_color() != one.lines[1].get_color()
    assert one.lines[-1].get_linestyle() == ":" and list(one.lines[-1].get_ydata()) == [0, 1]
    assert one.get_ylim() == two.get_ylim()


# Effects ------------------------------------------------------------------------------------------------------------


def test_an_effect_is_drawn_as_interval_mean_and_seeds() -> None:
    found = {"with": {"x": Effect(0.2, 0.1, 0.3, (0.15, 0.25)), "motion": Effect(1, 0, 2, (1.0,))}}
    found["without"] = {"x": Effect(-0.2, -0.3, 0.1, (-0.2,)), "motion": Effect(2, 1, 3, (2.0,))}
    x, y = figures.effects(found, zero=True)
    assert (x.get_title(), y.get_title()) == ("x", "how much moves")
    assert [label.get_text() for label in x.get_yticklabels()] == ["with", "without"]
    assert x.get_ylim()[0] > x.get_ylim()[1]  # the first row on top
    assert list(x.lines[0].get_xdata()) == [0, 0] and x.lines[0].get_linestyle() == ":"
    drawn = [line for line in x.lines[1:] if line.get_linewidth() != 0.5]  # the rows' own thin lines
    assert [list(line.get_xdata()) for line in drawn] == [[0.1, 0.3], [0.2], [0.15, 0.25], [-0.3, 0.1], [-0.2]]
    assert [set(line.get_ydata()) for line in drawn] == [{0}, {0}, {0}, {1}, {1}]  # one seed is the mean itself
    assert explained(x) == ["mean", "95 % interval", "one seed", "no difference"]
    x, y = figures.effects(found)
    assert [line.get_linestyle() for line in (x.lines[0], y.lines[0])] == ["-", ":"]  # of x, real clips say nothing
    assert list(y.lines[0].get_xdata()) == [1, 1] and explained(x)[-1] == "real clips"


def explained(axis) -> list[str]:
    (legend,) = axis.figure.legends
    return [text.get_text() for text in legend.get_texts()]


def test_a_notebook_shows_an_effect_before_the_table_that_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(len(plt.gcf().axes)))
    found = {"with": {"x": Effect(0.2, 0.1, 0.3)}}
    figures.effects(found)
    assert shown == []  # a script has its figure in its hands
    monkeypatch.setattr(plt, "isinteractive", lambda: True)
    figures.effects(found)
    assert shown == [1]


def test_rows_of_a_group_stand_together_and_look_alike_from_group_to_group() -> None:
    one = Effect(0.5, 0.4, 0.6)
    rows = {("happy", "FAN"): {"x": one}, ("happy", "copy"): {"x": one}, ("angry", "copy"): {"x": one, "y": one}}
    x, y = figures.effects(rows)
    labels = [(tick.get_position()[1], tick.get_text(), tick.get_fontweight()) for tick in x.get_yticklabels()]
    assert labels == [
        (1, "FAN", "normal"), (2, "the still, copied", "normal"), (4, "the still, copied", "normal"),
        (0, "happy", "bold"), (3, "angry", "bold"),
    ]  # fmt: skip
    dots = {line.get_ydata()[0]: line for line in x.lines if line.get_marker() != "None"}
    looks = {place: (line.get_color(), line.get_marker()) for place, line in dots.items()}
    assert looks[2] == looks[4] and len({*looks.values()}) == 2 and looks[1][1] != looks[2][1]
    assert [line.get_ydata()[0] for line in y.lines if line.get_marker() != "None"] == [4]  # the others have no y


def test_many_metrics_stand_in_rows_of_four_whose_titles_do_not_overlap() -> None:
    metric = Effect(0.5, 0.4, 0.6)
    names = ["acd_i_ratio", "acd_c_ratio", "acd_g_ratio", "psnr_neutral", "landmark_error_mouth", "moving_ratio"]
    axes = figures.effects({"a system with a long name": dict.fromkeys(names, metric)})
    axes[0].figure.canvas.draw()
    boxes = [axis.title.get_window_extent() for axis in axes]
    assert len({round(box.y0) for box in boxes[:4]}) == 1 and boxes[4].y0 < boxes[0].y0
    assert all(not one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[n + 1 :])
    assert boxes[3].x1 <= axes[0].figure.bbox.x1


def test_an_effect_is_the_paired_difference_of_seeds_and_people() -> None:
    ours = rows({(0, "a"): 3.0, (0, "b"): 4.0, (1, "a"): 2.0, (1, "b"): 2.0, (2, "a"): 9.0})
    theirs = rows({(0, "a"): 1.0, (0, "b"): 1.0, (1, "a"): 1.0, (1, "b"): 1.5})
    found = effects.effect(ours, theirs, "x")
    mean, interval, by_seed = metrics.paired(ours, theirs, "x")
    assert (found.mean, found.interval, list(found.by_seed)) == (mean, interval, [2.5, 0.75])
    assert found.mean == pytest.approx(1.625) and found.agree and found.more and not found.less
    assert found.text == f"{mean:+.3f} [{interval[0]:+.3f}, {interval[1]:+.3f}]"
    assert f"{found:.1f}" == "1.6 [0.5, 3.0]"


@pytest.mark.parametrize(
    ("effect", "agree", "more", "less"),
    [
        (Effect(0.2, 0.1, 0.3, (0.1, 0.3)), True, True, False),
        (Effect(-0.2, -0.3, -0.1, (-0.1, -0.3)), True, False, True),
        (Effect(0.2, 0.1, 0.3, (0.5, -0.1)), False, False, False),  # the seeds disagree
        (Effect(0.2, -0.1, 0.3, (0.1, 0.3)), True, False, False),  # the people may
        (Effect(-0.2, -0.3, 0.1, (-0.1, -0.3)), True, False, False),
        (Effect(-0.2, -0.3, -0.1, (-0.5, 0.1)), False, False, False),
        (Effect(0.2, float("nan"), float("nan"), (0.2,)), True, False, False),  # one person has no interval
    ],
)
def test_an_effect_shows_only_if_people_and_seeds_agree(effect: Effect, agree: bool, more: bool, less: bool) -> None:
    assert (effect.agree, effect.more, effect.less) == (agree, more, less)


def test_differences_and_levels_by_system() -> None:
    tables = {
        "base": rows({(0, "a"): 1.0, (0, "b"): 2.0, (1, "a"): 1.0, (1, "b"): 4.0}),
        "other": rows({(0, "a"): 2.0, (0, "b"): 4.0, (1, "a"): 2.0, (1, "b"): 8.0}),
    }
    apart = effects.differences(tables, "base", ["x"])
    assert list(apart) == ["other"] and apart["other"]["x"] == effects.effect(tables["other"], tables["base"], "x")
    level = effects.levels(tables, ["x"])["base"]["x"]
    assert (level.mean, level.interval, level.by_seed) == (2.0, (1.0, 4.0), (1.5, 2.5))
    assert level == effects.level(tables["base"], "x")


def test_of_the_strips_of_bodies_an_action_has_its_pair() -> None:
    run = plan.planned()["bodies_0"]
    every = figures.kept(run)
    assert len(every) == 16 and np.array_equal(figures.kept(run, "golf_swing"), every[6:8])
