"""The loop: what it learns, and what a kill cannot change."""

import copy
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import i2vlib
from i2vlib import checkpoints, training
from i2vlib.checkpoints import CHECKPOINT, HISTORY, SAMPLE
from i2vlib.hub import WEIGHTS
from i2vlib.papers.affinegan import AffineGAN
from i2vlib.training import Examples, draw_weights, fit, learning_rate, numbered_rng
from tests.conftest import moving_square, tiny_config

CLIPS = [moving_square(seed=seed) for seed in range(3)]
RUN = """
import sys, time, torch
torch.set_num_threads(1)
from i2vlib.papers.affinegan import AffineGAN
from i2vlib.training import fit
from tests.conftest import moving_square, tiny_config

class Slow(list):
    def __getitem__(self, index):
        time.sleep(0.005)
        return super().__getitem__(index)

method = AffineGAN(tiny_config(latent_noise=0.01, dropout=0.5, decay=0.3))
clips = Slow(moving_square(seed=seed) for seed in range(3))
fit(method, clips, 40, seed=3, folder=sys.argv[1], checkpoint_every=7, log_every=1, progress=False, device="cpu")
print("the lines after fit")
"""


def fresh(**changes: object) -> AffineGAN:
    torch.manual_seed(0)
    return AffineGAN(tiny_config(**changes))


def weights(method: torch.nn.Module) -> dict:
    return {name: value.clone() for name, value in method.state_dict().items()}


def same(one: dict, two: dict) -> bool:
    return all(torch.equal(one[name], two[name]) for name in one)


def test_fit_lowers_the_reconstruction_error_and_says_so():
    history = fit(fresh(learning_rate=2e-3), CLIPS, 60, log_every=1, progress=False)
    first, last = history["generator/reconstruction"].head(5).mean(), history["generator/reconstruction"].tail(5).mean()
    assert last < 0.7 * first
    assert isinstance(history, pd.DataFrame) and history["step"].tolist() == list(range(1, 61))


def test_one_seed_one_result_and_another_seed_another():
    results = []
    for seed in (1, 1, 2):
        method = fresh()
        fit(method, CLIPS, 4, seed=seed, progress=False)
        results.append(method.state_dict())
    assert same(results[0], results[1]) and not same(results[0], results[2])


# The first weights


def parts(method: AffineGAN) -> list[str]:
    """The generator, and the modules that judge."""
    judges = (name for name, _ in method.named_modules() if name.rpartition(".")[2].startswith("discriminator"))
    return ["generator", *(name for name in judges if list(method.get_submodule(name).parameters()))]


@pytest.mark.parametrize("name", sorted(i2vlib.METHODS))
def test_the_seed_draws_the_first_weights_that_it_always_drew(name):
    """Runs seeded torch themselves, just before a method was constructed; their results stand only if no bit moves."""
    kind = getattr(i2vlib, name)
    forecast = {"size": 16, "base_channels": 8, "channel_cap": 2}
    config = {
        "AffineGAN": tiny_config,
        "FAN": lambda: kind.Config.paper(size=16, base_channels=8, channel_cap=2),
        "FRGAN": lambda: kind.Config(i2vlib.ForecastConfig(**forecast), i2vlib.RefineConfig(**forecast)),
        "ConvLSTM": lambda: kind.Config.small(size=16, base_channels=4),
        "GANimation": lambda: kind.Config.small(size=32, base_channels=4),
        "Hourglass": lambda: kind.Config(size=16, channels=8),
        **dict.fromkeys(
            ("FGST", "HP", "MCNet", "Mathieu", "MoCoGAN", "VGAN"), lambda: kind.Config.small(base_channels=4)
        ),
        "PosePredictor": lambda: kind.Config(hidden=8),
        "FRGANPoses": lambda: kind.Config(
            i2vlib.PosePredictorConfig(hidden=8),
            i2vlib.ForecastConfig(condition="joints", **forecast),
            i2vlib.RefineConfig(condition="joints", **forecast),
        ),
    }.get(name, lambda: kind.Config(**forecast))()
    torch.manual_seed(7)
    seeded = weights(kind(config))
    torch.manual_seed(8)
    method, before = kind(config), torch.get_rng_state()
    assert not same(weights(method), seeded)
    assert draw_weights(method, 7) == parts(method) and same(weights(method), seeded)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
