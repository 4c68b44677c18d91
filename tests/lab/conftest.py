"""A JupyterLab of its own: a free port, a token in its environment alone, its own folders; a browser on a chapter."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from i2vbook.checkout import NOTEBOOKS
from i2vlib.store import user_cache
from tests.pages.conftest import FLAGS, _missing

ROOT = NOTEBOOKS.parent
PATIENCE = 240  # seconds that a busy machine may take over any one thing
STARTED = "(() => { const s = (jupyterapp.shell.currentWidget || {}).sessionContext; return !!(s && s.session && "
IDLE = STARTED + "s.session.kernel && s.session.kernel.status === 'idle'); })()"


def until(asked: Callable[[], object], what: str) -> object:
    """What a question is answered with once the answer is not empty."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := asked():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"This did not come about in {PATIENCE} seconds: {what}")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a running JupyterLab over a copy of the quickstart, and its token."""
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed: pip install 'i2vlib[book]'")
    work = tmp_path_factory.mktemp("lab")
    (work / "root").mkdir()
    shutil.copy(NOTEBOOKS / "quickstart.ipynb", work / "root")
    settings = work / "settings/@jupyterlab/notebook-extension/tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"windowingMode": "none"}))  # or what is scrolled away is not on the page
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {f"JUPYTER_{name}_DIR": str(work / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(work / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(work / "workspaces")}
    own |= {"JUPYTER_TOKEN": token, "JUPYTER_PREFER_ENV_PATH": "1", "I2VLIB_CACHE": str(user_cache())}
    own |= {"HOME": str(work), "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "book")))}
    own |= {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2")}
    words = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
             "--ServerApp.port_retries=0", f"--ServerApp.root_dir={work / 'root'}", "--LabApp.news_url=None",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
             "--LabApp.expose_app_in_browser=True"]  # fmt: skip
    log = (work / "log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words], env=os.environ | own, stdout=log, stderr=subprocess.STDOUT
    )

    def answers() -> bool:
        assert server.poll() is None, (work / "log").read_text()[-2000:]
        with socket.socket() as door:
            return door.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(answers, "JupyterLab answers")
        yield f"http://127.0.0.1:{port}/lab/tree/quickstart.ipynb", token
    finally:
        server.terminate()
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """Chromium with a made-up camera, which reaches this machine alone."""
    try:
        from selenium import webdriver
    except ImportError:
        _missing("the package selenium")
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not chromium or not driver:
        _missing("Chromium or chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    inside = [flag for flag in FLAGS if not flag.startswith(("--host-resolver", "--window-size"))]
    for flag in (
        *inside, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--window-size=1400,1300",
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(flag)
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    started.set_page_load_timeout(PATIENCE)
    try:
        yield started
    finally:
        started.quit()


@pytest.fixture(scope="session")
def chapter(lab: tuple[str, str], browser) -> object:
    """The quickstart, run from its first cell to its last."""
    address, token = lab
    browser.get(f"{address}?token={token}")
    script = browser.execute_script
    until(lambda: script("return !!(window.jupyterapp && document.querySelector('.jp-Notebook'))"), "the chapter opens")
    until(lambda: script(f"return {IDLE}"), "the kernel is ready")
    script("jupyterapp.commands.execute('notebook:run-all-cells')")
    done = (
        "return jupyterapp.shell.currentWidget.content.widgets.every(c => c.model.type !== 'code' ||"
        " c.model.executionCount || !c.model.sharedModel.source.trim())"
    )
    until(lambda: script(done) or script("return !!document.querySelector('[data-mime-type*=error]')"), "all cells ran")
    until(lambda: script(f"return {IDLE}"), "the kernel has done its work")
    return browser
