"""Files and HTML made of frames: what is in them is read back, by another way than it went in."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from i2vlib import video
from i2vlib.clips import Clip

SUFFIXES = (".gif", ".mp4", ".webp", ".png")


def moving(count: int = 8, height: int = 32, width: int = 48) -> np.ndarray:
    """A soft coloured ramp with a bright square that moves by two pixels a frame."""
    y, x = np.mgrid[:height, :width]
    ground = np.stack([40 + 3 * x, 60 + 3 * y, 200 - 2 * x], axis=-1).clip(0, 255)
    frames = np.repeat(ground[None], count, axis=0).astype(np.uint8)
    for index in range(count):
        frames[index, 8:20, 2 * index : 2 * index + 12] = (230, 220, 60)
    return frames


def read_back(path: Path, fps: float) -> np.ndarray:
    """Every frame of an animation, repeated for as long as it shows."""
    if path.suffix == ".mp4":
        import imageio_ffmpeg

        reader = imageio_ffmpeg.read_frames(str(path))
        width, height = next(reader)["size"]
        return np.stack([np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader])
    frames = []
    with Image.open(path) as image:
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            frames += [np.asarray(image.convert("RGB"))] * round(image.info["duration"] * fps / 1000)
    return np.stack(frames)


def durations(path: Path) -> list[int]:
    with Image.open(path) as image:
        found = []
        for index in range(image.n_frames):
            image.seek(index)
            image.load()
            found.append(image.info["duration"])
    return found


def note(path: Path) -> str:
    if path.suffix == ".mp4":
        import imageio_ffmpeg

        ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "ffmetadata", "-"]
        said = subprocess.run(ffmpeg, capture_output=True, text=True, check=True).stdout
        return re.search(r"^comment=(.*)$", said, re.MULTILINE)[1]
    with Image.open(path) as image:
        if path.suffix == ".gif":
            return image.info["comment"].decode()
        return image.getexif()[0x010E] if path.suffix == ".webp" else image.text["Comment"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_note_that_frames_are_synthetic_is_in_the_file(tmp_path: Path, suffix: str) -> None:
    for count in (1, 5):
        assert note(video.save(moving(count), tmp_path / f"clip{suffix}")) == "Synthetic frames made with i2vlib"


@pytest.mark.parametrize(("suffix", "worst"), [(".gif", 6.0), (".webp", 3.0), (".mp4", 4.0)])
def test_the_frames_come_back_in_order_and_in_colour(tmp_path: Path, suffix: str, worst: float) -> None:
    frames = moving()
    back = read_back(video.save(frames, tmp_path / f"clip{suffix}", fps=10), fps=10)
    assert back.shape == frames.shape
    errors = np.abs(back[:, None].astype(float) - frames[None]).mean(axis=(2, 3, 4))
    assert (errors.argmin(axis=1) == np.arange(len(frames))).all()
    assert errors.diagonal().max() < worst
    assert np.abs((back.astype(float) - frames).mean(axis=(0, 1, 2))).max() < 2.5  # no colour cast


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".mp4"])
def test_a_slow_movement_keeps_every_frame(tmp_path: Path, suffix: str) -> None:
    """Encoders like to take a change of two grey levels for noise and to show the frame before instead."""
    ground = moving(1)[0].astype(float)
    ground[8:20, :12] = 100
    frames = np.repeat(ground[None], 12, axis=0)
    frames[:, 8:24, 16:32] = 100 + 2.0 * np.arange(12)[:, None, None, None]
    back = read_back(video.save(frames.astype(np.uint8), tmp_path / f"slow{suffix}", fps=10), fps=10)
    assert (np.diff(back[:, 10:22, 18:30].astype(float).mean(axis=(1, 2, 3))) > 0).all()


@pytest.mark.parametrize("fps", [7.0, 12.0, 23.976, 30.0, 50.0])
@pytest.mark.parametrize(("suffix", "unit"), [(".gif", 10), (".webp", 1)])
def test_every_frame_starts_on_time_within_rounding(tmp_path: Path, fps: float, suffix: str, unit: int) -> None:
    frames = moving(20)
    ends = np.cumsum(durations(video.save(frames, tmp_path / f"clip{suffix}", fps=fps)))
    assert np.abs(ends - 1000 * np.arange(1, 21) / fps).max() <= unit / 2 + 1e-6


def test_a_gif_faster_than_browsers_show_drops_frames_and_keeps_its_length(tmp_path: Path) -> None:
    shown = durations(video.save(moving(18), tmp_path / "fast.gif", fps=90))
    assert min(shown) >= 20 and sum(shown) == 200


def test_an_mp4_says_its_rate_its_codec_and_its_colours(tmp_path: Path) -> None:
    import imageio_ffmpeg

    path = video.save(moving(12), tmp_path / "clip.mp4", fps=23.976)
    said = next(imageio_ffmpeg.read_frames(str(path)))
    assert said["codec"] == "h264" and said["pix_fmt"].startswith("yuv420p(tv, bt709")
    assert said["fps"] == pytest.approx(23.98, abs=0.01)
    assert said["duration"] == pytest.approx(12 / 23.976, abs=0.02)


def test_an_mp4_of_odd_size_is_padded_by_its_edge_and_never_cropped(tmp_path: Path) -> None:
    frames = moving(4, 31, 45)
    back = read_back(video.save(frames, tmp_path / "odd.mp4"), fps=12)
    assert back.shape == (4, 32, 46, 3)
    assert np.abs(back[:, :31, :45].astype(float) - frames).mean() < 4
    assert np.abs(back[:, 31].astype(float) - back[:, 30]).mean() < 8


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (2, 3, 5, 3), (1, 16, 16, 3)])
def test_the_smallest_clips_are_saved_too(tmp_path: Path, suffix: str, shape: tuple[int, ...]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert video.save(frames, tmp_path / f"tiny{suffix}").stat().st_size > 0


def test_save_returns_the_path_and_takes_odd_names(tmp_path: Path) -> None:
    for name in ("a b.GIF", "-y.mp4", "a:b.mp4", "50%d.mp4", "é.webp", "x" * 240 + ".png"):
        path = tmp_path / name
        assert video.save(moving(2), path) == path and path.is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a b.GIF", "-y.mp4", "a:b.mp4", "50%d.mp4", "é.webp", "x" * 240 + ".png"]
    )


def test_saved_files_have_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    assert video.save(moving(2), tmp_path / "clip.gif").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_failed_save_leaves_the_older_file_and_no_litter(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = video.save(moving(3), tmp_path / f"clip{suffix}")
    before = path.read_bytes()

    def half_written(frames: np.ndarray, part: Path, fps: float) -> None:
        assert part.parent == path.parent  # or the rename is a copy, which can be cut short
        part.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(video, f"_write_{suffix[1:]}", half_written)
    with pytest.raises(OSError, match="space"):
        video.save(moving(3)[::-1], path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_save_renames_and_never_writes_into_the_older_file(tmp_path: Path) -> None:
    path = video.save(moving(3), tmp_path / "clip.gif")
    before = path.read_bytes()
    (tmp_path / "same file").hardlink_to(path)
    video.save(moving(3)[::-1], path)
    assert path.read_bytes() != before and (tmp_path / "same file").read_bytes() == before


def test_a_folder_with_a_colon_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a:b").mkdir()
    monkeypatch.chdir(tmp_path)
    for suffix in SUFFIXES:
        assert video.save(moving(2), f"a:b/clip{suffix}").is_file()


def test_a_failing_ffmpeg_is_reported_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video.save(moving(3), tmp_path / "clip.mp4")
    before = path.read_bytes()
    monkeypatch.setattr(video, "NOTE", "x" * 200_000)  # longer than one argument of a program may be
    with pytest.raises((RuntimeError, OSError)):
        video.save(moving(3), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("clip.avi", r"clip\.avi ends in '\.avi'; a clip is saved as \.gif, \.mp4, \.webp, \.png"),
        ("clip", "ends in 'no suffix'"),
        ("nowhere/clip.gif", r"There is no folder .*nowhere to save clip\.gif in"),
        ("folder.gif", r"folder\.gif is a folder\. Give the name of a file"),
    ],
)
def test_a_bad_path_is_refused_in_a_sentence(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder.gif").mkdir()
    with pytest.raises(ValueError, match=said):
        video.save(moving(2), tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.gif"]


@pytest.mark.parametrize(
    "frames",
    [
        moving(2).astype(np.float32) / 255,
        moving(2)[0],
        moving(2)[..., :1],
        moving(2)[:0],
        [],
    ],
)
def test_wrong_frames_are_refused_by_every_door(tmp_path: Path, frames: np.ndarray) -> None:
    said = r"Frames are uint8 \(T, H, W, 3\) with at least one frame; these are "
    for use in (
        lambda: video.save(frames, tmp_path / "clip.gif"),
        lambda: video.film_strip(frames),
        lambda: video.scrubber(frames),
        lambda: video.together({"a": moving(2), "b": frames}),
    ):
        with pytest.raises(ValueError, match=said):
            use()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_is_no_rate_is_refused(tmp_path: Path, fps: float) -> None:
    for use in (
        lambda: video.save(moving(2), tmp_path / "c.gif", fps=fps),
        lambda: video.scrubber(moving(2), fps),
    ):
        with pytest.raises(ValueError, match="positive"):
            use()


def test_film_strip_places_every_frame_exactly() -> None:
    frames = moving(5)
    strip = video.film_strip(frames, gap=3)
    assert strip.shape == (32, 5 * 48 + 4 * 3, 3) and strip.dtype == np.uint8
    for index, frame in enumerate(frames):
        left = index * 51
        assert (strip[:, left : left + 48] == frame).all()
        assert (strip[:, left + 48 : left + 51] == 255).all()
    assert (video.film_strip(frames, gap=0)[:, 48:96] == frames[1]).all()


@pytest.mark.parametrize(("columns", "chosen"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (99, range(10))])
def test_film_strip_chooses_evenly_with_both_ends(columns: int, chosen: list[int]) -> None:
    frames = np.repeat(np.arange(10, dtype=np.uint8), 12).reshape(10, 2, 2, 3)
    strip = video.film_strip(frames, columns=columns, gap=1)
    assert strip[0, ::3, 0].tolist() == list(chosen)


def test_film_strip_refuses_impossible_layouts() -> None:
    with pytest.raises(ValueError, match="1 column.*0"):
        video.film_strip(moving(2), columns=0)
    with pytest.raises(ValueError, match="0.*-1"):
        video.film_strip(moving(2), gap=-1)


def test_a_png_is_the_film_strip(tmp_path: Path) -> None:
    clip = Clip(moving(4))
    assert (np.asarray(Image.open(clip.save(tmp_path / "clip.png"))) == video.film_strip(clip.frames)).all()


class Outline(HTMLParser):
    """The tags of a piece of HTML, checked to be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_scrubber_is_self_contained_and_accessible() -> None:
    text = video.scrubber(moving(4), labels=["a = 0", "a = 0.3", "a = 0.6", "a = 1"], title="actor-7 happy")
    page = Outline(text)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<link|<script src", re.sub(r"base64,[^\"]+", "", text))
    assert page.all("div")[0]["role"] == "group" and page.all("div")[0]["aria-label"] == "actor-7 happy"
    (slider,) = page.all("input")
    assert slider["max"] == "3" and slider["aria-label"] and slider["aria-valuetext"] == "a = 0"
    assert page.all("button")[0]["aria-label"] == "Play"
    (picture,) = page.all("img")
    assert picture["alt"] == "actor-7 happy" and picture["src"].startswith("data:image/webp;base64,")
    assert "<noscript>" in text and "prefers-color-scheme: dark" in text and 'data-theme="dark"' in text
    assert "/*dark*/" not in text and "/*light*/" not in text


