"""Explanations of any module's score, each with figures that say whether to believe it.

score = score_of(model, ClassTarget(index=3, temperature=100, competition="probability"))
result = integrated_gradients(score, image)          # the shares of the pixels sum to the score difference
trust = faithfulness(score, image, result)           # deletion and insertion against random orders
picture = shared_scale([result, other]).gray(result)  # one scale for maps that are compared
"""

from attribution.baselines import BaselineKind, baseline_picture, blurred
from attribution.faithfulness import Curve, Faithfulness, faithfulness, random_curves
from attribution.grad_cam import grad_cam
from attribution.heatmap import Scale, ScaleKind, resize_shares, shared_scale
from attribution.implicit import check_solve, implicit_solve, influence
from attribution.integrated_gradients import integrated_gradients
from attribution.localisation import heatmap_iou, pointing_game
from attribution.randomisation import RandomisedStage, randomisation_check, rank_correlation
from attribution.result import Attribution, load_attribution
from attribution.score import Score, score_gradient, score_of
from attribution.smoothgrad import SmoothGrad
from attribution.target import ClassTarget, Competition, pixel_region, values_at, winning_region
from attribution.tokens import TokenLayout

__all__ = [
    "Attribution",
    "BaselineKind",
    "ClassTarget",
    "Competition",
    "Curve",
    "Faithfulness",
    "RandomisedStage",
    "Scale",
    "ScaleKind",
    "Score",
    "SmoothGrad",
    "TokenLayout",
    "baseline_picture",
    "blurred",
    "check_solve",
    "faithfulness",
    "grad_cam",
    "heatmap_iou",
    "implicit_solve",
    "influence",
    "integrated_gradients",
    "load_attribution",
    "pixel_region",
    "pointing_game",
    "random_curves",
    "randomisation_check",
    "rank_correlation",
    "resize_shares",
    "score_gradient",
    "score_of",
    "shared_scale",
    "values_at",
    "winning_region",
]
