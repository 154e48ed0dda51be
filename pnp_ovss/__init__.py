"""PnP-OVSS: open-vocabulary segmentation from the cross-attention of an image-text matching model.

segmenter = PnPOVSS(load_blip("Salesforce/blip-itm-large-flickr"))
labels = segmenter.segment(image, [["window"], ["brick wall", "plaster"]]).label_map
"""

from pnp_ovss.backbone import Caption, ITMBackbone, write_captions
from pnp_ovss.blip import BlipBackbone, blip_config, load_blip
from pnp_ovss.bridgetower import BridgeTowerBackbone
from pnp_ovss.class_filter import parse_reply
from pnp_ovss.config import PnPOVSSConfig
from pnp_ovss.crf import DenseCRFError, crf_probabilities, dense_crf
from pnp_ovss.gradcam import token_maps
from pnp_ovss.label_maps import Stack, has_background, postprocess, smoothed_stack, to_labels
from pnp_ovss.lavis_keys import (
    LavisMismatch,
    LavisReport,
    convert_lavis_state,
    load_lavis_state,
    read_lavis_file,
)
from pnp_ovss.metrics import SegmentationScore, confusion, mean_iou, score
from pnp_ovss.preprocess import drop_patches, prepare_image
from pnp_ovss.salience_dropout import merge_rounds
from pnp_ovss.segmenter import NO_CLASS, PnPOVSS, PnPResult, Salience
from pnp_ovss.word_maps import class_maps, word_spans

__all__ = [
    "NO_CLASS",
    "BlipBackbone",
    "BridgeTowerBackbone",
    "Caption",
    "DenseCRFError",
    "ITMBackbone",
    "LavisMismatch",
    "LavisReport",
    "PnPOVSS",
    "PnPOVSSConfig",
    "PnPResult",
    "Salience",
    "SegmentationScore",
    "Stack",
    "blip_config",
    "class_maps",
    "confusion",
    "convert_lavis_state",
    "crf_probabilities",
    "dense_crf",
    "drop_patches",
    "has_background",
    "load_blip",
    "load_lavis_state",
    "mean_iou",
    "merge_rounds",
    "parse_reply",
    "postprocess",
    "prepare_image",
    "read_lavis_file",
    "score",
    "smoothed_stack",
    "to_labels",
    "token_maps",
    "word_spans",
    "write_captions",
]
