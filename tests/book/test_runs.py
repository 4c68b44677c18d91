"""The table of reference runs."""

import dataclasses
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import i2vlib
from i2vbook import checkout
from i2vbook.evidence import __main__ as command
from i2vbook.evidence import adapters, learning, measuring, plan, results
from i2vlib import metrics, regions
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from i2vlib.hub import load_pretrained
from i2vlib.papers.affinegan import AffineGANConfig
from i2vlib.papers.method import Redrawn
from i2vlib.papers.playing import Dialled
from tests.conftest import moving_square
from tests.papers.frgan.test_kinds import body

PICTURE = np.zeros((2, 2, 3), np.uint8)


@pytest.fixture
def tiny_checkout(tmp_path, monkeypatch):
    """A checkout with one tiny run on squares, and nobody in it who can read faces."""
    (tmp_path / "book" / "results").mkdir(parents=True)
    (tmp_path / "book" / "results" / "runs.toml").write_text(
        '[tiny]\nmethod = "AffineGAN"\npreset = "small"\nsteps = 8\ndata = { name = "squares", size = 16 }\n'
        'config = { size = 16, base_channels = 8, clips_per_step = 1, expressions = ["happy"] }\n'
    )
    monkeypatch.setattr(checkout, "RESULTS", tmp_path / "book" / "results")
    monkeypatch.setattr(checkout, "TABLE", tmp_path / "book" / "results" / "runs.toml")
    monkeypatch.setattr(checkout, "WORK", tmp_path / "runs")
    squares = [moving_square(seed=seed) for seed in range(2)]
    monkeypatch.setattr(learning.datasets, "open", lambda name, split, **options: squares)
    return tmp_path


def test_the_committed_table_is_sound():
    table = plan.planned()
    assert {"affinegan", "fan"} <= set(table) and all(run.method in i2vlib.METHODS for run in table.values())
    for run in table.values():
        assert getattr(run.settings, "size", run.data["size"]) == run.data["size"]  # joints alone have none


def test_a_run_is_measured_on_the_people_of_the_split_however_many_it_was_trained_on():
    run = plan.planned()["affinegan_mouths"]
    people = {split: {seed for seed, _ in learning.clips(run, split).keys} for split in ("train", "test")}
    assert people == {"train": set(range(64)), "test": set(range(20_000, 20_016))}
    assert len(learning.clips(run, "validation", subjects=4)) == 4 * len(run.settings.expressions)


def test_a_run_is_trained_in_parts_without_what_only_measuring_needs(tiny_checkout, monkeypatch):
    pd.Index(["a", "b"]).take([0])  # pandas uses pyarrow for its own strings where it is installed
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    run = plan.planned()["tiny"]
    assert not learning.train(run, minutes=0, device="cpu", progress=False)
    assert learning.train(run, device="cpu", progress=False)
    facts = json.loads((run.folder / "facts.json").read_text())
    assert facts["digest"] == run.digest and facts["steps"] == 8
    assert {"score", "motion", "spearman", "psnr"} <= set(json.loads((run.folder / "best" / "score.json").read_text()))


def test_a_run_without_pictures_keeps_its_last_weights_however_often_they_are_looked_at(tiny_checkout, monkeypatch):
    """Nothing of it is drawn that could be scored."""
    checkout.TABLE.write_text(
        '[tiny]\nmethod = "PosePredictor"\npreset = "small"\nsteps = 16\nkeep = "last"\n'
        'data = { name = "performers", size = 32 }\nconfig = { hidden = 8, clips_per_step = 2 }\n'
    )
    monkeypatch.setattr(learning.datasets, "open", lambda name, split, **options: [body(26, seed) for seed in range(2)])
    run = plan.planned()["tiny"]
    assert learning.train(run, device="cpu", progress=False)
    kept, ended = (load_pretrained(folder).state_dict() for folder in (run.folder / "best", run.folder))
    assert all(torch.equal(kept[name], ended[name]) for name in kept)


def undeclared(table):
    """What runs differ in and do not say, or say and do not differ in, by name."""
    found = {name: set(run.differs) ^ set(plan.sets_apart(run, table)) for name, run in table.items()}
    return {name: sorted(fields) for name, fields in found.items() if fields}


