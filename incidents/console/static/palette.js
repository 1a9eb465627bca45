// The command palette: pages, what can be done here, sites and incidents, found by a few letters.
"use strict";
const palette = (() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return { open: () => {} };
  const field = dialog.querySelector("input");
  const box = dialog.querySelector("[role=listbox]");
  const MOST = 6;
  const WAITS_MS = 150;

  let found = []; // { group, text, run }
  let at = 0;
  let pause = null;
  let asked = "";

  const text = (node) => [...node.childNodes].filter((each) => each.nodeName !== "KBD")
    .map((each) => each.textContent).join("").trim();
  const go = (href) => () => location.assign(href);

  const pages = () => [...document.querySelectorAll("nav a, .menu li > a, main .tabs a")]
    .map((link) => ({ group: "pages", text: text(link), run: go(link.href) }));
  const acts = () => [
    ...[...document.querySelectorAll("#item button:enabled")].map((button) => ({
      group: "acts", text: text(button), run: () => { button.focus(); if (button.name !== "outcome") button.click(); },
    })),
    ...[...document.querySelectorAll("main details.act:not(#not-now)")].map((act) => ({
      group: "acts", text: text(act.querySelector("summary")),
      run: () => { act.open = true; act.scrollIntoView({ block: "center" }); (act.querySelector("input:not([type=hidden]), textarea, select, button") || act).focus(); },
    })),
  ];

  // Letters in their order, as they stand in the name; what begins with them comes first.
  function rank(name, typed) {
    const where = name.toLowerCase().indexOf(typed);
    return where < 0 ? Infinity : where;
  }

  async function look(typed, kind) {
    try {
      const answer = await fetch(`/search?${new URLSearchParams({ q: typed, kind })}`, { headers: { "HX-Request": "true" }, redirect: "manual" });
      if (!answer.ok) return [];
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      return [...page.querySelectorAll("#items .item")].slice(0, MOST).map((hit) => {
        const link = hit.querySelector("a");
        return { group: kind, text: [...hit.querySelectorAll("a, bdi, .state")].map((each) => each.textContent.trim()).filter((each, n, all) => all.indexOf(each) === n).join(" · "), run: go(link.getAttribute("href")) };
      });
    } catch {
      return [];
    }
  }

  // What is chosen stays chosen when more is found.
  function show(list, chosen = 0) {
    found = list;
    at = chosen;
    let group = "";
    box.replaceChildren(...found.flatMap((each, n) => {
      const row = document.createElement("li");
      row.id = `p-${n}`;
      row.setAttribute("role", "option");
      row.textContent = each.text;
      row.addEventListener("click", () => choose(n));
      if (each.group === group) return [row];
      group = each.group;
      const head = document.createElement("li");
      head.setAttribute("role", "presentation");
      head.className = "group";
      head.textContent = dialog.dataset[group];
      return [head, row];
    }));
    mark();
  }

  function mark() {
    for (const [n, row] of [...box.querySelectorAll("[role=option]")].entries()) {
      row.setAttribute("aria-selected", String(n === at));
      // The first one is where the list begins, and nothing has to be measured for it.
      if (n === at && at) row.scrollIntoView({ block: "nearest" });
    }
    if (!at) box.scrollTop = 0;
    field.setAttribute("aria-activedescendant", found.length ? `p-${at}` : "");
  }

  function choose(n) {
    const chosen = found[n];
    if (!chosen) return;
    dialog.close();
    chosen.run();
  }

  function type() {
    const typed = field.value.trim().toLowerCase();
    asked = typed;
    const here = [...acts(), ...pages()]
      .map((each) => ({ ...each, rank: rank(each.text, typed) }))
      .filter((each) => each.rank < Infinity);
    if (typed) here.sort((a, b) => a.rank - b.rank);
    show(typed ? here.slice(0, MOST) : here);
    clearTimeout(pause);
    if (!typed) return;
    pause = setTimeout(async () => {
      const [sites, incidents] = await Promise.all([look(typed, "sites"), look(typed, "incidents")]);
      if (asked === typed && dialog.open) show([...found.filter((each) => each.rank !== undefined), ...sites, ...incidents], at);
    }, WAITS_MS);
  }

  function open() {
    field.value = "";
    // It is filled before it is shown: the page is laid out once.
    type();
    dialog.showModal();
    field.focus();
  }

  field.addEventListener("input", type);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = Math.min(found.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)));
      mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(at);
    }
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    if (dialog.open) dialog.close();
    else if (!document.querySelector("dialog[open]")) open();
  });

  return { open };
})();
