r"""One clip of one person: how its intensity runs, what moves beside it, and its frames, drawn one after the other.

At intensity a the mesh is the subject's own plus :math:`a \sum_k c_k D_k`, with the 52 shapes :math:`D_k` and the peak
coefficients :math:`c_k` of subject and expression. Eyes differ in height: each subject's eyeBlink is as strong as it
takes for coefficient 1 to close them. An `Order` says which clip it is; a `Take` knows how each of its frames moves;
`film` draws pictures and truth, `known_truth` the truth alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from i2vlib.actors.acting import blended, opening, rises
from i2vlib.actors.cast import WIDE, cast_named
from i2vlib.actors.mesh import canvas
from i2vlib.actors.nuisance import Nuisance, blinks, drift, gaze, noisy, rotations, with_eyes
from i2vlib.actors.people import generator, identity, one_thread, own_gains, person
from i2vlib.actors.scene import KEYS, WIDTH, Scene
from i2vlib.actors.truth import DEFAULT, FIRST, SURFACE, derived, hulls, seen_before, wanted
from i2vlib.clips import Clip, pixels
from i2vlib.expressions import BLENDSHAPES, named, sides

#: Part of every cache file's name: raised whenever a pixel changes.
RENDERER_VERSION = 7

#: How a clip runs, and its fewest frames: from neutral to the peak; up and down; to a part of the peak only; up and
#: down several times; the frames of an onset in any order, the neutral one first; and the neutral one with one other.
MODES = {"onset": 2, "full": 3, "incomplete": 2, "periodic": 5, "unordered": 3, "two_frames": 2}
#: Frames per second of a rendered clip.
FPS = 12.0

_QUIET = Nuisance()


@dataclass(frozen=True)
class Order:
    """All that is ordered of one clip, so that any process draws the same bits.

    Attributes:
        seed: the person, any int.
        expression: one of `i2vlib.EXPRESSIONS`.
        mode, frames: how the intensity runs, and in how many frames; see `intensity_curve`.
        size: side of the square frame in pixels, at least 16.
        truth: names of `TRUTH`, as `truth.wanted` gives them.
        nuisance: what happens beside the expression.
        driver: the person whose peaks and curve are shown in place of the person's own; nobody's if None.
        cast: of which people the seed is one, a name of `CASTS`.

    Raises:
        ValueError: an unknown expression, mode or cast, frames that the mode cannot have, or a size below 16.
    """

    seed: int
    expression: str = "happy"
    mode: str = "onset"
    frames: int = 12
    size: int = 128
    truth: tuple[str, ...] = DEFAULT
    nuisance: Nuisance = _QUIET
    driver: int | None = None
    cast: str = WIDE.name

    def __post_init__(self) -> None:
        intensity_curve(0, self.expression, self.mode, self.frames)
        named(self.expression)
        cast_named(self.cast)
        if pixels(self.size) < 16:
            raise ValueError(f"A frame is at least 16 pixels wide; {self.size} were asked for.")


def peak_coefficients(seed: int, expression: str) -> np.ndarray:
    """The 52 coefficients ``float32 (52,)`` in [0, 1] of a subject's peak (intensity 1) of an expression."""
    recipe = named(expression).recipe
    rng = generator(seed, "peak", expression)
    strength = generator(seed, "strength").uniform(0.86, 1.1, len(BLENDSHAPES))
    lean = rng.normal(0, 0.05)
    values = np.zeros(len(BLENDSHAPES), np.float32)
    for name, amount in recipe.items():
        both = sides(name)
        own = strength[BLENDSHAPES.index(both[0])] * rng.uniform(0.9, 1.08)
        for label in both:
            sway = (1 + lean) if label.endswith("Left") else (1 - lean) if label.endswith("Right") else 1.0
            values[BLENDSHAPES.index(label)] = np.clip(amount * own * sway, 0, 1)
    if expression == "eyes_closed":
        for label in ("eyeBlinkLeft", "eyeBlinkRight"):
            values[BLENDSHAPES.index(label)] = 1.0
    if expression == "eyes_up":
        for label in ("eyeLookUpLeft", "eyeLookUpRight"):
            values[BLENDSHAPES.index(label)] = np.clip(values[BLENDSHAPES.index(label)], 0.9, 1)
    return values


