"""Builds the book: executes every chapter, publishes the executed copies as HTML, and checks the pages.

    python book/build.py [--preset smoke|small|paper] [--only CHAPTER ...] [--repository OWNER/NAME]

The sources in ``notebooks/`` stay as they are. Everything made lies under ``_build/``: the executed chapters in
``staging/``, what Jupyter Book reads in ``source/``, the book in ``html/``, and, where the copy's repository is
known (the option, or the workflow's environment), the chapters as Colab opens them in ``published/``. A chapter
that has run is not run again until its notebook, the package or the committed results change; so a build that
was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import nbformat
import yaml

from i2vbook.audits import benchmark
from i2vbook.pages.address import Address, address_of, addressed, configured, linked
from i2vbook.pages.propositions import staged
from i2vlib.store import file_digest, user_cache, write_file

ROOT = Path(__file__).resolve().parents[1]
PRESETS = ("smoke", "small", "paper")
#: How many chapters run side by side.
AT_ONCE = min(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class Package:
    """A package that an ordinary client fetches by name and version, and what of it the pages load.

    Attributes:
        client: ``pip``, which fetches a wheel, or ``npm``.
        sha256: of the archive.
        files: paths in the archive, or patterns of them, and the name of each in the book, '' for its own.
    """

    name: str
    version: str
    client: Literal["pip", "npm"]
    sha256: str
    files: dict[str, str]


# Pages must work with no network: MathJax and the widgets come from a CDN unless the book brings them.
VENDOR = (
    Package(
        "@jupyter-widgets/html-manager",
        "1.0.15",
        "npm",  # no wheel carries it
        "2b9d65cb7913e1c7d671757a10008b32c9c2448d4429513371e55c07d6107638",
        {
            "package/dist/embed.js": "ipywidgets-embed.js",
            "package/dist/embed.js.LICENSE.txt": "",
            "package/dist/*.woff2": "",
        },
    ),
    Package(
        "sphinx-mathjax-offline",  # MathJax 3.2.2
        "0.0.2",
        "pip",
        "206418155b2ff2f57496fb8501fdccae3da978e53031ff296c73729ba16062c4",
        {"sphinx-mathjax-offline/static/mathjax/tex-svg-full.js": "mathjax-tex-svg.js"},
    ),
)
# What the model runs on in the page your_face, which packs it (book/i2vbook/pages/your_face.py).
RUNTIME = Package(
    "onnxruntime-web",
    "1.30.0",
    "npm",
    "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71",
    {
        "package/dist/ort.wasm.min.js": "",
        "package/dist/ort-wasm-simd-threaded.mjs": "",
        "package/dist/ort-wasm-simd-threaded.wasm": "",
    },
)


class BuildError(Exception):
    """The book cannot be built; the message says which part failed, and why."""


def say(text: str) -> None:
    print(f"== {text}", flush=True)


# --------------------------------------------------------------------------------------------------- chapters


def pages(toc: Path) -> list[str]:
    """The pages of a ``_toc.yml`` in order, as paths without suffix."""

    def walk(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    return list(walk(yaml.safe_load(toc.read_text())))


def digest(files: Iterable[Path], *words: str) -> str:
    """One hash of the names and contents of files, and of words."""
    total = hashlib.sha256("\n".join(words).encode())
    for file in sorted(files):
        total.update(f"{os.path.relpath(file, ROOT)}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def surroundings(root: Path) -> list[Path]:
    """The files besides its own notebook that a chapter's outputs rest on."""
    trees = [path for folder in ("i2vlib", "book/i2vbook", "book/results") for path in (root / folder).rglob("*")]
    return [path for path in trees if path.is_file() and "__pycache__" not in path.parts] + [root / "constraints.txt"]


def execute(source: Path, target: Path, preset: str, key: str) -> float:
    """Runs one chapter into ``target``, which appears only when every cell has run; returns the seconds."""
    import papermill

    half_run = target.with_suffix(".unfinished.ipynb")
    os.environ.pop("MPLBACKEND", None)  # any backend but the notebook's own draws the figures and shows none
    start = time.monotonic()
    try:
        papermill.execute_notebook(
            source,
            half_run,
            # Left alone, the notebook runs as it is committed: nothing is injected.
            parameters={} if preset == PRESETS[0] else {"preset": preset},
            cwd=target.parent,
            progress_bar=sys.stderr.isatty(),
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],  # of the kernel, which otherwise warns about every local socket
        )
    except papermill.PapermillExecutionError as error:
        where = f"cell {error.exec_count}" if error.exec_count else "a cell"
        raise BuildError(
            f"The chapter {source.stem} failed in {where} with {error.ename}: {error.evalue} "
            f"(its half-run copy is {os.path.relpath(half_run)})"
        ) from None
    seconds = time.monotonic() - start
    notebook = publishable(nbformat.read(half_run, as_version=4))
    notebook.metadata["book"] = {"key": key, "preset": preset, "seconds": round(seconds, 1)}
    nbformat.write(notebook, half_run)
    os.replace(half_run, target)
    return seconds


