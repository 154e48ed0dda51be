"""PnP-OVSS: open-vocabulary segmentation from the cross-attention of an image-text matching model.

This version holds the settings of the method with their published values; the method is not part of it yet.
"""

from pnp_ovss.config import PnPOVSSConfig

__all__ = ["PnPOVSSConfig"]
