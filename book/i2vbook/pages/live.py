"""A figure in which the model itself draws: the page *your_face*, without its tools, in the middle of a chapter.

One more expression is one more slider there, where a clip would be another megabyte. Nothing is fetched before a button
is pressed; a notebook, which has no pages beside it, shows the picture and links to the page's text.
"""

from __future__ import annotations

import hashlib
import html
from urllib.parse import urlencode

from i2vbook.pages import your_face
from i2vlib import video

#: From a chapter to the page, as the book builds it; its source ends in ``.md``.
PAGE = "../book/your_face.html"


def figure(person: int, across: str, height: str = "", method: str = "affinegan_painted") -> str:
    """One of the page's examples as HTML, and what is dragged there when a button is pressed.

    Args:
        person: which of `your_face.pictures`.
        across: the expression on the slider.
        height: a second one; both are then on a pad.
        method: which of `your_face.MODELS` draws first.

    Raises:
        ValueError: there is no such person, expression or method.
    """
    pictures = list(your_face.pictures().items())
    for what, given, known in (
        ("person", person, range(len(pictures))),
        ("expression", across, your_face.EXPRESSIONS),
        ("second expression", height, ("", *your_face.EXPRESSIONS)),
        ("method", method, your_face.MODELS),
    ):
        if given not in known:
            raise ValueError(f"The page has no {what} {given!r}; it has {[name for name in known if name != '']}.")
    name, picture = pictures[person]
    acts = urlencode({"across": across, "height": height, "method": method})
    asked = f"{acts}&person={person}"
    shown = " and ".join(your_face.EXPRESSIONS[each] for each in (across, height) if each)
    title = html.escape(f"{name}: {shown}, drawn by {your_face.MODELS[method]} in this page")
    identity = hashlib.sha256(asked.encode()).hexdigest()[:12]
    return f"""<div class="i2v-within i2v-card" data-live="{identity}" data-page="{PAGE}#figure&{html.escape(asked)}">
<style>{video.style("live")}</style>
<div class="i2v-stage"><img class="i2v-picture" src="{video.data_uri(picture)}" alt="{title}"></div>
<div class="i2v-foot"><button type="button" hidden>Draw it here</button>
<span>{html.escape(name)}. The model is fetched from this book when you ask, {your_face.FETCHED[method]} MB; or try it
<a href="{PAGE.replace(".html", ".md")}" data-page="{PAGE}#{html.escape(acts)}">on your own photo</a>.</span></div>
<script>{video.script("live")}("{identity}");</script>
</div>"""
