"""How a mesh becomes pixels: windows off-screen, what is drawn in them, and averages."""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from i2vlib.actors import shown
from i2vlib.actors.texture import atlas


def _pyvista() -> ModuleType:
    try:
        import pyvista
        from vtkmodules.vtkCommonCore import vtkLogger
    except ImportError as error:
        raise ImportError(
            f'Rendering actors needs pyvista ({error}). Install it with: pip install "i2vlib[actors]".'
        ) from error
    # Without a screen VTK finds another way to draw, but not without a warning in every process.
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
    return pyvista


def average(picture: np.ndarray, scale: int, background: np.ndarray) -> np.ndarray:
    """A picture averaged down by a whole number, over a background, rounded.

    Args:
        picture: ``uint8 (S * scale, S * scale, 4)``, every alpha 0 or 255: what is opaque and drawn without smoothing.
        background: ``float (S, S, 3)`` in 0 to 255.

    Returns:
        ``uint8 (S, S, 3)``.
    """
    drawn = picture[..., 3] > 0
    rest = 1 - down(drawn, scale)
    result = np.empty(background.shape, np.uint8)
    for c in range(3):
        colour = down(picture[..., c] * drawn, scale) + background[..., c] * rest
        result[..., c] = np.clip(colour + 0.5, 0, 255)
    return result


def down(plane: np.ndarray, scale: int) -> np.ndarray:
    """The mean ``float32`` of each cell of `scale` by `scale` values of a plane of whole numbers under 256."""
    rows = sum(plane[i::scale].astype(np.uint16) for i in range(scale))
    return sum(rows[:, i::scale] for i in range(scale)).astype(np.float32) / np.float32(scale * scale)


class Window:
    """A mesh before an orthographic camera, off-screen. Points are given in pixels (x right, y down) with a depth in
    pixels (larger is nearer), so that the projection is the caller's own."""

    def __init__(self, triangles: np.ndarray, count: int, side: int, size: int, colours: str, preference: str) -> None:
        pyvista = _pyvista()
        cells = np.concatenate([np.full((len(triangles), 1), 3), triangles], 1).ravel()
        self.mesh = pyvista.PolyData(np.zeros((count, 3), np.float32), cells)
        rows = count if preference == "point" else len(triangles)
        data = self.mesh.point_data if preference == "point" else self.mesh.cell_data
        data[colours] = np.zeros((rows, 3), np.uint8)
        self.plotter = pyvista.Plotter(off_screen=True, window_size=(side, side))
        self.plotter.ren_win.SetMultiSamples(0)
        self.plotter.add_mesh(
            self.mesh, scalars=colours, rgb=True, preference=preference, lighting=False, smooth_shading=False
        )
        camera = self.plotter.camera
        camera.parallel_projection = True
        camera.position, camera.focal_point, camera.up = (
            (size / 2, -size / 2, 4 * size),
            (size / 2, -size / 2, 0),
            (0, 1, 0),
        )
        camera.parallel_scale = size / 2
        camera.clipping_range = (size, 8 * size)

    def put(self, points: np.ndarray, triangles: np.ndarray, colours: np.ndarray) -> None:
        """Takes another mesh, with colours ``uint8`` of its triangles if there are as many, else of its points."""
        pyvista = _pyvista()
        cells = np.concatenate([np.full((len(triangles), 1), 3), triangles], 1).ravel()
        mesh = pyvista.PolyData(np.zeros_like(points), cells)
        preference = "cell" if len(colours) == len(triangles) else "point"
        (mesh.cell_data if preference == "cell" else mesh.point_data)["rgb"] = colours
        mesh.set_active_scalars("rgb", preference=preference)
        self.mesh = mesh
        next(iter(self.plotter.renderer.actors.values())).mapper.SetInputData(mesh)

    def picture(self, points: np.ndarray) -> np.ndarray:
        """``uint8 (side, side, 4)`` of points ``(M, 3)``."""
        self.mesh.points = points * np.array([1, -1, 1], np.float32)
        self.mesh.Modified()
        self.plotter.render()
        return np.asarray(self.plotter.screenshot(transparent_background=True, return_img=True))

    def close(self) -> None:
        self.plotter.close()


class Renderer(Window):
    """Draws one mesh of coloured vertices off-screen, again and again, at `scale` times the size and averaged down."""

    def __init__(self, triangles: np.ndarray, count: int, size: int, scale: int = 3) -> None:
        super().__init__(triangles, count, size * scale, size, "rgb", "point")
        self.size, self.scale = size, scale

    def draw(self, points: np.ndarray, colours: np.ndarray, background: np.ndarray) -> np.ndarray:
        """``uint8 (size, size, 3)`` of points ``(M, 3)``, colours ``uint8 (M, 3)`` over a background picture."""
        self.mesh["rgb"] = colours
        return average(self.picture(points), self.scale, background)