def test_text_in_a_scrubber_cannot_break_out_of_it() -> None:
    evil = "</script><b>\"&'"
    text = video.together({evil: moving(2)}, labels=[evil, "b"], title=evil)
    assert [tag for tag, _ in Outline(text).tags].count("b") == 0
    assert text.count("</script>") == 1


def test_the_name_of_a_scrubber_comes_from_its_content() -> None:
    def name(text: str) -> str:
        return re.search(r'data-clip="(\w+)"', text)[1]

    frames = moving(3)
    assert video.scrubber(frames) == video.scrubber(frames.copy())
    others = [video.scrubber(frames[::-1]), video.scrubber(frames, title="x"), video.scrubber(frames, fps=5)]
    assert len({name(text) for text in (video.scrubber(frames), *others)}) == 4


def test_48_frames_of_a_face_stay_small() -> None:
    skimage_data = pytest.importorskip("skimage.data")
    photo = Image.fromarray(skimage_data.astronaut()[:220, 110:330])
    frames = np.stack([np.asarray(photo.rotate(i / 8).resize((128, 128), Image.LANCZOS)) for i in range(48)])
    assert len(video.scrubber(frames)) < 260 * 1024


def test_small_frames_are_enlarged_smoothly_and_many_of_them_less() -> None:
    def width(shape: tuple[int, int], count: int = 1) -> int:
        text = video.together({str(number): np.zeros((1, *shape, 3), np.uint8) for number in range(count)})
        assert "pixelated" not in text
        return int(re.search(r'style="width: (\d+)px', text)[1])

    assert [width((side, side)) for side in (64, 96, 128, 192, 256, 300)] == [256, 256, 256, 256, 256, 300]
    assert [width((128, 128), count) for count in (2, 3, 4, 9)] == [256, 192, 154, 154]
    assert width((64, 256)) == 1024 and width((1024, 2048)) == 1024


