// The result viewer: one photo, one 8-bit label map, everything else is drawn here.
// Follows drawing.js and viewer_marks.js. Only 'download' and 'pick' talk to the server.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const root = part("viewer");
const canvas = part("canvas");
const stage = part("stage");
let scene = null; // {result, photo, ids, width, height, edges, fill, line}
let ticket = 0; // newest result asked for; older ones that finish later are dropped
let frame = 0;
const view = { zoom: 1, x: 0.5, y: 0.5, mode: "overlay", opacity: 0.52, split: 0.5 };
const shown = { hidden: new Set(), solo: null, hot: null, cursor: null };

// ---------------------------------------------------------------- loading

const drawn = (result) => JSON.stringify([result.image.url, result.label.url, result.classes, result.none]);

async function show(result) {
  const mine = ++ticket;
  if (!result?.image) return clearScene();
  if (scene && drawn(scene.result) === drawn(result)) { // the same picture came out: only method and timings differ
    scene.result = result;
    return describe();
  }
  const [photo, labels] = await Promise.all([picture(result.image.url), bitmap(result.label.url)]);
  if (mine !== ticket) return;
  const { width, height } = labels;
  const ids = readIds(labels);
  const samePhoto = scene && scene.result.image.url === result.image.url;
  scene = { result, photo, ids, width, height, edges: findEdges(ids, width, height),
            fill: sheet(width, height), line: sheet(width, height) };
  if (!samePhoto) Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
  renewMarks(samePhoto);
  shown.hot = null;
  root.dataset.state = "ready";
  stage.style.setProperty("--aspect", `${width} / ${height}`);
  fitCanvas(canvas, stage);
  paint();
  draw();
  describe();
  root.dataset.rev = Number(root.dataset.rev) + 1;
}

function clearScene() {
  scene = null;
  renewMarks(false);
  root.dataset.state = "empty";
  describe();
}

// ---------------------------------------------------------------- drawing

const isVisible = (item) => (shown.solo === null ? !shown.hidden.has(item.name) : shown.solo === item.name);

function paint() {
  if (!scene) return;
  const { ids, edges, width, height } = scene;
  const strength = (item) => (shown.hot === null || shown.hot === item.index ? 255 : 70);
  const table = colourTable(scene.result.classes, (item) => (isVisible(item) ? strength(item) : 0));
  const fill = new ImageData(width, height);
  const line = new ImageData(width, height);
  const fills = new Uint32Array(fill.data.buffer);
  const lines = new Uint32Array(line.data.buffer);
  for (let i = 0; i < ids.length; i++) {
    const colour = table[ids[i]];
    fills[i] = colour;
    if (edges[i]) lines[i] = colour;
  }
  scene.fill.getContext("2d").putImageData(fill, 0, 0);
  scene.line.getContext("2d").putImageData(line, 0, 0);
}

function drawLayers(context, place) {
  const size = [place.left, place.top, scene.width * place.scale, scene.height * place.scale];
  context.imageSmoothingEnabled = place.scale < 3;
  context.imageSmoothingQuality = "high";
  context.globalAlpha = 1;
  context.drawImage(scene.photo, ...size);
  context.save();
  if (view.mode === "split") {
    context.beginPath();
    context.rect(0, 0, canvas.width * view.split, canvas.height);
    context.clip();
  }
  context.imageSmoothingEnabled = place.scale < 1;
  const outline = view.mode === "outline";
  context.globalAlpha = view.opacity * (outline ? 0.22 : 1);
  context.drawImage(scene.fill, ...size);
  context.globalAlpha = clamp(view.opacity * (outline ? 2 : 1.35), 0, 1);
  const thick = outline ? window.devicePixelRatio || 1 : 0; // an outline is drawn five times to be seen alone
  const offsets = outline ? [[0, 0], [thick, 0], [-thick, 0], [0, thick], [0, -thick]] : [[0, 0]];
  for (const [dx, dy] of offsets) context.drawImage(scene.line, size[0] + dx, size[1] + dy, size[2], size[3]);
  context.restore();
}

