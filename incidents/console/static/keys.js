// The keys: what each does, after which letter, and the window that lists them.
"use strict";
(() => {
  const words = document.body.dataset;
  const $ = (id) => document.getElementById(id);

  // In a field they are letters; and who needs none can switch them off.

  const keysAreOn = () => {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  };

  const onKey = {
    j: () => list.move(1),
    k: () => list.move(-1),
    "/": () => $("find").focus(),
    "?": () => $("keys").showModal(),
    Enter: () => {
      const item = list.selected();
      const link = item && item.querySelector("a");
      // A report in the queue is settled on its own page.
      if (item && $("pane") && item.querySelector("a.open")) pane.open(item.id.slice(2));
      else if (link) link.click();
    },
    n: () => pane.press("[data-key=n]"),
    c: () => pane.press("[data-key=c]"),
    u: () => pane.press("[data-key=u]"),
    z: () => held.undo(),
    x: () => bulk.pick(list.selected(), false),
    X: () => bulk.pick(list.selected(), true),
    "*": () => bulk.all(),
    a: () => $("changes").click(),
  };
  // After g, the first letter of a page.
  const GO = { q: "/", r: "/reports", s: "/sites", i: "/incidents", d: "/terms", o: "/orders", v: "/overview", a: "/audit", p: "/policy", l: "/log" };
  let goes = -Infinity;
  function isGoing(key) {
    const was = performance.now() - goes < 1500;
    goes = key === "g" && !was ? performance.now() : -Infinity;
    const link = was && GO[key] && document.querySelector(`nav a[href="${GO[key]}"], main a[href="${GO[key]}"]`);
    if (link) link.click();
    return was || key === "g";
  }
  // Where there is no list, a letter opens the form of an act; nothing is done before its button is pressed.
  function opens(letter) {
    const act = /^[a-z]$/.test(letter) && document.querySelector(`#acts [data-key="${letter}"]`);
    if (!act) return false;
    const fold = act.closest("details");
    for (const each of document.querySelectorAll("#acts details")) each.open = each === fold;
    const empty = [...fold.querySelectorAll("input:not([type=hidden]), textarea")].find((field) => field.required && !field.value);
    // A suggestion is to be looked at, or typed over, before Enter takes it.
    const first = empty || (letter === "t" && fold.querySelector("input[list]")) || (act.matches("button") ? act : fold.querySelector("button"));
    first.focus();
    if (first.matches("input[list]")) first.select();
    return true;
  }
  for (const n of [1, 2, 3, 4, 5]) onKey[n] = () => pane.outcome(n);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target;
    if (target.matches("input:not([type=checkbox]), textarea, select") || document.querySelector("dialog[open]")) {
      if (event.key === "Escape" && target.id === "find") target.blur();
      return;
    }
    if (event.key === "Enter" && target.matches("a, button, summary")) return;
    if (words.me && keysAreOn() && isGoing(event.key)) { event.preventDefault(); return; }
    if (words.me && keysAreOn() && !$("items") && opens(event.key)) { event.preventDefault(); return; }
    const here = ["/", "?"].includes(event.key) ? $("keys") : $("items");
    if (!here || !onKey[event.key] || (!keysAreOn() && event.key !== "Enter")) return;
    event.preventDefault();
    onKey[event.key]();
  });

  const dialog = $("keys");
  if (dialog) {
    $("keys-open").hidden = false;
    $("keys-open").addEventListener("click", () => dialog.showModal());
    $("keys-close").addEventListener("click", () => dialog.close());
    const on = $("keys-on");
    on.checked = keysAreOn();
    on.addEventListener("change", () => {
      try { localStorage.setItem("keys", on.checked ? "on" : "off"); } catch { /* kept for this page alone */ }
    });
  }
})();
