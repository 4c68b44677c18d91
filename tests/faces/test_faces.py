"""Reading faces: on a portrait that scikit-image carries (NASA, public domain), and on real clips where they are."""

import importlib.util
import subprocess
import sys
import urllib.error
from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from i2vlib import expressions, faces, regions
from i2vlib.clips import Clip, load_image
from i2vlib.expressions import BLENDSHAPES
from i2vlib.faces import with_dlib, with_face_alignment, with_mediapipe
from i2vlib.faces.views import view_of

NOISE = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)


@lru_cache(maxsize=1)
def portrait() -> np.ndarray:
    from skimage.data import astronaut

    return astronaut()


@lru_cache(maxsize=4)
def crop(size: int = 128) -> np.ndarray:
    return faces.align_face(portrait(), size)


def eyes_expected(size: int) -> np.ndarray:
    return np.array([[0.5 - 0.18, 0.31], [0.5 + 0.18, 0.31]]) * size


def eye_error(image: np.ndarray) -> float:
    """Largest distance of the eyes from where the rule has them, as a share of the size."""
    size = len(image)
    found = faces.eye_centres(faces.landmarks(image[None], "mediapipe")[0])
    return float(np.abs(found - eyes_expected(size)).max() / size)


# Geometry


def test_eyes_already_in_place_need_no_change():
    matrix = faces.crop_matrix(eyes_expected(100), 100)
    assert np.allclose(matrix, [[1, 0, 0], [0, 1, 0]])


def test_crop_matrix_by_hand():
    # Eyes 72 px apart go to 36 % of 100 px: half the size. The left one, (10, 20), goes to (32, 31).
    matrix = faces.crop_matrix(np.array([[10, 20], [82, 20]]), 100)
    assert np.allclose(matrix, [[0.5, 0, 27], [0, 0.5, 21]])


def test_crop_matrix_turns_a_tilted_face_upright():
    matrix = faces.crop_matrix(np.array([[50, 10], [50, 80]]), 128)
    assert np.allclose(faces.transform(np.array([[50, 10], [50, 80]]), matrix), eyes_expected(128), atol=1e-4)
    assert np.allclose(matrix[:, :2] @ matrix[:, :2].T, np.eye(2) * (0.36 * 128 / 70) ** 2)


@pytest.mark.parametrize("eyes", [[[1, 1], [1, 1]], [[np.nan, 1], [2, 2]], [[1, 2, 3], [4, 5, 6]]])
def test_crop_matrix_refuses_what_are_no_two_eyes(eyes):
    with pytest.raises(ValueError, match="different"):
        faces.crop_matrix(np.array(eyes), 64)


def test_warp_leaves_a_picture_alone_and_repeats_the_border():
    same = faces.warp(NOISE, np.array([[1, 0, 0], [0, 1, 0.0]]), 96)
    assert np.array_equal(same, NOISE)
    moved = faces.warp(NOISE, np.array([[1, 0, 10], [0, 1, 0.0]]), 96)
    assert np.array_equal(moved[:, 10:], NOISE[:, :-10])
    assert np.array_equal(moved[:, :10], np.repeat(NOISE[:, :1], 10, 1))


def test_warp_does_not_alias():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = faces.warp(stripes, np.array([[0.13, 0, 0], [0, 0.13, 0]]), 33)
    assert np.abs(small[2:-2, 2:-2].astype(int) - 127).max() <= 6


