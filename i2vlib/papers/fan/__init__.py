from i2vlib.papers.fan.method import FAN, PAPER_WEIGHTS, FANConfig, expected_points, neighbours

__all__ = ["FAN", "FANConfig", "PAPER_WEIGHTS", "expected_points", "neighbours"]
