// The viewer's bar: view, opacity, zoom, split, full screen; and its downloads.
function setMode(mode, focus = false) {
  view.mode = mode;
  root.dataset.mode = mode;
  for (const button of part("modes").children) {
    const on = button.dataset.mode === mode;
    button.setAttribute("aria-checked", on);
    button.tabIndex = on ? 0 : -1;
    if (on && focus) button.focus();
  }
  soon();
}

function setZoom(zoom, at = [0.5, 0.5]) {
  if (!scene) return;
  zoomOn(canvas, scene, view, zoom, at);
  soon();
}

function panBy(dx, dy) {
  panOn(canvas, scene, view, dx, dy);
  soon();
}

function setSplit(share) {
  view.split = clamp(share, 0, 1);
  part("divider").style.left = `${view.split * 100}%`;
  part("divider").setAttribute("aria-valuenow", Math.round(view.split * 100));
  soon();
}

part("modes").addEventListener("click", (event) => event.target.dataset.mode && setMode(event.target.dataset.mode));
part("modes").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const modes = [...part("modes").children].map((button) => button.dataset.mode);
  setMode(modes[(modes.indexOf(view.mode) + step + modes.length) % modes.length], true);
});
part("opacity").addEventListener("input", (event) => {
  view.opacity = event.target.value / 100;
  event.target.style.setProperty("--fill", `${event.target.value}%`);
  part("opacity-value").textContent = `${event.target.value} %`;
  soon();
});
part("opacity").style.setProperty("--fill", "52%");
element.querySelector(".zoom").addEventListener("click", (event) => {
  const action = event.target.closest("[data-zoom]")?.dataset.zoom;
  if (action) setZoom(action === "fit" ? 1 : view.zoom * (action === "in" ? 1.5 : 1 / 1.5));
});
part("fullscreen").addEventListener("click", () =>
  document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen?.());
part("empty").addEventListener("click", () => document.querySelector("#picture input[type=file]")?.click());
part("all").addEventListener("click", () => setAll(true));
part("none").addEventListener("click", () => setAll(false));

// ---------------------------------------------------------------- downloads

function saveOverlay() {
  if (!scene) return;
  const whole = sheet(scene.photo.width, scene.photo.height);
  const place = { left: 0, top: 0, scale: scene.photo.width / scene.width };
  const { mode } = view;
  if (mode === "split") view.mode = "overlay";
  drawLayers(whole.getContext("2d"), place);
  view.mode = mode;
  whole.toBlob((blob) => {
    const link = make("a", { href: URL.createObjectURL(blob), download: "overlay.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, "image/png");
}

part("save-overlay").addEventListener("click", saveOverlay);
part("save-label").addEventListener("click", () => scene && trigger("download", {}));
