"""The three networks of MediaPipe, put together by us: against the package's own readings, and piece by piece.

``landmarker.npz`` holds four rendered faces, and what MediaPipe 1.2.2 read once in them and in `pictures`: the
landmarker of its Tasks, for still pictures, with five faces at most and all else as it comes.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from i2vlib.clips import load_image
from i2vlib.faces import landmarker, with_mediapipe
from i2vlib.faces.views import view_of

MEASURED = np.load(Path(__file__).parent / "landmarker.npz")

# On 240 frames of 40 actors, 113 real stills and frames and 64 photos, as the book reads them, the faces were the same,
# and the largest differences 0.030 px, in a face 256 px wide, and .0013. Where a detector's place in a picture lies
# half-way between two that it knows, another machine may differ by ten times as much; none of the pictures here does.
PIXELS, SCORES = 0.05, 0.003


def pictures() -> dict[str, np.ndarray]:
    """Two public-domain portraits, whole, tilted, cut through the face, and twice beside each other."""
    from skimage.data import astronaut

    face = astronaut()[:256, 100:356]
    return {
        "astronaut": astronaut(),
        "hopper": load_image(Path(matplotlib.__file__).parent / "mpl-data/sample_data/grace_hopper.jpg"),
        "tilted": np.asarray(Image.fromarray(astronaut()).rotate(25, Image.Resampling.BICUBIC)),
        "cut": astronaut()[80:272, 190:382],
        "two": np.concatenate([face, face[:, ::-1]], 1),
    }


@cache
def looked_at() -> dict[str, np.ndarray]:
    frames = {f"{size}_{i}": view_of(frame).image for size in (64, 128)
              for i, frame in enumerate(MEASURED[f"frames_{size}"])}  # fmt: skip
    return frames | pictures()


@pytest.mark.parametrize("name", [key.removesuffix("_points") for key in MEASURED if key.endswith("_points")])
def test_points_and_scores_are_those_of_the_package(name):
    expected, scores = MEASURED[f"{name}_points"], MEASURED[f"{name}_scores"]
    found = landmarker.faces(looked_at()[name], with_mediapipe.networks())
    assert len(found) == len(expected) >= 1
    for (points, said), there, were in zip(found, expected, scores, strict=True):
        unit = np.ptp(there, axis=0).max() / 256
        assert np.linalg.norm(points - there, axis=1).max() < PIXELS * unit
        assert np.abs(said - were).max() < SCORES


def test_two_faces_come_likeliest_first_and_each_once():
    (one, _), (other, _) = landmarker.faces(pictures()["two"], with_mediapipe.networks())
    assert abs(one[1, 0] - (511 - other[1, 0])) < 3 and {one[1, 0] < 256, other[1, 0] < 256} == {True, False}


def test_no_face_is_found_where_there_is_none():
    noise = np.random.default_rng(0).integers(0, 256, (90, 130, 3), dtype=np.uint8)
    for image in (noise, np.zeros((300, 200, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)):
        assert landmarker.faces(image, with_mediapipe.networks()) == []


def test_what_fills_a_region_and_is_no_face_is_left_out():
    """The second network has a say: a detector that sees faces everywhere is not believed."""
    networks = with_mediapipe.networks()
    offsets, logits = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -9, np.float32)
    offsets[0, :, 2:4], logits[0, 300] = 40, 9
    offsets[0, :, 6] = 20
    blind = networks._replace(detector=lambda values: [offsets, logits])
    assert len(landmarker.regions(np.zeros((64, 64, 3), np.float32), blind.detector)) == 1
    assert landmarker.faces(np.full((64, 64, 3), 90, np.uint8), blind) == []


def test_threads_wait_for_each_other():
    images = [pictures()["astronaut"], pictures()["hopper"]] * 4
    alone = [landmarker.faces(image, with_mediapipe.networks())[0][1] for image in images[:2]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda image: landmarker.faces(image, with_mediapipe.networks())[0][1], images))
    assert all(np.array_equal(scores, alone[i % 2]) for i, scores in enumerate(together))


# Piece by piece


def test_a_region_by_hand():
    region = landmarker.Region(np.array([10.0, 20.0]), np.array([8.0, 4.0]), np.pi / 2)
    points = region.points(np.array([[0.5, 0.5], [1, 0.5], [0.5, 1]]))
    assert np.allclose(points, [[10, 20], [10, 24], [8, 20]])  # y points down: a quarter turn is clockwise


def test_what_the_detector_says_by_hand():
    """One anchor, the 301st of the fine grid: in its row of 32 the 13th, so the cell (6, 9)."""
    offsets, logits = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -9, np.float32)
    logits[0, 300] = 9
    offsets[0, 300, :8] = 8, -4, 32, 64, -8, 0, 8, 16
    (region,) = landmarker.regions(np.zeros((64, 128, 3), np.float32), lambda values: [offsets, logits])
    anchor = (np.array([6, 9]) + 0.5) * 8 - [0, 32]  # in the picture, which is twice as wide as high
    assert np.allclose(region.middle, anchor + [8, -4]) and np.allclose(region.sides, [48, 96])
    assert np.isclose(region.angle, np.pi / 4)


def test_at_most_five_faces_the_likeliest_first():
    offsets, logits = np.zeros((1, 896, 16), np.float32), np.full((1, 896, 1), -9, np.float32)
    offsets[0, :, 2:4] = 4
    places = [0, 20, 40, 60, 80, 100, 120]
    logits[0, places, 0] = [1, 2, 3, 4, 5, 6, -1]
    found = landmarker.regions(np.zeros((128, 128, 3), np.float32), lambda values: [offsets, logits])
    row, column = np.divmod(np.array([100, 80, 60, 40, 20]) // 2, 16)
    assert np.allclose([region.middle for region in found], np.stack([column, row], 1) * 8 + 4)


def test_the_detector_looks_at_896_places():
    anchors = landmarker._anchors()
    assert anchors.shape == (896, 2)
    assert np.allclose(anchors[[0, 1, 2, 511]], np.array([[1, 1], [1, 1], [3, 1], [31, 31]]) / 32)
    assert np.allclose(anchors[[512, 517, 518, 895]], np.array([[1, 1], [1, 1], [3, 1], [15, 15]]) / 16)


def test_boxes_that_overlap_are_weighed_by_hand():
    boxes = np.array([[[0, 0], [10, 10]], [[1, 0], [11, 10]], [[20, 0], [30, 10]], [[5, 0], [15, 10]]], float)
    first, second, third = landmarker.one_a_face(boxes, np.array([0.9, 0.6, 0.6, 0.5]))
    assert np.allclose(first, [[0.4, 0], [10.4, 10]])  # 9 of 11 is one face; 5 of 15 another
    assert np.allclose(second, boxes[2]) and np.allclose(third, boxes[3])
    nothing = np.zeros((2, 2, 2))
    assert len(landmarker.one_a_face(nothing, np.ones(2))) == 2 and landmarker.one_a_face(nothing[:0], np.ones(0)) == []


def test_a_cut_of_the_whole_picture_is_the_picture():
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.float32)
    whole = landmarker.Region(np.array([16.0, 16.0]), np.array([32.0, 32.0]))
    assert np.array_equal(landmarker._cut(image, whole, 32, repeat=True)[0], image)
    assert np.array_equal(landmarker._cut(image, whole, 16, repeat=True)[0], image[::2, ::2])


def test_a_cut_lies_between_pixels_to_a_32th():
    image = np.arange(0, 256, 16, dtype=np.float32)[None, :, None].repeat(16, 0).repeat(3, 2)
    for shift, rises in ((0.25, 4), (0.26, 4), (0.5, 8), (0.484375 + 1e-9, 8), (0.46, 8), (0.453, 7)):
        region = landmarker.Region(np.array([8 + shift, 8.0]), np.array([16.0, 16.0]))
        cut = landmarker._cut(image, region, 16, repeat=True)[0]
        assert np.array_equal(cut[:, :15], image[:, :15] + rises), shift


def test_beyond_the_picture_it_is_black_or_the_border_goes_on():
    image = np.full((8, 8, 3), 200, np.float32)
    image[:, 0] = 100
    left = landmarker.Region(np.array([0.0, 4.0]), np.array([8.0, 8.0]))
    black, border = (landmarker._cut(image, left, 8, repeat=repeat)[0, :, :, 0] for repeat in (False, True))
    assert np.array_equal(border[0], [100] * 5 + [200] * 3)
    assert np.array_equal(black[0], [0] * 4 + [100] + [200] * 3)
    half = landmarker.Region(np.array([0.5, 4.0]), np.array([8.0, 8.0]))
    assert landmarker._cut(image, half, 8, repeat=False)[0, 0, 3, 0] == 50


def test_networks_are_named_where_the_package_is_missing(monkeypatch):
    import sys

    from i2vlib.faces.litert import Network

    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ImportError, match="networks"):
        Network(b"")
