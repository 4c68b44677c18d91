"""How much is saved by computing once what the frames of a clip share, at the paper's size.

Both sides of each ratio evaluate the same equations with the same weights in the same process: ours, and one
frame at a time with nothing kept. ``make bench`` runs them; an ordinary test run skips them.
"""

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pytest
import torch

from i2vlib import faces
from i2vlib.clips import to_frames, to_tensor
from i2vlib.hub import load_pretrained
from i2vlib.papers.affinegan import AffineGAN, AffineGANConfig, affine
from tests.conftest import moving_square

FRAMES = 20


@pytest.fixture(scope="module")
def method() -> AffineGAN:
    torch.manual_seed(0)
    return AffineGAN(AffineGANConfig.paper(augment=False))


@pytest.fixture(autouse=True)
def only_as_a_benchmark(request):
    if request.config.getoption("benchmark_disable"):
        pytest.skip("a benchmark: run it with make bench")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int = 5) -> float:
    """The median of paired ratios, taken in turn, so that a machine that slows down slows both sides."""
    ours(), theirs()
    return median(seconds(ours) / seconds(theirs) for _ in range(rounds))


@torch.inference_mode()
def clip_frame_by_frame(method: AffineGAN, face: np.ndarray, intensity: np.ndarray) -> np.ndarray:
    frames = []
    for a in intensity:
        still = to_tensor(face)[None]
        base, residual = method.encoder(still), method.residual_encoder(still, torch.tensor([0]))
        frames.append(to_frames(method.decoder(affine(base, residual, torch.tensor([[a]]))))[0])
    return np.stack(frames)


def step(method: AffineGAN, optimisers: list[torch.optim.Optimizer], batches: list[dict[str, torch.Tensor]]) -> None:
    """One discriminator and one generator step; the loss is the mean over the batches, each evaluated alone."""
    weights = method.config.weights
    for optimiser, ask in zip(optimisers, (method.discriminator_terms, method.generator_terms), strict=True):
        optimiser.zero_grad()
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        for batch in batches:
            outputs = method.outputs(batch)
            total = sum(weights[name] * value for name, value in ask(batch, outputs).items())
            (total / len(batches)).backward(inputs=parameters)
        optimiser.step()


def our_step(method: AffineGAN, optimisers: list[torch.optim.Optimizer], batch: dict[str, torch.Tensor]) -> None:
    weights = method.config.weights
    outputs = method.outputs(batch)
    for optimiser, ask in zip(optimisers, (method.discriminator_terms, method.generator_terms), strict=True):
        optimiser.zero_grad()
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        sum(weights[name] * value for name, value in ask(batch, outputs).items()).backward(inputs=parameters)
        optimiser.step()


@pytest.mark.benchmark(group="a clip of 20 frames, 256 px")
def test_a_clip_takes_at_most_half_the_time(benchmark, method):
    face, intensity = moving_square(256, 1).frames[0], np.linspace(0, 1, FRAMES, dtype=np.float32)
    method.eval()
    ours = benchmark.pedantic(lambda: method.animate(face, intensity=intensity), rounds=3)
    theirs = clip_frame_by_frame(method, face, intensity)
    assert np.abs(ours.frames.astype(int) - theirs.astype(int)).max() <= 1
    share = ratio(
        lambda: method.animate(face, intensity=intensity), lambda: clip_frame_by_frame(method, face, intensity)
    )
    benchmark.extra_info["ratio to frame by frame"] = round(share, 3)
    print(f"\na clip of {FRAMES} frames: {share:.2f} of the time of frame by frame")
    assert share <= 0.5


@pytest.mark.benchmark(group="a training step of 5 frames, 256 px")
def test_a_training_step_takes_at_most_0_7_of_the_time(benchmark, method):
    method.train()
    example = method.example(moving_square(256, 6), torch.Generator().manual_seed(0))
    batch = {name: value[None] for name, value in example.items()}
    whole = ("neutral", "label", "local")
    single = [{n: v if n in whole else v[:, i : i + 1] for n, v in batch.items()} for i in range(5)]
    sides = (method.discriminator_parameters(), method.generator_parameters())
    optimisers = [torch.optim.Adam(parameters, 1e-6, fused=True) for parameters in sides]
    benchmark.pedantic(lambda: our_step(method, optimisers, batch), rounds=3)
    share = ratio(lambda: our_step(method, optimisers, batch), lambda: step(method, optimisers, single))
    benchmark.extra_info["ratio to frame by frame"] = round(share, 3)
    print(f"\na training step of 5 frames: {share:.2f} of the time of frame by frame")
    assert share <= 0.7


