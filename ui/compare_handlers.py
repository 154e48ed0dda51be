"""Between the comparison panel and the pipelines."""

from __future__ import annotations

import dataclasses
from typing import Any

from pipelines import Comparison, InferenceResult, PipelineError, compare
from pipelines.messages import Language

from .files import file_data
from .handlers import FORM_FIELDS, Form, Handlers
from .images import Picture
from .refusals import explain
from .text import LANGUAGES, say
from .viewer import METHOD_NAMES, write_label_map


class CompareHandlers:
    """What the comparison panel's events call.

    Args:
        page: gives pictures and requests.
    """

    def __init__(self, page: Handlers) -> None:
        self._page = page

    def compare(self, *values: Any) -> dict[str, Any]:
        """Segment the picture of the page in two ways. A refusal becomes the panel's sentence.

        Args:
            *values: the page's form, then method and checkpoint of the first result and of the second.
        """
        form = Form(*values[: len(FORM_FIELDS)])
        if form.image is None:
            return {"message": {code: say("no_image", code) for code in LANGUAGES}}
        method_a, checkpoint_a, method_b, checkpoint_b = values[len(FORM_FIELDS) :]
        try:
            picture, first = self._page.request_for(form)
            second = dataclasses.replace(first, method=method_b, checkpoint=checkpoint_b, settings=None)
            first = dataclasses.replace(first, method=method_a, checkpoint=checkpoint_a, settings=None)
            return comparison_value(picture, compare(first, second, self._page.registry))
        except PipelineError as error:
            return {"message": {code: error.text(code) for code in LANGUAGES}}
        except Exception as error:
            return {"message": dict.fromkeys(LANGUAGES, explain(error))}


def comparison_value(picture: Picture, found: Comparison) -> dict[str, Any]:
    """What the browser needs to draw two results of one picture.

    Args:
        picture: that both are about.
        found: both results and what differs.
    """
    report = found.report()
    return {
        "image": file_data(picture.jpeg),
        "sides": [_side(found.first), _side(found.second)],
        "classes": report["classes"],
        "changed": report["changed"],
    }


def _side(result: InferenceResult) -> dict[str, Any]:
    label: dict[Language, str] = {
        code: result.checkpoint.label.get(code, result.checkpoint.id) for code in LANGUAGES
    }
    return {
        "label_map": file_data(write_label_map(result.label_map)),
        "method": METHOD_NAMES[result.method],
        "checkpoint": result.checkpoint.id,
        "title": label,
        "seconds": sum(result.seconds.values()),
    }
