"""The casts: what kind of people seeds stand for, as numbers that `people`, `skin`, `texture` and `hair` draw by.

A seed and a cast are a person. ``wide`` is the cast that the book's results rest on: its shapes vary more than
people's do. ``lifelike`` is for models that animate photographs: gentler shapes, colours nearer to skin's and irises',
more beards, make-up and fringes, teeth that differ, heads that are turned further. ``glasses`` is the same cast, of
which every other person wears them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Cast:
    """What the people of a cast have in common; colours in sRGB, 0 to 255.

    Attributes:
        name: one of `CASTS`.
        gentle: whether shapes are `people.gentle_shape`'s, or `people.drawn_shape`'s.
        yaw, pitch: standard deviation, in degrees, of a clip's fixed pose; ``most_yaw`` and ``most_pitch`` bound it.
        cuts: how often each haircut is drawn, for women and for men.
        origins: whether tight curls grow on heads the more often, the more African their shape is.
        fringe: how far above the eyes a fringe ends, in metres, from and to.
        beards: how often men are shaved, have stubble, a beard, a goatee or a moustache.
        saturation: what the distance of a skin's colour from grey is multiplied by; ``undertone`` and ``flush`` what
            the differences in hue and the blush are multiplied by.
        warmth: what the differences in the lamps' colours are multiplied by.
        white: what the white of the eyes is multiplied by.
        iris: from and to how many degrees from the eye's middle an iris ends.
        irises: their colours, and ``iris_chances`` how often each is drawn: for the lightest skin, and for the darkest.
        lipsticks: their colours; ``made_up``: how many women wear one, and how many eye shadow.
        arch: how wide the teeth stand, as a share of what the base mesh has.
        eye_wide: what the shape eyeWide is multiplied by.
        teeth: whether their shade and gaps, and the tongue's colour, differ by person.
        glasses: the share of people who wear them.
    """

    name: str
    gentle: bool = False
    yaw: float = 4.0
    pitch: float = 2.0
    most_yaw: float = 180.0
    most_pitch: float = 180.0
    cuts: Mapping[str, tuple[float, float]] = field(
        default_factory=lambda: MappingProxyType({
            "fringe": (0.20, 0.06), "parted": (0.14, 0.20), "crop": (0.05, 0.28), "afro": (0.10, 0.09),
            "curls": (0.06, 0.10), "wavy": (0.26, 0.03), "tied": (0.18, 0.02), "swept": (0.0, 0.14),
            "bald": (0.01, 0.08),
        })
    )  # fmt: skip
    origins: bool = False
    fringe: tuple[float, float] = (0.0255, 0.0255)
    beards: tuple[float, ...] = (0.44, 0.30, 0.16, 0.05, 0.05)
    saturation: float = 1.0
    undertone: float = 1.0
    flush: float = 1.0
    warmth: float = 1.0
    white: float = 1.0
    iris: tuple[float, float] = (25.0, 27.5)
    irises: tuple[Colour, ...] = (
        (84, 52, 30), (60, 38, 24), (110, 78, 40), (96, 118, 80), (88, 122, 158), (112, 134, 146), (70, 96, 130),
    )  # fmt: skip
    iris_chances: tuple[tuple[float, ...], tuple[float, ...]] = (
        (1.2, 1.2, 0.6, 0.5, 0.8, 0.4, 0.4), (1.2, 1.2, 0.012, 0.01, 0.016, 0.008, 0.008),
    )  # fmt: skip
    lipsticks: tuple[Colour, ...] = (
        (168, 48, 56), (190, 92, 90), (142, 44, 64), (190, 108, 94), (150, 78, 76), (178, 70, 84),
    )  # fmt: skip
    made_up: tuple[float, float] = (0.6, 0.6)
    arch: float = 0.80
    eye_wide: float = 1.0
    teeth: bool = False
    glasses: float = 0.0

    @property
    def words(self) -> tuple[str, ...]:
        """What a person's random numbers are drawn by, beside the seed: nothing for the first cast."""
        return () if self.name == "wide" else (self.name,)


WIDE = Cast("wide")
LIFELIKE = Cast(
    "lifelike",
    gentle=True,
    yaw=7.0,
    pitch=3.0,
    most_yaw=15.0,
    most_pitch=8.0,
    cuts=MappingProxyType({
        "fringe": (0.24, 0.10), "parted": (0.20, 0.22), "crop": (0.03, 0.30), "afro": (0.22, 0.20),
        "curls": (0.10, 0.10), "wavy": (0.28, 0.03), "tied": (0.16, 0.02), "swept": (0.0, 0.14), "bald": (0.0, 0.07),
    }),
    origins=True,
    fringe=(0.013, 0.030),
    beards=(0.34, 0.27, 0.22, 0.08, 0.09),
    saturation=0.86,
    undertone=0.6,
    flush=0.7,
    warmth=0.55,
    white=0.8,
    iris=(22.8, 25.2),
    irises=(
        (38, 25, 18), (58, 37, 24), (80, 52, 32), (104, 76, 46), (100, 100, 74), (100, 110, 116), (114, 122, 124),
        (90, 99, 108),
    ),
    iris_chances=((0.6, 1.2, 1.2, 0.7, 0.6, 0.8, 0.5, 0.6), (1.6, 1.4, 0.4, 0.03, 0.004, 0.002, 0.002, 0.002)),
    lipsticks=(
        (168, 48, 56), (190, 92, 90), (142, 44, 64), (190, 108, 94), (150, 78, 76), (178, 70, 84), (176, 112, 104),
        (158, 88, 88), (186, 122, 116), (120, 40, 52),
    ),
    made_up=(0.7, 0.6),
    arch=0.92,
    eye_wide=0.65,
    teeth=True,
)  # fmt: skip

GLASSES = replace(LIFELIKE, name="glasses", glasses=0.5)

#: Every cast by its name.
CASTS: Mapping[str, Cast] = MappingProxyType({cast.name: cast for cast in (WIDE, LIFELIKE, GLASSES)})


def cast_named(name: str) -> Cast:
    """The cast of a name.

    Raises:
        ValueError: there is no such cast.
    """
    if name not in CASTS:
        raise ValueError(f"A cast of actors is one of {', '.join(CASTS)}; {name!r} was asked for.")
    return CASTS[name]
