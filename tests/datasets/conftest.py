"""Actors for tests: the head is the user's, extracted once; rendered clips go to a folder of the test."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyvista", reason='rendering needs pip install "i2vlib[actors]"')

from i2vlib import faces  # noqa: E402
from i2vlib.clips import Clip  # noqa: E402
from i2vlib.datasets import _head, actors  # noqa: E402


@pytest.fixture(scope="session")
def head() -> _head.Head:
    return _head.load_head()


@pytest.fixture
def cache(head: _head.Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of rendered clips that has the head."""
    folder = tmp_path / "cache"
    folder.mkdir()
    name = f"head-{_head.HEAD_VERSION}"
    (folder / name).symlink_to(_head.user_cache() / name, target_is_directory=True)
    monkeypatch.setenv("I2VLIB_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def rendered() -> dict[tuple[int, str], Clip]:
    """Two subjects that no other set uses, four expressions, three frames of 96 pixels: neutral, between, peak."""
    return {
        (seed, name): actors.clip(seed, name, frames=3, size=96)
        for seed in (31_001, 31_002)
        for name in ("happy", "surprised", "angry", "eyes_closed")
    }


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No face is looked for: frames stay as they are."""
    monkeypatch.setattr(faces, "align_clip", lambda clip, size: clip)
