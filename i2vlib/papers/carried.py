r"""Ours: a frame is the still itself, carried along, and drawn anew only where nothing can be carried.

The decoders of the papers paint every pixel anew, so every pixel is as soft as the network. Here the last layer of the
same decoder says seven numbers per pixel in place of three: where the pixel comes from, how far to trust that, how the
light on it changes, and what colour it has where it was never seen. The code they are read from stays the papers',
:math:`f_0 + a f_\Delta`. No claim of a paper rests on this module.

The maps are smooth, and a flow leads to the same place at any size. So they are drawn small, enlarged, and laid on the
photo's own pixels (`i2vlib.faces.Place`).

============  ================  ==============================================  =======================================
what          home              test                                            derived in the chapter
============  ================  ==============================================  =======================================
Ours, Eq. 1   maps_of           test_eq_1_maps_are_changes_from_rest            carried  What the last layer says
Ours, Eq. 2   carry             test_eq_2_a_still_is_warped_from_where_it_was   carried  Where a pixel was
Ours, Eq. 3   lit               test_eq_3_light_multiplies_what_is_above_black  carried  Lit
Ours, Eq. 4   composed          test_eq_4_the_gate_weighs_photo_and_colour      carried  Composed
Ours, Eq. 5   flow_error        test_eq_5_flow_counts_where_it_can_be_seen      carried  What each map learns from
Ours, Eq. 6   gate_error        test_eq_6_a_gate_that_knows_costs_nothing       carried  What each map learns from
Ours, Eq. 7   colour_error      test_eq_7_colour_counts_where_it_is_new         carried  What each map learns from
Ours, Eq. 8   edge_error        test_eq_8_a_blurred_edge_costs                  carried  What each map learns from
============  ================  ==============================================  =======================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import regions, samples
from i2vlib.clips import MAPS
from i2vlib.papers.losses import masked_l1

if TYPE_CHECKING:
    from i2vlib.clips import Clip
    from i2vlib.papers.config import Config

#: Numbers that a decoder says per pixel: of the colour, the flow, the gate and the shade, in this order.
CHANNELS = {"painted": 3, "carried": 7}
#: The strongest shade: light may change by a factor of e to the power of this at most.
DARKEST = 0.7
#: Where gates begin: logit of "drawn anew", so that training starts from the carried still.
CLOSED = -2.0
#: The weight of colour where the still can be carried, beside 1 where it cannot.
ELSEWHERE = 0.1

#: What the terms weigh that a step of carried drawing adds: pixels of flow against grey levels, tried on a few models.
WEIGHTS = {"flow": 0.05, "flow_moving": 0.02, "gate": 0.05, "colour": 1.0, "edges": 0.5, "shade": 0.02}
#: Loss terms of this drawing, all 0 in the papers' presets.
TERMS = dict.fromkeys(WEIGHTS, 0.0)


@dataclass(frozen=True)
class Drawing:
    """The fields of a configuration that decide how its decoder draws; all papers paint."""

    drawing: Literal["painted", "carried"] = "painted"
    """Paint every pixel anew, as the papers do, or carry the still's own (`i2vlib.papers.carried`)."""
    reach: float = 0.15
    """How far a pixel may come from, as a share of the side; of carried drawing only."""
    shaded: bool = True
    """Let the light on carried pixels change; of carried drawing only."""
    outer_channels: int = 0
    """Channels of an outer level that sees the still at its full size (`Outer`), 0 for none; of carried drawing only.
    """


def check(config: Config) -> None:
    """Raises `ValueError` for a configuration whose drawing cannot be asked for what it weighs."""
    if not 0 < config.reach <= 1:
        raise ValueError(f"reach is a share of the side, above 0 and up to 1; given was {config.reach}.")
    if config.outer_channels < 0 or (config.outer_channels and config.drawing == "painted"):
        raise ValueError(
            f"outer_channels counts the channels of carried drawing's outer level, 0 for none; given was "
            f"{config.outer_channels} with drawing={config.drawing!r}."
        )
    if config.drawing == "painted" and (asked := sorted(name for name in TERMS if config.weights[name])):
        raise ValueError(f"The terms {asked} weigh the maps of drawing='carried'; this drawing is 'painted'.")
    if config.drawing == "carried" and config.weights.get("reconstruction_self"):
        raise ValueError(
            "drawing='carried' carries a frame out of its own code without any change, so 'reconstruction_self' has "
            "nothing to teach; leave its weight at 0."
        )


def truth(config: Drawing) -> tuple[str, ...]:
    """What carried drawing learns from of the truth of rendered clips; nothing more than usual for painted drawing."""
    return ("mouth", "eyes", "camera", "flow_to_first", "seen_in_first") if config.drawing == "carried" else ()


