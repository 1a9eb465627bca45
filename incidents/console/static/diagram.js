// Diagrams: the arcs of a state stand out, and the arc of an item of the list.
"use strict";
(() => {
  const at = (event, what) => event.target.closest && event.target.closest(`.of-machine ${what}`);

  function light(figure, isOne) {
    const svg = figure.querySelector("svg.machine");
    svg.querySelectorAll(".arc").forEach((arc) => arc.classList.toggle("on", isOne !== null && isOne(arc)));
    svg.classList.toggle("lit", isOne !== null);
  }

  function show(event) {
    const [node, item, arc] = [".node", "li[data-arc]", ".arc"].map((what) => at(event, what));
    const found = node || item || arc;
    if (!found) return;
    const state = node && node.dataset.state;
    const is = node ? (each) => each.dataset.to === state || each.dataset.from.split(" ").includes(state)
      : (each) => each === arc || (item && each.id === item.dataset.arc);
    light(found.closest("figure"), is);
  }

  function hide(event) {
    const figure = at(event, "svg, .of-machine ul.moves");
    if (figure) light(figure.closest("figure"), null);
  }

  document.addEventListener("pointerover", show);
  document.addEventListener("focusin", show);
  document.addEventListener("pointerout", hide);
  document.addEventListener("focusout", hide);

  const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
  document.addEventListener("keydown", (event) => {
    const node = at(event, ".node"), step = STEPS[event.key];
    if (!node || !step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const nodes = [...node.closest("svg").querySelectorAll(".node")];
    const next = nodes[nodes.indexOf(node) + step];
    if (!next) return;
    // One stop for the Tab key: where the reader has been.
    node.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  });
})();
