// Charts: what is under the pointer or has the focus is read out, and arrows move from bar to bar.
"use strict";
(() => {
  const figureOf = (node) => node.closest && node.closest("figure.figure");
  const columnOf = (node) => node.closest && node.closest("svg.chart .column");
  const stopOf = (node) => node.closest && node.closest("svg.chart .stop");
  const stopsOf = (column) => column.matches(".stop") ? [column] : [...column.querySelectorAll(".stop")];

  // Each text is shown again as it was when nothing is read out.
  function write(node, text) {
    if (!node) return;
    if (node.dataset.rest === undefined) node.dataset.rest = node.textContent;
    node.textContent = text === null ? node.dataset.rest : text;
  }

  function show(figure, n) {
    const row = n === null ? null : figure.querySelectorAll("table.numbers tbody tr")[n];
    const cells = row ? [...row.cells].map((cell) => cell.textContent) : [];
    const sum = cells.slice(1).reduce((total, text) => total + Number(text.replaceAll(",", "")), 0);
    write(figure.querySelector(".readout"), row ? `${cells[0]} · ${sum.toLocaleString("en")}` : null);
    figure.querySelectorAll(".legend b").forEach((number, series) => write(number, row ? cells[series + 1] : null));
    figure.querySelectorAll(".column.shown").forEach((column) => column.classList.remove("shown"));
    if (row) figure.querySelector(`.column[data-n="${n}"]`).classList.add("shown");
  }

  // What has the focus is read out when the pointer has left.
  function rest(figure) {
    const focused = stopOf(document.activeElement || document.body);
    show(figure, focused && figure.contains(focused) ? Number(columnOf(focused).dataset.n) : null);
  }

  document.addEventListener("pointerover", (event) => {
    const column = columnOf(event.target);
    if (column) show(figureOf(column), Number(column.dataset.n));
  });
  document.addEventListener("pointerout", (event) => {
    const column = columnOf(event.target);
    if (column && !(event.relatedTarget && columnOf(event.relatedTarget))) rest(figureOf(column));
  });
  document.addEventListener("focusin", (event) => {
    const stop = stopOf(event.target);
    if (stop) show(figureOf(stop), Number(columnOf(stop).dataset.n));
  });
  document.addEventListener("focusout", (event) => {
    const stop = stopOf(event.target);
    if (stop) show(figureOf(stop), null);
  });

  // The bar of the same series, or the next one below it.
  function beside(column, series) {
    const stops = column ? stopsOf(column) : [];
    return stops.filter((stop) => Number(stop.dataset.series || 0) <= series).pop() || stops[0];
  }

  function goal(stop, key) {
    const column = columnOf(stop), columns = [...column.parentNode.querySelectorAll(".column")];
    const stops = stopsOf(column), at = columns.indexOf(column), series = Number(stop.dataset.series || wanted);
    switch (key) {
      case "ArrowLeft": return beside(columns[at - 1], series);
      case "ArrowRight": return beside(columns[at + 1], series);
      case "ArrowUp": return stops[stops.indexOf(stop) + 1];
      case "ArrowDown": return stops[stops.indexOf(stop) - 1];
      case "Home": return beside(columns[0], series);
      case "End": return beside(columns[columns.length - 1], series);
      default: return undefined;
    }
  }

  let wanted = 0; // the series on which an empty column was entered
  const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

  document.addEventListener("keydown", (event) => {
    const stop = stopOf(event.target);
    if (!stop || !KEYS.includes(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (stop.dataset.series) wanted = Number(stop.dataset.series);
    const next = goal(stop, event.key);
    if (!next) return;
    // One stop for the Tab key: where the reader has been.
    stop.closest("svg").querySelectorAll(".stop[tabindex='0']").forEach((each) => each.setAttribute("tabindex", "-1"));
    next.setAttribute("tabindex", "0");
    next.focus();
  });
})();
