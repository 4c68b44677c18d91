"""The performers' body fitted to joints of real people: what a clip's pose was, out of 13 points in its pictures.

The unknowns are those that a pose is told by (`skeleton.CHANNELS`), so what comes out moves any performer, with arms
and legs of their own length. A camera is far away: pixels are metres across its axis, times one scale a clip. How far
away from the camera a joint is nobody says; it follows from the lengths of limbs, from knees and elbows that bend one
way only, and from movements that are smooth. All frames of many clips are fitted in one descent, from four sides.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from i2vlib.joints import JOINTS, box
from i2vlib.performers.actions import STANDING
from i2vlib.performers.body import load_body
from i2vlib.performers.footing import floored
from i2vlib.performers.people import standing
from i2vlib.performers.skeleton import CHANNELS, JOINT_BONES, NECK, REACH, SPINE, Skeleton, shrugged, turned
from i2vlib.store import digest, user_cache, write_arrays

#: Raised whenever another motion comes out for the same joints.
FIT_VERSION = 1
#: Sides from which the body may be seen, and steps of Adam: from all of them, then from the best one.
YAWS = (0.0, 90.0, 180.0, 270.0)
STEPS = (100, 150)
RATE = 0.04
#: The sides are tried on every third frame.
THINNED = 3
#: Frames that are fitted at once: more fall out of a processor's cache.
AT_ONCE = 3000
#: A clip can be fitted if so many of its frames show so many joints.
FRAMES, SHOWN = 8, 6

#: The unknowns of a frame, and how many numbers each has: angles in radians, places in arms or legs.
_UNKNOWNS = {
    "pelvis": 2, "turn": 3, "chest": 3, "look": 2, "left_hand": 3, "right_hand": 3, "left_elbow": 3, "right_elbow": 3,
    "left_ankle": 3, "right_ankle": 3, "left_toe": 1, "right_toe": 1,
}  # fmt: skip
_STILL = {
    **{name: STANDING[name] for name in ("left_hand", "right_hand", "left_elbow", "right_elbow")},
    "left_ankle": (0.0, 0.14, -0.95), "right_ankle": (0.0, -0.14, -0.95), "left_toe": (0.1,), "right_toe": (-0.1,),
}  # fmt: skip
#: How strongly an unknown is held at a person's who stands, and, all alike, how smooth it is in time.
_HELD = {
    "pelvis": 0.0, "turn": 0.003, "chest": 0.006, "look": 0.006, "left_hand": 0.001, "right_hand": 0.001,
    "left_elbow": 0.002, "right_elbow": 0.002, "left_ankle": 0.002, "right_ankle": 0.002, "left_toe": 0.005,
    "right_toe": 0.005,
}  # fmt: skip
_SMOOTH = 0.25
#: What a clip's body is scaled by: as a whole, and in parts besides, which are held at what labels of Penn Action have
#: of people who face the camera. Without them, narrow shoulders are taken for somebody who stands aslant.
_SHAPE = {"all": 0.6, "trunk": 1.25, "shoulders": 0.88, "hips": 1.0, "arms": 1.0}
_USUAL = 0.05
#: How far a foot is turned against the pelvis at most, in radians.
_TOES = 0.9


@dataclass(frozen=True, eq=False)
class Fit:
    """How a person in a clip of T frames moved, and how well that is known.

    Attributes:
        pose: of `skeleton.CHANNELS`, each ``float32 (T, k)``, as `skeleton.Skeleton.posed` takes them; 0 of forwards
            is towards the camera.
        joints: ``float32 (T, 13, 2)``, where the fitted body's joints are, in pixels as they were given.
        height: of the body from head to foot, were it upright, in pixels.
    """

    pose: Mapping[str, np.ndarray]
    joints: np.ndarray
    height: float

    def errors(self, joints: np.ndarray, visible: np.ndarray, made: np.ndarray | None = None) -> np.ndarray:
        """How far the fitted joints, or those made of them, are from given ones ``(T, 13, 2)``, in pixels.

        ``(T, 13)``, NaN where hidden.
        """
        return np.where(visible, np.linalg.norm((self.joints if made is None else made) - joints, axis=-1), np.nan)


def usable(visible: np.ndarray) -> bool:
    """Whether enough of a clip is visible, ``bool (T, 13)``, to fit a body to it: 6 joints in 8 frames."""
    return int((np.asarray(visible).sum(1) >= SHOWN).sum()) >= FRAMES


def fitted(clips: Sequence[tuple[np.ndarray, np.ndarray]], progress: bool = True) -> list[Fit]:
    """How the people of some clips moved; a clip is fitted once, and kept in the user's cache.

    Args:
        clips: of each the joints ``(T, 13, 2)`` in pixels, in the order of `i2vlib.joints.JOINTS`, left and right
            being the person's own, and which of them are visible, ``bool (T, 13)``; the others are ignored.
        progress: show a bar.

    Raises:
        ValueError: arrays of another shape, or too little is visible in a clip; see `usable`.
    """
    from tqdm.auto import tqdm

    checked = [_checked(*clip, number) for number, clip in enumerate(clips)]
    paths = [user_cache() / f"fits-v{FIT_VERSION}" / f"{digest(*clip)}.npz" for clip in checked]
    found = {number: fit for number, path in enumerate(paths) if (fit := _kept(path)) is not None}
    left = sorted(set(range(len(checked))) - set(found), key=lambda number: len(checked[number][0]))
    with tqdm(total=len(left), desc="fitting bodies", unit="clip", disable=not progress or len(left) < 2) as bar:
        while left:
            frames = np.cumsum([len(checked[number][0]) for number in left])
            count = max(1, int((frames <= AT_ONCE).sum()))
            now, left = left[:count], left[count:]
            for number, fit in zip(now, _descended([checked[number] for number in now]), strict=True):
                found[number] = fit
                write_arrays(paths[number], joints=fit.joints, height=np.float64(fit.height), **fit.pose)
            bar.update(count)
    return [found[number] for number in range(len(checked))]


def _kept(path: Path) -> Fit | None:
    """A fit out of the cache; None if it is not there, or not whole."""
    try:
        with np.load(path) as arrays:
            pose = {name: arrays[name] for name in CHANNELS}
            return Fit(pose, arrays["joints"], float(arrays["height"]))
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def _checked(joints: np.ndarray, visible: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    joints, visible = np.asarray(joints, np.float32), np.asarray(visible, bool)
    if joints.ndim != 3 or joints.shape[1:] != (len(JOINTS), 2) or visible.shape != joints.shape[:2]:
        raise ValueError(
            f"A body is fitted to joints (T, {len(JOINTS)}, 2) and which are visible, (T, {len(JOINTS)}); of clip "
            f"{number} the shapes are {joints.shape} and {visible.shape}."
        )
    visible = visible & np.isfinite(joints).all(-1)
    if not usable(visible):
        raise ValueError(
            f"A body is fitted to clips with at least {SHOWN} visible joints in at least {FRAMES} frames; clip "
            f"{number} has them in {int((visible.sum(1) >= SHOWN).sum())} of {len(joints)}. Leave it out."
        )
    return joints, visible


def performed(fit: Fit, joints: np.ndarray, visible: np.ndarray) -> np.ndarray:
    """Where the joints are ``(T, 13, 2)`` of somebody of usual shape who takes the pose of a fit, in its pixels.

    Seen from where the clip was, and in each frame moved so that the median of visible joints ``(T, 13, 2)`` fits.
    """
    body = reference()
    places = body.joints(*body.posed(fit.pose))
    flat = places[..., [0, 2]] * [1, -1] * (fit.height / tall(body))
    away = np.where(np.asarray(visible)[..., None], joints - flat, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # frames in which nothing is visible
        return (flat + np.nanmedian(away, 1, keepdims=True)).astype(np.float32)


# The descent: frames are the last axis, so that sums run along memory -------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Frames:
    """The frames of several clips, one after the other, each clip in units of its box: F frames of C clips.

    Attributes:
        clip: ``(F,)``, whose frame it is; wanted ``(13, 2, F)``, up being positive; seen ``(13, F)``, 1 or 0.
        inner: ``(F - 2,)``, 1 for a frame with a neighbour of its clip on either side, 0 for others.
        each: ``(C,)``, how many frames a clip has.
    """

    clip: Tensor
    wanted: Tensor
    seen: Tensor
    inner: Tensor
    each: Tensor

    @classmethod
    def of(cls, clip: Tensor, wanted: Tensor, seen: Tensor) -> _Frames:
        return cls(clip, wanted, seen, (clip[2:] == clip[:-2]).float(), torch.bincount(clip).float())

    def mean(self, values: Tensor) -> Tensor:
        """The mean of values ``(F,)`` by clip: ``(C,)``."""
        return values.new_zeros(len(self.each)).index_add(0, self.clip, values) / self.each

    def times(self, count: int) -> _Frames:
        """The same clips several times."""
        shift = torch.arange(count).repeat_interleave(len(self.clip)) * len(self.each)
        return _Frames.of(self.clip.repeat(count) + shift, self.wanted.repeat(1, 1, count), self.seen.repeat(1, count))

    def thinned(self) -> tuple[_Frames, Tensor]:
        """Every `THINNED`-th frame of each clip, and for every frame which of these is the one before it."""
        first = torch.cat([torch.zeros(1), self.each.cumsum(0)[:-1]]).long()
        kept = (torch.arange(len(self.clip)) - first[self.clip]) % THINNED == 0
        thin = _Frames.of(self.clip[kept], self.wanted[..., kept], self.seen[:, kept])
        return thin, kept.cumsum(0) - 1


def _framed(clips: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[_Frames, list[tuple[np.ndarray, float]]]:
    boxes = [box(*clip) for clip in clips]
    wanted = [
        np.where(visible[..., None], (joints - middle) / side, 0) * np.float32([1, -1])
        for (joints, visible), (middle, side) in zip(clips, boxes, strict=True)
    ]
    clip = torch.arange(len(clips)).repeat_interleave(torch.tensor([len(joints) for joints, _ in clips]))
    seen = torch.from_numpy(np.concatenate([visible for _, visible in clips]).T).float()
    return _Frames.of(clip, torch.from_numpy(np.concatenate(wanted).transpose(1, 2, 0)).float(), seen), boxes


def _descended(clips: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Fit]:
    frames, boxes = _framed(clips)
    thin, before = frames.thinned()
    many, count = thin.times(len(YAWS)), len(clips)
    start = _held()[0].repeat(1, len(many.clip))
    _named(start)["turn"][0] = torch.deg2rad(torch.tensor(YAWS)).repeat_interleave(len(thin.clip))
    _named(start)["pelvis"][:] = (many.wanted * many.seen[:, None]).sum(0) / many.seen.sum(0).clamp(min=1)
    unknowns, shape, loss = _descend(many, start, _held_shape().repeat(1, len(YAWS) * count), STEPS[0])
    best = loss.reshape(len(YAWS), count).argmin(0)
    chosen = before + best[frames.clip] * len(thin.clip)
    shape = shape.reshape(len(_SHAPE), len(YAWS), count)[:, best, torch.arange(count)]
    unknowns, shape, _ = _descend(frames, unknowns[:, chosen], shape, STEPS[1], slowing=True)
    with torch.no_grad():
        flat = _flat(unknowns, shape[:, frames.clip]).permute(2, 0, 1).numpy() * np.float32([1, -1])
    fits, begin = [], 0
    for (middle, side), each, one in zip(boxes, frames.each.long().tolist(), shape[0].exp().tolist(), strict=True):
        now = slice(begin, begin + each)
        pose = _told(_named(unknowns[:, now]), one)
        fits.append(Fit(pose, (flat[now] * side + middle).astype(np.float32), float(one * side * tall(reference()))))
        begin += each
    return fits


def _descend(
    frames: _Frames, start: Tensor, shape: Tensor, steps: int, slowing: bool = False
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam: the unknowns ``(30, F)``, the shapes ``(5, C)`` of `_SHAPE`, and the loss of each clip ``(C,)``."""
    unknowns, shape = start.clone().requires_grad_(), shape.clone().requires_grad_()
    descent = torch.optim.Adam([unknowns, shape], lr=RATE)
    pace = torch.optim.lr_scheduler.LambdaLR(descent, lambda step: min(1, 2 - 2 * step / steps) if slowing else 1)
    for _ in range(steps):
        descent.zero_grad()
        loss = _loss(frames, unknowns, shape)
        loss.sum().backward()
        descent.step()
        pace.step()
    return unknowns.detach(), shape.detach(), loss.detach()


