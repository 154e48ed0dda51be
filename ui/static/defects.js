// The numbered rows of a defect sheet; follows drawing.js. Names are put in as text, never as HTML.
const part = (name) => element.querySelector(`[data-part="${name}"]`);
const root = part("root");
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`facadelens:${name}`, { detail }));
const figure = (value, digits) => new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
const inWords = (both) => both[language()];

function kindChooser(row) {
  const select = make("select", { "aria-label": say("change", { number: row.number }) });
  const known = props.value.kinds.map((item) => [item.name, inWords(item.title)]);
  const own = known.some(([name]) => name === row.kind) ? [] : [[row.kind, inWords(row.title)]];
  for (const [name, title] of [...own, ...known]) {
    const option = make("option", { value: name }, title);
    option.selected = name === row.kind;
    select.append(option);
  }
  select.addEventListener("change", () => trigger("edited", { key: row.key, kind: select.value }));
  return select;
}

const areaTitle = () => say(props.value.scale === null ? "area_px" : "area");

function extentOf(row) {
  if (row.length !== null) return say("length", { length: figure(row.length, 2), width: figure(row.width, 1) });
  return row.length_px === null ? "" : say("length_px", { length: row.length_px });
}

function tableRow(row) {
  const go = make("button", { type: "button", class: "go", title: say("show"), "aria-label": `${say("show")} ${row.number}` }, String(row.number));
  go.style.setProperty("--colour", row.colour);
  go.addEventListener("click", () => tell("goto", row.box));
  const photo = make("img", { alt: "", loading: "lazy", src: row.photo.url });
  const place = make("span", {}, inWords(row.zone));
  const badge = make("span", { class: "badge" }, make("i"), inWords(row.severity));
  badge.style.setProperty("--colour", row.colour);
  const extent = extentOf(row);
  return make("tr", { "data-number": row.number }, make("td", {}, go), make("td", {}, photo),
    make("td", {}, kindChooser(row), ...(extent ? [make("small", {}, extent)] : [])),
    make("td", {}, place, make("small", {}, say("place", { x: row.centre[0], y: row.centre[1], width: row.box[2], height: row.box[3] }))),
    make("td", { class: "figure", "data-label": areaTitle() }, inWords(row.area)), make("td", {}, badge),
    make("td", { class: "figure", "data-label": say("score") }, percent(row.score)));
}

function sentence(value) {
  if (!value) return say("empty");
  if (value.message) return inWords(value.message);
  if (!value.rows.length) return say("none");
  return root.dataset.stale === "true" ? say("stale") : say("found", { count: value.rows.length });
}

function render() {
  const { value } = props;
  const ready = Boolean(value?.rows?.length);
  root.dataset.state = ready ? "ready" : "empty";
  part("message").textContent = sentence(value);
  if (!ready) return;
  for (const head of element.querySelectorAll("[data-head]")) head.textContent = say(head.dataset.head);
  part("area-head").textContent = areaTitle();
  part("scale").textContent = value.scale === null ? say("no_scale") : say("scale", { value: figure(value.scale * 1000, 1) });
  part("left-out").textContent = value.left_out ? say("left_out", { count: value.left_out }) : "";
  part("rule").textContent = inWords(value.rule);
  part("rules").replaceChildren(...inWords(value.rules).map((line) => make("li", {}, line)));
  part("note").textContent = inWords(value.note);
  part("rows").replaceChildren(...value.rows.map(tableRow));
}

function renew() {
  root.dataset.stale = "false";
  tell("marks", (props.value?.rows ?? []).map(({ number, box, colour }) => ({ number, box, colour })));
  render();
  root.dataset.rev = Number(root.dataset.rev) + 1;
}

document.addEventListener("facadelens:length", (event) => trigger("measured", { points: event.detail }));
document.addEventListener("facadelens:scene", (event) => {
  if (!props.value?.rows) return;
  root.dataset.stale = "true";
  part("message").textContent = sentence(props.value);
  if (!event.detail) trigger("measured", { points: null });
});
new MutationObserver(render).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
watch("value", renew);
render();
