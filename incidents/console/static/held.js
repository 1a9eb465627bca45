// The held acts: outcomes that wait for "Undo", and what becomes of them when the page goes.
// Nothing is sent yet, and the next item is open already.
"use strict";
const held = (() => {
  const words = document.body.dataset;
  const $ = (id) => document.getElementById(id);

  // So long, unless so little time is left to the deadline.
  const HELD_MS = 5000;
  const AT_ONCE_S = 120;

  const waiting = () => [...acts.open.values()].filter((act) => act.timer);

  function canWait(act) {
    if (!("held" in act.form.dataset) || !act.item) return false;
    const row = $(act.item);
    // What a colleague has claimed asks at once.
    if (row && row.dataset.by && row.dataset.by !== words.me) return false;
    const due = act.form.closest("#item").querySelector("time[data-ticks]");
    // Under a fast clock too, twice as long must be left as it is held.
    return !due || clock.left(due) > Math.max(AT_ONCE_S, 2 * clock.speed * HELD_MS / 1000);
  }

  // Whether the act waits from now on. Another outcome of the same call takes the place of the first.
  function takes(act) {
    if (!canWait(act)) return false;
    for (const other of waiting().filter(({ item }) => item === act.item)) {
      if (other.to === act.to) drop(other);
      else release(other);
    }
    acts.open.set(act.id, act);
    act.wasHeld = true;
    act.until = performance.now() + HELD_MS;
    act.timer = setInterval(() => (performance.now() < act.until ? count(act) : release(act)), 200);
    act.line ||= $("sent").appendChild(document.createElement("li"));
    act.line.className = "said waiting";
    act.line.setAttribute("aria-live", "polite");
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-keyshortcuts", "z");
    button.textContent = words.wUndo;
    button.addEventListener("click", () => withdraw(act));
    act.line.replaceChildren(words.wHeld.replace("{what}", act.what), " ", button, " ", document.createElement("span"));
    act.line.lastChild.setAttribute("aria-hidden", "true");
    count(act);
    $("said").replaceChildren();
    list.held(act.item, true);
    list.advance(act.item, act.byKey);
    return true;
  }

  const count = (act) => { act.line.lastChild.textContent = `${Math.ceil((act.until - performance.now()) / 1000)} ${words.wS}`; };

  function settled(act) {
    clearInterval(act.timer);
    act.timer = null;
    list.held(act.item, false);
  }

  function release(act, options) {
    settled(act);
    return acts.send(act, options);
  }

  function drop(act) {
    settled(act);
    acts.open.delete(act.id);
    act.line.remove();
    act.line = null;
  }

  function withdraw(act) {
    drop(act);
    list.undone(act.item);
    const row = $(act.item);
    if (row) list.select(row, true);
  }

  function undo() {
    const last = waiting().pop();
    if (last) withdraw(last);
  }

  // By now another item may be open: of which one this is said. A refusal stays until it is put away: what
  // is done next must not wipe out that a call is not on record.
  function tell(act, place) {
    const result = place.firstElementChild;
    if (!result) return;
    result.prepend(Object.assign(document.createElement("b"), { textContent: `${act.what}: ` }));
    if (!result.matches(".refused")) return;
    const line = document.createElement("li");
    line.className = "said refused";
    line.setAttribute("aria-live", "assertive");
    line.append(...result.childNodes);
    line.addEventListener("click", () => { if (String(getSelection()) === "") line.remove(); });
    result.remove();
    $("sent").append(line);
  }

  // What is held goes with the page that goes. The next page sends it once more, under the same key, and
  // tells the answer: a call that was not recorded must not be lost without a word.
  const LEFT = "incidents.left";

  const sendAll = () => waiting().map((act) => [act, release(act, { keepalive: true })]);

  function leave() {
    sendAll();
    const left = [...acts.open.values()].filter(({ wasHeld }) => wasHeld)
      .map(({ form, place, held: buttons, focus, line, timer, ...act }) => ({ ...act, pending: false, me: words.me }));
    if (left.length) sessionStorage.setItem(LEFT, JSON.stringify(left));
  }

  function resume() {
    if (!words.me) return;
    const left = JSON.parse(sessionStorage.getItem(LEFT) || "[]");
    sessionStorage.removeItem(LEFT);
    for (const act of left) if (act.me === words.me) acts.send(act);
  }

  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") for (const line of $("sent").querySelectorAll(".refused")) line.remove();
  });
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => { if (document.hidden) sendAll(); });
  document.addEventListener("DOMContentLoaded", resume);

  // Without a connection, what goes with the page gets nowhere.
  window.addEventListener("beforeunload", (event) => {
    if (waiting().length && (!navigator.onLine || document.querySelector("#live.lost"))) event.preventDefault();
  });

  // A form that the browser sends itself may end the session: what is held goes first.
  document.addEventListener("submit", async (event) => {
    if (event.defaultPrevented || !waiting().length) return;
    event.preventDefault();
    await Promise.all(sendAll().map(([, sent]) => sent));
    event.target.requestSubmit(event.submitter);
  });

  return { takes, tell, undo };
})();
