"""From files on disk to a saved video: what a reader does, in one go."""

import numpy as np
import pytest
from PIL import Image

import i2vlib
from i2vlib.hub import shipped
from i2vlib.papers.affinegan import AffineGAN, AffineGANConfig


def small(**changes: object) -> AffineGANConfig:
    return AffineGANConfig.small(size=64, base_channels=8, clips_per_step=2, **changes)


def test_a_folder_of_real_clips_becomes_a_model_that_animates_a_real_still(real_data, tmp_path):
    root = real_data / "affinegan-sample"
    clips = i2vlib.datasets.open(root, split="train", size=64)
    expressions = tuple(sorted({clip.expression for clip in clips}))
    method = AffineGAN(small(expressions=expressions))
    history = i2vlib.fit(method, clips, 30, folder=tmp_path / "run", log_every=1, progress=False)
    error = history["generator/reconstruction"]
    assert error.tail(5).mean() < 0.8 * error.head(5).mean()

    still = next(iter(i2vlib.datasets.open(root, split="test", size=64))).frames[0]
    model = i2vlib.load_pretrained(tmp_path / "run")
    made = model.animate(still, expressions[0], intensity=[0, 0.5, 1])
    assert made.frames.shape == (3, 64, 64, 3)
    for suffix in (".gif", ".mp4", ".webp", ".png"):
        assert made.save(tmp_path / f"made{suffix}").stat().st_size > 500


@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith(("affinegan", "fan"))])
def test_a_shipped_model_moves_the_face_it_is_given_and_leaves_the_rest(name):
    """Motion and identity on one person it was not trained on: the expression moves, the background does not."""
    model = i2vlib.load_pretrained(name)
    actor = i2vlib.datasets.actors.clip(seed=20005, expression="happy", frames=4, size=128)
    made = model.animate(actor.frames[0], "happy", intensity=[0, 0.5, 1]).frames.astype(float)
    change = np.abs(made[2] - made[0]).mean(-1)
    mouth = actor.truth["mouth"].any(0)
    assert change[mouth].mean() > 5 * change[:20].mean()
    assert change[mouth].mean() > 8
    assert np.abs(made[0] - actor.frames[0]).mean() < 6


def test_a_photograph_of_any_kind_becomes_a_video(tmp_path):
    """A grey PNG with an alpha channel, larger than the crop, in three lines."""
    import skimage.data

    path = tmp_path / "me.png"
    Image.fromarray(skimage.data.astronaut()).convert("LA").save(path)
    face = i2vlib.align_face(i2vlib.load_image(path), size=128)
    model = i2vlib.load_pretrained("affinegan")
    clip = model.animate(face, expression="happy", intensity=[0, 0.25, 0.5, 1, 0.5, 0])
    assert len(clip) == 6 and clip.save(tmp_path / "me.gif").is_file()
    assert "i2v" in clip._repr_html_()


def test_a_photograph_without_a_face_says_what_to_do():
    with pytest.raises(i2vlib.NoFaceError, match="face"):
        i2vlib.align_face(np.full((200, 200, 3), 128, np.uint8))


@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith("affinegan")])
def test_a_driver_lends_a_strangers_face_its_timing(name):
    model = i2vlib.load_pretrained(name)
    driver = i2vlib.datasets.actors.clip(seed=20006, expression="surprised", frames=6, size=128)
    face = i2vlib.datasets.actors.clip(seed=20007, expression="surprised", frames=2, size=128).frames[0]
    driven = model.animate(face, driver=driver)
    order = np.argsort(driver.intensity, kind="stable")
    assert np.all(np.diff(driven.intensity[order]) > -0.1) and driven.intensity[order][-1] > 0.4


@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith("fan")])
def test_the_joint_model_leads_from_one_expression_to_another_and_mixes_them(name):
    """The path begins and ends where it should; a smile in a frown pulls at its mouth and leaves its brows."""
    model = i2vlib.load_pretrained(name)
    face = i2vlib.datasets.actors.clip(seed=20005, expression="happy", frames=2, size=128).frames[0]
    happy, angry = (model.animate(face, name, intensity=[0, 1]).frames.astype(float) for name in ("happy", "angry"))
    led = model.animate(face, intensity={"angry": [1, 0.5, 0], "happy": [0, 0.5, 1]})
    assert led.intensity.shape == (3, 2)
    assert (led.frames[0] == angry[1]).all() and (led.frames[2] == happy[1]).all()
    steps = np.abs(np.diff(led.frames.astype(float), axis=0)).mean((1, 2, 3))
    assert steps.min() > 0.5 * steps.max(), "the face jumps from one end to the other"

    mixed = model.animate(face, intensity={"happy": [1], "angry": [1]}).frames[0].astype(float)
    mouth, brows = (slice(76, 116), slice(36, 92)), (slice(24, 52), slice(28, 100))
    apart = lambda one, other, where: np.abs(one[where] - other[where]).mean()  # noqa: E731
    assert apart(mixed, happy[1], mouth) < 0.8 * apart(angry[1], happy[1], mouth)
    assert apart(mixed, angry[1], brows) < 0.8 * apart(happy[1], angry[1], brows)


def test_a_stranger_follows_a_driver_and_stays_who_they_are():
    """FRGAN against the clip that a perfect retargeting would be: the driver's true coefficients on the target."""
    model = i2vlib.load_pretrained("frgan")
    driver = i2vlib.datasets.actors.clip(20_006, "surprised", "full", frames=8, size=96)
    wanted = i2vlib.datasets.actors.clip(20_001, "surprised", "full", 8, 96, coefficients=driver.blendshapes)
    made = model.animate(wanted.frames[0], driver=driver)
    peak = i2vlib.metrics.peak_frame(wanted)
    assert i2vlib.metrics.moving_ratio(made.frames[peak], wanted.frames[peak], wanted.frames[0]) < 0.8
    assert i2vlib.metrics.motion(made.frames, wanted.frames, peak) > 0.5
    assert i2vlib.metrics.static_change(made.frames, wanted.frames) < 2
    who = i2vlib.faces.measure(np.stack([wanted.frames[0], made.frames[peak], driver.frames[0]])).embeddings
    assert np.linalg.norm(who[1] - who[0]) < 0.6 * np.linalg.norm(who[1] - who[2])
    assert made.truth["condition"].shape == made.frames.shape


def test_a_real_person_drives_an_actor(real_data):
    clips = i2vlib.datasets.open(real_data / "affinegan-sample", "train", 256, expression="happy")
    face = i2vlib.datasets.actors.clip(20_001, frames=2, size=96).frames[0]
    made = i2vlib.load_pretrained("frgan").animate(face, driver=clips[0])
    assert len(made) == len(clips[0]) and made.fps == clips[0].fps
    mouth = np.abs(made.frames[:, 60:84].astype(float) - made.frames[0, 60:84]).mean((1, 2, 3))
    assert mouth[-3:].min() > 3 * mouth[1:5].mean(), "the smile comes late in that clip"