def test_the_lines_of_the_readme_end_in_the_same_bits_twice():
    """Two fresh processes, which begin with other random numbers."""
    lines = (
        "import hashlib, sys, torch, i2vlib\n"
        "from tests.conftest import moving_square, tiny_config\n"
        "clips = [moving_square(seed=seed) for seed in range(3)]\n"
        "torch.manual_seed(int(sys.argv[1]))\n"
        "method = i2vlib.AffineGAN(tiny_config())\n"
        "i2vlib.fit(method, clips, steps=2, seed=0, progress=False)\n"
        "print(hashlib.sha256(b''.join(p.detach().numpy().tobytes() for p in method.parameters())).hexdigest())\n"
    )
    run = lambda start: subprocess.run([sys.executable, "-c", lines, start], capture_output=True, check=True)  # noqa: E731
    one, two = (run(start).stdout for start in "12")
    assert one == two and len(one) > 60


@pytest.mark.parametrize("how", ["loaded", "inherited", "trained", "changed", "copied"])
def test_a_method_that_was_given_weights_keeps_them(how):
    """And what it was not given, the discriminators, comes from the seed."""
    torch.manual_seed(1)
    other, method = AffineGAN(tiny_config()), AffineGAN(tiny_config())
    if how == "loaded":
        method.load_state_dict(other.state_dict())
    elif how == "inherited":
        method.inherit(other)
    elif how == "trained":
        fit(method, CLIPS, 1, progress=False)
    else:
        with torch.no_grad():
            next(method.parameters())[0] += 1e-3
        method = copy.deepcopy(method) if how == "copied" else method
    before, seeded = weights(method), weights(fresh())
    given = how in ("loaded", "trained")
    assert draw_weights(method, 0) == ([] if given else parts(method)[1:])
    for name, value in weights(method).items():
        assert torch.equal(value, before[name] if given or not name.startswith("discriminator") else seeded[name]), name


def test_a_new_copy_is_new_and_one_with_statistics_of_its_own_is_as_well():
    method = AffineGAN(tiny_config(norm="batch"))
    method.outputs(next(iter(torch.utils.data.DataLoader(Examples(method, CLIPS, 0, range(2)), 2))))
    assert draw_weights(copy.deepcopy(method), 0) == draw_weights(method, 0) == parts(method)


def test_a_pretrained_model_is_trained_on_and_the_seed_decides_that_too(tmp_path):
    """Its file holds no discriminators: they were drawn from whatever torch's random numbers were."""
    fresh().save_pretrained(tmp_path)
    ends = []
    for start in (1, 2):
        torch.manual_seed(start)
        method = i2vlib.load_pretrained(tmp_path)
        before = weights(method)
        fit(method, CLIPS, 2, seed=5, progress=False)
        ends.append(weights(method))
    moved = max((ends[0][name] - before[name]).abs().max() for name in before if name.startswith("encoder"))
    assert 0 < moved < 1e-3, "two steps of Adam move no weight by more than twice the learning rate"
    assert same(*ends)


def test_of_a_file_with_one_discriminator_the_others_come_from_the_seed(tmp_path):
    config = tiny_config(expressions=("happy", "angry"), weights={"classification": 1.0})
    taught = AffineGAN(config)
    with torch.no_grad():
        taught.discriminator.classify.weight += 1  # a D_g as it was constructed is not kept
    taught.save_pretrained(tmp_path)
    method = i2vlib.load_pretrained(tmp_path)
    judge = {name: value.clone() for name, value in weights(method).items() if name.startswith("discriminator.")}
    assert draw_weights(method, 4) == ["discriminator_local", "discriminator_intensity"]
    torch.manual_seed(4)
    seeded = weights(AffineGAN(config))
    for name, value in weights(method).items():
        if name.startswith("discriminator"):
            assert torch.equal(value, judge[name] if name in judge else seeded[name]), name


