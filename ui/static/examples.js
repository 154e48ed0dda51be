// Thumbnails of the example pictures; a click sends 'pick' with the example's index.
const strip = element.querySelector("[data-part=strip]");
let chosen = 0; // index of the example on show; null for a picture of the visitor's own
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
    mark(item.index);
    trigger("pick", { index: item.index });
  });
  return button;
}

function mark(index) {
  chosen = index;
  for (const button of strip.children) button.classList.toggle("chosen", button.dataset.index === String(index));
}

function render() {
  strip.setAttribute("aria-label", words().examples);
  strip.replaceChildren(...(props.value || []).map(thumbnail));
  mark(chosen);
}

new MutationObserver(render).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
document.addEventListener("facadelens:upload", () => mark(null));
watch("value", render);
render();