def test_a_row_differs_in_what_it_says_and_in_nothing_else():
    """Failing, it names what has to go into, or out of, the list ``differs`` of a row."""
    assert undeclared(plan.planned()) == {}


CHANGED = {
    "steps": lambda run: replace(run, steps=run.steps + 1),
    "precision": lambda run: replace(run, precision="fp16"),
    "start": lambda run: replace(run, start="another"),
    "inherits": lambda run: replace(run, inherits="another"),
    "keep": lambda run: replace(run, keep={"best": "last", "last": "best"}[run.keep]),
    "dealt": lambda run: replace(run, dealt=not run.dealt),
    "backwards": lambda run: replace(run, backwards=not run.backwards),
    "fitted": lambda run: replace(run, fitted=not run.fitted),
    "every": lambda run: replace(run, every=run.every + 1),
    "data.subjects": lambda run: replace(run, data={**run.data, "subjects": 7}),
    "taught.mode": lambda run: replace(run, taught={**run.taught, "mode": "another"}),
    "learning_rate": lambda run: replace(run, config={**run.config, "learning_rate": 0.123}),
    "weights.reconstruction": lambda run: replace(run, config={**run.config, "weights": {
        **run.settings.weights, "reconstruction": 0.123}}),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_a_row_that_departs_from_its_like_in_one_more_thing_is_found(name):
    table = plan.planned()
    term = name.removeprefix("weights.") if name.startswith("weights.") else None
    unlike = [row for row, run in table.items() if run.like and name not in run.differs]
    unlike = [row for row in unlike if term is None or term in table[row].settings.TERMS]
    assert len(unlike) > 40
    for row in unlike:
        found = set(table[row].differs) ^ set(plan.sets_apart(CHANGED[name](table[row]), table))
        assert found == {name}, row


def test_a_weight_that_goes_with_the_presets_weights_is_named(tiny_checkout):
    text = checkout.TABLE.read_text().replace(
        "config = {", 'differs = ["base_channels", "clips_per_step", "size"]\nconfig = {'
    )
    checkout.TABLE.write_text(text)
    assert undeclared(plan.planned()) == {}
    checkout.TABLE.write_text(text.replace("size = 16, base", "weights = { reconstruction = 1.0 }, size = 16, base"))
    lost = ["adversarial_intensity", "reconstruction_moving", "reconstruction_self"]
    assert undeclared(plan.planned()) == {"tiny": [f"weights.{term}" for term in lost]}


#: What sets the arms of a comparison apart, written down by hand: the row, the one it is held against, the fields.
ARMS = {
    "fan_64_reconstruction_without_landmarks": ("fan_64_reconstruction", {"weights.landmarks"}),
    "fan_64_reconstruction_without_temporal": ("fan_64_reconstruction", {"weights.temporal"}),
    "fan_64_reconstruction_pixel": ("fan_64_reconstruction_without_landmarks", {"residual"}),
    "fan_64_without_local": ("fan_64_full", {"weights.adversarial_local"}),
    "fan_64_without_landmarks": ("fan_64_full", {"start", "weights.landmarks"}),
    "fan_64_without_temporal": ("fan_64_full", {"start", "weights.temporal"}),
    "fan_64_pixel": ("fan_64_without_landmarks", {"start", "residual"}),
    "fan_64_acting_without_local": ("fan_64_acting", {"weights.adversarial_local"}),
    "fan_64_acting_without_landmarks": ("fan_64_acting", {"start", "weights.landmarks"}),
    "fan_64_acting_without_temporal": ("fan_64_acting", {"start", "weights.temporal"}),
    "fan_64_acting_begun_without_landmarks": ("fan_64_acting_begun", {"weights.landmarks"}),
    "fan_64_acting_begun_without_temporal": ("fan_64_acting_begun", {"weights.temporal"}),
    "fan_64_acting_without_judges": ("fan_64_acting", {"weights.adversarial", "weights.adversarial_local"}),
    "fan_64_dealt": ("fan_64_reconstruction", {"dealt"}),
    "fan_64_dealt_happy": ("fan_64_dealt", {"expressions"}),
    "fan_64_dealt_longer": ("fan_64_dealt", {"steps"}),
    "affinegan_64_mlp": ("affinegan_64", {"intensity_by"}),
    "affinegan_64_without_l_a": ("affinegan_64", {"weights.adversarial_intensity"}),
    "affinegan_64_two_frames": ("affinegan_64", {"taught.mode", "taught.frames"}),
    "affinegan_64_third_happy": ("affinegan_64", {"steps"}),
    "affinegan_64_third_angry": ("affinegan_64_angry", {"steps"}),
    "affinegan_64_three": (
        "affinegan_64_third_happy", {"data.expressions", "expressions", "steps", "weights.classification"},
    ),
    "paper_64_long": ("paper_64", {"steps"}),
    "frgan_64_eq_1": ("frgan_64_gated", {"residual"}),
    "frgan_64_eq_2": ("frgan_64_gated", {"content", "mask_start"}),
    "frgan_64_not_dense": ("frgan_64_gated", {"dense", "decoder_channels"}),
    "frgan_64_first_pairs": ("frgan_64_gated", {"jumps"}),
    "frgan_64_g_r_clips": ("frgan_64_g_r", {"weights.adversarial_frames"}),
    "frgan_64_g_r_frames": ("frgan_64_g_r", {"weights.adversarial"}),
    "frgan_64_g_r_none": ("frgan_64_g_r", {"weights.adversarial", "weights.adversarial_frames"}),
    "bodies_structure": ("bodies_on", {"weights.appearance", "weights.structure"}),
    "frgan_64_eq_2_norm": ("frgan_64_eq_2", {"blocks"}),
    "frgan_64_eq_1_norm": ("frgan_64_eq_2_norm", {"residual", "content", "mask_start"}),
    "frgan_64_eq_2_slow": ("frgan_64_eq_2", {"steps", "decay", "learning_rate"}),
    "frgan_64_eq_2_batch": ("frgan_64_eq_2", {"steps", "decay", "clips_per_step"}),
    "frgan_64_eq_2_96": ("frgan_64_eq_2", {"steps", "decay", "size", "data.size"}),
    "frgan_64_eq_2_code": ("frgan_64_eq_2", {"steps", "decay", "blocks", "learning_rate", "clips_per_step"}),
}  # fmt: skip


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_is_held_against_one_that_differs_in_what_it_is_about(name):
    table = plan.planned()
    base, fields = ARMS[name]
    run = replace(table[f"{name}_0"], like=base)
    assert set(plan.sets_apart(run, table)) == fields


def test_the_joint_model_takes_as_many_steps_as_the_single_ones_together():
    table = plan.planned()
    three = table["affinegan_64_three_0"]
    thirds = [table[f"affinegan_64_third_{name}_0"] for name in three.settings.expressions]
    assert three.steps == sum(run.steps for run in thirds) and three.settings.weights["classification"] > 0
    assert [run.settings.expressions for run in thirds] == [(name,) for name in three.settings.expressions]
    longer = table["fan_64_dealt_longer_0"]
    dealt = [table[f"fan_64_dealt_{name}_0"] for name in longer.settings.expressions]
    assert longer.steps == sum(run.steps for run in dealt)


def test_the_released_code_is_trained_as_its_preset_has_it():
    table = plan.planned()
    paper, released = table["paper_64_long_0"], table["released_64_long_0"]
    narrow = {"size": 64, "base_channels": 24, "channel_cap": 4}
    assert paper.settings == AffineGANConfig.paper(**narrow)
    assert released.settings == AffineGANConfig.released_code(**narrow)
    assert replace(released, preset="paper", name=paper.name) == paper


def test_the_sweeps_of_fan_turn_one_weight_each():
    table = plan.planned()
    base = {"temporal": "reconstruction", "landmarks": "reconstruction", "local": "full"}
    sweeps = [name for name in table if re.fullmatch(r"fan_64_(temporal|landmarks|local)_\d+_0", name)]
    assert len(sweeps) == 5
    for name in sweeps:
        term, weight = name.removeprefix("fan_64_").removesuffix("_0").split("_")
        ours = table[f"fan_64_{base[term]}_0"]
        weights = {**ours.settings.weights, {"local": "adversarial_local"}.get(term, term): float(weight)}
        wanted = dataclasses.replace(ours, name=name, config={**ours.config, "weights": weights})
        assert table[name].digest == wanted.digest != ours.digest


def test_without_dense_connections_there_are_as_many_weights():
    table = plan.planned()
    dense, plain = (table[f"frgan_64_{name}_0"] for name in ("gated", "not_dense"))
    counts = []
    for run in (dense, plain):
        method = run.kind(run.settings)
        parts = method.generator_parameters(), method.decoder.parameters()
        counts.append([sum(p.numel() for p in part) for part in parts])
    assert counts == [[1_453_188, 750_532], [1_476_777, 774_121]]
    assert all(1 <= plain / dense < 1.04 for dense, plain in zip(*counts, strict=True))


def test_pairs_are_drawn_from_frames_that_are_not_neutral():
    """Of a square that brightens evenly, by a method that makes half of every change."""
    clip = dataclasses.replace(moving_square(), expression="happy")
    asked = []

    def half(of: Clip) -> Redrawn:
        asked.append([float(x) for x in of.intensity])
        ends = of.frames.astype(float)
        return Redrawn((ends[:1] + (ends - ends[:1]) / 2).round().astype(np.uint8))

    table = pd.DataFrame(measuring.pairs(half, [clip]))
    assert asked == [[1.0, 0.0], [pytest.approx(0.4), 1.0]]
    assert table["pair"].tolist() == ["peak to neutral", "halfway to peak"]
    assert table["moving_ratio"].tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    assert table["motion"].tolist() == pytest.approx([0.5, 0.5], abs=0.02)


def test_what_has_a_result_is_done_again_where_that_is_asked_for(tiny_checkout, monkeypatch, capsys):
    run = plan.planned()["tiny"]
    rows = pd.DataFrame([{"subject": "a", "expression": "happy", "motion": 0.5}])
    results.write(run, {"digest": run.digest, "steps": run.steps}, {"clips": rows}, PICTURE)
    monkeypatch.setattr(command, "measure_run", lambda run: None)
    trained = lambda: (run.folder / "facts.json").exists()  # noqa: E731
    assert command.main(["--only", "tiny", "--train", "--device", "cpu"]) == 0 and not trained()
    with pytest.raises(ValueError, match="--only.*--again"):
        learning.weights(run)
    assert command.main(["--only", "tiny", "--again", "--train", "--device", "cpu"]) == 0 and trained()
    assert command.main(["--only", "tiny", "--again", "--device", "cpu"]) == 0
    assert capsys.readouterr().out.splitlines() == ["training tiny", "measuring tiny"]
    with pytest.raises(SystemExit):
        command.main(["--again"])


def test_a_row_like_another_says_only_what_differs(tiny_checkout):
    more = """
[other]
like = "tiny"
seeds = [1, 2]
config = { base_channels = 16, weights = { adversarial = 0.5 } }

[more]
like = "other"
seeds = [2]
start = "other"
steps = 3
config = { weights = { adversarial_local = 0.25 } }
"""
    checkout.TABLE.write_text(checkout.TABLE.read_text() + more)
    table = plan.planned()
    assert list(table) == ["tiny", "other_1", "other_2", "more_2"]
    tiny, more = table["tiny"], table["more_2"]
    assert (more.steps, more.seed, more.start, more.data) == (3, 2, "other_2", tiny.data)
    assert table["other_1"].start is None and table["other_1"].steps == tiny.steps
    named = {"adversarial": 0.5, "adversarial_local": 0.25}
    assert more.settings == dataclasses.replace(tiny.settings, base_channels=16, weights=named)
    assert tiny.settings.base_channels == 8
    checkout.TABLE.write_text('[first]\nlike = "second"\n')
    with pytest.raises(ValueError, match="'second'"):
        plan.planned()


def test_a_row_with_seeds_is_a_run_a_seed(tiny_checkout):
    seeded = 'steps = 8\nships = "tiny"\nseeds = [0, 3]'
    checkout.TABLE.write_text(checkout.TABLE.read_text().replace("steps = 8", seeded))
    table = plan.planned()
    assert {name: run.ships for name, run in table.items()} == {"tiny_0": "tiny", "tiny_3": None}
    assert {name: run.seed for name, run in table.items()} == {"tiny_0": 0, "tiny_3": 3}
    assert table["tiny_0"].digest != table["tiny_3"].digest


def test_dealt_expressions_are_one_a_person_in_training_and_all_in_the_test():
    planned = plan.planned()
    joint, single = planned["fan_64_dealt_0"], planned["fan_64_dealt_angry_0"]

    def of(run, split):
        chosen = learning.clips(run, split)
        return [chosen.dataset.keys[index] for index in chosen.indices]

    keys = of(joint, "train")
    assert len(keys) == len({seed for seed, _ in keys}) == 64
    assert of(single, "train") == [key for key in keys if key[1] == "angry"] and len(of(single, "train")) in (21, 22)
    assert len(of(joint, "test")) == 3 * 16 and {e for _, e in of(single, "test")} == {"angry"}
    assert joint.digest != dataclasses.replace(joint, dealt=False).digest


def test_held_out_people_are_shown_whole_clips_whatever_was_taught():
    planned = plan.planned()
    for name in ("affinegan_64_two_frames_0", "fan_64_time_two_frames_0"):
        trained, tested = (learning.clips(planned[name], split) for split in ("train", "test"))
        assert (trained.mode, trained.frames) == ("two_frames", 2) and (tested.mode, tested.frames) == ("onset", 12)
        assert planned[name].digest != dataclasses.replace(planned[name], taught={}).digest


def test_a_run_backwards_is_trained_and_measured_from_peak_to_neutral(monkeypatch):
    run = plan.planned()["affinegan_64_backwards_0"]
    monkeypatch.setattr(learning.datasets, "open", lambda name, split, **options: [moving_square()])
    for split in ("train", "test"):
        (clip,) = learning.clips(run, split)
        assert clip.intensity[0] == 0 and clip.intensity[-1] == 1
        assert (clip.frames == moving_square().frames[::-1]).all()
    assert run.digest != dataclasses.replace(run, backwards=False).digest


def test_inferences_state_the_curves_and_where_the_encoders_look(model):
    (row,) = measuring.inferences(model, [moving_square()])
    assert row["true"] == [0, 0.2, 0.4, 0.6, 0.8, 1] and row["inferred"] == [abs(x) for x in row["projection"]]
    asked = np.clip(row["inferred"], 0, 1)
    made = model.animate(moving_square().frames[0], intensity=asked).frames
    read = model.infer_intensity(made, moving_square().frames[0])
    assert row["read_back"] == pytest.approx(read, abs=1e-4)
    ends = moving_square().frames[[0, -1]]
    assert row["motion_at_one"] == pytest.approx(
        metrics.motion(model.animate(ends[0], intensity=[0, 1]).frames, ends), abs=1e-4
    )
    assert row["area_share"] == pytest.approx(0.5, abs=0.1) and 0 < row["base_share"] < 1
    json.dumps(row)


def test_the_paper_and_the_code_differ_in_one_thing_each_and_in_all_at_once():
    planned = plan.planned()
    base = planned["paper_64_0"].settings
    assert base == AffineGANConfig.paper(size=64, base_channels=24, channel_cap=4)
    released = dataclasses.asdict(AffineGANConfig.released_code())

    def changes(run):
        of_it = dataclasses.asdict(run.settings)
        return {name: value for name, value in of_it.items() if value != dataclasses.asdict(base)[name]}

    single = [changes(run) for name, run in planned.items() if re.fullmatch(r"paper_64_\d_.*_0", name)]
    assert len(single) == 7 and all(len(change) == 1 for change in single)
    assert changes(planned["paper_64_all_0"]) == {key: value for change in single for key, value in change.items()}
    for change in single:
        assert all(released[name] == value for name, value in change.items())


def test_a_method_that_infers_nothing_is_trained_validated_and_measured(tiny_checkout):
    text = (
        checkout.TABLE.read_text()
        .replace("AffineGAN", "FAN")
        .replace('= ["happy"]', '= ["happy"], frames_per_clip = 2')
    )
    checkout.TABLE.write_text(text)
    run = plan.planned()["tiny"]
    assert learning.train(run, device="cpu", progress=False)
    measured = json.loads((run.folder / "best" / "score.json").read_text())
    assert set(measured) == {"score", "motion", "psnr"} and all(value == value for value in measured.values())
    facts = json.loads((run.folder / "facts.json").read_text())
    assert {"generator/temporal", "validation/score"} <= {name for row in facts["history"] for name in row}
    assert load_pretrained(run.folder / "best").expressions == ("happy",)


def test_a_sample_shows_true_frames_above_what_is_made_of_the_first():
    class Copy(Dialled):
        expressions = ("happy", "angry")
        example = outputs = discriminator_terms = generator_terms = drawer = None

        def animate(self, still, expression, intensity):
            frames = np.repeat(still[None], len(intensity), 0) // 2
            return Clip(frames, intensity=np.asarray(intensity), expression=expression)

    squares = [moving_square(seed=seed, expression=name) for seed in range(2) for name in Copy.expressions]
    picture = measuring.sample(Copy(), squares, columns=3)
    size = squares[0].frames.shape[1]
    assert picture.shape == (4 * size, 3 * size + 4, 3)
    np.testing.assert_array_equal(picture[:size, -size:], squares[0].frames[-1])
    np.testing.assert_array_equal(picture[size : 2 * size, -size:], squares[0].frames[0] // 2)
    np.testing.assert_array_equal(picture[2 * size : 3 * size, :size], squares[3].frames[0])
    single = Copy()
    single.expressions = ("angry",)
    np.testing.assert_array_equal(measuring.sample(single, squares, columns=3), picture[2 * size :])


def test_a_preset_belongs_to_a_method():
    run = plan.planned()["fan"]
    assert type(run.settings).__name__ == "FANConfig"
    with pytest.raises(ValueError, match="FANConfig.*'small'"):
        _ = dataclasses.replace(run, preset="released_code").settings


def test_a_changed_definition_is_a_new_run(tiny_checkout):
    run = plan.planned()["tiny"]
    assert dataclasses.replace(run, steps=9).digest != run.digest
    assert dataclasses.replace(run, gpu=True).digest == run.digest
    same = {**run.config, "dropout": 0.0, "weights": {**run.settings.weights, "adversarial": 0.0}}
    assert dataclasses.replace(run, config=same).digest == run.digest
    assert dataclasses.replace(run, config={**same, "dropout": 0.5}).digest != run.digest


@pytest.mark.parametrize(("keep", "kept"), [("best", 0.2), ("last", 0.3)])
def test_a_run_keeps_its_best_weights_or_its_last(tiny_checkout, monkeypatch, keep, kept):
    scores = iter([0.5, 0.2] + [0.3] * 9)
    monkeypatch.setattr(learning, "validate", lambda *_: {"score": next(scores)})
    run = dataclasses.replace(plan.planned()["tiny"], keep=keep)
    learning.train(run, device="cpu", progress=False)
    assert json.loads((run.folder / "best" / "score.json").read_text())["score"] == kept


def test_a_result_of_another_definition_does_not_count(tiny_checkout):
    run = plan.planned()["tiny"]
    results.write(run, {"digest": run.digest}, {}, PICTURE)
    assert results.result(run)
    assert results.result(dataclasses.replace(run, seed=1)) is None


def test_the_list_says_which_results_are_of_other_pixels(tiny_checkout, capsys):
    text = checkout.TABLE.read_text().replace('"squares"', '"actors"')
    checkout.TABLE.write_text(text)
    run = plan.planned()["tiny"]
    learning.train(run, device="cpu", progress=False)
    facts = json.loads((run.folder / "facts.json").read_text())
    assert facts["regions"] == regions.VERSION
    assert facts["actors"] == actors.RENDERER_VERSION
    for version, said in ((facts["actors"], False), (-1, True)):
        results.write(run, {"digest": run.digest, "actors": version}, {}, PICTURE)
        assert command.main(["--list"]) == 0
        printed = capsys.readouterr().out
        assert ("trained on version -1 of the actors" in printed) is said
        assert f"what moves: version 1; today's is {regions.VERSION}" in printed  # a result that does not say


def test_the_list_says_what_is_missing(tiny_checkout, capsys):
    assert command.main(["--list"]) == 0
    assert capsys.readouterr().out.startswith("missing  tiny")
    learning.train(plan.planned()["tiny"], minutes=0, device="cpu", progress=False)
    command.main(["--list"])
    assert capsys.readouterr().out.startswith("begun ")


def test_an_unknown_run_and_a_missing_table_are_errors(tiny_checkout, monkeypatch):
    with pytest.raises(SystemExit):
        command.main(["--only", "nothing"])
    monkeypatch.setattr(checkout, "TABLE", tiny_checkout / "nowhere.toml")
    with pytest.raises(ValueError, match="nowhere.toml"):
        plan.planned()


def test_the_commit_is_unknown_where_there_is_no_git(monkeypatch):
    assert learning._commit() != ""
    monkeypatch.setenv("PATH", "")
    assert learning._commit() == "unknown"


def test_a_history_that_is_missing_says_how_to_make_it(tiny_checkout):
    with pytest.raises(ValueError, match="--only tiny"):
        results.history(plan.planned()["tiny"])


def test_a_run_starts_from_another_once_that_is_done(tiny_checkout):
    first = plan.planned()["tiny"]
    checkout.TABLE.write_text(
        checkout.TABLE.read_text() + '[second]\nmethod = "AffineGAN"\npreset = "small"\nsteps = 1\nstart = "tiny"\n'
        'data = { name = "squares", size = 16 }\n'
        'config = { size = 16, base_channels = 8, clips_per_step = 1, expressions = ["happy"], learning_rate = 1e-9, '
        "discriminator_strides = [2, 1] }\n"
    )
    second = plan.planned()["second"]
    with pytest.raises(ValueError, match="--only tiny"):
        learning.train(second, device="cpu", progress=False)
    learning.train(first, device="cpu", progress=False)
    learning.train(second, device="cpu", progress=False)
    before, after = (load_pretrained(run.folder / "best").state_dict() for run in (first, second))
    assert all((before[name] - after[name]).abs().max() < 1e-3 for name in before if name.startswith("decoder"))
    assert [run.name for run in plan.lineage(second)] == ["tiny", "second"]
    for run, losses in ((first, [0.5, 0.4]), (second, [0.3])):
        rows = pd.DataFrame([{"step": step, "loss": loss} for step, loss in enumerate(losses, 1)])
        results.write(run, {"digest": run.digest, "steps": run.steps}, {"history": rows}, PICTURE)
    whole = results.history(second)
    assert whole["step"].tolist() == [1, 2, first.steps + 1] and whole["run"].tolist() == ["tiny", "tiny", "second"]


STAGES = """
[tiny_forecast]
method = "Forecast"
preset = "small"
steps = 2
keep = "last"
data = { name = "actors", size = 64, subjects = 2, frames = 16, mode = "full", expressions = ["happy"] }
taught = { frames = 3, mode = "onset" }
config = { size = 64, base_channels = 4, channel_cap = 2, code = 8, clips_per_step = 1 }

[tiny_refine]
method = "Refine"
preset = "small"
steps = 2
start = "tiny_forecast"
keep = "last"
ships = "tiny"
fitted = true
seen = 2
data = { name = "actors", size = 64, subjects = 2, frames = 16, mode = "full", expressions = ["happy"] }
taught = { skip = 2 }
config = { size = 64, frames = 16, base_channels = 4, channel_cap = 2, critic_base = 4, clips_per_step = 1 }
"""


@pytest.mark.slow
def test_both_stages_of_frgan_are_trained_on_people_of_their_own_and_shipped_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "RESULTS", tmp_path)
    monkeypatch.setattr(checkout, "TABLE", tmp_path / "runs.toml")
    monkeypatch.setattr(checkout, "WORK", tmp_path / "runs")
    for module in (learning, measuring):
        monkeypatch.setattr(module, "SHIPPED", tmp_path / "weights")
    monkeypatch.setattr(measuring, "DRIVEN_BY", 1)
    monkeypatch.setattr(learning, "VALIDATION", 1)
    monkeypatch.setitem(actors.SPLITS, "test", (20_000, 2))
    checkout.TABLE.write_text(STAGES)
    first, second = plan.planned().values()
    people = [{learning.clips(run, "train").clips[i].subject for i in range(2)} for run in (first,)]
    assert people == [{"actor-0", "actor-1"}] and len(learning.clips(first, "train")[0]) == 3
    for run in (first, second):
        assert learning.train(run, device="cpu", progress=False)
    assert {*learning.cost(first, steps=1)} == {"seconds_per_step", "memory_gib"}
    refined = learning.clips(second, "train")[0]
    held_out = learning.clips(second, "test", driven_by=1)
    driver, target = held_out.clips.drivers[0], held_out.clips.clips[0]
    assert (driver.subject, target.subject) == ("actor-20001", "actor-20000")
    assert np.array_equal(driver.blendshapes, target.blendshapes)
    assert refined.subject == "actor-2" and len(refined) == 16 and "forecast" in refined.truth
    frame = measuring.measure_run(second)
    assert set(frame["system"]) == {"Refine", "Forecast", "real", "copy", "cross-fade"}
    own = frame[frame["system"] == "Refine"]
    assert own[["flicker", "static_change", "mask_mean", "landmark_ratio"]].notna().all().all()
    assert set(results.summary(second)["system"]) == set(frame["system"])
    assert np.asarray(Image.open(second.picture)).shape == (128, 6 * 64 + 5 * 2, 3)
    by_frame = results.rows(second, "frames")
    assert by_frame["subject"].tolist() == own["subject"].tolist()
    assert {len(row.reach) for row in by_frame.itertuples()} == {16} and by_frame["curve"].map(len).min() >= 3
    seen = results.rows(second, "seen")
    assert seen["subject"].tolist() == ["actor-2", "actor-3"] and list(seen) == list(results.rows(second))
    before = results.measured({0: ["tiny_refine"]}, "unrefined")
    assert len(before) == len(own) and before[["mask_mean", "mask_iou"]].isna().all().all()
    shipped = load_pretrained(measuring.SHIPPED / "tiny")
    assert type(shipped).__name__ == "FRGAN" and shipped.refine.config.frames == 16
    trained = [learning.weights(run) for run in (first, second)]
    monkeypatch.setattr(checkout, "WORK", tmp_path / "another machine")
    for run, before in zip((first, second), trained, strict=True):  # there is only what was shipped, whole
        again = learning.weights(run)
        assert type(again) is type(before) is run.kind
        pairs = zip(again.generator_parameters(), before.generator_parameters(), strict=True)
        assert all(bool((new == old.half()).all()) for new, old in pairs)


def test_a_g_r_may_be_taken_as_it_is_to_the_clips_of_another_g_m(tmp_path, monkeypatch):
    monkeypatch.setattr(checkout, "RESULTS", tmp_path)
    monkeypatch.setattr(checkout, "TABLE", tmp_path / "runs.toml")
    monkeypatch.setattr(checkout, "WORK", tmp_path / "runs")
    monkeypatch.setattr(learning, "SHIPPED", tmp_path / "weights")
    pair = '[pair]\nlike = "tiny_refine"\nstart = "tiny_later"\ninherits = "tiny_refine"\nsteps = 0\nships = "pair"\n'
    later = '[tiny_later]\nlike = "tiny_forecast"\nstart = "tiny_forecast"\nsteps = 3\n'
    checkout.TABLE.write_text(STAGES.replace('ships = "tiny"\n', "") + later + pair)
    table = plan.planned()
    assert table["pair"].digest != dataclasses.replace(table["pair"], inherits=None).digest
    assert [run.name for run in plan.lineage(table["pair"])] == ["tiny_forecast", "tiny_later", "pair"]
    for name, seed in (("tiny_forecast", 1), ("tiny_later", 2), ("tiny_refine", 3)):
        torch.manual_seed(seed)
        table[name].kind(table[name].settings).save_pretrained(table[name].folder / "best")
    assert learning.train(table["pair"], device="cpu")
    assert json.loads((table["pair"].folder / "facts.json").read_text())["steps"] == 0
    made = [*learning.earlier(table["pair"]), learning.weights(table["pair"])]
    from_rows = [learning.weights(table[name]) for name in ("tiny_later", "tiny_refine")]
    for one, other in zip(made, from_rows, strict=True):
        assert all(map(torch.equal, one.generator_parameters(), other.generator_parameters()))
    whole = adapters.shipped(made[1], made[:1], ["happy"])
    whole.save_pretrained(learning.SHIPPED / "pair")
    facts = {"digest": table["pair"].digest, "steps": 0}
    results.write(table["pair"], facts, {"history": pd.DataFrame({"step": [0]})}, PICTURE)
    monkeypatch.setattr(checkout, "WORK", tmp_path / "another machine")  # there is only what was shipped
    for name in ("tiny_later", "tiny_refine", "pair"):
        assert learning.shipped_by(table[name]) == table["pair"]
    assert learning.shipped_by(table["tiny_forecast"]) is None
