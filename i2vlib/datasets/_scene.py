"""A scene: a person, an expression's shift of the mesh, a head pose and a camera; it draws frames of any intensity."""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from i2vlib import faces
from i2vlib.datasets import _drawing as drawing
from i2vlib.datasets._people import Person, draw_background
from i2vlib.datasets._truth import surface

#: About how many metres of a face a frame is wide.
WIDTH = 0.17
#: What a drifting head turns about: the top of the neck.
NECK = np.array([0, 0.02, drawing.EYE - 0.09], np.float32)


class Scene:
    """A person, an expression's shift of the mesh, a pose and a camera: draws frames of any intensity."""

    def __init__(self, who: Person, canvas: drawing.Canvas, shift: np.ndarray, pose: np.ndarray, size: int) -> None:
        self.who, self.canvas, self.shift, self.pose, self.size = who, canvas, shift, pose, size
        self.camera = _camera(who.vertices @ pose.T, who.distance, size)

    @cached_property
    def background(self) -> np.ndarray:
        return draw_background(self.who.background, self.size)

    @cached_property
    def shade(self) -> list[np.ndarray]:
        """Light that reaches the fine vertices at the intensities 0, 0.5 and 1."""
        return [self._occlusion(a) for a in (0.0, 0.5, 1.0)]

    def head(self, intensity: float, beside: np.ndarray | None = None, turn: np.ndarray | None = None) -> np.ndarray:
        """The vertices ``(N, 3)`` of the head at an intensity in [0, 1].

        Args:
            beside: ``(N, 3)``, a shift beside the expression's own, such as a blink's.
            turn: ``(3, 3)``, a rotation about the neck.
        """
        head = self.who.vertices + np.float32(intensity) * self.shift
        if beside is not None:
            head = head + beside
        if turn is not None:
            head = (head - NECK) @ turn.T + NECK
        return head @ self.pose.T

    def turned(self, turn: np.ndarray | None) -> None:
        """Says by which rotation ``(3, 3)`` about the neck the next frame is turned, for what follows no mesh."""

    def landmarks(self, head: np.ndarray) -> np.ndarray:
        """The 68 landmarks ``(68, 2)`` of a head, in pixels."""
        return project(self.camera, drawing.landmark_rows() @ head)

    def skin(self, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The fine points that are drawn, hair lifted off the head, and their unit normals, both ``(M, 3)``."""
        canvas, lift = self.canvas, self.who.lift
        points = (canvas.fine @ head).astype(np.float32)
        normal = drawing.normals(points, canvas.quads, canvas.gather)
        if lift.any():
            points = points + normal * lift[:, None]
            normal = drawing.normals(points, canvas.quads, canvas.gather)
        return points, normal

    def picture(self, points: np.ndarray, normal: np.ndarray, intensity: float) -> np.ndarray:
        """``uint8 (size, size, 3)`` of what `skin` gives, lit as at an intensity in [0, 1]."""
        low = min(int(intensity * 2), 1)
        share = np.float32(intensity * 2 - low)
        light = self.shade[low] * (1 - share) + self.shade[low + 1] * share
        colours = np.ascontiguousarray(drawing.srgb(_shade(self.who, self.canvas, normal, light)).T)
        return _renderer(self.size).draw(self._flat(points), colours, self.background)

    def surface(self, points: np.ndarray, normal: np.ndarray) -> dict[str, np.ndarray]:
        """What lies under each pixel, of what `skin` gives: see `_truth.surface`."""
        flat, tell = self._flat(points), _identifier(self.size)
        return surface(tell.draw(flat), tell.triangles, points, normal, flat[:, :2], self.camera, self.who, self.canvas)

    def _flat(self, points: np.ndarray) -> np.ndarray:
        depth = -points[:, 1:2] / (WIDTH / self.size)
        return np.concatenate([project(self.camera, points), depth], 1).astype(np.float32)

    def _occlusion(self, intensity: float) -> np.ndarray:
        """Ambient and key light that reach the fine vertices, ``(M, 2)``."""
        points = self.canvas.medium @ self.head(intensity)
        normal = drawing.normals(points, self.canvas.medium_quads, self.canvas.medium_gather)
        around, weights = _sky_directions()
        key = self.who.lights[0] + _soft_offsets()
        key /= np.linalg.norm(key, axis=1, keepdims=True)
        light = np.stack(
            [
                drawing.occlusion(points, normal, around, weights),
                drawing.occlusion(points, normal, key, np.ones(len(key))),
            ],
            1,
        )
        for _ in range(3):
            light = 0.4 * light + 0.6 * (self.canvas.blur @ light)
        light = self.canvas.up @ light
        # The narrow mouth hides teeth from every cell of the depth pictures; give them the light of its opening.
        teeth = (self.canvas.part == drawing.TEETH)[:, None]
        return np.where(teeth, np.maximum(light, 0.45), light).astype(np.float32)


def _shade(who: Person, canvas: drawing.Canvas, normal: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Linear colour ``(3, M)``: wrapped diffuse light that reddens at the edge of shade, ambient, and gloss.

    A channel at a time, each ``(M,)``: numpy is slow where the innermost dimension is 3.
    """
    is_skin = canvas.part == drawing.SKIN
    wrap = [np.where(is_skin, np.float32(amount), np.float32(0.1)) for amount in (0.34, 0.16, 0.12)]
    ambient, key = np.ascontiguousarray(light.T)
    up = 0.5 + 0.5 * normal[:, 2]
    red, grey = (ambient ** (np.float32(0.9) * np.float32(warm)) for warm in (0.9, 1.0))
    total = [(who.sky[c] * up + who.ground[c] * (1 - up)) * (grey if c else red) for c in range(3)]
    gleam = [0.0, 0.0, 0.0]
    reaches = [(0.25 + 0.75 * key).astype(np.float64), (0.3 + 0.7 * ambient).astype(np.float64)]
    reaches = [(reach, reach**0.7) for reach in reaches]
    for index, (lamp, tint) in enumerate(zip(who.lights, who.tints, strict=True)):
        facing = normal @ lamp
        reach, reddened = reaches[min(index, 1)]
        half = lamp + np.array([0, -1, 0], np.float32)
        shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** who.sharpness
        for c in range(3):
            arriving = reach if c else reddened
            diffuse = np.clip((facing + wrap[c]) / (1 + wrap[c]), 0, None)
            total[c] = total[c] + diffuse * arriving * tint[c]
            gleam[c] = gleam[c] + shine * tint[c] * (arriving if index == 0 else ambient)
    edge = 1 + 1.5 * (1 - np.clip(-normal[:, 1], 0, 1)) ** 3
    colour = [who.albedo[:, c] * total[c] + who.gloss * gleam[c] * edge for c in range(3)]
    return np.stack([channel / (1 + 0.18 * channel) for channel in colour])


@lru_cache(maxsize=1)
def _sky_directions() -> tuple[np.ndarray, np.ndarray]:
    """Directions ``(28, 3)`` evenly over the front of the sphere, and their weights: more from above."""
    index = np.arange(28) + 0.5
    polar, turn = np.arccos(1 - 1.25 * index / 28), np.pi * (1 + 5**0.5) * index
    directions = np.stack([np.sin(polar) * np.cos(turn), -np.cos(polar), np.sin(polar) * np.sin(turn)], 1)
    return directions, np.where(directions[:, 2] > 0, 1.0, 0.6)


@lru_cache(maxsize=1)
def _soft_offsets() -> np.ndarray:
    """Offsets ``(8, 3)`` over a disc: a lamp of some size, whose shadows are soft."""
    turn = np.arange(8) * 2.4
    radius = 0.22 * np.sqrt((np.arange(8) + 0.5) / 8)
    return np.stack([radius * np.cos(turn), np.zeros(8), radius * np.sin(turn)], 1)


@lru_cache(maxsize=1)
def _triangles() -> np.ndarray:
    canvas = drawing.canvas()
    return drawing.triangles(canvas.quads, canvas.place, drawing.crossed(canvas))


@lru_cache(maxsize=2)
def _renderer(size: int) -> drawing.Renderer:
    return drawing.Renderer(_triangles(), len(drawing.canvas().place), size, scale=3 if size <= 160 else 2)


@lru_cache(maxsize=2)
def _identifier(size: int) -> drawing.Identifier:
    return drawing.Identifier(_triangles(), len(drawing.canvas().place), size)


def project(camera: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points ``(..., 3)`` in metres through a camera ``(3, 4)`` to pixels ``(..., 2)``."""
    image = points @ camera[:, :3].T + camera[:, 3]
    return (image[..., :2] / image[..., 2:]).astype(np.float32)


def _camera(vertices: np.ndarray, distance: float, size: int) -> np.ndarray:
    """A camera ``float32 (3, 4)`` `distance` metres before the eyes that puts them where the crop rule wants them."""
    corners = drawing.eye_corners(vertices).astype(np.float64)
    middle = corners.mean((0, 1))
    frame = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    plain = np.concatenate([frame, (frame @ -(middle - np.array([0, distance, 0])))[:, None]], 1)
    seen = plain[:, :3] @ corners.reshape(-1, 3).T + plain[:, 3:]
    left, right = (seen[:2] / seen[2]).T.reshape(2, 2, 2).mean(1)
    apart, level = faces.EYE_DISTANCE, faces.EYE_LEVEL
    wanted = np.array([[0.5 - apart / 2, level], [0.5 + apart / 2, level]]) * size
    turn = complex(*(wanted[1] - wanted[0])) / complex(*(right - left))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    lens = np.eye(3)
    lens[:2, :2], lens[:2, 2] = linear, wanted[0] - linear @ left
    return (lens @ plain).astype(np.float32)
