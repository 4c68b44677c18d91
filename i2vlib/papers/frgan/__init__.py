from i2vlib.papers.frgan.forecast import FORECAST_WEIGHTS, Forecast, ForecastConfig
from i2vlib.papers.frgan.model import FRGAN, SIX, FRGANConfig
from i2vlib.papers.frgan.refine import REFINE_WEIGHTS, Forecasts, Refine, RefineConfig

__all__ = [
    "FORECAST_WEIGHTS", "FRGAN", "REFINE_WEIGHTS", "SIX", "FRGANConfig", "Forecast", "ForecastConfig", "Forecasts",
    "Refine", "RefineConfig",
]  # fmt: skip
