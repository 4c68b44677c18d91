"""The shared layers against what they are said to be."""

import pytest
import torch
import torch.nn.functional as F

from i2vlib.papers.blocks import (
    Decoder,
    Encoder,
    PatchDiscriminator,
    UpConv,
    joined,
    local_region,
    parted,
    subpixel,
    widths,
)


@pytest.mark.parametrize("channels", [6, 3])
def test_smooth_upconvolution_is_nearest_upsampling_and_a_3x3_convolution(channels):
    layer = UpConv(4, channels, smooth=True)
    x = torch.randn(2, 4, 8, 8)
    kernel = layer.weight.flip(2, 3).transpose(0, 1)
    expected = F.conv2d(F.interpolate(x, scale_factor=2, mode="nearest"), kernel, layer.bias, padding=1)
    assert torch.allclose(layer(x), expected, atol=1e-5)


def test_the_subpixel_form_is_the_transposed_convolution_and_has_its_gradients():
    x = torch.randn(2, 5, 6, 7, dtype=torch.double, requires_grad=True)
    kernel = torch.randn(5, 3, 4, 4, dtype=torch.double, requires_grad=True)
    expected = F.conv_transpose2d(x, kernel, stride=2, padding=1)
    made = subpixel(x, kernel)
    assert torch.allclose(made, expected)
    for ours, theirs in zip(*(torch.autograd.grad(y.sin().sum(), (x, kernel)) for y in (made, expected)), strict=True):
        assert torch.allclose(ours, theirs)


@pytest.mark.parametrize("smooth", [True, False])
def test_only_the_smooth_upconvolution_leaves_a_constant_constant(smooth):
    torch.manual_seed(0)
    made = UpConv(4, 6, smooth)(torch.ones(1, 4, 8, 8))[..., 2:-2, 2:-2]
    assert made.shape[-1] == 12
    assert (made.std((2, 3)).max() < 1e-6) == smooth


@pytest.mark.parametrize("smooth", [True, False])
def test_upconvolutions_keep_the_strength_of_rectified_features(smooth):
    torch.manual_seed(0)
    x = torch.randn(4, 128, 16, 16).relu()
    made = UpConv(128, 128, smooth)(x)[..., 4:-4, 4:-4].relu()
    assert made.square().mean().item() == pytest.approx(x.square().mean().item(), rel=0.1)


@pytest.mark.parametrize("size", [64, 128, 256])
def test_a_u_net_has_log2_size_levels_and_gives_back_its_size(size):
    channels = widths(size, 4, 2)
    features = Encoder(3, channels, "instance")(torch.randn(2, 3, size, size))
    assert [f.shape[1:] for f in features] == [(c, size >> i, size >> i) for i, c in enumerate(channels, 1)]
    picture = Decoder(channels, "none", True, 0.0)(features)
    assert picture.shape == (2, 3, size, size) and picture.abs().max() <= 1


def test_the_decoder_does_not_change_the_features_it_is_given():
    features = Encoder(3, widths(16, 4, 2), "instance")(torch.randn(1, 3, 16, 16))
    before = [f.clone() for f in features]
    Decoder(widths(16, 4, 2), "instance", False, 0.5)(features)
    assert all(torch.equal(a, b) for a, b in zip(before, features, strict=True))


def test_a_corrected_decoder_starts_as_the_plain_one_and_can_erase_what_the_encoder_shows():
    channels = widths(16, 4, 2)
    plain, corrected = (Decoder(channels, "none", True, 0.0, levels) for levels in (0, 2))
    corrected.load_state_dict(plain.state_dict(), strict=False)
    features = [torch.randn(2, c, 16 >> i, 16 >> i) for i, c in enumerate(channels, 1)]
    assert torch.equal(plain(features), corrected(features))

    nowhere = [torch.full_like(features[0], -1), *features[1:]]  # rectified, it shows nothing
    torch.nn.init.constant_(corrected.corrections[0].bias, -100)
    assert not torch.equal(corrected(features), plain(features))
    assert torch.equal(corrected(features), plain(nowhere))


def test_the_five_convolution_discriminator_sees_70_pixels():
    network = PatchDiscriminator(3, 4, (2, 2, 2, 1, 1), "none")
    picture = torch.randn(1, 3, 128, 128, requires_grad=True)
    network(picture)[0][0, 0, 7, 7].backward()
    rows = picture.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    assert rows.max() - rows.min() + 1 == 70


def test_a_discriminator_of_several_classes_says_which():
    score, classes = PatchDiscriminator(3, 4, (2, 2, 1), "instance", classes=5)(torch.randn(2, 3, 32, 32))
    assert score.shape[:2] == (2, 1) and classes.shape == (2, 5)
    assert PatchDiscriminator(3, 4, (2, 2, 1), "instance")(torch.randn(2, 3, 32, 32))[1] is None


def test_codes_that_are_drawn_at_once_are_told_apart_again():
    codes = {
        "a": [torch.zeros(2, 1, 2, 2), torch.zeros(2, 3, 1, 1)],
        "b": [torch.ones(1, 1, 2, 2), torch.ones(1, 3, 1, 1)],
    }
    outer, inner = joined(codes)
    assert outer[:, 0, 0, 0].tolist() == [0, 0, 1] and inner.shape == (3, 3, 1, 1)
    made = parted(outer + 5, codes)
    assert list(made) == ["a", "b"] and made["a"].shape[0] == 2 and (made["b"] == 6).all()


def test_the_local_region_is_the_mouth_where_it_counts_or_all_that_moves():
    neutral, frames = torch.zeros(2, 3, 16, 16), torch.zeros(2, 1, 3, 16, 16)
    frames[1, :, :, 4, 12] = 1.0
    mask = torch.zeros(2, 1, 1, 16, 16)
    batch = {"neutral": neutral, "frames": frames, "mask": mask, "local": torch.tensor([True, False])}
    rows, region = local_region(batch, "mouth")
    assert rows.tolist() == [True, False] and region is mask
    rows, region = local_region(batch, "moving")
    assert rows.tolist() == [True, True] and region.shape == mask.shape
    assert not region[0].any() and region[1, 0, 0, 4, 12] == 1 and region[1, 0, 0, 12, 4] == 0
