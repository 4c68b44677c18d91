r"""AffineGAN: facial image-to-video translation by a hidden affine transformation (Shen et al., 2019).

A still is encoded twice: as what it is, and as the direction in which its expression grows. A frame is decoded from
a point on that line, and the intensity of a real frame is read off by projecting its own code on the line, so nobody
has to label it. `equations` is the paper's section 3 number by number; `method` follows its procedure and names them.

A number, its home, the test that works it by hand, the chapter that derives it and under which heading:

Eq. 1   method.AffineGAN.encode          test_eq_1_two_encoders           affinegan  A still, a direction and a distance
Eq. 2   equations.affine                 test_eq_2_a_step_along_a_line    affinegan  A still, a direction and a distance
Eq. 3   method.AffineGAN.decode          test_eq_3_decodes_the_step       affinegan  A still, a direction and a distance
Eq. 4   equations.projected              test_eq_4_the_closest_step       affinegan  Reading the intensity off a frame
Eq. 5   equations.intensity              test_eq_5_is_never_negative      affinegan  Reading the intensity off a frame
Eq. 6   method.AffineGAN.outputs         test_eq_6_through_the_intensity  affinegan  Two games and two reconstructions
Eq. 7   equations.adversarial            test_eq_7_by_hand                affinegan  Two games and two reconstructions
Eq. 8   equations.adversarial_local      test_eq_8_by_hand                affinegan  Two games and two reconstructions
Eq. 9   equations.reconstruction         test_eq_9_by_hand                affinegan  Two games and two reconstructions
Eq. 10  equations.reconstruction_self    test_eq_10_by_hand               affinegan  Two games and two reconstructions
Eq. 11  equations.adversarial_intensity  test_eq_11_draws_are_real        affinegan  Two games and two reconstructions
Eq. 12  method.AffineGAN                 test_eq_12_both_sides_by_hand    affinegan  Two games and two reconstructions

Proposition 1  equations.projected  test_proposition_1  affinegan  Reading the intensity off a frame
Proposition 2  equations.projected  test_proposition_2  affinegan  Reading the intensity off a frame

The last number is a sum of the losses above it under a minimax, so its home is no function but the whole game.
"""

from i2vlib.papers.affinegan.config import PAPER_WEIGHTS, AffineGANConfig
from i2vlib.papers.affinegan.equations import affine, projected
from i2vlib.papers.affinegan.method import AffineGAN
from i2vlib.papers.affinegan.networks import IntensityRegressor

__all__ = ["AffineGAN", "AffineGANConfig", "IntensityRegressor", "PAPER_WEIGHTS", "affine", "projected"]
