"""The page that runs the model, in Firefox where it is installed: a photo, a slider that moves it, a GIF.

Firefox speaks WebDriver BiDi itself, so no driver is needed: a few commands over a websocket, which Selenium brings.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2vlib import datasets, faces, video
from tests.pages.test_pages import HTML, served  # noqa: F401

#: Nothing is asked of any machine: what Firefox would ask of its maker goes to a proxy that is not there.
PREFERENCES = {
    "browser.download.folderList": 2,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.type": 1,
    "ui.prefersReducedMotion": 1,
}
CARD = "document.querySelector('.i2v-yours')"
SLIDE = """(() => {
  const slider = document.querySelector('.i2v-slider');
  slider.value = %d;
  slider.dispatchEvent(new Event('input'));
})()"""
PIXELS = """(() => {
  const { width, height } = document.querySelector('.i2v-yours canvas');
  const { data } = document.querySelector('.i2v-yours canvas').getContext('2d').getImageData(0, 0, width, height);
  let out = '';
  for (let i = 0; i < data.length; i += 4) out += String.fromCharCode(data[i], data[i + 1], data[i + 2]);
  return JSON.stringify([width, height, btoa(out)]);
})()"""


class Firefox:
    """A window without a screen, on a profile of its own."""

    def __init__(self, program: str, folder: Path) -> None:
        websocket = pytest.importorskip("websocket", reason="the package websocket-client, which Selenium brings")
        self.saved = folder / "saved"
        self.saved.mkdir()
        preferences = {**PREFERENCES, "browser.download.dir": str(self.saved)}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (folder / "profile").mkdir()
        (folder / "profile/user.js").write_text("".join(lines), "utf-8")
        command = [program, "--headless", "--no-remote", "--profile", str(folder / "profile")]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen([*command, "--remote-debugging-port", "0"], stdout=log, stderr=log)
        said = "WebDriver BiDi listening on "
        end = time.monotonic() + 60
        while said not in (folder / "log").read_text("utf-8"):
            assert self.process.poll() is None and time.monotonic() < end, (folder / "log").read_text("utf-8")
            time.sleep(0.1)
        address = (folder / "log").read_text("utf-8").partition(said)[2].split()[0]
        self.socket = websocket.create_connection(f"{address}/session", timeout=60, suppress_origin=True)
        self.numbers = itertools.count(1)
        self.asked: list[str] = []  # addresses, of whatever is open
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["network.beforeRequestSent"])
        self.tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **given: object) -> dict:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": given}))
        while (answer := json.loads(self.socket.recv())).get("id") != number:
            if answer.get("method") == "network.beforeRequestSent":
                self.asked.append(answer["params"]["request"]["url"])
        assert answer["type"] == "success", answer
        return answer["result"]

    def run(self, script: str) -> object:
        """The value of an expression: a text, a number, or whether it holds."""
        made = self.ask("script.evaluate", expression=script, target={"context": self.tab}, awaitPromise=True)
        assert made["type"] == "success", made
        return made["result"].get("value")

    def wait(self, script: str, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"{script}: {self.run(f'{CARD}.textContent')}"
            time.sleep(0.1)

    def end(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def firefox(tmp_path: Path) -> Iterator[Firefox]:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    if not program:
        pytest.skip("Firefox is not installed; Debian has it as firefox-esr.")
    one = Firefox(program, tmp_path)
    yield one
    one.end()


def pixels(firefox: Firefox) -> np.ndarray:
    width, height, text = json.loads(firefox.run(PIXELS))
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 3).astype(int)


@pytest.mark.skipif(os.environ.get("I2V_BUILT_BOOK") != "1", reason="The book is not built: make book.")
@pytest.mark.parametrize("scheme", ["file", "http"])
def test_a_photo_becomes_a_slider_and_a_gif_in_firefox_too(
    firefox: Firefox, request: pytest.FixtureRequest, tmp_path: Path, scheme: str
) -> None:
    """And nothing is asked for but the book's own files, as far as Firefox tells: of files it tells nothing."""
    photo = datasets.portrait()
    Image.fromarray(photo).save(tmp_path / "photo.png")
    root = HTML.as_uri() if scheme == "file" else request.getfixturevalue("served")
    tab, address = firefox.tab, f"{root}/book/your_face.html"
    firefox.ask("browsingContext.navigate", context=tab, url=address, wait="complete")
    chooser = {"type": "css", "value": ".i2v-file input"}
    (node,) = firefox.ask("browsingContext.locateNodes", context=tab, locator=chooser)["nodes"]
    files = [str(tmp_path / "photo.png")]
    firefox.ask("input.setFiles", context=tab, element={"sharedId": node["sharedId"]}, files=files)
    firefox.wait(f"{CARD}.dataset.frames === 'kept'")
    assert firefox.run(f"{CARD}.dataset.found") == "1"
    seen = []
    for stop in (0, 10, 20):
        firefox.run(SLIDE % stop)
        seen.append(pixels(firefox))
    assert np.array_equal(seen[0], photo)
    moved = [np.abs(frame - seen[0]).sum(-1) for frame in seen[1:]]
    assert moved[0].max() > 30 and moved[0].sum() < moved[1].sum()
    where = faces.eyes_of(photo).mean(0)  # of the face: nothing moves far away from it
    far = np.linalg.norm(np.argwhere(moved[1])[:, ::-1] - where, axis=1).max()
    assert far < 3 * np.linalg.norm(np.subtract(*faces.eyes_of(photo)))
    firefox.run(f"{CARD}.querySelector('.i2v-save').click()")
    firefox.wait(f"{CARD}.querySelector('.i2v-said').textContent.startsWith('Saved')")
    path, end = firefox.saved / "your_face_happy.gif", time.monotonic() + 20
    while not path.is_file() or list(firefox.saved.glob("*.part")):
        assert time.monotonic() < end
        time.sleep(0.1)
    with Image.open(path) as read:
        assert read.n_frames == 24 and read.info["comment"] == video.NOTE.encode()
    assert [url for url in firefox.asked if not url.startswith((f"{root}/", "blob:", "data:"))] == []
    assert scheme == "file" or any(url.endswith("/affinegan_painted.js") for url in firefox.asked)
    elsewhere = f"{request.getfixturevalue('served')}/index.html"  # there is somebody, even for a page from a file
    tried = f"fetch('{elsewhere}', {{ mode: 'no-cors' }}).then(() => 'reached', () => 'refused')"
    assert firefox.run(tried) == "refused"