def intensity_curve(seed: int, expression: str, mode: str = "onset", frames: int = 12) -> np.ndarray:
    """The intensity ``float32 (frames,)`` of a clip: frame 0 is 0, the highest value in [0.85, 1].

    Onset, speed and shape are drawn by seed, expression and mode, so that time is not intensity. By mode:

    * ``onset`` rises to its peak, which is the last frame; ``full`` rises and falls;
    * ``incomplete`` is an onset whose highest value lies in [0.35, 0.75];
    * ``periodic`` rises and falls two or three times, not always as high;
    * ``unordered`` holds the values of the onset of the same seed and expression, shuffled, 0 first;
    * ``two_frames`` holds 0 and one value, any but the first, of the onset of 12 frames.

    Raises:
        ValueError: an unknown mode, or fewer frames than `MODES` says, or more than the two of ``two_frames``.
    """
    if mode not in MODES:
        raise ValueError(f"A clip's mode is one of {', '.join(MODES)}; this one is {mode!r}.")
    if frames < MODES[mode]:
        raise ValueError(f"A clip of mode {mode!r} has at least {MODES[mode]} frames; {frames} were asked for.")
    if mode == "two_frames" and frames != 2:
        raise ValueError(f"A clip of mode 'two_frames' has two frames; {frames} were asked for. Say frames=2.")
    if mode == "two_frames":
        other = generator(seed, "two", expression).integers(1, 12)
        return intensity_curve(seed, expression, "onset", 12)[[0, other]]
    if mode == "unordered":
        return intensity_curve(seed, expression, "onset", frames)[shuffled(seed, expression, frames)]
    rng = generator(seed, "curve", expression, mode)
    if mode == "periodic":
        return _periodic(rng, frames)
    peak, bend = rng.uniform(0.85, 1.0), rng.uniform(1.0, 2.2)
    start, lean = rng.uniform(0.0, 0.28), rng.uniform(0.75, 1.35)
    time = np.linspace(0, 1, frames)
    if mode == "full":
        top, leave, back = rng.uniform(0.38, 0.5), rng.uniform(0.52, 0.66), rng.uniform(0.85, 1.0)
        rise = _ease((time - start * 0.6) / (top - start * 0.6), bend, lean)
        values = rise * (1 - _ease((time - leave) / (back - leave), rng.uniform(1.0, 2.2), 1.0))
    else:
        top = rng.uniform(0.65, 1.0)
        values = _ease((time - start) / (top - start), bend, lean)
    if mode == "incomplete":
        peak = rng.uniform(0.35, 0.75)
    values[0] = 0
    return (peak * values / values.max()).astype(np.float32)


def shuffled(seed: int, expression: str, frames: int) -> np.ndarray:
    """An order ``int (frames,)`` of frames that begins with the first and is not the one they came in."""
    rng = generator(seed, "order", expression)
    order = np.arange(frames)
    while (np.diff(order) == 1).all():
        order = np.concatenate([[0], 1 + rng.permutation(frames - 1)])
    return order