def test_large_frames_are_reduced_inside_the_page() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (1, 1040, 1040, 3), dtype=np.uint8)
    source = re.search(r'src="data:image/webp;base64,([^"]+)"', video.scrubber(frames))[1]
    assert Image.open(io.BytesIO(base64.b64decode(source))).size == (512, 512)


def test_compare_has_a_named_row_a_clip() -> None:
    page = Outline(video.together({"real": moving(3), "copy": moving(3, 20, 20)}, title="two"))
    assert [picture["alt"] for picture in page.all("img")] == ["two: real", "two: copy"]
    assert len(page.all("input")) == 1


def test_compare_refuses_nothing_and_unequal_lengths() -> None:
    with pytest.raises(ValueError, match="nothing"):
        video.together({})
    with pytest.raises(ValueError, match="'real'.*3"):
        video.together({"real": moving(3), "copy": moving(2)})


def test_a_choice_has_a_button_a_set_and_one_slider() -> None:
    page = Outline(video.choice({"happy": {"you": moving(3)}, "sad & <b>": {"you": moving(3)}}))
    buttons = [button for button in page.all("button") if button["class"] == "i2v-choice"]
    assert [button["aria-pressed"] for button in buttons] == ["true", "false"]
    assert len(page.all("input")) == 1 and len(page.all("img")) == 1 and not page.all("b")


