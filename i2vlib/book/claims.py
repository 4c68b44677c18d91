"""Every claim of the three papers that the book answers: where it is made, in our words, and what would show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Claim(NamedTuple):
    """One claim: where the paper makes it, what it says in our words, what would show it, and the rule in words.

    The rule itself is a function of `i2vlib.book.rules`; a claim that nobody has answered yet has none. What is lower,
    higher, less or more differs by an interval over people that leaves out 0, with every seed agreeing.
    """

    where: str
    claim: str
    measure: str
    rule: str = ""


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
        "reproduced at 30 dB or more on average with the interval above 28; partly from 25 dB",
    ),
    "FAN-2": Claim(
        "§3.1", "The output varies smoothly with the intensity.",
        "largest change for each unit of intensity on a fine grid, against real clips",
        "reproduced if no made step is more than twice as steep as the steepest true one; partly up to four "
        "times",
    ),
    "FAN-3": Claim(
        "§3.1", "The more intensity, the further from the input.",
        "rank correlation of that distance with the intensity, and the share of falls, for each subject",
        "reproduced if at most 2 % of the steps fall; partly up to 10 %",
    ),
    "FAN-4": Claim(
        "§3.1", "Frames do not depend on one another: any number, order or subset may be asked for.",
        "one frame compared bit for bit in different company",
        "reproduced if the bits agree",
    ),
    "FAN-5": Claim(
        "§3.2", "A residual added to pixels leaves severe artefacts; added to features it does not.",
        "ablation: residual in pixels against residual in features",
        "in pixels the error is higher at the peak, it is higher half way, and half way a trained FAN beats "
        "any residual in pixels: reproduced if all three hold, partly if some do",
    ),
    "FAN-6": Claim(
        "Fig. 2", "Baselines keep up on faces seen in training; on unseen ones FAN is best.",
        "PSNR, landmark error and identity distance, seen against unseen, FAN against ConvLSTM and HP",
    ),
    "FAN-7": Claim(
        "Fig. 3", "Landmarks move as in the real clip, steadily and never back; ConvLSTM's hardly move, HP's jump.",
        "error of the landmark curve, its linear fit, its largest step, its falls",
        "partly at best, as two systems are missing: no more falls than the true curves, as straight, and .5 "
        "to 1.5 times as high",
    ),
    "FAN-8": Claim(
        "Fig. 4", "Without the local discriminator the mouth is blurred.",
        "sharpness and error inside the mouth",
        "reproduced if the mouth is less sharp without it",
    ),
    "FAN-9": Claim(
        "Fig. 4", "Without landmark prediction, features are doubled or out of place.",
        "landmark error of the generated frames",
        "reproduced if the error is higher without it",
    ),
    "FAN-10": Claim(
        "Fig. 4", "Without the temporal regulariser, motion jumps and frames blur.",
        "variance of the steps, sharpness",
        "without it steps are less even, and frames less sharp: reproduced if both hold, partly if one does",
    ),
    "FAN-11": Claim(
        "§3.4, Fig. 5a–b", "Where each person shows one emotion, training all emotions together beats one model each.",
        "expression error and identity distance, joint against single",
        "the joint model errs less at equal passes over the data: reproduced if so over three seeds with the "
        "person kept as well, partly if so at all",
    ),
    "FAN-12": Claim(
        "Fig. 5c", "One joint model leads from angry to happy by moving the intensities.",
        "expression scores along the path, both ends reached",
        "both ends are reached at .6 to 1.3 of the true rise, and the order is kept at .9: reproduced if "
        "both hold, partly if one does",
    ),
    "FAN-13": Claim(
        "§3.4", "Several intensities above 0 mix expressions.",
        "landmark motion of both expressions in the mixture",
        "a mixture holds if both expressions keep half of their motion: reproduced if all three do, partly "
        "if some",
    ),
    "FAN-14": Claim(
        "Table 1", "Raters prefer FAN to ConvLSTM (83.0 %), to HP (71.4 %) and to both (65.1 %).",
        "proxy for raters: share of clips won, with a bootstrap interval",
    ),
    "FAN-15": Claim(
        "Table 2", "Raters take 60.5 % of training and 49.9 % of test videos for real.",
        "proxy for raters: how often a held-out real/fake classifier is fooled",
        "reproduced if the interval holds 49.9 %; partly if it reaches 25 %",
    ),
    "AFF-1": Claim(
        "Prop. 1", "A code made by the affine step gives its intensity back by projection.",
        "exact test",
        "reproduced if no intensity is off by 0.00001",
    ),
    "AFF-2": Claim(
        "Prop. 2", "That projection is the intensity whose code is nearest in least squares.",
        "exact test against numerical minimisation, with the paper's and the released code's denominator",
        "reproduced if the paper's is within .001 of the minimum and the released code's is not",
    ),
    "AFF-3": Claim(
        "Eq. 5", "The intensity of frames is inferred without any label.",
        "correlation of inferred with true intensity, held-out subjects",
        "reproduced if the interval lies above .95; partly above .8",
    ),
    "AFF-4": Claim(
        "§3, Fig. 3", "The distance to the neutral face grows with the intensity, for every face.",
        "rank correlation and falls for each face",
        "reproduced if at most 1 % of the steps fall; partly up to 10 %",
    ),
    "AFF-5": Claim(
        "Fig. 7a", "With a plain MLP for the intensity the video is not monotonic.",
        "Kendall's tau of its intensity with the truth, against Eq. 5's",
        "reproduced if the tau of Eq. 5 is higher",
    ),
    "AFF-6": Claim(
        "Fig. 7b", "Without its adversarial loss the intensity leaves [0, 1] and is not monotonic; faces hardly move.",
        "share outside [0, 1], tau, amplitude of motion",
        "without it more frames lie outside [0, 1], tau is lower, and the face moves less: reproduced if all "
        "three hold, partly if some do",
    ),
    "AFF-7": Claim(
        "Fig. 7c", "E₀ looks at the outline of the face, EΔ at the part that moves.",
        "share of the input gradient inside the mask of the moving part, for each encoder",
        "reproduced if the share of EΔ is higher",
    ),
    "AFF-8": Claim(
        "Fig. 7d", "AffineGAN learns from two frames of each video; FAN does not.",
        "the chapter's metrics, both trained on two frames",
        "AffineGAN learns (order of the frames at .9, .8 of its motion kept) and FAN does not: reproduced if "
        "both hold, partly if one does",
    ),
    "AFF-9": Claim(
        "§4.2", "AffineGAN learns from shuffled frames; FAN does not.",
        "the chapter's metrics, both trained on shuffled clips",
        "AffineGAN learns (order of the frames at .9, .8 of its motion kept) and FAN does not: reproduced if "
        "both hold, partly if one does",
    ),
    "AFF-10": Claim(
        "§4.2", "AffineGAN learns from periodic videos; FAN does not.",
        "the chapter's metrics, both trained on periodic clips",
        "AffineGAN learns (order of the frames at .9, .8 of its motion kept) and FAN does not: reproduced if "
        "both hold, partly if one does",
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
        "by expression: the lead rises by at least half of what it does in real clips, the interval above a quarter, "
        "and nine portraits in ten stay the same person; all seven: reproduced; some: partly",
    ),
    "AFF-14": Claim(
        "Table 1", "Raters prefer AffineGAN to ConvLSTM (74.9 %), VideoGAN (77.7 %), FGST (79.7 %) and GANimation "
        "(69.9 %).",
        "proxy for raters: share of clips won",
    ),
    "AFF-15": Claim(
        "Table 1", "Raters take 54.2 % of generated and 80.8 % of real videos for real (the text says about 85 %).",
        "proxy for raters: how often a held-out real/fake classifier is fooled",
        "reproduced if the interval holds 54.2 %; partly if it reaches 25 %",
    ),
    "AFF-16": Claim(
        "§3.1", "One model for all expressions is easily had, with domain labels and a classification loss.",
        "one model for all expressions against one model each",
        "order of the frames at .9 or above, and an error less than .05 above the single models': reproduced "
        "if both hold, partly if the first does",
    ),
    "AFF-17": Claim(
        "§5", "With the peak as source and neutral as target, the same method finds the way back.",
        "the chapter's metrics on reversed clips",
        "order of the frames at .9 or above, and .8 of the motion kept: reproduced if both hold, partly if "
        "one does",
    ),
    "AFF-18": Claim(
        "released code", "The released code does what the paper says.",
        "every difference found, each switched alone",
        "reproduced if no difference touches the mathematics",
    ),
    "FRG-1": Claim(
        "Eq. 2, Fig. 3", "Mask and content are learnt more easily than one map of differences.",
        "error on moving and on static pixels, overlap of mask and motion, mean of the mask",
        "reproduced if Eq. 2 as printed errs less than one map of differences, not reproduced if it errs "
        "more, partly in between",
    ),
    "FRG-2": Claim(
        "§3.2", "Dense connections in the decoder help.", "ablation",
        "reproduced if the error is higher without them",
    ),
    "FRG-3": Claim(
        "§3.2", "Training on random jumps in time helps.",
        "pairs (t, t + k) against pairs (0, k)",
        "reproduced if the error is higher without them",
    ),
    "FRG-4": Claim(
        "Eq. 6", "An L1 penalty keeps the mask sparse.", "sweep of its weight",
        "the mask's mean falls with the weight in every seed: reproduced if that costs an error of .05 at "
        "most, partly if more",
    ),
    "FRG-5": Claim(
        "§3.3", "Refinement makes videos more coherent.",
        "ACD and flicker with and without it",
        "less flicker at no more than .05 less motion, and ACD-C nearer to the real clips': reproduced if "
        "both hold, partly if one does",
    ),
    "FRG-6": Claim(
        "§3.3", "The video critic could do alone, yet the image critic beside it helps much.",
        "refinement without the image critic",
        "the video critic alone makes clips more coherent, and the image critic helps beside it: reproduced "
        "if both hold, partly if one does",
    ),
    "FRG-7": Claim(
        "§3.1, Fig. 6", "A 3D face model carries an expression from one person to another, who stays the same person.",
        "retargeting between people: identity distance, landmark error, error of the normal maps",
        "landmarks and blendshapes within half of copying's error, .6 of the lead, ACD-I up to 1.7 of the "
        "real clips', less change outside than the true clip's: reproduced if all hold, partly if the person "
        "and the lead are kept",
    ),
    "FRG-8": Claim(
        "Table 1", "ACD-I and -C: FRGAN .184, .107; MoCoGAN .291, .205; MCNet .545, .322; Villegas .683, .130; "
        "real .109, .098.",
        "the same distances over the real clips'",
        "partly at best, as the other systems are missing: both distances, over the real clips', below the "
        "paper's own 1.69 and 1.09",
    ),
    "FRG-9": Claim(
        "Table 4", "ACD-I, ACD-C and MSE: full .184, .107, .011; forecast alone .252, .140, .014; without dense "
        "connections .459, .155, .027.",
        "the same three rows, ACD on faces and MSE on poses",
        "the order of the three rows, in ACD-I and in ACD-C: reproduced if both hold, partly if one does",
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
