// The viewer's legend: which classes are shown, and how much of the picture each takes.
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
