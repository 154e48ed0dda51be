// How the viewer's canvas is drawn: photo, colours, outlines, crosshair.
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
