"""Can made clips be told from real ones? Asked of a classifier that has never seen the people, and of a reader.

FAN asks raters whether a video is real (Table 2). A classifier two-sample test (Lopez-Paz and Oquab, 2017) asks the
same of a network: trained on half of the people, it judges the other half. What it cannot tell apart, it calls real
as often as not; what it can, it calls made. `rating` puts the question to whoever reads the page.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from i2vlib import video
from i2vlib.clips import Clip, to_tensor

if TYPE_CHECKING:
    import pandas as pd


class Judge(nn.Module):
    """Clips ``(B, T, 3, H, W)`` in [-1, 1] to logits ``(B,)``, above 0 for real.

    Each frame is looked at alone, by four convolutions, of whose features the mean and the strongest place count: a
    lattice in a mouth covers a hundredth of the picture. Then what the frames show on average, and how much that
    changes from one to the next, are weighed together.
    """

    def __init__(self, channels: Sequence[int] = (16, 32, 64, 64)) -> None:
        super().__init__()
        sources = [3, *channels[:-1]]
        layers = [
            nn.Sequential(nn.Conv2d(a, b, 4, 2, 1), nn.GroupNorm(4, b), nn.LeakyReLU(0.2))
            for a, b in zip(sources, channels, strict=True)
        ]
        self.look = nn.Sequential(*layers)
        self.weigh = nn.Linear(4 * channels[-1], 1)

    def forward(self, clips: Tensor) -> Tensor:
        features = self.look(clips.flatten(0, 1))
        seen = torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1).unflatten(0, clips.shape[:2])
        return self.weigh(torch.cat([seen.mean(1), seen.diff(dim=1).abs().mean(1)], 1))[:, 0]


def judge(
    real: Sequence[Clip],
    made: Sequence[Clip],
    steps: int = 300,
    seed: int = 0,
    frames: int = 4,
    deal: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """The verdict on each clip by a classifier that has seen neither the clip nor the person.

    The people are dealt into two halves; a `Judge` is trained on each and judges the other.

    Args:
        real: clips of at least two subjects, of one size, at least 3 frames each.
        made: as many, each made from the first frame of the real one at its place. The first frames are not looked at.
        steps: of training, on 8 real clips and their made counterparts.
        frames: how many of a clip are looked at, in order; while training random ones.
        deal: what deals the people into halves; by their names' order if None.

    Returns:
        A row per clip: ``subject``, ``expression``, ``source`` (real or made), ``score``, the probability of real, and
        ``half``, 0 or 1, whose judge gave it.

    Raises:
        ValueError: not as many made as real clips, a pair of different people or shapes, or fewer than two subjects.
    """
    import pandas as pd

    _check(real, made)
    subjects = sorted({str(clip.subject) for clip in real})
    if deal is not None:
        np.random.default_rng(deal).shuffle(subjects)
    half = np.array([subjects.index(str(clip.subject)) % 2 for clip in real])
    rows = []
    for held_out in (0, 1):
        train, test = np.flatnonzero(half != held_out), np.flatnonzero(half == held_out)
        network = _trained([(real[i], made[i]) for i in train], steps, seed + held_out, frames, progress)
        for source, clips in (("real", real), ("made", made)):
            shown = torch.stack([to_tensor(clips[i].frames[_evenly(len(clips[i]), frames)]) for i in test])
            with torch.inference_mode():
                scores = torch.cat([network(part) for part in shown.split(8)]).sigmoid()
            for i, score in zip(test, scores.tolist(), strict=True):
                rows.append((i, clips[i].subject, clips[i].expression, source, score, held_out))
    table = pd.DataFrame(rows, columns=["clip", "subject", "expression", "source", "score", "half"])
    return table.sort_values(["clip", "source"], ascending=[True, False]).drop(columns="clip").reset_index(drop=True)


def rating(
    real: Sequence[Clip],
    made: Sequence[Clip],
    judged: Mapping[tuple[str, str, str], float] | None = None,
    seed: int = 0,
) -> str:
    """Asks a reader of one clip after the other whether it is real, as HTML without kernel or network.

    The order is drawn by seed. At the end it says how often the reader was right and which share of the real and of
    the made clips was called real, each with the exact 95 % interval, beside what a `judge` said of the same clips; and
    it offers the answers as a file: order, source (real or made), subject, expression, answer. Nothing is sent or kept.

    Args:
        real, made: the clips, any number of each, with their subject and expression.
        judged: of (source, subject, expression) the judge's probability of real, for as many as there are.
        seed: of the order.

    Raises:
        ValueError: no clips.
    """
    everything = [("real", clip) for clip in real] + [("made", clip) for clip in made]
    if not everything:
        raise ValueError("There are no clips to ask about. Give some real and some made ones.")
    order = np.random.default_rng(seed).permutation(len(everything))
    clips = [_asked(*everything[place], judged or {}) for place in order]
    data = json.dumps([everything[0][1].fps, clips], separators=(",", ":")).replace("<", "\\u003c")
    identity = hashlib.sha256(data.encode()).hexdigest()[:12]
    first = html.escape(clips[0]["frames"][0])
    return f"""<div class="i2v-rating i2v-card" data-clip="{identity}" role="group" aria-label="Real or made?">
