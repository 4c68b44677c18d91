"""The page *your_face*: the model itself in a static page, made at each build of the book, from the shipped weights.

What the page loads are scripts alone, for a page opened from a folder may read nothing else: the page's own, and, when
a photo is chosen, ONNX Runtime and the model, packed as text. The sources of the page lie in ``book/your_face``.
"""

from __future__ import annotations

import base64
import codecs
import gzip
import html
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from i2vbook.checkout import BOOK
from i2vbook.pages import landing, tflite
from i2vlib import curves, datasets, faces, store, video
from i2vlib.faces import landmarker, with_mediapipe

SOURCES = BOOK / "your_face"
#: In the order in which one uses another.
MODULES = (
    "crop", "layout", "paste", "gif", "files", "remote", "model", "methods", "timing", "photo", "picture", "eyes",
    "expressions", "brush", "curves", "saving", "sources", "meter", "page",
)  # fmt: skip
#: What all pages share of the book's own scripts, put before.
SHARED = ("card", "player", "drag", "curve", "camera")
#: What runs in the page's Worker.
IN_WORKER = ("crop", "detect", "reading", "worker")
#: What runs in another, beside it.
IN_CARRIER = ("crop", "layout", "flow", "carry", "carrying")
#: The weights that the page draws with, and what it calls them; the first are fetched with a photo, others when chosen.
MODELS = {"affinegan_painted": "AffineGAN", "fan_painted": "FAN"}
#: Megabytes that are fetched for an example, whose eyes are known, by the method that draws it.
FETCHED = {"affinegan_painted": 11, "fan_painted": 15}
#: From a page of the book to the folder of this page's files.
ROOT = "../_static/your_face/"
#: What the page holds beside its own script, of whom, and under which licence; where that is read, if not in the book.
WORKS = {
    "ONNX Runtime": ("Microsoft", "MIT", ""),
    "two networks that find a face": (
        "Google's MediaPipe; in another format here", "Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0",
    ),
    "AffineGAN's and FAN's weights": ("the book's", "MIT", ""),
}  # fmt: skip
#: Stops of the slider, by which intensities are counted: 0, 0.05, ... 1.2.
STEP, STOPS = 0.05, 25
#: What the buttons say; the first is shown first.
EXPRESSIONS = {
    "happy": "a smile",
    "surprised": "surprise",
    "angry": "anger",
    "contempt": "contempt",
    "eyes_closed": "eyes closed",
    "eyes_up": "eyes up",
    "cheeks_puffed": "cheeks puffed",
}
#: The bits of a character in which bytes are packed, and the first of these characters.
_BITS, _FIRST = 15, 0x3000
_SIDE, _QUALITY = 384, 85  # px of a rendered example; of its JPEG


@dataclass(frozen=True, eq=False)
class Example:
    """A picture to begin with: ``uint8 (H, W, 3)``, and its eye centres ``(2, 2)`` in pixels."""

    name: str
    picture: np.ndarray
    eyes: np.ndarray


def pictures() -> dict[str, np.ndarray]:
    """The portrait of the first page, and two rendered people whom no network has been trained on: ``uint8``."""
    shown = {"Grace Hopper, 1984": datasets.portrait()}
    for seed in landing.ACTORS[:2]:
        clip = datasets.actors.clip(seed, "happy", mode="onset", frames=2, size=_SIDE)
        shown[f"actor {seed}, rendered"] = clip.frames[0]
    return shown


def examples() -> list[Example]:
    """The `pictures`, with the eyes that are found in them."""
    return [Example(name, picture, faces.eyes_of(picture, name=name)) for name, picture in pictures().items()]


def bundle(*names: str) -> str:
    """Modules of the page as one script, for a page opened from a folder may not import one; without the lines that are
    comments, which a reader's browser would fetch for nothing."""
    text = "\n".join((SOURCES / f"{name}.js").read_text("utf-8") for name in names)
    return re.sub(r"^(import |\s*//).*\n", "", re.sub(r"^export ", "", text, flags=re.MULTILINE), flags=re.MULTILINE)


