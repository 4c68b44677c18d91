"""The audit of actors: its measures on inputs small enough to check by hand, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from i2vbook.audits import actors as audit
from i2vbook.audits.actors import reading as reading_
from i2vbook.audits.actors import report, sheets
from i2vbook.audits.actors.__main__ import main
from i2vbook.audits.actors.bodies import measured, slides
from i2vlib import faces
from i2vlib.clips import Clip
from i2vlib.expressions import BLENDSHAPES
from i2vlib.faces import fer
from i2vlib.performers import film, motion

RNG = np.random.default_rng(0)


def reading(count: int, lead: dict[str, np.ndarray] | None = None, where: float = 0.0, **changes: object):
    """What readers found in some frames: the same face, scores as given, and identity vectors around a place."""
    scores = np.zeros((count, 52), np.float32)
    scores[:, BLENDSHAPES.index("tongueOut")] = np.nan
    for name, values in (lead or {}).items():
        scores[:, BLENDSHAPES.index(name)] = values
    found = {
        "landmarks": np.tile(face(), (count, 1, 1)),
        "detected": np.ones(count, bool),
        "blendshapes": scores,
        "embeddings": np.full((count, 128), where / 128**0.5, np.float32),
    }
    return faces.Reading(**found | changes)


def face() -> np.ndarray:
    """68 points of which the outer eye corners are 100 pixels apart."""
    points = np.random.default_rng(1).uniform(0, 128, (68, 2)).astype(np.float32)
    points[36], points[45] = (10, 40), (110, 40)
    return points


def sample(subject: str = "a", expression: str = "surprised", count: int = 5, **options: object) -> audit.Sample:
    level = np.linspace(0.2, 1, count).astype(np.float32)
    options = {"lead": {"jawOpen": level / 2}} | options
    true = np.tile(face(), (count, 1, 1))
    return audit.Sample(subject, expression, reading(count, **options), level, true)


# Measures


def test_equal_error_rate_by_hand() -> None:
    assert audit.equal_error_rate(np.array([1.0, 2]), np.array([3.0, 4])) == (0, 2)
    # At 2: one of four pairs of one person lies above (3), one of four of two people not above (2).
    assert audit.equal_error_rate(np.array([0, 1, 2, 3.0]), np.array([2, 4, 5, 6.0])) == (0.25, 2)
    assert audit.equal_error_rate(np.array([1.0, 2, 3, 4]), np.array([1.0, 2, 3, 4]))[0] == 0.5
    assert np.isnan(audit.equal_error_rate(np.array([]), np.array([1.0]))).all()


def test_equal_error_rate_of_two_bells() -> None:
    same, different = RNG.normal(0, 1, 20_000), RNG.normal(2, 1, 50_000)
    rate, threshold = audit.equal_error_rate(same, different)
    assert rate == pytest.approx(0.1587, abs=0.005) and threshold == pytest.approx(1, abs=0.05)


def test_identity_distances_by_hand() -> None:
    vectors = np.zeros((4, 128))
    vectors[1, 0], vectors[2, 1], vectors[3] = 3, 4, np.nan
    same, different = audit.identity_distances(vectors, ["a", "a", "b", "a"])
    assert same.tolist() == [3] and sorted(different.tolist()) == [4, 5]
    with pytest.raises(ValueError, match="4 and.*2"):
        audit.identity_distances(vectors, ["a", "b"])


def test_region_errors_are_in_percent_of_the_eyes() -> None:
    true = np.tile(face(), (2, 1, 1))
    seen = true.copy()
    seen[:, :17] += [3, 4]
    seen[0, 48:] += [0, 2]
    seen[1, 17:27] = np.nan
    errors = audit.region_errors(seen, true)
    # A frame in which a region was not read is left out of that region and of those that hold it.
    expected = {"jaw": 5, "brows": 0, "nose": 0, "eyes": 0, "mouth": 1, "inner": 2 * 20 / 51}
    assert errors == pytest.approx(expected, abs=1e-4)


def test_leads_follow_the_intensity() -> None:
    level = np.linspace(0.2, 1, 5)
    assert audit.lead_correlation(sample()) == pytest.approx(1)
    assert audit.lead_correlation(sample(lead={"jawOpen": -level})) == pytest.approx(-1)
    assert audit.lead_correlation(sample(lead={"jawOpen": level[[1, 0, 2, 3, 4]]})) == pytest.approx(0.9)
    assert audit.lead_correlation(sample(lead={"jawOpen": 0 * level})) == 0
    assert np.isnan(audit.lead_correlation(sample(expression="wink"))) and audit.lead_of(sample("a", "wink")) is None
    # Unknown intensity: time stands for it, the first frame being neutral.
    real = audit.Sample("a", "surprised", reading(6, {"jawOpen": np.arange(6)}))
    assert audit.lead_correlation(real) == pytest.approx(1)
    wide = np.tile(face(), (5, 1, 1))
    wide[:, [12, 13], 0] += np.arange(5)[:, None] * 200
    assert audit.lead_correlation(sample(expression="cheeks_puffed", landmarks=wide)) == pytest.approx(1)


def test_accuracy_counts_peaks_of_the_named_expressions() -> None:
    def guessed(expression: str, *guesses: str | None) -> audit.Sample:
        level = np.array([0, 1, 0.5], np.float32)
        return audit.Sample("a", expression, reading(3), level, None, guesses)

    samples = [guessed("sad", None, "sad", "happy"), guessed("happy", "happy", None, "happy"), guessed("wink", "sad")]
    assert audit.accuracy(samples, ("sad", "happy")) == 0.5
    assert np.isnan(audit.accuracy([sample()], ("surprised",)))


@pytest.mark.parametrize("swapped", range(4))
def test_one_swap_of_neighbours_among_five_levels_still_follows(swapped: int) -> None:
    level = np.linspace(0.2, 1, 5).astype(np.float32)
    lead = level.copy()
    lead[[swapped, swapped + 1]] = level[[swapped + 1, swapped]]
    result = audit.summarise([sample("a", lead={"jawOpen": lead})])
    assert (result["expressions"]["surprised"]["spearman"], result["follows"]) == (0.9, 1)


def test_a_summary_of_two_people() -> None:
    level = np.linspace(0.2, 1, 5)
    missed = np.array([True, True, True, True, False])
    vectors = np.ones((5, 128), np.float32) * np.where(missed, 1, np.nan)[:, None] / 128**0.5
    samples = [
        sample("a"),
        sample("a", "happy", lead={"mouthSmileLeft": level, "mouthSmileRight": 0 * level}),
        sample("b", detected=missed, embeddings=vectors, lead={"jawOpen": level[[1, 0, 3, 2, 4]]}),
    ]
    result = audit.summarise(samples)
    assert (result["clips"], result["frames"], result["subjects"]) == (3, 15, 2)
    assert result["detection"] == {"dlib": round(14 / 15, 4), "mediapipe": 1.0}
    assert result["identity"]["within"]["count"] == 45 + 6 and result["identity"]["between"]["mean"] == 1
    assert (result["identity"]["equal_error_rate"], result["identity"]["taken_for_one_person"]) == (0, 0)
    assert set(result["landmarks"].values()) == {0}
    surprised = result["expressions"]["surprised"]
    assert surprised["lead"] == ["jawOpen"] and (surprised["spearman"], surprised["follows"]) == (0.9, 0.5)
    assert (surprised["lead_first"], surprised["lead_last"]) == (0.25, 0.75)
    assert "classifier" not in result
    assert surprised["curve"]["intensity"] == pytest.approx(np.linspace(0.2, 1, 5))
    assert surprised["curve"]["mean"] == pytest.approx([0.25, 0.2, 0.55, 0.5, 0.75])
    assert result["follows"] == round(2 / 3, 4) and "tones" not in result
    spread = result["identity"]["histogram"]
    assert len(spread["edges"]) == len(spread["within"]) + 1
    assert sum(spread["within"]) == pytest.approx(1, abs=1e-3) and sum(spread["between"][49:51]) == 1
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def guessed(expression: str, intensity: list[float] | None, *guesses: str | None, tone: int | None = None):
    level = None if intensity is None else np.array(intensity, np.float32)
    return audit.Sample("a", expression, reading(len(guesses)), level, None, guesses, tone)


def test_confusion_counts_peaks_and_neutral_frames() -> None:
    samples = [
        guessed("happy", [0.2, 1, 0.6], "neutral", "happy", "sad"),
        guessed("happy", [0.0, 1], "sad", None),
        guessed("neutral", [0.0], "neutral"),
        guessed("eyes_up", None, "neutral", "fear", "surprised"),
        guessed("angry", None, "angry"),
        guessed("angry", None, "neutral", "angry"),
        sample(),
    ]
    assert audit.confusion(samples) == {
        "happy": {"happy": 1, "none": 1},
        "neutral": {"sad": 1, "neutral": 3, "angry": 1},
        "eyes_up": {"surprised": 1},
        "angry": {"angry": 1},
    }
    result = audit.summarise(samples)
    assert result["classifier"]["accuracy"] | {"happy": 0.5, "angry": 1} == result["classifier"]["accuracy"]
    assert "neutral" not in result["expressions"]
    # Only answers that were given have a column: angry, happy, sad, surprised, neutral, none.
    assert "| happy | 0 | 1 | 0 | 0 | 0 | 1 | 50 % |" in audit.table(result)
    assert "| eyes_up | 0 | 0 | 0 | 1 | 0 | 0 | – |" in audit.table(result)


def test_tones_are_counted_by_subject() -> None:
    samples = [guessed("happy", [1.0], "happy", tone=3), guessed("sad", [1.0], "sad", tone=3)]
    assert audit.summarise(samples)["tones"] == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_aims_stand_beside_what_was_measured() -> None:
    result = audit.summarise([sample("a"), sample("b", embeddings=np.ones((5, 128), np.float32))])
    rows = {one.name: one for one in audit.aims(result)}
    assert rows["faces detected by dlib"] == audit.Aim("faces detected by dlib", "≥ 99.5 %", "100.0 %", True)
    assert rows["identity: mean distance within a subject"].asked == "≤ 0.30"
    assert rows["clips whose lead has Spearman 0.9 or more"].met
    assert not any("fer" in name for name in rows)
    unknown = audit.aims(audit.summarise([guessed("sad", [1.0], "sad")]))
    assert [one.measured for one in unknown if "happy" in one.name] == ["–"]
    assert [one.met for one in unknown if "happy" in one.name] == [None]


def test_speed_is_asked_of_two_processes_with_everything_on() -> None:
    rates = {"pictures": {"1": 30.0, "2": 55.0}, "everything": {"1": 15.0, "2": 19.9}}
    speed = {"frames_per_second": rates, "processor": "a", "cores": 2, "size": 64}
    result = audit.summarise([sample("a")]) | {"speed": speed}
    last = audit.aims(result)[-1]
    assert (last.asked, last.measured, last.met) == ("≥ 20.0", "19.9", False)
    assert "without maps and nuisances, 64 px, on 1 and 2 processes (a) | 30.0 and 55.0 |" in audit.table(result)


def test_identity_is_confused_at_the_peaks_first() -> None:
    # One person wanders towards the other as the expression grows, and arrives at 0.8.
    way = np.array([0, 0, 0, 1, 1], np.float32)[:, None] * np.ones((5, 128), np.float32)
    samples = [sample("a", embeddings=way), sample("b", embeddings=np.ones((5, 128), np.float32))]
    early, late = audit.summarise(samples)["identity"]["up_to"]
    assert (early["level"], early["equal_error_rate"]) == (0.6, 0)
    assert late["level"] == 0.8 and late["equal_error_rate"] > 0.1
    assert "| the same, of frames up to the intensity 0.6 | 0.0 % |" in audit.table(audit.summarise(samples))


def test_nothing_to_audit() -> None:
    with pytest.raises(ValueError, match="clip"):
        audit.summarise([])


def test_what_is_unknown_is_none_and_a_dash() -> None:
    blind = reading(
        5,
        landmarks=np.full((5, 68, 2), np.nan, np.float32),
        detected=np.zeros(5, bool),
        blendshapes=np.full((5, 52), np.nan, np.float32),
        embeddings=np.full((5, 128), np.nan, np.float32),
    )
    result = audit.summarise([audit.Sample("a", "happy", blind)])
    assert result["identity"]["within"] is None and result["identity"]["equal_error_rate"] is None
    assert result["detection"] == {"dlib": 0, "mediapipe": 0} and "landmarks" not in result
    assert "| happy | – to – | – | – | – |" in audit.table(result)


# Reading and the command


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No face is read: the lead is the number of the frame. How many frames were."""
    read: list[int] = []

    def measure(frames: np.ndarray) -> faces.Reading:
        read.append(len(frames))
        return reading(len(frames), {"jawOpen": np.arange(len(frames)) / 9}, where=len(read))

    monkeypatch.setattr(faces, "measure", measure)
    monkeypatch.setattr(fer, "classify", lambda frames: ("happy", None, *("sad",) * len(frames))[: len(frames)])
    return read


