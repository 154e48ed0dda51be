// Where each dropout round looked for a class, follows drawing.js.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const root = part("root");
const HEAT = Array.from({ length: 256 }, (_, level) => {
  const share = level / 255;
  const [low, high, at] = share < 0.4
    ? [[245, 184, 66], [245, 184, 66], share / 0.4] : [[245, 184, 66], [179, 33, 26], (share - 0.4) / 0.6];
  return [...low.map((value, i) => Math.round(value + (high[i] - value) * at)), Math.round(230 * Math.min(1, share / 0.4))];
});
let scene = null; // {value, photo, grid, rounds, maps, dropped}
let chosen = 0; // place of the class in value.classes
let ticket = 0;
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const cells = () => scene.grid * scene.grid;
const mapOf = (round, place) => {
  const start = (round * scene.value.classes.length + place) * cells();
  return scene.maps.subarray(start, start + cells());
};
const isEmpty = (place) => mapOf(scene.rounds, place).every((level) => level === 0);

async function show(value) {
  const mine = ++ticket;
  if (!value?.maps) {
    scene = null;
    root.dataset.state = "empty";
    return describe();
  }
  const photo = await picture(value.image.url);
  if (mine !== ticket) return;
  const name = scene?.value.classes[chosen]?.name;
  const rounds = value.match.length;
  scene = { value, photo, grid: value.grid, rounds, maps: bytes(value.maps), dropped: bytes(value.dropped) };
  const again = value.classes.findIndex((item) => item.name === name);
  chosen = Math.max(0, again);
  if (isEmpty(chosen)) chosen = Math.max(0, value.classes.findIndex((_, place) => !isEmpty(place)));
  root.dataset.state = "ready";
  root.style.setProperty("--aspect", `${value.image_size[1]} / ${value.image_size[0]}`);
  describe();
  root.dataset.rev = Number(root.dataset.rev) + 1;
}

// ---------------------------------------------------------------- drawing

function heatSheet(levels) {
  const small = sheet(scene.grid, scene.grid);
  const image = new ImageData(scene.grid, scene.grid);
  levels.forEach((level, i) => image.data.set(HEAT[level], 4 * i));
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
}

function drawMissing(context, canvas, round) {
  const [width, height] = [canvas.width / scene.grid, canvas.height / scene.grid];
  context.strokeStyle = "#fff9";
  context.lineWidth = Math.max(1, canvas.width / 420);
  for (let i = 0; i < cells(); i++) {
    if (!scene.dropped[round * cells() + i]) continue;
    const [x, y] = [(i % scene.grid) * width, Math.floor(i / scene.grid) * height];
    context.fillStyle = "#101418d9";
    context.fillRect(x, y, width, height);
    context.beginPath();
    context.moveTo(x, y + height);
    context.lineTo(x + width, y);
    context.stroke();
  }
}

function draw(canvas, round) {
  fitCanvas(canvas, canvas.parentElement);
  const context = canvas.getContext("2d");
  context.filter = "grayscale(1)";
  context.drawImage(scene.photo, 0, 0, canvas.width, canvas.height);
  context.filter = "none";
  context.imageSmoothingQuality = "high";
  context.drawImage(heatSheet(mapOf(round, chosen)), 0, 0, canvas.width, canvas.height);
  if (round < scene.rounds) drawMissing(context, canvas, round);
}

function redraw() {
  if (scene) part("grid").querySelectorAll("canvas").forEach((canvas, round) => draw(canvas, round));
}

// ---------------------------------------------------------------- words

const number = (value) => new Intl.NumberFormat(language(), { maximumFractionDigits: 2 }).format(value);
const titleOf = (round) => (round < scene.rounds ? say("round", { number: round + 1 }) : say("sum"));

function factsOf(round) {
  if (round === scene.rounds) return [say("sum.about")];
  if (mapOf(round, chosen).every((level) => level === 0)) return [say("nothing")];
  const missing = scene.dropped.subarray(round * cells(), (round + 1) * cells()).reduce((sum, one) => sum + one, 0);
  return [say("missing", { count: missing, all: cells() }), say("match", { value: number(scene.value.match[round]) })];
}

function figure(round) {
  const label = say("canvas", { round: titleOf(round), name: scene.value.classes[chosen].name });
  const canvas = make("canvas", { role: "img", "aria-label": label });
  return make("figure", { class: round < scene.rounds ? "" : "sum" }, make("div", { class: "stage" }, canvas),
    make("figcaption", {}, make("strong", {}, titleOf(round)), ...factsOf(round).map((fact) => make("span", {}, fact))));
}

function classButton(item, place) {
  const swatch = make("i");
  swatch.style.background = item.colour;
  const button = make("button", { type: "button", role: "radio", "aria-checked": place === chosen, tabindex: place === chosen ? 0 : -1 }, swatch, item.name);
  button.disabled = isEmpty(place);
  button.addEventListener("click", () => choose(place));
  return button;
}

function describe() {
  part("message").textContent = say("empty");
  part("about").textContent = say("about");
  part("classes").setAttribute("aria-label", say("class"));
  if (!scene) return;
  part("classes").replaceChildren(...scene.value.classes.map(classButton));
  part("grid").replaceChildren(...Array.from({ length: scene.rounds + 1 }, (_, round) => figure(round)));
  redraw();
}

function choose(place, focus = false) {
  chosen = place;
  describe();
  if (focus) part("classes").children[place].focus();
  root.dataset.rev = Number(root.dataset.rev) + 1;
}

part("classes").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const count = scene.value.classes.length;
  let next = chosen;
  do next = (next + step + count) % count; while (isEmpty(next) && next !== chosen);
  choose(next, true);
});

new MutationObserver(describe).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
new ResizeObserver(redraw).observe(part("grid"));
const safely = (value) => show(value).catch((error) => console.warn("rounds:", error));
watch("value", () => safely(props.value));
describe();
safely(props.value);
