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

  // Keys. In a field they are letters; and who needs none can switch them off.

  const keysAreOn = () => {
    try { return localStorage.getItem("keys") !== "off"; } catch { return true; }
  };

  function press(selector) {
    const item = list.selected();
    const button = item && item.querySelector(selector);
    if (button && !button.disabled) button.click();
  }

  const onKey = {
    j: () => list.move(1),
    k: () => list.move(-1),
    "/": () => $("find").focus(),
    "?": () => $("keys").showModal(),
    Enter: () => {
      const item = list.selected();
      const more = item && item.querySelector("details");
      const link = item && item.querySelector("a");
      if (more) more.open = !more.open;
      else if (link) link.click();
    },
    n: () => press("[data-key=n]"),
    c: () => press("[data-key=c]"),
    u: () => press("[data-key=u]"),
    a: () => $("changes").click(),
  };
  for (const n of [1, 2, 3, 4, 5]) {
    onKey[n] = () => {
      const item = list.selected();
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

  // Nobody has used a session while no server has answered. After an hour of that it is over: its page goes,
  // though nobody says so.
  let answered = Date.now();
  const leave = () => location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  function over() {
    acts.forget();
    body.replaceChildren();
    leave();
  }

  function listen() {
    again = null;
    if (source || document.hidden || !words.me) return;
    source = new EventSource("/changes");
    heard = performance.now();
    const on = (name, act) => source.addEventListener(name, (event) => {
      heard = performance.now();
      answered = Date.now();
      act(event);
    });
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
    on("signed-out", leave);
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
    if ($("live")?.className === "lost" && Date.now() - answered > Number(words.idle) * 1000) over();
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
    answered = Date.now();
    if (target.id !== "desk" && target.id !== "fresh") return;
    event.detail.shouldSwap = false;
    const page = new DOMParser().parseFromString(serverResponse, "text/html");
    if (target.id === "fresh") {
      // What was asked for before they began to type comes too late.
      if (busy()) old();
      else list.offer(page.getElementById("fresh"));
    } else {
      list.offer(page.getElementById("list"));
    }
  });
  document.addEventListener("list:fresh", ({ detail: now }) => {
    if (now) ahead = Date.parse(now) - Date.now();
    tick();
  });
  document.addEventListener("list:old", () => setTimeout(refresh, 0));
  document.addEventListener("act:answered", () => { answered = Date.now(); });
  document.addEventListener("act:lost", () => { say(false); listenAgain(0); });
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

  tick();
  setInterval(tick, 1000);
  // What the hands of the clock change, an alarm say, has no entry.
  const ages = () => document.querySelector("#desk, #fresh[data-ages]");
  setInterval(() => { if (!document.hidden && ages()) refresh(); }, 15000);
  // After htmx has processed the page: before that, a refresh has no effect.
  document.addEventListener("DOMContentLoaded", listen);
})();
