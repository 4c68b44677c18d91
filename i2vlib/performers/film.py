"""One clip of one performer: bones move, the body follows, a camera is put before it, and frames are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib import joints
from i2vlib.actors import drawing, light, mesh
from i2vlib.actors.people import generator, one_thread
from i2vlib.actors.scene import project
from i2vlib.actors.shown import halves
from i2vlib.actors.truth import axes, wanted
from i2vlib.clips import Clip, pixels
from i2vlib.performers.actions import TABLE
from i2vlib.performers.body import load_body
from i2vlib.performers.motion import FPS, left_handed, motion_of
from i2vlib.performers.people import Performer, performer, quads_around
from i2vlib.performers.place import picture_of, shadow_on
from i2vlib.performers.truth import DEFAULT, SURFACE, TRUTH, UNDER_SKIN, hidden, under_pixels

#: Part of every cache file's name: raised whenever a pixel changes.
RENDERER_VERSION = 3


@dataclass(frozen=True)
class Order:
    """All that is ordered of one clip, so that any process draws the same bits.

    Attributes:
        seed: the person, any int.
        action: one of `i2vlib.joints.ACTIONS`.
        frames: how many, at least one.
        size: side of the square frame in pixels, at least 16.
        truth: names of `TRUTH`.

    Raises:
        ValueError: an unknown action, no frame, or a size below 16.
    """

    seed: int
    action: str = "jumping_jacks"
    frames: int = 42
    size: int = 64
    truth: tuple[str, ...] = DEFAULT

    def __post_init__(self) -> None:
        if self.action not in TABLE:
            raise ValueError(f"Performers know no action {self.action!r}. Choose from: {', '.join(joints.ACTIONS)}.")
        if self.frames < 1:
            raise ValueError(f"A clip has at least one frame; {self.frames} were asked for.")
        if pixels(self.size) < 16:
            raise ValueError(f"A frame is at least 16 pixels wide; {self.size} were asked for.")


def clip(
    seed: int, action: str = "jumping_jacks", frames: int = 42, size: int = 64, truth: str | Iterable[str] = DEFAULT
) -> Clip:
    """One rendered clip; the same arguments give the same bits on one machine.

    Args:
        seed: the person, any int; with the action it also decides speed, start, size, side and camera.
        action: one of `i2vlib.joints.ACTIONS`.
        frames: how many; an action that is over begins again.
        size: side of the square frame in pixels, at least 16.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all".

    Returns:
        A clip at `motion.FPS` whose expression is the action. ``truth`` by name, S being the size:

        * ``joints``: float32 (T, 13, 2), (x, y) in pixels, pixel centres at +0.5, in the order of
          `i2vlib.joints.JOINTS`, left and right being the person's own;
        * ``visible``: bool (T, 13), inside the frame and with nothing before it but its own skin, see `truth.hidden`;
        * ``person``: bool (T, S, S), whether the person is at the centre of a pixel;
        * ``camera``: float32 (T, 3, 4), from metres to pixels, the same in every frame;
        * ``places``: float32 (T, 13, 3), the joints in metres, z up from the floor;
        * ``depth``: float32 (T, S, S), metres along the camera's axis, 0 on the background;
        * ``flow``: float32 (T, S, S, 2), in pixels, from a pixel's centre to where the same point of the body is in
          the next frame; 0 on the background and in the last frame. Shadows move and have no flow;
        * ``surface``: float16 (T, S, S, 3), in metres, where the point under a pixel's centre is on the body of nobody
          in particular, at rest: the same point of anybody at any time has the same one; NaN on the background.

    Raises:
        ValueError: an unknown action or truth, no frame, or a size below 16.
    """
    return film(Order(seed, action, frames, size, wanted(truth, TRUTH, "Performers")))


@dataclass(frozen=True, eq=False)
class Take:
    """A clip before it is drawn: who, the body's ``points (T, N, 3)``, the joints' ``places (T, 13, 3)``, the camera
    ``(3, 4)`` from metres to pixels."""

    who: Performer
    points: np.ndarray
    places: np.ndarray
    camera: np.ndarray


def take_of(order: Order) -> Take:
    """How an ordered clip moves, and from where it is seen."""
    who = performer(order.seed)
    turns, places = who.skeleton.posed(motion_of(order.seed, order.action, order.frames))
    points, where = who.skinned(turns, places), who.skeleton.joints(turns, places)
    return Take(who, points, where, camera_for(order, points, where))


def camera_for(order: Order, points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The camera ``float32 (3, 4)`` of a clip: where it stands is chosen by seed, what it shows is a tube.

    A tube is one square around the person in all frames, with the margin of `i2vlib.joints.around`.
    """
    rng = generator(order.seed, "camera", order.action)
    views = TABLE[order.action].views
    middle, spread = views[rng.choice(len(views))]
    mirrored = left_handed(order.seed, order.action)
    side = np.radians(middle + rng.uniform(-spread, spread)) * (-1 if mirrored else 1)
    far, high = rng.uniform(4.5, 9.0), rng.uniform(0.6, 2.2)
    target = np.array([*places[:, :, :2].mean((0, 1)), 0.95])
    eye = target + far * np.array([np.sin(side), -np.cos(side), 0])
    eye[2] = high
    away = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(away, [0, 0, 1.0])
    right /= np.linalg.norm(right)
    roll = np.radians(rng.uniform(-2, 2))
    down = np.cross(away, right)
    right, down = np.cos(roll) * right + np.sin(roll) * down, np.cos(roll) * down - np.sin(roll) * right
    turn = np.stack([right, down, away])
    # A frame of a thousand pixels, of which the crop is taken.
    plain = np.diag([1000.0, 1000.0, 1.0]) @ np.column_stack([turn, -turn @ eye])
    flat = np.concatenate([project(plain, points).reshape(-1, 2), project(plain, places).reshape(-1, 2)])
    lens = np.eye(3)
    lens[:2] = joints.around(flat, order.size)
    return (lens @ plain).astype(np.float32)