@pytest.mark.benchmark(group="a frame of the shipped AffineGAN, 128 px, one thread")
@pytest.mark.parametrize("runtime", ["pytorch", "onnx"])
def test_a_frame_by_onnx_runtime_takes_less_time(benchmark, runtime):
    pytest.importorskip("onnxruntime")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        face, row = moving_square(128, 1).frames[0], np.ones((1, 1), np.float32)
        draws = {
            name: load_pretrained("affinegan", "cpu", name).drawer(face, ["happy"]) for name in ("pytorch", runtime)
        }
        draw, plain = draws[runtime], draws["pytorch"]
        benchmark.pedantic(lambda: draw(row, batch=1), rounds=30, warmup_rounds=3)
        assert np.abs(draw(row, batch=1).astype(int) - plain(row, batch=1)).max() <= 1
        share = ratio(lambda: draw(row, batch=1), lambda: plain(row, batch=1), rounds=15)
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info["ratio to PyTorch"] = round(share, 3)
    print(f"\na frame by {runtime}: {1000 * benchmark.stats['min']:.1f} ms at best, {share:.2f} of the time of PyTorch")
    assert runtime == "pytorch" or share <= 0.7


@pytest.fixture(scope="module")
def carrying() -> AffineGAN:
    """A model that carries and says something of every pixel, as no trained one does: the most there is to compose."""
    torch.manual_seed(0)
    model = AffineGAN(AffineGANConfig.carried(expressions=("happy",)))
    torch.nn.init.normal_(model.decoder.levels[-1].weight, std=0.02)
    return model.eval()


def photo_of_a_face(side: int = 500) -> tuple[np.ndarray, faces.Found]:
    """A portrait as ``uint8 (1024, 1024, 3)`` whose crop is so wide, and its face."""
    from PIL import Image
    from skimage.data import astronaut

    face = faces.find_one(astronaut())
    scale = side * faces.EYE_DISTANCE / np.linalg.norm(face.eyes[1] - face.eyes[0])
    large = np.asarray(Image.fromarray(astronaut()).resize((round(512 * scale),) * 2))
    x, y = np.clip((face.eyes.mean(0) * scale).astype(int) - 512, 0, len(large) - 1024)
    there = face.through(np.array([[scale, 0, -x], [0, scale, -y]]))
    return np.ascontiguousarray(large[y : y + 1024, x : x + 1024]), there


@pytest.mark.benchmark(group="a clip of 20 frames by a model that carries, 1,024 px, the face being found")
def test_a_whole_photo_takes_at_most_five_times_its_crop(benchmark, carrying):
    photo, face = photo_of_a_face()
    whole = lambda: carrying.animate(photo, whole=True, which=face)  # noqa: E731
    crop = faces.align_face(photo, carrying.size, face)
    clip = benchmark.pedantic(whole, rounds=3, warmup_rounds=1)
    assert clip.frames.shape == (FRAMES, 1024, 1024, 3) and np.array_equal(clip.frames[0], photo)
    share = ratio(whole, lambda: carrying.animate(crop))
    benchmark.extra_info["ratio to the crop alone"] = round(share, 3)
    print(f"\na whole photo, {FRAMES} frames: {benchmark.stats['min']:.2f} s at best, {share:.1f} times its crop alone")
    assert share <= 5


@pytest.mark.benchmark(group="a frame composed on a face of a crop of 500 px, one thread")
def test_composing_a_frame_takes_less_time_than_estimating_its_flow(benchmark, carrying):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        photo, face = photo_of_a_face()
        place = faces.Place.of(photo, faces.crop_matrix(face.eyes, carrying.size), carrying.size)
        clip = carrying.animate(faces.align_face(photo, carrying.size, face), intensity=[1])
        composed = lambda: place.composed(clip.maps[0])  # noqa: E731
        assert (benchmark.pedantic(composed, rounds=20, warmup_rounds=2) != photo).any(-1).mean() > 0.1
        share = ratio(composed, lambda: place.carried(clip.neutral, clip.frames[0]), rounds=9)
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info["ratio to an estimated flow"] = round(share, 3)
    print(
        f"\na frame composed: {1000 * benchmark.stats['min']:.1f} ms at best, {share:.2f} of an estimated flow's time"
    )
    assert share <= 0.7
