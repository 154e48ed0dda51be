// Two results of one photo, follows drawing.js. All panes share one view: zoom, place, opacity, highlighted class.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const root = part("root");
const panes = [...element.querySelectorAll("[data-pane]")].map((node) => (
  { node, stage: node.querySelector(".stage"), canvas: node.querySelector("canvas"), caption: node.querySelector("figcaption") }));
const view = { zoom: 1, x: 0.5, y: 0.5, mode: "side", opacity: 0.56, split: 0.5, hot: null };
const CHANGED = 0xff5a00ff >>> 0; // magenta, byte order ABGR
let scene = null; // {value, photo, ids: [a, b], width, height, fills: [a, b, difference]}
let ticket = 0;
let frame = 0;
const soon = () => { frame ||= requestAnimationFrame(draw); };
const exact = (share) => new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: 1 }).format(share);

async function show(value) {
  const mine = ++ticket;
  if (!value?.sides) {
    scene = null;
    root.dataset.state = "empty";
    return describe();
  }
  const urls = value.sides.map((side) => side.label_map.url);
  const [photo, ...labels] = await Promise.all([picture(value.image.url), ...urls.map(bitmap)]);
  if (mine !== ticket) return;
  const { width, height } = labels[0];
  const ids = labels.map(readIds);
  if (scene?.value.image.url !== value.image.url) Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
  scene = { value, photo, ids, width, height, fills: [0, 1, 2].map(() => sheet(width, height)) };
  root.dataset.state = "ready";
  root.style.setProperty("--aspect", `${width} / ${height}`);
  part("stale").hidden = true;
  paint();
  describe();
  draw();
  root.dataset.rev = Number(root.dataset.rev) + 1;
}

function paint() {
  const { ids, fills, width, height } = scene;
  const table = colourTable(scene.value.classes, (item) => (view.hot === null || view.hot === item.index ? 255 : 70));
  const images = fills.map(() => new ImageData(width, height));
  const [a, b, difference] = images.map((image) => new Uint32Array(image.data.buffer));
  for (let i = 0; i < a.length; i++) {
    const [first, second] = [ids[0][i], ids[1][i]];
    a[i] = table[first];
    b[i] = table[second];
    const looked = view.hot === null || view.hot === first || view.hot === second;
    if (first !== second && looked) difference[i] = CHANGED;
  }
  fills.forEach((fill, at) => fill.getContext("2d").putImageData(images[at], 0, 0));
}

function drawLayer(context, canvas, place, fill, clip) {
  context.save();
  context.beginPath();
  context.rect(canvas.width * clip[0], 0, canvas.width * (clip[1] - clip[0]), canvas.height);
  context.clip();
  context.globalAlpha = fill === 2 ? Math.max(view.opacity, 0.25) : view.opacity;
  context.imageSmoothingEnabled = place.scale < 1;
  context.drawImage(scene.fills[fill], place.left, place.top, scene.width * place.scale, scene.height * place.scale);
  context.restore();
}

function drawPane(pane, at) {
  const { canvas } = pane;
  fitCanvas(canvas, pane.stage);
  if (!canvas.width) return;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  const place = placeOn(canvas, scene, view);
  context.filter = view.mode === "difference" ? "grayscale(1)" : "none";
  context.drawImage(scene.photo, place.left, place.top, scene.width * place.scale, scene.height * place.scale);
  context.filter = "none";
  if (view.mode === "side") drawLayer(context, canvas, place, at, [0, 1]);
  if (view.mode === "difference") drawLayer(context, canvas, place, 2, [0, 1]);
  if (view.mode === "swipe") {
    drawLayer(context, canvas, place, 0, [0, view.split]);
    drawLayer(context, canvas, place, 1, [view.split, 1]);
  }
  canvas.style.touchAction = view.zoom > 1 ? "none" : "pan-y";
}

function draw() {
  frame = 0;
  if (scene) panes.forEach((pane, at) => pane.node.offsetParent && drawPane(pane, at));
  root.dataset.view = [view.zoom, view.x, view.y].map((value) => value.toFixed(4)).join(" ");
}

// ---------------------------------------------------------------- words

const sideName = (side) => `${side.title[language()]} · ${side.method}`;

