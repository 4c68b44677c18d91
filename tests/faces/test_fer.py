"""The classifier of expressions: on two real pictures that may be shown, and a blank one."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib import faces
from i2vlib.faces import fer

pytest.importorskip("dlib")
pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def smile() -> np.ndarray:
    """NASA's portrait of a smiling astronaut, public domain."""
    skimage = pytest.importorskip("skimage")
    return faces.align_face(skimage.data.astronaut(), 128)


def test_a_smile_is_called_happy_and_nothing_is_not_a_face(smile: np.ndarray) -> None:
    frames = np.stack([smile, np.full_like(smile, 128), smile[:, ::-1]])
    shares = fer.probabilities(frames)
    assert shares.shape == (3, len(fer.NAMES)) and shares.dtype == np.float32
    assert np.isnan(shares[1]).all()
    np.testing.assert_allclose(shares[[0, 2]].sum(1), 1, atol=1e-5)
    assert (shares[[0, 2], fer.NAMES.index("happy")] > 0.9).all()
    assert fer.classify(frames) == ("happy", None, "happy")
    np.testing.assert_array_equal(fer.probabilities(frames), shares)


def test_the_size_of_the_frame_hardly_matters(smile: np.ndarray) -> None:
    skimage = pytest.importorskip("skimage")
    large = faces.align_face(skimage.data.astronaut(), 256)
    shares = np.concatenate([fer.probabilities(smile[None]), fer.probabilities(large[None])])
    assert np.abs(np.diff(shares, axis=0)).max() < 0.1


def test_the_crop_is_a_grown_box() -> None:
    """The box is a square of 40 around (50, 60): the crop is 51.6 wide around (51.6, 56)."""
    y, x = np.mgrid[:128, :128] + 0.5
    frame = np.stack([x, x, x], -1).astype(np.uint8)
    crop = (fer._crop(frame, np.array([30, 40, 70, 80], np.float32)) / 2 + 0.5) * 255
    assert crop.shape == (64, 64) and crop.mean() == pytest.approx(51.6 - 0.5, abs=0.5)
    assert crop[:, -1].mean() - crop[:, 0].mean() == pytest.approx(51.6 * 63 / 64, abs=1)
    frame = np.stack([y, y, y], -1).astype(np.uint8)
    crop = (fer._crop(frame, np.array([30, 40, 70, 80], np.float32)) / 2 + 0.5) * 255
    assert crop.mean() == pytest.approx(56 - 0.5, abs=0.5)
