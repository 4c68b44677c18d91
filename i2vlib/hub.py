r"""Weights by name: a thin layer over huggingface_hub's ``PyTorchModelHubMixin``.

A folder of weights holds ``model.safetensors`` (half precision, or 8 bits a number), ``config.json`` and
``README.md``, the model card. The card carries the sha256 of the weights, which is checked when they are loaded. No
pickle is ever read.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal, Self

import torch
from huggingface_hub import PyTorchModelHubMixin, snapshot_download
from torch import Tensor, nn

import i2vlib
from i2vlib import export
from i2vlib.store import file_digest, write_file

SHIPPED = Path(__file__).parent / "weights"
WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
#: Tensors of fewer numbers stay in half precision in a file of 8 bits, and with them the layers next to the pixels. For
#: AffineGAN they are 3% of the file, and without them its frames would change by eleven times as much.
FEW = 40_000
#: What follows the name of a tensor that is kept in 8 bits, in the name of the scales that belong to it.
SCALE = ".scale"


class Pretrained(PyTorchModelHubMixin):
    """Gives a method ``save_pretrained``, ``from_pretrained`` and ``push_to_hub``. The method has a ``config``.

    It also keeps ``drawn_from``, torch's random state just before the construction. From it `untouched` tells fresh
    weights from those that were trained or loaded. And it keeps ``facts``, the rows of the card
    that came with its weights, none for one that was not loaded.
    """

    config: object
    drawn_from: Tensor
    facts: Mapping[str, str] = MappingProxyType({})
    #: Whether `i2vlib.export` can write it as ONNX.
    exportable: ClassVar[bool] = False
    #: What draws its frames: "pytorch", or "onnx" where `load_pretrained` was asked for it.
    runtime: str = "pytorch"

    def __new__(cls, *arguments: object, **options: object) -> Self:
        method = super().__new__(cls, *arguments, **options)
        method.drawn_from = torch.get_rng_state()
        return method

    def save_pretrained(
        self,
        save_directory: str | Path,
        card: Mapping[str, object] | None = None,
        bits: Literal[8, 16] = 16,
        **options: object,
    ) -> None:
        """Writes what the method keeps (`kept_parameters`), the config, and a card with the facts given.

        Args:
            save_directory: made where it is not there.
            card: rows of the card, fact and value.
            bits: that a number takes in the file, which the card states: 16 is half precision, where that can hold it.
                With 8 the file is about half as large: in large tensors (`FEW`) each number is one of 255 steps, whose
                size is that of its channel. The frames of AffineGAN and FAN change by .02 grey levels on average.

        Raises:
            ValueError: ``bits`` is neither 8 nor 16.
        """
        if bits not in (8, 16):
            raise ValueError(f"Weights are written in 8 or 16 bits a number; given was bits={bits!r}.")
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        self._save_pretrained(folder, bits)
        facts = {**(card or {}), "bits": bits}
        write_file(folder / CARD, _card(type(self).__name__, facts, file_digest(folder / WEIGHTS)).encode())
        if options.pop("push_to_hub", False):
            self.push_to_hub(str(options.pop("repo_id", folder.name)), **options)

    def kept_parameters(self) -> list[nn.Parameter]:
        """What a file of weights holds: all that the method's answers rest on, its generator and seldom more."""
        return self.generator_parameters()

    def untouched(self) -> set[str]:
        """The names of the parameters that nobody has trained, loaded or changed: those to which a construction from
        the random state of that moment (`drawn_from`) gives the same bits once more."""
        first = dict(self.constructed(self.drawn_from).named_parameters())
        own = {name: value for name, value in self.named_parameters() if name in first}
        return {name for name, value in own.items() if torch.equal(value.cpu(), first[name])}

    def constructed(self, state: Tensor) -> Self:
        """Another one of the same config, constructed from a random state; torch's own is left as it was."""
        with torch.random.fork_rng([]):
            torch.set_rng_state(state)
            return type(self)(self.config)

    def _save_pretrained(self, save_directory: Path, bits: Literal[8, 16] = 16) -> None:
        from safetensors.torch import save

        which = {id(p) for p in self.kept_parameters()}
        kept = {name: p for name, p in self.named_parameters() if id(p) in which} | dict(self.named_buffers())
        tensors = {name: values.detach().cpu() for name, values in kept.items()}
        tensors = _in_8_bits(tensors) if bits == 8 else {name: _halved(values) for name, values in tensors.items()}
        tensors = {name: values.contiguous() for name, values in tensors.items()}
        write_file(save_directory / WEIGHTS, save(tensors, metadata={"format": "pt"}))
        settings = {"method": type(self).__name__, **asdict(self.config)}
        write_file(save_directory / CONFIG, json.dumps(settings, indent=2).encode())

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | Path, **options: object) -> nn.Module:
        """The method stored in a folder, or on the hub under a name such as ``user/model``, ready to animate.

        Raises:
            ValueError: there is nothing of that name, here or on the hub, or the hub cannot be reached.
        """
        folder, name = Path(pretrained_model_name_or_path), str(pretrained_model_name_or_path)
        if not folder.is_dir():
            try:
                folder = Path(snapshot_download(name, allow_patterns=[WEIGHTS, CONFIG, CARD], **options))
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"There are no weights to be had named {name!r}: there is no such folder here, and the hub gave "
                    f"none ({type(error).__name__}). The name may be wrong, or this machine offline. "
                    f"Shipped, and there without a network, are {shipped()}."
                ) from error
        return _load(folder)