function row(item) {
  const swatch = make("i");
  swatch.style.background = item.colour;
  const node = make("tr", { "data-name": item.name, class: item.share_a + item.share_b ? "" : "absent" },
    make("td", {}, swatch, item.name), make("td", {}, exact(item.share_a)), make("td", {}, exact(item.share_b)),
    make("td", {}, exact(item.changed)));
  node.addEventListener("pointerenter", () => highlight(item.index));
  node.addEventListener("pointerleave", () => highlight(null));
  return node;
}

function highlight(index) {
  view.hot = index;
  paint();
  soon();
}

function captions() {
  const [a, b] = scene.value.sides.map(sideName);
  panes[0].caption.textContent = { side: say("first", { name: a }), swipe: `${a}  ↔  ${b}`, difference: say("changed", { share: exact(scene.value.changed) }) }[view.mode];
  panes[1].caption.textContent = say("second", { name: b });
}

function describe() {
  const message = props.value?.message;
  part("message").textContent = message ? message[language()] : say("empty");
  part("modes").setAttribute("aria-label", say("view"));
  for (const button of part("modes").children) button.textContent = say(button.dataset.mode);
  part("opacity-word").textContent = say("opacity");
  part("divider").setAttribute("aria-label", say("divider"));
  part("stale").textContent = say("stale");
  for (const head of element.querySelectorAll("[data-head]")) head.textContent = say(head.dataset.head);
  for (const pane of panes) pane.canvas.setAttribute("aria-label", say("canvas"));
  if (!scene) return;
  const { classes, changed } = scene.value;
  part("changed").textContent = changed ? say("changed", { share: exact(changed) }) : say("same");
  part("rows").replaceChildren(...[...classes].sort((a, b) => b.changed - a.changed || b.share_a - a.share_a).map(row));
  captions();
}

// ---------------------------------------------------------------- controls

function setMode(mode, focus = false) {
  view.mode = root.dataset.mode = mode;
  for (const button of part("modes").children) {
    const on = button.dataset.mode === mode;
    button.setAttribute("aria-checked", on);
    button.tabIndex = on ? 0 : -1;
    if (on && focus) button.focus();
  }
  if (scene) captions();
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
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const modes = [...part("modes").children].map((button) => button.dataset.mode);
  setMode(modes[(modes.indexOf(view.mode) + step + modes.length) % modes.length], true);
});
part("opacity").addEventListener("input", (event) => { view.opacity = event.target.value / 100; soon(); });
part("divider").addEventListener("pointerdown", (event) => event.target.closest(".divider").setPointerCapture(event.pointerId));
part("divider").addEventListener("pointermove", (event) => event.buttons && setSplit(shareOn(panes[0].canvas, event.clientX, 0)[0]));
part("divider").addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -0.02, ArrowRight: 0.02, Home: -1, End: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  setSplit(view.split + step);
});
for (const { canvas } of panes) {
  canvas.addEventListener("wheel", (event) => {
    if (!scene || (view.zoom <= 1 && event.deltaY > 0)) return;
    event.preventDefault();
    zoomOn(canvas, scene, view, view.zoom * Math.exp(-event.deltaY / 320), shareOn(canvas, event.clientX, event.clientY));
    soon();
  }, { passive: false });
  canvas.addEventListener("dblclick", (event) => {
    if (!scene) return;
    zoomOn(canvas, scene, view, view.zoom > 1 ? 1 : 2.5, shareOn(canvas, event.clientX, event.clientY));
    soon();
  });
  canvas.addEventListener("pointerdown", (event) => { if (view.zoom > 1) canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!scene || !event.buttons || view.zoom <= 1) return;
    panOn(canvas, scene, view, event.movementX, event.movementY);
    soon();
  });
  canvas.addEventListener("keydown", (event) => {
    if (!scene) return;
    const move = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key];
    const zoom = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 1 / view.zoom }[event.key];
    if (!move && !zoom) return;
    event.preventDefault();
    if (move) panOn(canvas, scene, view, ...move);
    if (zoom) zoomOn(canvas, scene, view, view.zoom * zoom, [0.5, 0.5]);
    soon();
  });
}

new MutationObserver(describe).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
const resized = new ResizeObserver(() => soon());
panes.forEach((pane) => resized.observe(pane.stage));
document.addEventListener("facadelens:scene", () => { part("stale").hidden = !scene; });
document.addEventListener("facadelens:comparing", (event) => { root.setAttribute("aria-busy", event.detail); if (event.detail && !scene) part("message").textContent = say("working"); });
const safely = (value) => show(value).catch((error) => console.warn("compare:", error));
watch("value", () => safely(props.value));
describe();
safely(props.value);