def ranges(config: Config) -> dict[str, list[float]]:
    """What a decoder's pictures hold, or, of carried drawing, each of its `Maps`: the lowest and the highest value."""
    if config.drawing == "painted":
        return {"frame": [-1, 1]}
    far, dark = 2 * config.reach * config.size, 2 * DARKEST * config.shaded  # tanh less tanh is between -2 and 2
    return {"flow": [-far, far], "gate": [0, 1], "shade": [-dark, dark], "colour": [-1, 1]}


class Maps(NamedTuple):
    """What carried drawing says of a frame, at the size of the model's pictures.

    Attributes:
        flow: ``(B, 2, H, W)``, x and y in pixels, from where something is in the frame to where it is in the still.
        gate: ``(B, 1, H, W)`` in [0, 1]: 1 carries the still, 0 takes the colour.
        shade: ``(B, 1, H, W)``, the logarithm of the factor by which the light changes.
        colour: ``(B, 3, H, W)`` in [-1, 1].
    """

    flow: Tensor
    gate: Tensor
    shade: Tensor
    colour: Tensor

    @classmethod
    def parted(cls, said: Tensor) -> Maps:
        """The maps that `joined` has put together."""
        return cls(*said.split(tuple(MAPS.values()), 1))

    def joined(self) -> Tensor:
        """All maps in one, ``(B, 7, H, W)``, as `i2vlib.clips.Clip.maps` has them."""
        return torch.cat(self, 1)


def maps_of(drawn: Tensor, rest: Tensor, reach: float, shaded: bool = True) -> Maps:
    r"""Ours, Eq. 1: the maps of a frame, as changes from what the decoder says of the still itself.

    .. math::
        w = \rho \bigl(\tanh r_w(a) - \tanh r_w(0)\bigr), \quad
        s = \varsigma \bigl(\tanh r_s(a) - \tanh r_s(0)\bigr), \quad
        1 - m = \left[\frac{\sigma(r_m(a)) - \sigma(r_m(0))}{1 - \sigma(r_m(0))}\right]_+, \quad
        c = \tanh r_c(a)

    Derived in the chapter *carried*, "What the last layer says".

    At rest nothing flows, the gate is 1 and the light stays, whatever the weights are: so the frame of intensity 0 is
    the still, and a small intensity changes it a little.

    Args:
        drawn: r(a), ``(B, 7, H, W)``: colour, flow, gate and shade, not yet bounded.
        rest: r(0), of the same shape or ``(1, 7, H, W)``.
        reach: the longest flow as a share of the side.
        shaded: False holds the shade at 0.
    """
    drawn, rest = drawn.float(), rest.float()
    change = torch.tanh(drawn[:, 3:]) - torch.tanh(rest[:, 3:])
    new, always = torch.sigmoid(drawn[:, 5:6]), torch.sigmoid(rest[:, 5:6])
    gate = 1 - (new - always).clamp_min(0) / (1 - always)
    shade = DARKEST * change[:, 3:] if shaded else torch.zeros_like(gate)
    return Maps(reach * drawn.shape[-1] * change[:, :2], gate, shade, torch.tanh(drawn[:, :3]))


def carry(still: Tensor, flow: Tensor, mode: Literal["bilinear", "bicubic"] = "bilinear") -> Tensor:
    r"""Ours, Eq. 2: a still moved along a flow; what comes from outside has the colour of its edge.

    .. math:: W(I_0, w)(p) = I_0\bigl(p + w(p)\bigr)

    Derived in the chapter *carried*, "Where a pixel was".

    Args:
        still: ``(B, C, H, W)``.
        flow: ``(B, 2, H, W)``, x and y in pixels, from where something is to where it was in the still.
        mode: how pixels between pixels are read, as of ``grid_sample``; bicubic keeps what is sharp.
    """
    flow, (h, w) = flow.float(), still.shape[-2:]
    columns, rows = (torch.arange(side, device=flow.device) + 0.5 for side in (w, h))
    at = torch.stack([(flow[:, 0] + columns) * (2 / w), (flow[:, 1] + rows[:, None]) * (2 / h)], -1) - 1
    return F.grid_sample(still.float(), at, mode, padding_mode="border", align_corners=False)


def lit(picture: Tensor, shade: Tensor) -> Tensor:
    r"""Ours, Eq. 3: a picture in another light.

    .. math:: L = (W + 1)\, e^{s} - 1

    Derived in the chapter *carried*, "Lit". All three colours are multiplied alike, so grey stays grey.

    Args:
        picture: ``(B, 3, H, W)`` in [-1, 1], -1 for black.
        shade: ``(B, 1, H, W)``.
    """
    return ((picture + 1) * shade.exp() - 1).clamp(-1, 1)


