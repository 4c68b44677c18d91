"""Nothing is connected to while a photograph is read and animated: watched from outside the process, so that code which
is not Python's counts as well."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CALLS = "connect,sendto,sendmsg,sendmmsg"
ADDRESS = re.compile(
    r'sa_family=AF_INET6?, sin6?_port=htons\((\d+)\),.*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([0-9a-f.:]+)"'
)


def reached(trace: str) -> set[str]:
    """The addresses beyond this machine in a trace; questions about names count wherever they are asked."""
    found = {(ipaddress.ip_address(address), int(port)) for port, address in ADDRESS.findall(trace)}
    return {
        f"{address} port {port}"
        for address, port in found
        if port == 53 or not (getattr(address, "ipv4_mapped", None) or address).is_loopback
    }


def watched(code: str, folder: Path) -> set[str]:
    """What a Python program, its threads and the programs it starts try to reach."""
    strace = shutil.which("strace")
    if strace is None:
        reason = "strace, which watches for connections, is missing: apt-get install strace"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    watch = [strace, "-f", "-qq", "-e", f"trace={CALLS}", "-e", "signal=none", "-o"]
    probe = subprocess.run([*watch, os.devnull, "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"strace may not watch a process here, so nobody can say what connects: {probe.stderr.strip()}")
    trace = folder / "trace"
    done = subprocess.run([*watch, str(trace), sys.executable, "-c", code], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return reached(trace.read_text())


# What a reader does with a photograph -------------------------------------------------------------------------------

PHOTOGRAPH = """
import numpy as np
import i2vlib
from i2vlib import faces
from i2vlib.faces import fer
from skimage.data import astronaut

photo = astronaut()
crop = i2vlib.align_face(photo, 64)
for backend in ("dlib", "mediapipe"):
    assert np.isfinite(faces.landmarks(crop[None], backend)).all()
assert faces.measure(crop[None]).detected.all() and fer.classify(crop[None]) == ("happy",)

for name in ("affinegan", "fan", "frgan"):
    model = i2vlib.load_pretrained(name)
    face = i2vlib.align_face(photo, 128)
    clip = model.animate(face, model.expressions[0], intensity=[0, 1])
    laid = i2vlib.faces.paste_back(photo, clip)
    for suffix in ("gif", "mp4", "webp", "png"):
        laid.save(f"{name}.{suffix}")
"""

STUDIO = """
import i2vlib
from i2vlib.widgets import studio
from ipywidgets import FloatSlider
from skimage.data import astronaut

room = studio(i2vlib.load_pretrained("affinegan"), astronaut())

def inside(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from inside(child)

sliders = [one for one in inside(room) if isinstance(one, FloatSlider)]
assert sliders
sliders[0].value = sliders[0].max
"""

TRAINING = """
import numpy as np
import i2vlib
from i2vlib.clips import Clip

assert i2vlib.METHODS
frames = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
clip = Clip(frames, 12, np.linspace(0, 1, 4), subject="s0", expression="happy",
            truth={"mouth": np.ones((4, 16, 16), bool)})
config = i2vlib.AffineGANConfig.paper(
    size=16, base_channels=8, channel_cap=2, frames_per_clip=2, clips_per_step=2, expressions=("happy",)
)
i2vlib.fit(i2vlib.AffineGAN(config), [clip] * 2, 2, folder="run", progress=False)
i2vlib.load_pretrained("run")
"""


@pytest.mark.parametrize("code", ["import i2vlib", TRAINING], ids=["importing", "training"])
@pytest.mark.slow
def test_nothing_is_reached_by(code: str, tmp_path: Path) -> None:
    assert watched(code, tmp_path) == set()


@pytest.mark.parametrize("code", [PHOTOGRAPH, STUDIO], ids=["animated", "in the studio"])
@pytest.mark.slow
def test_a_photograph_stays_where_it_is(code: str, tmp_path: Path) -> None:
    for module in ("dlib", "ai_edge_litert", "skimage"):
        pytest.importorskip(module, reason='reading faces needs pip install "i2vlib[faces]"')
    from i2vlib.faces import models

    models.fetch_models()  # the one thing that may be fetched, once, before
    assert watched(code, tmp_path) == set()


# The watch notices what is reached ----------------------------------------------------------------------------------

# 192.0.2.1 is kept free for examples: nobody is there. Port 9 discards.
PYTHON = """
import socket
one = socket.socket()
one.settimeout(0.2)
try:
    one.connect(("192.0.2.1", 9))
except OSError:
    pass
"""
NATIVE = """
import ctypes, socket, struct
libc = ctypes.CDLL(None)
one = libc.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
place = struct.pack("=H2s4s8x", socket.AF_INET, (9).to_bytes(2, "big"), socket.inet_aton("192.0.2.1"))
"""
NOTICED = {
    "a connection": PYTHON,
    "one of a thread": f"import threading\none = threading.Thread(target=exec, args=({PYTHON!r}, {{}}))\none.start()",
    "one of another program": f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {PYTHON!r}])",
    "a connection in C": NATIVE + "libc.connect(one, place, len(place))",
    "a message in C": NATIVE + "libc.sendto(one, b'x', 1, 0, place, len(place))",
}


@pytest.mark.parametrize("code", NOTICED.values(), ids=NOTICED)
def test_what_is_reached_is_noticed(code: str, tmp_path: Path) -> None:
    assert watched(code, tmp_path) == {"192.0.2.1 port 9"}


def test_a_question_about_a_name_is_noticed(tmp_path: Path) -> None:
    """Asked in C, as a library would."""
    code = "import ctypes; ctypes.CDLL(None).getaddrinfo(b'name.invalid', None, None, ctypes.byref(ctypes.c_void_p()))"
    found = watched(code, tmp_path)
    assert found and all(place.endswith(" port 53") for place in found)


def test_a_connection_within_the_machine_is_none(tmp_path: Path) -> None:
    code = """
import socket
here = socket.create_server(("127.0.0.1", 0))
socket.create_connection(here.getsockname()).sendall(b"x")
one, other = socket.socketpair()
one.sendall(b"x")
"""
    assert watched(code, tmp_path) == set()


def test_a_trace_is_read_by_hand() -> None:
    trace = """
7 connect(3, {sa_family=AF_UNIX, sun_path="/run/nscd"}, 110) = -1 ENOENT (No such file or directory)
7 sendto(3, [{nlmsg_len=20, nlmsg_type=RTM_GETADDR}], 20, 0, {sa_family=AF_NETLINK, nl_pid=0}, 12) = 20
7 connect(3, {sa_family=AF_INET, sin_port=htons(8888), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
7 connect(4, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.11")}, 16) = 0
8 connect(5, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", \
&sin6_addr), sin6_scope_id=0}, 28 <unfinished ...>
8 connect(5, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", \
&sin6_addr), sin6_scope_id=0}, 28) = 0
9 sendmsg(6, {msg_name={sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("192.0.2.1")}, msg_namelen=16}, 0) = 1
"""
    assert reached(trace) == {"127.0.0.11 port 53", "2001:db8::1 port 443", "192.0.2.1 port 9"}
