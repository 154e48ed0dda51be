from __future__ import annotations

import numpy as np
import pytest

from pnp_ovss import PnPOVSSConfig, class_maps, word_spans
from pnp_ovss.word_maps import join_texts

TOKENS = ["[CLS]", "a", "picture", "of", "aero", "##plane", "sky", "tv", "##mon", "##itor", "[SEP]", "[PAD]"]
MAPS = np.arange(11, dtype=np.float32)[:, None, None] * np.ones((11, 2, 2), np.float32)


def test_words_are_the_mean_of_their_pieces() -> None:
    """Rows 3 and 4 are aero, ##plane; 5 sky; 6, 7, 8 the monitor."""
    assert class_maps(MAPS, TOKENS, PnPOVSSConfig())[:, 0, 0].tolist() == [3.5, 5, 7]


def test_the_published_code_sums_the_last_word() -> None:
    assert class_maps(MAPS, TOKENS, PnPOVSSConfig.published())[:, 0, 0].tolist() == [3.5, 5, 21]


def test_spans_end_before_the_separator() -> None:
    assert word_spans(TOKENS) == [(4, 6), (6, 7), (7, 10)]


def test_a_caption_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="no class word follows 'a picture of'"):
        word_spans(["[CLS]", "a", "picture", "of", "[SEP]"])


def test_too_few_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="12 tokens need 11 maps, got 5"):
        class_maps(MAPS[:5], TOKENS, PnPOVSSConfig())


def test_a_class_takes_the_largest_of_its_texts() -> None:
    maps = np.array([[[1, 9]], [[4, 2]], [[0, 7]]], np.float32)
    np.testing.assert_array_equal(join_texts(maps, [2, 1]), [[[4, 9]], [[0, 7]]])
