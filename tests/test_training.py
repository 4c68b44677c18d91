"""The loop: what it learns, and what a kill cannot change."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import torch

import i2vlib
from i2vlib.hub import WEIGHTS
from i2vlib.papers.affinegan import AffineGAN
from i2vlib.training import CHECKPOINT, fit, numbered_rng
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

torch.manual_seed(0)
method = AffineGAN(tiny_config(latent_noise=0.01, dropout=0.5, decay=0.3))
clips = Slow(moving_square(seed=seed) for seed in range(3))
fit(method, clips, 40, seed=3, folder=sys.argv[1], checkpoint_every=7, log_every=1, progress=False, device="cpu")
"""


def fresh(**changes: object) -> AffineGAN:
    torch.manual_seed(0)
    return AffineGAN(tiny_config(**changes))


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


def test_samples_are_numbered():
    assert torch.equal(torch.rand(3, generator=numbered_rng(1, 5)), torch.rand(3, generator=numbered_rng(1, 5)))
    assert not torch.equal(torch.rand(3, generator=numbered_rng(1, 5)), torch.rand(3, generator=numbered_rng(1, 6)))


def start(folder) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", RUN, str(folder)], cwd=os.getcwd(), stderr=subprocess.PIPE)


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


def test_at_least_one_kill_came_in_time(tmp_path):
    """The test above proves nothing if the run always finishes first."""
    process = start(tmp_path)
    while not (tmp_path / CHECKPOINT).exists():
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] < 40


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
    from i2vlib.training import _schedule

    optimiser = torch.optim.Adam([torch.zeros(1, requires_grad=True)])
    rates = []
    for step in range(1, 11):
        _schedule({"one": optimiser}, 1.0, 0.5, step, 10)
        rates.append(optimiser.param_groups[0]["lr"])
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


@pytest.mark.parametrize(
    ("changes", "named"), [({"steps": 9}, "steps"), ({"seed": 1}, "seed"), ({"learning_rate": 1.0}, "config")]
)
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
    with pytest.raises(FloatingPointError, match="loss is not finite.*Lower the learning rate"):
        fit(broken, CLIPS, 8, folder=tmp_path, progress=False)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize(
    ("clips", "steps", "message"), [([], 5, "no clips to train on"), (CLIPS, 0, "positive integer; given was 0")]
)
def test_nothing_to_do_is_an_error(clips, steps, message):
    with pytest.raises(ValueError, match=message):
        fit(fresh(), clips, steps, progress=False)


def test_an_unknown_precision_is_an_error():
    with pytest.raises(ValueError, match="'no' or 'bf16'; given was 'fp16'"):
        fit(fresh(), CLIPS, 1, precision="fp16", progress=False)


def test_two_processes_learn_together(tmp_path):
    """Accelerate on two CPU processes: both hold the same weights, and the first one's word ends the run for both."""
    script = tmp_path / "train.py"
    script.write_text(
        "import torch\nfrom accelerate import Accelerator\nfrom i2vlib.training import fit\n"
        "from i2vlib.papers.affinegan import AffineGAN\nfrom tests.conftest import moving_square, tiny_config\n"
        "import os, pathlib\ntorch.manual_seed(0)\nmethod = AffineGAN(tiny_config())\n"
        "asked, rank = [], int(os.environ['RANK'])\n"
        "stop = lambda: asked.append(0) or len(asked) == 3 - rank\n"
        "fit(method, [moving_square(seed=s) for s in range(3)], 9, progress=False, stop=stop)\n"
        "total = torch.cat([p.detach().flatten() for p in method.parameters()]).double()\n"
        "file = pathlib.Path(__file__).with_name(f'sum{rank}')\n"
        "file.write_text(f'{len(asked)} {total.sum().item()} {total.abs().sum().item()}')\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(script)]
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    sums = [(tmp_path / f"sum{rank}").read_text() for rank in range(2)]
    assert sums[0] == sums[1] and sums[0].startswith("3 ")
