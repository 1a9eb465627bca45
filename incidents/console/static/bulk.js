// The rows that are chosen for one act: by x, by their boxes, and from one to another with shift.
"use strict";
const bulk = (() => {
  const form = document.getElementById("bulk");
  if (!form) return { pick: () => {}, all: () => {} };
  const told = form.querySelector("[data-n]");
  const boxes = () => [...document.querySelectorAll("#items input[name=row]")];
  const chosen = new Set();
  let last = null; // where the last choice was made, from which shift chooses

  function show() {
    const all = boxes();
    for (const box of all) box.checked = chosen.has(box.value);
    for (const id of chosen) if (!all.some((box) => box.value === id)) chosen.delete(id);
    form.classList.toggle("chosen", chosen.size > 0);
    told.textContent = chosen.size ? told.dataset.n.replace("{n}", chosen.size) : "";
  }

  function choose(box, is, ranges) {
    const all = boxes();
    const [from, to] = [all.findIndex((each) => each.value === last), all.indexOf(box)];
    const those = ranges && from >= 0 ? all.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
    for (const each of those) {
      if (is) chosen.add(each.value);
      else chosen.delete(each.value);
    }
    last = box.value;
    show();
  }

  function pick(row, ranges) {
    const box = row && row.querySelector("input[name=row]");
    if (box) choose(box, !chosen.has(box.value), ranges);
  }

  // All rows, or none if all are chosen; Tab leads from there to the acts.
  function all() {
    const every = boxes();
    const is = !every.every((box) => chosen.has(box.value));
    for (const box of every) {
      if (is) chosen.add(box.value);
      else chosen.delete(box.value);
    }
    show();
    const act = form.querySelector("button:not([type=reset])");
    if (is && every.length && act) act.focus();
  }

  document.addEventListener("click", (event) => {
    const row = event.target.closest("#items .item");
    if (!row) return;
    if (event.target.matches("input[name=row]")) choose(event.target, event.target.checked, event.shiftKey);
    else if (event.shiftKey && !event.target.closest("button")) { event.preventDefault(); pick(row, true); }
  });
  form.addEventListener("reset", () => {
    chosen.clear();
    last = null;
    show();
  });
  document.addEventListener("list:fresh", show);
  show();

  return { pick, all };
})();
