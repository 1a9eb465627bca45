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

  // A list: which item is selected.

  let selected = null;
  const items = () => [...document.querySelectorAll("#items .item")];

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

  // What I hold, in a list that is written for all.
  function own() {
    for (const item of items()) item.classList.toggle("mine", item.dataset.by === words.me);
  }

  // What is fresh takes the place of what is shown, node by node: what is open, half typed, shown in
  // full or has the focus stays so for as long as it is about the same.

  // What was asked for in full, and of what.
  const masked = new Map();
  const whose = (place) => [...place.querySelectorAll("bdi, .number")].map((each) => each.textContent).join("\n");

  const careful = {
    beforeNodeMorphed(old, fresh) {
      if (old.nodeType !== 1) return true;
      if (old.matches("[aria-busy=true]")) return false;
      return !(old.matches("[data-masked]") && old.querySelector("[data-revealed]") && whose(fresh) === masked.get(old.id));
    },
    beforeAttributeUpdated: (name, node, how) =>
      !(name === "inert" || (name === "open" && (how === "remove" || node.matches("dialog")))),
  };
  const morph = (place, fresh) => Idiomorph.morph(place, fresh, { morphStyle: "outerHTML", callbacks: careful });

  // Rows do not move under a pointer, nor away from who has the focus in them: what would move them
  // waits until it is asked for, or until they have left.

  let held = null;
  let pointed = null; // how far down in the window a pointer is that is in the list
  let under = null; // the part of a page that is under it
  const shown = () => $("list") || $("fresh");
  const rows = (place) => [...place.querySelectorAll("#items > [id]")];
  const ids = (place) => rows(place).map((row) => row.id);
  const isInside = () => {
    const list = $("items");
    return Boolean(list && list.contains(document.activeElement));
  };

  // How many rows are new, gone, or elsewhere: the fewest that have moved.
  function changes(now, then) {
    const order = then.map((id) => now.indexOf(id)).filter((at) => at >= 0);
    const longest = [];
    order.forEach((at, n) => {
      longest[n] = 1 + Math.max(0, ...order.slice(0, n).map((before, i) => (before < at ? longest[i] : 0)));
    });
    const stay = Math.max(0, ...longest);
    return now.length + then.length - order.length - stay;
  }

  // A row that has another button where a pointer was about to press takes no press for a moment.
  const SETTLES_MS = 1000;
  const settling = new Set();
  const quiet = (row) => { row.inert = row.classList.contains("gone") || settling.has(row); };
  function settle(row) {
    settling.add(row);
    quiet(row);
    setTimeout(() => { settling.delete(row); quiet(row); }, SETTLES_MS);
  }
  const offers = (row) => [...row.querySelectorAll("button")].map((each) => each.textContent).join();

  // The row under the pointer stays where it is, whatever grows above it.
  function steadily(change) {
    const isAt = ({ top, bottom }) => top <= pointed && pointed <= bottom;
    const row = pointed === null
      ? under || (isInside() && document.activeElement)
      : rows(shown()).find((each) => isAt(each.getBoundingClientRect()));
    const before = row && [row.getBoundingClientRect().top, offers(row)];
    change();
    if (!row || !row.isConnected) return;
    window.scrollBy({ top: row.getBoundingClientRect().top - before[0], behavior: "instant" });
    if (under && offers(row) !== before[1]) settle(row);
  }

  function offer(fresh, isToWait) {
    const place = shown();
    if (!place || !fresh) return;
    if (fresh.dataset.now) ahead = Date.parse(fresh.dataset.now) - Date.now();
    const n = changes(ids(place), ids(fresh));
    if (!n || !isToWait) { apply(fresh); return; }
    held = fresh;
    steadily(() => inPlace(place, fresh));
    const bar = $("changes");
    bar.textContent = (n === 1 ? words.wChange : words.wChanges).replace("{n}", n);
    bar.hidden = false;
    afresh();
  }

  function inPlace(place, fresh) {
    const list = fresh.cloneNode(true);
    for (const row of rows(place)) {
      const now = rows(list).find((each) => each.id === row.id);
      // Who presses what is gone would be refused: it stays where it is until the list is fresh.
      row.classList.toggle("gone", !now);
      quiet(row);
      if (now) morph(row, now);
    }
    const counts = place.querySelector(".counts");
    if (counts) morph(counts, list.querySelector(".counts"));
    // No alarm waits: it stands over the page until it has its place.
    const known = new Set([...place.querySelectorAll(".alarms li")].map((each) => each.textContent));
    const news = [...list.querySelectorAll(".alarms li")].filter((each) => !known.has(each.textContent));
    $("alarms").replaceChildren(...news);
  }

  function apply(fresh) {
    const place = shown();
    const after = selected && next(selected);
    const inside = isInside();
    held = null;
    steadily(() => morph(place, fresh));
    for (const row of rows(shown())) quiet(row);
    $("changes").hidden = true;
    $("alarms").replaceChildren();
    // What is settled is gone: the next one takes its place, and the focus that was in it.
    afresh(after && $(after.id), inside);
  }

  function afresh(after, inside) {
    const item = selected && ($(selected) || after);
    select(item || null, Boolean(item && inside && document.activeElement === body));
    htmx.process(shown());
    own();
    tick();
  }

  const isInUse = () => pointed !== null || isInside();
  const release = () => { if (held && !isInUse()) apply(held); };
  // A finger that has left the glass is nowhere.
  for (const name of ["pointerover", "pointermove"]) {
    document.addEventListener(name, ({ target, pointerType, clientY }) => {
      const is = (part) => pointerType !== "touch" && target.closest && target.closest(part);
      pointed = is("#items") ? clientY : null;
      under = is("#items > [id], main form, main .card") || null;
      release();
    });
  }
  document.documentElement.addEventListener("pointerleave", () => { pointed = under = null; release(); });
  document.addEventListener("focusout", () => setTimeout(release, 0));
  $("changes").addEventListener("click", () => { if (held) apply(held); });

  // An act has its answer. By then its item may have gone, or ask for something else: for a moment no
  // second press reaches it, and the next most urgent one is selected.

  let byKey = false;
  document.addEventListener("click", (event) => { byKey = event.detail === 0; }, true);

  function next(of) {
    const all = items();
    const at = all.findIndex((item) => item.id === of);
    const free = (item) => !item.classList.contains("gone") && (!item.dataset.by || item.dataset.by === words.me);
    return [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))].find(free) || $(of);
  }

  document.addEventListener("act:answered", ({ detail: { act, done, list } }) => {
    // Who works by keys goes with the selection, and their own act may move what is around it.
    const keys = act.byKey;
    const item = act.item && $(act.item);
    if (!keys && item && item.contains(document.activeElement)) document.activeElement.blur();
    if (list && !isOlder(list)) offer(list, keys ? pointed !== null : isInUse());
    else if (list) setTimeout(refresh, 0);
    if (item && item.isConnected && !keys) settle(item);
    if (!act.item || !list) return;
    const to = done && !act.stays ? next(act.item) : $(act.item);
    select(to, Boolean(keys && to && (document.activeElement === body || isInside())));
    release();
  });
  document.addEventListener("act:sent", ({ detail }) => { detail.byKey = byKey; });
  document.addEventListener("act:lost", () => { say(false); listenAgain(0); });

  // Keys. In a field they are letters; and who needs none can switch them off.

  const keysAreOn = () => {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  };

  function press(item, selector) {
    const button = item && item.querySelector(selector);
    if (button && !button.disabled) button.click();
  }

  const onKey = {
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
    a: () => $("changes").click(),
  };
  for (const n of [1, 2, 3, 4, 5]) {
    onKey[n] = () => {
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
    if (!here || !onKey[event.key] || (!keysAreOn() && event.key !== "Enter")) return;
    event.preventDefault();
    onKey[event.key]();
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

  // A list that was written before the one that is shown or waits, and comes after it.
  const isOlder = (list) => Number(list.dataset.newest) < Number((held || shown()).dataset.newest);

  function about(data) {
    const site = words.site;
    return !site || data.more || data.sites.includes(Number(site));
  }

  function say(on) {
    const line = $("live");
    const state = on ? "live" : "lost";
    if (!line || line.className === state) return;
    line.className = state;
    line.textContent = line.dataset[state];
    line.setAttribute("role", on ? "status" : "alert");
  }

  // The server says something at least each 5 s. One that is silent for longer may be hung: that its
  // connection stands says nothing.
  const SILENT_MS = 12000;
  let heard = 0;
  let again = null;

  function listen() {
    again = null;
    if (source || document.hidden || !words.me) return;
    source = new EventSource("/changes");
    heard = performance.now();
    const on = (name, act) => source.addEventListener(name, (event) => { heard = performance.now(); act(event); });
    on("hello", (event) => {
      say(true);
      // What has changed since the page was written, or while nobody listened, was told to nobody here.
      const { version } = JSON.parse(event.data);
      if (stale || version !== known) refresh();
      known = version;
      stale = false;
    });
    on("beat", () => {});
    on("changed", (event) => { if (about(JSON.parse(event.data))) refresh(); });
    on("lost", () => say(false));
    on("signed-out", () => {
      location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
    });
    source.onerror = () => {
      say(false);
      // Refused, it does not come again by itself.
      if (source.readyState === EventSource.CLOSED) listenAgain(5000);
    };
  }

  function listenAgain(ms) {
    if (source) { source.close(); source = null; }
    clearTimeout(again);
    again = setTimeout(listen, ms);
  }

  setInterval(() => {
    if (source && performance.now() - heard > SILENT_MS) { say(false); listenAgain(0); }
  }, 1000);

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { stale = true; listen(); return; }
    if (source) { source.close(); source = null; }
    // Who comes back is not told that it is live before it is.
    const line = $("live");
    if (line) line.className = line.textContent = "";
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr, serverResponse } = event.detail;
    // What a proxy says in the server's place is no page of ours.
    if (!xhr.getResponseHeader("X-Incidents")) { event.detail.shouldSwap = false; say(false); return; }
    if (target.id !== "desk" && target.id !== "fresh") return;
    event.detail.shouldSwap = false;
    const page = new DOMParser().parseFromString(serverResponse, "text/html");
    if (target.id === "fresh") {
      // What was asked for before they began to type comes too late.
      if (busy()) old();
      else offer(page.getElementById("fresh"), isInUse());
      return;
    }
    const list = page.getElementById("list");
    if (list && !isOlder(list)) offer(list, isInUse());
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
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, ({ detail: { requestConfig } }) => {
      say(false);
      stale = true;
      listenAgain(0);
      // What somebody has asked for, and not what the page looks at by itself.
      if (requestConfig && requestConfig.verb === "post") acts.say("refused", words.wNoAnswer);
    });
  }

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