class Identifier(Window):
    """Tells which of the triangles ``(K, 3)``, K under 2**24, is seen at the centre of each pixel."""

    def __init__(self, triangles: np.ndarray, count: int, size: int) -> None:
        super().__init__(triangles, count, size, size, "rgb", "cell")
        self.triangles, self.size = triangles, size
        self._corners = [np.ascontiguousarray(corner) for corner in triangles.T]
        self._colours = numbered(len(triangles))

    def draw(self, points: np.ndarray) -> np.ndarray:
        """``int (size, size)`` of points ``(M, 3)``: the triangle's number, -1 where there is none."""
        kept = self._reaching(points)
        self.put(points, self.triangles[kept], self._colours[kept])
        return numbers(self.picture(points))

    def draw_other(self, points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
        """The same of another mesh: points ``(G, 3)`` and triangles ``(k, 3)``."""
        self.put(points, triangles, numbered(len(triangles)))
        return numbers(self.picture(points))

    def _reaching(self, points: np.ndarray) -> np.ndarray:
        """The triangles ``int (n,)`` that may lie under a pixel's centre: most are too small, and need no drawing."""
        reaching = np.ones(len(self.triangles), bool)
        for axis in (0, 1):
            values = np.ascontiguousarray(points[:, axis])
            a, b, c = (values[corner] for corner in self._corners)
            # Corners are rounded before they are drawn, to parts of a pixel much finer than this margin.
            low = np.ceil(np.minimum(np.minimum(a, b), c) - np.float32(0.55))
            high = np.floor(np.maximum(np.maximum(a, b), c) - np.float32(0.45))
            reaching &= (high >= low) & (high >= 0) & (low < self.size)
        return np.flatnonzero(reaching)


def numbered(count: int) -> np.ndarray:
    """Numbers from 0, under 2**24, as colours ``uint8 (count, 3)``, the lowest byte in red."""
    return np.arange(count, dtype="<u4").view(np.uint8).reshape(count, 4)[:, :3].copy()


def numbers(picture: np.ndarray) -> np.ndarray:
    """The inverse of `numbered` for a picture ``uint8 (S, S, 4)``: ``int (S, S)``, -1 where nothing is drawn."""
    number = np.ascontiguousarray(picture).view("<u4")[..., 0]
    return np.where(number >> 24 > 0, (number & 0xFFFFFF).astype(np.int64), -1)


class Textured(Renderer):
    """A renderer whose colours are multiplied by a person's texture."""

    def __init__(self, size: int, scale: int) -> None:
        mesh = shown.shown()
        super().__init__(mesh.triangles, len(mesh.rows), size, scale)
        self.mesh.active_texture_coordinates = atlas().uv[mesh.rows]
        self._worn: np.ndarray | None = None
        self._other: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._beside: Any = None

    def put_on(self, worn: tuple[np.ndarray, np.ndarray, np.ndarray] | None) -> None:
        """Draws another mesh with the head: points ``(G, 3)`` in pixels, triangles, and colours of the points."""
        if worn is self._other:
            return
        self._other = worn
        if self._beside is not None:
            self._beside.SetVisibility(worn is not None)
        if worn is None:
            return
        points, triangles, colours = worn
        cells = np.concatenate([np.full((len(triangles), 1), 3), triangles], 1).ravel()
        mesh = _pyvista().PolyData(points * np.array([1, -1, 1], np.float32), cells)
        mesh["rgb"] = colours
        if self._beside is None:
            self._beside = self.plotter.add_mesh(mesh, scalars="rgb", rgb=True, lighting=False, reset_camera=False)
        else:
            mesh.set_active_scalars("rgb", preference="point")
            self._beside.mapper.SetInputData(mesh)

    def dress(self, worn: np.ndarray) -> None:
        """Takes a person's texture ``uint8 (HEIGHT, WIDTH, 3)``."""
        if self._worn is worn:
            return
        import pyvista

        texture = pyvista.Texture(worn)
        texture.InterpolateOn()
        texture.MipmapOff()
        texture.RepeatOff()
        actor = next(iter(self.plotter.renderer.actors.values()))
        actor.SetTexture(texture)
        self._texture, self._worn = texture, worn


@lru_cache(maxsize=2)
def renderer(size: int) -> Textured:
    """The renderer of frames of a size: a window is slow to open, so there is one for all people."""
    return Textured(size, 3 if size <= 160 else 2)


@lru_cache(maxsize=2)
def identifier(size: int) -> Identifier:
    """The one `Identifier` of the head's mesh for frames of a size."""
    mesh = shown.shown()
    return Identifier(mesh.triangles, len(mesh.rows), size)