def as_text(data: bytes) -> str:
    r"""Bytes, compressed, as text that a script may hold; the same bytes give the same text.

    Each character from U+3000 to U+AFFF holds 15 bits. In UTF-16 that makes 16 bytes of 15, where Base64 makes 20, and
    none of these characters ends a line, a string or a surrogate's pair. The first one says how many bytes at the end
    are filling: 0 or 1.
    """
    packed = gzip.compress(data, mtime=0)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    groups = np.pad(bits, (0, -len(bits) % _BITS)).reshape(-1, _BITS)
    filling = groups.size // 8 - len(packed)
    values = np.concatenate([[filling], groups @ (1 << np.arange(_BITS)[::-1])])
    return (_FIRST + values).astype("<u2").tobytes().decode("utf-16-le")


def part(name: str, content: Mapping[str, object]) -> bytes:
    """A script that leaves something under its name for the page that loads it, which unpacks what is text: in UTF-16,
    whose mark at the beginning counts for more than what a server says of scripts."""
    script = f"(window.i2vParts ??= {{}})[{json.dumps(name)}] = {json.dumps(content, ensure_ascii=False)};\n"
    return codecs.BOM_UTF16_LE + script.encode("utf-16-le")


def runtime(folder: Path) -> bytes:
    """ONNX Runtime as a part, from the files of its package, and what runs behind it and beside it in Workers."""
    script = (folder / "ort.wasm.min.js").read_text("utf-8")
    script = re.sub(r"//# sourceMappingURL=.*", "", script)
    glue, wasm = ((folder / f"ort-wasm-simd-threaded.{end}").read_bytes() for end in ("mjs", "wasm"))
    files = {"script": f"{script}\n{bundle(*IN_WORKER)}".encode(), "glue": glue, "wasm": wasm}
    files["carrying"] = bundle(*IN_CARRIER).encode()
    return part("runtime", {name: as_text(data) for name, data in files.items()})


def face_numbers() -> dict[str, object]:
    """By which the package finds faces and reads their eyes: the corners of both in the mesh, and what is a face."""
    return {
        "faces": landmarker.FACES,
        "probable": landmarker.PROBABLE,
        "overlap": landmarker.OVERLAP,
        "enlarged": landmarker.ENLARGED,
        "eyes": [[faces.MESH_68[corner] for corner in eye] for eye in ((36, 39), (42, 45))],
    }


def readers() -> bytes:
    """The networks that find a face and its eyes as a part."""
    detector, landmarks = (
        as_text(tflite.to_onnx(file).SerializeToString(deterministic=True)) for file in with_mediapipe.files()[:2]
    )
    return part("faces", {"detector": detector, "landmarks": landmarks, "numbers": face_numbers()})


def model(name: str, exported: Path) -> bytes:
    """An exported model as a part of a name: its decoder, and its encoder's two halves, each alone. Whoever reads an
    intensity asks the still's for every frame, and that of the directions once a face."""
    import onnx
    from onnx.utils import Extractor

    note = json.loads((exported / "model.json").read_text("utf-8"))
    encoder = Extractor(onnx.load(exported / "encoder.onnx"))
    names = [output["name"] for output in note["encoder"]["outputs"]]
    graphs = {
        half: encoder.extract_model(["still"], [each for each in names if each.startswith(prefix)])
        for half, prefix in (("still", "base_"), ("directions", "direction_"))
    }
    files = {half: graph.SerializeToString(deterministic=True) for half, graph in graphs.items()}
    files["decoder"] = (exported / "decoder.onnx").read_bytes()
    spec = {"name": name, "size": note["size"], "expressions": note["expressions"]}
    return part(name, {"spec": spec, **{each: as_text(data) for each, data in files.items()}})


