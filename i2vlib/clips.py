r"""Clip, the one data structure: frames, and what is known about each of them.

Everything outside a model is a `Clip` of ``uint8`` sRGB frames; everything inside one is a ``float32`` tensor
in [-1, 1]. `to_tensor` and `to_frames` are the only two doors between the two.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from i2vlib.expressions import BLENDSHAPES

#: How light a colour is: the shares of red, green and blue (Rec. 601).
LUMA = np.array([0.299, 0.587, 0.114])
#: What a model that carries the still's own pixels says of each of them, and in how many numbers: `Clip.maps`.
MAPS = {"flow": 2, "gate": 1, "shade": 1, "colour": 3}


@dataclass(frozen=True, eq=False)
class Clip:
    """A short video of one subject, with what is known about its frames. Unknown is ``None``.

    Attributes:
        frames: ``uint8 (T, H, W, 3)``, sRGB, T at least 1.
        fps: frames per second, positive.
        intensity: ``float32 (T,)``, 0 neutral and 1 the subject's peak; ``(T, n)`` for a mixture of n expressions.
        landmarks: ``float32 (T, 68, 2)``, (x, y) in pixels, pixel centres at +0.5; NaN where no face was found.
        blendshapes: ``float32 (T, 52)`` in [0, 1], columns as in `BLENDSHAPES`; NaN where unread.
        subject: who is seen.
        expression: one of `EXPRESSIONS`, or the folder's own name.
        truth: what only a renderer knows, by name, T first (``masks``, ``camera``, ...).
        neutral: ``uint8 (H, W, 3)``, the still at intensity 0 as drawn by the model that drew the frames.
        maps: ``float16 (T, 7, H, W)``, what a model that carries its still said of each frame, in the order of `MAPS`
            (`i2vlib.papers.carried.Maps`): `i2vlib.paste_back` lays them on the photo at its own size.

    Raises:
        ValueError: an array has another shape or type than the one above.
    """

    frames: np.ndarray
    fps: float = 12.0
    intensity: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    blendshapes: np.ndarray | None = None
    subject: str | None = None
    expression: str | None = None
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    neutral: np.ndarray | None = None
    maps: np.ndarray | None = None

    def __post_init__(self) -> None:
        frames = np.asarray(self.frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
            raise ValueError(
                f"A clip's frames are uint8 (T, H, W, 3) with at least one frame; "
                f"these are {frames.dtype} {frames.shape}. Convert them, for instance with i2vlib.load_image."
            )
        if not (np.isfinite(self.fps) and self.fps > 0):
            raise ValueError(f"A clip's fps is a positive number; this one is {self.fps!r}.")
        object.__setattr__(self, "frames", frames)
        shapes = {"intensity": (), "landmarks": (68, 2), "blendshapes": (len(BLENDSHAPES),)}
        for name, rest in shapes.items():
            value = getattr(self, name)
            if value is None:
                continue
            value = np.asarray(value, dtype=np.float32)
            fits = value.ndim in (1, 2) if name == "intensity" else value.shape[1:] == rest
            if not fits or len(value) != len(frames):
                expected = "(T,) or (T, n)" if name == "intensity" else f"(T, {', '.join(map(str, rest))})"
                raise ValueError(
                    f"A clip's {name} is {expected} with T = {len(frames)} frames; this one is {value.shape}."
                )
            object.__setattr__(self, name, value)
        truth = {name: np.asarray(value) for name, value in self.truth.items()}
        for name, value in truth.items():
            if value.shape[:1] != (len(frames),):
                raise ValueError(
                    f"A clip's truth has T = {len(frames)} frames first; its {name!r} has the shape {value.shape}."
                )
        object.__setattr__(self, "truth", truth)
        if self.neutral is not None and (self.neutral.dtype != np.uint8 or self.neutral.shape != frames.shape[1:]):
            raise ValueError(
                f"A clip's neutral frame is uint8 {frames.shape[1:]}, as its frames are; "
                f"this one is {self.neutral.dtype} {self.neutral.shape}."
            )
        if self.maps is not None:
            maps, expected = np.asarray(self.maps, np.float16), (len(frames), sum(MAPS.values()), *frames.shape[1:3])
            if maps.shape != expected:
                raise ValueError(
                    f"A clip's maps are {expected}, as its frames are; these are {maps.shape}. "
                    "They belong to the frames that their model drew: leave them out of a clip of other frames."
                )
            object.__setattr__(self, "maps", maps)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, frames: slice | np.ndarray | list[int]) -> Clip:
        """The clip of some of the frames: a slice, or a list of indices in any order."""
        if isinstance(frames, (int, np.integer)):
            frames = [frames]
        pick = lambda value: None if value is None else value[frames]  # noqa: E731
        return replace(
            self,
            frames=self.frames[frames],
            intensity=pick(self.intensity),
            landmarks=pick(self.landmarks),
            blendshapes=pick(self.blendshapes),
            truth={name: value[frames] for name, value in self.truth.items()},
            maps=pick(self.maps),
        )

    def __repr__(self) -> str:
        count, height, width, _ = self.frames.shape
        optional = ("intensity", "landmarks", "blendshapes", "maps")
        known = [name for name in optional if getattr(self, name) is not None]
        who = " ".join(part for part in (self.subject, self.expression) if part) or "unnamed"
        return (
            f"Clip({who}: {count} frames of {width}x{height} at {self.fps:g} fps; knows {known + sorted(self.truth)})"
        )

    def _repr_html_(self) -> str:
        from i2vlib import video

        return video.scrubber(self.frames, self.fps, labels=self._labels(), title=self._title())

    def _title(self) -> str:
        return " ".join(part for part in (self.subject, self.expression) if part) or "clip"

    def _labels(self) -> list[str]:
        if self.intensity is None:
            return [f"frame {i + 1} of {len(self)}" for i in range(len(self))]
        rows = np.atleast_2d(self.intensity.T).T
        return ["a = " + ", ".join(f"{value:.2f}" for value in row) for row in rows]

    def save(self, path: str | Path) -> Path:
        """Writes the clip; the suffix chooses the format: .gif, .mp4, .webp, or .png for a film strip.

        The file carries a note that its frames may be synthetic. Raises `ValueError` for another suffix.
        """
        from i2vlib import video

        return video.save(self.frames, path, fps=self.fps)


def backwards(clip: Clip) -> Clip:
    """The clip from its last frame to its first, as a clip of its own: from the peak to neutral (AffineGAN, section 5).

    Its intensity says how much of the way back has been made: 0 on the frame that it now begins with, 1 where the
    clip is neutral.

    Raises:
        ValueError: the clip ends neutral, so that there is no way back.
    """
    turned = clip[::-1]
    if clip.intensity is None:
        return turned
    if clip.intensity.ndim != 1 or not clip.intensity[-1] > 0:
        raise ValueError(f"{clip!r} does not end in an expression, so it cannot be led back from one.")
    return replace(turned, intensity=1 - turned.intensity / clip.intensity[-1])


def to_tensor(frames: np.ndarray) -> torch.Tensor:
    """``uint8 (..., H, W, 3)`` to ``float32 (..., 3, H, W)`` in [-1, 1]."""
    return torch.from_numpy(np.array(frames, order="C")).movedim(-1, -3).float() / 127.5 - 1


def to_frames(images: torch.Tensor) -> np.ndarray:
    """``float (..., 3, H, W)`` in [-1, 1] to ``uint8 (..., H, W, 3)``; the inverse of `to_tensor`, clipping."""
    images = images.detach().float().add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    return images.movedim(-3, -1).contiguous().cpu().numpy()


def pixels(size: int) -> int:
    """A size in pixels. Raises `ValueError` for what is no whole number, such as ``"128"``."""
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)):
        raise ValueError(f"A size is a whole number of pixels, such as 128; given was {size!r}.")
    return int(size)


def load_image(source: str | Path | bytes | np.ndarray | Image.Image) -> np.ndarray:
    """An image as ``uint8 (H, W, 3)`` sRGB: EXIF rotation applied, grey repeated, alpha laid on white.

    Args:
        source: a path, the bytes of an image file, a PIL image, or an array: ``uint8``, or float in [0, 1],
            of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).

    Raises:
        ValueError: there is no such file, it is no image or is cut short, or the array has another form.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if not isinstance(source, (str, Path, bytes, bytearray, Image.Image)):
        raise ValueError(f"An image is given as a path, bytes, an array or a PIL image; this is {type(source)}.")
    name = "the image given as bytes" if isinstance(source, (bytes, bytearray)) else f"{source}"
    try:
        if isinstance(source, Image.Image):
            image = source
        else:
            image = Image.open(io.BytesIO(source) if isinstance(source, (bytes, bytearray)) else source)
        image = ImageOps.exif_transpose(image)
        image.load()
    except FileNotFoundError:
        raise ValueError(f"There is no image file at {name}. Check the path.") from None
    except IsADirectoryError:
        raise ValueError(f"{name} is a folder, not an image. Give the path of one image file.") from None
    except UnidentifiedImageError:
        raise ValueError(f"{name} is not an image that Pillow can read. Give a JPEG, PNG or WebP file.") from None
    except Image.DecompressionBombError:
        raise ValueError(f"{name} is too large, or its header is damaged. Give an image of fewer pixels.") from None
    except (OSError, RuntimeError, SyntaxError, ValueError) as error:
        raise ValueError(f"{name} cannot be read ({error}). The file may be cut short; copy it again.") from None
    if image.mode == "F":
        return _from_array(np.asarray(image))
    if image.mode.startswith("I"):
        values = np.asarray(image, dtype=np.float64)
        deep = image.mode.startswith("I;16") or values.max() > 255
        return _from_array(np.clip(values / (65535 if deep else 255), 0, 1))
    return _from_array(np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB")))


def _from_array(array: np.ndarray) -> np.ndarray:
    wanted = "an image array is uint8, or float in [0, 1], of shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4) or 0 in array.shape:
        raise ValueError(f"This array has the shape {array.shape}; {wanted}.")
    if np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise ValueError(f"This array holds floats outside [0, 1] or not finite; {wanted}.")
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise ValueError(f"This array is {array.dtype}; {wanted}.")
    if array.shape[-1] == 4:
        alpha = array[..., 3:].astype(np.float32) / 255
        array = (array[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)
    return np.array(np.repeat(array, 3, axis=-1) if array.shape[-1] == 1 else array, order="C")
