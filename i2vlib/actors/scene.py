"""A scene: a person, an expression's shift of the mesh, a head pose and a camera; it draws frames of any intensity.

Hair does not move with the face: it is drawn once for a clip, what lies before the head and what lies behind it, and
each frame is put between the two.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from i2vlib import faces
from i2vlib.actors import drawing, glasses, light, mesh, shown, strands
from i2vlib.actors.mesh import Canvas
from i2vlib.actors.people import Person, draw_background
from i2vlib.actors.skin import creases
from i2vlib.actors.truth import PARTS, axes, below, corner_shares, normal_map, surface

#: About how many metres of a face a frame is wide.
WIDTH = 0.17
#: At which intensities the light that reaches the skin is computed; between them it is mixed.
KEYS = (0.0, 0.5, 1.0)
#: What a drifting head turns about: the top of the neck.
NECK = np.array([0, 0.02, mesh.EYE - 0.09], np.float32)


class Scene:
    """A person, an expression's shift of the mesh, a pose and a camera: draws frames of any intensity.

    `path`, where coefficients are not their share of the peak: those ``(3, 52)`` at the intensities of `KEYS`, and
    what they shift ``(3, N, 3)`` beside that share.
    """

    def __init__(
        self,
        who: Person,
        canvas: Canvas,
        peak: np.ndarray,
        shift: np.ndarray,
        pose: np.ndarray,
        size: int,
        path: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> None:
        self.who, self.canvas, self.shift, self.pose, self.size = who, canvas, shift, pose, size
        at = (peak,) if path is None else path[0]
        self._creased = [creases(shown.shown().canvas, coefficients, who.age) for coefficients in at]
        self._beside = (None,) * len(KEYS) if path is None else path[1]
        self.camera = camera_before(who.vertices @ pose.T, who.distance, size)
        self._turn: np.ndarray | None = None
        self._flattened: tuple[np.ndarray | None, np.ndarray | None] = (None, None)

    @cached_property
    def background(self) -> np.ndarray:
        return draw_background(self.who.background, self.size)

    @cached_property
    def _worn(self) -> Person:
        """The person, with what is painted on the vertices that are drawn alone."""
        who, rows = self.who, shown.shown().rows
        painted = ("albedo", "gloss", "sharpness", "hair", "brows")
        return replace(who, **{name: vars(who)[name][rows] for name in painted})

    @cached_property
    def shade(self) -> list[np.ndarray]:
        """Light that reaches the vertices drawn at the intensities 0, 0.5 and 1."""
        return [self._occlusion(a, beside) for a, beside in zip(KEYS, self._beside, strict=True)]

    def head(self, intensity: float, beside: np.ndarray | None = None, turn: np.ndarray | None = None) -> np.ndarray:
        """The vertices ``(N, 3)`` of the head at an intensity in [0, 1].

        Args:
            beside: ``(N, 3)``, a shift beside the expression's own, such as a blink's.
            turn: ``(3, 3)``, a rotation about the neck.
        """
        head = self.who.vertices + np.float32(intensity) * self.shift
        if beside is not None:
            head = head + beside
        if turn is not None:
            head = (head - NECK) @ turn.T + NECK
        return head @ self.pose.T

    def placed(self, turn: np.ndarray | None = None) -> np.ndarray:
        """The rotation and shift ``float32 (3, 4)`` that `head` applies to the head at rest."""
        linear = self.pose if turn is None else self.pose @ turn
        return np.column_stack([linear, self.pose @ NECK - linear @ NECK]).astype(np.float32)

    def turned(self, turn: np.ndarray | None) -> None:
        """Takes a frame's rotation ``(3, 3)`` of the head, if it drifts: hair is drawn once and moves with it, and so
        do glasses."""
        if turn is self._turn:
            return
        self._turn = turn
        for name in ("_places", "_rims", "_glasses", "_lenses", "_rim_map"):
            self.__dict__.pop(name, None)

    def landmarks(self, head: np.ndarray) -> np.ndarray:
        """The 68 landmarks ``(68, 2)`` of a head, in pixels."""
        return project(self.camera, mesh.landmark_rows() @ head)

    def skin(self, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The fine mesh of a head: its points and unit normals, ``(M, 3)`` each."""
        points = (self.canvas.fine @ head).astype(np.float32)
        return points, mesh.normals(points, self.canvas.quads, self.canvas.gather)

    def shown(self, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mesh of a head that is drawn (see the module `shown`): its points and unit normals, ``(m, 3)`` each."""
        drawn = shown.shown().canvas
        points = (drawn.fine @ head).astype(np.float32)
        return points, mesh.normals(points, drawn.quads, drawn.gather)

    def picture(self, points: np.ndarray, normal: np.ndarray, intensity: float) -> np.ndarray:
        """The frame ``uint8 (S, S, 3)`` of what `shown` gives, the head between the two layers of its hair."""
        low = min(int(intensity * 2), 1)
        share = np.float32(intensity * 2 - low)
        lit = self.shade[low] * (1 - share) + self.shade[low + 1] * share
        if len(self._creased) == 1:
            creased = np.float32(intensity) * self._creased[0]
        else:
            creased = self._creased[low] * (1 - share) + self._creased[low + 1] * share
        colours = light.srgb(light.shade(self._worn, shown.shown().canvas, points, normal, lit, creased)).T
        hair = self.hair
        behind = self.background if hair is None else hair.behind(self.background, self._places[0])
        renderer = drawing.renderer(self.size)
        renderer.dress(self.who.texture)
        renderer.put_on(self._glasses)
        picture = renderer.draw(self._flat(points), np.ascontiguousarray(colours), behind)
        if self.who.glasses is not None:
            picture = glasses.seen_through(picture, self.who.glasses, *self._lenses)
        return picture if hair is None else hair.before(picture, self._places[1])

    def surface(self, points: np.ndarray, normal: np.ndarray, first: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """What of `shown` is seen at the centre of each pixel, as `truth.surface`, strands of hair included; ``first``
        are the points ``(m, 3)`` in the first frame, where hair is as it was drawn. Glasses are their frames: through a
        lens the eye is seen."""
        flat, tell = self._flat(points), drawing.identifier(self.size)
        drawn = shown.shown().canvas
        ids = tell.draw(flat)
        found = surface(ids, tell.triangles, points, normal, flat[:, :2], self.camera, self._worn, drawn, first)
        if self.who.glasses is not None:
            self._add_glasses(found)
        if self.who.mane is None:
            return found
        behind = found["parts"] == PARTS.index("background")
        for (where, out, there), at, allowed in zip(self._hair_maps, self._places, (behind, True), strict=True):
            column, row = np.rint(at).astype(int).clip(0, len(there) - 1).transpose(2, 0, 1)
            chosen = there[row, column] & allowed
            self._add_hair(found, chosen, where[row, column][chosen], out[row, column][chosen])
            if first is not None:
                moved = at - strands.places(self.size)
                found["flow_to_first"][chosen] = 0 if self._turn is None else moved[chosen] / 2
        return found

    @cached_property
    def hair(self) -> strands.Layers | None:
        """The hair of the clip as two layers; None for the bald."""
        return None if self.who.mane is None else strands.layers(self._ribbons, self._locks, self.who, self.size)

    @cached_property
    def _neutral(self) -> np.ndarray:
        return self._flat((self.canvas.fine @ self._posed(self.who.vertices, NECK)).astype(np.float32))

    @cached_property
    def _ribbons(self) -> strands.Ribbons:
        mane = self.who.mane
        points, normal = self._posed(mane.points, NECK), self._posed(mane.normal, np.zeros(3, np.float32))
        flat = self._flat(points.reshape(-1, 3)).reshape(points.shape)
        edge = np.array([strands.border(self.size), strands.border(self.size), 0], np.float32)
        side = self.size + 2 * strands.border(self.size)
        seen = self._neutral[shown.near_vertices()] + edge
        return strands.ribbons(mane, points, normal, flat + edge, seen, self.who, side, WIDTH * side / self.size)

    @cached_property
    def _locks(self) -> tuple[np.ndarray, np.ndarray]:
        """Which triangles of the hair behind and before the head are seen: see `strands.identify`."""
        ribbons = self._ribbons
        return tuple(strands.identify(ribbons, part, self.size) for part in (ribbons.back, ribbons.front))

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where in the layer behind and before the head the pixels of the frame lie."""
        if self._turn is None:
            return (strands.places(self.size),) * 2
        moved = self._flat(self._posed(self._sample[0], NECK, self._turn))[:, :2]
        rest, front = self._sample[1:]
        groups = [group if group.sum() > 50 else np.ones(len(front), bool) for group in (~front, front)]
        return tuple(strands.places(self.size, (rest[group], moved[group])) for group in groups)

    @cached_property
    def _sample(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some points of the hair in the head's frame, where they are drawn, and which lie before the head's middle."""
        points = self.who.mane.points[::7, ::2].reshape(-1, 3)
        rest = self._flat(self._posed(points, NECK))[:, :2]
        seen = (np.abs(rest / self.size - 0.5) < 0.65).all(1)
        seen = seen if seen.sum() > 50 else np.ones(len(seen), bool)
        return points[seen], rest[seen], points[seen][:, 1] < -0.06

    @cached_property
    def _hair_maps(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of the hair behind and before the head, by pixel of its layer: place, normal and whether there is any."""
        ribbons, maps = self._ribbons, []
        far = ribbons.points @ self.camera[2, :3] + self.camera[2, 3]
        for seen, triangles in zip(self._locks, (ribbons.back, ribbons.front), strict=True):
            # Of each pixel of the layer the last quarter, whose centre lies at three quarters of it.
            ids = seen[1::2, 1::2]
            there = ids >= 0
            row, column = np.nonzero(there)
            corners = triangles[ids[there]]
            share = corner_shares((np.stack([column, row], 1) + 0.75) / 2, ribbons.flat[corners][..., :2], far[corners])
            where, out = np.zeros((2, *ids.shape, 3), np.float32)
            where[there] = np.einsum("nk,nkc->nc", share, ribbons.points[corners])
            out[there] = np.einsum("nk,nkc->nc", share, ribbons.normal[corners])
            maps.append((where, out, there))
        return maps

    def _add_hair(self, found: dict[str, np.ndarray], chosen: np.ndarray, where: np.ndarray, out: np.ndarray) -> None:
        """Writes hair into the maps of `surface`, in place, at the pixels `chosen`: its places and normals."""
        if self._turn is not None:
            where, out = self._posed(where @ self.pose, NECK, self._turn), self._posed(out @ self.pose, 0, self._turn)
        turned = out @ axes(self.camera).T
        # A strand is round: what is seen of it faces the camera.
        turned[:, 2] = -np.abs(turned[:, 2])
        turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
        found["parts"][chosen] = PARTS.index("hair")
        found["depth"][chosen] = where @ self.camera[2, :3] + self.camera[2, 3]
        found["normals"][chosen] = np.rint(turned * 127)

    @cached_property
    def _rims(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The frame of the glasses as the head is turned: points and normals ``(G, 3)``, and points in pixels."""
        worn = self.who.glasses
        points = self._posed(worn.points, NECK, self._turn)
        return points, self._posed(worn.normal, np.zeros(3, np.float32), self._turn), self._projected(points)

    @cached_property
    def _glasses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """The same as it is drawn: points in pixels, triangles, and colours of the points; None without glasses."""
        who = self.who
        if who.glasses is None:
            return None
        _, normal, flat = self._rims
        return (
            flat,
            who.glasses.triangles,
            light.srgb(glasses.shade(who.glasses, normal, who.lights, who.tints, who.sky)),
        )

    @cached_property
    def _lenses(self) -> tuple[np.ndarray, np.ndarray]:
        """What of each pixel a lens, and a streak on it, covers."""
        worn = self.who.glasses
        outlines = (project(self.camera, self._posed(line, NECK, self._turn)) for line in (worn.lenses, worn.streaks))
        return glasses.covers(*outlines, self.size)

    @cached_property
    def _rim_map(self) -> dict[str, np.ndarray]:
        """What of the frame of the glasses would be seen at the centre of each pixel, were nothing before it: the maps
        of `surface`, with a depth of infinity where there is none."""
        points, normal, flat = self._rims
        triangles, away = self.who.glasses.triangles, lambda at: at @ self.camera[2, :3] + self.camera[2, 3]
        ids = drawing.identifier(self.size).draw_other(flat, triangles)
        seen, corners, share = below(ids, triangles, flat[:, :2], away(points))
        mix = lambda values: np.einsum("nk,nk...->n...", share, values[corners])  # noqa: E731
        rest = self._posed(self.who.glasses.points, NECK)
        told = {
            "depth": np.full(seen.shape, np.inf, np.float32),
            "normals": normal_map(seen, mix(normal) @ axes(self.camera).T),
            "flow_to_first": np.zeros((*seen.shape, 2), np.float32),
            "first_depth": np.zeros(seen.shape, np.float32),
        }
        told["depth"][seen] = mix(away(points))
        told["flow_to_first"][seen] = project(self.camera, mix(rest)) - project(self.camera, mix(points))
        told["first_depth"][seen] = mix(away(rest))
        return told

    def _add_glasses(self, maps: dict[str, np.ndarray]) -> None:
        """Writes the frame of the glasses into the maps of `surface`, in place, where it lies before the face."""
        rims = self._rim_map
        behind = maps["parts"] == PARTS.index("background")
        chosen = np.isfinite(rims["depth"]) & (behind | (rims["depth"] < maps["depth"]))
        maps["parts"][chosen] = PARTS.index("glasses")
        for name in rims.keys() & maps.keys():
            maps[name][chosen] = rims[name][chosen]

    def _posed(self, points: np.ndarray, about: np.ndarray, turn: np.ndarray | None = None) -> np.ndarray:
        """Points or ways ``(..., 3)`` turned about a place and brought into the clip's pose."""
        if turn is not None:
            points = (points - about) @ turn.T + about
        return (points @ self.pose.T).astype(np.float32)

    def _flat(self, points: np.ndarray) -> np.ndarray:
        """Points ``(M, 3)`` in pixels, with a depth in pixels; those of the last call are kept, for the next asks."""
        if self._flattened[0] is not points:
            self._flattened = points, self._projected(points)
        return self._flattened[1]

    def _projected(self, points: np.ndarray) -> np.ndarray:
        depth = -points[:, 1:2] / (WIDTH / self.size)
        return np.concatenate([project(self.camera, points), depth], 1).astype(np.float32)

    def _occlusion(self, intensity: float, beside: np.ndarray | None) -> np.ndarray:
        """Ambient and key lit that reach the vertices that are drawn, ``(m, 2)``."""
        points = self.canvas.medium @ self.head(intensity, beside)
        normal = mesh.normals(points, self.canvas.medium_quads, self.canvas.medium_gather)
        around, weights = light.sky_directions()
        key = self.who.lights[0] + light.soft_offsets()
        key /= np.linalg.norm(key, axis=1, keepdims=True)
        lit = np.stack(
            [
                light.occlusion(points, normal, around, weights),
                light.occlusion(points, normal, key, np.ones(len(key))),
            ],
            1,
        )
        for _ in range(3):
            lit = 0.4 * lit + 0.6 * (self.canvas.blur @ lit)
        drawn = shown.shown().canvas
        lit = drawn.up @ lit
        # The narrow mouth hides teeth from every cell of the depth pictures; give them the lit of its opening.
        teeth = (drawn.part == mesh.TEETH)[:, None]
        return np.where(teeth, np.maximum(lit, 0.45), lit).astype(np.float32)


def project(camera: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points ``(..., 3)`` in metres through a camera ``(3, 4)`` to pixels ``(..., 2)``."""
    image = points @ camera[:, :3].T + camera[:, 3]
    return (image[..., :2] / image[..., 2:]).astype(np.float32)


def camera_before(vertices: np.ndarray, distance: float, size: int) -> np.ndarray:
    """A camera ``float32 (3, 4)`` `distance` metres before the eyes that puts them where the crop rule wants them."""
    corners = mesh.eye_corners(vertices).astype(np.float64)
    middle = corners.mean((0, 1))
    frame = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    plain = np.concatenate([frame, (frame @ -(middle - np.array([0, distance, 0])))[:, None]], 1)
    seen = plain[:, :3] @ corners.reshape(-1, 3).T + plain[:, 3:]
    left, right = (seen[:2] / seen[2]).T.reshape(2, 2, 2).mean(1)
    apart, level = faces.EYE_DISTANCE, faces.EYE_LEVEL
    wanted = np.array([[0.5 - apart / 2, level], [0.5 + apart / 2, level]]) * size
    turn = complex(*(wanted[1] - wanted[0])) / complex(*(right - left))
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    lens = np.eye(3)
    lens[:2, :2], lens[:2, 2] = linear, wanted[0] - linear @ left
    return (lens @ plain).astype(np.float32)