def publishable(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """An executed notebook without papermill's traces: injected parameters are hidden, its notes go."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        tags = cell.metadata.get("tags", [])
        if "injected-parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
    return notebook


def finished(target: Path, key: str) -> bool:
    """Whether the executed copy is there and was made from exactly what ``key`` stands for."""
    try:
        return json.loads(target.read_text())["metadata"]["book"]["key"] == key
    except (OSError, ValueError, KeyError):
        return False


def execute_chapters(chapters: list[str], staging: Path, preset: str) -> None:
    """Runs the chapters that have to be run, `AT_ONCE` side by side; where one fails, the others still run."""
    (staging / "notebooks").mkdir(parents=True, exist_ok=True)
    # A chapter finds ../book as it does in the sources; what it writes beside itself stays out of them.
    (staging / "book").unlink(missing_ok=True)
    (staging / "book").symlink_to(os.path.relpath(ROOT / "book", staging), target_is_directory=True)
    common = digest(surroundings(ROOT), preset)
    failures: list[BuildError] = []

    def run(number: int, chapter: str) -> None:
        source, target = ROOT / f"{chapter}.ipynb", staging / f"{chapter}.ipynb"
        key = digest([source], common)
        count = f"[{number}/{len(chapters)}] {source.stem}"
        if finished(target, key):
            say(f"{count}: unchanged since its last run")
            return
        say(f"{count}: running …")
        target.unlink(missing_ok=True)
        try:
            say(f"{count}: {execute(source, target, preset, key):.1f} s")
        except BuildError as error:
            say(str(error))
            failures.append(error)

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of each kernel: together they fill the cores
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        list(pool.map(run, range(1, len(chapters) + 1), chapters))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if failures:
        raise BuildError("\n   ".join(map(str, failures)))


# ----------------------------------------------------------------------------------------------------- vendor


def command(package: Package, folder: str) -> list[str]:
    """What fetches the package's archive into a folder. Raises `BuildError` where npm is needed and missing."""
    if package.client == "pip":
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        return [*pip, f"--dest={folder}", f"{package.name}=={package.version}"]
    npm = shutil.which("npm")
    if npm is None:
        raise BuildError(
            f"{package.name} {package.version}, which the pages need, is fetched by npm, and npm is missing. "
            "Install it (Debian's package npm) and build once with a network; after that it is in the cache."
        )
    return [npm, "pack", "--silent", f"--pack-destination={folder}", f"{package.name}@{package.version}"]


def fetch(package: Package, cache: Path) -> Path:
    """The package's archive in the cache, fetched if it is not there yet.

    Raises:
        BuildError: it cannot be fetched, or is not the archive that the hash stands for.
    """
    suffix = {"pip": "whl", "npm": "tgz"}[package.client]
    archive = cache / f"{package.name.rpartition('/')[2]}-{package.version}.{suffix}"
    if archive.exists() and file_digest(archive) == package.sha256:
        return archive
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        fetching = command(package, folder)
        say(f"Fetching {package.name} {package.version} with {package.client}")
        try:
            subprocess.run(fetching, check=True, stdout=subprocess.DEVNULL, timeout=300)
            fetched = next(Path(folder).iterdir())
        except (OSError, subprocess.SubprocessError, StopIteration) as error:
            raise BuildError(
                f"{package.name} {package.version}, which the pages need, cannot be fetched ({error}). "
                "Build once with a network; after that it is in the cache."
            ) from None
        if file_digest(fetched) != package.sha256:
            raise BuildError(
                f"The archive of {package.name} {package.version} has another hash than expected; it is not used."
            )
        os.replace(fetched, archive)
    return archive


def unpack(package: Package, archive: Path, folder: Path) -> None:
    """Writes the files of a package that the pages load into a folder.

    Raises:
        BuildError: the archive has no such file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as whole:
        if package.client == "pip":
            with zipfile.ZipFile(archive) as members:
                members.extractall(whole)
        else:
            with tarfile.open(archive) as members:
                members.extractall(whole, filter="data")
        for pattern, name in package.files.items():
            found = sorted(Path(whole).glob(pattern))
            if not found:
                raise BuildError(f"{package.name} {package.version} holds no {pattern}, which the pages need.")
            for file in found:
                shutil.copyfile(file, folder / (name or file.name))


# ---------------------------------------------------------------------------------------------------- publish


def first_page(staging: Path) -> Path:
    """What moves on the first page, made anew when the package has changed; returns the file."""
    from i2vbook.pages import landing

    made, key = staging / "landing.html", f"<!-- {digest(surroundings(ROOT))} -->\n"
    if not made.is_file() or not made.read_text().startswith(key):
        say("Making the first page's faces")
        staging.mkdir(parents=True, exist_ok=True)
        write_file(made, (key + landing.player()).encode())
    return made


def listed(page: Path) -> list[Path]:
    """The files out of which a page of prose shows a piece."""
    named = re.findall(r"\{literalinclude\} (\S+)", page.read_text("utf-8"))
    return [(page.parent / name).resolve() for name in dict.fromkeys(named)]


def exported(name: str, staging: Path) -> Path:
    """The folder of a model that a page runs, as ONNX, made anew when the model or what exports it has changed."""
    import i2vlib

    folder = staging / "exported" / name
    parts = [f"weights/{name}", "papers", "export.py"]
    sources = [path for part in parts for path in (ROOT / "i2vlib" / part, *(ROOT / "i2vlib" / part).rglob("*"))]
    key = digest(path for path in sources if path.is_file() and path.suffix != ".pyc")
    if not (folder / "key").is_file() or (folder / "key").read_text() != key:
        say(f"Exporting {name} for the page that runs it")
        i2vlib.load_pretrained(name).export(folder, half=True)
        write_file(folder / "key", key.encode())
    return folder


def live_page(staging: Path, cache: Path) -> Path:
    """The page that runs a model: a folder of its HTML, and of the files that it loads."""
    from i2vbook.pages import your_face

    folder = staging / "your_face"
    models = {name: exported(name, staging) for name in your_face.MODELS}
    with tempfile.TemporaryDirectory() as vendor:
        unpack(RUNTIME, fetch(RUNTIME, cache), Path(vendor))
        text = your_face.write(folder / "assets", models, Path(vendor), your_face.examples())
    write_file(folder / "your_face.html", text.encode())
    return folder


def assemble(source: Path, staging: Path, contents: list[str], cache: Path, address: Address | None = None) -> None:
    """Makes the folder that Jupyter Book reads: configuration, prose, executed chapters, vendor files."""
    shutil.rmtree(source, ignore_errors=True)
    unread = shutil.ignore_patterns("i2vbook", "*.egg-info", "*.py", "*.toml", "__pycache__")
    shutil.copytree(ROOT / "book", source / "book", ignore=unread)
    shutil.copy2(ROOT / "_toc.yml", source / "_toc.yml")
    config = configured(yaml.safe_load((ROOT / "_config.yml").read_text()), address)
    (source / "_config.yml").write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False))
    for page in contents:
        if page.startswith("notebooks/"):
            (source / page).parent.mkdir(exist_ok=True)
            framed = partial(staged, chapter=Path(page).name)
            write_chapter(staging / f"{page}.ipynb", source / f"{page}.ipynb", address, change=framed)
        else:
            for file in listed(ROOT / f"{page}.md"):
                (source / file.relative_to(ROOT)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, source / file.relative_to(ROOT))
    shutil.copy2(first_page(staging), source / "book/landing.html")
    write_file(source / "book/benchmark.html", benchmark.outsider().html.encode())
    live = live_page(staging, cache)
    shutil.copy2(live / "your_face.html", source / "book/your_face.html")
    shutil.copytree(live / "assets", source / "book/assets/your_face")
    for package in VENDOR:
        unpack(package, fetch(package, cache), source / "book/assets/vendor")


def write_chapter(
    source: Path,
    target: Path,
    address: Address | None,
    site: str | None = None,
    change: Callable[[dict], dict] = dict,
) -> None:
    """Copies a notebook, changed, with the address of this copy of the book in it if there is one."""
    notebook = change(json.loads(source.read_text("utf-8")))
    notebook = addressed(notebook, address) if address else notebook
    notebook = linked(notebook, site) if site else notebook
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write_published(folder: Path, contents: list[str], address: Address) -> None:
    """Writes the chapters as Colab opens them: without outputs, with their address, and links into the book's pages."""
    shutil.rmtree(folder, ignore_errors=True)
    for page in contents:
        if page.startswith("notebooks/"):
            (folder / page).parent.mkdir(parents=True, exist_ok=True)
            write_chapter(ROOT / f"{page}.ipynb", folder / f"{page}.ipynb", address, address.site)
    (folder / "README.md").write_text(
        f"The chapters of the book, as its buttons open them on Colab. Made from the commit {address.commit}; "
        "edit them on the main branch.\n"
    )


def publish(source: Path, contents: list[str]) -> Path:
    """Builds the HTML into ``_build/html``, refusing any warning; returns that folder."""
    html = ROOT / "_build/html"
    jupyter_book = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    options = ["--path-output", str(ROOT), "-W", "-n", "--keep-going", "--all"]
    # Everything is built afresh: a page taken from the last build would not repeat its warnings.
    shutil.rmtree(html, ignore_errors=True)
    shutil.rmtree(ROOT / "_build/.doctrees", ignore_errors=True)
    done = subprocess.run([*jupyter_book, "build", str(source), *options], cwd=ROOT)
    if done.returncode:
        raise BuildError("Jupyter Book reported the warnings or errors above; the book must build without any.")
    missing = [page for page in ["index", *contents] if not (html / f"{page}.html").is_file()]
    if missing:
        raise BuildError(f"Jupyter Book did not write these pages of _toc.yml: {', '.join(missing)}.")
    return html


def check_pages() -> None:
    """Opens the built pages in a browser (tests/pages), but for what is slow, which `make test-all` checks."""
    command = [sys.executable, "-m", "pytest", "-m", "not slow", "tests/pages"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "I2V_BUILT_BOOK": "1"})
    if done.returncode:
        raise BuildError("The book is built, but its pages do not pass tests/pages: see above.")


