// Starts the viewer; follows the files that begin with viewer_. Only 'download' and 'pick' talk to the server.
let waiting = 0;

// Gradio keeps the visitor's place in the queue up to date in a line of the component that is not shown: "queue: 2/3 | ...".
function sayWaiting() {
  const line = document.querySelector("#viewer :is(.meta-text, .progress-text)")?.textContent ?? "";
  const place = line.match(/(\d+)\/\d+\s*\|/)?.[1];
  const sentence = place ? say("queued", { place }) : say("busy");
  if (part("working").textContent !== sentence) part("working").textContent = sentence;
}

new MutationObserver(describe).observe(document.documentElement, { attributes: true, attributeFilter: ["lang"] });
new ResizeObserver(() => { fitCanvas(canvas, stage); if (scene) draw(); }).observe(stage);
document.addEventListener("facadelens:busy", (event) => {
  root.setAttribute("aria-busy", event.detail);
  clearInterval(waiting);
  waiting = event.detail ? setInterval(sayWaiting, 500) : 0;
  sayWaiting();
});
const safely = (result) => show(result).catch((error) => console.warn("viewer:", error));
watch("value", () => safely(props.value));
describe();
safely(props.value);
