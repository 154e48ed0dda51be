// Segmentation and heat maps in one grid, follows drawing.js. All canvases share the pointed and the chosen pixel.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const root = part("root");
const WARM = [[245, 184, 66], [179, 33, 26]]; // weak and strong evidence for the class
const COLD = [[115, 186, 235], [28, 71, 158]]; // and against it
const view = { opacity: 0.88, at: null, base: null };
const drawn = new Map(); // key of a card -> {key, node, canvas, stage, draw, width, height}
let value = null;
const number = (amount, digits = 2) =>
  new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(amount);
const share = (amount) =>
  new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: amount < 0.1 ? 2 : 0 }).format(amount);

// ---------------------------------------------------------------- colours

function heatColours(signed) {
  const table = new Uint32Array(256);
  for (let level = 0; level < 256; level++) {
    const force = signed ? level / 127.5 - 1 : level / 255;
    const ends = force >= 0 ? WARM : COLD;
    const strength = Math.abs(force);
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(ends[0][c] + (ends[1][c] - ends[0][c]) * strength));
    table[level] = ((Math.round(255 * strength ** 0.7) << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
  return table;
}

function painted(levels, width, height, table) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < levels.length; i++) pixels[i] = table[levels[i]];
  const fill = sheet(width, height);
  fill.getContext("2d").putImageData(image, 0, 0);
  return fill;
}

// ---------------------------------------------------------------- cards

const keyOf = (card) => (card.heat ? card.heat.url + card.checkpoint : `base ${card.label_map.url}`);
const nameOf = (card) => say(card.heat ? `kind.${card.map in { class_logit_map: 1 } ? card.map : card.kind}` : "segmentation");
const baseOf = (card) => value.bases.find((base) => base.checkpoint === card.checkpoint) ?? value.bases[0];

function frameOf(card) {
  const canvas = make("canvas", { tabindex: "0", role: "img" });
  const stage = make("div", { class: "stage" }, canvas);
  const head = make("div", { class: "head" }, make("h3"), make("span", { class: "whose" }));
  const body = make("div", { class: "body" });
  const node = make("article", { class: "card", "data-kind": card.kind ?? "segmentation", "data-checkpoint": card.checkpoint }, head, stage, body);
  const shown = { key: keyOf(card), node, canvas, stage, head, body, layers: null };
  listen(shown);
  return shown;
}

async function load(shown, card) {
  const base = baseOf(card);
  const [photo, levels] = await Promise.all([picture(base.image.url), bitmap((card.heat ?? card.label_map).url)]);
  const ids = readIds(levels);
  shown.ids = ids;
  shown.photo = photo;
  shown.size = { width: levels.width, height: levels.height };
  shown.fill = () => (card.heat ? painted(ids, levels.width, levels.height, heatColours(card.signed))
    : painted(ids, levels.width, levels.height, colourTable(base.classes, (item) => (item.name === value.class ? 215 : 70))));
  shown.layer = shown.fill();
  draw(shown);
  root.dataset.rev = Number(root.dataset.rev) + 1;
}

