// Runs before the page is drawn: language, theme, and pictures pasted or dropped anywhere.
(() => {
  const page = document.documentElement;
  const known = (value) => (/^ru/i.test(value ?? "") ? "ru" : /^en/i.test(value ?? "") ? "en" : null);
  const store = {
    get: (name) => { try { return localStorage.getItem(name); } catch { return null; } },
    set: (name, value) => { try { localStorage.setItem(name, value); } catch { /* private mode */ } },
  };
  const query = new URLSearchParams(location.search);

  function language() {
    return known(query.get("lang")) ?? known(store.get("facade-lens.language")) ?? known(navigator.language) ?? "en";
  }

  function setLanguage(value) {
    store.set("facade-lens.language", known(value) ?? "en");
    query.delete("lang");
    page.lang = known(value) ?? "en";
  }

  function setTheme(dark) {
    document.body.classList.toggle("dark", dark);
    store.set("facade-lens.theme", dark ? "dark" : "light");
  }

  const busy = (on) => document.dispatchEvent(new CustomEvent("facadelens:busy", { detail: on }));

  function send(file) {
    const input = document.querySelector("#picture input[type=file]");
    if (input) return give(input, file);
    document.querySelector("#picture button[aria-label='Clear'], #picture .icon-button-wrapper button:last-child")?.click();
    setTimeout(() => {
      const fresh = document.querySelector("#picture input[type=file]");
      if (fresh) give(fresh, file);
    }, 150);
  }

  function give(input, file) {
    const files = new DataTransfer();
    files.items.add(file);
    input.files = files.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  const pictureOf = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/"));

  document.addEventListener("paste", (event) => {
    const file = pictureOf(event.clipboardData?.files);
    if (file) { event.preventDefault(); send(file); }
  });
  document.addEventListener("dragover", (event) => {
    if (event.target.closest?.("#viewer")) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!event.target.closest?.("#viewer")) return;
    event.preventDefault();
    const file = pictureOf(event.dataTransfer?.files);
    if (file) send(file);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-action=theme]")) setTheme(!document.body.classList.contains("dark"));
  });
  document.addEventListener("DOMContentLoaded", () => {
    const wish = query.get("__theme") ? null : store.get("facade-lens.theme");
    if (wish) document.body.classList.toggle("dark", wish === "dark");
  });

  page.lang = language();
  window.facadeLens = { language, setLanguage, busy };
})();
