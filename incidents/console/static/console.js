// The console's own script: clocks that tick, keys, and news of what others have changed.
"use strict";
(() => {
  const body = document.body;
  const words = body.dataset;
  const $ = (id) => document.getElementById(id);
  let ahead = Date.parse(words.now) - Date.now();

  // Clocks. The server's time counts, and not that of a computer that is wrong.

  function span(seconds) {
    const parts = [[86400, words.wD], [3600, words.wH], [60, words.wMin], [1, words.wS]];
    const told = [];
    let left = Math.floor(seconds);
    for (const [unit, word] of parts) {
      const n = Math.floor(left / unit);
      left -= n * unit;
      if (n || told.length || unit === 1) told.push(`${n} ${word}`);
      if (told.length === 2) break;
    }
    return told.join(" ");
  }

  function tick() {
    const now = Date.now() + ahead;
    for (const time of document.querySelectorAll("time[data-ticks]")) {
      const left = (Date.parse(time.dateTime) - now) / 1000;
      const text = (left >= 0 ? words.wLeft : words.wOverdue).replace("{span}", span(Math.abs(left)));
      if (time.textContent !== text) time.textContent = text;
      time.classList.toggle("overdue", left < 0);
      time.classList.toggle("soon", left >= 0 && left < 600);
    }
  }

  // A list: which item is selected, and what is open or half typed when it is fresh.

  let selected = null;
  const items = () => [...document.querySelectorAll("#items .item")];
  const live = () => $("desk") || $("fresh");

  function select(item, focus) {
    for (const each of items()) each.classList.toggle("selected", each === item);
    selected = item ? item.id : null;
    if (item && focus) {
      item.focus({ preventScroll: true });
      item.scrollIntoView({ block: "nearest" });
    }
  }

  function move(by) {
    const all = items();
    if (!all.length) return;
    const at = all.findIndex((item) => item.id === selected);
    const to = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by));
    select(all[to], true);
  }

  // What was asked for in full stays so in a fresh list, for as long as it is about the same.
  const masked = new Map();
  const whose = (place) => [...place.querySelectorAll("bdi, .number")].map((each) => each.textContent).join("\n");

  let kept = null;
  function keep() {
    const desk = live();
    if (!desk) return;
    const active = document.activeElement;
    const all = items();
    kept = {
      open: [...desk.querySelectorAll("details[open][id]")].map((each) => each.id),
      revealed: [...desk.querySelectorAll("[data-revealed]")].map(({ parentElement: each }) => [each.id, each.innerHTML]),
      at: all.findIndex((item) => item.id === selected),
      inside: desk.contains(active),
      item: active && active.closest && active.closest(".item") ? active.closest(".item").id : null,
      button: active && desk.contains(active) ? describe(active) : null,
    };
  }

  const describe = (element) =>
    element.matches("button, a, summary") ? [element.tagName, element.textContent.trim()] : null;

  function restore() {
    const desk = live();
    if (!desk || !kept) return;
    if ($("list")) ahead = Date.parse($("list").dataset.now) - Date.now();
    for (const id of kept.open) if ($(id)) $(id).open = true;
    for (const [id, shown] of kept.revealed) {
      if ($(id) && whose($(id)) === masked.get(id)) $(id).innerHTML = shown;
    }
    const all = items();
    let item = selected ? $(selected) : null;
    // What is settled is gone: the next one takes its place.
    if (!item && kept.at >= 0) item = all[Math.min(kept.at, all.length - 1)] || null;
    select(item, false);
    // The focus went with the old list; who has moved on meanwhile, to a field say, stays there.
    if (kept.inside && (!document.activeElement || document.activeElement === body)) {
      const there = kept.item && $(kept.item);
      const home = there || item || desk;
      // Of another item no button: who presses twice must not tell of a call that nobody made.
      const same = (there || !kept.item) && kept.button && [...(there || desk).querySelectorAll(kept.button[0])]
        .find((each) => each.textContent.trim() === kept.button[1] && !each.disabled);
      if (same) same.focus({ preventScroll: true });
      else if (home) home.focus({ preventScroll: true });
    }
    kept = null;
    own();
    tick();
  }

  // What I hold, in a list that is written for all.
  function own() {
    for (const item of items()) item.classList.toggle("mine", item.dataset.by === words.me);
  }

  // Keys. In a field they are letters; and who needs none can switch them off.

  const keysAreOn = () => {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  };

  function press(item, selector) {
    const button = item && item.querySelector(selector);
    if (button && !button.disabled) button.click();
  }

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    "/": () => $("find").focus(),
    "?": () => $("keys").showModal(),
    Enter: () => {
      const item = selected && $(selected);
      const more = item && item.querySelector("details");
      const link = item && item.querySelector("a");
      if (more) more.open = !more.open;
      else if (link) link.click();
    },
    n: () => press(selected && $(selected), "[data-key=n]"),
    c: () => press(selected && $(selected), "[data-key=c]"),
    u: () => press(selected && $(selected), "[data-key=u]"),
  };
  for (const n of [1, 2, 3, 4, 5]) {
    acts[n] = () => {
      const item = selected && $(selected);
      const button = item && item.querySelectorAll("button[name=outcome]")[n - 1];
      // Enter records it: what a slip of the finger stops is somebody's clock.
      if (button && !button.disabled) button.focus();
    };
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target;
    if (target.matches("input, textarea, select") || document.querySelector("dialog[open]")) {
      if (event.key === "Escape" && target.id === "find") target.blur();
      return;
    }
    if (event.key === "Enter" && target.matches("a, button, summary")) return;
    const here = ["/", "?"].includes(event.key) ? $("keys") : $("items");
    if (!here || !acts[event.key] || (!keysAreOn() && event.key !== "Enter")) return;
    event.preventDefault();
    acts[event.key]();
  });

  document.addEventListener("focusin", (event) => {
    const item = event.target.closest && event.target.closest("#items .item");
    if (item && item.id !== selected) select(item, false);
  });

  // News. A console that nobody sees hears nothing, and catches up when it is seen again.

  let source = null;
  let stale = false;
  let known = words.version;

  function isChanged(field) {
    if (field.type === "hidden" || field.type === "search") return false;
    if (field.type === "file") return field.files.length > 0;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (!field.options) return field.value !== field.defaultValue;
    const first = [...field.options].findIndex((each) => each.defaultSelected);
    return field.selectedIndex !== Math.max(first, 0);
  }

  function busy() {
    // What was refused stands in its fields again, and nowhere else.
    if (document.querySelector("#fresh[data-typed]")) return true;
    const active = document.activeElement;
    if (active && active.matches("main input:not([type=search]), main textarea, main select")) return true;
    return [...document.querySelectorAll("main form textarea, main form input, main form select")].some(isChanged);
  }

  function refresh() {
    const desk = $("desk");
    if (desk) htmx.trigger(desk, "refresh");
    const part = $("fresh");
    if (!part) return;
    if (busy()) old();
    else paced(part);
  }

  // A page that costs more has a pace; the last news of a burst is asked for too, at its end.
  let asked = -Infinity;
  let waits = null;
  function paced(part) {
    if (waits) return;
    const left = asked + Number(part.dataset.pace || 0) - performance.now();
    if (left > 0) {
      waits = setTimeout(() => { waits = null; refresh(); }, left);
      return;
    }
    asked = performance.now();
    htmx.trigger(part, "refresh");
  }

  // Nobody loses what they are typing: then it is said that the page is old.
  function old() {
    stale = true;
    const told = $("stale");
    if (told) told.hidden = false;
  }

  // A list that was written before the one that is shown, and comes after it. What an act has come
  // to is told all the same, and the list asked for anew.
  function overtaken(detail) {
    const found = /data-newest="(\d+)"/.exec(detail.serverResponse || "");
    if (!found || Number(found[1]) >= Number($("list").dataset.newest)) return false;
    if (detail.requestConfig.verb !== "get") { setTimeout(refresh, 0); return false; }
    detail.shouldSwap = false;
    return true;
  }

  function about(data) {
    const site = words.site;
    return !site || data.more || data.sites.includes(Number(site));
  }

  function say(on) {
    const line = $("live");
    if (line) {
      line.textContent = on ? line.dataset.live : line.dataset.lost;
      line.classList.toggle("off", !on);
    }
  }

  function listen() {
    if (source || document.hidden || !words.page) return;
    source = new EventSource("/changes");
    source.addEventListener("hello", (event) => {
      say(true);
      // What has changed since the page was written, or while nobody listened, was told to nobody here.
      const { version } = JSON.parse(event.data);
      if (stale || version !== known) refresh();
      known = version;
      stale = false;
    });
    source.addEventListener("changed", (event) => { if (about(JSON.parse(event.data))) refresh(); });
    source.addEventListener("lost", () => say(false));
    source.addEventListener("signed-out", () => {
      location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
    });
    source.onerror = () => say(false);
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { stale = true; listen(); return; }
    if (source) { source.close(); source = null; }
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    // What was asked for before they began to type comes too late.
    if (event.detail.target.id === "fresh" && busy()) { event.detail.shouldSwap = false; old(); return; }
    if (event.detail.target.id === "desk" && overtaken(event.detail)) return;
    keep();
  });
  document.addEventListener("htmx:beforeRequest", ({ detail: { target, xhr } }) => {
    if (!target.matches("[data-masked]")) return;
    masked.set(target.id, whose(target));
    // A fresh list may come before the answer: what was asked for in full is shown in that one.
    xhr.addEventListener("load", () => {
      const place = $(target.id);
      if (xhr.status !== 200 || !place || place === target || whose(place) !== masked.get(place.id)) return;
      htmx.swap(place, xhr.responseText, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
    });
  });
  document.addEventListener("htmx:afterSettle", () => { restore(); own(); tick(); });
  document.addEventListener("htmx:sendError", () => say(false));

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

  own();
  tick();
  setInterval(tick, 1000);
  // What the hands of the clock change, an alarm say, has no entry.
  const ages = () => document.querySelector("#desk, #fresh[data-ages]");
  setInterval(() => { if (!document.hidden && ages()) refresh(); }, 15000);
  // After htmx has processed the page: before that, a refresh has no effect.
  document.addEventListener("DOMContentLoaded", listen);
})();
