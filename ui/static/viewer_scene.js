// The result viewer: one photo, one 8-bit label map, everything else is drawn in the browser.
// This file follows drawing.js and holds the viewer's state; the others that begin with viewer_ share it.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const root = part("viewer");
const canvas = part("canvas");
const stage = part("stage");
let scene = null; // {result, photo, ids, width, height, edges, fill, line}
let ticket = 0; // newest result asked for; older ones that finish later are dropped
let frame = 0;
const view = { zoom: 1, x: 0.5, y: 0.5, mode: "overlay", opacity: 0.52, split: 0.5 };
const shown = { hidden: new Set(), solo: null, hot: null, cursor: null };

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
