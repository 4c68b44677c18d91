"""Pictures that several tests of metrics need."""

import numpy as np


def frame(value: int, size: int = 16) -> np.ndarray:
    return np.full((size, size, 3), value, np.uint8)
