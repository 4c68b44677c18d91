"""Who a performer is: a seed decides body, clothes, light, and the place behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from i2vlib.actors import mesh
from i2vlib.actors.people import drawn_shape, generator, lamps, one_thread
from i2vlib.performers.body import BONES, gripped, load_body, skin_weights
from i2vlib.performers.clothes import dressed
from i2vlib.performers.place import Place, draw_place
from i2vlib.performers.skeleton import Skeleton

#: By how many degrees every joint of the fingers is bent.
_GRIP = 52.0


@dataclass(frozen=True, eq=False)
class Performer:
    """What a seed decides once for all of its clips; see `performer`.

    Attributes:
        name: ``performer <seed>``.
        vertices: ``float32 (N, 3)`` at rest, dressed, in metres, standing on z = 0 with the hips above the origin.
        skeleton: the bones at rest.
        albedo: ``float32 (N, 3)``, linear.
        lights, tints: of key, fill and rim light as the camera sees them, as in `i2vlib.actors.people.Person`;
            ``sky`` and ``ground``: light from above and below.
        place: where the person is.
    """

    name: str
    vertices: np.ndarray
    skeleton: Skeleton
    albedo: np.ndarray
    lights: np.ndarray
    tints: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    place: Place

    def skinned(self, turns: np.ndarray, places: np.ndarray) -> np.ndarray:
        """The vertices ``float32 (T, N, 3)`` of posed bones, as `Skeleton.posed` gives them: linear blend skinning."""
        shift = places - np.einsum("tbij,bj->tbi", turns, self.skeleton.rest)
        moves = np.concatenate([turns, shift[..., None]], -1).astype(np.float32)
        ones = np.concatenate([self.vertices, np.ones((len(self.vertices), 1), np.float32)], 1)
        weights, result = skin_weights(), np.empty((len(turns), *self.vertices.shape), np.float32)
        for frame, move in enumerate(moves):
            mixed = (weights @ move.reshape(len(BONES), 12)).reshape(-1, 3, 4)
            result[frame] = np.einsum("nij,nj->ni", mixed, ones)
        return result


@lru_cache(maxsize=4)
def performer(seed: int) -> Performer:
    """The person behind a seed, any int."""
    with one_thread():
        return _made(seed)


def _made(seed: int) -> Performer:
    rng = generator(seed, "body")
    phenotype, _ = drawn_shape(rng, ())
    # The shapes reach from dwarfs to giants.
    phenotype["height"] = 0.22 + 0.4 * phenotype["height"]
    phenotype["weight"] = 0.15 + 0.65 * phenotype["weight"]
    body = load_body()
    vertices, heads = body.shaped(phenotype)
    vertices = gripped(body, vertices, heads, _GRIP)
    worn = dressed(generator(seed, "clothes"), phenotype)
    vertices = vertices + worn.off[:, None] * mesh.normals(vertices, body.quads, quads_around())
    vertices, skeleton = standing(vertices, heads)
    light = generator(seed, "light")
    lights, tints, sky, ground = lamps(light)
    exposure = np.float32(1 + 0.5 * max(0, worn.tone - 2) / 7)
    return Performer(
        name=f"performer {seed}",
        vertices=vertices,
        skeleton=skeleton,
        albedo=worn.albedo,
        lights=lights,
        tints=exposure * tints,
        sky=exposure * sky,
        ground=exposure * ground,
        place=draw_place(generator(seed, "place")),
    )


@lru_cache(maxsize=1)
def quads_around() -> object:
    """What adds up over the quads around each vertex of the body; see `i2vlib.actors.mesh.gather`."""
    body = load_body()
    return mesh.gather(body.quads, len(body.template))


def standing(vertices: np.ndarray, heads: Mapping[str, np.ndarray]) -> tuple[np.ndarray, Skeleton]:
    """Puts a person on the floor z = 0, the hips above the origin: the vertices and the bones."""
    hips = (heads["upperleg01.L"] + heads["upperleg01.R"]) / 2
    shift = -np.array([hips[0], hips[1], vertices[:, 2].min()])
    vertices = (vertices + shift).astype(np.float32)
    rest = {name: place + shift for name, place in heads.items()}
    balls = [(rest[f"toe2-1.{side}"] + rest[f"toe4-1.{side}"]) / 2 for side in "LR"]
    rest |= dict(zip(("toes.L", "toes.R"), balls, strict=True))
    of_head = vertices[skin_weights()[:, BONES.index("head")] > 0.9].astype(np.float64)
    middle = (of_head.min(0) + of_head.max(0)) / 2
    return vertices, Skeleton(np.stack([rest[name] for name in BONES]), middle, np.stack(balls))
