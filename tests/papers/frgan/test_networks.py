"""FRGAN's networks: dense connections, enlarged convolutions, clips that keep their size, masks that collapse."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from i2vlib.papers.frgan.networks import (
    ClipUNet,
    DenseBlock,
    ResidualDenseBlock,
    enlarged_convolution,
    mask_outputs,
)
from tests.papers.frgan.clips import SIZE, batch_of, forecaster


@pytest.mark.parametrize("factor", [1, 2, 4, 8])
def test_a_convolution_of_an_enlarged_picture_is_one_transposed_convolution(factor):
    rng = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 3, 4, 5, generator=rng).double(), torch.randn(6, 3, 3, 3, generator=rng).double()
    enlarged = F.interpolate(x, scale_factor=factor, mode="nearest")
    assert torch.allclose(enlarged_convolution(x, weight, factor), F.conv2d(enlarged, weight, padding=1))


def test_a_dense_block_reads_all_it_is_given():
    """The first convolution of a block over concatenated, enlarged inputs (section 3.2), written out."""
    torch.manual_seed(0)
    block = DenseBlock([3, 2], 4)
    small, large = torch.randn(1, 3, 2, 2), torch.randn(1, 2, 4, 4)
    read = torch.cat([F.interpolate(small, scale_factor=2), large], 1)
    first = F.conv2d(read, torch.cat([*block.weights], 1), padding=1) + block.bias
    assert torch.allclose(block([small, large], 4), F.relu(block.second(F.relu(first))), atol=1e-5)


def test_a_residual_block_normalises_what_it_reads_and_adds_it_once_more():
    """Batch normalisation, ReLU, convolution, twice, beside a 1x1 convolution, over enlarged inputs, written out."""
    torch.manual_seed(0)
    block = ResidualDenseBlock([3, 2], 4)
    small, large = 5 * torch.randn(6, 3, 2, 2) + 7, torch.randn(6, 2, 4, 4)
    read = torch.cat([F.interpolate(small, scale_factor=2), large], 1)
    first = F.conv2d(
        F.relu(F.batch_norm(read, None, None, training=True)), torch.cat([*block.body.weights], 1), padding=1
    )
    second = block.body.second(F.relu(F.batch_norm(first + block.body.bias, None, None, training=True)))
    past = F.conv2d(read, torch.cat([s.weight for s in block.shortcuts], 1))
    assert torch.allclose(block([small, large], 4), past + second, atol=1e-4)


def test_a_decoder_of_residual_blocks_draws_and_learns():
    method = forecaster(blocks="residual")
    made = method.outputs(batch := batch_of(method))
    assert made["images"].shape == batch["still"].shape
    method.zero_grad()
    sum(method.generator_terms(batch, made).values()).backward()
    weights = [p for n, p in method.decoder.named_parameters() if n.endswith("weight")]
    assert all(p.grad.abs().sum() > 0 for p in weights)


def test_a_decoder_may_be_wider_than_the_encoders():
    method = forecaster(dense=False, decoder_channels=6)
    assert method.image_encoder.first.out_channels == 4 and method.decoder.last.in_channels == 6
    assert method.outputs(batch_of(method))["images"].shape == (2, 3, SIZE, SIZE)


def test_without_dense_connections_a_block_reads_the_last_output_only():
    dense, plain = forecaster().decoder, forecaster(dense=False).decoder
    assert [len(b.weights) for b in dense.blocks] == [2, 3, 4, 5, 6]
    assert [len(b.weights) for b in plain.blocks] == [2] * 5


def test_a_mask_that_has_collapsed_is_told_from_one_that_has_not():
    masks = torch.stack([torch.full((1, 4, 4), 0.01), torch.full((1, 4, 4), 0.99), torch.full((1, 4, 4), 0.01)])
    masks[2, 0, 1, 1] = 0.8
    seen = {name: value.squeeze(1).tolist() for name, value in mask_outputs(masks).items()}
    assert seen["mask_empty"] == [1, 0, 0] and seen["mask_full"] == [0, 1, 0]
    assert np.allclose(seen["mask_mean"], [0.01, 0.99, 0.01 + 0.79 / 16])


def test_activations_of_clips_keep_their_size_through_the_levels():
    """With PyTorch's own weights they shrink to a fortieth, and nothing was learnt in a thousand steps."""
    torch.manual_seed(0)
    network, x, seen = ClipUNet([8, 16, 16, 16]), torch.rand(1, 6, 16, SIZE, SIZE) * 2 - 1, []
    for level in (*network.down, *network.up[:-1]):
        level.register_forward_hook(lambda _, __, made: seen.append(made.std().item()))
    network(x)
    assert len(seen) == 7 and min(seen) > 0.1 and max(seen) < 2, seen


def test_a_unet_of_clips_keeps_their_shape():
    assert ClipUNet([4, 8, 8, 8])(torch.zeros(1, 6, 16, 32, 32)).shape == (1, 4, 16, 32, 32)
