"""Flow between two frames by the points of the body that their pixels show: by hand, where it is known."""

import numpy as np

from i2vlib.surfaces import flow_between

SIZE = 24


def sheet(x: float, y: float, side: int = 12, turned: bool = False) -> np.ndarray:
    """A square sheet of points, 4 cm per pixel, whose corner is at a place in pixels; its back shows other points."""
    surface = np.full((SIZE, SIZE, 3), np.nan, np.float16)
    row, column = np.mgrid[:SIZE, :SIZE]
    across, down = column + 0.5 - x, row + 0.5 - y
    on = (across > 0) & (across < side) & (down > 0) & (down < side)
    points = np.stack([0.04 * across, 0.04 * down, np.full(across.shape, 0.5 if turned else 0.0)], -1)
    surface[on] = points[on]
    return surface


def test_a_sheet_that_moves_by_parts_of_a_pixel_is_followed():
    flow, seen = flow_between(sheet(6, 5), sheet(2.3, 8.6))
    inside = np.isfinite(sheet(6, 5)).all(-1)
    np.testing.assert_allclose(flow[inside], np.broadcast_to([-3.7, 3.6], (inside.sum(), 2)), atol=0.06)
    assert seen[inside].all()


def test_a_background_stays_and_is_seen_where_nobody_stood():
    frame, other = sheet(6, 5), sheet(2, 8)
    flow, seen = flow_between(frame, other)
    outside = np.isnan(frame).all(-1)
    assert not flow[outside].any()
    assert np.array_equal(seen[outside], np.isnan(other).all(-1)[outside])


def test_what_the_other_frame_does_not_show_is_not_seen():
    frame = sheet(6, 5)
    body = np.isfinite(frame).all(-1)
    assert not flow_between(frame, sheet(6, 5, turned=True))[1][body].any()
    half = sheet(6, 5)
    half[:, 12:] = np.nan
    seen = flow_between(frame, half)[1]
    assert seen[:, :12].all() and not (seen & body)[:, 13:].any()


def test_without_a_body_in_one_of_them_only_the_background_is_seen():
    empty = np.full((SIZE, SIZE, 3), np.nan, np.float16)
    for pair in ((empty, sheet(6, 5)), (sheet(6, 5), empty)):
        flow, seen = flow_between(*pair)
        assert not flow.any() and np.array_equal(seen, np.isnan(sheet(6, 5)).all(-1))
