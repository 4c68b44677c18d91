"""Frames to something that can be watched: GIF, MP4, WebP, a film strip, or an HTML scrubber or pad.

Frames are ``uint8 (T, H, W, 3)`` sRGB throughout. No frame is ever cropped.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import math
import subprocess
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from i2vlib.store import replacing

#: The note that every saved file carries: GIF, PNG and MP4 as their comment, WebP as its EXIF description.
NOTE = "Synthetic frames made with i2vlib"

_EXIF_DESCRIPTION = 0x010E
_GIF_FASTEST = 50  # frames a second; browsers slow a GIF down that asks for more
_SHOWN_AT_LEAST, _SHOWN_AT_MOST = 256, 512  # px, the shorter side of a picture in a scrubber
_OF_THREE, _OF_MANY = 192, 154  # px, as well: three stand in one row of a page, and of more there are four in a row

_LIGHT = (
    "--i2v-back: #f4f5f7; --i2v-line: #d3d8e0; --i2v-ink: #1f2530; --i2v-soft: #667085; --i2v-mark: #3b6fd4; "
    "--i2v-on: #fff;"
)
_DARK = (
    "--i2v-back: #23262d; --i2v-line: #444a55; --i2v-ink: #e8eaee; --i2v-soft: #a0a8b5; --i2v-mark: #6f9cf0; "
    "--i2v-on: #16181d;"
)


def save(frames: np.ndarray, path: str | Path, fps: float = 12.0) -> Path:
    """Writes frames as the suffix says: ``.gif``, ``.mp4``, ``.webp``, or ``.png`` for a film strip.

    The file appears whole or not at all: it is written beside `path` under another name and then renamed, so a
    failure leaves an older file as it was. It carries `NOTE` in its metadata. MP4 is H.264 with 4:2:0 chroma, which
    needs even sides: an odd one is padded by repeating its last pixels. A GIF shows at most 50 frames a second;
    above that, frames are left out so that it lasts as long as the clip.

    Args:
        frames: ``uint8 (T, H, W, 3)``, T at least 1.
        path: where to; the folder must exist.
        fps: frames per second, positive; a film strip has no use for it.

    Returns:
        The path written.

    Raises:
        ValueError: another suffix, no such folder, `path` is a folder, or frames or fps of another form.
        RuntimeError: ffmpeg could not encode the MP4.
    """
    frames, path = _checked(frames), Path(path)
    _check_fps(fps)
    writers: dict[str, Callable[[np.ndarray, Path, float], None]] = {
        ".gif": _write_gif,
        ".mp4": _write_mp4,
        ".webp": _write_webp,
        ".png": _write_png,
    }
    suffix = path.suffix.lower()
    if suffix not in writers:
        raise ValueError(
            f"{path} ends in {path.suffix or 'no suffix'!r}; "
            f"a clip is saved as {', '.join(writers)}. Change the suffix."
        )
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent} to save {path.name} in. Make it first, or give another.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Give the name of a file.")
    with replacing(path) as part:
        writers[suffix](frames, part, fps)
    return path


def film_strip(frames: np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Frames side by side, in one row, with a white gap between them.

    Args:
        frames: ``uint8 (T, H, W, 3)``.
        columns: how many frames to show, evenly chosen, the first and the last among them; all by default.
        gap: pixels between two frames.

    Returns:
        ``uint8 (H, n W + (n - 1) gap, 3)`` for n frames shown.

    Raises:
        ValueError: frames of another form, fewer than 1 column, or a negative gap.
    """
    frames = _checked(frames)
    if columns is not None and columns < 1:
        raise ValueError(f"A film strip has at least 1 column; columns is {columns}.")
    if gap < 0:
        raise ValueError(f"The gap of a film strip is 0 pixels or more; it is {gap}.")
    count, height, width, _ = frames.shape
    shown = min(count, columns or count)
    strip = np.full((height, shown * (width + gap) - gap, 3), 255, np.uint8)
    for column, index in enumerate(np.linspace(0, count - 1, shown).round().astype(int)):
        left = column * (width + gap)
        strip[:, left : left + width] = frames[index]
    return strip


