"""How actors are drawn: normals, triangles, averages, layers of hair, and what lies under a pixel."""

from __future__ import annotations

import numpy as np
import pytest

from i2vlib.actors import drawing, head, mesh, shown, strands


def plain_normals(points: np.ndarray, quads: np.ndarray, gather: object) -> np.ndarray:
    a, b, c, d = (points[quads[:, i]] for i in range(4))
    sums = gather @ np.cross(c - a, d - b)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


def plain_average(picture: np.ndarray, scale: int, background: np.ndarray) -> np.ndarray:
    size = len(background)
    cells = picture.astype(np.float32).reshape(size, scale, size, scale, 4)
    alpha = cells[..., 3:] / 255
    colour = (cells[..., :3] * alpha).mean((1, 3)) + background * (1 - alpha.mean((1, 3)))
    return np.clip(colour + 0.5, 0, 255).astype(np.uint8)


def test_normals_are_those_of_the_plain_formula() -> None:
    canvas = mesh.canvas()
    points = (canvas.fine @ canvas.head.template).astype(np.float32)
    normal = mesh.normals(points, canvas.quads, canvas.gather)
    np.testing.assert_allclose(normal, plain_normals(points, canvas.quads, canvas.gather), atol=1e-6)


@pytest.mark.parametrize("scale", [2, 3])
def test_averaging_is_exact(scale: int) -> None:
    rng = np.random.default_rng(scale)
    picture = rng.integers(0, 256, (8 * scale, 8 * scale, 4), dtype=np.uint8)
    picture[..., 3] = np.where(picture[..., 3] > 90, 255, 0)
    background = rng.uniform(0, 255, (8, 8, 3))
    expected = plain_average(picture, scale, background)
    np.testing.assert_array_equal(drawing.average(picture, scale, background), expected)


def test_halves_cut_every_quad_once_along_a_curve() -> None:
    rng = np.random.default_rng(0)
    quads, place = rng.permutation(40).reshape(10, 4), rng.normal(size=(40, 3))
    cut = shown.along_a_curve(shown.halves(quads), place)
    expected = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    assert sorted(map(tuple, cut.tolist())) == sorted(map(tuple, expected.tolist()))


def test_merging_leaves_no_gap_and_no_overlap() -> None:
    # A flat square of 6 by 6 quads, subdivided: the middle third of them stays fine.
    across = np.arange(7)
    place = np.stack([*np.meshgrid(across, across), np.zeros((7, 7))], -1).reshape(-1, 3)
    low = (7 * across[:-1, None] + across[:-1]).ravel()
    matrix, quads = head.subdivide(np.stack([low, low + 1, low + 8, low + 7], 1), len(place))
    points = matrix @ place
    middle = points[quads[:, 2]]
    whole = (np.abs(middle[:, :2] - 3) > 1).any(1)
    triangles, faces = shown.merged(quads, whole)
    a, b, c = (points[triangles[:, i], :2] for i in range(3))
    area = lambda u, v: (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2  # noqa: E731
    every = area(b - a, c - a)
    corners = points[quads][..., :2]
    total = area(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]).sum()
    # Subdivision has rounded the square's four corners, which coarse quads cut off: a sixteenth each.
    assert len(triangles) < len(quads) and (every > 0).all() and abs(every.sum() - (total - 0.25)) < 1e-6
    # Every edge inside is shared by two triangles: none ends in the middle of another.
    edges = np.sort(np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)]), 1)
    edges, times = np.unique(edges, axis=0, return_counts=True)
    border = lambda at: (np.abs(points[at, :2] - 3) > 2.7).any(1)  # noqa: E731
    assert times.max() == 2 and border(edges[times == 1].ravel()).all()
    assert len(faces) < len(quads)


def test_a_layer_of_hair_is_averaged_where_the_head_rests_and_follows_where_it_turns() -> None:
    rng = np.random.default_rng(1)
    size, edge = 32, strands.border(32)
    fine = rng.random((2 * (size + 2 * edge), 2 * (size + 2 * edge), 4)).astype(np.float32)
    coarse = fine.reshape(size + 2 * edge, 2, size + 2 * edge, 2, 4).mean((1, 3))[edge:-edge, edge:-edge]
    np.testing.assert_allclose(strands.sampled(fine, strands.places(size)), coarse, atol=1e-5)
    rest = rng.uniform(0, size, (200, 2))
    moved = rest + np.float32([2, -1])
    shifted = strands.sampled(fine, strands.places(size, (rest, moved)))
    np.testing.assert_allclose(shifted[:-1, 2:], coarse[1:, :-2], atol=1e-3)


def test_the_identifier_names_the_nearest_triangle() -> None:
    # Two squares of two triangles each, the second nearer and to the right.
    square = np.array([[2, 2], [10, 2], [10, 10], [2, 10]], np.float32)
    points = np.concatenate([np.c_[square, np.zeros(4)], np.c_[square + [4, 0], np.full(4, 3)]]).astype(np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    # Many that are not seen first, so that numbers need more than one byte.
    hidden = np.tile(triangles[:1], (70_000, 1))
    window = drawing.Identifier(np.concatenate([triangles, hidden]), len(points), 16)
    seen = window.draw(points)
    window.close()
    assert seen[0, 0] == -1 and set(np.unique(seen)) >= {-1, 1, 2, 3}
    assert (seen[3:9, 8:13] >= 2).all() and (seen[3:9, 8:13] <= 3).all()
    window = drawing.Identifier(np.concatenate([hidden[:, ::-1] * 0, triangles]), len(points), 16)
    shifted = window.draw(points)
    window.close()
    assert set(np.unique(shifted)) >= {-1, 70_001, 70_002, 70_003}
