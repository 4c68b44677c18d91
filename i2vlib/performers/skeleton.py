"""Bones: where they lie in a person at rest, and how they lie in a pose that says where pelvis, hands and feet are.

A pose is told by where things have to be, not by angles of joints, so that what stands stays where it stands: the
pelvis, chest and head are turned, and arms and legs follow their hands and feet with elbows and knees between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from i2vlib.actors.mesh import smoothstep
from i2vlib.performers.body import BONES

#: What a pose is told by, and how many numbers each has; see `Skeleton.posed`.
CHANNELS = {
    "pelvis": 3, "turn": 3, "chest": 3, "look": 2, "left_hand": 3, "right_hand": 3, "left_elbow": 3, "right_elbow": 3,
    "left_foot": 5, "right_foot": 5,
}  # fmt: skip
#: The joints of `i2vlib.joints.JOINTS` after the head, by the bones that begin there.
JOINT_BONES = ("upperarm01", "lowerarm01", "wrist", "upperleg01", "lowerleg01", "foot")
#: No limb is stretched beyond this share of its length.
REACH = 0.995
SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
NECK = ("neck01", "neck02", "neck03", "head")
_TWIST = 78.0


def towards(forward: float, left: float, up: float) -> np.ndarray:
    """A vector of the mesh ``(3,)`` from its parts forwards, to the person's left and upwards."""
    return np.array([left, -forward, up], np.float64)


