// The inspector's readout; follows drawing.js. Names are put in as text, never as HTML.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const panel = part("panel");
const figure = (value) => new Intl.NumberFormat(language(), { minimumFractionDigits: 3, maximumFractionDigits: 3 }).format(value);
const small = (share) => new Intl.NumberFormat(language(), { style: "percent", maximumFractionDigits: share < 0.1 ? 1 : 0 }).format(share);

function bar(share, colour) {
  const node = make("span", { class: "bar" }, make("b"));
  node.style.setProperty("--part", clamp(share || 0, 0, 1));
  node.style.setProperty("--colour", colour);
  return node;
}

function textRow(each, item, range) {
  const best = each.score === Math.max(...item.prompts.map((other) => other.score));
  const known = each.score !== null;
  return make("li", { class: best && known ? "best" : "", title: each.text }, make("span", { class: "name" }, each.text),
    bar(known ? (each.score - range[0]) / (range[1] - range[0] || 1) : 0, item.colour),
    make("span", { class: "raw" }, known ? figure(each.score) : "–"));
}

function classRow(item, label, range) {
  const swatch = make("i");
  swatch.style.setProperty("--colour", item.colour);
  const line = make("div", { class: "line" }, swatch, make("span", { class: "name", title: item.name }, item.name),
    make("span", { class: "value", title: say("probability") }, small(item.probability)),
    make("span", { class: "raw", title: say("score") }, figure(item.score)));
  const single = item.prompts.length === 1 && item.prompts[0].text === item.name;
  const texts = single ? [] : [make("ul", { class: "texts", "aria-label": say("texts") },
    ...item.prompts.map((each) => textRow(each, item, range)))];
  return make("li", { class: item.index === label ? "won" : "", "data-name": item.name }, line, bar(item.probability, item.colour), ...texts);
}

function render() {
  const report = props.value;
  panel.hidden = !report;
  if (!report) return;
  part("close").setAttribute("aria-label", say("close"));
  part("gone").hidden = !report.gone;
  part("gone").textContent = say("gone");
  part("title").textContent = report.gone ? "" : say("title", { x: report.x, y: report.y });
  const none = !report.gone && report.label === null ? say("none") + " " : "";
  part("hint").textContent = report.gone ? "" : none + say("hint");
  const classes = [...(report.classes ?? [])].sort((a, b) => b.score - a.score || a.index - b.index);
  const scores = classes.flatMap((item) => item.prompts.map((each) => each.score ?? item.score));
  const range = [Math.min(...scores), Math.max(...scores)];
  part("rows").replaceChildren(...classes.map((item) => classRow(item, report.label, range)));
  panel.dataset.rev = Number(panel.dataset.rev || 0) + 1;
}

part("close").addEventListener("click", () => { panel.hidden = true; document.dispatchEvent(new CustomEvent("facadelens:unpick")); });
document.addEventListener("facadelens:picked", () => { panel.hidden = !props.value; });
document.addEventListener("facadelens:scene", (event) => { if (!event.detail) panel.hidden = true; });
new MutationObserver(render).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
watch("value", render);
render();