def test_a_subject_is_read_once(cache: Path, readers: list[int]) -> None:
    one = audit.read_subject(31_001, ("surprised", "happy"), 32, (0.2, 1.0))
    assert readers == [2, 2, 1] and [s.expression for s in one] == ["surprised", "happy", "neutral"]
    assert [s.guesses for s in one] == [("happy", None), ("happy", None), ("happy",)] and one[0].tone in range(10)
    again = audit.read_subject(31_001, ("surprised", "happy"), 32, (0.2, 1.0))
    assert readers == [2, 2, 1]
    for first, second in zip(one, again, strict=True):
        known = [(s.subject, s.expression, s.guesses, s.tone) for s in (first, second)]
        assert known[0] == known[1] and first.subject == "actor-31001"
        np.testing.assert_array_equal(first.landmarks, second.landmarks)
        np.testing.assert_array_equal(first.intensity, second.intensity)
        for name, value in vars(first.reading).items():
            np.testing.assert_array_equal(value, vars(second.reading)[name])
    path = reading_._kept(31_001, "happy", 32, (0.2, 1.0))
    path.write_bytes(path.read_bytes()[:200])
    audit.read_subject(31_001, ("surprised", "happy"), 32, (0.2, 1.0))
    assert readers == [2, 2, 1, 2]
    audit.read_subject(31_001, ("happy",), 32, (0.2, 1.0), fresh=True)
    assert readers == [2, 2, 1, 2, 2, 1]