@pytest.mark.parametrize("scale", [0.25, 0.7, 1.0, 3.0])
def test_warp_moves_pixels_where_transform_moves_points(scale):
    image = np.zeros((64, 64, 3), np.uint8)
    image[20:28, 36:44] = 255  # about (40, 24)
    matrix = np.array([[scale, 0.1 * scale, 2.0], [-0.1 * scale, scale, 6.0]])
    size = int(64 * scale) + 12
    weight = faces.warp(image, matrix, size)[..., 0].astype(float)
    y, x = np.mgrid[:size, :size] + 0.5
    centre = [(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()]
    assert np.allclose(centre, faces.transform(np.array([40.0, 24.0]), matrix), atol=0.1)


# Alignment


@pytest.mark.parametrize("size", [64, 128, 256])
def test_aligned_eyes_lie_where_the_rule_has_them(size):
    assert crop(size).shape == (size, size, 3)
    assert eye_error(crop(size)) < 0.02


def test_align_turns_a_tilted_photo_upright():
    tilted = np.asarray(Image.fromarray(portrait()).rotate(18, Image.Resampling.BICUBIC))
    assert eye_error(faces.align_face(tilted, 128)) < 0.025


def test_align_takes_small_large_grey_transparent_and_encoded_photos(tmp_path):
    image = Image.fromarray(portrait())
    image.save(tmp_path / "photo.jpg")
    photos = (
        tmp_path / "photo.jpg",
        (tmp_path / "photo.jpg").read_bytes(),
        np.asarray(image.convert("L")),
        np.asarray(image.convert("RGBA")),
        portrait() / 255.0,
        np.asarray(image.resize((3000, 3000))),
        np.asarray(image.crop((0, 0, 400, 300)).convert("L")),
    )
    differences = [np.abs(faces.align_face(photo, 64).mean(-1) - crop(64).mean(-1)).mean() for photo in photos]
    assert max(differences) < 6, differences


def test_align_takes_the_largest_of_several_faces():
    scene = np.full((700, 900, 3), 128, np.uint8)
    scene[100:612, 350:862] = portrait()
    scene[50:306, 40:296] = np.asarray(Image.fromarray(255 - (255 - portrait()) // 2).resize((256, 256)))
    assert np.abs(faces.align_face(scene, 64).astype(int) - crop(64)).mean() < 6


def test_a_larger_pattern_that_is_hardly_a_face_is_not_taken():
    """On this picture dlib's detector also fires, weakly, on a larger patch of the suit."""
    wide = np.pad(portrait(), ((0, 0), (40, 0), (0, 0)), mode="edge")
    view = view_of(wide)
    boxes, scores, _ = with_dlib.models()[0].run(view.image, 0)
    assert len(boxes) > 1 and boxes[0].area() < max(box.area() for box in boxes)
    assert np.abs(faces.align_face(wide, 64).astype(int) - crop(64)).mean() < 6


@pytest.mark.parametrize(("backend", "width"), [("dlib", 2000), ("mediapipe", 900)])
def test_a_small_face_in_a_large_photo_is_found(backend, width):
    scene = np.full((width * 3 // 4, width, 3), 128, np.uint8)
    scene[-540:-28, -560:-48] = portrait()
    found, reference = faces.landmarks(scene[None], backend)[0], faces.landmarks(portrait()[None], backend)[0]
    assert np.abs(found - reference - [width - 560, len(scene) - 540]).mean() < 3


@pytest.mark.parametrize("photo", [NOISE, np.full((200, 300), 80, np.uint8), np.zeros((1, 1, 3), np.uint8)])
def test_no_face_says_what_to_do(photo):
    with pytest.raises(faces.NoFaceError, match="face"):
        faces.align_face(photo)


def test_align_refuses_bad_input():
    with pytest.raises(ValueError, match="positive"):
        faces.align_face(portrait(), 0)
    with pytest.raises(ValueError, match="floats outside"):
        faces.align_face(np.full((64, 64, 3), np.nan))
    with pytest.raises(ValueError, match="image"):
        faces.align_face("nowhere.jpg")


def test_a_clip_is_aligned_by_one_transform():
    frames = np.stack([portrait(), np.roll(portrait(), 12, axis=1), portrait()])
    points = np.tile(faces.landmarks(portrait()[None]), (3, 1, 1))
    clip = Clip(frames, 25, landmarks=points, subject="S1", truth={"mouth": np.zeros((3, 512, 512), bool)})
    aligned = faces.align_clip(clip, 128)
    assert np.array_equal(aligned.frames[0], aligned.frames[2])
    assert np.array_equal(aligned.frames[0], crop())
    eyes = faces.eye_centres(faces.landmarks(aligned.frames))
    scale = 0.36 * 128 / np.linalg.norm(np.diff(faces.eye_centres(points[0]), axis=0))
    assert np.allclose(eyes[1] - eyes[0], [[12 * scale, 0]] * 2, atol=1.2)  # the motion stays
    assert np.allclose(faces.eye_centres(aligned.landmarks[0]), eyes_expected(128), atol=0.6)
    assert (aligned.subject, aligned.fps, dict(aligned.truth)) == ("S1", 25, {})


def test_a_clip_without_a_face_is_named():
    with pytest.raises(faces.NoFaceError, match="S7"):
        faces.align_clip(Clip(NOISE[None], subject="S7"))


# Tilted heads, several faces, small ones


@pytest.mark.parametrize("angle", [35, -50, 60, 90, -90])
def test_a_head_on_its_side_is_turned_upright(angle):
    tilted = np.asarray(Image.fromarray(portrait()).rotate(angle, Image.Resampling.BICUBIC, expand=True))
    aligned = faces.align_face(tilted, 128)
    assert eye_error(aligned) < 0.02 and np.abs(aligned.astype(int) - crop()).mean() < 8


def test_a_picture_upside_down_has_no_face_instead_of_a_wrong_one():
    with pytest.raises(faces.NoFaceError, match="face"):
        faces.align_face(np.rot90(portrait(), 2))


@lru_cache(maxsize=1)
def three() -> np.ndarray:
    """A small face on the left, a large one, and a mirrored small one on the right."""
    scene = np.full((700, 1100, 3), 128, np.uint8)
    small = np.asarray(Image.fromarray(portrait()).resize((320, 320)))[:300]
    scene[60:360, :320] = small
    scene[188:700, 300:812] = portrait()
    scene[60:360, 780:1100] = small[:, ::-1]
    return scene


def test_one_of_several_faces_is_chosen_by_number_or_by_a_point_inside():
    crops = [faces.align_face(three(), 64, which=number).astype(int) for number in range(3)]
    largest = faces.align_face(three(), 64).astype(int)
    assert np.abs(largest - crop(64)).mean() < 6 and np.abs(crops[1] - largest).mean() < 3
    assert np.abs(crops[0] - largest).mean() < 12 and np.abs(crops[2][:, ::-1] - largest).mean() < 12
    middle = faces.eye_centres(faces.landmarks(three()[60:360, :320][None])[0]).mean(0) + [0, 60]
    assert np.array_equal(faces.align_face(three(), 64, which=tuple(middle)), crops[0])
    assert np.array_equal(faces.align_face(three(), 64, which=np.int64(2)), crops[2])


@pytest.mark.parametrize("which", [3, -1, (5, 690), "leftmost", (1, 2, 3)])
def test_a_face_that_is_not_there_is_answered_by_where_the_others_are(which):
    places = r"3 face\(s\) were found, from left to right: 0 at \(\d+, \d+\), 1 at \(\d+, \d+\), 2 at \(\d+, \d+\)"
    with pytest.raises(
        ValueError, match=places + ".*Given was which=.*: give 'largest', one of these numbers, or a point"
    ):
        faces.align_face(three(), 64, which=which)


def test_a_small_face_is_warned_of_and_a_large_one_is_not(recwarn):
    faces.align_face(portrait(), 64)
    assert not recwarn.list
    tiny = np.asarray(Image.fromarray(portrait()).resize((135, 135)))[:90, :90]
    with pytest.warns(UserWarning, match="64 pixels"):
        faces.align_face(tiny, 64)


# Masks


def test_masks_cover_the_real_mouth_and_eyes():
    points = faces.landmarks(crop()[None], "mediapipe")[0]
    mouth, eyes = regions.mouth(points, 128), regions.eyes(points, 128)
    teeth = crop().min(-1) > 190
    assert teeth[80:100, 45:80].sum() > 40 and mouth[80:100, 45:80][teeth[80:100, 45:80]].mean() > 0.9
    assert 0.02 < mouth.mean() < 0.12 and 0.005 < eyes.mean() < 0.06 and not (mouth & eyes).any()


# Readers


def test_frames_without_a_face_are_nan_and_the_others_are_not():
    frames = np.stack([np.resize(NOISE, (128, 128, 3)), crop()])
    for found in (
        faces.landmarks(frames),
        faces.landmarks(frames, "mediapipe"),
        faces.embed(frames),
        faces.blendshapes(frames)[:, :-1],
    ):
        assert found.dtype == np.float32
        assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()


@pytest.mark.parametrize("size", [64, 128, 256])
def test_both_detectors_find_a_face_that_fills_the_frame(size):
    reading = faces.measure(crop(size)[None])
    assert reading.detected.all()
    assert np.isfinite(reading.landmarks).all() and np.isfinite(reading.embeddings).all()
    assert np.isfinite(reading.blendshapes[:, :-1]).all()


def test_measure_is_the_single_readers_at_once():
    frames = np.stack([crop(), NOISE[:96, :96].repeat(2, 0).repeat(2, 1)[:128, :128]])
    reading = faces.measure(frames)
    assert np.array_equal(reading.landmarks, faces.landmarks(frames), equal_nan=True)
    assert np.array_equal(reading.embeddings, faces.embed(frames), equal_nan=True)
    assert np.array_equal(reading.blendshapes, faces.blendshapes(frames), equal_nan=True)
    assert reading.detected.tolist() == [True, False]
    assert np.isnan(faces.measure(frames[:1], identity=False).embeddings).all()


@pytest.mark.parametrize("backend", ["dlib", "mediapipe"])
def test_landmarks_are_in_the_pixels_of_the_frame(backend):
    """The grown border and the change of scale are taken back: a face moved by 40 px has its points moved by 40 px."""
    wide = np.pad(portrait(), ((0, 0), (40, 0), (0, 0)), mode="edge")
    here, there = faces.landmarks(portrait()[None], backend)[0], faces.landmarks(wide[None], backend)[0]
    assert np.abs(there - here - [40, 0]).max() < 4
    small, large = faces.landmarks(crop(64)[None], backend)[0], faces.landmarks(crop(256)[None], backend)[0]
    assert np.linalg.norm(4 * small - large, axis=1).mean() < 5


def test_mediapipe_and_dlib_agree():
    dlib, mesh = faces.landmarks(portrait()[None])[0], faces.landmarks(portrait()[None], "mediapipe")[0]
    error = np.linalg.norm(dlib - mesh, axis=1) / np.linalg.norm(dlib[36] - dlib[45])
    assert error[17:].mean() < 0.04 and error[36:48].mean() < 0.03 and error[48:].mean() < 0.03


def test_blendshapes_are_named_and_read_a_smile():
    scores = faces.blendshapes(crop()[None])
    assert scores.shape == (1, 52)
    assert np.isnan(scores[0, BLENDSHAPES.index("tongueOut")])
    assert (scores[0, :-1] >= 0).all() and (scores[0, :-1] <= 1).all()
    assert faces.lead(scores, "happy")[0] > 0.6 and faces.lead(scores, "surprised")[0] < 0.2


def test_a_mirrored_face_swaps_left_and_right():
    points, mirrored = (faces.landmarks(image[None], "mediapipe")[0] for image in (crop(), crop()[:, ::-1]))
    assert np.abs((128 - mirrored[45, 0]) - points[36, 0]) < 2 and points[36, 0] < points[45, 0]


def test_embeddings_know_a_person():
    darker = (crop() * 0.7).astype(np.uint8)
    vectors = faces.embed(np.stack([crop(), darker, crop()[:, ::-1]]))
    assert np.linalg.norm(vectors[1:] - vectors[0], axis=1).max() < 0.4
    assert np.array_equal(vectors[:1], faces.embed(crop()[None]))


def test_a_missed_face_is_placed_by_mediapipe_for_landmarks_and_missing_for_identity(monkeypatch):
    before = faces.landmarks(crop()[None])[0]
    monkeypatch.setattr(with_dlib, "detect", lambda view: None)
    after = faces.landmarks(crop()[None])[0]
    assert np.linalg.norm(after - before, axis=1)[17:].mean() < 0.03 * np.linalg.norm(before[36] - before[45])
    reading = faces.measure(crop()[None])
    assert np.array_equal(reading.landmarks[0], after) and not reading.detected.any()
    assert np.isnan(faces.embed(crop()[None])).all() and np.isnan(reading.embeddings).all()


def test_a_face_between_two_scales_of_the_detector_is_looked_at_again(monkeypatch):
    detector, predictor, network = with_dlib.models()
    looks = []

    def blind_at_first(image: np.ndarray, up: int) -> tuple:
        looks.append(image.shape)
        return detector.run(image, up) if len(looks) > 1 else ([], [], [])

    monkeypatch.setattr(with_dlib, "models", lambda: (SimpleNamespace(run=blind_at_first), predictor, network))
    points = faces.landmarks(crop()[None])[0]
    monkeypatch.undo()
    assert len(looks) == 2 and looks[1][0] < looks[0][0]
    reference = faces.landmarks(crop()[None])[0]
    assert np.linalg.norm(points - reference, axis=1).mean() < 0.03 * 128


def test_read_measures_a_copy():
    clip = Clip(crop()[None], 7, subject="me")
    read = faces.read(clip)
    assert clip.landmarks is None and read.subject == "me" and read.fps == 7
    assert np.array_equal(read.landmarks, faces.landmarks(clip.frames))
    assert np.array_equal(read.blendshapes, faces.blendshapes(clip.frames), equal_nan=True)


@pytest.mark.parametrize("reader", [faces.landmarks, faces.blendshapes, faces.embed, faces.measure])
@pytest.mark.parametrize(
    "frames", [np.zeros((64, 64, 3), np.uint8), np.zeros((1, 64, 64, 3), np.float32), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_readers_refuse_other_frames(reader, frames):
    with pytest.raises(ValueError, match="uint8.*3"):
        reader(frames)


def test_an_unknown_backend_is_named():
    with pytest.raises(ValueError, match="'openface'"):
        faces.landmarks(crop()[None], "openface")


# Leads


def test_leads_are_known_scores():
    from i2vlib.expressions import EXPRESSIONS

    assert set(expressions.TABLE) == set(EXPRESSIONS)
    assert all(name in BLENDSHAPES for row in expressions.TABLE.values() for name in row.lead)


def test_lead_by_hand():
    scores = np.zeros((3, 52), np.float32)
    scores[:, BLENDSHAPES.index("mouthSmileLeft")] = [0, 0.5, 1]
    scores[:, BLENDSHAPES.index("mouthSmileRight")] = [0, 0.1, np.nan]
    values = faces.lead(scores, "happy")
    assert np.allclose(values, [0, 0.3, np.nan], equal_nan=True)
    clip = Clip(np.zeros((3, 8, 8, 3), np.uint8), blendshapes=scores)
    assert np.array_equal(faces.lead(clip, "happy"), values, equal_nan=True)


def test_puffed_cheeks_are_a_width():
    points = np.zeros((2, 68, 2), np.float32)
    points[:, 45] = [10, 0]
    points[:, 13], points[:, 12] = [[15, 0], [18, 0]], [[13, 0], [16, 0]]
    clip = Clip(np.zeros((2, 8, 8, 3), np.uint8), landmarks=points)
    assert np.allclose(faces.lead(clip, "cheeks_puffed"), [1.4, 1.7])
    with pytest.raises(ValueError, match="landmarks"):
        faces.lead(np.zeros((2, 52)), "cheeks_puffed")


def test_lead_refuses_what_it_cannot_read():
    with pytest.raises(ValueError, match="'bored'"):
        faces.lead(np.zeros((2, 52)), "bored")
    with pytest.raises(ValueError, match="faces.read"):
        faces.lead(Clip(np.zeros((2, 8, 8, 3), np.uint8)), "happy")
    with pytest.raises(ValueError, match="blendshapes"):
        faces.lead(np.zeros((2, 51)), "happy")


# What may be missing on a machine


def test_missing_dlib_is_one_sentence_and_alignment_does_without(monkeypatch):
    with_dlib.models.cache_clear()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(ImportError, match="face_recognition_models"):
        faces.embed(crop()[None])
    assert eye_error(faces.align_face(portrait(), 128)) < 0.02
    monkeypatch.undo()
    with_dlib.models.cache_clear()


def test_missing_models_of_dlib_are_one_sentence(monkeypatch):
    with_dlib.models.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="face_recognition_models"):
        faces.landmarks(crop()[None])
    monkeypatch.undo()
    with_dlib.models.cache_clear()


def test_missing_networks_are_one_sentence_and_dlib_does_without(monkeypatch):
    found = faces.landmarks(crop()[None])

    def missing(view: object) -> None:
        raise ImportError("no networks")

    monkeypatch.setattr(with_mediapipe, "mesh_of", missing)
    assert np.array_equal(faces.landmarks(crop()[None]), found)
    assert np.isnan(faces.landmarks(NOISE[None])).all()
    monkeypatch.undo()
    code = (
        "import sys; sys.modules['ai_edge_litert'] = None\n"
        "import numpy as np; from i2vlib import faces; faces.blendshapes(np.zeros((1, 64, 64, 3), np.uint8))"
    )
    error = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    assert "ImportError: ai-edge-litert, which runs the networks that read faces, cannot be imported" in error
    assert "pip install ai-edge-litert" in error


def test_face_alignment_offline_is_one_sentence(monkeypatch):
    face_alignment = pytest.importorskip("face_alignment")

    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no network")

    with_face_alignment.network.cache_clear()
    monkeypatch.setattr(face_alignment, "FaceAlignment", offline)
    with pytest.raises(RuntimeError, match="backend='dlib'"):
        faces.landmarks(crop()[None], "face-alignment")


def test_face_alignment_is_given_the_face_and_its_points_come_back(monkeypatch):
    """Stands in for the network, whose weights need internet: answers with the corners and centre of the box."""
    boxes = []

    def corners(image: np.ndarray, detected_faces: list) -> list[np.ndarray]:
        boxes.append(detected_faces[0])
        left, top, right, bottom = detected_faces[0]
        return [np.tile([[(left + right) / 2, (top + bottom) / 2]], (68, 1))]

    monkeypatch.setattr(with_face_alignment, "network", lambda: SimpleNamespace(get_landmarks_from_image=corners))
    found = faces.landmarks(np.stack([crop(), np.resize(NOISE, (128, 128, 3))]), "face-alignment")
    assert len(boxes) == 1 and np.isnan(found[1]).all()
    nose = faces.landmarks(crop()[None])[0, 30]
    assert np.linalg.norm(found[0, 0] - nose) < 12


def test_readers_are_silent_and_end_quietly():
    code = (
        "import sys, numpy as np; from i2vlib import faces\n"
        "assert not {'dlib', 'ai_edge_litert', 'face_alignment', 'skimage', 'scipy'} & set(sys.modules)\n"
        "from skimage.data import astronaut; assert faces.measure(astronaut()[None]).detected.all()\n"
        "assert 'mediapipe' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_extractors_carry_versions():
    import json

    named = faces.extractors()
    assert set(named) == {"identity", "landmarks", "detector", "blendshapes"}
    assert all(any(c.isdigit() for c in text) and "missing" not in text for text in named.values())
    json.dumps(named)
    assert named["blendshapes"].startswith("face_landmarker.task 64184e22, ai-edge-litert ")


# Real clips


def test_real_clips_are_found_and_aligned(real_data):
    folders = sorted((real_data / "affinegan-sample").glob("*/*/img/*"))
    assert folders
    for folder in folders:
        files = sorted(folder.glob("*.jpg"))
        frames = np.stack([load_image(path) for path in (files[0], files[len(files) // 2], files[-1])])
        aligned = faces.align_clip(Clip(frames, subject=folder.name), 128)
        reading = faces.measure(aligned.frames, identity=False)
        assert reading.detected.all() and np.isfinite(reading.blendshapes[:, :-1]).all(), folder
        assert np.abs(faces.eye_centres(reading.landmarks[0]) - eyes_expected(128)).max() < 3, folder


def test_real_expressions_raise_their_leads(real_data):
    sample = real_data / "affinegan-sample"
    for folder, expression, rise in (
        ("happy/train/img/vid_0002", "happy", 0.4),
        ("surprise/train/img/vid_0001", "surprised", 0.5),
        ("anger/train/img/vid_0001", "angry", 0.1),
    ):
        files = sorted((sample / folder).glob("*.jpg"))
        frames = faces.align_clip(Clip(np.stack([load_image(path) for path in (files[0], files[-1])])), 128).frames
        values = faces.lead(faces.blendshapes(frames), expression)
        assert values[1] - values[0] > rise, folder
