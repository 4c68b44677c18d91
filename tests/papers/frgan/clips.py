"""Small methods and clips that the tests of FRGAN share."""

import numpy as np
import torch

from i2vlib.clips import Clip
from i2vlib.papers.frgan import Forecast, ForecastConfig, Refine, RefineConfig

SIZE = 32
ALL = {"reconstruction": 3.0, "sparsity": 0.05, "adversarial": 1.0, "critic": 1.0, "gradient_penalty": 10.0}


def forecaster(**changes: object) -> Forecast:
    torch.manual_seed(0)
    values = {"size": SIZE, "base_channels": 4, "channel_cap": 2, "code": 16, "clips_per_step": 2, "weights": ALL}
    return Forecast(ForecastConfig(**{**values, **changes}))


def refiner(**changes: object) -> Refine:
    torch.manual_seed(0)
    values = {
        "size": SIZE, "frames": 16, "base_channels": 4, "channel_cap": 2, "critic_base": 4, "criticised_frames": 3,
        "clips_per_step": 2,
    }  # fmt: skip
    return Refine(RefineConfig(**{**values, **changes}))


def conditioned(frames: int = 16, seed: int = 0, forecast: bool = False) -> Clip:
    """A picture in which a square brightens, and maps on which it turns."""
    rng = np.random.default_rng(seed)
    pictures = np.repeat(rng.integers(60, 160, (1, SIZE, SIZE, 3)), frames, 0)
    pictures[:, 16:24, 8:24] += np.linspace(0, 80, frames).astype(int)[:, None, None, None]
    maps = np.zeros((frames, SIZE, SIZE, 3), np.int8)
    maps[:, 4:28, 4:28, 2] = -127
    maps[:, 16:24, 8:24, 0] = np.linspace(0, 100, frames).astype(int)[:, None, None]
    truth = {"condition": maps} | (
        {"forecast": np.repeat(pictures[:1], frames, 0).astype(np.uint8)} if forecast else {}
    )
    return Clip(pictures.astype(np.uint8), 12, np.linspace(0, 1, frames), subject=f"s{seed}", truth=truth)


def batch_of(method: Forecast | Refine, count: int = 2) -> dict[str, torch.Tensor]:
    clips = [conditioned(seed=s, forecast=True) for s in range(count)]
    examples = [method.example(clip, torch.Generator().manual_seed(i)) for i, clip in enumerate(clips)]
    return {name: torch.stack([e[name] for e in examples]) for name in examples[0]}