function draw(shown) {
  const { canvas, stage, photo, layer } = shown;
  if (!photo) return;
  fitCanvas(canvas, stage);
  if (!canvas.width) return;
  const context = canvas.getContext("2d");
  const card = shown.card;
  context.filter = card.heat ? "grayscale(1)" : "none";
  context.globalAlpha = 1;
  context.drawImage(photo, 0, 0, canvas.width, canvas.height);
  context.filter = "none";
  if (card.heat) {
    context.fillStyle = "rgba(244, 242, 238, .38)";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.globalAlpha = card.heat ? view.opacity : 0.7;
  context.imageSmoothingEnabled = Boolean(card.heat);
  context.drawImage(layer, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = 1;
  const [height, width] = baseOf(card).image_size;
  if (value.point) ring(context, (value.point.x + 0.5) / width, (value.point.y + 0.5) / height, 9);
  if (view.at) ring(context, view.at[0], view.at[1], 4);
}

function ring(context, x, y, radius) {
  const ratio = window.devicePixelRatio || 1;
  for (const [colour, width] of [["#000b", 4], ["#fff", 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.beginPath();
    context.arc(x * context.canvas.width, y * context.canvas.height, radius * ratio, 0, 7);
    context.stroke();
  }
}

const redraw = () => drawn.forEach(draw);

// ---------------------------------------------------------------- words and figures below a map

function scaleBar(card) {
  const [low, high] = card.scale;
  const small = (amount) => Number(amount).toPrecision(2);
  return make("div", { class: `scale ${card.signed ? "signed" : "plain"}` },
    make("span", { title: small(low) }, say(card.signed ? "against" : "none")), make("i", { "aria-hidden": "true" }),
    make("span", { title: small(high) }, say(card.signed ? "for" : "strong")));
}

function path(points, [low, top]) {
  return points.map(([x, y], at) => `${at ? "L" : "M"}${(2 + x * 116).toFixed(1)} ${(46 - ((y - low) / (top - low)) * 42).toFixed(1)}`).join("");
}

function chart(main, others, range, word) {
  const figure = make("figure", { class: "chart" });
  const line = (points, kind) => `<path class="${kind}" d="${path(points, range)}"/>`;
  figure.innerHTML = `<svg viewBox="0 0 120 48" role="img" preserveAspectRatio="none"><path class="axis" d="M2 46H118"/>${
    others.map((points) => line(points, "random")).join("")}${line(main, "own")}</svg>`;
  figure.firstChild.setAttribute("aria-label", say("chart", { low: number(range[0]), top: number(range[1]) }));
  figure.append(make("figcaption", {}, make("b", {}, say(word)), make("span")));
  return figure;
}

function curves(card) {
  const reversed = card.random.map((points) => points.map(([x, y]) => [1 - x, y]).reverse());
  const scores = [card.deletion, card.insertion, ...card.random].flat().map(([, y]) => y);
  const range = [Math.min(0, ...scores), Math.max(1e-9, ...scores)];
  const made = [chart(card.deletion, card.random, range, "hidden"), chart(card.insertion, reversed, range, "revealed")];
  const figures = card.faithfulness;
  [["deletion", "random_deletion"], ["insertion", "random_insertion"]].forEach(([own, random], at) => {
    made[at].querySelector("span").textContent = say("compared", { value: number(figures[own]), random: number(figures[random]) });
  });
  return make("div", { class: "charts" }, ...made);
}

function fact(ok, word, text) {
  return make("li", { class: ok ? "ok" : "bad" }, make("span", {}, word), make("b", {}, text));
}

function facts(card) {
  const rows = [];
  if (card.completeness) {
    const { relative_gap: gap, steps, flagged } = card.completeness;
    const values = { gap: gap === null ? "∞" : share(Math.max(gap, 1e-4)), steps };
    rows.push(fact(!flagged, say("sums"), say(flagged && steps ? "steps" : "gap", values)));
  }
  if (card.randomised) {
    const last = card.randomised[card.randomised.length - 1].similarity;
    rows.push(fact(!card.doubts.includes("randomisation"), say("similarity"), number(last)));
  }
  return make("ul", { class: "facts" }, ...rows);
}

function verdict(card) {
  const good = card.doubts.length === 0;
  const reasons = good ? [say("yes.all")] : card.doubts.map((doubt) => say(`no.${doubt}`));
  return make("div", { class: `verdict ${good ? "good" : "bad"}` },
    make("strong", {}, say(good ? "believable" : "doubtful")), make("span", {}, reasons.join(" ")));
}

const guide = make("ul", { class: "guide" }); // below the segmentation; below both of a pair

function describeGuide() {
  const sums = value.cards.some((card) => card.kind === "integrated_gradients");
  guide.replaceChildren(...["colours", "test", ...(sums ? ["sum"] : []), "doubt"].map((word) => make("li", {}, say(`guide.${word}`))));
  if (value.bases.length === 1) drawn.get(keyOf(value.bases[0])).body.append(guide);
}

function scoreLine(card) {
  const { quantity, score, where, x, y } = card.explained;
  return `${card.explained.class}: ${say(`score.${quantity}`, { score: number(score) })} ${say(`where.${where}`, { x, y })}`;
}

function describeMap(shown) {
  const { card, body } = shown;
  const raw = make("a", { class: "raw", href: card.raw.url, download: `${card.kind}-${card.checkpoint}.npz` }, say("raw"));
  body.replaceChildren(scaleBar(card), make("p", { class: "about" }, say(`about.${card.map === "class_logit_map" ? card.map : card.kind}`)),
    make("p", { class: "score" }, scoreLine(card)), ...(card.faithfulness ? [verdict(card), curves(card)] : []), facts(card),
    ...card.notes[language()].map((note) => make("p", { class: "note" }, note)),
    make("p", { class: "last" }, raw, make("span", {}, say("total", { seconds: number(card.seconds, 1) }))));
}

function describe() {
  const message = props.value?.message ?? (value?.message || null);
  part("message").textContent = message ? message[language()] : value?.stopped ? say("stopped") : say("empty");
  part("message").hidden = Boolean(value?.bases && !message && !value.stopped && (value.cards.length || value.pending.length));
  part("stale").textContent = say("stale");
  part("opacity-word").textContent = say("opacity");
  part("whole").textContent = say("whole");
  for (const shown of drawn.values()) {
    shown.head.querySelector("h3").textContent = nameOf(shown.card);
    shown.head.querySelector(".whose").textContent = value.bases.length > 1 ? shown.card.title[language()] : "";
    shown.canvas.setAttribute("aria-label", say("canvas", { name: nameOf(shown.card) }));
    if (shown.card.heat) describeMap(shown);
    else shown.body.replaceChildren(make("p", { class: "about" }, say(shown.card.spots ? "hint" : "hint.whole")));
  }
  if (!value?.bases) return;
  const spot = value.point ? ` · ${say("spot", value.point)}` : "";
  part("asked").textContent = `${value.class ?? ""}${spot}`;
  part("whole").hidden = !value.point;
  if (value.cards.length) describeGuide();
  describeWork();
}

function describeWork() {
  const busy = value.pending.length > 0 && !value.stopped && !value.message;
  part("work").hidden = !busy;
  const kind = value.kind ? `${say(`kind.${value.kind}`)}: ` : "";
  part("work-word").textContent = `${kind}${say(`stage.${value.stage ?? "segment"}`)}`;
  part("work-bar").style.width = `${Math.round((value.done ?? 0) * 100)}%`;
}

// ---------------------------------------------------------------- life

const blanks = new Map(); // kept, so that their animation goes on while the progress is told

function blank(kind, place) {
  const key = `${kind} ${place}`;
  if (!blanks.has(key)) {
    blanks.set(key, make("article", { class: "card pending" }, make("div", { class: "head" }, make("h3")),
      make("div", { class: "stage blank" }), make("p", { class: "about" })));
  }
  const node = blanks.get(key);
  node.querySelector("h3").textContent = say(`kind.${kind}`);
  node.querySelector("p").textContent = say(kind === value.kind ? `stage.${value.stage}` : "waiting");
  return node;
}

function skeletons() {
  if (value.stopped || value.message) return [];
  return value.pending.flatMap((kind) => value.bases.map((_, place) => blank(kind, place)));
}

function fillGrid() {
  const [bases, maps] = [value.bases, value.cards].map((some) => some.map((card) => drawn.get(keyOf(card)).node));
  const nodes = [...bases, ...(bases.length > 1 && maps.length ? [guide] : []), ...maps, ...skeletons()];
  const grid = part("grid");
  const same = nodes.length === grid.children.length && nodes.every((node, at) => node === grid.children[at]);
  if (!same) grid.replaceChildren(...nodes);
}

function show(next) {
  if (!next) return describe();
  if (next.message && !next.bases) {
    value = value ? { ...value, ...next, pending: [] } : null;
    return describe();
  }
  value = next;
  const cards = [...value.bases, ...value.cards];
  const keys = new Set(cards.map(keyOf));
  for (const key of drawn.keys()) if (!keys.has(key)) drawn.delete(key);
  for (const card of cards) {
    const shown = drawn.get(keyOf(card)) ?? frameOf(card);
    const fresh = !shown.card;
    const other = shown.asked !== value.class;
    Object.assign(shown, { card, asked: value.class });
    drawn.set(shown.key, shown);
    if (fresh) load(shown, card).catch((error) => console.warn("explain:", error));
    else if (other && !card.heat && shown.fill) shown.layer = shown.fill();
  }
  const [height, width] = value.bases[0].image_size;
  root.style.setProperty("--aspect", `${width} / ${height}`);
  root.dataset.state = "ready";
  root.dataset.pair = value.bases.length > 1;
  root.dataset.cards = value.cards.length;
  part("stale").hidden = true;
  fillGrid();
  describe();
  redraw();
}

// ---------------------------------------------------------------- pointing

function placeOf(shown, event) {
  const box = shown.canvas.getBoundingClientRect();
  return [clamp((event.clientX - box.left) / box.width, 0, 0.9999), clamp((event.clientY - box.top) / box.height, 0, 0.9999)];
}

function choose(shown, [x, y]) {
  const base = baseOf(shown.card);
  const labels = drawn.get(keyOf(base));
  const [height, width] = base.image_size;
  value.point = base.spots ? { x: Math.floor(x * width), y: Math.floor(y * height) } : null;
  let name = null;
  if (labels?.ids) {
    const id = labels.ids[Math.floor(y * labels.size.height) * labels.size.width + Math.floor(x * labels.size.width)];
    name = base.classes.find((item) => item.index === id)?.name ?? null;
  }
  if (name) value.class = name;
  trigger("pick", { x: null, y: null, ...value.point, name });
  refill();
}

function refill() {
  for (const shown of drawn.values()) if (!shown.card.heat && shown.fill) shown.layer = shown.fill();
  describe();
  redraw();
}

function listen(shown) {
  const { canvas } = shown;
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("click", (event) => choose(shown, placeOf(shown, event)));
  canvas.addEventListener("pointermove", (event) => { view.at = placeOf(shown, event); redraw(); });
  canvas.addEventListener("pointerleave", () => { view.at = null; redraw(); });
  canvas.addEventListener("keydown", (event) => {
    const from = view.at ?? [0.5, 0.5];
    if (event.key === "Enter") { event.preventDefault(); return choose(shown, from); }
    if (!step[event.key]) return;
    event.preventDefault();
    view.at = from.map((place, axis) => clamp(place + step[event.key][axis] * 0.02, 0, 0.9999));
    redraw();
  });
}

part("whole").addEventListener("click", () => {
  value.point = null;
  trigger("pick", { x: null, y: null, name: null });
  refill();
});
part("opacity").addEventListener("input", (event) => { view.opacity = event.target.value / 100; redraw(); });
let waiting = 0;
document.addEventListener("facadelens:busy", (event) => {
  if (!value?.bases || value.pending.length) return;
  if (event.detail) { part("stale").hidden = value.cards.length === 0; return; }
  clearTimeout(waiting);
  waiting = setTimeout(() => { if (root.offsetParent) trigger("refresh", { keep: value.cards.length > 0 }); }, 200);
});
new MutationObserver(() => { describe(); if (value?.bases) skeletons(); }).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
new ResizeObserver(redraw).observe(root);
watch("value", () => show(props.value));
show(props.value);
