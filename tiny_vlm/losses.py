"""Training objectives."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

PULL = 5.0  # weight of the distance of words to their place
MARGIN = 0.15  # cosine that patches of different things may keep


def patch_phrase_loss(
    patches: Tensor,
    spaces: Sequence[str],
    shares: Sequence[Tensor],
    texts: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    scale: Tensor,
) -> Tensor:
    """Contrast patches with the phrases of their label space; a patch of several things has soft targets.

    Args:
        patches: unit vectors ``(B, N, D)``.
        spaces: label space of each picture.
        shares: share of each concept in each patch, ``(N, concepts)`` per picture.
        texts: unit vectors of K phrases for each concept, by space, ``(K, concepts, D)``.
        weights: weight of each concept, by space, ``(concepts,)``.
        scale: what cosines are multiplied by.

    Returns:
        Cross entropy averaged over labelled patches by weight; 0 where nothing is labelled.
    """
    total = patches.new_zeros(())
    weight_sum = patches.new_full((), 1e-6)
    for name in sorted(set(spaces)):
        members = [index for index, space in enumerate(spaces) if space == name]
        target = torch.stack([shares[index] for index in members])
        logits = scale * torch.einsum("bnd,kcd->bnkc", patches[members], texts[name])
        weighted = target * weights[name]
        total = total - (weighted * logits.log_softmax(-1).mean(2)).sum()
        weight_sum = weight_sum + weighted.sum()
    return total / weight_sum


def phrase_loss(texts: Mapping[str, Tensor], scale: Tensor) -> Tensor:
    """Contrast phrases with other phrases of the same concept: synonyms and languages meet early.

    Args:
        texts: unit vectors of K phrases for each concept, by space, ``(K, concepts, D)``.
        scale: what cosines are multiplied by.
    """
    losses = []
    for vectors in texts.values():
        draws, concepts, _ = vectors.shape
        logits = scale * vectors @ vectors.roll(1, 0).transpose(1, 2)
        truth = torch.arange(concepts, device=vectors.device).expand(draws, -1)
        losses.append(F.cross_entropy(logits.flatten(0, 1), truth.flatten()))
    return torch.stack(losses).mean()


def word_loss(words: Tensor, anchors: Tensor, shares: Tensor, scale: Tensor) -> Tensor:
    """Draw words to the anchors of what they mean: cross entropy, and distance to the mean of the anchors.

    The distance puts the words of one meaning at one place, so that none of them outscores the words of
    another meaning on every patch.

    Args:
        words: unit vectors ``(W, D)``.
        anchors: unit vectors ``(M, D)``.
        shares: how much of each word's meaning is at each anchor, ``(W, M)``; rows sum to 1.
        scale: what cosines are multiplied by.
    """
    place = F.normalize(shares @ anchors, dim=-1)
    return F.cross_entropy(scale * words @ anchors.T, shares) + PULL * (1 - (words * place).sum(-1)).mean()


def caption_loss(images: Tensor, captions: Tensor, scale: Tensor) -> Tensor:
    """CLIP's symmetric contrast between pictures and captions, unit vectors ``(B, D)`` each."""
    logits = scale * images @ captions.T
    truth = torch.arange(len(images), device=images.device)
    return (F.cross_entropy(logits, truth) + F.cross_entropy(logits.T, truth)) / 2


def agreement_loss(features: Tensor, shares: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
    """Draw patches of one thing together, push others below a cosine of ``MARGIN``.

    Pairs are taken within each picture (both of its crops); squares make the cosine of a doubtful pair settle
    between the two ends. Both kinds of pairs count the same, however many there are.

    Args:
        features: unit vectors of the patches of each picture, ``(B, N, D)``.
        shares: share of each concept in these patches, ``(N, concepts)`` per picture.
        weights: weight of each concept, ``(concepts,)`` per picture.

    Returns:
        Mean squared distance of like pairs from 1 and of unlike pairs above the margin.
    """
    total = features.new_zeros(())
    for vectors, share, weight in zip(features, shares, weights, strict=True):
        labelled = share.sum(1)
        likeness = F.normalize(share, p=1, dim=1)
        same = likeness @ likeness.T
        emphasis = labelled * (likeness @ weight).sqrt()
        pairs = emphasis[:, None] * emphasis[None, :]
        cosine = vectors @ vectors.T
        pull = _weighted_mean((1 - cosine) ** 2, pairs * same)
        push = _weighted_mean((cosine - MARGIN).clamp_min(0) ** 2, pairs * (1 - same))
        total = total + pull + push
    return total / len(features)


def concept_weights(frequency: Tensor, power: float, largest: float) -> Tensor:
    """Weights that let rare concepts count more: ``(f / max f) ** -power``, at most ``largest``."""
    relative = frequency / frequency.max().clamp_min(1e-12)
    return relative.clamp_min(1e-9).pow(-power).clamp_max(largest)


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)
