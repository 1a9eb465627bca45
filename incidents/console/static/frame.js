// The frame of a page: its menu and density, and what opens and copies.
"use strict";
(() => {
  const words = document.body.dataset;
  const $ = (id) => document.getElementById(id);

  document.addEventListener("click", async ({ target }) => {
    const button = target.closest && target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = words.wCopied;
    } catch {
      // Not allowed: what is to be copied is selected instead.
      const before = button.previousElementSibling;
      if (before && before.select) before.select();
      else if (before) getSelection().selectAllChildren(before);
    }
  });

  // The words over a file input are ours: they name what was chosen.
  function name(input) {
    const told = input.parentElement.querySelector(".chosen-file");
    if (told) told.textContent = [...input.files].map((file) => file.name).join(", ") || told.dataset.none;
  }
  document.addEventListener("change", ({ target }) => { if (target.type === "file") name(target); });
  document.querySelectorAll(".file input").forEach(name);

  // A link to a form opens it.
  function hash() {
    try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; }
  }
  function unfold() {
    const named = $(hash());
    const fold = named && named.closest("details");
    if (fold) { fold.open = true; named.scrollIntoView({ block: "center" }); }
  }
  unfold();
  addEventListener("hashchange", unfold);

  const palettes = $("palette-open");
  if (palettes) {
    palettes.hidden = false;
    palettes.addEventListener("click", palette.open);
  }

  // On a telephone the navigation is wider than the window: its current page is shown.
  const current = document.querySelector("nav [aria-current]");
  const nav = current && current.closest("nav");
  const centre = () => { nav.scrollLeft = current.offsetLeft - nav.offsetLeft - (nav.clientWidth - current.offsetWidth) / 2; };
  if (nav) {
    centre();
    addEventListener("resize", centre);
  }

  const menu = document.querySelector(".menu");
  document.addEventListener("click", ({ target }) => { if (menu && !menu.contains(target)) menu.open = false; });
  document.addEventListener("keydown", ({ key }) => { if (menu && key === "Escape") menu.open = false; });

  const compact = $("compact");
  if (compact) {
    const root = document.documentElement;
    const set = (is) => { root.dataset.density = is ? "compact" : "comfort"; compact.checked = is; };
    compact.closest("label").hidden = false;
    try { set(localStorage.getItem("density") === "compact"); } catch { /* as it comes */ }
    compact.addEventListener("change", () => {
      set(compact.checked);
      try { localStorage.setItem("density", root.dataset.density); } catch { /* kept for this page alone */ }
    });
  }
})();