def build(preset: str, only: list[str] | None = None, repository: str | None = None) -> None:
    """Executes, publishes and checks. With ``only``, executes those chapters and stops."""
    start = time.monotonic()
    try:
        address = address_of(repository, os.environ)
    except ValueError as error:
        raise BuildError(str(error)) from None
    contents = pages(ROOT / "_toc.yml")
    missing = [page for page in contents if not any((ROOT / f"{page}{end}").is_file() for end in (".md", ".ipynb"))]
    if missing:
        raise BuildError(f"_toc.yml names pages that do not exist: {', '.join(missing)}.")
    chapters = [page for page in contents if page.startswith("notebooks/")]
    unknown = sorted(set(only or []) - {Path(chapter).name for chapter in chapters})
    if unknown:
        raise BuildError(f"There is no chapter named {', '.join(unknown)}; there are {', '.join(chapters)}.")
    staging = ROOT / "_build/staging"
    execute_chapters([each for each in chapters if not only or Path(each).name in only], staging, preset)
    if only:
        return
    say("Putting the book together")
    assemble(ROOT / "_build/source", staging, contents, user_cache() / "vendor", address)
    if address:
        write_published(ROOT / "_build/published", contents, address)
    html = publish(ROOT / "_build/source", contents)
    say(f"The book is {os.path.relpath(html)}/index.html, after {time.monotonic() - start:.0f} s")
    say("Checking its pages")
    check_pages()


def main() -> int:
    parser = argparse.ArgumentParser(description="Executes the chapters, builds the book and checks its pages.")
    parser.add_argument("--preset", choices=PRESETS, default=PRESETS[0], help="the size of the chapters' own runs")
    parser.add_argument("--only", nargs="+", metavar="CHAPTER", help="execute these chapters and stop")
    parser.add_argument(
        "--repository",
        metavar="OWNER/NAME",
        help="where others get this copy: on GitHub, or the URL of a git repository; left out: as the workflow says",
    )
    arguments = parser.parse_args()
    try:
        build(arguments.preset, arguments.only, arguments.repository)
    except BuildError as error:
        print(f"\nThe book is not finished.\n   {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run it again to go on from here.", file=sys.stderr, flush=True)
        os._exit(130)  # without waiting for the chapters that still run: their kernels end with this process
    return 0


if __name__ == "__main__":
    sys.exit(main())
