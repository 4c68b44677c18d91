"""The 3D face model: the mesh is the actors' own, fits find what they should, maps say which way a face turns."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from i2vlib import faces
from i2vlib.clips import Clip
from i2vlib.datasets import actors
from i2vlib.expressions import BLENDSHAPES
from i2vlib.papers.frgan import condition
from i2vlib.papers.frgan.condition import Face, clips, fitting

FACE = ("identity", "pose", "camera")
SIZE = 96


@pytest.fixture(scope="module")
def driver() -> Clip:
    return actors.clip(10_003, "happy", frames=4, size=SIZE, truth=(*FACE, "parts", "normals"))


@pytest.fixture(scope="module")
def target() -> Clip:
    return actors.clip(10_001, "happy", frames=4, size=SIZE, truth=FACE)


def numbers(face: Face) -> list[torch.Tensor]:
    values = face.identity, face.coefficients, face.pose, face.camera
    return [torch.tensor(x).double() for x in values]


def test_the_landmarks_of_the_mesh_are_those_the_actors_were_drawn_with(driver):
    for clip in (
        driver,
        actors.clip(10_002, "eyes_closed", frames=3, size=64, truth=FACE),
        actors.clip(10_000, "surprised", frames=5, size=64, truth=FACE, nuisance=actors.Nuisance(drift=6.0)),
    ):
        assert np.abs(condition.known(clip).landmarks() - clip.landmarks).max() < 0.01


def test_gradients_are_those_of_the_equation(driver):
    identity, coefficients, pose, camera = numbers(condition.known(driver)[2:3])
    identity = identity.clone()
    identity[:6] = 0.37  # away from the anchors of the phenotypes, where a slope jumps

    def some(identity: torch.Tensor, coefficients: torch.Tensor, pose: torch.Tensor) -> torch.Tensor:
        return condition.project_landmarks(identity, coefficients, pose, camera)[:, [8, 30, 48, 62]]

    inputs = [x.clone().requires_grad_() for x in (identity, coefficients, pose)]
    assert torch.autograd.gradcheck(some, inputs, eps=1e-6, atol=1e-3, fast_mode=True)


def test_a_rotation_turns_as_its_angles_say():
    turned = condition.rotation(torch.tensor([[0.3, -0.2, 0.1], [0.0, 0.0, 0.0]]).double())
    assert torch.allclose(turned @ turned.mT, torch.eye(3).double().expand(2, 3, 3))
    assert torch.allclose(turned[1], torch.eye(3).double())
    yaw = condition.rotation(torch.tensor([0.5, 0.0, 0.0]).double()) @ torch.tensor([1.0, 0.0, 0.0]).double()
    assert torch.allclose(yaw, torch.tensor([np.cos(0.5), np.sin(0.5), 0.0]))


def test_retargeting_keeps_the_target_and_takes_the_expression(driver, target):
    one, other = condition.known(target), condition.known(driver)
    made = condition.retarget(one[:1], other)
    assert len(made) == len(driver) and np.array_equal(made.identity, one.identity)
    assert np.array_equal(made.coefficients, driver.blendshapes) and (made.pose == one.pose[0]).all()
    rendered = actors.clip(10_001, "happy", size=SIZE, coefficients=driver.blendshapes)
    assert np.abs(made.landmarks() - rendered.landmarks).max() < 0.01


def test_maps_are_the_normals_of_what_is_seen(driver):
    maps = condition.condition_maps(condition.known(driver))
    true, parts = driver.truth["normals"], driver.truth["parts"]
    assert maps.dtype == np.int8 and maps.shape == true.shape
    drawn = (maps != 0).any(-1)
    length = np.linalg.norm(maps[drawn].astype(float), axis=-1)
    assert np.abs(length - 127).max() < 1.5 and (maps[drawn][:, 2] <= 5).all()
    skin = parts == actors.PARTS.index("skin")
    assert drawn[skin].mean() > 0.99
    assert np.median(np.abs(maps[skin].astype(int) - true[skin])) == 0
    # Whose nose points at the camera has its left cheek, on the right of the picture, looking to the right.
    right, left = maps[0, SIZE // 2, SIZE * 3 // 4], maps[0, SIZE // 2, SIZE // 4]
    assert right[0] > 20 and left[0] < -20


def test_normals_before_the_head_is_turned_lie_where_the_turned_head_is(driver):
    face = condition.known(driver)[:1]
    turn = np.array([[np.cos(0.3), -np.sin(0.3), 0], [np.sin(0.3), np.cos(0.3), 0], [0, 0, 1]], np.float32)
    turned = replace(face, pose=np.concatenate([(turn @ face.pose[0, :, :3])[None], face.pose[:, :, 3:]], -1))
    posed, own = (condition.condition_maps(turned, posed)[0].astype(float) for posed in (True, False))
    seen = (posed != 0).any(-1)
    assert np.array_equal(seen, (own != 0).any(-1)) and np.abs(posed - own)[seen].mean() > 10
    picture = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    turned_back = own[seen] @ (picture @ turned.pose[0, :, :3] @ picture.T).T
    assert np.abs(turned_back - posed[seen]).mean() < 3  # but for the roll that levels the eyes


def test_a_fit_to_true_landmarks_finds_the_face(driver):
    """Without a word about the expression: its coefficients start at 0 and its identity at the mean."""
    start = np.zeros_like(driver.blendshapes)
    face = fitting._minimised(driver.landmarks, start, (SIZE, SIZE))
    distance = np.linalg.norm(face.landmarks() - driver.landmarks, axis=-1).mean()
    mean = fitting._minimised(driver.landmarks[:1], start[:1], (SIZE, SIZE))
    frozen = np.linalg.norm(mean.landmarks() - driver.landmarks, axis=-1).mean()
    assert distance < 0.6 < frozen
    smiled = face.coefficients[:, BLENDSHAPES.index("mouthSmileLeft")]
    assert smiled[0] < 0.1 and smiled[-1] > smiled[0] + 0.1


def test_a_fit_reads_an_actors_expression(driver):
    face = condition.fit_face(driver)
    assert face.residual.shape == (4,) and face.residual.mean() < 0.025 * SIZE
    assert ((face.coefficients >= 0) & (face.coefficients <= 1)).all() and face.coefficients[0].max() < 0.1
    error = np.abs(face.coefficients - driver.blendshapes)[1:].mean()
    assert error < 0.5 * driver.blendshapes[1:].mean()


def test_the_reader_is_nearer_than_the_scores_themselves_on_people_it_was_not_calibrated_on():
    apart = {"reader": 0.0, "scores": 0.0}
    for seed, expression in ((10_000, "surprised"), (10_001, "angry"), (10_002, "happy")):
        clip = actors.clip(seed, expression, frames=3, size=SIZE)
        scores = faces.blendshapes(clip.frames)
        rise = np.clip(np.nan_to_num(scores - scores[0]), 0, 1)
        apart["reader"] += np.abs(condition.reader()(scores, scores[0]) - clip.blendshapes).sum()
        apart["scores"] += np.abs(rise - clip.blendshapes).sum()
    assert apart["reader"] < 0.8 * apart["scores"]


def test_calibration_finds_a_linear_reader():
    rng = np.random.default_rng(0)
    mixing = rng.normal(0, 0.1, (52, 52)) + 0.5 * np.eye(52)
    rise = rng.uniform(0, 0.3, (600, 52))
    neutral = np.full((600, 52), 0.2)
    found = condition.calibrated(neutral + rise, neutral, np.clip(rise @ mixing, 0, 1), ridge=1e-6)
    kept = np.clip(rise @ mixing, 0, 1)
    assert np.abs(found(neutral + rise, neutral[0]) - kept).mean() < 0.02
    assert np.allclose(found.usual, 0.2) and found.doubt.max() < 0.1


def test_without_a_face_the_fit_says_so():
    with pytest.raises(faces.NoFaceError, match="face"):
        condition.fit_face(np.full((64, 64, 3), 120, np.uint8))


def test_a_picture_is_fitted_by_its_landmarks_where_its_expression_cannot_be_read(driver, monkeypatch):
    reading = faces.measure(driver.frames[-1:], identity=False)
    blind = replace(reading, blendshapes=np.full_like(reading.blendshapes, np.nan))
    monkeypatch.setattr(faces, "measure", lambda *_, **__: blind)
    face = condition.fit_face(driver.frames[-1])
    assert face.residual[0] < 0.025 * SIZE
    still = replace(face, coefficients=np.zeros_like(face.coefficients))
    away = np.linalg.norm(still.landmarks() - reading.landmarks, axis=-1).mean()
    assert face.residual[0] < 0.9 * away  # the landmarks alone have told something of the smile
    with pytest.raises(faces.NoFaceError, match="face"):
        condition.fit_face(Clip(np.repeat(driver.frames[-1:], 2, 0)))


def test_a_crop_in_which_no_face_is_found_again_moves_as_a_usual_face():
    with pytest.warns(UserWarning, match="96.*align_face"):
        face = condition.fit_crop(np.full((SIZE, SIZE, 3), 120, np.uint8))
    assert len(face) == 1 and face.size == SIZE and not face.coefficients.any()
    eyes = faces.eye_centres(face.landmarks()[0]) / SIZE
    expected = [[0.5 - faces.EYE_DISTANCE / 2, faces.EYE_LEVEL], [0.5 + faces.EYE_DISTANCE / 2, faces.EYE_LEVEL]]
    assert np.abs(eyes - expected).max() < 0.01


def test_a_crop_with_a_face_is_fitted_without_a_warning(driver, recwarn):
    face, known = condition.fit_crop(driver.frames[-1]), condition.fit_face(driver.frames[-1])
    assert np.array_equal(face.coefficients, known.coefficients) and not len(recwarn)


def test_a_fit_holds_pytorch_and_linear_algebra_to_one_thread_and_gives_them_back(driver, monkeypatch):
    from threadpoolctl import threadpool_info

    def threads() -> tuple[int, set[int]]:
        return torch.get_num_threads(), {
            pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
        }

    inside, minimised = [], fitting._minimised
    monkeypatch.setattr(fitting, "_minimised", lambda *given: (inside.append(threads()), minimised(*given))[1])
    torch.set_num_threads(2)
    try:
        before = threads()
        condition.fit_face(driver.frames[0])
        assert before[0] == 2 and threads() == before and inside == [(1, {1})]
        with pytest.raises(RuntimeError, match="in between"), fitting.limited_threads():
            raise RuntimeError("in between")
        assert threads() == before
    finally:
        torch.set_num_threads(1)


def test_a_clip_that_does_not_know_its_face_is_refused(clip):
    with pytest.raises(ValueError, match="face"):
        condition.known(clip)


def test_frames_without_a_face_take_their_neighbours_expression(driver):
    frames = driver.frames.copy()
    frames[2] = 128
    face = condition.fit_face(Clip(frames))
    assert np.isnan(face.residual[2]) and np.isfinite(face.residual[[0, 1, 3]]).all()
    assert np.isfinite(face.coefficients).all() and np.isfinite(face.pose).all()


def test_fits_and_maps_are_kept(driver, tmp_path, monkeypatch):
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path))
    taught = condition.Conditioned([replace(driver, truth={n: driver.truth[n] for n in FACE})])
    first = np.array(taught[0].truth["condition"])
    monkeypatch.setattr(clips, "condition_maps", lambda *_: pytest.fail("drawn again"))
    assert np.array_equal(taught[0].truth["condition"], first)
    assert first.shape == (4, SIZE, SIZE, 3) and len(list(tmp_path.glob("maps-*/*.npy"))) == 1


def test_a_fit_is_kept_with_all_its_numbers(driver, tmp_path, monkeypatch):
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path))
    face = replace(condition.known(driver), residual=np.arange(4, dtype=np.float32))
    monkeypatch.setattr(clips, "fit_face", lambda _: face)
    first = condition.cached_fit(driver)
    monkeypatch.setattr(clips, "fit_face", lambda _: pytest.fail("fitted again"))
    for found in (first, condition.cached_fit(driver)):
        assert all(np.array_equal(vars(found)[name], value) for name, value in vars(face).items())


def test_what_two_need_at_once_is_made_once(tmp_path, monkeypatch):
    monkeypatch.setenv("I2VLIB_CACHE", str(tmp_path))
    both, made = threading.Barrier(2), []

    def make() -> np.ndarray:
        made.append(1)
        time.sleep(0.3)  # the other one is waiting by now
        return np.arange(3)

    def need(_: int) -> list[int]:
        both.wait()
        return clips.kept_array("things", (np.zeros(2),), make).tolist()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(need, range(2))) == [[0, 1, 2]] * 2
    assert made == [1]
