import dataclasses
from typing import Any

import pytest

from lposs_core.config import LPOSS_PLUS, LPOSSConfig


def test_the_defaults_are_the_published_values():
    published = {
        "alpha": 0.95, "gamma": 3.0, "k": 400, "sigma": 0.01, "pix_dist_pow": 1.0, "tau": 0.01, "r": 13,
        "cg_tol": 1e-6, "cg_maxiter": 10, "solver": "published", "pixel_refine": False,
        "short_side": 448, "long_side": 2048, "crop": 224, "stride": 112,
    }  # fmt: skip
    assert published.items() <= LPOSSConfig().to_mapping().items()
    assert LPOSSConfig(pixel_refine=True) == LPOSS_PLUS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpha", 1.0), ("alpha", -0.1), ("alpha", float("nan")), ("gamma", -1.0), ("k", 0), ("sigma", -0.1),
        ("pix_dist_pow", 0.0), ("tau", 0.0), ("tau", float("inf")), ("r", 0), ("r", 33), ("cg_tol", 1.0),
        ("cg_maxiter", 0), ("short_side", 8), ("crop", 15), ("stride", 7), ("stride", 225),
        ("long_side", 447), ("solver", "quick"), ("knn", "annoy"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any):
    with pytest.raises(ValueError, match=name):
        LPOSSConfig(**{name: value})


@pytest.mark.parametrize(("name", "value"), [("k", 2.5), ("alpha", "0.9"), ("k", True), ("pixel_refine", 1)])
def test_a_value_of_the_wrong_kind_is_refused_by_name(name: str, value: Any):
    with pytest.raises(TypeError, match=name):
        LPOSSConfig(**{name: value})


def test_an_unknown_setting_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match="no setting 'sigme'; did you mean 'sigma'"):
        LPOSSConfig.from_mapping({"alpha": 0.9, "sigme": 0.02})
    with pytest.raises(ValueError, match="no setting 'windows_per_side'"):
        LPOSSConfig().replace(windows_per_side=3)


def test_settings_survive_a_round_trip_through_a_mapping():
    config = LPOSSConfig(alpha=0.5, r=5, solver="exact", knn="torch")
    assert LPOSSConfig.from_mapping(config.to_mapping()) == config
    assert LPOSSConfig.from_mapping({}) == LPOSSConfig()


def test_replace_validates_and_leaves_the_original_alone():
    config = LPOSSConfig()
    assert config.replace(alpha=0.0).alpha == 0.0
    assert config.alpha == 0.95
    with pytest.raises(ValueError, match="alpha"):
        config.replace(alpha=2.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.alpha = 0.1  # type: ignore[misc]