<style>{video.style("rating")}</style>
<div class="i2v-ask i2v-stage"><img class="i2v-picture" src="{first}" alt="a clip, real or made" style="width: 256px">
<p class="i2v-status" aria-live="polite"></p>
<div class="i2v-answers"><button type="button" data-answer="real">real <kbd>R</kbd></button>
<button type="button" data-answer="made">made <kbd>M</kbd></button>
<button type="button" class="i2v-again">play <kbd>P</kbd></button></div></div>
<div class="i2v-result" aria-live="polite" hidden><p class="i2v-score"></p><p class="i2v-lines"></p>
<div class="i2v-shown"></div>
<div class="i2v-answers"><button type="button" class="i2v-again i2v-restart">once more</button>
<a class="i2v-save" download="answers.csv" href="#">save the answers</a></div></div>
<noscript>The question needs JavaScript.</noscript>
<script>{video.script("rating")}("{identity}", ...{data});</script>
</div>"""


def _asked(source: str, clip: Clip, judged: Mapping[tuple[str, str, str], float]) -> dict[str, object]:
    who = str(clip.subject), str(clip.expression)
    frames = [video.data_uri(frame) for frame in clip.frames]
    score = judged.get((source, *who))
    return {
        "source": source, "name": ", ".join(who), "who": who, "frames": frames,
        "score": None if score is None else float(score),
    }  # fmt: skip


def _check(real: Sequence[Clip], made: Sequence[Clip]) -> None:
    if len(real) != len(made):
        raise ValueError(f"Each real clip needs a made one; there are {len(real)} real and {len(made)} made clips.")
    for number, (one, other) in enumerate(zip(real, made, strict=True)):
        if one.frames.shape != other.frames.shape or other.subject not in (None, one.subject):
            raise ValueError(
                f"Clip {number}: {other!r} was not made from {one!r}; both have the same person and shape."
            )
        if len(one) < 3 or one.subject is None:
            raise ValueError(f"Clip {number}: {one!r} has to name its subject and to have at least 3 frames.")
    if len({clip.subject for clip in real}) < 2:
        raise ValueError("A judge has to be asked about people it has not seen; give clips of at least two subjects.")


def _evenly(count: int, frames: int) -> np.ndarray:
    return np.linspace(1, count - 1, frames).round().astype(int)


def _trained(pairs: Sequence[tuple[Clip, Clip]], steps: int, seed: int, frames: int, progress: bool) -> Judge:
    """A judge of pairs of a real and a made clip. Both of a pair are mirrored, cut and tinted alike, so that a
    person's colours, which say nothing, are not learnt by heart."""
    from tqdm.auto import trange

    state = torch.random.get_rng_state()
    torch.manual_seed(seed)
    network = Judge()
    torch.random.set_rng_state(state)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    truth = torch.cat([torch.ones(8), torch.zeros(8)])
    for _ in trange(steps, desc="training a judge", unit="step", disable=not progress):
        drawn = [pairs[i] for i in rng.integers(len(pairs), size=8)]
        index = [np.sort(rng.choice(np.arange(1, len(one)), frames, replace=len(one) <= frames)) for one, _ in drawn]
        both = torch.stack([to_tensor(pair[k].frames[i]) for k in (0, 1) for pair, i in zip(drawn, index, strict=True)])
        side = both.shape[-1] * 3 // 4
        top, left = rng.integers(both.shape[-1] - side + 1, size=2)
        both = both[..., top : top + side, left : left + side]
        both = both.flip(-1) if rng.random() < 0.5 else both
        tint = torch.from_numpy(rng.uniform(-0.4, 0.4, (8, 1, 3, 1, 1)).astype(np.float32))
        both = both + tint.repeat(2, 1, 1, 1, 1)
        loss = F.binary_cross_entropy_with_logits(network(both), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network.eval()