def test_the_callers_random_numbers_are_left_alone(tmp_path):
    method = AffineGAN(tiny_config())
    before = torch.get_rng_state()
    fit(method, CLIPS, 2, folder=tmp_path, progress=False)
    assert torch.equal(torch.get_rng_state(), before)


# Checkpoints


def test_samples_are_numbered():
    assert torch.equal(torch.rand(3, generator=numbered_rng(1, 5)), torch.rand(3, generator=numbered_rng(1, 5)))
    assert not torch.equal(torch.rand(3, generator=numbered_rng(1, 5)), torch.rand(3, generator=numbered_rng(1, 6)))


def start(folder) -> subprocess.Popen:
    command, pipe = [sys.executable, "-c", RUN, str(folder)], subprocess.PIPE
    return subprocess.Popen(command, cwd=os.getcwd(), stdout=pipe, stderr=pipe, text=True)


def final(folder) -> dict:
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    assert state["step"] == 40
    return state["method"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    assert start(folder).wait(120) == 0
    return final(folder)


@pytest.mark.parametrize("after", [0.0, 0.1, 0.35])
@pytest.mark.slow
def test_a_killed_run_ends_in_the_same_bits(after, unbroken, tmp_path):
    """SIGKILL some time after the first checkpoint, then again, then let it finish."""
    for round_ in (1, 2):
        process = start(tmp_path)
        known = (tmp_path / CHECKPOINT).stat().st_mtime_ns if round_ == 2 else 0
        while process.poll() is None:
            if (tmp_path / CHECKPOINT).exists() and (tmp_path / CHECKPOINT).stat().st_mtime_ns > known:
                break
            time.sleep(0.002)
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(tmp_path).wait(120) == 0
    assert same(final(tmp_path), unbroken)


@pytest.mark.slow
def test_at_least_one_kill_came_in_time(tmp_path):
    """The test above proves nothing if the run always finishes first."""
    process = start(tmp_path)
    while not (tmp_path / CHECKPOINT).exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] < 40


@pytest.mark.parametrize(("number", "after"), [(signal.SIGINT, 0.13), (signal.SIGTERM, 0.0)])
@pytest.mark.slow
def test_an_interrupted_run_says_how_to_go_on_and_ends_in_the_same_bits(number, after, unbroken, tmp_path):
    """The step that is being done is ended and saved; then the signal does what it always does."""
    process = start(tmp_path)
    while not (tmp_path / CHECKPOINT).exists():
        time.sleep(0.002)
    time.sleep(after)
    process.send_signal(number)
    said, warned = process.communicate(timeout=60)
    assert said == "", "the script went on as if the run were done"
    assert process.returncode == -signal.SIGTERM if number == signal.SIGTERM else "KeyboardInterrupt: " in warned
    step = torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"]
    assert f"interrupted after step {step} of 40, and {tmp_path} holds a checkpoint" in warned.replace("\n", " ")
    assert "Call fit again with the same arguments" in warned and 1 <= step < 40
    assert i2vlib.load_pretrained(tmp_path).expressions == ("happy",)
    assert start(tmp_path).wait(120) == 0
    assert same(final(tmp_path), unbroken)


class Interrupting(list):
    """Clips of which asking for one sends this process signals."""

    def __init__(self, clips, number: int, times: int = 1) -> None:
        super().__init__(clips)
        self.number, self.left = number, times

    def __getitem__(self, index: int):
        if self.left:
            self.left -= 1
            signal.raise_signal(self.number)
        return super().__getitem__(index)


