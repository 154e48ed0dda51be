// The viewer's words: method, checkpoint, timings, and every label in the page's language.
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
