"""``python -m tiny_vlm.join PICTURES WORDS OUT``: one dual encoder of two that continued the same one.

The picture tower can learn against fixed texts (``tiny_vlm.train --keep-words``) while, beside it, the text
tower learns words against fixed pictures (``words-finetuned``): both stay where the weights they began with
had put the concepts, so that the towers still fit together afterwards.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

PICTURE_SIDE = ("visual.", "logit_scale")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tiny_vlm.join", description="Join two dual encoders.")
    parser.add_argument("pictures", type=Path, help="weights whose picture tower and scale are taken")
    parser.add_argument("words", type=Path, help="weights whose text tower is taken")
    parser.add_argument("out", type=Path, help="file to write")
    options = parser.parse_args(argv)
    try:
        joined = join_towers(load_file(str(options.pictures)), load_file(str(options.words)))
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    save_file(joined, str(options.out), metadata={"format": "pt"})
    return 0


def join_towers(pictures: Mapping[str, Tensor], words: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the picture tower and the scale of one state dict, all else of the other.

    Raises:
        ValueError: the two do not hold the same tensors.
    """
    differing = [
        name for name in sorted(set(pictures) | set(words)) if _shape(pictures, name) != _shape(words, name)
    ]
    if differing:
        raise ValueError(
            f"The two are different networks: {differing[0]} and {len(differing) - 1} more tensors differ in "
            "shape. Join weights that continued the same ones."
        )
    return {name: (pictures if name.startswith(PICTURE_SIDE) else words)[name] for name in words}


def _shape(state: Mapping[str, Tensor], name: str) -> tuple[int, ...] | None:
    return tuple(state[name].shape) if name in state else None


if __name__ == "__main__":
    raise SystemExit(main())
