"""Serve the page: what ``python app.py``, ``make demo`` and a Space run."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

ENVIRONMENT = {  # read once, when the libraries below are imported; values that are set already stay
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_ETAG_TIMEOUT": "5",
    "HF_HUB_DOWNLOAD_TIMEOUT": "15",
    "OMP_WAIT_POLICY": "passive",  # idle threads that spin starve a shared processor
}
for name, value in ENVIRONMENT.items():
    os.environ.setdefault(name, value)

from pipelines import PipelineError, build_registry  # noqa: E402
from ui import build_demo, launch_options, warm_up  # noqa: E402


def examples_folder() -> Path | None:
    """The folder of ``EXAMPLES_DIR``, whose pictures are offered beside the drawn ones."""
    folder = os.environ.get("EXAMPLES_DIR")
    return Path(folder).expanduser().resolve() if folder else None


registry = build_registry(device=os.environ.get("DEVICE"))
demo = build_demo(registry, examples_folder())


def address() -> tuple[str, int]:
    """Host and port: ``HOST`` and ``PORT``, otherwise what Gradio's own variables say (a Space sets them)."""
    host = os.environ.get("HOST") or os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    return host, int(os.environ.get("PORT") or os.environ.get("GRADIO_SERVER_PORT", "7860"))


def prepare() -> None:
    """Load the model and segment the first picture, so that the first visitor does not wait."""
    try:
        warm_up(registry, examples_folder())
    except PipelineError as error:
        logging.warning("The first picture is not prepared: %s", error)


def main() -> int:
    """Serve until interrupted; the exit status is 1 when the address cannot be opened."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    host, port = address()
    try:
        demo.launch(
            server_name=host, server_port=port, quiet=True, prevent_thread_lock=True, **launch_options()
        )
    except OSError as error:
        print(f"Port {port} of {host} cannot be opened ({error}). Set PORT to a free one.", file=sys.stderr)
        return 1
    print(f"Facade Lens answers at http://{host}:{port}", flush=True)
    threading.Thread(target=prepare, name="warm-up", daemon=True).start()
    demo.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())
