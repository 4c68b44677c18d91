"""A model from outside the package gets the row that `evaluate` gives it as an object, and no frame is handed out."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from i2vbook import checkout
from i2vbook.audits import benchmark
from i2vbook.claims import common
from i2vbook.evidence import systems
from i2vlib import metrics
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from tests.book import outside

TWO = ["--people", "2"]


class Chin:
    """What `outside` draws, as an object."""

    def animate(self, face: np.ndarray, expression: str | None = None, intensity=None) -> Clip:
        return Clip(np.stack([outside.drawn(Image.fromarray(face), float(a)) for a in intensity]))


class Seconds:
    """The same as a system that knows no intensity: a clip of four frames."""

    def animate(self, face: np.ndarray, expression: str | None = None) -> Clip:
        return Chin().animate(face, expression, np.linspace(0, 1, 4))


@pytest.fixture(scope="module")
def stills(head, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark") / "stills"
    assert benchmark.main(["stills", str(folder), *TWO]) == 0
    return folder


@pytest.fixture(scope="module")
def made(stills) -> Path:
    """The frames of the program from outside, run as anybody would run it."""
    folder = stills.with_name("chin")
    subprocess.run([sys.executable, outside.__file__, stills, folder], check=True)
    return folder


@pytest.fixture
def entry(made, tmp_path) -> Path:
    """A copy of those frames, to be spoilt."""
    return Path(shutil.copytree(made, tmp_path / "entry"))


@pytest.fixture(scope="module")
def expected(head) -> pd.DataFrame:
    return metrics.evaluate(Chin(), benchmark.held_out(2), "true", readers=False, every=benchmark.EVERY)


def test_the_program_from_outside_knows_nothing_of_the_package():
    nodes = list(ast.walk(ast.parse(Path(outside.__file__).read_text())))
    modules = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert modules == {"json", "sys", "pathlib", "PIL"}


@pytest.mark.slow
def test_a_folder_of_frames_gets_the_row_of_the_same_model_as_an_object(made, expected, tmp_path, capsys):
    assert benchmark.main(["score", str(made), "--out", str(tmp_path / "out"), "--no-readers", *TWO]) == 0
    clips = pd.read_csv(tmp_path / "out" / "clips.csv")
    pd.testing.assert_frame_equal(clips, expected, check_exact=True)
    assert expected["falls"].notna().all() and expected["motion"].min() > 0.05
    printed = capsys.readouterr().out.splitlines()
    assert printed[-3].split()[0] != "chin" and any(line.startswith("chin ") for line in printed)
    assert "These are 2 of the benchmark's 16 people: not a row to publish." in printed
    model = benchmark.score(Chin(), "chin", people=2, readers=False)
    pd.testing.assert_frame_equal(model.clips, expected, check_exact=True)


def test_the_same_frames_give_the_same_bits(made, tmp_path):
    for name in ("one", "other"):
        benchmark.score(made, people=2, readers=False).write(tmp_path / name)
    for file in ("table.csv", "clips.csv", "score.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "other" / file).read_bytes()


def test_the_row_stands_among_those_of_the_book_on_the_same_people(made):
    found = benchmark.score(made, people=2, readers=False)
    subjects = ["actor-20000", "actor-20001"]
    assert all(sorted(set(rows["subject"])) == subjects for rows in found.systems.values())
    assert all(len(rows) == 6 * rows["seed"].nunique() for rows in found.systems.values())
    table = found.table
    assert table.index[0] == "real clips" and table.index[-1] == "chin" and {"AffineGAN", "VGAN"} <= set(table.index)
    assert table.loc["real clips", ["motion", "moving_ratio"]].tolist() == [1, 0]
    assert table.loc["the still, copied", ["motion", "moving_ratio"]].tolist() == [0, 1]
    rows = common.seeds(systems.SYSTEMS["AffineGAN"].row).query("subject in @subjects")
    assert table.loc["AffineGAN", "motion"] == pytest.approx(rows["motion"].mean())
    assert table.loc["AffineGAN", ["told", "steps"]].tolist() == [systems.SYSTEMS["AffineGAN"].told, 3000]
    assert table.loc["chin", "motion"] == pytest.approx(found.clips["motion"].mean())
    assert found.facts["actors"] == actors.RENDERER_VERSION and found.facts["people"] == subjects
    assert found._repr_html_().count("chin") == 1


def test_copying_gets_the_row_that_the_book_has_for_it_faces_and_all(head):
    pytest.importorskip("dlib")
    pytest.importorskip("ai_edge_litert")
    found = benchmark.score(metrics.CopyNeutral(), "mine", people=1)
    ours, theirs = (found.systems[name][list(benchmark.SHOWN)].to_numpy() for name in ("mine", "the still, copied"))
    assert np.isfinite(theirs).mean() > 0.9
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert set(found.facts["readers"]) == {"identity", "landmarks", "detector", "blendshapes"}


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="needs a CPU with AVX2")
@pytest.mark.slow
def test_the_row_that_the_page_shows_is_that_of_the_program_beside_it(cache, tmp_path, monkeypatch):
    """NumPy's products differ in their last bits between kinds of CPU, and with them some pixels of an actor: both are
    drawn as a CPU with AVX2 does, in a cache of their own."""
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    stills, made, out = tmp_path / "stills", tmp_path / "chin", tmp_path / "out"
    for command in (
        ["-m", benchmark.__name__, "stills", stills, *TWO],
        [outside.__file__, stills, made],
        ["-m", benchmark.__name__, "score", made, "--out", out, "--no-readers", *TWO],
    ):
        subprocess.run([sys.executable, *command], check=True)
    expected = pd.read_csv(out / "clips.csv")
    committed = pd.read_csv(checkout.RESULTS / "benchmark_chin.csv")
    pixels = [name for name in expected if expected[name].notna().all()]
    assert len(committed) == 48 and {"motion", "moving_ratio", "falls"} <= set(pixels)
    pd.testing.assert_frame_equal(committed[pixels].head(6), expected[pixels], rtol=0, atol=1e-4)
    shown = benchmark.outsider()
    assert shown.frame.index[-1] == "the chin drops" and shown.html.count("<th ") == len(shown.frame) + 7
    assert shown.frame.loc["the chin drops", "motion"].mean == pytest.approx(committed["motion"].mean())


def test_of_a_system_of_fixed_length_the_nearest_moments_are_shown(head, made, tmp_path):
    for folder in made.iterdir():
        (tmp_path / "four" / folder.name).mkdir(parents=True)
        for number, frame in enumerate((0, 1, 2, 3)):
            still = Image.open(folder / "00.png")
            outside.drawn(still, frame / 3).save(tmp_path / "four" / folder.name / f"{number}.webp", lossless=True)
    ours = benchmark.score(tmp_path / "four", people=2, readers=False, fixed_length=True)
    theirs = benchmark.score(Seconds(), people=2, readers=False)
    pd.testing.assert_frame_equal(ours.clips, theirs.clips, check_exact=True)
    assert ours.clips["falls"].isna().all() and (ours.clips["psnr_neutral"] == 60).all()
    assert ours.table.loc["four", "told"] == theirs.table.loc["Seconds", "told"] == "nothing"
    with pytest.raises(ValueError, match="4.*12"):
        benchmark.score(tmp_path / "four", people=2, readers=False)


def test_without_frames_of_the_sweep_its_columns_are_empty_and_all_else_is_the_same(entry, expected):
    for folder in entry.iterdir():
        shutil.rmtree(folder / "sweep")
    rows = benchmark.score(entry, people=2, readers=False).clips
    swept = ["falls", "unevenness", "growth"]
    assert rows[swept].isna().all(axis=None)
    pd.testing.assert_frame_equal(rows.drop(columns=swept), expected.drop(columns=swept), check_exact=True)


def test_the_stills_are_the_first_frames_and_nothing_else_is_handed_out(stills):
    data, task = benchmark.held_out(2), json.loads((stills / benchmark.TASK).read_text())
    assert {path.name for path in stills.iterdir()} == {benchmark.TASK, *(clip["still"] for clip in task["clips"])}
    assert (task["benchmark"], task["actors"], task["split"]) == (1, actors.RENDERER_VERSION, "test")
    assert len(task["clips"]) == len(data) == 6
    for clip, true in zip(task["clips"], (data[i] for i in range(6)), strict=True):
        assert np.array_equal(np.asarray(Image.open(stills / clip["still"])), true.frames[0])
        assert np.float32(clip["intensity"]).tolist() == true.intensity.tolist()
        assert (f"actor-{clip['person']}", clip["expression"]) == (true.subject, true.expression)


def spoilt(entry: Path, how: str) -> None:
    clip = entry / "20001-angry"
    if how == "a clip":
        shutil.rmtree(clip)
    elif how == "a frame":
        (clip / "05.png").unlink()
    elif how == "a size":
        for path in clip.glob("*.png"):
            Image.open(path).resize((128, 96)).save(path)
    elif how == "one size":
        Image.open(clip / "05.png").resize((32, 32)).save(clip / "05.png")
    elif how == "a sweep":
        shutil.rmtree(clip / "sweep")
    elif how == "a file":
        (clip / "05.png").write_bytes(b"no picture")
    elif how == "a version":
        (entry / benchmark.TASK).write_text(json.dumps({"benchmark": 1, "actors": 0}))
    else:
        shutil.rmtree(entry)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("a clip", "lacks 1 of 6 clips, 20001-angry first. An entry has a folder of frames for each clip"),
        ("a frame", "20001-angry holds 11 frames; 12 were expected, one for each intensity of benchmark.json"),
        ("a size", "12 frames of 128x96 pixels; two or more of 64x64 were expected. Make them at that size"),
        ("one size", "05.png has 32x32 pixels, but the first frame of its clip, 00.png, has 64x64"),
        ("a sweep", "5 of 6 clips in .* have a folder sweep. All have one, or none"),
        ("a file", "05.png is not an image that Pillow can read"),
        ("a version", "of version 1 of the benchmark and 0 of the actors; today's are 1 and"),
        ("all", "There is no folder at .*entry. Check the path"),
    ],
)
def test_what_is_wrong_with_an_entry_is_a_sentence(entry, capsys, how, said):
    spoilt(entry, how)
    assert benchmark.main(["score", str(entry), "--no-readers", *TWO]) == 2
    assert re.search(said, capsys.readouterr().err)
    assert not entry.with_name("entry-score").exists()


def test_what_cannot_be_asked_is_refused(stills, made):
    with pytest.raises(ValueError, match="stills"):
        benchmark.write_stills(stills, 1)
    with pytest.raises(ValueError, match="16 people.*17 were"):
        benchmark.held_out(17)
    with pytest.raises(ValueError, match="animate.face.*3"):
        benchmark.score(3)
    with pytest.raises(ValueError, match="'AffineGAN'"):
        benchmark.score(made, "AffineGAN", people=2, readers=False)
    with pytest.raises(ValueError, match="12.*13"):
        shutil.copy(made / "20000-happy" / "11.png", made / "20000-happy" / "12.png")
        try:
            benchmark.score(made, people=2, readers=False, fixed_length=True)
        finally:
            (made / "20000-happy" / "12.png").unlink()
