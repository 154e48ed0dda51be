"""Explanations of any module's score: Grad-CAM, Integrated Gradients, faithfulness.

The package is empty in this version. It is listed so that the import rule (libraries import nothing of
ours) holds from the first method on.
"""

__all__: list[str] = []