def scrubber(frames: np.ndarray, fps: float = 12.0, labels: Sequence[str] | None = None, title: str = "clip") -> str:
    """A clip as HTML that is scrubbed with slider, keys, mouse or finger, or played back and forth.

    It needs no kernel and no network: the frames are in it, as WebP (about 4 KiB each at 128 px). Arrow keys step,
    home and end jump, space plays and pauses; dragging across the picture scrubs. Scrolled into view it plays, twice
    there and back, until it is touched; not for readers who ask their system for less motion. Without JavaScript the
    first frame shows. Frames are enlarged to at least 256 px on their shorter side, and reduced to at most 512 px.

    Args:
        frames: ``uint8 (T, H, W, 3)``.
        fps: frames per second when playing.
        labels: a line of text a frame, shown and read out; "frame 1 of T" and so on by default.
        title: what the clip is; shown, and read out.

    Raises:
        ValueError: frames or fps of another form, or another number of labels than of frames.
    """
    return _player({"": {"": _checked(frames)}}, fps, labels, title)


def together(
    rows: Mapping[str, np.ndarray],
    fps: float = 12.0,
    labels: Sequence[str] | None = None,
    title: str = "comparison",
) -> str:
    """Several clips of one length under one slider: a `scrubber` of several pictures, each with its name above.

    They stand side by side as far as the page is wide, and the slider stays in view while any of them is. Three are
    enlarged to 192 px only, more to 154 px.

    Args:
        rows: name to ``uint8 (T, H, W, 3)``, the same T for every name; sizes may differ.
        fps, labels, title: as in `scrubber`.

    Raises:
        ValueError: no rows, rows of different lengths, or what `scrubber` refuses.
    """
    return _player({"": _of_one_length(rows)}, fps, labels, title)


def choice(
    sets: Mapping[str, Mapping[str, np.ndarray]],
    fps: float = 12.0,
    labels: Sequence[str] | None = None,
    title: str = "choice",
) -> str:
    """Several clips under one slider and a row of buttons that say which: `together`, once a button.

    Args:
        sets: name of a button to what `together` takes: the same names with frames of the same shape for each. The
            first button is pressed at the start.
        fps, labels, title: as in `scrubber`.

    Raises:
        ValueError: no sets, sets of different names or shapes, or what `together` refuses.
    """
    if not sets:
        raise ValueError("There is nothing to choose from: give at least one set, as name: rows.")
    chosen = {name: _of_one_length(rows) for name, rows in sets.items()}
    shapes = {name: {row: frames.shape for row, frames in rows.items()} for name, rows in chosen.items()}
    first, *others = shapes.items()
    for name, other in others:
        if list(other.items()) != list(first[1].items()):
            raise ValueError(f"Every choice has the same rows in the same shapes; {first[0]!r} has {first[1]}, "
                             f"{name!r} has {other}.")  # fmt: skip
    return _player(chosen, fps, labels, title)


def pad(
    frames: np.ndarray,
    names: tuple[str, str],
    values: tuple[Sequence[float], Sequence[float]],
    title: str = "mixture",
) -> str:
    """A face under a square pad, as HTML without kernel or network: across is one quantity, up is another.

    Dragging on the pad, or the two sliders beside it, shows the frame made for that pair of values. Scrolled into view
    it is led once around its border, as a `scrubber` plays.

    Args:
        frames: ``uint8 (R, C, H, W, 3)``: row r was made with the r-th value of the second quantity, column c with the
            c-th of the first.
        names: of the quantities, across and up.
        values: C values across and R values up, as they are read out.
        title: what is shown; read out as well.

    Raises:
        ValueError: frames of another form, or another number of values than of columns and rows.
    """
    frames = np.asarray(frames)
    if frames.ndim != 5 or frames.dtype != np.uint8 or frames.shape[-1] != 3 or not frames.size:
        raise ValueError(f"A pad takes uint8 frames (R, C, H, W, 3); these are {frames.dtype} {frames.shape}.")
    rows, columns = frames.shape[:2]
    if (len(values[0]), len(values[1])) != (columns, rows):
        raise ValueError(
            f"A pad of {columns} columns and {rows} rows has as many values; there are {len(values[0])} and "
            f"{len(values[1])}."
        )
    pictures = [data_uri(frame) for frame in _reduced(frames.reshape(-1, *frames.shape[2:]))]
    data = _script_json([columns, pictures, list(names), [[float(value) for value in axis] for axis in values]])
    identity = hashlib.sha256(f"{title}{data}".encode()).hexdigest()[:12]
    shown = html.escape(title)
    sliders = "".join(
        f'<label>{html.escape(name)}<input type="range" min="0" max="{len(axis) - 1}" step="1" value="0"'
        ' autocomplete="off"></label>'
        for name, axis in zip(names, values, strict=True)
    )
    return f"""<div class="i2v-pad i2v-card" data-clip="{identity}" role="group" aria-label="{shown}">
<style>{style("pad")}</style>
<div class="i2v-stage">{_face("", frames[0], pictures[0], title, _SHOWN_AT_LEAST)}
<div class="i2v-controls"><div class="i2v-field" tabindex="0" role="group"
 aria-label="{html.escape(" across, ".join(names))} up; the arrow keys move the dot"><span class="i2v-dot"></span></div>
{sliders}</div></div>
<div class="i2v-caption"><span class="i2v-title">{shown}</span><span class="i2v-label"></span></div>
<noscript>This is the first of {len(pictures)} frames; the pad needs JavaScript.</noscript>
<script>{script("pad")}("{identity}", ...{data});</script>
</div>"""


