"""Ctrl+C and SIGTERM, held back until a training step has ended."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from accelerate import Accelerator


class Interruption:
    """Holds Ctrl+C and SIGTERM back until the step that is being done has ended, and a checkpoint is written.

    For ``with``: the handlers are those of before afterwards. Signals that are ignored stay ignored, and outside the
    main thread, where Python allows no handlers, nothing is held back.

    Args:
        wanted: whether there is anything to wait for.
        alone: this is the run's only process. A second Ctrl+C is then obeyed at once; a launcher of several may send
            every one twice.
    """

    def __init__(self, wanted: bool = True, alone: bool = True) -> None:
        self.number = 0
        self._alone = alone
        self._wanted = wanted and threading.current_thread() is threading.main_thread()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interruption:
        for number in (signal.SIGINT, signal.SIGTERM) if self._wanted else ():
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def _note(self, number: int, frame: object) -> None:
        again, self.number = self.number == number, number
        if again and self._alone and number == signal.SIGINT:
            self.__exit__()
            signal.raise_signal(number)

    def agreed(self, accelerator: Accelerator, stop: bool) -> bool:
        """The main process's ``stop`` in every process, and in ``number`` whichever signal has reached one of them:
        processes that stopped at different steps would wait for each other."""
        if accelerator.num_processes == 1:
            return stop
        said = torch.tensor([[stop and accelerator.is_main_process, self.number]], device=accelerator.device)
        stop, self.number = accelerator.gather(said).amax(0).tolist()
        return bool(stop)

    def obey(self, sentence: str, speaking: bool) -> None:
        """Does what the signal would have done, with a sentence."""
        if signal.getsignal(self.number) is signal.default_int_handler:
            raise KeyboardInterrupt(sentence)
        if speaking:
            print(sentence, file=sys.stderr, flush=True)
        signal.raise_signal(self.number)


def leave_interrupts_to_the_main_process(worker: int) -> None:
    """A terminal sends Ctrl+C to the processes that load clips as well; without them no step could be ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
