// Helpers shared by the viewers. Given by gr.HTML: element, trigger, props, watch.
const NONE = 255;
const MAX_ZOOM = 24;
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const language = () => (document.documentElement.lang.startsWith("ru") ? "ru" : "en");
const say = (key, values = {}) =>
  (props.texts[language()][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const percent = (share) =>
  new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);

async function bitmap(url) {
  const reply = await fetch(url);
  if (!reply.ok) throw new Error(`${url}: ${reply.status}`);
  return createImageBitmap(await reply.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

const kept = new Map(); // last few pictures by URL: a prompt edit fetches only the new label map
function picture(url) {
  if (!kept.has(url)) {
    const loading = bitmap(url);
    loading.catch(() => kept.delete(url));
    kept.set(url, loading);
    if (kept.size > 4) kept.delete(kept.keys().next().value);
  }
  return kept.get(url);
}

function sheet(width, height) {
  const made = document.createElement("canvas");
  made.width = width;
  made.height = height;
  return made;
}

function readIds(labels) {
  const context = sheet(labels.width, labels.height).getContext("2d", { willReadFrequently: true });
  context.drawImage(labels, 0, 0);
  const rgba = new Uint32Array(context.getImageData(0, 0, labels.width, labels.height).data.buffer);
  const ids = new Uint8Array(rgba.length);
  for (let i = 0; i < ids.length; i++) ids[i] = rgba[i] & 255;
  return ids;
}

function findEdges(ids, width, height) {
  const reach = Math.max(1, Math.round(Math.max(width, height) / 900));
  const edges = new Uint8Array(ids.length);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const id = ids[i];
      if ((x + reach < width && ids[i + reach] !== id) || (x >= reach && ids[i - reach] !== id) ||
          (y + reach < height && ids[i + reach * width] !== id) || (y >= reach && ids[i - reach * width] !== id)) {
        edges[i] = 1;
      }
    }
  }
  return edges;
}

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function colourTable(classes, alphaOf) {
  const table = new Uint32Array(256);
  for (const item of classes) {
    const alpha = alphaOf(item);
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(item.colour.slice(at, at + 2), 16));
    if (alpha) table[item.index] = ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
  return table;
}

// ---------------------------------------------------------------- where the picture lies

// Where a picture of the given size lies on a canvas, in device pixels; keeps the view inside the picture.
function placeOn(canvas, size, view) {
  const scale = Math.min(canvas.width / size.width, canvas.height / size.height) * view.zoom;
  const half = [canvas.width / 2 / scale / size.width, canvas.height / 2 / scale / size.height];
  view.x = half[0] >= 0.5 ? 0.5 : clamp(view.x, half[0], 1 - half[0]);
  view.y = half[1] >= 0.5 ? 0.5 : clamp(view.y, half[1], 1 - half[1]);
  return { scale, left: canvas.width / 2 - view.x * size.width * scale, top: canvas.height / 2 - view.y * size.height * scale };
}

// Change the zoom so that the point at a share of the canvas stays where it is.
function zoomOn(canvas, size, view, zoom, at) {
  const before = placeOn(canvas, size, view);
  const point = [(canvas.width * at[0] - before.left) / before.scale, (canvas.height * at[1] - before.top) / before.scale];
  view.zoom = clamp(zoom, 1, MAX_ZOOM);
  const scale = Math.min(canvas.width / size.width, canvas.height / size.height) * view.zoom;
  view.x = (point[0] + canvas.width * (0.5 - at[0]) / scale) / size.width;
  view.y = (point[1] + canvas.height * (0.5 - at[1]) / scale) / size.height;
}

function panOn(canvas, size, view, dx, dy) {
  const { scale } = placeOn(canvas, size, view);
  const ratio = window.devicePixelRatio || 1;
  view.x -= dx * ratio / scale / size.width;
  view.y -= dy * ratio / scale / size.height;
}

// The point of the picture under the pointer, in its pixels; null outside.
function pointOn(canvas, size, view, event) {
  const box = canvas.getBoundingClientRect();
  const ratio = canvas.width / box.width;
  const place = placeOn(canvas, size, view);
  const x = ((event.clientX - box.left) * ratio - place.left) / place.scale;
  const y = ((event.clientY - box.top) * ratio - place.top) / place.scale;
  return x >= 0 && y >= 0 && x < size.width && y < size.height ? [x, y] : null;
}

function shareOn(canvas, x, y) {
  const box = canvas.getBoundingClientRect();
  return [(x - box.left) / box.width, (y - box.top) / box.height];
}

function fitCanvas(canvas, stage) {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(stage.clientWidth * ratio);
  const height = Math.round(stage.clientHeight * ratio);
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
}
