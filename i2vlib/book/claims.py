"""Every claim of the three papers that the book answers: where it is made, in our words, and what would show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Claim(NamedTuple):
    """One claim: where the paper makes it, what it says in our words, and what would show it."""

    where: str
    claim: str
    measure: str


@dataclass(frozen=True)
class Answer:
    """What a rule says of a claim.

    Attributes:
        verdict: one of `ledger.VERDICTS`.
        value: the number behind it; None if there is none.
        interval: its ends over people; None if there is none.
        runs: the runs it rests on; none for an exact test.
        note: one sentence that says what the number is.
        evidence: what the rule was handed, plain numbers and lists.
    """

    verdict: str
    value: float | None
    interval: tuple[float, float] | None
    runs: tuple[str, ...]
    note: str
    evidence: Mapping[str, object] = field(default_factory=dict)


#: Every claim that the book answers, by its id.
CLAIMS: Mapping[str, Claim] = {
    "FAN-1": Claim(
        "§3.1", "At intensity 0 the output is the input.",
        "L1 and PSNR of the output at 0 against the input, held-out subjects",
    ),
    "FAN-2": Claim(
        "§3.1", "The output varies smoothly with the intensity.",
        "largest change for each unit of intensity on a fine grid, against real clips",
    ),
    "FAN-3": Claim(
        "§3.1", "The more intensity, the further from the input.",
        "rank correlation of that distance with the intensity, and the share of falls, for each subject",
    ),
    "FAN-4": Claim(
        "§3.1", "Frames do not depend on one another: any number, order or subset may be asked for.",
        "one frame compared bit for bit in different company",
    ),
    "FAN-5": Claim(
        "§3.2", "A residual added to pixels leaves severe artefacts; added to features it does not.",
        "ablation: residual in pixels against residual in features",
    ),
    "FAN-6": Claim(
        "Fig. 2", "Baselines keep up on faces seen in training; on unseen ones FAN is best.",
        "PSNR, landmark error and identity distance, seen against unseen, FAN against ConvLSTM and HP",
    ),
    "FAN-7": Claim(
        "Fig. 3", "Landmarks move as in the real clip, steadily and never back; ConvLSTM's hardly move, HP's jump.",
        "error of the landmark curve, its linear fit, its largest step, its falls",
    ),
    "FAN-8": Claim(
        "Fig. 4", "Without the local discriminator the mouth is blurred.",
        "sharpness and error inside the mouth",
    ),
    "FAN-9": Claim(
        "Fig. 4", "Without landmark prediction, features are doubled or out of place.",
        "landmark error of the generated frames",
    ),
    "FAN-10": Claim(
        "Fig. 4", "Without the temporal regulariser, motion jumps and frames blur.",
        "variance of the steps, sharpness",
    ),
    "FAN-11": Claim(
        "§3.4, Fig. 5a–b", "Where each person shows one emotion, training all emotions together beats one model each.",
        "expression error and identity distance, joint against single",
    ),
    "FAN-12": Claim(
        "Fig. 5c", "One joint model leads from angry to happy by moving the intensities.",
        "expression scores along the path, both ends reached",
    ),
    "FAN-13": Claim(
        "§3.4", "Several intensities above 0 mix expressions.",
        "landmark motion of both expressions in the mixture",
    ),
    "FAN-14": Claim(
        "Table 1", "Raters prefer FAN to ConvLSTM (83.0 %), to HP (71.4 %) and to both (65.1 %).",
        "proxy for raters: share of clips won, with a bootstrap interval",
    ),
    "FAN-15": Claim(
        "Table 2", "Raters take 60.5 % of training and 49.9 % of test videos for real.",
        "proxy for raters: how often a held-out real/fake classifier is fooled",
    ),
    "AFF-1": Claim(
        "Prop. 1", "A code made by the affine step gives its intensity back by projection.",
        "exact test",
    ),
    "AFF-2": Claim(
        "Prop. 2", "That projection is the intensity whose code is nearest in least squares.",
        "exact test against numerical minimisation, with the paper's and the released code's denominator",
    ),
    "AFF-3": Claim(
        "Eq. 5", "The intensity of frames is inferred without any label.",
        "correlation of inferred with true intensity, held-out subjects",
    ),
    "AFF-4": Claim(
        "§3, Fig. 3", "The distance to the neutral face grows with the intensity, for every face.",
        "rank correlation and falls for each face",
    ),
    "AFF-5": Claim(
        "Fig. 7a", "With a plain MLP for the intensity the video is not monotonic.",
        "Kendall's tau of its intensity with the truth, against Eq. 5's",
    ),
    "AFF-6": Claim(
        "Fig. 7b", "Without its adversarial loss the intensity leaves [0, 1] and is not monotonic; faces hardly move.",
        "share outside [0, 1], tau, amplitude of motion",
    ),
    "AFF-7": Claim(
        "Fig. 7c", "E₀ looks at the outline of the face, EΔ at the part that moves.",
        "share of the input gradient inside the mask of the moving part, for each encoder",
    ),
    "AFF-8": Claim(
        "Fig. 7d", "AffineGAN learns from two frames of each video; FAN does not.",
        "the chapter's metrics, both trained on two frames",
    ),
    "AFF-9": Claim(
        "§4.2", "AffineGAN learns from shuffled frames; FAN does not.",
        "the chapter's metrics, both trained on shuffled clips",
    ),
    "AFF-10": Claim(
        "§4.2", "AffineGAN learns from periodic videos; FAN does not.",
        "the chapter's metrics, both trained on periodic clips",
    ),
    "AFF-11": Claim(
        "Table 2", "ACD-I, -C and -G: AffineGAN .31, .29, .39; GANimation .35, .25, .47; ConvLSTM, VideoGAN and FGST "
        "about 1 or more; real .29, .28, 0.",
        "the same distances over the real clips', with the rate of detected faces",
    ),
    "AFF-12": Claim(
        "Fig. 4–5", "VideoGAN changes the person, FGST distorts, ConvLSTM blurs, GANimation moves too little.",
        "identity distance, sharpness and amplitude of motion of each method",
    ),
    "AFF-13": Claim(
        "Fig. 6", "All seven expressions work on a face from the internet.",
        "portraits from outside the training data",
    ),
    "AFF-14": Claim(
        "Table 1", "Raters prefer AffineGAN to ConvLSTM (74.9 %), VideoGAN (77.7 %), FGST (79.7 %) and GANimation "
        "(69.9 %).",
        "proxy for raters: share of clips won",
    ),
    "AFF-15": Claim(
        "Table 1", "Raters take 54.2 % of generated and 80.8 % of real videos for real (the text says about 85 %).",
        "proxy for raters: how often a held-out real/fake classifier is fooled",
    ),
    "AFF-16": Claim(
        "§3.1", "One model for all expressions is easily had, with domain labels and a classification loss.",
        "one model for all expressions against one model each",
    ),
    "AFF-17": Claim(
        "§5", "With the peak as source and neutral as target, the same method finds the way back.",
        "the chapter's metrics on reversed clips",
    ),
    "AFF-18": Claim(
        "released code", "The released code does what the paper says.",
        "every difference found, each switched alone",
    ),
    "FRG-1": Claim(
        "Eq. 2, Fig. 3", "Mask and content are learnt more easily than one map of differences.",
        "error on moving and on static pixels, overlap of mask and motion, mean of the mask",
    ),
    "FRG-2": Claim("§3.2", "Dense connections in the decoder help.", "ablation"),
    "FRG-3": Claim(
        "§3.2", "Training on random jumps in time helps.",
        "pairs (t, t + k) against pairs (0, k)",
    ),
    "FRG-4": Claim("Eq. 6", "An L1 penalty keeps the mask sparse.", "sweep of its weight"),
    "FRG-5": Claim(
        "§3.3", "Refinement makes videos more coherent.",
        "ACD and flicker with and without it",
    ),
    "FRG-6": Claim(
        "§3.3", "The video critic could do alone, yet the image critic beside it helps much.",
        "refinement without the image critic",
    ),
    "FRG-7": Claim(
        "§3.1, Fig. 6", "A 3D face model carries an expression from one person to another, who stays the same person.",
        "retargeting between people: identity distance, landmark error, error of the normal maps",
    ),
    "FRG-8": Claim(
        "Table 1", "ACD-I and -C: FRGAN .184, .107; MoCoGAN .291, .205; MCNet .545, .322; Villegas .683, .130; "
        "real .109, .098.",
        "the same distances over the real clips'",
    ),
    "FRG-9": Claim(
        "Table 4", "ACD-I, ACD-C and MSE: full .184, .107, .011; forecast alone .252, .140, .014; without dense "
        "connections .459, .155, .027.",
        "the same three rows, ACD on faces and MSE on poses",
    ),
    "FRG-10": Claim(
        "Table 2", "Raters prefer FRGAN to MCNet (84.2 %), Villegas (74.6 %) and MoCoGAN (62.5 %).",
        "proxy for raters: share of clips won",
    ),
    "FRG-11": Claim(
        "§3.1, §4.3", "An LSTM forecasts 32 poses from 10, and the video follows them.",
        "joint error of the forecast, MSE and PSNR of the frames",
    ),
    "FRG-12": Claim(
        "Table 3", "MSE: FRGAN .023, Villegas .030, Mathieu .041, VGAN .047; with true poses .011 and .025.",
        "the same table on the action data at hand",
    ),
    "FRG-13": Claim(
        "Fig. 7", "FRGAN's PSNR, action by action, against the compared systems'.", "the same figure, eight actions",
    ),
    "FRG-14": Claim(
        "Eq. 15", "A loss on features of appearance and of structure helps on poses.",
        "not testable without the weights of VGG16 and Hourglass; a stand-in, named as one",
    ),
}  # fmt: skip
