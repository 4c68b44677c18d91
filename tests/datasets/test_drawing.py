"""How actors are drawn: fast, and bit for bit what the plain formulas give."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib.datasets import _drawing, _people, _scene, actors


def plain_normals(points: np.ndarray, quads: np.ndarray, gather: object) -> np.ndarray:
    a, b, c, d = (points[quads[:, i]] for i in range(4))
    sums = gather @ np.cross(c - a, d - b)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def plain_shade(who: _people.Person, canvas: _drawing.Canvas, normal: np.ndarray, light: np.ndarray) -> np.ndarray:
    is_skin = canvas.part == _drawing.SKIN
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


def plain_average(picture: np.ndarray, scale: int, background: np.ndarray) -> np.ndarray:
    size = len(background)
    cells = picture.astype(np.float32).reshape(size, scale, size, scale, 4)
    alpha = cells[..., 3:] / 255
    colour = (cells[..., :3] * alpha).mean((1, 3)) + background * (1 - alpha.mean((1, 3)))
    return np.clip(colour + 0.5, 0, 255).astype(np.uint8)


def plain_frame(scene: _scene.Scene, renderer: _drawing.Renderer, intensity: float) -> np.ndarray:
    canvas, who = scene.canvas, scene.who
    head = (who.vertices + np.float32(intensity) * scene.shift) @ scene.pose.T
    points = (canvas.fine @ head).astype(np.float32)
    normal = plain_normals(points, canvas.quads, canvas.gather)
    if who.lift.any():
        points = points + normal * who.lift[:, None]
        normal = plain_normals(points, canvas.quads, canvas.gather)
    low = min(int(intensity * 2), 1)
    share = np.float32(intensity * 2 - low)
    light = scene.shade[low] * (1 - share) + scene.shade[low + 1] * share
    renderer.mesh["rgb"] = _drawing.srgb(plain_shade(who, canvas, normal, light))
    depth = -points[:, 1:2] / (0.17 / scene.size)
    flat = np.concatenate([_scene.project(scene.camera, points), depth], 1).astype(np.float32)
    return plain_average(renderer.picture(flat), renderer.scale, scene.background)


@pytest.mark.parametrize(("seed", "expression"), [(31_001, "happy"), (31_002, "surprised"), (31_004, "eyes_closed")])
def test_pictures_are_what_the_plain_formulas_give(
    seed: int, expression: str, size: int = 64, levels: tuple[float, ...] = (0, 0.37, 0.95)
) -> None:
    quads = _drawing.canvas().quads
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    renderer = _drawing.Renderer(triangles, len(_drawing.canvas().place), size, 3)
    clip = actors.clip(seed, expression, size=size, intensity=levels)
    scene = actors._scene(seed, expression, size)
    for intensity, frame in zip(clip.intensity, clip.frames, strict=True):
        np.testing.assert_array_equal(frame, plain_frame(scene, renderer, float(intensity)))
    renderer.close()


@pytest.mark.parametrize("scale", [2, 3])
def test_averaging_is_exact(scale: int) -> None:
    rng = np.random.default_rng(scale)
    picture = rng.integers(0, 256, (8 * scale, 8 * scale, 4), dtype=np.uint8)
    picture[..., 3] = np.where(picture[..., 3] > 90, 255, 0)
    background = rng.uniform(0, 255, (8, 8, 3))
    expected = plain_average(picture, scale, background)
    np.testing.assert_array_equal(_drawing.average(picture, scale, background), expected)


def test_triangles_cut_every_quad_once_and_leave_the_crossed_in_order() -> None:
    rng = np.random.default_rng(0)
    quads, place, crossed = rng.permutation(40).reshape(10, 4), rng.normal(size=(40, 3)), np.arange(10) % 3 == 0
    cut = _drawing.triangles(quads, place, crossed)
    expected = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    assert sorted(map(tuple, cut.tolist())) == sorted(map(tuple, expected.tolist()))
    np.testing.assert_array_equal(cut[-8:], expected[np.tile(crossed, 2)])


def test_lashes_win_where_they_always_won() -> None:
    # Here a lash and a lid are equally deep at one place, and the order of drawing decides.
    test_pictures_are_what_the_plain_formulas_give(62, "angry", 128, (0.0,))


def test_the_identifier_names_the_nearest_triangle() -> None:
    # Two squares of two triangles each, the second nearer and to the right.
    square = np.array([[2, 2], [10, 2], [10, 10], [2, 10]], np.float32)
    points = np.concatenate([np.c_[square, np.zeros(4)], np.c_[square + [4, 0], np.full(4, 3)]]).astype(np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    # Many that are not seen first, so that numbers need more than one byte.
    hidden = np.tile(triangles[:1], (70_000, 1))
    window = _drawing.Identifier(np.concatenate([triangles, hidden]), len(points), 16)
    seen = window.draw(points)
    window.close()
    assert seen[0, 0] == -1 and set(np.unique(seen)) >= {-1, 1, 2, 3}
    assert (seen[3:9, 8:13] >= 2).all() and (seen[3:9, 8:13] <= 3).all()
    window = _drawing.Identifier(np.concatenate([hidden[:, ::-1] * 0, triangles]), len(points), 16)
    shifted = window.draw(points)
    window.close()
    assert set(np.unique(shifted)) >= {-1, 70_001, 70_002, 70_003}