def encode(frame: np.ndarray) -> bytes:
    """One frame, ``uint8 (H, W, 3)``, as the bytes of a small lossy WebP image."""
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "WEBP", quality=80, method=4)
    return buffer.getvalue()


def _checked(frames: np.ndarray) -> np.ndarray:
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        raise ValueError(
            f"Frames are uint8 (T, H, W, 3) with at least one frame; these are {frames.dtype} {frames.shape}. "
            "Convert them, for instance with i2vlib.clips.to_frames."
        )
    return np.ascontiguousarray(frames)


def _check_fps(fps: float) -> None:
    if not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"fps is a positive number of frames per second; it is {fps!r}.")


def _durations(count: int, fps: float, unit: float) -> list[int]:
    """How long each frame shows, in whole units of so many seconds; rounding errors do not add up."""
    ends = np.round(np.arange(count + 1) / (fps * unit)).astype(int)
    return [int(length) for length in np.diff(ends)]


def _write_gif(frames: np.ndarray, path: Path, fps: float) -> None:
    if fps > _GIF_FASTEST:
        count = max(1, round(len(frames) * _GIF_FASTEST / fps))
        frames = frames[(np.arange(count) * fps / _GIF_FASTEST).astype(int).clip(max=len(frames) - 1)]
        fps = _GIF_FASTEST
    first, *rest = [Image.fromarray(frame).quantize(256, Image.Quantize.MEDIANCUT, kmeans=1) for frame in frames]
    milliseconds = [10 * length for length in _durations(len(frames), fps, 0.01)]
    first.save(path, "GIF", save_all=True, append_images=rest, duration=milliseconds, loop=0, comment=NOTE.encode())


def _write_webp(frames: np.ndarray, path: Path, fps: float) -> None:
    first, *rest = [Image.fromarray(frame) for frame in frames]
    exif = Image.Exif()
    exif[_EXIF_DESCRIPTION] = NOTE
    first.save(
        path,
        "WEBP",
        save_all=True,
        append_images=rest,
        duration=_durations(len(frames), fps, 0.001),
        loop=0,
        quality=100,  # below that the encoder takes a slow movement for none and drops its frames
        method=4,
        exif=exif.tobytes(),
    )


def _write_png(frames: np.ndarray, path: Path, fps: float) -> None:
    text = PngInfo()
    text.add_text("Comment", NOTE)
    Image.fromarray(film_strip(frames)).save(path, "PNG", pnginfo=text)


def _write_mp4(frames: np.ndarray, path: Path, fps: float) -> None:
    import imageio_ffmpeg

    even = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    _, height, width, _ = even.shape
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:.6f}", "-i", "-"]
    # Said outright, since players guess the matrix from the size and shift the colours when they guess wrong.
    matrix = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int"
    tags = "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv"
    colour = ["-vf", f"{matrix},format=yuv420p,{tags}"]
    codec = ["-an", "-c:v", "libx264", "-preset", "medium", "-crf", "16"]
    container = ["-metadata", f"comment={NOTE}", "-movflags", "+faststart", "-f", "mp4", f"file:{path}"]
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *source, *colour, *codec, *container],
        input=even.data.cast("B"),
        capture_output=True,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"ffmpeg could not encode {len(even)} frames of {width}x{height} as MP4: {said[-1]}")


