"""Small things that many tests need."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from i2vlib.clips import Clip
from i2vlib.papers.affinegan import AffineGAN, AffineGANConfig
from i2vlib.store import user_cache


def pytest_configure() -> None:
    """Lets Ctrl+C interrupt, wherever the tests were started.

    A shell ignores SIGINT in what it starts in the background; Python and its children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Every test draws the same numbers whatever ran before it, so that it passes always or never."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("I2V_REAL_DATA")
    if not folder:
        pytest.skip("I2V_REAL_DATA is not set: it names the folder that holds affinegan-sample")
    return Path(folder)


def moving_square(size: int = 16, frames: int = 6, expression: str = "happy", seed: int = 0) -> Clip:
    """A picture whose lower half brightens frame by frame; the lower half is also its mouth."""
    rng = np.random.default_rng(seed)
    picture = np.repeat(rng.integers(40, 160, (1, size, size, 3)), frames, 0)
    intensity = np.linspace(0, 1, frames)
    mouth = np.zeros((frames, size, size), bool)
    mouth[:, size // 2 :] = True
    picture = picture + (mouth * intensity[:, None, None] * 80)[..., None]
    return Clip(
        picture.astype(np.uint8), 12, intensity, subject=f"s{seed}", expression=expression, truth={"mouth": mouth}
    )


def tiny_config(**changes: object) -> AffineGANConfig:
    values = {"size": 16, "base_channels": 8, "channel_cap": 2, "frames_per_clip": 2, "clips_per_step": 2}
    return AffineGANConfig.paper(**{**values, **changes})


@pytest.fixture
def clip() -> Clip:
    return moving_square()


@pytest.fixture
def model() -> AffineGAN:
    torch.manual_seed(0)
    return AffineGAN(tiny_config()).eval()


# Actors: the head is the user's, extracted once; rendered clips go to a folder of the test.


@pytest.fixture(scope="session")
def head():
    pytest.importorskip("pyvista", reason='rendering needs pip install "i2vlib[actors]"')
    from i2vlib.actors.head import load_head

    return load_head()


@pytest.fixture
def cache(head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of rendered clips that has the head."""
    from i2vlib.actors.head import HEAD_VERSION

    return cache_with(f"head-{HEAD_VERSION}", tmp_path, monkeypatch)


def cache_with(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test, empty but for one folder of the user's."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / name).symlink_to(user_cache() / name, target_is_directory=True)
    monkeypatch.setenv("I2VLIB_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def body():
    pytest.importorskip("pyvista", reason='rendering needs pip install "i2vlib[actors]"')
    from i2vlib.performers.body import load_body

    return load_body()


@pytest.fixture
def bodies(body, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of rendered clips that has the body."""
    from i2vlib.performers.body import BODY_VERSION

    return cache_with(f"body-{BODY_VERSION}", tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def rendered(head) -> dict[tuple[int, str], Clip]:
    """Two subjects that no other set uses, four expressions, three frames of 96 pixels: neutral, between, peak."""
    from i2vlib.datasets import actors

    return {
        (seed, name): actors.clip(seed, name, frames=3, size=96)
        for seed in (31_001, 31_002)
        for name in ("happy", "surprised", "angry", "eyes_closed")
    }


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No face is looked for: frames stay as they are."""
    from i2vlib import faces

    monkeypatch.setattr(faces, "align_clip", lambda clip, size: clip)
