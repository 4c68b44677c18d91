r"""FRGAN: learning to forecast and refine residual motion for image-to-video generation (Zhao et al., 2018).

A frame is another frame in which something has moved: a mask says where, a content what is there now. G_M (`Forecast`)
draws both from the difference of two *condition maps*, a 3D face now and in the frame to be drawn (`condition`, the
paper's G_C), a frame at a time; G_R (`Refine`) does the same once more to the whole clip. `FRGAN` is the three in turn.

For bodies a forecast of joints (`poses`) stands before the same two networks, and `FRGANPoses` (`bodies`) is the whole;
`structure` is what their frames are compared by as well (Eq. 15), with a `Hourglass` that stands in for the paper's.

Start reading at `equations`; then `config`, `networks`, `forecast`, `refine`, and `method`, which animates.

The paper's numbered equations: where each lives, the test that holds it to its value (in
``tests/papers/frgan/test_equations.py``), and the chapter that derives it. Eq. 4 and Eq. 11 are sums of named terms,
each by `fit` times its weight, and live where their terms are gathered.

Eq. 1    equations.with_difference          test_eq_1_adds_a_difference                    frgan_faces       From a map to a picture
Eq. 2    equations.composed                 test_eq_2_shows_content_under_the_mask         frgan_faces       From a map to a picture
Eq. 3    equations.analogy                  test_eq_3_moves_the_code_as_the_map_moves      frgan_faces       From a map to a picture
Eq. 4    forecast.Forecast.generator_terms  test_eq_4_sums_the_terms_of_g_m                frgan_faces       The terms of a step
Eq. 5    equations.reconstruction           test_eq_5_is_the_mean_distance_of_a_value      frgan_faces       The terms of a step
Eq. 6    equations.sparsity                 test_eq_6_is_the_share_that_is_drawn_anew      frgan_faces       The terms of a step
Eq. 7    equations.adversarial              test_eq_7_wants_a_high_score                   frgan_faces       The terms of a step
Eq. 8    equations.frames_apart             test_eq_8_wants_real_frames_above_made_ones    frgan_faces       The terms of a step
Eq. 9    equations.frames_penalty           test_eq_9_wants_a_slope_of_one                 frgan_faces       The terms of a step
Eq. 10   equations.refined                  test_eq_10_is_eq_2_of_clips                    frgan_refinement  The same formula, once more in time
Eq. 11   refine.Refine.generator_terms      test_eq_11_sums_the_terms_of_g_r               frgan_refinement  What an error of pixels cannot ask for
Eq. 12   equations.clip_adversarial         test_eq_12_asks_of_the_clip_and_of_its_frames  frgan_refinement  What an error of pixels cannot ask for
Eq. 13   equations.clips_apart              test_eq_13_wants_real_clips_above_made_ones    frgan_refinement  A critic of clips
Eq. 14   equations.clips_penalty            test_eq_14_wants_a_slope_of_one_over_a_clip    frgan_refinement  Why its slope is held at 1
Eq. 15   equations.features_apart           test_eq_15_compares_what_two_networks_see      frgan_bodies      What a pixel cannot ask for
"""  # noqa: E501 - a table

from i2vlib.papers.frgan import condition
from i2vlib.papers.frgan.bodies import FRGANPoses, FRGANPosesConfig, future_of
from i2vlib.papers.frgan.config import (
    FORECAST_WEIGHTS,
    REFINE_WEIGHTS,
    SIX,
    ForecastConfig,
    FRGANConfig,
    RefineConfig,
)
from i2vlib.papers.frgan.forecast import Forecast
from i2vlib.papers.frgan.method import FRGAN
from i2vlib.papers.frgan.poses import POSE_WEIGHTS, PosePredictor, PosePredictorConfig
from i2vlib.papers.frgan.refine import Forecasts, Refine
from i2vlib.papers.frgan.structure import Hourglass, HourglassConfig

__all__ = [
    "FORECAST_WEIGHTS", "FRGAN", "POSE_WEIGHTS", "REFINE_WEIGHTS", "SIX", "FRGANConfig",
    "FRGANPoses", "FRGANPosesConfig", "Forecast", "ForecastConfig", "Forecasts", "Hourglass", "HourglassConfig",
    "PosePredictor", "PosePredictorConfig", "Refine", "RefineConfig", "condition", "future_of",
]  # fmt: skip