def _of_one_length(rows: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    clips = {name: _checked(frames) for name, frames in rows.items()}
    if not clips:
        raise ValueError("There is nothing to compare: give at least one row, as name: frames.")
    lengths = {name: len(frames) for name, frames in clips.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise ValueError(f"Rows under one slider have the same number of frames; {listed}. Cut them to one length.")
    return clips


def _player(sets: Mapping[str, Mapping[str, np.ndarray]], fps: float, labels: Sequence[str] | None, title: str) -> str:
    _check_fps(fps)
    clips = next(iter(sets.values()))
    count = len(next(iter(clips.values())))
    labels = (
        [f"frame {index + 1} of {count}" for index in range(count)]
        if labels is None
        else [str(label) for label in labels]
    )
    if len(labels) != count:
        raise ValueError(f"A scrubber has a label a frame; there are {len(labels)} labels and {count} frames.")
    pictures = [[[data_uri(frame) for frame in _reduced(frames)] for frames in rows.values()] for rows in sets.values()]
    data = _script_json([float(fps), pictures, labels])
    identity = hashlib.sha256(f"{title}{list(sets)}{list(clips)}{data}".encode()).hexdigest()[:12]
    least = {1: _SHOWN_AT_LEAST, 2: _SHOWN_AT_LEAST, 3: _OF_THREE}.get(len(clips), _OF_MANY)
    faces = zip(clips.items(), pictures[0], strict=True)
    stage = "".join(_face(name, frames, shown[0], title, least) for (name, frames), shown in faces)
    shown = html.escape(title)
    buttons = "".join(
        f'<button class="i2v-choice" type="button" aria-pressed="{"false" if number else "true"}">'
        f"{html.escape(name)}</button>"
        for number, name in enumerate(sets)
        if len(sets) > 1
    )
    choices = f'<div class="i2v-choices" role="group" aria-label="What of {shown}">{buttons}</div>\n' if buttons else ""
    return f"""<div class="i2v-scrubber i2v-card" data-clip="{identity}" role="group" aria-label="{shown}">
<style>{style("scrubber")}</style>
<div class="i2v-stage">{stage}</div>
<div class="i2v-foot">{choices}<div class="i2v-bar"{" hidden" if count == 1 else ""}>
<button class="i2v-play" type="button" aria-label="Play"><svg viewBox="0 0 14 14" aria-hidden="true">
<path class="i2v-one" d="M4 1.5v11l8.5-5.5z"/><path class="i2v-two" d="M3 1.5h3v11H3zM8 1.5h3v11H8z"/></svg></button>
<input class="i2v-slider" type="range" min="0" max="{count - 1}" step="1" value="0" aria-label="Frame of {shown}"
 aria-valuetext="{html.escape(labels[0])}" autocomplete="off">
</div>
<div class="i2v-caption"><span class="i2v-title">{shown}</span>
<span class="i2v-label">{html.escape(labels[0])}</span></div></div>
<noscript>This is the first frame of {count}; the slider needs JavaScript.</noscript>
<script>{script("scrubber")}("{identity}", ...{data});</script>
</div>"""


@cache
def style(*names: str) -> str:
    """The style of things on a page, with that of the card that all share, light and dark."""
    folder = resources.files("i2vlib") / "assets"
    rules = "".join((folder / f"{part}.css").read_text("utf-8") for part in ("card", *names))
    return rules.replace("/*light*/", _LIGHT).replace("/*dark*/", _DARK)


@cache
def script(name: str) -> str:
    """The script of a thing on a page, with what all cards share in it: a function that its page calls."""
    folder = resources.files("i2vlib") / "assets"
    text = (folder / f"{name}.js").read_text("utf-8").strip()
    for shared in ("card", "player", "drag", "curve", "camera"):
        text = text.replace(f"/*{shared}*/", (folder / f"{shared}.js").read_text("utf-8").rstrip())
    return text


def _face(name: str, frames: np.ndarray, first: str, title: str, least: int) -> str:
    _, height, width, _ = frames.shape
    side = min(height, width)
    shown = round(width * min(max(side, least), _SHOWN_AT_MOST) / side)
    said = html.escape(f"{title}: {name}" if name else title)
    heading = f'<span class="i2v-row">{html.escape(name)}</span>' if name else ""
    small = " i2v-small" if shown <= _SHOWN_AT_LEAST else ""
    return (
        f'<div class="i2v-face{small}">{heading}<img class="i2v-picture" src="{first}" alt="{said}" draggable="false" '
        f'style="width: {shown}px; aspect-ratio: {width} / {height}"></div>'
    )


def _reduced(frames: np.ndarray) -> np.ndarray:
    _, height, width, _ = frames.shape
    scale = _SHOWN_AT_MOST / min(height, width)
    if scale >= 1:
        return frames
    size = (round(width * scale), round(height * scale))
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in frames])


def data_uri(frame: np.ndarray) -> str:
    """A frame ``uint8 (H, W, 3)`` as an address that holds it, as WebP."""
    return "data:image/webp;base64," + base64.b64encode(encode(frame)).decode()


def _script_json(value: object) -> str:
    """JSON that is safe inside a script element, whatever text is in it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
