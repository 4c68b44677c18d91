"""Clips and images: every input that is no clip or no picture is refused in a sentence, the others come out exact."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

import i2vlib
from i2vlib.clips import Clip, backwards, load_image, pixels, to_frames, to_tensor
from i2vlib.expressions import BLENDSHAPES, EXPRESSIONS


def picture(height: int = 24, width: int = 36) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([5 * x + 20, 8 * y + 10, 200 - 4 * x], axis=-1).astype(np.uint8)


def file_of(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


# --- images that are read ---------------------------------------------------------------------------------------------


def test_a_path_a_string_bytes_and_a_pil_image_give_the_same_pixels(tmp_path: Path) -> None:
    path = tmp_path / "me.png"
    path.write_bytes(file_of(picture(), "PNG"))
    data = path.read_bytes()
    for source in (path, str(path), data, bytearray(data), Image.open(path), picture()):
        image = load_image(source)
        assert image.dtype == np.uint8 and image.flags.c_contiguous and (image == picture()).all()


def test_an_image_is_the_callers_own_to_change() -> None:
    array = picture()
    for source in (array, file_of(array, "PNG"), Image.fromarray(array)):
        image = load_image(source)
        image[:] = 0
    assert (array == picture()).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(orientation: int) -> None:
    upright = Image.fromarray(picture())
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    image = load_image(file_of(stored, "JPEG", quality=95, exif=exif.tobytes()))
    assert image.shape == (24, 36, 3)
    assert np.abs(image.astype(int) - picture()).mean() < 4


def test_grey_is_repeated() -> None:
    grey = picture()[..., 0]
    for source in (file_of(grey, "PNG"), grey, grey[..., None], grey / 255):
        image = load_image(source)
        assert image.shape == (24, 36, 3) and (image == grey[..., None]).all()
    assert (load_image(Image.fromarray(grey > 100)) == np.where(grey > 100, 255, 0)[..., None]).all()


@pytest.mark.parametrize("dark", [False, True])
def test_16_bits_become_8_also_when_the_picture_is_dark(dark: bool) -> None:
    deep = np.linspace(0, 250 if dark else 65535, 24 * 36).reshape(24, 36).astype(np.uint16)
    image = load_image(file_of(Image.fromarray(deep), "PNG"))
    assert image.shape == (24, 36, 3)
    assert np.abs(image[..., 0] - deep / 257).max() <= 0.5 + 1e-6
    assert image.max() == (1 if dark else 255)


def test_a_float_image_file_is_held_to_the_range_of_a_float_array() -> None:
    grey = np.linspace(0, 1, 24 * 36, dtype=np.float32).reshape(24, 36)
    assert (load_image(file_of(Image.fromarray(grey), "TIFF"))[..., 0] == np.round(grey * 255)).all()
    with pytest.raises(ValueError, match=r"floats outside \[0, 1\]"):
        load_image(file_of(Image.fromarray(2 * grey), "TIFF"))


def test_alpha_is_laid_on_white() -> None:
    colours = np.array([[[200, 0, 40, 255], [200, 0, 40, 0], [200, 0, 40, 128]]], np.uint8)
    expected = [[[200, 0, 40], [255, 255, 255], [227, 127, 147]]]
    for source in (colours, file_of(colours, "PNG"), file_of(colours, "WEBP", lossless=True, exact=True)):
        assert np.abs(load_image(source).astype(int) - expected).max() <= 1
    assert np.abs(load_image(colours / 255).astype(int) - expected).max() <= 1


def test_a_palette_with_a_transparent_colour_is_laid_on_white() -> None:
    image = Image.new("P", (3, 1))
    image.putdata([0, 1, 2])
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    assert load_image(file_of(image, "PNG", transparency=1)).tolist() == [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]]
    assert load_image(file_of(image, "PNG")).tolist() == [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]
    assert load_image(file_of(image, "GIF", transparency=1)).tolist()[0][1] == [255, 255, 255]


def test_grey_with_alpha_is_laid_on_white() -> None:
    image = Image.new("LA", (2, 1))
    image.putdata([(100, 255), (100, 0)])
    assert load_image(file_of(image, "PNG")).tolist() == [[[100] * 3, [255] * 3]]


def test_cmyk_jpegs_keep_their_colours() -> None:
    flat = np.zeros((16, 48, 3), np.uint8)
    flat[:, :16], flat[:, 16:32], flat[:, 32:] = (220, 40, 40), (40, 200, 60), (240, 240, 240)
    image = load_image(file_of(Image.fromarray(flat).convert("CMYK"), "JPEG", quality=98))
    assert image.shape == flat.shape and np.abs(image.astype(int) - flat).mean() < 4


def test_floats_from_0_to_1_become_whole_levels() -> None:
    levels = np.repeat(np.arange(256)[None, :, None], 3, axis=-1)
    for kind in (np.float16, np.float32, np.float64):
        assert (load_image((levels / 255).astype(kind)) == levels).all()


# --- images that are refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_file_cut_short_anywhere_is_refused_by_name_unless_all_its_pixels_are_there(
    tmp_path: Path, kind: str
) -> None:
    data = file_of(picture(), kind)
    whole = load_image(data)
    path = tmp_path / f"cut.{kind.lower()}"
    read = []
    for length in range(0, len(data), 3):
        path.write_bytes(data[:length])
        try:
            image = load_image(path)
        except ValueError as error:
            assert f"cut.{kind.lower()} cannot be read" in str(error) or "is not an image" in str(error)
        else:
            assert (image == whole).all()
            read.append(length)
    assert all(length >= len(data) - 24 for length in read)  # only the end marker, or a checksum, is gone


def test_a_truncated_jpeg_says_that_it_is_cut_short(tmp_path: Path) -> None:
    data = file_of(picture(), "JPEG")
    (tmp_path / "me.jpg").write_bytes(data[: len(data) - 40])
    with pytest.raises(ValueError, match=r"me\.jpg"):
        load_image(tmp_path / "me.jpg")
    with pytest.raises(ValueError, match="image"):
        load_image(data[: len(data) - 40])


def bomb() -> bytes:
    """A BMP of 2 by 2 pixels whose header asks for 50,000 by 50,000."""
    data = bytearray(file_of(picture(2, 2), "BMP"))
    data[18:26] = (50_000).to_bytes(4, "little") * 2
    return bytes(data)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("missing.jpg", r"There is no image file at .*missing\.jpg\. Check the path"),
        ("folder", r"folder is a folder, not an image\. Give the path of one image file"),
        ("notes.txt", r"notes\.txt is not an image that Pillow can read\. Give a JPEG, PNG or WebP file"),
        (b"", "the image given as bytes is not an image that Pillow can read"),
        (b"words", "the image given as bytes is not an image that Pillow can read"),
        (bomb(), "the image given as bytes is too large, or its header is damaged"),
        (None, "given as a path, bytes, an array or a PIL image; this is <class 'NoneType'>"),
        ([[1, 2]], "given as a path, bytes, an array or a PIL image; this is <class 'list'>"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, source: object, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("not a picture")
    with pytest.raises(ValueError, match=said):
        load_image(tmp_path / source if isinstance(source, str) else source)


WANTED = r"an image array is uint8, or float in \[0, 1\], of shape \(H, W\), \(H, W, 1\), \(H, W, 3\) or \(H, W, 4\)"


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((4, 4, 3), 1.01), r"holds floats outside \[0, 1\] or not finite; "),
        (np.full((4, 4, 3), -0.01), r"holds floats outside \[0, 1\] or not finite; "),
        (np.full((4, 4, 3), 128.0), r"holds floats outside \[0, 1\] or not finite; "),
        (np.full((4, 4, 3), np.nan), r"holds floats outside \[0, 1\] or not finite; "),
        (np.full((4, 4, 3), np.inf), r"holds floats outside \[0, 1\] or not finite; "),
        (np.zeros((4, 4, 3), np.int64), "This array is int64; "),
        (np.zeros((4, 4), bool), "This array is bool; "),
        (np.zeros((2, 4, 4, 3), np.uint8), r"This array has the shape \(2, 4, 4, 3\); "),
        (np.zeros((3, 5, 6), np.uint8), r"This array has the shape \(3, 5, 6\); "),
        (np.zeros((4, 4, 2), np.uint8), r"This array has the shape \(4, 4, 2\); "),
        (np.zeros((0, 4, 3), np.uint8), r"This array has the shape \(0, 4, 3\); "),
        (np.zeros(4, np.uint8), r"This array has the shape \(4,\); "),
    ],
)
def test_an_array_that_is_no_image_is_refused(array: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said + WANTED):
        load_image(array)


# --- the two doors between frames and tensors -------------------------------------------------------------------------


def test_all_256_levels_go_in_and_out_unchanged() -> None:
    frames = np.arange(256, dtype=np.uint8).repeat(3).reshape(4, 8, 8, 3)
    images = to_tensor(frames)
    assert images.shape == (4, 3, 8, 8) and images.dtype == torch.float32
    assert (images.min(), images.max()) == (-1, 1)
    assert (to_frames(images) == frames).all()
    assert (to_frames(images.half()) == frames).all()


def test_the_doors_keep_the_axes() -> None:
    frames = picture()
    images = to_tensor(frames)
    assert images.shape == (3, 24, 36)
    for channel in range(3):
        assert images[channel, 5, 7] == pytest.approx(frames[5, 7, channel] / 127.5 - 1)
    assert to_tensor(np.stack([frames] * 6).reshape(2, 3, 24, 36, 3)).shape == (2, 3, 3, 24, 36)


def test_to_frames_clips_and_rounds_to_the_nearest_level() -> None:
    images = torch.tensor([-3.0, 3.0, 0.4 / 127.5 - 1, 0.6 / 127.5 - 1]).view(1, 1, 4).expand(3, 1, 4)
    assert to_frames(images)[0, :, 0].tolist() == [0, 255, 0, 1]
    assert to_frames(images.clone().requires_grad_()).dtype == np.uint8


def test_read_only_and_mirrored_frames_go_in_silently() -> None:
    frames = picture()
    frames.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (to_frames(to_tensor(frames)) == frames).all()
        assert (to_frames(to_tensor(frames[:, ::-1])) == frames[:, ::-1]).all()


# --- clips ------------------------------------------------------------------------------------------------------------


def full(count: int = 4) -> Clip:
    frames = np.stack([np.full((6, 8, 3), 10 * index, np.uint8) for index in range(count)])
    return Clip(
        frames,
        fps=10,
        intensity=np.linspace(0, 1, count),
        landmarks=np.arange(count)[:, None, None] * np.ones((68, 2)),
        blendshapes=np.arange(count)[:, None] * np.ones(52),
        subject="actor-7",
        expression="happy",
        truth={"mouth": np.arange(count)[:, None, None] * np.ones((6, 8))},
    )


def test_the_names_are_complete() -> None:
    assert len(set(BLENDSHAPES)) == 52 and len(set(EXPRESSIONS)) == 10
    assert i2vlib.Clip is Clip and i2vlib.load_image is load_image


@pytest.mark.parametrize("pick", [slice(1, 3), [3, 0, 3], np.array([True, False, True, False]), 2, -1])
def test_a_part_of_a_clip_keeps_what_is_known_of_its_frames(pick: object) -> None:
    clip, part = full(), full()[pick]
    numbers = np.atleast_1d(np.arange(4)[pick])
    assert len(part) == len(numbers)
    assert (part.frames[:, 0, 0, 0] == 10 * numbers).all()
    assert part.intensity == pytest.approx(numbers / 3)
    for values in (part.landmarks[:, 0, 0], part.blendshapes[:, 0], part.truth["mouth"][:, 0, 0]):
        assert (values == numbers).all()
    assert (part.fps, part.subject, part.expression) == (clip.fps, clip.subject, clip.expression)


def test_a_clip_keeps_its_arrays_as_float32_and_says_what_it_knows() -> None:
    clip = full()
    assert {array.dtype for array in (clip.intensity, clip.landmarks, clip.blendshapes)} == {np.dtype(np.float32)}
    assert repr(clip) == (
        "Clip(actor-7 happy: 4 frames of 8x6 at 10 fps; knows ['intensity', 'landmarks', 'blendshapes', 'mouth'])"
    )
    assert "unnamed" in repr(Clip(clip.frames))
    with pytest.raises(AttributeError):
        clip.fps = 3


@pytest.mark.parametrize(
    "neutral", [np.zeros((2, 4, 4, 3), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 5, 3), np.uint8)]
)
def test_a_neutral_frame_has_the_form_of_the_others(neutral) -> None:
    with pytest.raises(ValueError, match="uint8.*4"):
        Clip(np.zeros((2, 4, 4, 3), np.uint8), neutral=neutral)
    kept = Clip(np.zeros((2, 4, 4, 3), np.uint8), neutral=np.ones((4, 4, 3), np.uint8))[1:]
    assert kept.neutral.min() == 1


def test_a_clip_led_back_begins_at_its_peak_and_ends_neutral() -> None:
    clip = full()
    back = backwards(replace(clip, intensity=[0, 0.2, 0.3, 0.8]))
    assert (back.frames == clip.frames[::-1]).all() and (back.truth["mouth"] == clip.truth["mouth"][::-1]).all()
    assert back.intensity == pytest.approx([0, 1 - 0.3 / 0.8, 0.75, 1])
    assert backwards(replace(clip, intensity=None)).intensity is None
    with pytest.raises(ValueError, match="expression"):
        backwards(replace(clip, intensity=[0, 0.5, 0.5, 0]))


def test_labels_show_each_intensity_of_a_mixture() -> None:
    frames = full(2).frames
    assert Clip(frames)._labels() == ["frame 1 of 2", "frame 2 of 2"]
    assert Clip(frames, intensity=[0, 0.5])._labels() == ["a = 0.00", "a = 0.50"]
    assert Clip(frames, intensity=[[0, 1], [0.5, 0.25]])._labels() == ["a = 0.00, 1.00", "a = 0.50, 0.25"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda frames: Clip(frames / 255), r"frames are uint8 \(T, H, W, 3\).*these are float64 \(4, 6, 8, 3\)"),
        (lambda frames: Clip(frames[0]), r"these are uint8 \(6, 8, 3\)"),
        (lambda frames: Clip(frames[:0]), r"at least one frame; these are uint8 \(0, 6, 8, 3\)"),
        (lambda frames: Clip(frames[..., :1]), r"these are uint8 \(4, 6, 8, 1\)"),
        (lambda frames: Clip(frames, fps=0), "fps is a positive number; this one is 0"),
        (lambda frames: Clip(frames, fps=float("nan")), "fps is a positive number; this one is nan"),
        (lambda frames: Clip(frames, fps=-5), "fps is a positive number; this one is -5"),
        (lambda frames: Clip(frames, intensity=[0, 1]), r"intensity is \(T,\) or \(T, n\) with T = 4.*is \(2,\)"),
        (lambda frames: Clip(frames, intensity=0.5), r"intensity is .* this one is \(\)"),
        (lambda frames: Clip(frames, intensity=np.zeros((4, 1, 1))), r"intensity is .* this one is \(4, 1, 1\)"),
        (lambda frames: Clip(frames, landmarks=np.zeros((4, 51, 2))), r"landmarks is \(T, 68, 2\).*is \(4, 51, 2\)"),
        (lambda frames: Clip(frames, landmarks=np.zeros((3, 68, 2))), r"with T = 4 frames; this one is \(3, 68, 2\)"),
        (lambda frames: Clip(frames, blendshapes=np.zeros((4, 51))), r"blendshapes is \(T, 52\).*is \(4, 51\)"),
        (lambda frames: Clip(frames, blendshapes=0.5), r"blendshapes is \(T, 52\).*is \(\)"),
        (lambda frames: Clip(frames, truth={"depth": np.zeros((6, 8))}), r"T = 4 frames first; its 'depth' .*\(6, 8\)"),
        (lambda frames: Clip(frames, truth={"seed": 7}), r"T = 4 frames first; its 'seed' has the shape \(\)"),
    ],
)
def test_a_clip_that_does_not_fit_together_is_refused(make: Callable[[np.ndarray], Clip], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make(full().frames)


def test_a_part_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="frame"):
        full()[4:]
    with pytest.raises(IndexError):
        full()[4]


@pytest.mark.parametrize("size", ["128", 128.0, True, [128]])
def test_a_size_that_is_no_whole_number_is_refused_wherever_one_is_given(size, tmp_path):
    (tmp_path / "happy" / "train" / "img" / "anna_1").mkdir(parents=True)
    picture = np.zeros((64, 64, 3), np.uint8)
    for name in ("0001.jpg", "0002.jpg"):
        Image.fromarray(picture).save(tmp_path / "happy" / "train" / "img" / "anna_1" / name)
    wanted = f"whole number of pixels, such as 128; given was {re.escape(repr(size))}"
    for use in (
        lambda: pixels(size),
        lambda: i2vlib.datasets.open("actors", size=size),
        lambda: i2vlib.datasets.open(tmp_path, size=size),
    ):
        with pytest.raises(ValueError, match=wanted):
            use()


def test_a_size_that_is_left_out_is_the_usual_one() -> None:
    assert i2vlib.datasets.open("actors", size=None).size == i2vlib.datasets.open("actors").size == 128
    with pytest.raises(ValueError, match="given was None"):
        pixels(None)
    assert pixels(np.int64(64)) == 64


def test_a_crop_of_a_size_that_is_no_number_is_refused():
    pytest.importorskip("dlib", reason='reading faces needs pip install "i2vlib[faces]"')
    photo = Path(matplotlib.__file__).parent / "mpl-data/sample_data/grace_hopper.jpg"
    with pytest.raises(ValueError, match="128.*'128'"):
        i2vlib.align_face(photo, size="128")