def test_the_handlers_are_those_of_before_and_are_obeyed(tmp_path):
    """A caller's own handler is asked afterwards; if it lets the run end quietly, fit returns."""
    heard, method = [], fresh()
    before = {number: signal.signal(number, lambda n, _: heard.append(n)) for number in (signal.SIGINT, signal.SIGTERM)}
    own = signal.getsignal(signal.SIGTERM)
    try:
        history = fit(method, Interrupting(CLIPS, signal.SIGTERM, 9), 9, folder=tmp_path, log_every=1, progress=False)
        assert heard == [signal.SIGTERM] and signal.getsignal(signal.SIGTERM) is own
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert history["step"].tolist() == [1] and not method.training


@pytest.mark.slow
def test_tests_are_interrupted_even_where_a_shell_has_started_them_in_the_background():
    """Such a shell ignores SIGINT, and the tests of Ctrl+C failed there."""
    named = "::".join([str(Path(__file__)), "test_without_a_folder_there_is_nothing_to_wait_for"])
    code = "import os, sys; from signal import *; signal(SIGINT, SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", named]
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_second_interrupt_is_obeyed_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt) as stopped:
        fit(fresh(), Interrupting(CLIPS, signal.SIGINT, 2), 9, folder=tmp_path, progress=False)
    assert str(stopped.value) == "" and not (tmp_path / CHECKPOINT).exists()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_a_folder_there_is_nothing_to_wait_for():
    with pytest.raises(KeyboardInterrupt):
        fit(fresh(), Interrupting(CLIPS, signal.SIGINT), 9, progress=False)