function drawCrosshair(context, place) {
  if (!shown.cursor) return;
  const x = place.left + (shown.cursor[0] + 0.5) * place.scale;
  const y = place.top + (shown.cursor[1] + 0.5) * place.scale;
  const ratio = window.devicePixelRatio || 1;
  for (const [colour, width] of [["#000a", 3], ["#fff", 1.25]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * 5 * ratio, y + dy * 5 * ratio);
      context.lineTo(x + dx * 16 * ratio, y + dy * 16 * ratio);
    }
    context.stroke();
  }
}

function draw() {
  frame = 0;
  if (!scene || !canvas.width) return;
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const place = placeOn(canvas, scene, view);
  drawLayers(context, place);
  drawMarks(context, place);
  drawCrosshair(context, place);
  part("zoom-value").textContent = `${Math.round(view.zoom * 100)} %`;
  canvas.style.touchAction = view.zoom > 1 ? "none" : "pan-y";
  root.dataset.draws = Number(root.dataset.draws || 0) + 1;
}

const soon = () => { frame ||= requestAnimationFrame(draw); };
const repaint = () => { paint(); soon(); };

// ---------------------------------------------------------------- reading a pixel

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
  tip.querySelector("i").style.background = colour;
  const box = stage.getBoundingClientRect();
  const x = event.clientX - box.left;
  tip.style.transform = `translate(${x}px, ${event.clientY - box.top}px)`;
  tip.classList.toggle("flip", x > box.width - 180);
  tip.classList.add("on");
}

// ---------------------------------------------------------------- legend and facts

function markRow(index) {
  for (const row of part("legend").children) row.classList.toggle("under", Number(row.dataset.index) === index);
}

function highlight(index) {
  if (shown.hot === index) return;
  shown.hot = index;
  repaint();
}

function legendRow(item) {
  const toggle = make("button", { type: "button", class: "toggle", "aria-pressed": "true",
    "aria-label": `${say("toggle", { name: item.name })} (${percent(item.share)})`, title: item.prompts.join(", ") },
    make("i", { class: "swatch" }), make("span", { class: "name" }, item.name),
    make("span", { class: "share" }, percent(item.share)));
  const only = make("button", { type: "button", class: "only", "aria-pressed": "false",
    "aria-label": say("solo", { name: item.name }), title: say("solo", { name: item.name }) });
  only.innerHTML = '<svg viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="3"/><circle cx="10" cy="10" r="7"/></svg>';
  const row = make("li", { "data-index": item.index, "data-name": item.name }, toggle, only);
  row.style.setProperty("--colour", item.colour);
  row.style.setProperty("--share", item.share);
  row.classList.toggle("absent", item.share === 0);
  toggle.addEventListener("click", () => toggleClass(item.name));
  only.addEventListener("click", () => soloClass(item.name));
  row.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && highlight(item.share ? item.index : null));
  row.addEventListener("pointerleave", () => highlight(null));
  return row;
}

function noneRow(share) {
  const row = make("li", { class: "none-row", "data-index": NONE },
    make("span", { class: "toggle" }, make("i", { class: "swatch" }),
      make("span", { class: "name" }, say("no_class")), make("span", { class: "share" }, percent(share))));
  row.style.setProperty("--share", share);
  return row;
}

function buildLegend() {
  const list = part("legend");
  const { classes, none } = scene.result;
  const focused = document.activeElement?.closest?.("[data-name]")?.dataset.name;
  const ordered = [...classes].sort((a, b) => b.share - a.share || a.index - b.index);
  list.replaceChildren(...ordered.map(legendRow), ...(none > 0 ? [noneRow(none)] : []));
  part("mix").replaceChildren(...ordered.filter((item) => item.share > 0.002).map((item) => {
    const piece = make("span", { "data-mix": item.name });
    piece.style.cssText = `flex:${item.share * 1000} 0 0;background:${item.colour}`;
    return piece;
  }), ...(none > 0 ? [make("span", { style: `flex:${none * 1000} 0 0` })] : []));
  if (focused) [...list.children].find((row) => row.dataset.name === focused)?.querySelector("button")?.focus();
  refreshLegend();
}

