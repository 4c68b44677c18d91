"""Small networks in the TFLite format, run by `ai-edge-litert` on one thread of the CPU."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import numpy as np


class Network:
    """A network from the bytes of its file. Threads that call it wait for each other.

    Raises `ImportError`, which says what to install, where the package that runs it is missing.
    """

    def __init__(self, content: bytes) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ImportError(
                f"ai-edge-litert, which runs the networks that read faces, cannot be imported ({error}). "
                "Install it: pip install ai-edge-litert."
            ) from error
        with without_stderr():
            self._interpreter = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [one["index"] for one in self._interpreter.get_output_details()]
        self._lock = Lock()

    def __call__(self, values: np.ndarray) -> list[np.ndarray]:
        """The outputs, in the order of the file, for an input ``float32`` of the network's own shape."""
        with self._lock:
            self._interpreter.set_tensor(self._input, values)
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]


@contextmanager
def without_stderr() -> Iterator[None]:
    """Keeps a reader's start-up chatter, written by C++ to the process's stderr, out of logs and notebooks."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
