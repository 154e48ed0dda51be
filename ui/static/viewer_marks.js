// What is marked on the picture: the picked pixel, a known length, numbered defects. Marks are kept in pixels of
// the upright picture. Other parts of the page speak with the viewer through events of the document:
//   facadelens:ruler   in   true starts marking a known length, false forgets it
//   facadelens:marks   in   list of {number, box, colour}
//   facadelens:goto    in   a box to show
//   facadelens:unpick  in   forgets the picked pixel
//   facadelens:picked  out  a pixel was picked
//   facadelens:length  out  two points of a known length
//   facadelens:scene   out  a new result; detail is whether the photo is the same
const marks = { picked: null, measuring: false, ruler: [], defects: [] };
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`facadelens:${name}`, { detail }));

// Label-map pixels to pixels of the upright picture, and to the canvas.
const unit = () => scene.result.image_size[1] / scene.width;
const toPicture = (point) => point.map((value) => value * unit());
const toCanvas = (point, place) => [place.left + point[0] / unit() * place.scale, place.top + point[1] / unit() * place.scale];

function pick(point) {
  const [height, width] = scene.result.image_size;
  const [x, y] = toPicture(point);
  marks.picked = [clamp(Math.floor(x), 0, width - 1), clamp(Math.floor(y), 0, height - 1)];
  root.dataset.picked = "yes";
  askAgain();
  tell("picked");
  soon();
}

function askAgain() {
  trigger("pick", { x: marks.picked[0], y: marks.picked[1], key: scene.result.key });
}

// A new result came: the picked pixel is asked for again, marks of another photo go.
function renewMarks(samePhoto) {
  marks.defects = [];
  if (!samePhoto) Object.assign(marks, { picked: null, ruler: [] });
  stopMeasuring();
  if (marks.picked) askAgain();
  tell("scene", samePhoto);
}

function stopMeasuring() {
  if (marks.measuring && marks.ruler.length < 2) marks.ruler = [];
  marks.measuring = false;
  root.dataset.measuring = "off";
}

function measureAt(point) {
  marks.ruler.push(toPicture(point));
  if (marks.ruler.length === 2) {
    stopMeasuring();
    tell("length", marks.ruler);
  }
  soon();
}

function enterAt(cursor) {
  if (!cursor) return;
  const middle = cursor.map((value) => value + 0.5);
  if (marks.measuring) measureAt(middle); else pick(middle);
}

function drawRuler(context, place, ratio) {
  const ends = marks.ruler.map((point) => toCanvas(point, place));
  for (const [colour, width] of [["#000b", 5], ["#ffd84d", 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.beginPath();
    for (const [x, y] of ends) {
      context.moveTo(x + 6 * ratio, y);
      context.arc(x, y, 6 * ratio, 0, 7);
    }
    if (ends.length === 2) {
      context.moveTo(...ends[0]);
      context.lineTo(...ends[1]);
    }
    context.stroke();
  }
}

function drawPicked(context, place, ratio) {
  const [x, y] = toCanvas(marks.picked.map((value) => value + 0.5), place);
  for (const [colour, width] of [["#000b", 4], ["#fff", 1.75]]) {
    context.strokeStyle = colour;
    context.lineWidth = width * ratio;
    context.beginPath();
    context.arc(x, y, 7 * ratio, 0, 7);
    context.stroke();
  }
}

function drawDefect(context, place, ratio, item) {
  const [x, y, width, height] = item.box;
  const [left, top] = toCanvas([x, y], place);
  const [right, bottom] = toCanvas([x + width, y + height], place);
  for (const [colour, line] of [["#fffc", 3.5], [item.colour, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = line * ratio;
    context.strokeRect(left, top, right - left, bottom - top);
  }
  const text = String(item.number);
  const size = [(9 + 8 * text.length) * ratio, 18 * ratio];
  const at = [left, Math.max(place.top, top - size[1])];
  context.fillStyle = item.colour;
  context.fillRect(...at, ...size);
  context.fillStyle = "#fff";
  context.fillText(text, at[0] + size[0] / 2, at[1] + size[1] / 2);
}

function drawMarks(context, place) {
  const ratio = window.devicePixelRatio || 1;
  Object.assign(context, { font: `700 ${12 * ratio}px sans-serif`, textAlign: "center", textBaseline: "middle", lineJoin: "round" });
  for (const item of [...marks.defects].reverse()) drawDefect(context, place, ratio, item);
  if (marks.ruler.length) drawRuler(context, place, ratio);
  if (marks.picked) drawPicked(context, place, ratio);
}

function showBox([x, y, width, height]) {
  const [rows, columns] = scene.result.image_size;
  view.zoom = clamp(0.4 * Math.min(columns / width, rows / height), 1, 8);
  Object.assign(view, { x: (x + width / 2) / columns, y: (y + height / 2) / rows });
  root.scrollIntoView({ block: "nearest", behavior: "smooth" });
  soon();
}

document.addEventListener("facadelens:ruler", (event) => {
  if (!scene) return;
  marks.ruler = [];
  marks.measuring = event.detail;
  root.dataset.measuring = event.detail ? "on" : "off";
  if (event.detail) {
    root.scrollIntoView({ block: "nearest", behavior: "smooth" });
    canvas.focus({ preventScroll: true });
  }
  soon();
});
document.addEventListener("facadelens:unpick", () => { marks.picked = null; if (scene) soon(); });
document.addEventListener("facadelens:marks", (event) => { marks.defects = event.detail; if (scene) soon(); });
document.addEventListener("facadelens:goto", (event) => scene && showBox(event.detail));
