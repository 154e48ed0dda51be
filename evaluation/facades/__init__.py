"""Labelled facade photographs: folders, tiles, splits and annotations."""

from .dataset import DatasetError, FacadeSample, read_sample, read_split
from .splits import split_by_source
from .tile_root import read_tiles

__all__ = ["DatasetError", "FacadeSample", "read_sample", "read_split", "read_tiles", "split_by_source"]