def composed(still: Tensor, maps: Maps) -> Tensor:
    r"""Ours, Eq. 4: a frame, the still carried and lit where that can be trusted, and the colour elsewhere.

    .. math:: \hat I = m \odot L\bigl(W(I_0, w), s\bigr) + (1 - m) \odot c

    Derived in the chapter *carried*, "Composed".

    Args:
        still: ``(B, 3, H, W)`` in [-1, 1], at the size of the maps.
    """
    carried = lit(carry(still, maps.flow, "bicubic"), maps.shade)
    return maps.gate * carried + (1 - maps.gate) * maps.colour


def composed_frames(still: Tensor, said: Tensor) -> Tensor:
    """Pictures ``(B, 3, H, W)`` of a still ``(1, 3, H, W)`` by the `Maps.joined` of its frames, ``(B, 7, H, W)``."""
    return composed(still.expand(len(said), -1, -1, -1), Maps.parted(said))


class Outer(nn.Module):
    """An outer level: what a decoder says, mended by two 3x3 convolutions that see the still at its full size.

    A decoder's last level reads features of half the size, so its gate and colours are soft; lips, lids and teeth have
    edges. The level begins as a change of nothing. With no channels it stays one, and has no weights.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = None
        if channels:
            count = CHANNELS["carried"]
            first, last = nn.Conv2d(count + 3, channels, 3, 1, 1), nn.Conv2d(channels, count, 3, 1, 1)
            self.layers = nn.Sequential(first, nn.ReLU(), last)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, drawn: Tensor, still: Tensor) -> Tensor:
        """Changes ``(N, 7, H, W)``, given the stills ``(B, 3, H, W)``; N is a multiple of B, a still's own together."""
        if self.layers is None:
            return drawn
        beside = still.repeat_interleave(len(drawn) // len(still), 0)
        return drawn + self.layers(torch.cat([drawn, beside.to(drawn.dtype)], 1))


# What each map learns from


def flow_error(flow: Tensor, true: Tensor, seen: Tensor) -> Tensor:
    r"""Ours, Eq. 5: how far flows lead astray, in pixels, where the still shows what they lead to.

    .. math:: \mathcal L_w = \frac{\sum_p v(p)\, \lVert w(p) - w^*(p) \rVert_1 / 2}{\sum_p v(p)}

    Derived in the chapter *carried*, "What each map learns from".

    Args:
        flow, true: ``(N, 2, H, W)``.
        seen: v, ``(N, 1, H, W)`` of zeros and ones: whether the still shows what is at p.
    """
    return masked_l1(flow, true, seen)


def gate_error(new: Tensor, seen: Tensor) -> Tensor:
    r"""Ours, Eq. 6: the cross entropy of what is drawn anew with what the still does not show.

    .. math:: \mathcal L_m = -\,(1 - v) \log \sigma(r_m) - v \log\bigl(1 - \sigma(r_m)\bigr)

    Derived in the chapter *carried*, "What each map learns from".

    Args:
        new: r_m, logits ``(N, 1, H, W)``.
        seen: v, ``(N, 1, H, W)``.
    """
    return F.binary_cross_entropy_with_logits(new.float(), 1 - seen)


def colour_error(colour: Tensor, real: Tensor, seen: Tensor) -> Tensor:
    r"""Ours, Eq. 7: how far the colour is from the real frame where nothing can be carried, and a tenth elsewhere.

    .. math:: \mathcal L_c = \bigl\lVert (1 - v + \tfrac1{10})\,(c - I_a) \bigr\rVert_1

    Derived in the chapter *carried*, "What each map learns from".

    Args:
        colour, real: ``(N, 3, H, W)`` in [-1, 1].
        seen: v, ``(N, 1, H, W)``.
    """
    return ((colour - real).abs() * (1 - seen + ELSEWHERE)).mean()


def edge_error(frames: Tensor, real: Tensor) -> Tensor:
    r"""Ours, Eq. 8: how far the differences of neighbouring pixels are from the real ones.

    .. math:: \mathcal L_e = \lVert \partial_x \hat I - \partial_x I_a \rVert_1
              + \lVert \partial_y \hat I - \partial_y I_a \rVert_1

    Derived in the chapter *carried*, "What each map learns from".

    Args:
        frames, real: ``(N, 3, H, W)``.
    """
    off = frames - real
    return (off[..., 1:] - off[..., :-1]).abs().mean() + (off[..., 1:, :] - off[..., :-1, :]).abs().mean()


# Drawing, either way


class Origins(TypedDict, total=False):
    """Where the frames of a batch come from in their stills, for carried drawing alone (`origins_of`)."""

    flow: Tensor
    """``(B, n, 2, H, W)`` in pixels."""
    seen: Tensor
    """``(B, n, 1, H, W)``, ones where the still shows it."""
    traced: Tensor
    """``(B,)``, whether a clip knows the two above."""


def origins_of(
    clip: Clip, index: Sequence[int], change: samples.Augmentation | None, still: int = 0
) -> dict[str, Tensor]:
    """What a training sample says of where its frames come from in its still, a frame by number.

    Returns:
        flow ``(n, 2, H, W)`` in pixels and seen ``(n, 1, H, W)`` of zeros and ones (`samples.origins`), zeros for a
        clip that does not know them; traced (), whether it does.
    """
    known, (_, height, width, _) = samples.origins(clip, index, change, still), clip.frames.shape
    flow, seen = known or (torch.zeros(len(index), 2, height, width), torch.zeros(len(index), 1, height, width))
    return {"flow": flow, "seen": seen, "traced": torch.tensor(known is not None)}


def drawn_step(config: Drawing, outer: Outer, drawn: Tensor, rest: Tensor, still: Tensor) -> dict[str, Tensor]:
    """The frames of a training step and what `terms` reads of their maps.

    Args:
        drawn: what the decoder says of the frames, ``(B * n, 7, H, W)``, the frames of a clip being neighbours.
        rest: of their stills, ``(B, 7, H, W)``; still: ``(B, 3, H, W)``.

    Returns:
        images ``(B, n, 3, H, W)``; flow, shade, colour, and new, the gate's logits, each ``(B, n, c, H, W)``.
    """
    each = len(drawn) // len(rest)
    drawn, rest = outer(drawn, still), outer(rest, still)
    maps = maps_of(drawn, rest.repeat_interleave(each, 0), config.reach, config.shaded)
    images = composed(still.float().repeat_interleave(each, 0), maps)
    named = {"images": images, "flow": maps.flow, "shade": maps.shade, "colour": maps.colour, "new": drawn[:, 5:6]}
    return {name: value.unflatten(0, (len(rest), each)) for name, value in named.items()}


def terms(
    batch: Mapping[str, Tensor], outputs: Mapping[str, Tensor], still: Tensor
) -> dict[str, Callable[[], Tensor | None]]:
    """The terms that carried drawing adds to a generator's step, for `Trainable.weighed`.

    Args:
        batch: frames ``(B, n, 3, H, W)``; flow ``(B, n, 2, H, W)`` and seen ``(B, n, 1, H, W)``, which count for the
            clips that are ``traced``, ``(B,)``: others learn from pictures alone.
        outputs: of a step, those of `drawn_step` among them.
        still: ``(B, 3, H, W)``.
    """
    real = batch["frames"]
    rows = lambda values: values[batch["traced"]]  # noqa: E731
    flat = lambda values: rows(values).flatten(0, 1)  # noqa: E731
    where_traced = lambda term: lambda: term() if batch["traced"].any() else None  # noqa: E731

    def flow_moving() -> Tensor:
        moving = regions.moving(rows(real), rows(still)).flatten(0, 1)
        return flow_error(flat(outputs["flow"]), flat(batch["flow"]), flat(batch["seen"]) * moving)

    return {
        "edges": lambda: edge_error(outputs["images"].flatten(0, 1), real.flatten(0, 1)),
        "shade": lambda: outputs["shade"].abs().mean(),
        "flow": where_traced(lambda: flow_error(flat(outputs["flow"]), flat(batch["flow"]), flat(batch["seen"]))),
        "flow_moving": where_traced(flow_moving),
        "gate": where_traced(lambda: gate_error(flat(outputs["new"]), flat(batch["seen"]))),
        "colour": where_traced(lambda: colour_error(flat(outputs["colour"]), flat(real), flat(batch["seen"]))),
    }


def begin(last: nn.ConvTranspose2d | nn.Conv2d) -> None:
    """Sets the weights of a last layer so that the first frames are the still: no flow, no shade, a closed gate."""
    outward = last.weight.transpose(0, 1) if isinstance(last, nn.ConvTranspose2d) else last.weight
    with torch.no_grad():
        outward[3:].normal_(std=1e-3)
        last.bias[3:] = 0
        last.bias[5] = CLOSED


def widened(weights: Mapping[str, Tensor], last: str, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A painted model's weights for a carried one: its colours go on as the colour map, the other maps begin new.

    Args:
        weights: of the painted model, by name.
        last: the name of the decoder's last layer.
        own: the carried model's weights as constructed.
    """
    grown = dict(weights)
    for name, axis in ((f"{last}.weight", 1), (f"{last}.bias", 0)):
        painted, carries = CHANNELS["painted"], CHANNELS["carried"]
        if (weights[name].shape[axis], own[name].shape[axis]) == (painted, carries):
            grown[name] = torch.cat([weights[name], own[name].narrow(axis, painted, carries - painted)], axis)
    return grown