def test_the_command(
    cache: Path,
    readers: list[int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("I2V_REAL_DATA", raising=False)
    path = tmp_path / "audit.json"
    path.write_text(json.dumps({"real": audit.summarise([sample()])}))
    order = ["--subjects", "1", "--first", "31001", "--size", "32", "--workers", "1", "--no-speed", "--json", str(path)]
    assert main(order) == 0
    result = json.loads(path.read_text())
    assert set(result) == {"real", "actors"} and result["actors"]["frames"] == 51
    assert result["actors"]["levels"] == list(audit.LEVELS) and result["actors"]["unread"] == list(audit.UNREAD)
    assert result["actors"]["expressions"]["surprised"]["spearman"] == 1
    printed = capsys.readouterr().out
    assert audit.table(result["actors"]) in printed and "peaks of happy that fer names right: 0.0 %" in printed
    assert main(["--table", "--json", str(path)]) == 0
    assert audit.table(result["actors"]) in capsys.readouterr().out
    for wrong in (["--subjects", "0"], ["--workers", "0"], ["--table", "--json", str(tmp_path / "none.json")]):
        with pytest.raises(SystemExit):
            main(wrong)
    assert "at least one subject" in capsys.readouterr().err


def test_processes_share_the_subjects_and_keep_their_order() -> None:
    assert list(reading_._mapped(abs, [-3, 2, -1], 2)) == [3, 2, 1]


def test_the_card_is_written_between_its_comments(tmp_path: Path) -> None:
    card, result = tmp_path / "card.md", audit.summarise([sample()])
    card.write_text("before\n<!-- audit: actors -->\nold\n<!-- end of audit -->\nafter\n")
    for _ in range(2):
        report.write_card({"actors": result}, card)
        expected = f"before\n<!-- audit: actors -->\n\n{audit.table(result)}\n\n<!-- end of audit -->\nafter\n"
        assert card.read_text() == expected
    with pytest.raises(ValueError, match="place"):
        report.write_card({"real": result}, card)


@pytest.mark.slow
def test_contact_sheets(tmp_path: Path, cache: Path) -> None:
    assert sheets.people_sheet(31_001, 3, 2, 32).shape == (64, 64, 3)
    assert (sheets.people_sheet(31_001, 3, 2, 32)[32:, 32:] == 255).all()
    assert sheets.expressions_sheet(31_001, 1, 32).shape == (32, 320, 3)


@pytest.mark.slow
def test_contact_sheets_of_performers(bodies: Path) -> None:
    assert sheets.actions_sheet(31_001, 16, 21).shape == (8 * 16, 2 * 16, 3)
    sheet = sheets.bodies_sheet(31_001, ("golf_swing",), 32)
    assert sheet.shape == (32, 5 * 32, 3)
    frame, limbs, mask = (sheet[:, i * 32 : (i + 1) * 32] for i in range(3))
    assert set(np.unique(mask)) == {0, 255} and (frame != limbs).any()


def test_performers_are_measured(bodies: Path) -> None:
    found = measured(31_001, 1, frames=4, size=32)
    assert set(found) == {"slide", "below", "bones", "inside", "visible", "height", "frames_per_second"}
    assert found["inside"] > 0.95 and 0.5 < found["visible"] < 1 and found["bones"] < 0.001
    assert 0 <= found["slide"] < 15 and found["below"] < 1 and 0.6 < found["height"] <= 0.9


def test_a_foot_that_slides_is_noticed(body: object, monkeypatch: pytest.MonkeyPatch) -> None:
    order = film.Order(31_001, "golf_swing", 5)
    pose = motion.motion_of(order.seed, order.action, order.frames)
    assert slides(order) < 0.015
    pose["left_foot"][:, :3] = np.linspace([0.1, 0.2, 0], [0.2, 0.2, 0], 5)
    monkeypatch.setattr(motion, "motion_of", lambda *_: pose)
    assert 0.05 < slides(order) < 0.12


def test_a_folder_of_real_clips(readers: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from PIL import Image

    def align(clip: Clip, size: int) -> Clip:
        if clip.subject == "vid_3":
            raise faces.NoFaceError("none")
        return clip

    monkeypatch.setattr(faces, "align_clip", align)
    for split, video, count in (
        ("train", "vid_1", 6),
        ("train", "vid_2", 6),
        ("train", "vid_3", 2),
        ("test", "vid_1", 1),
    ):
        home = tmp_path / "surprise" / split / "img" / video
        home.mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (24, 24), (9 * index,) * 3).save(home / f"{index + 1:04d}.png")
    result = audit.audit_folder(tmp_path, 32)
    assert (result["clips"], result["subjects"], result["frames"], result["faceless_clips"]) == (3, 3, 13, 1)
    assert "landmarks" not in result and result["expressions"]["surprised"]["spearman"] == 1
    assert result["classifier"]["confusion"] == {"neutral": {"happy": 3}, "surprised": {"sad": 2}}
    with pytest.raises(ValueError, match="folder"):
        audit.audit_folder(tmp_path / "nowhere")


def test_the_card_shows_the_results_there_are() -> None:
    if not audit.RESULT.is_file():
        pytest.skip("the audit was not done yet: python -m i2vbook.audits.actors")
    card = (audit.RESULT.parents[1] / "data_actors.md").read_text()
    for part in json.loads(audit.RESULT.read_text()).values():
        assert audit.table(part) in card