function refreshLegend() {
  for (const row of part("legend").querySelectorAll("[data-name]")) {
    const visible = isVisible({ name: row.dataset.name });
    row.classList.toggle("off", !visible);
    row.querySelector(".toggle").setAttribute("aria-pressed", visible);
    row.querySelector(".only").setAttribute("aria-pressed", shown.solo === row.dataset.name);
  }
}

function toggleClass(name) {
  if (shown.solo !== null) {
    for (const item of scene.result.classes) if (item.name !== shown.solo) shown.hidden.add(item.name);
    shown.hidden.delete(shown.solo);
    shown.solo = null;
  }
  if (!shown.hidden.delete(name)) shown.hidden.add(name);
  shown.hot = null;
  refreshLegend();
  repaint();
}

function soloClass(name) {
  shown.solo = shown.solo === name ? null : name;
  shown.hot = null;
  refreshLegend();
  repaint();
}

function setAll(visible) {
  shown.solo = null;
  shown.hidden = new Set(visible || !scene ? [] : scene.result.classes.map((item) => item.name));
  refreshLegend();
  repaint();
}

function fact(text, title) {
  return make("span", title ? { title } : {}, text);
}

function buildFacts() {
  const { method, checkpoint, image_size: size } = scene.result;
  const label = checkpoint.label[language()] ?? checkpoint.id;
  const digest = make("code", { title: say("digest", { digest: checkpoint.sha256 }) }, checkpoint.sha256.slice(0, 8));
  part("facts").replaceChildren(fact(method), make("span", { title: label }, checkpoint.id, " ", digest),
    fact(`${size[1]} × ${size[0]}`));
}

function buildTimings() {
  const { total = 0, ...stages } = scene.result.seconds;
  const known = Object.entries(stages);
  const all = total || known.reduce((sum, [, value]) => sum + value, 0);
  const number = new Intl.NumberFormat(language(), { maximumFractionDigits: 2, minimumFractionDigits: 2 });
  part("total").textContent = say("total", { seconds: number.format(all) });
  part("spark").replaceChildren(...known.map(([, value]) => {
    const piece = make("i");
    piece.style.flex = `${1 + value * 1e4} 0 0`;
    return piece;
  }));
  part("stages").replaceChildren(...known.flatMap(([stageName, value]) => [
    make("dt", {}, say(`stage.${stageName}`)),
    make("dd", {}, value < 0.001 ? say("cached") : say("milliseconds", { value: Math.round(value * 1000) }))]));
}

function describe() {
  for (const node of element.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
  for (const node of element.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", say(node.dataset.label));
    if (node.tagName === "BUTTON") node.title = say(node.dataset.label);
  }
  part("timings").querySelector("summary").setAttribute("aria-label", say("details"));
  part("readout").textContent = say("readout");
  if (!scene) return;
  buildLegend();
  buildFacts();
  buildTimings();
}

// ---------------------------------------------------------------- controls

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
part("all").addEventListener("click", () => setAll(true));
part("none").addEventListener("click", () => setAll(false));

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
    const link = make("a", { href: URL.createObjectURL(blob), download: `facade-lens-${Date.now().toString(36)}.png` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }, "image/png");
}

part("save-overlay").addEventListener("click", saveOverlay);
part("save-label").addEventListener("click", () => scene && trigger("download", {}));

// ---------------------------------------------------------------- life

const busyAgain = new MutationObserver(() => describe());
busyAgain.observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
new ResizeObserver(() => { fitCanvas(canvas, stage); if (scene) draw(); }).observe(stage);
document.addEventListener("facadelens:busy", (event) => root.setAttribute("aria-busy", event.detail));
const safely = (result) => show(result).catch((error) => console.warn("viewer:", error));
watch("value", () => safely(props.value));
describe();
safely(props.value);
