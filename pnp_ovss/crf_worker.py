"""The child process of :mod:`pnp_ovss.crf`: arrays come on stdin, class probabilities go to stdout.

Run by path, not imported: it must not load anything but numpy and the native code it keeps apart.
"""

import io
import json
import sys

import numpy as np
from numpy.typing import NDArray


def marginals(
    probabilities: NDArray[np.float32], image: NDArray[np.uint8], options: dict[str, float]
) -> NDArray[np.float32]:
    """Run the dense CRF: probabilities ``(C, H, W)`` in and out."""
    from pydensecrf.densecrf import DenseCRF2D

    classes, height, width = probabilities.shape
    field = DenseCRF2D(width, height, classes)
    energy = -np.log(np.clip(probabilities, 1e-5, 1)).reshape(classes, -1)
    field.setUnaryEnergy(np.ascontiguousarray(energy, dtype=np.float32))
    field.addPairwiseGaussian(sxy=options["gaussian_sxy"], compat=options["gaussian_compat"])
    field.addPairwiseBilateral(
        sxy=options["bilateral_sxy"],
        srgb=options["bilateral_srgb"],
        rgbim=image,
        compat=options["bilateral_compat"],
    )
    return np.asarray(field.inference(int(options["iterations"])), np.float32).reshape(classes, height, width)


def main() -> None:
    """Answer one request."""
    request = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False)
    options = json.loads(str(request["options"]))
    answer = marginals(request["probabilities"], request["image"].copy(), options)
    reply = io.BytesIO()  # a pipe has no position, which numpy asks for
    np.save(reply, answer, allow_pickle=False)
    sys.stdout.buffer.write(reply.getvalue())


if __name__ == "__main__":
    main()