def page(shown: list[Example], megabytes: Mapping[str, float], root: str) -> tuple[str, bytes]:
    """The page's HTML, and its script.

    Args:
        shown: the examples.
        megabytes: that are fetched when a photo is chosen, by the first model's name; by each other's, those more that
            are fetched when that is chosen.
        root: where the page finds its files, ending in a slash.
    """
    pictures = [f"data:image/jpeg;base64,{base64.b64encode(_jpeg(example.picture)).decode()}" for example in shown]
    given = {
        "root": root,
        "model": next(iter(MODELS)),
        "models": MODELS,
        "stops": [round(STEP * stop, 2) for stop in range(STOPS)],
        "note": video.NOTE,
        "first": next(iter(EXPRESSIONS)),
        "examples": [
            {"picture": picture, "eyes": np.round(example.eyes, 3).tolist()}
            for picture, example in zip(pictures, shown, strict=True)
        ],
        "curves": {name: json.loads(curve.to_json()) for name, curve in curves.PRESETS.items()},
        "limits": {"seconds": curves.LONGEST, "fps": curves.FASTEST},
    }
    body = f"const GIVEN = {json.dumps(given)};\n" + "\n".join([*map(video.script, SHARED), bundle(*MODULES)])
    words = {
        "examples": "".join(
            f'<button class="i2v-example" type="button" title="{html.escape(example.name)}" '
            f'aria-label="{html.escape(example.name)}"><img src="{picture}" alt=""></button>'
            for picture, example in zip(map(_thumbnail, shown), shown, strict=True)
        ),
        "choices": "".join(
            f'<button class="i2v-choice" type="button" data-name="{name}" aria-pressed="false">{said}</button>'
            for name, said in EXPRESSIONS.items()
        ),
        "others": "".join(f'<option value="{name}">{said}</option>' for name, said in EXPRESSIONS.items()),
        "curves": "".join(f"<option>{html.escape(name)}</option>" for name in curves.PRESETS),
        "last": str(STOPS - 1),
        "most": f"{STEP * (STOPS - 1):g}",
        "models": "".join(
            f'<option value="{name}">{called}{f", {megabytes[name]:.0f} MB more" if number else ""}</option>'
            for number, (name, called) in enumerate(MODELS.items())
        ),
        "megabytes": f"{next(iter(megabytes.values())):.0f}",
        "licences": "; ".join(
            f'{html.escape(what)} (<a href="{address or f"{root}licences.txt"}">{licence}</a>, {html.escape(whose)})'
            for what, (whose, licence, address) in WORKS.items()
        ),
    }
    text = (SOURCES / "page.html").read_text("utf-8")
    for name, said in words.items():
        text = text.replace(f"{{{name}}}", said)
    head = f'<link rel="stylesheet" href="{root}page.css">\n'
    return (
        head + text + f'<script src="{root}page.js"></script>\n',
        f'(() => {{\n"use strict";\n{body}}})();\n'.encode(),
    )


def looks() -> str:
    """The looks of the page: a scrubber's, a pad's and a curve's, and its own."""
    shared = video.style("scrubber", "pad", "curve").replace(".i2v-scrubber", ".i2v-yours")
    return shared + (SOURCES / "page.css").read_text("utf-8")


def licences() -> str:
    """The licences that ask to be brought along: that of ONNX Runtime, as its package has it, and the book's."""
    import onnxruntime

    texts = {"ONNX Runtime": Path(onnxruntime.__file__).parent / "LICENSE", "The book": BOOK.parent / "LICENSE"}
    return "\n\n".join(f"{name}\n\n{text.read_text('utf-8').strip()}\n" for name, text in texts.items())


def write(folder: Path, exported: Mapping[str, Path], vendor: Path, shown: list[Example], root: str = ROOT) -> str:
    """Writes the page's files into a folder and returns its HTML.

    Args:
        folder: made where it is not there.
        exported: what `i2vlib.papers.method.Method.export` has written, with halved weights, by the name of the model.
        vendor: where the files of ONNX Runtime's package are.
        shown: the examples.
        root: where the page finds the folder, ending in a slash.
    """
    parts = {"runtime.js": runtime(vendor), "faces.js": readers()}
    models = {name: model(name, exported[name]) for name in MODELS}
    megabytes = {name: len(data) / 1e6 for name, data in models.items()}
    megabytes[next(iter(MODELS))] += sum(map(len, parts.values())) / 1e6
    text, script = page(shown, megabytes, root)
    parts |= {f"{name}.js": data for name, data in models.items()}
    own = {"page.js": script, "page.css": looks().encode(), "licences.txt": licences().encode()}
    for name, data in {**parts, **own}.items():
        store.write_file(folder / name, data)
    return text


def _jpeg(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def _thumbnail(example: Example) -> str:
    """The head, small: twice the crop's side around it."""
    crop = faces.warp(example.picture, faces.crop_matrix(example.eyes, 96), 96)
    return video.data_uri(crop)
