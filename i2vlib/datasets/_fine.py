"""The second look of an actor: a textured skin, strands of hair and soft light, on the mesh and moves of the first.

Hair does not move with the face: it is drawn once for a clip, what lies before the head and what lies behind it, and
each frame is put between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache

import numpy as np

from i2vlib.datasets import _atlas, _hair, _skin, _strands
from i2vlib.datasets import _drawing as drawing
from i2vlib.datasets._drawing import smoothstep
from i2vlib.datasets._people import Person, generator
from i2vlib.datasets._scene import NECK, WIDTH, Scene
from i2vlib.datasets._truth import PARTS, axes, surface, weights

#: What skin is multiplied by so that plain texels of its texture leave it as it is.
_LIFTED = np.float32(_atlas.PLAIN**-2.2)
#: Nothing lower on the template comes into a frame.
_BOTTOM = 0.56


def dress(seed: int, phenotype: Mapping[str, float], plain: Mapping[str, object]) -> Person:
    """The person of a seed as the second look has them, from what both looks share."""
    canvas = drawing.canvas()
    rng = generator(seed, "look-2")
    cut = _hair.choose(rng, phenotype["gender"] > 0.5, phenotype["age"])
    painted = _skin.paint(generator(seed, "paint-2"), canvas, phenotype, cut, plain["lights"][0])
    sheet = np.unique(canvas.head.quads[canvas.head.part == drawing.LOCKS])
    plain["vertices"][sheet] = (0, 0.03, drawing.EYE)
    return Person(
        **plain,
        albedo=painted.albedo,
        gloss=painted.gloss,
        sharpness=painted.sharpness,
        lift=np.zeros(len(canvas.place), np.float32),
        hair=painted.hair,
        brows=painted.brows,
        look=2,
        tone=painted.tone,
        texture=painted.texture,
        mane=_hair.grow(generator(seed, "mane"), cut, canvas, plain["vertices"], painted.colour),
    )


class FineScene(Scene):
    """A scene of the second look."""

    _turn: np.ndarray | None = None

    def turned(self, turn: np.ndarray | None) -> None:
        """Takes a frame's rotation ``(3, 3)`` of the head, if it drifts: hair is drawn once and moves with it."""
        self._turn = turn
        self.__dict__.pop("_places", None)

    def _posed(self, points: np.ndarray, about: np.ndarray, turn: np.ndarray | None = None) -> np.ndarray:
        """Points or ways ``(..., 3)`` turned about a place and brought into the clip's pose."""
        if turn is not None:
            points = (points - about) @ turn.T + about
        return (points @ self.pose.T).astype(np.float32)

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Where in the layer behind and before the head the pixels of the frame lie."""
        if self._turn is None:
            return (_strands.places(self.size),) * 2
        moved = self._flat(self._posed(self._sample[0], NECK, self._turn))[:, :2]
        rest, front = self._sample[1:]
        groups = [group if group.sum() > 50 else np.ones(len(front), bool) for group in (~front, front)]
        return tuple(_strands.places(self.size, (rest[group], moved[group])) for group in groups)

    @cached_property
    def _sample(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some points of the hair in the head's frame, where they are drawn, and which lie before the head's middle."""
        points = self.who.mane.points[::7, ::2].reshape(-1, 3)
        rest = self._flat(self._posed(points, NECK))[:, :2]
        seen = (np.abs(rest / self.size - 0.5) < 0.65).all(1)
        seen = seen if seen.sum() > 50 else np.ones(len(seen), bool)
        return points[seen], rest[seen], points[seen][:, 1] < -0.06

    def skin(self, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The fine mesh of a head: its points and unit normals, ``(M, 3)`` each."""
        points = (self.canvas.fine @ head).astype(np.float32)
        return points, drawing.normals(points, self.canvas.quads, self.canvas.gather)

    def picture(self, points: np.ndarray, normal: np.ndarray, intensity: float) -> np.ndarray:
        """The frame ``uint8 (S, S, 3)``, the head between the two layers of its hair."""
        low = min(int(intensity * 2), 1)
        share = np.float32(intensity * 2 - low)
        light = self.shade[low] * (1 - share) + self.shade[low + 1] * share
        colours = drawing.srgb(_shade(self.who, self.canvas, points, normal, light)).T
        hair = self.hair
        behind = self.background if hair is None else hair.behind(self.background, self._places[0])
        renderer = _renderer(self.size)
        renderer.dress(self.who)
        picture = renderer.draw(self._flat(points), np.ascontiguousarray(colours), behind)
        return picture if hair is None else hair.before(picture, self._places[1])

    @cached_property
    def _neutral(self) -> np.ndarray:
        return self._flat((self.canvas.fine @ self._posed(self.who.vertices, NECK)).astype(np.float32))

    @cached_property
    def hair(self) -> _strands.Layers | None:
        """The hair of the clip as two layers; None for the bald."""
        return None if self.who.mane is None else _strands.layers(self._ribbons, self.who, self.size)

    @cached_property
    def _ribbons(self) -> _strands.Ribbons:
        mane = self.who.mane
        points, normal = self._posed(mane.points, NECK), self._posed(mane.normal, np.zeros(3, np.float32))
        flat = self._flat(points.reshape(-1, 3)).reshape(points.shape)
        edge = np.array([_strands.pad(self.size), _strands.pad(self.size), 0], np.float32)
        side = self.size + 2 * _strands.pad(self.size)
        seen = self._neutral[_drawn()] + edge
        return _strands.ribbons(mane, points, normal, flat + edge, seen, self.who, side, WIDTH * side / self.size)

    def surface(self, points: np.ndarray, normal: np.ndarray) -> dict[str, np.ndarray]:
        """What is seen at the centre of each pixel, as `_truth.surface`, strands of hair included."""
        flat, tell = self._flat(points), _identifier(self.size)
        found = surface(
            tell.draw(flat), tell.triangles, points, normal, flat[:, :2], self.camera, self.who, self.canvas
        )
        if self.who.mane is None:
            return found
        behind = found["parts"] == PARTS.index("background")
        for (where, out, there), at, allowed in zip(self._hair_maps, self._places, (behind, True), strict=True):
            column, row = np.rint(at).astype(int).clip(0, len(there) - 1).transpose(2, 0, 1)
            chosen = there[row, column] & allowed
            self._add_hair(found, chosen, where[row, column][chosen], out[row, column][chosen])
        return found

    @cached_property
    def _hair_maps(self) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of the hair behind and before the head, by pixel of its layer: place, normal and whether there is any."""
        ribbons, maps = self._ribbons, []
        far = ribbons.points @ self.camera[2, :3] + self.camera[2, 3]
        for triangles in (ribbons.back, ribbons.front):
            ids = _strands.identify(ribbons, triangles, self.size)
            there = ids >= 0
            row, column = np.nonzero(there)
            corners = triangles[ids[there]]
            share = weights((np.stack([column, row], 1) + 0.5) / 2, ribbons.flat[corners][..., :2], far[corners])
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


def _shade(
    who: Person, canvas: drawing.Canvas, points: np.ndarray, normal: np.ndarray, light: np.ndarray
) -> np.ndarray:
    """Linear colour ``(3, M)``: as the first look's, with softer and warmer edges of shade and no burnt-out skin."""
    is_skin = canvas.part == drawing.SKIN
    wrap = [np.where(is_skin, np.float32(amount), np.float32(0.1)) for amount in (0.42, 0.20, 0.14)]
    ambient, key = np.ascontiguousarray(light.T)
    up = np.float32(0.5) + np.float32(0.5) * normal[:, 2]
    red, grey = ambient ** np.float32(0.75), ambient ** np.float32(0.95)
    total = [(who.sky[c] * up + who.ground[c] * (1 - up)) * (grey if c else red) for c in range(3)]
    gleam = [np.float32(0), np.float32(0), np.float32(0)]
    for index, (lamp, tint) in enumerate(zip(who.lights, who.tints, strict=True)):
        facing = normal @ lamp
        reach = 0.22 + 0.78 * key if index == 0 else 0.3 + 0.7 * ambient
        reddened = reach ** np.float32(0.72)
        half = lamp + np.array([0, -1, 0], np.float32)
        shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** who.sharpness
        for c in range(3):
            diffuse = np.maximum((facing + wrap[c]) / (1 + wrap[c]), 0)
            total[c] = total[c] + diffuse * (reach if c else reddened) * tint[c]
            gleam[c] = gleam[c] + shine * tint[c] * (reach if index == 0 else ambient)
    edge = 1 + 1.2 * (1 - np.clip(-normal[:, 1], 0, 1)) ** 3
    # What skin mirrors is golden on dark people: white light on it would look like ash.
    dark = np.float32(min(1.0, max(0.0, (who.tone - 3) / 5)))
    golden = [np.where(is_skin, 1 - dark * np.float32(less), np.float32(1)) for less in (0.10, 0.36, 0.56)]
    lids = _under_lids(canvas, points)
    raised = np.where(is_skin, _LIFTED, np.float32(1))
    colour = [who.albedo[:, c] * total[c] * lids + who.gloss * gleam[c] * edge * golden[c] for c in range(3)]
    for chosen, catch in _catchlights(who, points):
        for c in range(3):
            colour[c][chosen] += catch * (0.4 + 0.6 * who.tints[0, c])
    return np.stack([_shoulder(channel) * raised for channel in colour])


def _catchlights(who: Person, points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Vertices of each eyeball, and the key and fill lamps mirrored in the cornea: small soft spots beside the pupil."""
    found = []
    for chosen, middle in _pupils():
        centre = _centre(points[chosen[::8]])
        ray = points[chosen] - centre
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        looking = points[middle].mean(0) - centre
        looking /= np.linalg.norm(looking)
        catch = np.zeros(len(chosen), np.float32)
        for lamp, strength, wide in ((who.lights[0], 0.55, 2.6), (who.lights[1], 0.07, 3.6)):
            half = lamp + np.array([0, -1, 0], np.float32)
            offset = half / np.linalg.norm(half) - looking
            offset -= (offset @ looking) * looking
            far = np.linalg.norm(offset)
            # The cornea bulges more than the ball; its mirror image never lies on the pupil's middle.
            offset *= np.clip(far / 1.8, np.sin(np.radians(12.0)), np.sin(np.radians(15.0))) / max(far, 1e-6)
            spot = looking + offset
            spot /= np.linalg.norm(spot)
            catch += strength * np.exp(((ray @ spot) - 1) / np.radians(wide) ** 2)
        found.append((chosen, catch))
    return found


@lru_cache(maxsize=1)
def _pupils() -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each eye the vertices of its ball, and those around the middle of its pupil."""
    angle = drawing.canvas().fields["iris_angle"]
    return [(ball, ball[angle[ball] < 9]) for ball, _ in _eye_rims()]


def _centre(points: np.ndarray) -> np.ndarray:
    """The middle ``(3,)`` of the sphere nearest to points ``(n, 3)``."""
    at = points.mean(0, dtype=np.float64)
    near = points - at
    rows = np.concatenate([2 * near, np.ones((len(near), 1))], 1)
    found = np.linalg.lstsq(rows, (near * near).sum(1), rcond=None)[0]
    return (at + found[:3]).astype(np.float32)


def _shoulder(light: np.ndarray) -> np.ndarray:
    """Light as it is up to a half, and then ever less of it, up to 0.92."""
    over = np.maximum(light - np.float32(0.5), 0)
    return np.minimum(light, np.float32(0.5)) + np.float32(0.42) * (1 - np.exp(over / np.float32(-0.42)))


def _under_lids(canvas: drawing.Canvas, points: np.ndarray) -> np.ndarray:
    """What the upper lids leave of the light on each vertex, ``(M,)``: they shade the eyes below them."""
    left = np.ones(len(points), np.float32)
    for chosen, rim in _eye_rims():
        lid = points[rim, 2]
        place = np.interp(points[chosen, 0], *_sorted(points[rim, 0], lid))
        left[chosen] = 1 - 0.62 * smoothstep(-0.0052, 0.0005, points[chosen, 2] - place)
    return left


def _sorted(x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(x)
    return x[order], z[order]


@lru_cache(maxsize=1)
def _eye_rims() -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each eye the vertices of its ball, and those along the rim of its upper lid."""
    canvas = drawing.canvas()
    side, place = np.sign(canvas.place[:, 0]), canvas.place
    rim = (canvas.part == drawing.SKIN) & (canvas.fields["lid_rings"] < 0.75) & (canvas.fields["socket"] < 0.5)
    found = []
    for s in (-1, 1):
        ball = np.flatnonzero((canvas.part == drawing.EYES) & (side == s))
        mine = np.flatnonzero(rim & (side == s))
        x = np.abs(place[mine, 0])
        middle = np.interp(x, [x.min(), x.max()], place[mine, 2][[x.argmin(), x.argmax()]])
        found.append((ball, mine[place[mine, 2] > middle]))
    return found


@lru_cache(maxsize=1)
def _lashes() -> np.ndarray:
    """Triangles ``(n, 3)`` of single lashes, cut out of the strips of the mesh."""
    from scipy.spatial import cKDTree

    canvas = drawing.canvas()
    quads = canvas.quads[canvas.part[canvas.quads[:, 0]] == drawing.LASH]
    edges = np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), 1)
    edges, times = np.unique(edges, axis=0, return_counts=True)
    border = np.unique(edges[times == 1])
    rim = canvas.place[np.concatenate([rim for _, rim in _eye_rims()])]
    triangles = []
    for side in (-1, 1):
        mine = border[np.sign(canvas.place[border, 0]) == side]
        away, _ = cKDTree(rim).query(canvas.place[mine])
        order = mine[np.argsort(away)]
        along = lambda chosen: chosen[np.argsort(np.abs(canvas.place[chosen, 0]))]  # noqa: E731
        roots, tips = along(order[: len(order) // 2]), along(order[len(order) // 2 :])
        count = min(len(roots), len(tips)) - 1
        triangles += [(roots[i], roots[i + 1], tips[i]) for i in range(count)]
    return np.array(triangles)


@lru_cache(maxsize=1)
def _cut(canvas: drawing.Canvas) -> np.ndarray:
    """The triangles of the mesh that the second look draws."""
    place, quads = canvas.place, canvas.quads
    part = canvas.part[quads[:, 0]]
    kept = (part != drawing.LOCKS) & (part != drawing.LASH) & (place[quads, 2].max(1) > _BOTTOM)
    # Equal depths may fall either way: nothing was trained on this look that another order would contradict.
    alone = np.zeros(int(kept.sum()), bool)
    return np.concatenate([drawing.triangles(quads[kept], place, alone), _lashes()])


@lru_cache(maxsize=1)
def _drawn() -> np.ndarray:
    """The vertices that the triangles drawn use."""
    return np.unique(_cut(drawing.canvas()))


class _Textured(drawing.Renderer):
    """A renderer whose colours are multiplied by a person's texture."""

    def __init__(self, size: int, scale: int) -> None:
        canvas = drawing.canvas()
        super().__init__(_cut(canvas), len(canvas.place), size, scale)
        self.mesh.active_texture_coordinates = _atlas.atlas().uv
        self._worn: np.ndarray | None = None

    def dress(self, who: Person) -> None:
        """Takes a person's texture."""
        if self._worn is who.texture:
            return
        import pyvista

        texture = pyvista.Texture(who.texture)
        texture.InterpolateOn()
        texture.MipmapOff()
        texture.RepeatOff()
        actor = next(iter(self.plotter.renderer.actors.values()))
        actor.SetTexture(texture)
        self._texture, self._worn = texture, who.texture


@lru_cache(maxsize=2)
def _renderer(size: int) -> _Textured:
    return _Textured(size, 3 if size <= 160 else 2)


@lru_cache(maxsize=2)
def _identifier(size: int) -> drawing.Identifier:
    canvas = drawing.canvas()
    return drawing.Identifier(_cut(canvas), len(canvas.place), size)