def _loss(frames: _Frames, unknowns: Tensor, shape: Tensor) -> Tensor:
    """Of each clip ``(C,)``: how far visible joints are off, in boxes, and what holds the rest."""
    far = (_flat(unknowns, shape.index_select(1, frames.clip)) - frames.wanted).square().sum(1)
    loss = frames.mean(((far + 1e-6).sqrt() * frames.seen).sum(0)) / frames.mean(frames.seen.sum(0))
    still, weights = _held()
    held = (weights * (unknowns - still).square()).sum(0)
    bent = (unknowns[:, :-2] - 2 * unknowns[:, 1:-1] + unknowns[:, 2:]).square().sum(0)
    bent = torch.nn.functional.pad(bent * frames.inner, (1, 1))
    return loss + frames.mean(held + _SMOOTH * bent) + _USUAL * (shape - _held_shape())[1:].square().sum(0)


@lru_cache(maxsize=1)
def _held() -> tuple[Tensor, Tensor]:
    """Where each unknown is held, and how strongly, ``(30, 1)``: of place and yaw nothing is known."""
    still = torch.cat([torch.tensor(_STILL.get(name, (0.0,) * size)) for name, size in _UNKNOWNS.items()])
    weights = torch.cat([torch.full((size,), _HELD[name]) for name, size in _UNKNOWNS.items()])
    weights[2] = 0  # the yaw, after the pelvis
    return still[:, None], weights[:, None]