def known_truth(order: Order) -> dict[str, np.ndarray]:
    """The truth of the clip that is ordered, by the names of ``order.truth``; no picture is drawn."""
    with one_thread():
        return _known(take_of(order), order)


def film(order: Order) -> Clip:
    """The clip that is ordered: the same order gives the same bits on one machine."""
    with one_thread():
        take = take_of(order)
        return Clip(
            frames=_pictures(take, order.size),
            fps=FPS,
            subject=take.who.name,
            expression=order.action,
            truth=_known(take, order),
        )


def _known(take: Take, order: Order) -> dict[str, np.ndarray]:
    names, camera, count = order.truth, take.camera, len(take.points)
    flat = project(camera, take.places)
    truth = {"joints": flat, "places": take.places.astype(np.float32), "camera": np.repeat(camera[None], count, 0)}
    lens = [points @ camera[:, :3].T + camera[:, 3] for points in take.points]
    if "visible" in names:
        inside = ((flat >= 0) & (flat < order.size)).all(-1)
        far = take.places @ camera[2, :3] + camera[2, 3]
        covered = [
            hidden(flat[i], far[i], one[:, :2] / one[:, 2:], one[:, 2], triangles(), UNDER_SKIN)
            for i, one in enumerate(lens)
        ]
        truth["visible"] = inside & ~np.stack(covered)
    if set(names) & set(SURFACE):
        tell, found = identifier(order.size), []
        for one, following in zip(lens, [*lens[1:], None], strict=True):
            on_screen = one[:, :2] / one[:, 2:]
            ids = tell.draw(_before(one, order.size))
            others = following if "flow" in names else None, load_body().template if "surface" in names else None
            found.append(under_pixels(ids, tell.triangles, on_screen, one[:, 2], *others))
        truth |= {name: np.stack([one[name] for one in found]) for name in SURFACE}
    return {name: truth[name] for name in names}


def _pictures(take: Take, size: int) -> np.ndarray:
    who, camera = take.who, take.camera
    seen = axes(camera)
    # Lamps are given as the camera sees them: to its right, away from it and up.
    view = np.stack([seen[0], seen[2], -seen[1]]).astype(np.float32)
    lamps = who.lights @ view
    above = lamps[0] + np.array([0, 0, 0.7], np.float32)
    place, floor = picture_of(who.place, camera, size)
    frames = []
    for points in take.points:
        normal = mesh.normals(points, load_body().quads, quads_around())
        colours = light.srgb(shaded(who, normal, lamps))
        dark = shadow_on(points, above, camera, size) * floor
        flat = _before(points @ camera[:, :3].T + camera[:, 3], size)
        frames.append(renderer(size).draw(flat, colours, place * (1 - dark[..., None])))
    return np.stack(frames)


def shaded(who: Performer, normal: np.ndarray, lamps: np.ndarray) -> np.ndarray:
    """Linear colours ``(N, 3)`` of vertices with normals ``(N, 3)``: wrapped diffuse light and light from above."""
    up = 0.5 + 0.5 * normal[:, 2:]
    total = who.sky * up + who.ground * (1 - up)
    for lamp, tint in zip(lamps, who.tints, strict=True):
        total = total + np.maximum((normal @ lamp[:, None] + 0.15) / 1.15, 0) * tint
    return who.albedo * total


def _before(lens: np.ndarray, size: int) -> np.ndarray:
    """Points ``(N, 3)`` as a `drawing.Window` takes them, in pixels with a depth, from what the lens gives."""
    far = lens[:, 2:]
    flat = lens[:, :2] / far
    return np.concatenate([flat, (far.mean() - far) * np.float32(size / 3)], 1).astype(np.float32)


@lru_cache(maxsize=1)
def triangles() -> np.ndarray:
    """The body's triangles ``(K, 3)``."""
    return halves(load_body().quads)


@lru_cache(maxsize=2)
def renderer(size: int) -> drawing.Renderer:
    """The one window that draws bodies of a size: slow to open."""
    return drawing.Renderer(triangles(), len(load_body().template), size, 3 if size <= 160 else 2)


@lru_cache(maxsize=2)
def identifier(size: int) -> drawing.Identifier:
    """The one `drawing.Identifier` of the body's mesh for frames of a size."""
    return drawing.Identifier(triangles(), len(load_body().template), size)
