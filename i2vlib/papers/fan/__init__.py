r"""FAN: controllable image-to-video translation, a case study on facial expression generation (Fan et al., 2019).

A still is encoded twice: as what it is, and as what changes in it. A frame is decoded from their sum, weighed by the
intensity, which the user gives. In training it is given as well: FAN reads it off a frame's place in time, and infers
nothing. `equations` is the paper's section 3 number by number; `method` follows it and names them.

A number, its home, the test that works it by hand, the chapter that derives it and under which heading:

Eq. 1  equations.affine             test_eq_1_layer_by_layer        fan  A still, a change and a dial
Eq. 2  method.FAN.outputs           test_eq_2_decodes_the_sum       fan  A still, a change and a dial
Eq. 3  equations.adversarial        test_eq_3_by_hand               fan  What holds a frame to the truth
Eq. 4  equations.adversarial_local  test_eq_4_by_hand               fan  What holds a frame to the truth
Eq. 5  equations.temporal           test_eq_5_by_hand               fan  A regulariser that asks for stillness
Eq. 6  method.FAN                   test_eq_6_both_sides_by_hand    fan  What holds a frame to the truth
Eq. 7  equations.joint              test_eq_7_adds_all_expressions  fan  One model, three expressions

The sixth is a sum of losses under a minimax, so its home is no function but the whole game.
"""

from i2vlib.papers.fan.config import PAPER_WEIGHTS, FANConfig
from i2vlib.papers.fan.equations import neighbours
from i2vlib.papers.fan.method import FAN
from i2vlib.papers.fan.networks import expected_points

__all__ = ["FAN", "FANConfig", "PAPER_WEIGHTS", "expected_points", "neighbours"]
