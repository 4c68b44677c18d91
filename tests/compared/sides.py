"""Who learns from what, asked of every system that has a discriminator."""

from collections.abc import Mapping

from torch import Tensor

from i2vlib.papers.method import Trainable


def terms_of_both_sides(system: Trainable, batch: Mapping[str, Tensor]) -> tuple[set[str], set[str]]:
    """The names of the terms of the discriminators and of the generator, once each side's sum has been sent back: all
    parameters of that side have a gradient from it, and of the discriminators' sum none of the generator has. The
    gradients of the generator's are left.
    """
    outputs = system.outputs(batch)
    judged = system.discriminator_terms(batch, outputs)
    sum(judged.values()).backward()
    assert all(p.grad is None for p in system.generator_parameters())
    assert all(p.grad is not None for p in system.discriminator_parameters())
    system.zero_grad()
    made = system.generator_terms(batch, outputs)
    sum(made.values()).backward()
    assert all(p.grad is not None for p in system.generator_parameters())
    return set(judged), set(made)