def test_an_ignored_signal_stays_ignored_and_a_thread_holds_nothing_back(tmp_path):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        history = fit(fresh(), Interrupting(CLIPS, signal.SIGINT), 3, folder=tmp_path / "ignored", progress=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert history["step"].max() == 3
    kept = []
    thread = threading.Thread(target=lambda: kept.append(fit(fresh(), CLIPS, 2, folder=tmp_path, progress=False)))
    thread.start()
    thread.join(60)
    assert kept[0]["step"].max() == 2


def test_there_is_a_checkpoint_after_the_first_step_and_every_minute(tmp_path):
    seen, path = [], tmp_path / CHECKPOINT
    step = lambda: torch.load(path, weights_only=True)["step"] if path.exists() else 0  # noqa: E731
    for minutes in (1.0, 0.0):
        fit(
            fresh(),
            CLIPS,
            4,
            folder=tmp_path,
            checkpoint_minutes=minutes,
            progress=False,
            stop=lambda: seen.append(step()),
        )
        path.unlink()
    assert seen == [0, 1, 1, 0, 1, 2], "asked before the checkpoint of its step is written"


def test_the_minutes_are_counted_from_the_last_checkpoint(tmp_path, monkeypatch):
    clock = iter(range(0, 10**6, 20))  # every look at it is 20 seconds later
    monkeypatch.setattr(training.time, "monotonic", lambda: next(clock))
    steps = []
    monkeypatch.setattr(training, "Record", spying(training.Record, steps))
    fit(fresh(), CLIPS, 12, folder=tmp_path, checkpoint_every=10**6, log_every=10**6, progress=False)
    assert steps[0] == 1 and steps[-1] == 12 and set(np.diff(steps[:-1])) == {3}


def spying(kind: type, steps: list[int]) -> type:
    class Spy(kind):
        def write(self, step: int) -> None:
            steps.append(step)
            super().write(step)

    return Spy


def test_a_run_leaves_its_history_and_a_sample_and_they_change_no_bit(tmp_path):
    """So large that a reader of faces looks at the still."""
    clips, config = [moving_square(size=64)], {"size": 64, "dropout": 0.5, "latent_noise": 0.01, "norm": "batch"}
    alone, watched = fresh(**config), fresh(**config)
    fit(alone, clips, 3, progress=False)
    history = fit(watched, clips, 3, folder=tmp_path, checkpoint_every=1, log_every=1, progress=False)
    assert same(alone.state_dict(), watched.state_dict())
    assert pd.read_csv(tmp_path / HISTORY)["step"].tolist() == history["step"].tolist() == [1, 2, 3]
    picture = i2vlib.load_image(tmp_path / SAMPLE)
    assert picture.shape == (2 * 64, 6 * 64 + 5 * 2, 3)
    assert np.array_equal(picture[:64, -64:], clips[0].frames[-1])
    made = watched.redraw(clips[0], [5]).frames[0]
    assert np.array_equal(picture[64:, -64:], made)


def test_a_clip_that_cannot_be_made_again_has_no_sample(tmp_path):
    from i2vlib.papers.fan import FAN, FANConfig

    bare = replace(moving_square(), intensity=None)
    method = FAN(FANConfig.paper(size=16, base_channels=8, channel_cap=2, labels="time", clips_per_step=1))
    assert checkpoints.watched(method, [bare]) is None and checkpoints.watched(fresh(), [bare])[1] == [0, 1, 2, 3, 4, 5]
    fit(method, [bare], 1, folder=tmp_path, progress=False)
    assert (tmp_path / HISTORY).exists() and not (tmp_path / SAMPLE).exists()


@pytest.mark.parametrize(("decay", "first", "then"), [(0.0, 3, 6), (0.0, 6, 4), (0.5, 20, 24)])
def test_a_run_is_made_longer_where_the_schedule_allows(decay, first, then, tmp_path):
    whole = fresh(decay=decay)
    fit(whole, CLIPS, then, progress=False)
    finished = first < then and not decay
    stop = (lambda: False) if finished else iter([False, False, True]).__next__
    fit(fresh(decay=decay), CLIPS, first, folder=tmp_path, progress=False, stop=stop)
    method = fresh(decay=decay)
    history = fit(method, CLIPS, then, folder=tmp_path, log_every=1, progress=False)
    assert same(method.state_dict(), whole.state_dict()) and history["step"].max() == then


def test_a_run_whose_rate_has_fallen_is_not_made_longer_and_says_why(tmp_path):
    fit(fresh(decay=0.5), CLIPS, 4, folder=tmp_path, progress=False)
    before = (tmp_path / CHECKPOINT).read_bytes()
    message = (
        "cannot go on to 8 steps: it has done 4 of 4, the learning rate falls over the last 50% of them, and in a run"
    )
    with pytest.raises(ValueError, match=f"{message} of 8 step 4 would have had 0.0002 where it had 0.0001"):
        fit(fresh(decay=0.5), CLIPS, 8, folder=tmp_path, progress=False)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_steps_are_not_taken_back(tmp_path):
    fit(fresh(), CLIPS, 3, folder=tmp_path, progress=False)
    with pytest.raises(ValueError, match="3.*2"):
        fit(fresh(), CLIPS, 2, folder=tmp_path, progress=False)


def test_stop_checkpoints_and_the_next_call_goes_on(tmp_path):
    whole, parts = fresh(), fresh()
    fit(whole, CLIPS, 6, progress=False, log_every=1)
    calls = iter([False, False, True])
    history = fit(parts, CLIPS, 6, folder=tmp_path, progress=False, log_every=1, stop=lambda: next(calls))
    assert history["step"].tolist() == [1, 2, 3]
    history = fit(fresh(), CLIPS, 6, folder=tmp_path, progress=False, log_every=1)
    assert history["step"].tolist() == [1, 2, 3, 4, 5, 6]
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)["method"]
    assert same(whole.state_dict(), state)


def test_a_finished_run_is_read_not_repeated(tmp_path):
    fit(fresh(), CLIPS, 3, folder=tmp_path, progress=False)
    stamp = (tmp_path / CHECKPOINT).stat().st_mtime_ns
    method = fresh()
    fit(method, CLIPS, 3, folder=tmp_path, progress=False)
    assert (tmp_path / CHECKPOINT).stat().st_mtime_ns == stamp
    assert same(method.state_dict(), torch.load(tmp_path / CHECKPOINT, weights_only=True)["method"])


