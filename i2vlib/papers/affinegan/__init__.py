from i2vlib.papers.affinegan.method import (
    PAPER_WEIGHTS,
    AffineGAN,
    AffineGANConfig,
    IntensityRegressor,
    affine,
    projection,
)

__all__ = ["AffineGAN", "AffineGANConfig", "IntensityRegressor", "PAPER_WEIGHTS", "affine", "projection"]
