"""Uses a wheel of i2vlib as somebody who has installed it alone: ``python tests/wheel.py FOLDER``."""

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

#: The README's lines, on a photograph that another package brings along.
LINES = """
import i2vlib
photo = i2vlib.datasets.portrait()
clip = i2vlib.load_pretrained("affinegan").animate(photo, "happy", [0, 0.5, 1], whole=True)
clip.save("happy.gif")
assert clip.frames.shape == (3, *photo.shape) and (clip.frames[0] == photo).all() and (clip.frames[2] != photo).any()
print(i2vlib.__file__)
"""


def main() -> None:
    """Unpacks the folder's only wheel, and checks what is in it and that it works."""
    folder = Path(sys.argv[1])
    (path,) = folder.glob("i2vlib-*.whl")
    with ZipFile(path) as wheel:
        names = wheel.namelist()
        wheel.extractall(folder / "site")
    rooms = {name.split("/")[0].partition("-")[0] for name in names}
    if rooms != {"i2vlib"} or not any(name.startswith("i2vlib/weights/affinegan/") for name in names):
        sys.exit(f"The wheel holds {sorted(rooms)}; it should hold i2vlib alone, with its weights.")
    command = [sys.executable, "-W", "ignore", "-c", LINES]
    environment = os.environ | {"PYTHONPATH": str(folder / "site")}
    said = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if said.returncode or not said.stdout.strip().startswith(str(folder)):
        sys.exit(f"The README's lines do not run from the wheel:\n{said.stdout}{said.stderr}")
    print(f"   {path.name}: {path.stat().st_size / 2**20:.0f} MB, {len(names)} files, i2vlib alone")


if __name__ == "__main__":
    main()
