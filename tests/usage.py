"""The public API as an editor sees it: `make check` has a type checker read these lines; nothing runs them."""

from pathlib import Path
from typing import assert_type

import numpy as np

import i2vlib
from i2vlib.papers.playing import Dialled

photo = i2vlib.load_image("me.jpg")
face = i2vlib.align_face(photo, size=128)
model = i2vlib.load_pretrained("affinegan")
assert_type(model, i2vlib.AffineGAN)
assert_type(i2vlib.load_pretrained("fan"), i2vlib.FAN)
assert_type(i2vlib.load_pretrained("frgan"), i2vlib.FRGAN)
assert_type(i2vlib.load_pretrained("frgan_poses"), i2vlib.FRGANPoses)
i2vlib.load_pretrained(Path("runs/mine")).animate(face)

clip = model.animate(face, "happy", [0, 0.5, 1], region="mouth")
assert_type(clip, i2vlib.Clip)
assert_type(clip.frames, np.ndarray)
clip.save("happy.gif")
assert_type(model.animate(photo, intensity={"happy": [0, 1], "angry": [1, 0]}, whole=True), i2vlib.Clip)
assert_type(model.infer_intensity(clip.frames, clip.frames[0], "happy"), np.ndarray)
assert_type(model.expressions, tuple[str, ...])

method = i2vlib.AffineGAN(i2vlib.AffineGANConfig.paper(size=64))
assert_type(method.config, i2vlib.AffineGANConfig)
assert_type(method.config.weights["reconstruction"], float)
assert_type(i2vlib.FAN(i2vlib.FANConfig.small()).config, i2vlib.FANConfig)
assert_type(i2vlib.Forecast(i2vlib.ForecastConfig.released_code()).config, i2vlib.ForecastConfig)

clips = [clip]
i2vlib.fit(method, clips, steps=1000, seed=0, folder="runs/x")
i2vlib.evaluate(model, clips)


def played(one: Dialled) -> i2vlib.Clip:
    return one.animate(face, one.expressions[0], driver=clip)


played(method)
played(i2vlib.GANimation(i2vlib.GANimationConfig.small()))
