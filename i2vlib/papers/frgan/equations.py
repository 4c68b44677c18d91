r"""The numbered equations of FRGAN (Zhao et al., 2018), in the paper's order: pure functions of tensors.

Eq. 4 and Eq. 11 are sums of named terms, which `fit` weights and adds. The norm of a loss is its mean over pixels and
channels, or over features, that of a slope is not; every loss is averaged over the batch. A critic takes samples
``(B, 3, ...)`` and their condition maps ``(B, m, ...)``, and gives ``(B,)``: more to what looks real.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from i2vlib.papers.losses import gradient_norm

if TYPE_CHECKING:
    from jaxtyping import Float, Int

Judge = Callable[[Tensor, Tensor], Tensor]
Features = Callable[[Tensor], Tensor]


def with_difference(still: Float[Tensor, "B 3 H W"], difference: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 3 H W"]:
    r"""FRGAN, Eq. 1: a frame is another one and a difference; what the paper improves on.

    .. math:: I_{t+k} = I_t + G_M(I_t \mid M_t, M_{t+k})

    Derived in the chapter *frgan_faces*, "From a map to a picture".
    """
    return still + difference


def composed(
    still: Float[Tensor, "B 3 H W"], mask: Float[Tensor, "B 1 H W"], content: Float[Tensor, "B 3 H W"]
) -> Float[Tensor, "B 3 H W"]:
    r"""FRGAN, Eq. 2: what the masked pixels show, and the rest as it was.

    .. math:: I_{t+k} = m_{t+k} \odot c_{t+k} + (1 - m_{t+k}) \odot I_t

    The mask is in [0, 1]: 0 keeps the still. Derived in the chapter *frgan_faces*, "From a map to a picture".
    """
    return mask * content + (1 - mask) * still


def analogy(
    image: Float[Tensor, "*B n"], now: Float[Tensor, "*B n"], then: Float[Tensor, "*B n"]
) -> Float[Tensor, "*B n"]:
    r"""FRGAN, Eq. 3: what f_D decodes, the code of the still moved as the code of its condition map moves.

    .. math:: \Delta(I_{t+k}, I_t) = f_D\bigl(f_M(M_{t+k}) - f_M(M_t) + f_I(I_t)\bigr)

    Args:
        image, now, then: the codes :math:`f_I(I_t)`, :math:`f_M(M_t)` and :math:`f_M(M_{t+k})`.

    Derived in the chapter *frgan_faces*, "From a map to a picture".
    """
    return then - now + image


def reconstruction(made: Float[Tensor, "B 3 *place"], real: Float[Tensor, "B 3 *place"]) -> Float[Tensor, ""]:
    r"""FRGAN, Eq. 5: how far a frame that was made, or a clip, is from the real one.

    .. math:: \mathcal L_{rec}(I_{t+k}, \tilde I_{t+k}) = \lVert I_{t+k} - \tilde I_{t+k} \rVert_1

    Derived in the chapter *frgan_faces*, "The terms of a step".
    """
    return (real - made).abs().mean()


def sparsity(mask: Float[Tensor, "B 1 *place"]) -> Float[Tensor, ""]:
    r"""FRGAN, Eq. 6: how much of a frame, or of a clip, is drawn anew.

    .. math:: \mathcal L_r(m_{t+k}) = \lVert m_{t+k} \rVert_1

    A mask is not negative, so its norm is its mean. Derived in the chapter *frgan_faces*, "The terms of a step".
    """
    return mask.mean()


def adversarial(critic: Judge, made: Float[Tensor, "B 3 H W"], maps: Float[Tensor, "B m H W"]) -> Float[Tensor, ""]:
    r"""FRGAN, Eq. 7: what G_M minimises so that its frames look real to D_I.

    .. math:: \mathcal L_{gen} = -D_I([\tilde I_{t+k}, M_{t+k}])

    Derived in the chapter *frgan_faces*, "The terms of a step".
    """
    return -critic(made, maps).mean()


def frames_apart(
    critic: Judge, real: Float[Tensor, "B 3 H W"], made: Float[Tensor, "B 3 H W"], maps: Float[Tensor, "B m H W"]
) -> Float[Tensor, ""]:
    r"""FRGAN, Eq. 8: what D_I minimises to tell made frames from real ones; no gradient reaches what made them.

    .. math:: \mathcal L_{D_I} = D_I([\tilde I_{t+k}, M_{t+k}]) - D_I([I_{t+k}, M_{t+k}]) + \lambda \mathcal L_{gp}

    The penalty is a term of its own, `frames_penalty`; :math:`\lambda` is its weight, 10. Derived in the chapter
    *frgan_faces*, "The terms of a step".
    """
    return critic(made.detach(), maps).mean() - critic(real, maps).mean()


def frames_penalty(
    critic: Judge,
    real: Float[Tensor, "B 3 H W"],
    made: Float[Tensor, "B 3 H W"],
    maps: Float[Tensor, "B m H W"],
    share: Float[Tensor, " B"],
) -> Float[Tensor, ""]:
    r"""FRGAN, Eq. 9: how far the slope of D_I is from 1 between real and made frames.

    .. math:: \mathcal L_{gp} = \bigl(\lVert \nabla_{[\hat I_{t+k}, M_{t+k}]} D_I([\hat I_{t+k}, M_{t+k}]) \rVert_2
              - 1\bigr)^2

    :math:`\hat I` lies between the two, as `slope` has it. Derived in the chapter *frgan_faces*, "The terms of a step".
    """
    return (slope(critic, real, made, maps, share) - 1).square().mean()


def refined(
    clip: Float[Tensor, "B 3 T H W"], mask: Float[Tensor, "B 1 T H W"], content: Float[Tensor, "B 3 T H W"]
) -> Float[Tensor, "B 3 T H W"]:
    r"""FRGAN, Eq. 10: Eq. 2 with one more dimension, over the clip that G_M drew.

    .. math:: V_t = m_t \odot c_t + (1 - m_t) \odot \tilde V_t

    Derived in the chapter *frgan_refinement*, "The same formula, once more in time".
    """
    return mask * content + (1 - mask) * clip


def clip_adversarial(
    of_clips: Judge | None,
    of_frames: Judge | None,
    made: Float[Tensor, "B 3 T H W"],
    maps: Float[Tensor, "B m T H W"],
    chosen: Int[Tensor, "B K"],
) -> dict[str, Float[Tensor, ""]]:
    r"""FRGAN, Eq. 12: what G_R minimises so that its clips, and their frames one by one, look real.

    .. math:: \bar{\mathcal L}_{gen} = -D_V([\bar V_t, \mathcal M_t])
              - \frac 1 K \sum_{i=1}^{K} D_I([\bar I_{t+i}, M_{t+i}])

    Args:
        of_clips, of_frames: D_V and D_I; None for one that is not asked.
        chosen: which frames of each clip D_I judges; the paper takes them all.

    Returns:
        The two parts, ``adversarial`` and ``adversarial_frames``: they have a weight each.

    Derived in the chapter *frgan_refinement*, "What an error of pixels cannot ask for".
    """
    parts = {}
    if of_clips is not None:
        parts["adversarial"] = -of_clips(made, maps).mean()
    if of_frames is not None:
        parts["adversarial_frames"] = -of_frames(frames_of(made, chosen), frames_of(maps, chosen)).mean()
    return parts


def clips_apart(
    critic: Judge, real: Float[Tensor, "B 3 T H W"], made: Float[Tensor, "B 3 T H W"], maps: Float[Tensor, "B m T H W"]
) -> Float[Tensor, ""]:
    r"""FRGAN, Eq. 13: what D_V minimises to tell made clips from real ones; no gradient reaches what made them.

    .. math:: \mathcal L_{D_V} = D_V([\bar V_t, \mathcal M_t]) - D_V([V_t, \mathcal M_t]) + \lambda \mathcal L_{gp}

    The penalty is a term of its own, `clips_penalty`; :math:`\lambda` is its weight, 10. Derived in the chapter
    *frgan_refinement*, "A critic of clips".
    """
    return (critic(made.detach(), maps) - critic(real, maps)).mean()


def clips_penalty(
    critic: Judge,
    real: Float[Tensor, "B 3 T H W"],
    made: Float[Tensor, "B 3 T H W"],
    maps: Float[Tensor, "B m T H W"],
    share: Float[Tensor, " B"],
) -> Float[Tensor, ""]:
    r"""FRGAN, Eq. 14: how far the slope of D_V is from 1 between real and made clips.

    .. math:: \mathcal L_{gp} = \bigl(\lVert \nabla_{[\hat V_t, \mathcal M_t]} D_V([\hat V_t, \mathcal M_t]) \rVert_2
              - 1\bigr)^2

    :math:`\hat V` lies between the two, as `slope` has it. Derived in the chapter *frgan_refinement*, "Why its slope is
    held at 1".
    """
    return (slope(critic, real, made, maps, share) - 1).square().mean()


def features_apart(
    of_appearance: Features | None,
    of_structure: Features | None,
    made: Float[Tensor, "B 3 H W"],
    real: Float[Tensor, "B 3 H W"],
) -> dict[str, Float[Tensor, ""]]:
    r"""FRGAN, Eq. 15: how far what two networks see in a frame that was made is from what they see in the real one.

    .. math:: \mathcal L_{feat} = \lVert C_1(I_{t+k}) - C_1(\tilde I_{t+k}) \rVert_2^2
              + \lVert C_2(I_{t+k}) - C_2(\tilde I_{t+k}) \rVert_2^2

    Args:
        of_appearance, of_structure: C_1 and C_2, from frames to features ``(B, ...)``; None for one that is not asked.

    Returns:
        The two parts, ``appearance`` and ``structure``: they have a weight each.

    Derived in the chapter *frgan_bodies*, "What a pixel cannot ask for".
    """
    parts = {}
    for name, features in (("appearance", of_appearance), ("structure", of_structure)):
        if features is not None:
            with torch.no_grad():
                wanted = features(real).float()
            parts[name] = (wanted - features(made).float()).square().mean()
    return parts


# What the equations share


def slope(
    critic: Judge,
    real: Float[Tensor, "B 3 *place"],
    made: Float[Tensor, "B 3 *place"],
    maps: Float[Tensor, "B m *place"],
    share: Float[Tensor, " B"],
) -> Float[Tensor, " B"]:
    r"""How steep a critic is between real and made samples, along the condition as well; Gulrajani et al. (2017).

    .. math:: \lVert \nabla_{[\hat x, M]} D([\hat x, M]) \rVert_2, \qquad \hat x = s\, x + (1 - s)\, \tilde x

    Differentiable in the critic's weights, and in nothing else. ``share`` is s, in [0, 1].
    """
    s = share.view(-1, *(1 for _ in real.shape[1:]))
    return gradient_norm(critic, s * real + (1 - s) * made, maps)


def frames_of(clips: Float[Tensor, "B C T H W"], chosen: Int[Tensor, "B n"]) -> Float[Tensor, "B*n C H W"]:
    """The chosen frames of clips, those of a clip side by side."""
    rows = chosen[:, None, :, None, None].expand(-1, clips.shape[1], -1, *clips.shape[3:])
    return clips.gather(2, rows).movedim(2, 1).flatten(0, 1)
