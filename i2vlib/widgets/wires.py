"""What stock ipywidgets lack, drawn by a script: a curve to drag, a pad, a brush, a camera.

The script is set off by the picture inside an HTML widget, and speaks to the kernel through a text area that is not
shown, which both are the same in JupyterLab, VS Code and Colab, with ipywidgets 7 and 8; no package of the front end
has to be installed. Python draws a part again where Python has changed it, and never while it is dragged.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable

import numpy as np
from PIL import Image

from i2vlib import video

_PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA7"  # what the browser loads to set the script off


class Wire:
    """A part of a page that a script draws, and that says what a user does with it.

    Args:
        kind: ``"curve"``, ``"pad"``, ``"brush"`` or ``"camera"``.
        heard: is called with what the script says, a dict.
    """

    def __init__(self, kind: str, heard: Callable[[dict], None]) -> None:
        import ipywidgets

        self.kind = kind
        self.page = ipywidgets.HTML()
        self.area = ipywidgets.Textarea(layout={"display": "none"})
        self.area.add_class(f"i2v-wire-{self.area.model_id}")
        self.box = ipywidgets.VBox([self.page, self.area])

        def changed(change: dict) -> None:
            if change["new"]:
                heard(_message(change["new"]))

        self.area.observe(changed, "value")

    def draw(self, **data: object) -> None:
        """Draws the part again, of what its script is given."""
        wire = f"i2v-wire-{self.area.model_id}"
        call = f"({video.script('studio')})(this.parentElement, {json.dumps([self.kind, wire, data])})"
        self.page.value = (
            f'<div class="i2v-studio i2v-card"><style>{video.style("pad", "curve", "studio")}</style>'
            f'<img alt="" width="0" height="0" src="{_PIXEL}" onload="{html.escape(call)}"></div>'
        )


def _message(text: str) -> dict:
    try:
        said = json.loads(text)
    except json.JSONDecodeError:
        said = None
    return said if isinstance(said, dict) else {"error": "What the page said could not be read."}


def jpeg(picture: np.ndarray) -> bytes:
    """A picture as the bytes of a JPEG, which is encoded ten times as fast as WebP."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def content(uri: str) -> bytes:
    """What an address that holds a picture in base64 holds, such as `video.data_uri` makes.

    Raises:
        ValueError: it has another form.
    """
    head, _, data = str(uri).partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise ValueError("The page sent no picture. Try again, or upload one.")
    return base64.b64decode(data, validate=True)
