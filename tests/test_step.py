"""One training step by value: a game of two numbers, worked by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from i2vlib import training
from i2vlib.papers.config import Trained
from i2vlib.papers.method import Trainable
from i2vlib.training import Examples, fit, learning_rate, numbered_rng
from tests.conftest import moving_square


@dataclass(frozen=True)
class GameConfig(Trained):
    TERMS: ClassVar = {"meet": 1.0, "rise": 4.0}
    learning_rate: float = 0.25
    betas: tuple[float, float] = (0.0, 0.0)  # Adam then moves by the learning rate, whatever the slope
    decay: float = 0.0
    clips_per_step: int = 2
    weights: Mapping[str, float] = field(default_factory=lambda: {"meet": 1.0, "rise": 4.0})


class Game(Trainable):
    """A generator that is one number, from 1, and a discriminator that is another, from 0."""

    Config = GameConfig

    def __init__(self, config: GameConfig) -> None:
        super().__init__()
        self.config = config
        self.made, self.discriminator = nn.Parameter(torch.ones(())), nn.Parameter(torch.zeros(()))

    def example(self, clip: object, rng: torch.Generator) -> dict[str, Tensor]:
        return {"one": torch.ones(1)}

    def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"images": self.made * batch["one"]}

    def discriminator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {"meet": (self.discriminator - outputs["images"].detach().mean()) ** 2}

    def generator_terms(self, batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        made = outputs["images"].mean()
        return {"meet": (made - self.discriminator) ** 2, "rise": -made}


def test_the_sides_take_turns_and_every_term_has_its_weight():
    """The discriminator goes first, and the generator answers it as it then is. With its weight, 4, the second term
    outdoes the first; without, the generator would fall."""
    method = Game(GameConfig())
    history = fit(method, [moving_square()], 2, log_every=1, progress=False, device="cpu")
    seen = history.drop(columns="seconds").to_dict("records")
    assert seen[0] == pytest.approx({
        "step": 1, "discriminator/meet": 1.0, "generator/meet": 0.75**2, "generator/rise": -1.0, "mean/images": 1.0,
    })  # fmt: skip
    assert seen[1] == pytest.approx({
        "step": 2, "discriminator/meet": 1.0, "generator/meet": 0.75**2, "generator/rise": -1.25, "mean/images": 1.25,
    })  # fmt: skip
    assert method.made.item() == pytest.approx(1.5) and method.discriminator.item() == pytest.approx(0.5)


def test_the_rate_of_a_run_falls_step_by_step():
    """Of four steps the last two share the fall: 0.25, 0.25, 0.25 and 0.125."""
    method = Game(GameConfig(decay=0.5))
    fit(method, [moving_square()], 4, progress=False, device="cpu")
    assert method.made.item() == pytest.approx(1.875) and method.discriminator.item() == pytest.approx(0.875)


def test_what_is_drawn_in_a_step_follows_from_the_seed_and_the_step():
    drawn: list[float] = []

    class Drawing(Game):
        def outputs(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
            drawn.append(torch.rand(()).item())
            return super().outputs(batch)

    for other in range(2):
        torch.manual_seed(other)
        fit(Drawing(GameConfig()), [moving_square()], 3, seed=5, progress=False, device="cpu")
    assert drawn[:3] == drawn[3:] and len(set(drawn)) == 3


class Processes:
    """What a step asks of Accelerate, with gradients that reach it times ten where there are several processes."""

    def __init__(self, number: int) -> None:
        self.num_processes, self.asked = number, []

    def backward(self, loss: Tensor, **options: object) -> None:
        loss.backward(**options)

    def reduce(self, gradient: Tensor, how: str) -> Tensor:
        self.asked.append(how)
        return 10 * gradient


@pytest.mark.parametrize(("number", "moved", "asked"), [(1, [-4.0, 5.0], []), (2, [-40.0, 5.0], ["mean", "mean"])])
def test_a_step_goes_down_the_weighted_sum_of_its_own_sides_terms(number, moved, asked):
    """Of two processes the gradients are averaged, that of a parameter which nothing reached as well."""
    weight, idle, other = (nn.Parameter(torch.tensor(value)) for value in (0.0, 5.0, 1.0))
    weight.grad = torch.tensor(7.0)  # of the step before
    optimiser, processes = torch.optim.SGD([weight, idle], 1.0), Processes(number)
    terms = {"one": 2 * weight * other, "two": weight}
    training._step(processes, optimiser, "generator", terms, {"one": 0.5, "two": 3.0, "none": 9.0})
    assert [weight.item(), idle.item()] == moved and processes.asked == asked
    assert other.grad is None and (idle.grad is None) == (number == 1)
    with pytest.raises(RuntimeError, match="second time"):  # what the sum was made of is let go
        terms["one"].backward()


def test_what_no_term_of_a_step_asks_for_stays_where_it_is():
    """Though it has been moved before: its momentum must not carry it on (D_l, in a step without a mouth)."""
    used, unused = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))
    optimiser = torch.optim.Adam([used, unused], 0.1, (0.9, 0.9))
    training._step(Processes(1), optimiser, "generator", {"both": used + unused}, {"both": 1.0})
    moved = unused.item()
    training._step(Processes(1), optimiser, "generator", {"one": 1 * used}, {"one": 1.0})
    assert used.item() < unused.item() == moved < 1


def test_a_side_without_terms_takes_no_step():
    weight = nn.Parameter(torch.tensor(2.0))
    weight.grad = torch.tensor(1.0)
    training._step(Processes(1), torch.optim.SGD([weight], 1.0), "generator", {}, {})
    assert weight.item() == 2 and weight.grad.item() == 1


def test_a_loss_that_is_not_finite_is_named_and_nothing_moves():
    weight = nn.Parameter(torch.tensor(2.0))
    terms = {"good": weight, "bad": weight * float("nan")}
    with pytest.raises(FloatingPointError, match="generator's"):
        training._step(Processes(1), torch.optim.SGD([weight], 1.0), "generator", terms, {"good": 1.0, "bad": 1.0})
    assert weight.item() == 2 and weight.grad is None


@pytest.mark.parametrize(
    ("decay", "steps", "rates"),
    [
        (0.0, 3, [2, 2, 2]),
        (1.0, 4, [2, 1.5, 1, 0.5]),
        (0.5, 4, [2, 2, 2, 1]),
        (0.1, 4, [2, 2, 2, 2]),  # less than a step
        (1.0, 1, [2]),
    ],
)
def test_the_learning_rate_by_hand(decay, steps, rates):
    assert [learning_rate(2.0, decay, step, steps) for step in range(1, steps + 1)] == pytest.approx(rates)


def test_the_rate_reaches_every_group_of_both_sides():
    parameters = [nn.Parameter(torch.zeros(())) for _ in range(3)]
    one = torch.optim.SGD([{"params": [parameters[0]], "lr": 7.0}, {"params": [parameters[1]]}], 9.0)
    optimisers = {"generator": one, "discriminator": torch.optim.SGD(parameters[2:], 9.0)}
    training._schedule(optimisers, 2.0, 1.0, 2, 4)
    assert [group["lr"] for side in optimisers.values() for group in side.param_groups] == [1.5] * 3


def test_a_sample_is_drawn_by_its_number_and_the_seed():
    """The clip first, and then what the method draws, from one generator; sample 7 of seed 3 always is the same."""
    assert [numbered_rng(*pair).initial_seed() for pair in ((3, 7), (3, 8), (0, -1))] == SEEDS

    class Told:
        def example(self, clip: str, rng: torch.Generator) -> tuple[str, float]:
            return clip, torch.rand((), generator=rng).item()

    samples = Examples(Told(), "abcdefgh", 3, range(5, 9))
    assert len(samples) == 4
    rng = torch.Generator().manual_seed(SEEDS[0])
    expected = "abcdefgh"[int(torch.randint(8, (), generator=rng))], torch.rand((), generator=rng).item()
    assert samples[2] == expected
    assert len({samples[i] for i in range(4)}) == 4


SEEDS = [4759080393615176752, 3863136382273261500, 1036271949232448158]


def test_a_row_of_the_history_has_every_term_and_the_means_of_vectors():
    terms = {"generator/one": torch.tensor(0.5), "discriminator/two": torch.tensor(-2.0)}
    outputs = {"intensity": torch.tensor([[0.0, 1], [2, 3]]), "images": torch.ones(2, 3, 4, 4), "plain": torch.ones(3)}
    assert training._row(7, terms, outputs, 1.5) == {
        "step": 7, "seconds": 1.5, "generator/one": 0.5, "discriminator/two": -2.0, "mean/intensity": 1.5,
    }  # fmt: skip


def test_a_method_that_does_not_say_how_it_draws_a_clip_again_is_trained_without_a_sample(tmp_path):
    fit(Game(GameConfig()), [moving_square()], 2, folder=tmp_path, progress=False, device="cpu")
    assert not (tmp_path / training.checkpoints.SAMPLE).exists()
    with pytest.raises(ValueError, match="Game"):
        Game(GameConfig()).redraw(moving_square())