def _held_shape() -> Tensor:
    return torch.tensor(list(_SHAPE.values()))[:, None].log()


def _named(unknowns: Tensor) -> dict[str, Tensor]:
    return dict(zip(_UNKNOWNS, unknowns.split(list(_UNKNOWNS.values())), strict=True))


# The body -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def reference() -> Skeleton:
    """The bones of a usual person: those that are fitted."""
    shape = {"gender": 0.5, "age": 0.8, "weight": 0.475, "height": 0.42, "proportions": 0.45}
    return standing(*load_body().shaped(shape))[1]


def tall(body: Skeleton) -> float:
    """Metres from the middle of the head to the floor."""
    return float(body.head[2] - body.ball[:, 2].mean())


def _flat(unknowns: Tensor, shape: Tensor) -> Tensor:
    """The joints ``(13, 2, F)`` in boxes, to the right and up, of a body of shapes ``(5, F)``."""
    whole, *parts = shape.exp()
    told = _named(unknowns)
    places = _joints(told, reference(), parts)
    return torch.stack([places[:, 0], places[:, 2]], 1) * whole + told["pelvis"]


def _joints(unknowns: Mapping[str, Tensor], body: Skeleton, parts: Sequence[Tensor | float] = (1.0,) * 4) -> Tensor:
    """The joints ``(13, 3, F)`` in metres from the middle of the hips: `Skeleton.posed` with a gradient.

    The parts, trunk, shoulders, hips and arms, are larger by so much.
    """
    trunk, shoulders, hips, arms = parts
    at = lambda name: _vector(body.at(name))  # noqa: E731
    yaw, pitch, roll = unknowns["turn"]
    heading = _about(2, yaw)
    pelvis = _times(heading, _times(_about(0, pitch), _about(1, roll)))
    middle = (at("upperleg01.L") + at("upperleg01.R")) / 2
    # Along the spine and the neck, in the pelvis's axes and in the chest's, each bone is turned a little more.
    place, last = at("root") - middle, "root"
    for i, name in enumerate(SPINE):
        place, last = place + _swung(unknowns["chest"] * (i / len(SPINE)), at(name) - at(last)), name
    origin, chest = _apply(pelvis, place) * trunk, _times(pelvis, _exponential(unknowns["chest"]))
    nod, head = _nod(unknowns["look"]), 0.0
    for i, name in enumerate(NECK):
        head, last = head + _swung(nod * (i / len(NECK)), at(name) - at(last)), name
    head = origin + _apply(chest, head + _swung(nod, _vector(body.head) - at("head"))) * trunk
    found = {}
    for side, word in (("L", "left"), ("R", "right")):
        shoulder, target = _shoulder(unknowns[f"{word}_hand"], side, body, shoulders, arms)
        shoulder, target = (origin + _apply(chest, way - at("spine01")) for way in (shoulder, target))
        pole = _apply(chest, _axes(unknowns[f"{word}_elbow"]))
        lengths = _lengths(body, side, "upperarm01", "lowerarm01", "wrist")
        found["upperarm01", side] = shoulder
        found["lowerarm01", side], found["wrist", side] = _reached(shoulder, target, pole, lengths, arms)
        hip = _apply(pelvis, at(f"upperleg01.{side}") - middle) * hips
        ankle = _apply(heading, _axes(unknowns[f"{word}_ankle"])) * body.leg
        outward = _vector(np.array([0.1 if side == "L" else -0.1, -1.0, 0.0]))
        toes = _apply(_about(2, yaw + unknowns[f"{word}_toe"][0]), _vector(np.array([0.0, -1.0, 0.0])))
        lengths = _lengths(body, side, "upperleg01", "lowerleg01", "foot")
        found["upperleg01", side] = hip
        found["lowerleg01", side], found["foot", side] = _reached(hip, ankle, toes + _apply(pelvis, outward), lengths)
    return torch.stack([head, *(found[bone, side] for bone in JOINT_BONES for side in "LR")])


