"""What hides a joint, by hand: a wall before it does, its own skin does not."""

from __future__ import annotations

import numpy as np

from i2vlib.performers.truth import hidden, packed, under_pixels, unpacked

#: A square of two triangles, ten pixels wide, 2 metres away on its left side and 3 on its right.
FLAT = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], np.float32)
DEPTH = np.array([2, 3, 3, 2], np.float32)
TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])


def told(x: float, y: float, far: float, under: float = 0.1) -> bool:
    return bool(hidden(np.array([[x, y]], np.float32), np.array([far]), FLAT, DEPTH, TRIANGLES, np.array([under]))[0])


def test_what_is_behind_a_surface_is_hidden() -> None:
    assert told(1, 5, 4.0) and told(9, 5, 4.0)


def test_what_is_before_it_or_beside_it_is_not() -> None:
    assert not told(5, 5, 1.5) and not told(11, 5, 4.0) and not told(5, -1, 4.0)


def test_skin_hides_nothing_that_lies_as_deep_as_it_may() -> None:
    # On the left edge the surface is 2 metres away.
    assert not told(0.01, 5, 2.09) and told(0.01, 5, 2.15) and not told(0.01, 5, 2.15, under=0.2)


def test_several_joints_are_asked_at_once() -> None:
    points = np.array([[1, 5], [11, 5], [9, 5]], np.float32)
    found = hidden(points, np.array([4.0, 4.0, 2.0]), FLAT, DEPTH, TRIANGLES, np.full(3, 0.1))
    assert found.tolist() == [True, False, False]


def test_flow_and_depth_of_a_square_that_comes_nearer() -> None:
    ids = np.full((12, 12), -1)
    ids[:10, :10] = 0
    ids[np.tril_indices(10)] = 1
    flat, depth = FLAT, np.full(4, 2.0, np.float32)
    # Every corner three pixels further right and at half the distance: the lens divides by the distance.
    following = np.column_stack([(flat + [3, 0]) * 1.0, np.ones(4)]).astype(np.float32)
    found = under_pixels(ids, TRIANGLES, flat, depth, following)
    assert found["person"].sum() == 100 and (found["depth"][:10, :10] == 2).all() and not found["depth"][10:].any()
    np.testing.assert_allclose(found["flow"][:10, :10], np.broadcast_to([3.0, 0.0], (10, 10, 2)), atol=1e-5)
    assert not found["flow"][:, 10:].any()
    assert not under_pixels(ids, TRIANGLES, flat, depth, None)["flow"].any()


def test_a_pixel_knows_its_point_of_the_body_at_rest() -> None:
    ids = np.full((12, 12), -1)
    ids[:10, :10] = 0
    ids[np.tril_indices(10)] = 1
    rest = np.column_stack([FLAT / 10, np.full(4, 0.5)]).astype(np.float32)
    surface = under_pixels(ids, TRIANGLES, FLAT, np.full(4, 2.0, np.float32), None, rest)["surface"]
    np.testing.assert_allclose(surface[3, 7], [0.75, 0.35, 0.5], atol=1e-3)
    assert surface.dtype == np.float16 and np.isnan(surface[10:]).all() and np.isfinite(surface[:10, :10]).all()
    assert np.isnan(under_pixels(ids, TRIANGLES, FLAT, np.full(4, 2.0, np.float32), None)["surface"]).all()


def test_truth_survives_a_file() -> None:
    rng = np.random.default_rng(0)
    truth = {"person": rng.random((2, 5, 13)) > 0.5, "joints": rng.random((2, 13, 2)).astype(np.float32)}
    back = unpacked(packed(truth), ("joints", "person"), 13)
    for name, value in truth.items():
        np.testing.assert_array_equal(back[name], value)
        assert back[name].dtype == value.dtype
