// Thumbnails of the example pictures; a click sends 'pick' with the example's index.
const strip = element.querySelector("[data-part=strip]");
const words = () => props.texts[document.documentElement.lang.startsWith("ru") ? "ru" : "en"];

function thumbnail(item) {
  const button = document.createElement("button");
  const image = document.createElement("img");
  button.type = "button";
  button.dataset.index = item.index;
  button.setAttribute("aria-label", words().example.replace("{number}", item.index + 1));
  image.alt = "";
  image.src = item.image.url;
  button.append(image);
  button.addEventListener("click", () => {
    for (const other of strip.children) other.classList.toggle("chosen", other === button);
    trigger("pick", { index: item.index });
  });
  return button;
}

function render() {
  const chosen = strip.querySelector(".chosen")?.dataset.index ?? "0";
  strip.setAttribute("aria-label", words().examples);
  strip.replaceChildren(...(props.value || []).map(thumbnail));
  strip.querySelector(`[data-index="${chosen}"]`)?.classList.add("chosen");
}

new MutationObserver(render).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
document.addEventListener("facadelens:upload", () => strip.querySelector(".chosen")?.classList.remove("chosen"));
watch("value", render);
render();
