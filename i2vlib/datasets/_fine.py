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
        """Takes a frame's rotation ``(3, 3)`` of the head, if it drifts; its hair is then drawn anew."""
        if turn is None and self._turn is None:
            return
        self._turn = turn
        for name in ("hair", "_neutral", "_ribbons", "_hair_ids"):
            self.__dict__.pop(name, None)

    def _posed(self, points: np.ndarray, about: np.ndarray) -> np.ndarray:
        """Points or ways ``(..., 3)`` turned about a place and brought into the clip's pose."""
        if self._turn is not None:
            points = (points - about) @ self._turn.T + about
        return (points @ self.pose.T).astype(np.float32)

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
        behind = self.background if hair is None else hair.behind(self.background)
        renderer = _renderer(self.size)
        renderer.dress(self.who)
        picture = renderer.draw(self._flat(points), np.ascontiguousarray(colours), behind)
        return picture if hair is None else hair.before(picture)

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
        seen = self._neutral[np.unique(_cut(self.canvas))]
        return _strands.ribbons(mane, points, normal, flat, seen, self.who, self.size, WIDTH)

    def surface(self, points: np.ndarray, normal: np.ndarray) -> dict[str, np.ndarray]:
        """What is seen at the centre of each pixel, as `_truth.surface`, strands of hair included."""
        flat, tell = self._flat(points), _identifier(self.size)
        found = surface(
            tell.draw(flat), tell.triangles, points, normal, flat[:, :2], self.camera, self.who, self.canvas
        )
        if self.who.mane is None:
            return found
        hidden = found["parts"] == PARTS.index("background")
        for ids, triangles in self._hair_ids:
            chosen = (ids >= 0) & (hidden if triangles is self._ribbons.back else True)
            self._add_hair(found, chosen, triangles[ids[chosen]])
        return found

    @cached_property
    def _hair_ids(self) -> list[tuple[np.ndarray, np.ndarray]]:
        ribbons = self._ribbons
        return [(_strands.identify(ribbons, part, self.size), part) for part in (ribbons.back, ribbons.front)]

    def _add_hair(self, found: dict[str, np.ndarray], chosen: np.ndarray, corners: np.ndarray) -> None:
        """Writes hair into the maps of `surface`, in place, at the pixels `chosen`, whose triangles are `corners`."""
        ribbons = self._ribbons
        row, column = np.nonzero(chosen)
        far = ribbons.points @ self.camera[2, :3] + self.camera[2, 3]
        share = weights(np.stack([column, row], 1) + 0.5, ribbons.flat[corners][..., :2], far[corners])
        turned = np.einsum("nk,nkc->nc", share, ribbons.normal[corners]) @ axes(self.camera).T
        # A strand is round: what is seen of it faces the camera.
        turned[:, 2] = -np.abs(turned[:, 2])
        turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
        found["parts"][chosen] = PARTS.index("hair")
        found["depth"][chosen] = (share * far[corners]).sum(1)
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
    edge = 1 + 1.5 * (1 - np.clip(-normal[:, 1], 0, 1)) ** 3
    lids = _under_lids(canvas, points)
    raised = np.where(is_skin, _LIFTED, np.float32(1))
    colour = [who.albedo[:, c] * total[c] * lids + who.gloss * gleam[c] * edge for c in range(3)]
    for chosen, catch in _catchlights(who, normal):
        for c in range(3):
            colour[c][chosen] += catch * (0.4 + 0.6 * who.tints[0, c])
    return np.stack([_shoulder(channel) * raised for channel in colour])


def _catchlights(who: Person, normal: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Vertices of each eyeball, and the key and fill lamps mirrored on them: the cornea bulges more than the ball."""
    found = []
    for chosen, _ in _eye_rims():
        bulged = normal[chosen] * np.array([1.7, 1.0, 1.7], np.float32)
        bulged /= np.linalg.norm(bulged, axis=1, keepdims=True)
        catch = np.zeros(len(chosen), np.float32)
        for lamp, strength, sharp in ((who.lights[0], 1.1, 0.9915), (who.lights[1], 0.25, 0.985)):
            half = lamp + np.array([0, -1, 0], np.float32)
            catch += strength * smoothstep(sharp, sharp + 0.006, bulged @ (half / np.linalg.norm(half)))
        found.append((chosen, catch))
    return found


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
        left[chosen] = 1 - 0.55 * smoothstep(-0.0042, 0.0005, points[chosen, 2] - place)
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
