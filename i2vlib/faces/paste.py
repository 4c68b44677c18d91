r"""A crop that was animated, back in the whole photo: its change is put there, and the photo's own detail with it.

A model draws 128 pixels, and draws them a little softer and warmer than they are. So its frames are not laid over the
photo. With :math:`G(0)` and :math:`G(a)` its frames at rest and at an intensity, :math:`w` the warp by the optical flow
from the one to the other, and :math:`H` the photo, the pasted frame is

.. math:: w(H) + \uparrow\bigl(G(a) - w(G(0))\bigr)

where the arrow enlarges: skin, hair and grain are the photo's, carried along by the flow; what the network adds is the
change alone, and its softness cancels at rest. Where something is covered or uncovered (teeth, lids), no detail of the
photo fits, and the drawn pixels stand there alone, in the photo's colours.

A model that carries its still (`i2vlib.papers.carried`) says itself where each pixel comes from, and its maps are
smooth. So nothing is estimated for it: with :math:`w`, :math:`m`, :math:`s` and :math:`c` its flow, gate, shade and
colour, enlarged and turned as the face lies in the photo, the pasted frame is

.. math:: m \odot w(H)\, e^{s} + (1 - m) \odot c
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from i2vlib.clips import LUMA, MAPS, Clip, load_image
from i2vlib.faces import crop as crops
from i2vlib.faces.crop import Found, Which

#: Shares of a crop's side: its soft edge; how far is blurred to see what changed, what does not fit, and the colours.
_EDGE, _CHANGED, _MISFIT, _COLOUR = 0.12, 1 / 42, 1 / 100, 1 / 20
#: Grey levels, from none to all: of a change that the flow may follow, and of a misfit that is drawn anew.
_FOLLOWED, _DRAWN = (1.0, 5.0), (14.0, 40.0)
#: What a carried frame leaves alone: less of the photo's pixels of flow, of the gate, and of the shade.
_FAINT = 0.02, 1 / 512, 1 / 512
#: How far around what changes a carried frame takes its pixels from, as a share of the crop's side.
_AROUND = 0.2


def paste_back(
    photo: np.ndarray | str | Path | bytes,
    crop: np.ndarray | Clip,
    which: Which | Found = "largest",
    neutral: np.ndarray | None = None,
) -> np.ndarray | Clip:
    """The photo, at its own resolution, with the change that an animated crop of its face makes, softly at its edge.

    A frame that is the neutral one leaves the photo unchanged, bit for bit. Frames of which no neutral one is known are
    laid into the photo as they are. A clip that has ``maps``, by a model that carries its still, is composed anew of
    the photo's own pixels; its frames are not looked at.

    Args:
        photo: anything that `i2vlib.load_image` reads; the one that was aligned.
        crop: a clip, frames ``uint8 (T, S, S, 3)``, or one frame ``(S, S, 3)``.
        which: of several faces, as `align_face` was told; or one that `find` has found, which spares the search.
        neutral: ``uint8 (S, S, 3)``, the face at rest as drawn by what drew the frames, whose change is then wanted
            even of a clip that has maps. Left out, the clip's own ``neutral``, which `animate` notes, or else its first
            frame of intensity 0.

    Returns:
        ``uint8 (H, W, 3)``; of frames ``(T, H, W, 3)``; of a clip a clip, its landmarks moved along, its
        ``neutral`` the photo.

    Raises:
        NoFaceError: no face was found in the photo.
        ValueError: the crop is not square ``uint8``, the neutral frame has another form, or there is no such face.
    """
    image = load_image(photo)
    frames = crop.frames if isinstance(crop, Clip) else np.asarray(crop)
    square = frames.ndim in (3, 4) and frames.shape[-1] == 3 and frames.shape[-2] == frames.shape[-3]
    if frames.dtype != np.uint8 or not square:
        raise ValueError(
            f"A crop is uint8 (S, S, 3) or (T, S, S, 3); this one is {frames.dtype} {frames.shape}. "
            "Make it with align_face."
        )
    size = frames.shape[-2]
    rest = _rest(crop, size, neutral)
    place = Place.of(image, crops.crop_matrix(crops.eyes_of(image, which), size), size)
    if isinstance(crop, Clip) and crop.maps is not None and neutral is None:
        pasted = np.stack([place.composed(maps) for maps in crop.maps])
    else:
        one = place.laid if rest is None else lambda frame: place.carried(rest, frame)
        pasted = np.stack([one(frame) for frame in frames.reshape(-1, size, size, 3)])
    pasted = pasted.reshape(frames.shape[:-3] + image.shape)
    if not isinstance(crop, Clip):
        return pasted
    moved = None if crop.landmarks is None else crops.transform(crop.landmarks, place.back)
    return replace(crop, frames=pasted, landmarks=moved, neutral=image, truth={}, maps=None)


def _rest(crop: np.ndarray | Clip, size: int, neutral: np.ndarray | None) -> np.ndarray | None:
    """The neutral frame of a crop, where one is known."""
    if neutral is not None:
        neutral = np.asarray(neutral)
        if neutral.dtype != np.uint8 or neutral.shape != (size, size, 3):
            raise ValueError(
                f"The neutral frame is uint8 ({size}, {size}, 3), as the frames are; this one is {neutral.dtype} "
                f"{neutral.shape}. Take the frame of intensity 0 by the same model."
            )
        return neutral
    if not isinstance(crop, Clip):
        return None
    if crop.neutral is not None or crop.intensity is None:
        return crop.neutral
    still = np.flatnonzero((crop.intensity.reshape(len(crop), -1) == 0).all(1))
    return crop.frames[still[0]] if len(still) else None


@dataclass(frozen=True, eq=False)
class Place:
    """Where in a photo a crop lies: the box around it, and for each of the box's pixels the place in the crop.

    Attributes:
        image: ``uint8 (H, W, 3)``, the photo.
        small: ``float32 (S, S, 3)``, the photo's crop, as `align_face` makes it.
        back: ``(2, 3)``, from the crop's pixels to the photo's.
        box: of the photo, rows and columns.
        grid: ``float32 (1, h, w, 2)``, the places in the crop of the box's pixels, from -1 to 1.
    """

    image: np.ndarray
    small: np.ndarray
    back: np.ndarray
    box: tuple[slice, slice]
    grid: Tensor

    @classmethod
    def of(cls, image: np.ndarray, matrix: np.ndarray, size: int) -> Place:
        """Where a crop of ``size`` pixels lies in a photo, by the similarity from the photo to it (`crop_matrix`)."""
        back = crops.inverse(matrix)
        corners = crops.transform(np.array([[0, 0], [size, 0], [0, size], [size, size]]), back)
        low = np.maximum(np.floor(corners.min(0)).astype(int), 0)
        high = np.minimum(np.ceil(corners.max(0)).astype(int), image.shape[1::-1])
        box = slice(low[1], high[1]), slice(low[0], high[0])
        y, x = np.mgrid[box] + 0.5
        inside = np.stack([x, y], -1) @ matrix[:, :2].T + matrix[:, 2]
        small = crops.warp(image, matrix, size).astype(np.float32)
        return cls(image, small, back, box, torch.from_numpy(inside / size * 2 - 1).float()[None])

    def laid(self, frame: np.ndarray) -> np.ndarray:
        """The photo with a frame laid over it."""
        soft = _window(len(frame))
        maps = self._enlarged(np.concatenate([soft * frame, soft], -1))
        return self._with(maps[:3] + (1 - maps[3]) * self._patch())

    def carried(self, rest: np.ndarray, frame: np.ndarray) -> np.ndarray:
        """The photo with the change from the neutral frame to another."""
        if np.array_equal(rest, frame):
            return self.image.copy()
        maps = self._enlarged(_change(rest.astype(np.float32), frame.astype(np.float32), self.small))
        flow, added, drawn, anew = maps.split([2, 3, 3, 1])
        detail = self._warped(flow)
        return self._with(detail + anew.clamp(0, 1) * (drawn - detail) + added)

    def composed(self, maps: np.ndarray) -> np.ndarray:
        """The photo with a frame of a model that carries its still, of which it takes nothing but the maps.

        Maps are enlarged to twice their size by cubics, and read between these by lines: as smooth, and three times as
        fast as by cubics alone. Pixels whose maps say that nothing changes are the photo's own.

        Args:
            maps: ``float (7, S, S)``, in the order of `i2vlib.clips.MAPS`; flow in the crop's pixels.
        """
        flow, gate, shade, colour = torch.from_numpy(maps).float().split(tuple(MAPS.values()))
        soft = torch.from_numpy(_window(len(self.small))).movedim(-1, 0)
        turned = torch.einsum("ij,jhw->ihw", torch.from_numpy(self.back[:, :2]).float(), flow)
        change = torch.cat([soft * turned, soft * (1 - gate), soft * shade])
        area = self._area((change.abs() > torch.tensor(np.repeat(_FAINT, (2, 1, 1)))[:, None, None]).any(0))
        if area is None:
            return self.image.copy()
        values = self._shrunk(torch.cat([change, (colour + 1) * 127.5])[None])
        if values.shape[-1] == len(self.small):
            values = F.interpolate(values, scale_factor=2, mode="bicubic", antialias=True)
        corner = [part.start - whole.start for part, whole in zip(area, self.box, strict=True)]
        rows, columns = (slice(at, at + part.stop - part.start) for at, part in zip(corner, area, strict=True))
        large = F.grid_sample(values, self.grid[:, rows, columns], "bilinear", "zeros", align_corners=False)[0]
        flow, anew, shade, colour = large.split(tuple(MAPS.values()))
        carried = self._from(flow, area).mul_(shade.exp_()).clamp_(0, 255)
        return self._with(carried.lerp_(colour, anew.clamp_(0, 1)), area)

    def _area(self, changed: Tensor) -> tuple[slice, slice] | None:
        """The smallest box of the photo that holds those pixels of the crop, ``bool (S, S)``; None without any."""
        (rows,), (columns,) = (np.nonzero(changed.any(axis).numpy()) for axis in (1, 0))
        if not len(rows):
            return None
        (top, bottom), (left, right) = ((at[0] - 2, at[-1] + 3) for at in (rows, columns))  # as far as cubics reach
        corners = crops.transform(np.array([[x, y] for x in (left, right) for y in (top, bottom)]), self.back)
        low, high = np.floor(corners.min(0)).astype(int)[::-1], np.ceil(corners.max(0)).astype(int)[::-1]
        area = [slice(max(a, box.start), min(b, box.stop)) for a, b, box in zip(low, high, self.box, strict=True)]
        return tuple(area) if all(part.start < part.stop for part in area) else None

    def _from(self, flow: Tensor, area: tuple[slice, slice]) -> Tensor:
        """An area of the photo ``(3, h, w)``, each pixel from where a flow ``(2, h, w)``, in the photo's, says."""
        around = int(_AROUND * len(self.small) * np.sqrt(np.abs(np.linalg.det(self.back[:, :2])))) + 2
        sides = self.image.shape[:2]
        room = [slice(max(a.start - around, 0), min(a.stop + around, s)) for a, s in zip(area, sides, strict=True)]
        source = torch.from_numpy(self.image[tuple(room)]).movedim(-1, 0).float()
        _, height, width = source.shape
        rows, columns = (torch.arange(a.start, a.stop) + 0.5 - r.start for a, r in zip(area, room, strict=True))
        at = torch.stack([(flow[0] + columns) * (2 / width) - 1, (flow[1] + rows[:, None]) * (2 / height) - 1], -1)
        return F.grid_sample(source[None], at[None], "bicubic", "border", align_corners=False)[0]

    def _patch(self) -> Tensor:
        return torch.tensor(self.image[self.box]).movedim(-1, 0).float()

    def _enlarged(self, maps: np.ndarray) -> Tensor:
        """Maps ``(S, S, C)`` of the crop on the box's pixels, ``(C, h, w)``; 0 outside of the crop."""
        values = self._shrunk(torch.from_numpy(maps).movedim(-1, 0).float()[None])
        return F.grid_sample(values, self.grid, "bicubic", "zeros", align_corners=False)[0]

    def _shrunk(self, values: Tensor) -> Tensor:
        """Maps ``(1, C, S, S)`` of the crop, reduced where the face is smaller in the photo than in the crop."""
        fewer = 1 / np.sqrt(np.abs(np.linalg.det(self.back[:, :2])))
        if fewer <= 1:
            return values
        side = max(1, round(values.shape[-1] / fewer))
        return F.interpolate(values, (side, side), mode="bilinear", antialias=True)

    def _warped(self, flow: Tensor) -> Tensor:
        """The box of the photo, each pixel taken from where a flow ``(2, h, w)``, in the crop's pixels, says."""
        patch = self._patch()
        _, height, width = patch.shape
        turn = torch.from_numpy(self.back[:, :2]).float()
        y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
        source = torch.stack([x, y], -1) + torch.einsum("ij,jhw->hwi", turn, flow)
        grid = source / torch.tensor([width, height]) * 2 - 1
        return F.grid_sample(patch[None], grid[None], "bicubic", "border", align_corners=False)[0]

    def _with(self, patch: Tensor, box: tuple[slice, slice] | None = None) -> np.ndarray:
        picture = self.image.copy()
        picture[box or self.box] = patch.round().clamp(0, 255).to(torch.uint8).movedim(0, -1).numpy()
        return picture