def _shoulder(
    hand: Tensor, side: str, body: Skeleton, wide: Tensor | float, long: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Where the shoulder is and the hand goes ``(3, F)`` with the chest at rest, as `Skeleton.posed` has them."""
    width = torch.stack([torch.ones_like(hand[0]) * wide, torch.ones_like(hand[0]), torch.ones_like(hand[0])])
    at = lambda name, side=side: _vector(body.at(f"{name}.{side}")) * width  # noqa: E731
    arm = body.arm * long
    wanted = _axes(hand) * arm + (at("upperarm01", "L") + at("upperarm01", "R")) / 2
    yaw, roll = shrugged(((wanted - at("upperarm01")) / arm).T, 1 if side == "L" else -1, _step)
    link = at("upperarm01") - at("clavicle")
    moved = _apply(_times(_about(2, torch.deg2rad(yaw)), _about(1, torch.deg2rad(roll))), link)
    return at("clavicle") + moved, wanted + (moved - link) * torch.tensor([[0.0], [1.0], [1.0]])


def _reached(
    start: Tensor, target: Tensor, pole: Tensor, lengths: tuple[float, float], long: Tensor | float = 1.0
) -> tuple[Tensor, Tensor]:
    """The middle and the end ``(3, F)`` of a limb of two links that reaches for a target, bent towards a pole."""
    a, b = lengths
    start, target = start / long, target / long
    way = target - start
    size = (way.square().sum(0) + 1e-8).sqrt()
    way = way / size
    far = size.clamp(1.05 * abs(a - b) + 0.25 * min(a, b), REACH * (a + b))
    aside = pole - (pole * way).sum(0) * way
    aside = aside / (aside.square().sum(0) + 1e-6).sqrt()
    along = (far**2 + a**2 - b**2) / (2 * far)
    out = (a**2 - along**2).clamp(min=1e-6).sqrt()
    return (start + along * way + out * aside) * long, (start + far * way) * long


def _lengths(body: Skeleton, side: str, *names: str) -> tuple[float, float]:
    first, second, third = (body.at(f"{name}.{side}") for name in names)
    return float(np.linalg.norm(second - first)), float(np.linalg.norm(third - second))


def _step(low: float, high: float, values: Tensor) -> Tensor:
    share = ((values - low) / (high - low)).clamp(0, 1)
    return share * share * (3 - 2 * share)


def _vector(place: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(place, np.float32))[:, None]


def _axes(parts: Tensor) -> Tensor:
    """Vectors of the mesh ``(3, F)`` from their parts forwards, left and up."""
    return torch.stack([parts[1], -parts[0], parts[2]])


def _nod(look: Tensor) -> Tensor:
    """How the head is turned against the chest, as a vector ``(3, F)``."""
    return torch.stack([look[1], torch.zeros_like(look[0]), look[0]])


def _times(first: Tensor, second: Tensor) -> Tensor:
    """Products of matrices ``(3, 3, F)``."""
    return (first[:, :, None] * second).sum(1)


def _apply(turn: Tensor, vectors: Tensor) -> Tensor:
    return (turn * vectors).sum(1)


def _about(axis: int, angle: Tensor) -> Tensor:
    """Rotations ``(3, 3, F)`` about an axis of the mesh."""
    i, j = (axis + 1) % 3, (axis + 2) % 3
    zero, sine, cosine = torch.zeros_like(angle), angle.sin(), angle.cos()
    entries = [[zero] * 3 for _ in range(3)]
    entries[axis][axis], entries[i][i], entries[j][j] = torch.ones_like(angle), cosine, cosine
    entries[i][j], entries[j][i] = -sine, sine
    return torch.stack([torch.stack(row) for row in entries])


def _swung(turn: Tensor, vector: Tensor) -> Tensor:
    """A vector ``(3, 1)`` turned by rotation vectors ``(3, F)``."""
    angle = (turn.square().sum(0) + 1e-12).sqrt()
    sine, cosine = angle.sin() / angle, (1 - angle.cos()) / angle**2
    x, y, z = vector[:, 0].tolist()
    across = torch.stack([turn[1] * z - turn[2] * y, turn[2] * x - turn[0] * z, turn[0] * y - turn[1] * x])
    along = turn[0] * x + turn[1] * y + turn[2] * z
    return vector + sine * across + cosine * (turn * along - vector * angle**2)


def _exponential(vector: Tensor) -> Tensor:
    """Rotations ``(3, 3, F)`` from their vectors ``(3, F)``."""
    angle = (vector.square().sum(0) + 1e-12).sqrt()
    x, y, z = vector / angle
    zero = torch.zeros_like(x)
    cross = torch.stack([torch.stack(row) for row in ([zero, -z, y], [z, zero, -x], [-y, x, zero])])
    return torch.eye(3)[..., None] + angle.sin() * cross + (1 - angle.cos()) * _times(cross, cross)


# From unknowns to a pose --------------------------------------------------------------------------------------------


def _told(unknowns: Mapping[str, Tensor], metre: float) -> dict[str, np.ndarray]:
    """The pose, by channel, of fitted unknowns; ``metre`` in boxes."""
    from scipy.spatial.transform import Rotation

    body = reference()
    with torch.no_grad():
        places = _joints(unknowns, body).permute(2, 0, 1).double().numpy()
    values = {name: one.T.double().numpy() for name, one in unknowns.items()}
    turn, chest = np.degrees(values["turn"]), Rotation.from_rotvec(values["chest"])
    nod = Rotation.from_rotvec(_nod(unknowns["look"]).T.double().numpy())
    head = Rotation.from_matrix(turned(turn)) * chest * nod
    toes = np.concatenate([values["left_toe"], values["right_toe"]], 1)
    standing = floored(
        values["pelvis"] / metre, places[:, [JOINTS.index("left_ankle"), JOINTS.index("right_ankle")]],
        turn[:, :1] + np.degrees(np.clip(toes, -_TOES, _TOES)), body,
    )  # fmt: skip
    pose = {
        **standing,
        "turn": turn,
        "chest": chest.as_euler("ZXY", degrees=True),
        "look": head.as_euler("ZXY", degrees=True)[:, :2],
        **{name: values[name] for name in CHANNELS if name.endswith(("hand", "elbow"))},
    }
    return {name: pose[name].astype(np.float32) for name in CHANNELS}