def test_a_choice_refuses_nothing_and_sets_that_differ() -> None:
    with pytest.raises(ValueError, match="nothing"):
        video.choice({})
    for other in ({"b": moving(3)}, {"a": moving(2)}, {"a": moving(3, 20, 20)}, {"a": moving(3), "b": moving(3)}):
        with pytest.raises(ValueError, match="'one'.*'two'"):
            video.choice({"one": {"a": moving(3)}, "two": other})


def test_labels_are_one_a_frame() -> None:
    with pytest.raises(ValueError, match="1 labels.*3 frames"):
        video.scrubber(moving(3), labels=["only one"])


def test_a_clip_in_a_notebook_is_a_scrubber_labelled_with_its_intensity() -> None:
    clip = Clip(moving(3), intensity=np.array([0, 0.35, 1]), subject="actor-7", expression="happy")
    text = clip._repr_html_()
    labels = json.loads(re.search(r'(\["a = [^\]]*\])\]?\);', text)[1])
    assert labels == ["a = 0.00", "a = 0.35", "a = 1.00"] and "actor-7 happy" in text


def test_a_pad_holds_every_frame_and_names_its_axes() -> None:
    shades = np.arange(6, dtype=np.uint8).reshape(2, 3, 1, 1, 1) * 40
    page = video.pad(np.broadcast_to(shades, (2, 3, 64, 64, 3)), ("happy", "sad & <b>"), ([0, 0.5, 1], [0, 1]))
    assert page.count("data:image/webp") == 7 and "src=http" not in page
    assert "sad &amp; &lt;b&gt;" in page and 'max="2"' in page and 'max="1"' in page


@pytest.mark.parametrize(
    ("shape", "values", "said"),
    [((3, 8, 8, 3), ([0], [0]), r"\(R, C, H, W, 3\)"), ((2, 3, 8, 8, 3), ([0, 1], [0, 1]), "3 columns and 2 rows")],
)
def test_a_pad_refuses_what_does_not_fit(shape: tuple[int, ...], values: tuple[list, list], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        video.pad(np.zeros(shape, np.uint8), ("happy", "sad"), values)
