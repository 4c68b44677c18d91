"""What colours at twice the resolution could buy is measured by maps that a larger picture can take."""

from __future__ import annotations

import numpy as np
import torch

from i2vbook.audits import resolution
from i2vlib.clips import Clip
from i2vlib.papers.carried import Maps


class Told:
    """Stands in for a model that draws the lower half anew, in one colour, and carries the rest."""

    size = 16

    def animate(self, face: np.ndarray, expression: str, intensity: list[float]) -> Clip:
        maps = np.zeros((1, 7, 16, 16), np.float16)
        maps[:, 2, :8] = 1
        maps[:, 4:] = 0.5
        return Clip(face[None], maps=maps)


def test_an_enlarged_flow_leads_to_the_same_place_and_the_rest_stays():
    maps = np.zeros((1, 7, 8, 8), np.float32)
    maps[:, 0], maps[:, 2], maps[:, 3], maps[:, 4:] = 2.0, 0.75, -0.2, 0.4
    large = resolution.enlarged(maps, 16)
    assert isinstance(large, Maps) and large.flow.shape == (1, 2, 16, 16)
    torch.testing.assert_close(large.flow[:, 0], torch.full((1, 16, 16), 4.0))
    torch.testing.assert_close(large.gate, torch.full((1, 1, 16, 16), 0.75))
    torch.testing.assert_close(large.shade, torch.full((1, 1, 16, 16), -0.2))


def test_a_small_map_keeps_a_flat_picture_and_loses_stripes():
    flat = torch.full((1, 3, 32, 32), 0.3)
    torch.testing.assert_close(resolution.through(flat, 16), flat)
    stripes = torch.tensor([-1.0, 1.0]).repeat(16).expand(1, 3, 32, 32)
    assert resolution.through(stripes, 16).abs().max() < 1e-6


def test_true_colours_err_least_and_a_small_map_of_them_errs_for_its_size_alone(monkeypatch):
    monkeypatch.setattr(resolution, "SIZE", 32)
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 32, 32, 3), np.uint8)
    frames[1, :16] = frames[0, :16]  # what is carried stands still
    rows = resolution.compared(Told(), [Clip(frames, expression="happy", intensity=[0, 1])]).set_index("colour")
    assert rows.loc["true, at 256 px", "error"] < 0.02 and abs(rows.loc["true, at 256 px", "sharpness"] - 1) < 0.2
    assert rows.loc["true, at 128 px", "error"] > 0.2 and rows.loc["true, at 128 px", "sharpness"] < 0.2
    assert (rows["drawn"] - 0.5).abs().max() < 0.1