def test_weights_that_a_kill_kept_from_being_written_are_written_by_the_next_call(tmp_path):
    fit(fresh(), CLIPS, 2, folder=tmp_path, progress=False)
    (tmp_path / WEIGHTS).unlink()
    method = fresh()
    fit(method, CLIPS, 2, folder=tmp_path, progress=False)
    assert not method.training and i2vlib.load_pretrained(tmp_path).expressions == ("happy",)


def test_the_folder_of_a_run_loads_as_a_model(tmp_path):
    method = fresh()
    fit(method, CLIPS, 2, folder=tmp_path, progress=False)
    made = i2vlib.load_pretrained(tmp_path).animate(CLIPS[0].frames[0], intensity=[0, 1])
    expected = method.animate(CLIPS[0].frames[0], intensity=[0, 1])
    assert abs(made.frames.astype(int) - expected.frames.astype(int)).max() <= 2  # half precision


def test_terms_of_weight_zero_are_not_computed():
    history = fit(fresh(weights={"reconstruction": 1.0}), CLIPS, 2, log_every=1, progress=False)
    assert [name for name in history if name.startswith("discriminator")] == []


def test_the_learning_rate_falls_over_the_last_share_of_the_steps():
    rates = [learning_rate(1.0, 0.5, step, 10) for step in range(1, 11)]
    assert rates == pytest.approx([1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])


def test_validation_enters_the_history_and_survives_a_resume(tmp_path):
    """Numbers of numpy's own types once made a checkpoint that could not be loaded again."""
    options = {
        "folder": tmp_path,
        "progress": False,
        "validate": lambda m: {"score": np.float64(1)},
        "validate_every": 2,
    }
    fit(fresh(), CLIPS, 4, stop=iter([False, True]).__next__, **options)
    history = fit(fresh(), CLIPS, 4, **options)
    assert history["validation/score"].dropna().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("damage", [b"", b"not a checkpoint", None])
def test_a_damaged_checkpoint_is_named_and_left_alone(damage, tmp_path):
    fit(fresh(), CLIPS, 2, folder=tmp_path, progress=False)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:5000] if damage is None else damage)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"checkpoint {path} cannot be read.*Move it away to start again"):
        fit(fresh(), CLIPS, 4, folder=tmp_path, progress=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("changes", "named"), [({"seed": 1}, "seed"), ({"learning_rate": 1.0}, "config")])
def test_a_checkpoint_of_another_run_is_refused_and_left_alone(changes, named, tmp_path):
    fit(fresh(), CLIPS, 2, folder=tmp_path, progress=False)
    before = (tmp_path / CHECKPOINT).read_bytes()
    options = {"steps": 2, "seed": 0} | {k: v for k, v in changes.items() if k != "learning_rate"}
    rate = {k: v for k, v in changes.items() if k == "learning_rate"}
    with pytest.raises(ValueError, match=f"of another run: {named} differ"):
        fit(fresh(**rate), CLIPS, folder=tmp_path, progress=False, **options)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    fit(fresh(), CLIPS, 8, folder=tmp_path, progress=False, checkpoint_every=2, stop=iter([False, True]).__next__)
    before = (tmp_path / CHECKPOINT).read_bytes()
    broken = fresh()
    broken.outputs = lambda batch: {n: v * float("nan") for n, v in AffineGAN.outputs(broken, batch).items()}
    with pytest.raises(FloatingPointError, match="learning"):
        fit(broken, CLIPS, 8, folder=tmp_path, progress=False)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize(
    ("clips", "steps", "message"), [([], 5, "no clips to train on"), (CLIPS, 0, "positive integer; given was 0")]
)
def test_nothing_to_do_is_an_error(clips, steps, message):
    with pytest.raises(ValueError, match=message):
        fit(fresh(), clips, steps, progress=False)


