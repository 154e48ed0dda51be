// Reading the picture with mouse, touch and keyboard.
function pixelAt(event) {
  const point = pointOn(canvas, scene, view, event);
  return point && point.map(Math.floor);
}

function classAt([x, y]) {
  const id = scene.ids[y * scene.width + x];
  return id === NONE ? null : scene.result.classes.find((item) => item.index === id) ?? null;
}

function readAt(pixel, aloud = true) {
  if (marks.measuring) return { name: say("measuring"), colour: "transparent" };
  const item = classAt(pixel);
  const name = item ? item.name : say("no_class");
  const text = item ? `${name} · ${percent(item.share)}` : name;
  if (part("readout").textContent !== text) part("readout").textContent = text;
  root.dataset.read = aloud ? "on" : "off"; // a mouse has the tip beside it instead
  markRow(item?.index ?? null);
  return { name, colour: item?.colour ?? "transparent" };
}

function placeTip(event, pixel) {
  const tip = part("tip");
  if (event.pointerType === "touch") return;
  if (!pixel) return tip.classList.remove("on");
  const { name, colour } = readAt(pixel, false);
  tip.querySelector("span").textContent = name;
  tip.querySelector("span").dataset.hint = say("click");
  tip.querySelector("i").style.background = colour;
  const box = stage.getBoundingClientRect();
  const x = event.clientX - box.left;
  tip.style.transform = `translate(${x}px, ${event.clientY - box.top}px)`;
  tip.classList.toggle("flip", x > box.width - 180);
  tip.classList.add("on");
}

// ---------------------------------------------------------------- pointer, wheel, keyboard

const pointers = new Map();
let pinch = 0;

function spread() {
  const [a, b] = [...pointers.values()];
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}

const shareOf = (x, y) => shareOn(canvas, x, y);

function pinchMove() {
  const [a, b] = [...pointers.values()];
  const now = spread();
  if (pinch) setZoom(view.zoom * now / pinch, shareOf((a.clientX + b.clientX) / 2, (a.clientY + b.clientY) / 2));
  pinch = now;
}

let pressed = null; // where the pointer went down: a drag is no click

canvas.addEventListener("pointerdown", (event) => {
  pressed = [event.clientX, event.clientY];
  pointers.set(event.pointerId, event);
  pinch = pointers.size === 2 ? spread() : 0;
  if (view.zoom > 1 || pointers.size === 2) canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (!scene) return;
  const before = pointers.get(event.pointerId);
  if (before) {
    pointers.set(event.pointerId, event);
    if (pointers.size === 2) return pinchMove();
    if (view.zoom > 1) panBy(event.clientX - before.clientX, event.clientY - before.clientY);
  }
  shown.cursor = null;
  placeTip(event, pixelAt(event));
});
for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
  canvas.addEventListener(name, (event) => {
    pointers.delete(event.pointerId);
    pinch = 0;
    if (name === "pointerleave") { part("tip").classList.remove("on"); markRow(null); }
  });
}
canvas.addEventListener("click", (event) => {
  const point = scene && pointOn(canvas, scene, view, event);
  const dragged = pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > 5;
  if (!point || dragged) return;
  if (marks.measuring) return measureAt(point);
  readAt(point.map(Math.floor), event.pointerType !== "mouse");
  pick(point);
});
canvas.addEventListener("dblclick", (event) => setZoom(view.zoom > 1 ? 1 : 2.5, shareOf(event.clientX, event.clientY)));
canvas.addEventListener("wheel", (event) => {
  if (!scene || (view.zoom <= 1 && event.deltaY > 0)) return; // fully zoomed out: let the page scroll
  event.preventDefault();
  setZoom(view.zoom * Math.exp(-event.deltaY / 320), shareOf(event.clientX, event.clientY));
}, { passive: false });

function moveCrosshair(dx, dy) {
  const from = shown.cursor ?? [scene.width >> 1, scene.height >> 1];
  shown.cursor = shown.cursor ? [clamp(from[0] + dx, 0, scene.width - 1), clamp(from[1] + dy, 0, scene.height - 1)] : from;
  view.x = view.zoom > 1 ? shown.cursor[0] / scene.width : view.x;
  view.y = view.zoom > 1 ? shown.cursor[1] / scene.height : view.y;
  readAt(shown.cursor);
  soon();
}

canvas.addEventListener("keydown", (event) => {
  if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = Math.max(1, Math.round(scene.width / (event.shiftKey ? 16 : 80)));
  const actions = {
    ArrowLeft: () => moveCrosshair(-step, 0), ArrowRight: () => moveCrosshair(step, 0),
    ArrowUp: () => moveCrosshair(0, -step), ArrowDown: () => moveCrosshair(0, step),
    "+": () => setZoom(view.zoom * 1.5), "=": () => setZoom(view.zoom * 1.5),
    "-": () => setZoom(view.zoom / 1.5), 0: () => setZoom(1),
    Enter: () => enterAt(shown.cursor),
    Escape: () => { shown.cursor = null; stopMeasuring(); soon(); },
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});

const divider = part("divider");
divider.addEventListener("pointerdown", (event) => divider.setPointerCapture(event.pointerId));
divider.addEventListener("pointermove", (event) => event.buttons && setSplit(shareOf(event.clientX, 0)[0]));
divider.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  setSplit(view.split + step);
});