def _change(rest: np.ndarray, frame: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """How a frame differs from the neutral one, for the photo to follow; all ``float32 (S, S, 3)`` of 0 to 255.

    Returns:
        ``(S, S, 9)``, 0 at the edge: the flow, from the frame to where its pixels were, in pixels; what the flow leaves
        over; the frame before that, in the photo's colours; how much of the photo's own detail gives way to it, 0 to 1.
    """
    from scipy import ndimage

    size = len(rest)
    soft = _window(size)
    changed = ndimage.gaussian_filter(np.abs(frame - rest).mean(-1), _CHANGED * size)
    flow = _flow(frame, rest) * soft * _smooth(changed, *_FOLLOWED)[..., None]
    before = _moved(rest, flow)
    colourful = min(1.0, _chroma(photo) / max(_chroma(rest), 1.0))
    left, before = _coloured(frame - before, colourful), _coloured(before, colourful)
    colours = ndimage.gaussian_filter(_moved(photo, flow) - before, (_COLOUR * size, _COLOUR * size, 0))
    misfit = _smooth(ndimage.gaussian_filter(np.abs(left).mean(-1), _MISFIT * size), *_DRAWN)
    anew = ndimage.gaussian_filter(ndimage.grey_dilation(misfit, (3, 3)), size / 80)[..., None]
    return np.concatenate([flow, left * soft, before + colours, anew * soft], -1).astype(np.float32)


def _chroma(picture: np.ndarray) -> float:
    """The mean distance of a picture's pixels from grey, 0 to 255."""
    return float(np.ptp(picture, axis=-1).mean())


def _coloured(picture: np.ndarray, share: float) -> np.ndarray:
    """A picture with a share of its colour: models tint what is grey, and a grey photo is to stay grey."""
    grey = picture.mean(-1, keepdims=True)
    return grey + share * (picture - grey)


def _flow(frame: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """The optical flow ``(S, S, 2)``, in pixels: what is at p in the frame was at p + flow(p) at rest.

    By OpenCV's dense inverse search; where it is not installed, by scikit-image's iterative Lucas-Kanade, which takes
    ten times as long.
    """
    grey = [np.round(picture @ LUMA).astype(np.uint8) for picture in (frame, rest)]
    try:
        import cv2
    except ImportError:
        from skimage.registration import optical_flow_ilk

        return np.stack(optical_flow_ilk(*grey, radius=max(3, len(frame) // 20))[::-1], -1)
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(*grey, None)


def _moved(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """A picture ``(S, S, 3)`` with each pixel taken from where the flow says."""
    size = len(picture)
    y, x = np.mgrid[:size, :size] + 0.5
    grid = torch.from_numpy((np.stack([x, y], -1) + flow) / size * 2 - 1).float()
    values = torch.from_numpy(picture).movedim(-1, 0)
    return F.grid_sample(values[None], grid[None], "bicubic", "border", align_corners=False)[0].movedim(0, -1).numpy()


def _window(size: int) -> np.ndarray:
    """1 inside a crop, falling to 0 at its edge: ``float32 (S, S, 1)``."""
    ramp = _smooth(0.5 - np.abs((np.arange(size) + 0.5) / size - 0.5), 0, _EDGE)
    return np.outer(ramp, ramp)[..., None].astype(np.float32)


def _smooth(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """A smooth step from 0 at ``low`` to 1 at ``high``."""
    values = np.clip((values - low) / (high - low), 0, 1)
    return values * values * (3 - 2 * values)
