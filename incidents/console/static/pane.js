// The pane: the item that is selected in the queue, beside the list, or alone on a narrow screen.
"use strict";
const pane = (() => {
  const place = document.getElementById("pane");
  const workplace = place && place.closest(".workplace");
  const item = () => document.getElementById("item");
  const narrow = matchMedia("(max-width: 60rem)");
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`pane:${name}`, { detail }));

  let wanted = place ? place.dataset.shown : ""; // the item that is to be shown
  let tag = null; // of what is shown, as the server named it
  let waiting = []; // what is to be done when it is shown
  let pause = null;

  const shown = () => (item() ? item().dataset.item : "");

  function address(id) {
    const at = new URL(location.href);
    if (id) at.searchParams.set("item", id);
    else at.searchParams.delete("item");
    return at.pathname + at.search;
  }

  function put(fresh, newTag = null) {
    if (!fresh) return;
    const focused = place.contains(document.activeElement);
    const before = item() && [shown(), list.offers(item())].join();
    if (shown() === fresh.dataset.item) list.morph(item(), fresh);
    else {
      place.replaceChildren(fresh);
      place.scrollTop = 0;
      if (focused) fresh.focus({ preventScroll: true });
    }
    tag = newTag;
    // Another button where a pointer was about to press takes no press for a moment.
    if (place.matches(":hover") && before !== [shown(), list.offers(item())].join()) list.settle(item());
    htmx.process(place);
    clock.tick();
    offer();
    const now = waiting;
    waiting = [];
    if (shown() === wanted) for (const act of now) act();
    tell("fresh");
  }

  // One answer is awaited: an older one that comes later would take the place of a newer one.
  let asking = new AbortController();

  async function load(id) {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const at = new URL(address(null), location.href);
    const headers = { "HX-Request": "true", "HX-Current-URL": location.href, Accept: "text/html" };
    if (tag && id === shown()) headers["If-None-Match"] = tag;
    let answer, text;
    try {
      answer = await fetch(`/queue/${encodeURIComponent(id)}${at.search}`, { headers, redirect: "manual", cache: "no-store", signal });
      text = await answer.text();
    } catch {
      if (!signal.aborted) tell("lost");
      return;
    }
    if (id !== wanted || answer.status === 304) return;
    const to = answer.headers.get("HX-Redirect");
    if (to) { location.assign(to); return; }
    if (!answer.ok || !answer.headers.has("X-Incidents")) { tell("lost"); return; }
    put(new DOMParser().parseFromString(text, "text/html").getElementById("item"), answer.headers.get("ETag"));
  }

  // Who runs down the list asks only for where they stop.
  const SETTLES_MS = 80;
  function show(id) {
    if (!place || !id) return;
    wanted = id;
    waiting = [];
    clearTimeout(pause);
    if (id === shown()) return;
    history.replaceState(null, "", address(id));
    pause = setTimeout(() => load(id), SETTLES_MS);
  }

  function refresh() {
    if (place && wanted) load(wanted);
  }

  // A key is for the item that is selected, and waits until that is the one that is shown.
  function when(act) {
    if (!place) return;
    if (shown() === wanted) act();
    else waiting.push(act);
  }

  function press(selector) {
    when(() => {
      const button = item().querySelector(selector);
      if (button && !button.disabled) button.click();
    });
  }

  const outcomes = () => [...item().querySelectorAll(".outcomes button[aria-keyshortcuts]")]
    .filter((button) => /^[1-9]$/.test(button.getAttribute("aria-keyshortcuts")));

  // Enter records it: what a slip of the finger stops is somebody's clock.
  function outcome(n) {
    when(() => {
      const button = outcomes()[n - 1];
      if (button && !button.disabled) button.focus();
    });
  }

  function open(id) {
    if (!place) return;
    if (narrow.matches && !("open" in workplace.dataset)) {
      history.pushState(null, "", address(id));
      workplace.dataset.open = "";
      window.scrollTo(0, 0);
    }
    show(id);
    when(() => item().focus({ preventScroll: true }));
  }

  // One act stands on the row that is selected: what the pane offers first.
  function offer() {
    const row = list.selected();
    const before = row && list.offers(row);
    for (const old of document.querySelectorAll("#items .do")) old.remove();
    mark(row);
    if (before && row.matches(":hover") && list.offers(row) !== before) list.settle(row);
  }

  function mark(row) {
    if (!row || !item() || row.id !== `i-${shown()}` || row.classList.contains("held")) return;
    const claim = item().querySelector("button[data-key=c]");
    const first = outcomes()[0];
    const button = document.createElement("button");
    button.type = "button";
    const holder = row.dataset.by;
    button.className = holder && holder !== document.body.dataset.me ? "do with-other" : "do";
    button.tabIndex = -1;
    if (claim) { button.textContent = label(claim); button.addEventListener("click", () => press("button[data-key=c]")); }
    else if (first && first.name === "outcome") {
      button.textContent = document.body.dataset.wRecord;
      button.addEventListener("click", () => outcome(1));
    } else if (first) { button.textContent = label(first); button.addEventListener("click", () => press(".outcomes button[aria-keyshortcuts='1']")); }
    else return;
    row.append(button);
  }
  const label = (button) => button.firstChild.textContent.trim();

  if (place) {
    document.addEventListener("list:selected", ({ detail }) => { show(detail); offer(); });
    document.addEventListener("list:fresh", offer);
    document.addEventListener("act:answered", ({ detail: { item: fresh } }) => {
      if (!fresh || fresh.dataset.item !== wanted) return;
      asking.abort();
      put(fresh);
    });
    document.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      const row = event.target.closest("#items .item");
      if (row && !event.target.closest("button, input, a:not(.open)")) {
        event.preventDefault();
        list.select(row, true);
        if (narrow.matches) open(row.id.slice(2));
        return;
      }
      if (event.target.closest(".back a")) {
        event.preventDefault();
        close();
      }
    });
    window.addEventListener("popstate", () => {
      const id = new URL(location.href).searchParams.get("item");
      if (id && narrow.matches) workplace.dataset.open = "";
      else delete workplace.dataset.open;
      const row = id && document.getElementById(`i-${id}`);
      if (row) list.select(row, false);
      else show(id);
    });
  }

  function close() {
    delete workplace.dataset.open;
    history.replaceState(null, "", address(null));
    const row = list.selected();
    if (row) row.focus({ preventScroll: true });
  }

  return { refresh, press, outcome, open, offer, shown: () => wanted };
})();
pane.offer();
