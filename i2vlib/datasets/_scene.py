"""A scene: a person, an expression's shift of the mesh, a head pose and a camera; it draws frames of any intensity."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from i2vlib import faces
from i2vlib.datasets import _drawing as drawing
from i2vlib.datasets._people import Person, draw_background

#: About how many metres of a face a frame is wide.
_WIDTH = 0.17


class Scene:
    """A person, an expression's shift of the mesh, a pose and a camera: draws frames of any intensity."""

    def __init__(self, who: Person, canvas: drawing.Canvas, shift: np.ndarray, pose: np.ndarray, size: int) -> None:
        self.who, self.canvas, self.shift, self.pose, self.size = who, canvas, shift, pose, size
        self.renderer = _renderer(size)
        self.camera = _camera(who.vertices @ pose.T, who.distance, size)
        self.background = draw_background(who.background, size)
        self.shade = [self._occlusion(a) for a in (0.0, 0.5, 1.0)]

    def _head(self, intensity: float) -> np.ndarray:
        return (self.who.vertices + np.float32(intensity) * self.shift) @ self.pose.T

    def _occlusion(self, intensity: float) -> np.ndarray:
        """Ambient and key light that reach the fine vertices, ``(M, 2)``."""
        points = self.canvas.medium @ self._head(intensity)
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
        return np.where(teeth, np.maximum(light, 0.55), light).astype(np.float32)

    def frame(self, intensity: float) -> tuple[np.ndarray, np.ndarray]:
        """The picture ``uint8 (size, size, 3)`` and the landmarks ``(68, 2)`` at an intensity in [0, 1]."""
        head, canvas, who = self._head(intensity), self.canvas, self.who
        points = (canvas.fine @ head).astype(np.float32)
        normal = drawing.normals(points, canvas.quads, canvas.gather)
        if who.lift.any():
            points = points + normal * who.lift[:, None]
            normal = drawing.normals(points, canvas.quads, canvas.gather)
        low = min(int(intensity * 2), 1)
        share = np.float32(intensity * 2 - low)
        light = self.shade[low] * (1 - share) + self.shade[low + 1] * share
        colours = drawing.srgb(_shade(who, canvas, normal, light))
        flat = project(self.camera, points)
        depth = -points[:, 1:2] / (_WIDTH / self.size)
        picture = self.renderer.draw(np.concatenate([flat, depth], 1).astype(np.float32), colours, self.background)
        return picture, project(self.camera, drawing.landmark_rows() @ head)


def _shade(who: Person, canvas: drawing.Canvas, normal: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Linear colour ``(M, 3)``: wrapped diffuse light that reddens at the edge of shade, ambient, and gloss."""
    is_skin = canvas.part == drawing.SKIN
    wrap = np.where(is_skin[:, None], np.array([0.34, 0.16, 0.12], np.float32), np.float32(0.1))
    ambient, key = light[:, :1], light[:, 1:]
    up = 0.5 + 0.5 * normal[:, 2:]
    bounce = np.array([0.9, 1.0, 1.0], np.float32)
    total = (who.sky * up + who.ground * (1 - up)) * ambient ** (0.9 * bounce)
    view = np.array([0, -1, 0], np.float32)
    gleam = np.zeros_like(total)
    for index in range(len(who.lights)):
        facing = (normal @ who.lights[index])[:, None]
        reach = 0.25 + 0.75 * key if index == 0 else 0.3 + 0.7 * ambient
        reach = reach ** (1 - 0.3 * (np.arange(3) == 0))
        total = total + np.clip((facing + wrap) / (1 + wrap), 0, None) * reach * who.tints[index]
        half = who.lights[index] + view
        half = half / np.linalg.norm(half)
        shine = np.clip(normal @ half, 0, 1)[:, None] ** who.sharpness[:, None]
        gleam = gleam + shine * who.tints[index] * (reach if index == 0 else ambient)
    edge = (1 - np.clip(-normal[:, 1:2], 0, 1)) ** 3
    colour = who.albedo * total + who.gloss[:, None] * gleam * (1 + 1.5 * edge)
    return colour / (1 + 0.18 * colour)


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


@lru_cache(maxsize=2)
def _renderer(size: int) -> drawing.Renderer:
    canvas = drawing.canvas()
    return drawing.Renderer(canvas.quads, canvas.fine.shape[0], size, scale=3 if size <= 160 else 2)


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