def turned(degrees: np.ndarray) -> np.ndarray:
    """Rotations ``(T, 3, 3)`` from yaw (to the left), pitch (forwards) and roll (to the left) ``(T, 3)``."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_euler("ZXY", degrees, degrees=True).as_matrix()


def shrugged(way: Any, sign: int, step: Callable) -> tuple[Any, Any]:
    """Yaw and roll of a shoulder in degrees ``(T,)``, given the way from there to the hand ``(T, 3)`` in arms.

    It rises with a raised arm, and comes forwards with one that reaches forwards or across. `sign` is 1 on the left;
    `step` is a smooth step for arrays of `way`'s kind, NumPy's or PyTorch's.
    """
    rise = 32 * step(-0.3, 1.1, way[:, 2])
    reach = 22 * step(-0.1, 1.0, -way[:, 1]) + 10 * step(0.1, 0.6, -sign * way[:, 0])
    reach = reach - 14 * step(0.1, 0.7, way[:, 1])
    return -sign * reach, -sign * rise


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The bones of one person at rest, who stands on the floor z = 0 with the hips above the origin.

    Attributes:
        rest: where each of `BONES` begins, ``float64 (34, 3)``.
        head: ``(3,)``, the middle of the head; ball: of each foot, left and right, ``(2, 3)``, on the floor's level
            where toes begin.
    """

    rest: np.ndarray
    head: np.ndarray
    ball: np.ndarray

    def at(self, name: str) -> np.ndarray:
        """Where a bone begins at rest."""
        return self.rest[BONES.index(name)]

    @cached_property
    def leg(self) -> float:
        """Metres from the hip over the knee to the ankle."""
        return float(sum(self._lengths("upperleg01.L", "lowerleg01.L", "foot.L")))

    @cached_property
    def arm(self) -> float:
        """Metres from the shoulder over the elbow to the wrist."""
        return float(sum(self._lengths("upperarm01.L", "lowerarm01.L", "wrist.L")))

    def _lengths(self, *names: str) -> tuple[float, ...]:
        places = [self.at(name) for name in names]
        return tuple(float(np.linalg.norm(b - a)) for a, b in zip(places, places[1:], strict=False))

    def posed(self, pose: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """The bones of T poses.

        Args:
            pose: of `CHANNELS`, each ``(T, k)``. Parts of places are forwards, left and up as the person faced at
                first. ``pelvis``: over the floor's origin, the height against standing straight, in legs. ``turn``:
                yaw, pitch and roll of the pelvis in degrees, ``chest`` those of the chest against the pelvis, ``look``
                yaw and pitch of the head in the world. Hands: from the middle between the shoulders, in arms, along
                the chest's axes; elbows: where to, along the same. Feet: where the ball is, in legs from the origin,
                up being 0 on the floor; the yaw of the foot, and how far the heel is raised, in degrees.

        Returns:
            Rotations ``(T, 34, 3, 3)`` against the rest, and where the bones begin ``(T, 34, 3)``, in metres.
        """
        count = len(pose["pelvis"])
        turns, places = np.zeros((count, len(BONES), 3, 3)), np.zeros((count, len(BONES), 3))
        bones = _Bones(self, turns, places)
        pelvis = turned(pose["turn"])
        feet = {side: self._foot(side, pose[f"{name}_foot"]) for side, name in (("L", "left"), ("R", "right"))}
        middle = (self.at("upperleg01.L") + self.at("upperleg01.R")) / 2
        hips = _metres(pose["pelvis"], self.leg) + np.array([0, 0, middle[2]])
        hips = self._lowered(hips, pelvis, middle, feet)
        bones.put("root", pelvis, hips + pelvis @ (self.at("root") - middle))
        bones.bend(SPINE, "root", pelvis, turned(pose["chest"]))
        chest = turns[:, BONES.index("spine01")]
        look = turned(np.column_stack([pose["look"], np.zeros(count)]))
        bones.bend(NECK, "spine01", chest, np.swapaxes(chest, 1, 2) @ look)
        for side, name in (("L", "left"), ("R", "right")):
            self._arm(bones, side, pose[f"{name}_hand"], pose[f"{name}_elbow"], chest)
            self._leg(bones, side, *feet[side])
        return turns, places

    def joints(self, turns: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The 13 joints of posed bones ``(T, 13, 3)``, in the order of `i2vlib.joints.JOINTS`."""
        index = BONES.index("head")
        head = places[:, index] + turns[:, index] @ (self.head - self.rest[index])
        others = [places[:, BONES.index(f"{bone}.{side}")] for bone in JOINT_BONES for side in "LR"]
        return np.stack([head, *others], 1)

    def _foot(self, side: str, foot: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a foot the ankle ``(T, 3)``, its rotation and that of its toes ``(T, 3, 3)``."""
        zero = np.zeros(len(foot))
        turn = turned(np.stack([foot[:, 3], foot[:, 4], zero], 1))
        # Toes lie flat while they stand.
        flat = smoothstep(0.06, 0.01, foot[:, 2])
        toes = turned(np.stack([foot[:, 3], foot[:, 4] * (1 - flat), zero], 1))
        ball = self.ball["LR".index(side)]
        place = _metres(foot[:, :3], self.leg) + np.array([0, 0, ball[2]])
        return place - turn @ (ball - self.at(f"foot.{side}")), turn, toes

    def _lowered(self, hips: np.ndarray, pelvis: np.ndarray, middle: np.ndarray, feet: Mapping) -> np.ndarray:
        """The hips ``(T, 3)``, lowered as far as it takes for the legs to reach their feet."""
        over = np.zeros(len(hips))
        for side, (ankle, *_) in feet.items():
            hip = hips + pelvis @ (self.at(f"upperleg01.{side}") - middle)
            away = ((ankle - hip)[:, :2] ** 2).sum(1)
            height = np.sqrt(np.maximum((REACH * self.leg) ** 2 - away, 0.01))
            over = np.maximum(over, hip[:, 2] - ankle[:, 2] - height)
        return hips - over[:, None] * np.array([0, 0, 1])

    def _leg(self, bones: _Bones, side: str, ankle: np.ndarray, foot: np.ndarray, toes: np.ndarray) -> None:
        names = [f"{name}.{side}" for name in ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02", "foot", "toes")]
        pelvis = bones.turns[:, 0]
        bones.hang(names[0], "root", pelvis)
        pole = 0.5 * foot @ towards(1, 0, 0) + 0.5 * pelvis @ towards(1, 0.1 if side == "L" else -0.1, 0)
        bones.reach(names[:5], ankle, pole, np.array([1.0, 0, 0]))
        bones.hang(names[4], names[3], foot)
        bones.hang(names[5], names[4], toes)

    def _arm(self, bones: _Bones, side: str, hand: np.ndarray, elbow: np.ndarray, chest: np.ndarray) -> None:
        names = [f"{name}.{side}" for name in ("upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist")]
        shoulders = self.at("upperarm01.L"), self.at("upperarm01.R")
        wanted = _metres(hand, self.arm) + (shoulders[0] + shoulders[1]) / 2
        way = (wanted - shoulders["LR".index(side)]) / self.arm
        sign = 1 if side == "L" else -1
        yaw, roll = shrugged(way, sign, smoothstep)
        own = turned(np.stack([yaw, 0 * yaw, roll], 1))
        clavicle = chest @ own
        # Hands go up and forwards with their shoulder.
        link = shoulders["LR".index(side)] - self.at(f"clavicle.{side}")
        wanted = wanted + (own @ link - link) * [0, 1, 1]
        bones.hang(f"clavicle.{side}", "spine01", clavicle)
        bones.hang(names[0], f"clavicle.{side}", clavicle)
        origin = bones.places[:, BONES.index("spine01")]
        target = origin + np.einsum("tij,tj->ti", chest, wanted - self.at("spine01"))
        pole = np.einsum("tij,tj->ti", chest, _metres(elbow, 1.0))
        upper, lower = self.at(names[2]) - self.at(names[0]), self.at(names[4]) - self.at(names[2])
        bones.reach(names, target, pole, np.cross(upper, lower))


@dataclass(frozen=True, eq=False)
class _Bones:
    """Rotations and places that are being filled in, parents before children."""

    skeleton: Skeleton
    turns: np.ndarray
    places: np.ndarray

    def put(self, name: str, turn: np.ndarray, place: np.ndarray) -> None:
        index = BONES.index(name)
        self.turns[:, index], self.places[:, index] = turn, place

    def hang(self, name: str, parent: str, turn: np.ndarray) -> None:
        """Puts a bone where its parent has it."""
        i = BONES.index(parent)
        way = self.skeleton.at(name) - self.skeleton.at(parent)
        self.put(name, turn, self.places[:, i] + self.turns[:, i] @ way)

    def bend(self, names: tuple[str, ...], parent: str, start: np.ndarray, whole: np.ndarray) -> None:
        """Shares a turn ``(T, 3, 3)`` against `start` among the bones of a chain, each a little more than the last."""
        from scipy.spatial.transform import Rotation

        vector = Rotation.from_matrix(whole).as_rotvec()
        size = np.linalg.norm(vector, axis=1, keepdims=True)
        vector = vector * np.minimum(1, np.radians(_TWIST) / np.maximum(size, 1e-9))
        for i, name in enumerate(names, 1):
            self.hang(name, parent, start @ Rotation.from_rotvec(vector * i / len(names)).as_matrix())
            parent = name

    def reach(self, names: list[str], target: np.ndarray, pole: np.ndarray, hinge: np.ndarray) -> None:
        """Lays a limb of two links, each of two bones, from where its first bone is to a target ``(T, 3)``.

        The link between bends towards `pole` ``(T, 3)``; at rest the links turn about `hinge` ``(3,)``. Each link's
        twist is shared by its two bones.
        """
        first, second, third, fourth, last = names
        rest = self.skeleton.at
        upper, lower = rest(third) - rest(first), rest(last) - rest(third)
        a, b = np.linalg.norm(upper), np.linalg.norm(lower)
        start = self.places[:, BONES.index(first)]
        way = target - start
        size = np.linalg.norm(way, axis=1, keepdims=True)
        way = way / np.maximum(size, 1e-9)
        far = np.clip(size, 1.05 * abs(a - b) + 0.25 * min(a, b), REACH * (a + b))
        aside = _unit(pole - (pole * way).sum(1, keepdims=True) * way)
        along = (far**2 + a**2 - b**2) / (2 * far)
        out = np.sqrt(np.maximum(a**2 - along**2, 0))
        middle, end = start + along * way + out * aside, start + far * way
        normal = np.cross(aside, way)
        whole = _frames((middle - start) / a, normal) @ _frames(upper / a, hinge).T
        under = _frames((end - middle) / b, normal) @ _frames(lower / b, hinge).T
        parent = self.turns[:, BONES.index(first)]
        self.put(first, _half(parent, whole, upper / a), start)
        self.put(second, whole, start + whole @ (rest(second) - rest(first)))
        self.put(third, under, middle)
        self.put(fourth, under, middle + under @ (rest(fourth) - rest(third)))
        self.put(last, under, end)


def _half(parent: np.ndarray, whole: np.ndarray, along: np.ndarray) -> np.ndarray:
    """A bone ``along`` that points as `whole` has it, with half the twist by which that differs from its parent."""
    from scipy.spatial.transform import Rotation

    start, end = parent @ along, whole @ along
    axis = np.cross(start, end)
    size = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(size[:, 0], (start * end).sum(1))
    swing = Rotation.from_rotvec(axis / np.maximum(size, 1e-9) * angle[:, None]).as_matrix() @ parent
    twist = Rotation.from_matrix(whole @ np.swapaxes(swing, 1, 2)).as_rotvec()
    return Rotation.from_rotvec(twist / 2).as_matrix() @ swing


def _frames(direction: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Right-handed frames ``(..., 3, 3)``, columns: the direction, the normal made square to it, and their product."""
    normal = _unit(normal - (normal * direction).sum(-1, keepdims=True) * direction)
    return np.stack([direction, normal, np.cross(direction, normal)], -1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def _metres(parts: np.ndarray, unit: float) -> np.ndarray:
    """Places ``(T, 3)`` of the mesh from their parts forwards, left and up in some unit."""
    return np.stack([parts[:, 1], -parts[:, 0], parts[:, 2]], 1) * unit