def _periodic(rng: np.random.Generator, frames: int) -> np.ndarray:
    cycles = max(2, min(int(rng.integers(2, 4)), (frames - 1) // 4))
    peak, bend, hurry = rng.uniform(0.85, 1.0), rng.uniform(0.8, 1.6), rng.uniform(-0.08, 0.08)
    heights = rng.uniform(0.6, 1.0, cycles)
    time = np.linspace(0, 1, frames)
    turn = cycles * (time + hurry * np.sin(np.pi * time))
    values = heights[np.minimum(turn.astype(int), cycles - 1)] * ((1 - np.cos(2 * np.pi * turn)) / 2) ** bend
    values[0] = 0
    return (peak * values / values.max()).astype(np.float32)


def _ease(u: np.ndarray, bend: float, lean: float) -> np.ndarray:
    u = np.clip(u, 0, 1) ** lean
    return u**bend / (u**bend + (1 - u) ** bend)


def clip(
    seed: int = 7,
    expression: str = "happy",
    mode: str = "onset",
    frames: int = 12,
    size: int = 128,
    *,
    truth: str | Iterable[str] = DEFAULT,
    nuisance: Nuisance = _QUIET,
    intensity: Sequence[float] | np.ndarray | None = None,
    coefficients: np.ndarray | None = None,
    cast: str = WIDE.name,
) -> Clip:
    """One rendered clip; the same arguments give the same bits on one machine.

    Args:
        seed: the person, any int.
        expression: one of `i2vlib.EXPRESSIONS`.
        mode: one of `MODES`: ``onset`` (neutral to peak), ``full`` (up and down again), ``incomplete``, ``periodic``,
            ``unordered`` or ``two_frames``; see `intensity_curve`.
        frames: how many, at least what `MODES` says; the first is neutral.
        size: side of the square frame in pixels, at least 16.
        truth: what `Clip.truth` holds, names of `TRUTH` or "all".
        nuisance: blinks, wandering eyes, a drifting head, camera noise; all off by default.
        intensity: a curve of one's own, finite values (T,) in [0, 1], in place of the one of mode and frames.
        coefficients: blendshapes of one's own ``(T, 52)`` in [0, 1], in place of the person's own expression, such as
            another person's: the truth of a retargeted clip. The expression then only names the clip and chooses the
            head's pose; the intensity of a frame is its share of the frame that is farthest from neutral.
        cast: of which people the seed is one: ``wide``, or ``lifelike``, who are nearer to photographs; see `CASTS`.

    Returns:
        A clip at 12 fps with ``intensity`` (T,), ``landmarks`` (T, 68, 2) projected from the mesh and the true
        ``blendshapes`` (T, 52), a blink's and the eyes' own included. The eyes of the neutral frame lie where
        `faces.EYE_LEVEL` and `faces.EYE_DISTANCE` put them, exactly. ``truth`` by name, S being the size:

        * ``mouth``, ``eyes``: bool (T, S, S), the hulls of their landmarks;
        * ``camera``: float32 (T, 3, 4), from metres to pixels;
        * ``identity``: float32 (T, k), what the head's shape was made from, the same in every frame; see `identity`;
        * ``pose``: float32 (T, 3, 4), from the head as `identity` makes it, eyes straight ahead, to the world of the
          camera, in metres: a rotation and a shift;
        * ``parts``: uint8 (T, S, S), what is seen at the centre of each pixel, an index into `PARTS`;
        * ``skin``, ``brows``, ``hair``, ``background``: bool (T, S, S), where `parts` says so. Lips are skin;
        * ``normals``: int8 (T, S, S, 3), 127 to the unit, along the camera's axes: x right, y down, z away from the
          camera, so that z is negative on what is seen; 0 on the background;
        * ``depth``: float32 (T, S, S), metres along the camera's axis; 0 on the background;
        * ``flow_to_first``: float32 (T, S, S, 2), in pixels, from a pixel's centre to where the same point of the
          person is in the clip's first frame; 0 on the background and in the first frame;
        * ``seen_in_first``: bool (T, S, S), whether that point is seen there, and not behind something or outside.

    Raises:
        ValueError: an unknown expression, mode, truth or cast, too few frames, a size below 16, intensities or
            coefficients that are empty, not finite or outside [0, 1], or both of them.
    """
    if intensity is not None and coefficients is not None:
        raise ValueError("A clip of actors takes a curve of intensity or coefficients of its own, not both.")
    own = intensity if coefficients is None else coefficients
    if own is not None:
        mode, frames = "onset", max(2, len(np.atleast_1d(own)))
    order = Order(seed, expression, mode, frames, size, wanted(truth), nuisance, cast=cast)
    with one_thread():
        if coefficients is not None:
            return _filmed(_given(order, coefficients))
        return _filmed(take_of(order) if intensity is None else _own(order, _curve(intensity)))


def film(order: Order) -> Clip:
    """The clip that is ordered: the same order gives the same bits on one machine."""
    with one_thread():
        return _filmed(take_of(order))


def known_truth(order: Order) -> dict[str, np.ndarray]:
    """The truth of the clip that is ordered, by the names of ``order.truth``; no picture is drawn."""
    with one_thread():
        return _drawn(take_of(order), pictures=False).truth


@dataclass(frozen=True, eq=False)
class Take:
    """How the T frames of an ordered clip move, before any of them is drawn.

    Attributes:
        order: of a clip with a curve or with coefficients of its own, that of an onset.
        intensity: ``float32 (T,)`` in [0, 1].
        peak: ``float32 (52,)``, the coefficients at intensity 1.
        coefficients: ``float32 (T, 52)``, with the blinks' and the wandering eyes'.
        turns: the head's rotation ``float32 (3, 3)`` in each frame, None where it does not turn, as in the first.
        path: ``float32 (3, 52)``, the coefficients at the intensities 0, 0.5 and 1 where they are not those shares of
            the peak: in a clip that starts from another still, or whose muscles start one after another.
    """

    order: Order
    intensity: np.ndarray
    peak: np.ndarray
    coefficients: np.ndarray
    turns: tuple[np.ndarray | None, ...]
    path: np.ndarray | None = None

    def stage(self) -> Scene:
        """The person before the camera, in the clip's pose, with what the peak does to the mesh."""
        whole, order = canvas(), self.order
        who, gains = person(order.seed, order.cast), own_gains(order.seed, order.cast)
        shift = np.tensordot(gains * self.peak, whole.head.facial, 1).astype(np.float32)
        turn = pose(order.seed, order.expression, order.cast)
        if self.path is None:
            return Scene(who, whole, self.peak, shift, turn, order.size)
        beside = gains * (self.path - np.outer(KEYS, self.peak))
        beside = np.tensordot(beside.astype(np.float32), whole.head.facial, 1)
        return Scene(who, whole, self.peak, shift, turn, order.size, (self.path, beside))

    def heads(self, scene: Scene) -> Iterator[np.ndarray]:
        """The head ``(N, 3)`` of each frame, to which the scene is turned before it is given."""
        gains = own_gains(self.order.seed, self.order.cast)
        for a, shown, turn in zip(self.intensity, self.coefficients, self.turns, strict=True):
            beside = gains * (shown - a * self.peak)
            moved = np.flatnonzero(beside)
            shift = np.tensordot(beside[moved], scene.canvas.head.facial[moved], 1) if len(moved) else None
            scene.turned(turn)
            yield scene.head(float(a), shift, turn)


def take_of(order: Order) -> Take:
    """How an ordered clip moves: by the person's own expression, or by the driver's."""
    if order.driver in (None, order.seed):
        return _own(order, intensity_curve(order.seed, order.expression, order.mode, order.frames))
    curve = intensity_curve(order.driver, order.expression, order.mode, order.frames)
    return _given(order, np.outer(curve, peak_coefficients(order.driver, order.expression)))


def _own(order: Order, curve: np.ndarray) -> Take:
    peak = peak_coefficients(order.seed, order.expression)
    coefficients, path = curve[:, None] * peak, None
    if order.nuisance.starts or order.nuisance.stagger:
        coefficients = _played(order, curve, peak)
        path = _played(order, np.array(KEYS), peak)
    if order.nuisance.blinks or order.nuisance.gaze:
        closed = blinks(*_drawn_for(order, "blinks", len(curve)), order.nuisance.blinks)
        closed[0] = 0
        coefficients = with_eyes(
            coefficients, closed, gaze(*_drawn_for(order, "gaze", len(curve)), order.nuisance.gaze)
        )
    return Take(order, curve, peak, coefficients, _turns(order, len(curve)), path)


def _played(order: Order, curve: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """Coefficients ``(T, 52)`` at intensities ``(T,)``, from the clip's start to its peak, muscle by muscle."""
    head = pose(order.seed, order.expression, order.cast)
    first = opening(generator(order.seed, "start", order.expression), order.nuisance.starts, head)
    risen = rises(generator(order.seed, "stagger", order.expression), order.nuisance.stagger, curve, peak)
    return blended(first, peak, risen, order.expression)


def _given(order: Order, coefficients: np.ndarray) -> Take:
    """How a clip moves by coefficients ``(T, 52)``: eyes and lids are theirs; a drifting head is that of an onset."""
    curve, peak = _led_by(coefficients)
    order = replace(order, mode="onset", frames=max(2, len(curve)))
    return Take(order, curve, peak, np.asarray(coefficients, np.float32), _turns(order, len(curve)))


def _turns(order: Order, count: int) -> tuple[np.ndarray | None, ...]:
    if not order.nuisance.drift:
        return (None,) * count
    turns = rotations(drift(*_drawn_for(order, "drift", count), order.nuisance.drift))
    # The first frame is exactly at rest.
    return (None, *turns[1:])


def _drawn_for(order: Order, what: str, count: int) -> tuple[np.random.Generator, int, float]:
    """What each nuisance is drawn by: numbers of its own, a count of frames, and frames a second."""
    return generator(order.seed, what, order.expression, order.mode), count, FPS


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What was drawn of a take of T frames: pictures (none if they were not asked for), landmarks, and the truth."""

    pictures: list[np.ndarray]
    landmarks: np.ndarray
    truth: dict[str, np.ndarray]


def _drawn(take: Take, pictures: bool) -> _Drawn:
    """The frames of a take, one after the other: of each its picture, if asked for, and what the truth needs."""
    scene, names = take.stage(), take.order.truth
    below = bool(set(names) & set(SURFACE))
    compared = bool(set(names) & set(FIRST))
    frames, points, placed, surfaces, first = [], [], [], [], None
    for a, turn, head in zip(take.intensity, take.turns, take.heads(scene), strict=True):
        mesh = scene.shown(head) if pictures or below else None
        if pictures:
            frames.append(scene.picture(*mesh, float(a)))
        if below:
            first = mesh[0] if compared and first is None else first
            surfaces.append(scene.surface(*mesh, first))
        points.append(scene.landmarks(head))
        placed.append(scene.placed(turn))
    for one in surfaces if compared else ():
        one["seen_in_first"] = seen_before(one, surfaces[0], WIDTH / scene.size)
    landmarks, count = np.stack(points), len(points)
    truth = {name: np.stack([one[name] for one in surfaces]) for name in (surfaces[0] if surfaces else ())}
    if "mouth" in names or "eyes" in names:
        truth.update(hulls(landmarks, scene.size))
    truth["camera"] = np.repeat(scene.camera[None], count, 0)
    truth["identity"] = np.repeat(identity(take.order.seed, take.order.cast)[None], count, 0)
    truth["pose"] = np.stack(placed)
    return _Drawn(frames, landmarks, derived(truth, names))


def _filmed(take: Take) -> Clip:
    order, drawn = take.order, _drawn(take, pictures=True)
    frames = np.stack(drawn.pictures)
    if order.nuisance.noise:
        frames = noisy(generator(order.seed, "noise", order.expression, order.mode), frames, order.nuisance.noise)
    return Clip(
        frames=frames,
        fps=FPS,
        intensity=take.intensity,
        landmarks=drawn.landmarks,
        blendshapes=take.coefficients,
        subject=person(order.seed, order.cast).name,
        expression=order.expression,
        truth=drawn.truth,
    )


def _led_by(coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve ``(T,)`` in [0, 1] and the peak ``(52,)`` that come nearest to given coefficients ``(T, 52)``."""
    given = np.asarray(coefficients, np.float32)
    if given.ndim != 2 or given.shape[1] != len(BLENDSHAPES) or not len(given):
        raise ValueError(f"Coefficients are (T, {len(BLENDSHAPES)}); these have the shape {given.shape}.")
    if not ((given >= 0) & (given <= 1)).all():
        raise ValueError("Coefficients are finite numbers from 0 to 1; some of these are not.")
    peak = given[np.linalg.norm(given, axis=1).argmax()]
    return np.clip(given @ peak / max(float(peak @ peak), 1e-9), 0, 1), peak


def _curve(intensity: Sequence[float] | np.ndarray) -> np.ndarray:
    curve = np.asarray(intensity, np.float32)
    if curve.ndim != 1 or not curve.size or not ((curve >= 0) & (curve <= 1)).all():
        raise ValueError(
            f"An actor's intensities are a list of at least one finite number from 0 to 1; given was {intensity!r}."
        )
    return curve


def pose(seed: int, expression: str, cast: str = WIDE.name) -> np.ndarray:
    """The head's fixed rotation ``float32 (3, 3)`` in a clip: some degrees of yaw (about z) and pitch (about x)."""
    from scipy.spatial.transform import Rotation

    kind = cast_named(cast)
    rng = generator(seed, "pose", expression, *kind.words)
    axes = (("z", kind.yaw, kind.most_yaw), ("x", kind.pitch, kind.most_pitch))
    # Drawn in this order; multiplied by hand, so that what one turn leaves alone stays exactly 0.
    turn, nod = (
        Rotation.from_euler(axis, np.clip(rng.normal(0, wide), -most, most), degrees=True) for axis, wide, most in axes
    )
    return (nod.as_matrix() @ turn.as_matrix()).astype(np.float32)