def _halved(values: Tensor) -> Tensor:
    """In half precision; as they are where a number is too large for it, as a variance may be."""
    half = values.half() if values.is_floating_point() else values
    return half if bool(torch.isfinite(half).all()) else values


def _in_8_bits(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors as a file of 8 bits holds them: ``int8`` and scales, and in half precision those of few numbers."""
    kept = {name: _halved(values) for name, values in tensors.items()}
    for name, values in tensors.items():
        if kept[name].dtype == torch.float16 and values.dim() > 1 and values.numel() >= FEW:
            kept[name], kept[name + SCALE] = _stepped(values)
    return kept


def _stepped(values: Tensor) -> tuple[Tensor, Tensor]:
    """The nearest of 255 steps as ``int8``, and the size of a step as ``float32``, whose product is the values again.

    One size for each channel along the first or the second dimension, whichever comes closer: the outputs of a
    convolution are its first, those of a transposed one its second.
    """
    ways = []
    for channel in (0, 1):
        others = [dimension for dimension in range(values.dim()) if dimension != channel]
        scale = (values.abs().amax(others, keepdim=True) / 127).clamp(min=torch.finfo(torch.float32).tiny)
        ways.append(((values / scale).round().to(torch.int8), scale))
    return min(ways, key=lambda way: float((way[0] * way[1] - values).square().sum()))


def _whole(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file in single precision, and integers as they are. Half precision holds all of them exactly,
    those of 8 bits too, which are rounded to it: so an export of half the size (`i2vlib.export`) draws the same."""
    whole = {name: values.float() if values.is_floating_point() else values for name, values in tensors.items()}
    for name, values in tensors.items():
        if values.dtype == torch.int8 and name + SCALE in tensors:
            whole[name] = (values * whole.pop(name + SCALE)).half().float()
    return whole


def load_pretrained(
    name: str | Path, device: str | None = None, runtime: Literal["pytorch", "onnx"] = "pytorch"
) -> nn.Module:
    """A trained method: by the name of shipped weights, from a folder, or from the hub.

    Args:
        name: ``"affinegan"`` or another that is shipped, of which ``"affinegan_painted"`` and ``"fan_painted"`` answer
            the papers' claims; a folder that `fit` or ``save_pretrained`` wrote; or ``"user/model"`` on the hub.
        device: where to put it, such as ``"cpu"``; left out, on the GPU if PyTorch can use one.
        runtime: what draws the frames of ``animate``: with ``"onnx"``, for AffineGAN and FAN, ONNX Runtime on the CPU,
            in about a third of the time a frame, and within one grey level of PyTorch's. It needs
            ``pip install "i2vlib[onnx]"``, and a few seconds for weights that it has not met before.

    Raises:
        ValueError: there is nothing of that name, the hub cannot be reached, the device is not there, the files are
            damaged, or the method or device does not go with ONNX Runtime. The message names the file.
        ImportError: what ``runtime="onnx"`` needs is not installed.
    """
    if runtime not in ("pytorch", "onnx"):
        raise ValueError(f'The runtime is "pytorch" or "onnx"; given was {runtime!r}.')
    if runtime == "onnx" and device not in (None, "cpu"):
        raise ValueError(f'With runtime="onnx" frames are drawn on the CPU; leave out device={device!r}.')
    place = checked_device("cpu" if runtime == "onnx" else device)
    model = _found(name).to(place)
    if runtime == "onnx":
        if not model.exportable:
            raise ValueError(
                f"{type(model).__name__} is drawn by PyTorch alone: AffineGAN and FAN can be exported to ONNX. "
                "Leave out runtime."
            )
        export.decoder_session(model)
        model.runtime = runtime
    return model


def _found(name: str | Path) -> nn.Module:
    if (SHIPPED / str(name) / CONFIG).is_file():
        return _load(SHIPPED / str(name))
    if Path(name).is_dir():
        return _load(Path(name))
    if str(name).count("/") != 1 or str(name).startswith((".", "/", "~")):
        raise ValueError(
            f"There are no weights named {str(name)!r}. Shipped are {shipped()}; "
            "a folder or a hub name (user/model) also works."
        )
    return Pretrained.from_pretrained(str(name))


def shipped() -> list[str]:
    """The names of the weights that come with the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))


def checked_device(device: str | None = None) -> torch.device:
    """A device that this machine has; left out, its NVIDIA GPU or else its CPU.

    An Apple GPU has to be asked for, with ``"mps"``: it lacks some of PyTorch's operations.

    Raises:
        ValueError: it has no such device. The message says which there are.
    """
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    there = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    there += ["mps"] * torch.backends.mps.is_available()
    if device not in {*there, *(name.partition(":")[0] for name in there)}:
        raise ValueError(
            f"There is no device {device!r} that PyTorch can use here; there are {there}. Give one of these, or look "
            "whether this build of PyTorch knows the GPU (torch.cuda.is_available())."
        )
    return torch.device(device)


def method_class(name: str) -> type:
    """The class of a method, by its name in `i2vlib.METHODS`. Raises `KeyError` for another name."""
    return vars(importlib.import_module(f"i2vlib.{i2vlib.METHODS[name]}"))[name]


def _load(folder: Path) -> nn.Module:
    from safetensors import SafetensorError
    from safetensors.torch import load

    for file in (CONFIG, WEIGHTS):
        if not (folder / file).is_file():
            raise ValueError(
                f"The folder {folder} holds no {file}. Give a folder that fit() or save_pretrained() wrote."
            )
    try:
        settings = json.loads((folder / CONFIG).read_text())
        kind = method_class(settings.pop("method"))
    except (json.JSONDecodeError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{folder / CONFIG} is damaged or of another version ({error!r}). Save or download it again."
        ) from None
    try:
        model = kind(kind.Config.stated(settings))
    except ValueError as error:
        raise ValueError(
            f"{folder / CONFIG} does not fit this version of i2vlib: {error} Load it with the version that wrote it, "
            "or correct the file."
        ) from error
    model.facts = MappingProxyType(_stated(folder / CARD))
    found = file_digest(folder / WEIGHTS)
    if model.facts.get("sha256", found) != found:
        raise ValueError(
            f"{folder / WEIGHTS} does not match the sha256 in its card; it is cut short or was changed. Copy it again."
        )
    try:
        tensors = load((folder / WEIGHTS).read_bytes())
        missing, unexpected = model.load_state_dict(_whole(tensors), strict=False)
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(
            f"{folder / WEIGHTS} cannot be read ({error}). It is cut short or of another model; copy it again."
        ) from None
    trained = {name for name, p in model.named_parameters() if any(p is q for q in model.generator_parameters())}
    if unexpected or trained & set(missing):
        raise ValueError(
            f"{folder / WEIGHTS} does not fit {folder / CONFIG}: {sorted(trained & set(missing)) + unexpected}."
        )
    return model.eval()


def _stated(card: Path) -> dict[str, str]:
    """The rows of a card: fact and value."""
    lines = card.read_text("utf-8").splitlines() if card.is_file() else []
    rows = [line.strip("| ").split(" | ", 1) for line in lines if line.startswith("| ") and line.endswith(" |")]
    return {name: value for name, value in rows if name != "fact"}


def _card(method: str, facts: Mapping[str, object], digest: str) -> str:
    rows = "\n".join(f"| {name} | {value} |" for name, value in {**facts, "sha256": digest}.items())
    moved = "body" if "performers" in str(facts.get("data")) else "face"
    return (
        f"---\nlibrary_name: i2vlib\ntags: [{method.lower()}, image-to-video, {moved}-animation]\n---\n\n# {method}\n\n"
        f"Load it with `i2vlib.load_pretrained`. What it makes is synthetic; say so where you show it.\n\n"
        f"| fact | value |\n|---|---|\n{rows}\n"
    )
