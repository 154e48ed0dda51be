"""The page on the bundled model, served in this process, and a real browser in front of it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from lposs_core import OpenCLIPEncoder, TimmPatchEncoder
from pipelines import PipelineRegistry, build_registry
from tiny_vlm.facades import draw_facade
from ui import build_demo, launch_options

CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
ANSWER_LIMIT = 60_000
NOT_OURS = (
    "ignore::pandas.errors.PandasChangeWarning",  # Gradio's queue statistics use what pandas is about to drop
    "ignore::ResourceWarning",  # event loops and sockets of the server thread and of Playwright
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
FINGERPRINT = """() => {
  const canvas = document.querySelector('#viewer canvas');
  const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let sum = 2166136261;
  for (let i = 0; i < bytes.length; i += 97) sum = Math.imul(sum ^ bytes[i], 16777619);
  return sum >>> 0;
}"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the warnings of Gradio and Playwright pass in this folder; all others stay errors."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            for rule in NOT_OURS:
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two drawn facades."""
    folder = tmp_path_factory.mktemp("drawings")
    for seed in (3, 4):
        Image.fromarray(draw_facade(seed, 240, 320).image).save(folder / f"facade_{seed}.png")
    return folder


@pytest.fixture(scope="session")
def encoder_calls() -> Iterator[Counter[str]]:
    """How often a picture went through each image encoder."""
    calls: Counter[str] = Counter()

    def counted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, crops: Any) -> Any:
            calls[name] += 1
            return method(self, crops)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for kind in (OpenCLIPEncoder, TimmPatchEncoder):
            patch.setattr(kind, "encode_patches", counted(kind.__name__, kind.encode_patches))
        yield calls


@pytest.fixture(scope="session")
def registry(encoder_calls: Counter[str]) -> PipelineRegistry:
    """The bundled models."""
    return build_registry(device="cpu")


@pytest.fixture(scope="session")
def served_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder that Gradio serves files from, for the components and for the server."""
    folder = tmp_path_factory.mktemp("gradio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        yield folder


@pytest.fixture(scope="session")
def demo(registry: PipelineRegistry, drawings: Path, served_files: Path) -> gr.Blocks:
    """The page, with the drawn facades among its examples."""
    return build_demo(registry, drawings)


@pytest.fixture(scope="session")
def site(demo: gr.Blocks) -> Iterator[str]:
    """Address of the running page."""
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **launch_options())
    yield url.rstrip("/")
    demo.close()
    gc.collect()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium of the system."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """One visitor of the page, and what happened in their browser."""

    page: Page
    site: str
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def open(self, query: str = "") -> None:
        """Open the page and wait for the first result."""
        self.page.goto(f"{self.site}/{query}")
        self.page.wait_for_selector("#viewer [data-state=ready]", timeout=ANSWER_LIMIT)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is being computed."""
        self.page.wait_for_selector("#viewer [aria-busy=false]", timeout=ANSWER_LIMIT)
        self.page.wait_for_timeout(150)

    @property
    def revision(self) -> int:
        """How many results the viewer has drawn."""
        return int(self.page.locator("#viewer [data-rev]").get_attribute("data-rev") or 0)

    def wait_for_result_after(self, revision: int) -> None:
        """Wait until a newer result is drawn."""
        self.page.wait_for_function(
            "before => Number(document.querySelector('#viewer [data-rev]')?.dataset.rev) > before",
            arg=revision,
            timeout=ANSWER_LIMIT,
        )
        self.settle()

    def pixels(self) -> int:
        """A number that changes when the drawn picture changes."""
        self.page.wait_for_timeout(120)
        return int(self.page.evaluate(FINGERPRINT))

    def names(self) -> list[str]:
        """Class names of the legend."""
        return self.page.locator("#viewer .legend li[data-name] .name").all_inner_texts()

    def upload(self, path: Path) -> None:
        """Choose a picture file."""
        self.page.set_input_files("#picture input[type=file]", str(path))

    def check_clean(self) -> None:
        """Nothing failed in the browser, and nothing was asked of another machine."""
        outside = [url for url in self.requests if not url.startswith((self.site, "data:", "blob:"))]
        assert self.errors == []
        assert outside == []


VisitorFactory = Callable[..., Visitor]


@pytest.fixture
def visit(chromium: Browser, site: str) -> Iterator[VisitorFactory]:
    """Opens the page in a fresh browser profile; on leaving, checks that all went clean."""
    contexts, visitors = [], []

    def start(query: str = "", **options: Any) -> Visitor:
        options = {"viewport": {"width": 1440, "height": 900}, "locale": "en-US", **options}
        context = chromium.new_context(**options)
        visitor = Visitor(context.new_page(), site)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        visitor.page.on("request", lambda request: visitor.requests.append(request.url))
        contexts.append(context)
        visitors.append(visitor)
        visitor.open(query)
        return visitor

    yield start
    for context in contexts:
        context.close()
    for visitor in visitors:
        visitor.check_clean()


@pytest.fixture
def picture(photos_or_drawing: Path) -> Path:
    """A picture that is none of the examples."""
    return photos_or_drawing


@pytest.fixture(scope="session")
def photos_or_drawing(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A real photograph where there is one beside the repository, otherwise a drawn facade."""
    found = sorted((repository.parent / "shared" / "photos" / "spb_facades" / "images").glob("*.jpg"))
    path = tmp_path_factory.mktemp("picture") / "picture.jpg"
    if found:
        path.write_bytes(found[0].read_bytes())
    else:
        Image.fromarray(draw_facade(11, 540, 960).image).save(path, quality=90)
    return path


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A file that calls itself a picture and is none."""
    path = tmp_path / "noise.png"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    return path
