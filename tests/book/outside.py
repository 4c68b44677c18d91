"""A model from outside the package: it knows Pillow, the stills and what to make of them. The chin drops."""

import json
import sys
from pathlib import Path

from PIL import Image


def drawn(still: Image.Image, intensity: float) -> Image.Image:
    side, frame = still.width, still.copy()
    lip = round(0.66 * side)
    below = still.crop((0, lip, side, side))
    frame.paste(below.resize((side, round((side - lip) * (1 + 0.5 * intensity)))), (0, lip))
    return frame


if __name__ == "__main__":
    stills, made = map(Path, sys.argv[1:])
    task = json.loads((stills / "benchmark.json").read_text())
    for clip in task["clips"]:
        still = Image.open(stills / clip["still"])
        for folder, curve in (("", clip["intensity"]), ("sweep", task["sweep"])):
            (made / clip["clip"] / folder).mkdir(parents=True)
            for number, intensity in enumerate(curve):
                drawn(still, intensity).save(made / clip["clip"] / folder / f"{number:02}.png")
