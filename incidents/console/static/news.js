// The news of what others have changed, and whether the page still hears of it.
"use strict";
(() => {
  const body = document.body;
  const words = body.dataset;
  const $ = (id) => document.getElementById(id);

  // News. A console that nobody sees hears nothing, and catches up when it is seen again.

  let source = null;
  let stale = false;
  let known = $("list") ? $("list").dataset.version : words.version;

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
    if (desk) { htmx.trigger(desk, "refresh"); return; }
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

  // The answer to one's own act shows what changed: its news may come first, and waits for it.
  let early = null;
  function news(data) {
    if (data.version === known) return;
    if (acts.isSending()) {
      early = early ? { sites: [...early.sites, ...data.sites], more: early.more || data.more, version: data.version } : data;
      return;
    }
    known = data.version;
    if (about(data)) refresh();
    if (data.more || data.sites.includes(Number(pane.shown().split("-")[0]))) pane.refresh();
  }
  function catchUp() {
    const data = early;
    early = null;
    if (data) news(data);
  }

  function listen() {
    again = null;
    if (source || !words.me || (document.hidden && !alerts.on())) return;
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
      if (stale || version !== known) { refresh(); pane.refresh(); }
      known = version;
      stale = false;
    });
    on("beat", () => {});
    on("changed", (event) => news(JSON.parse(event.data)));
    on("looking", (event) => { if (JSON.parse(event.data).items.includes(pane.shown())) pane.refresh(); });
    on("aged", () => { if (document.querySelector("#desk, #fresh[data-ages]")) refresh(); });
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
    if (!words.me) return;
    if (!document.hidden && source) return;
    if (!document.hidden) { stale = true; listen(); return; }
    // Who wants to be called hears also while the page is not seen.
    if (alerts.on()) return;
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
    const now = xhr.getResponseHeader("X-Incidents-Now");
    if (now) clock.set(now);
    if (target.id !== "desk" && target.id !== "fresh") return;
    event.detail.shouldSwap = false;
    const page = new DOMParser().parseFromString(serverResponse, "text/html");
    if (target.id === "fresh") {
      // What was asked for before they began to type comes too late.
      if (busy()) { old(); return; }
      tag = xhr.getResponseHeader("ETag");
      list.offer(page.getElementById("fresh"));
    } else {
      tag = xhr.getResponseHeader("ETag");
      list.offer(page.getElementById("list"));
    }
  });
  // Of the list that is shown its tag is sent, and if it is the same still nothing else comes.
  let tag = null;
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (["desk", "fresh"].includes(detail.elt.id) && tag) detail.headers["If-None-Match"] = tag;
  });
  document.addEventListener("list:fresh", ({ detail: { now, version } }) => {
    if (version) known = version;
    if (now) clock.set(now);
    else clock.tick();
  });
  document.addEventListener("clock:slept", () => setTimeout(catchUp, 0));
  document.addEventListener("act:sent", () => { tag = null; });
  document.addEventListener("pane:lost", () => { say(false); stale = true; listenAgain(0); });
  document.addEventListener("list:old", () => setTimeout(refresh, 0));
  document.addEventListener("act:answered", () => { answered = Date.now(); setTimeout(catchUp, 0); });
  document.addEventListener("act:lost", () => { say(false); listenAgain(0); setTimeout(catchUp, 0); });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, ({ detail: { requestConfig } }) => {
      say(false);
      stale = true;
      listenAgain(0);
      // What somebody has asked for, and not what the page looks at by itself.
      if (requestConfig && requestConfig.verb === "post") acts.say("refused", words.wNoAnswer);
    });
  }

  clock.tick();
  // What the hands of the clock change, an alarm say, is told by the server; other ages are looked at.
  const ages = () => document.querySelector("#fresh[data-ages]");
  setInterval(() => {
    if (document.hidden) return;
    if (ages()) refresh();
    pane.refresh();
  }, 60000);
  // After htmx has processed the page: before that, a refresh has no effect.
  document.addEventListener("DOMContentLoaded", listen);
})();