def test_an_unknown_precision_is_an_error():
    with pytest.raises(ValueError, match="'no'.*'bf16'"):
        fit(fresh(), CLIPS, 1, precision="fp16", progress=False)


def launched(script: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_two_processes_learn_together(tmp_path):
    """Accelerate on two CPU processes: gradients are averaged, both hold the same weights, the first ones too, and the
    first process's word ends the run for both."""
    script = tmp_path / "train.py"
    script.write_text(
        "import torch\nfrom accelerate import Accelerator\nfrom i2vlib.training import _step, fit\n"
        "from i2vlib.papers.affinegan import AffineGAN\nfrom tests.conftest import moving_square, tiny_config\n"
        "import os, pathlib\ntorch.manual_seed(int(os.environ['RANK']))\nmethod = AffineGAN(tiny_config())\n"
        "asked, rank = [], int(os.environ['RANK'])\n"
        "weight = torch.nn.Parameter(torch.zeros(3))\n"
        "loss = {'one': (2 * rank + 1) * weight.sum()}\n"  # gradients 1 and 3
        "_step(Accelerator(), torch.optim.SGD([weight], 1.0), 'generator', loss, {'one': 1.0})\n"
        "assert weight.tolist() == [-2.0] * 3, weight\n"
        "stop = lambda: asked.append(0) or len(asked) == 3 - rank\n"
        "fit(method, [moving_square(seed=s) for s in range(3)], 9, progress=False, stop=stop)\n"
        "total = torch.cat([p.detach().flatten() for p in method.parameters()]).double()\n"
        "file = pathlib.Path(__file__).with_name(f'sum{rank}')\n"
        "file.write_text(f'{len(asked)} {total.sum().item()} {total.abs().sum().item()}')\n"
    )
    done = launched(script)
    said = done.communicate(timeout=180)[1]
    assert done.returncode == 0, said[-2000:]
    sums = [(tmp_path / f"sum{rank}").read_text() for rank in range(2)]
    assert sums[0] == sums[1] and sums[0].startswith("3 ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.slow
def test_a_signal_to_one_of_two_processes_ends_both_with_a_checkpoint(number, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import os, signal, sys, time\nfrom i2vlib.training import fit\n"
        "from i2vlib.papers.affinegan import AffineGAN\nfrom tests.conftest import moving_square, tiny_config\n"
        "steps, second = [], os.environ['RANK'] == '1'\n"
        "def stop():\n    steps.append(0)\n"
        "    if second and len(steps) == 3:\n        os.kill(os.getpid(), int(sys.argv[1]))\n    return False\n"
        "fit(AffineGAN(tiny_config()), [moving_square()], 9, folder=sys.argv[2], progress=False, stop=stop)\n"
    )
    done = launched(script, str(int(number)), str(tmp_path / "run"))
    said = done.communicate(timeout=180)[1]
    assert done.returncode != 0 and "interrupted after step 3 of 9" in said
    assert torch.load(tmp_path / "run" / CHECKPOINT, weights_only=True)["step"] == 3


@pytest.mark.parametrize(
    ("device", "message"),
    [
        pytest.param("cuda", "no device 'cuda' that PyTorch can use here; there are \\['cpu'",
                     marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")),
        ("gpu", "no device 'gpu'"),
        ("cpu:0", "no device 'cpu:0'"),
    ],
)  # fmt: skip
def test_a_device_that_is_not_there_is_an_error(device, message):
    with pytest.raises(ValueError, match=message):
        fit(fresh(), CLIPS, 1, device=device, progress=False)


def test_a_gpu_is_not_silently_another_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="CUDA_VISIBLE_DEVICES=1"):
        fit(fresh(), CLIPS, 1, device="cuda:1", progress=False)
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    with pytest.raises(ValueError, match="'cuda'.*'cpu'"):
        fit(fresh(), CLIPS, 1, device="cuda", progress=False)
