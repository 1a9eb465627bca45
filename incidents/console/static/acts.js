// The acts: what becomes of each form that is sent, from the press of its button until it is known.
// An act is held (held.js), on its way, not confirmed, or over; nothing else in the console sends a form.
"use strict";
const acts = (() => {
  const body = document.body;
  const words = body.dataset;
  const $ = (id) => document.getElementById(id);

  const DEADLINE_S = 10;
  // The same on the same, so soon again, is a finger that pressed twice.
  const STEADY_MS = 10000;

  const open = new Map(); // what is held, on its way or not confirmed, by what it is
  const over = new Map(); // the keys of what was answered a moment ago

  let keys = false;
  document.addEventListener("click", (event) => { keys = event.detail === 0; }, true);

  const token = () =>
    [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");

  // What an act is: where it goes and what was typed. A call is the same whatever the page knew by then.
  function identity(form, fields, secret) {
    const counts = ([name]) =>
      !["csrf", "key", ...secret].includes(name) && !(name === "seen" && "steady" in form.dataset);
    const told = ([name, value]) => [name, value instanceof File ? [value.name, value.size, value.lastModified] : value];
    return JSON.stringify([form.getAttribute("action"), fields.filter(counts).map(told)]);
  }

  function begin(form, button) {
    const fields = [...new FormData(form, button)];
    const secret = [...form.querySelectorAll("[type=password]")].map((field) => field.name);
    const id = identity(form, fields, secret);
    const before = open.get(id);
    if (before) return before.pending || before.timer ? null : before;
    const recent = over.get(id);
    const steady = recent && performance.now() - recent.at < STEADY_MS;
    const given = fields.find(([name]) => name === "key");
    const item = form.closest("#item");
    const name = button && button.firstChild ? button.firstChild.textContent.trim() : "";
    return {
      id, form, fields: fields.filter(([name]) => name !== "key"),
      key: given ? given[1] : steady ? recent.key : token(),
      at: performance.now(),
      to: form.getAttribute("action"),
      whole: form.enctype === "multipart/form-data",
      deadline: Number(form.dataset.deadline || DEADLINE_S) * 1000,
      byKey: keys,
      clicked: steady ? recent.clicked : new Date(clock.now()).toISOString(),
      item: item && `i-${item.dataset.item}`,
      stays: "stays" in form.dataset,
      what: [name, item && item.querySelector("#item-title bdi")?.textContent].filter(Boolean).join(" · "),
    };
  }

  // All buttons at once: of an item too, for what it needs next is known when the answer is there.
  // Nothing fresh changes what is busy.
  function hold(act) {
    act.held = [];
    if (!act.form) return;
    act.place = act.form.closest("#item") || act.form;
    act.focus = act.place.contains(document.activeElement) ? document.activeElement : null;
    act.held = [...act.place.querySelectorAll("button:enabled")];
    for (const button of act.held) button.disabled = true;
    act.place.setAttribute("aria-busy", "true");
  }

  function free(act) {
    if (!act.form) return;
    for (const button of act.held) button.disabled = false;
    act.place.removeAttribute("aria-busy");
    if (act.focus && act.focus.isConnected && document.activeElement === body) act.focus.focus({ preventScroll: true });
  }

  // What is told of an act stands over the page, and pushes nothing in it.
  function say(tone, text) {
    const told = document.createElement("p");
    told.className = `said ${tone}`;
    told.setAttribute("role", tone === "done" ? "status" : "alert");
    told.textContent = text;
    $("said").replaceChildren(told);
  }

  function line(act) {
    if (!act.line) act.line = $("sent").appendChild(document.createElement("li"));
    act.line.className = act.pending ? "said pending" : "said unconfirmed";
    act.line.setAttribute("aria-live", act.pending ? "polite" : "assertive");
    act.line.textContent = (act.pending ? words.wPending : words.wUnconfirmed).replace("{what}", act.what);
    if (act.pending) return;
    const again = document.createElement("button");
    again.type = "button";
    again.textContent = words.wRetry;
    again.addEventListener("click", () => send(act));
    act.line.append(" ", again);
  }

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`act:${name}`, { detail }));

  async function send(act, options = {}) {
    if (act.pending) return;
    act.pending = true;
    open.set(act.id, act);
    tell("sent", act);
    $("said").replaceChildren();
    hold(act);
    line(act);
    let answer, text;
    const late = new AbortController();
    const deadline = setTimeout(() => late.abort(), act.deadline);
    try {
      const data = act.whole ? new FormData() : new URLSearchParams();
      const further = act.item ? [["clicked_at", act.clicked], ["then", pane.shown()]] : [];
      for (const [name, value] of [...act.fields, ["key", act.key], ...further]) data.append(name, value);
      answer = await fetch(act.to, {
        method: "POST", body: data, redirect: "manual", signal: late.signal, ...options,
        headers: { "HX-Request": "true", "HX-Current-URL": location.href, Accept: "text/html" },
      });
      text = await answer.text();
    } catch {
      text = null;
    }
    clearTimeout(deadline);
    act.pending = false;
    // What a proxy says in the server's place, or a server that broke down, is no answer to the act.
    if (text === null || answer.status >= 500 || !answer.headers.has("X-Incidents")) unconfirmed(act);
    else answered(act, answer, new DOMParser().parseFromString(text, "text/html"));
  }

  function unconfirmed(act) {
    free(act);
    line(act);
    tell("lost", act);
  }

  function answered(act, answer, page) {
    open.delete(act.id);
    over.set(act.id, { key: act.key, at: act.at, clicked: act.clicked });
    for (const [id, { at }] of over) if (performance.now() - at > STEADY_MS) over.delete(id);
    act.line.remove();
    act.line = null;
    const main = page.getElementById("main");
    const told = page.getElementById("said") || (main ? null : page.body);
    if (told) $("said").replaceChildren(...told.querySelectorAll(".said"));
    if (act.wasHeld) held.tell(act, $("said"));
    const to = answer.headers.get("HX-Redirect");
    // The browser may ask before it goes there, and then stay.
    if (!to || open.size) free(act);
    if (to) { location.assign(to); return; }
    const question = page.getElementById("ask");
    if (question) ask(act, question);
    else if (main) show(main, page.title);
    const done = Boolean($("said").querySelector(".done"));
    // Of what the page before has left to this one the list stays as it is; but news have waited for it.
    const fresh = act.form ? { list: page.getElementById("list"), item: page.getElementById("item") } : {};
    tell("answered", { act, done, ...fresh });
  }

  // A page that stands for the one that is open: what was refused, or what is to be proved first.
  function show(main, title) {
    $("main").replaceWith(main);
    document.title = title;
    htmx.process(main);
    const first = main.querySelector("[autofocus]") || main;
    first.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }

  function ask(act, question) {
    const dialog = document.createElement("dialog");
    if (act.wasHeld) held.tell(act, question);
    // It may open over another item: what is pressed for that one answers nothing here.
    question.querySelector("a").autofocus = true;
    dialog.append(question);
    dialog.setAttribute("aria-labelledby", "ask-title");
    dialog.addEventListener("close", () => dialog.remove());
    question.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
    question.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      for (const each of question.querySelectorAll("[name=despite]")) act.fields.push(["despite", each.value]);
      dialog.close();
      send(act);
    });
    body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!words.me || !form.matches("main form[method=post]:not([hx-post], [data-plain])")) return;
    event.preventDefault();
    const act = begin(form, event.submitter);
    if (act && !held.takes(act)) send(act);
  });

  // It stands over something: who has read it can put it away.
  $("said").addEventListener("click", () => { if (String(getSelection()) === "") $("said").replaceChildren(); });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") $("said").replaceChildren(); });

  // Only this page knows what is not confirmed, with the key under which it is done once. Kept beyond it, in
  // sessionStorage, that could be neither a password nor a file, and a second tab could send it too.
  window.addEventListener("beforeunload", (event) => { if ([...open.values()].some((act) => !act.timer)) event.preventDefault(); });

  // Gone back to: its buttons would be as they were when it was left.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const isSending = () => [...open.values()].some((act) => act.pending);

  return { open, say, send, isSending, forget: () => open.clear() };
})();
