// The list: what is fresh takes the place of what is shown, and moves nothing away from who works there.
"use strict";
const list = (() => {
  const words = document.body.dataset;
  const $ = (id) => document.getElementById(id);
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`list:${name}`, { detail }));

  // Which item is selected.

  let selected = null;
  const items = () => [...document.querySelectorAll("#items .item")];

  function select(item, focus) {
    for (const each of items()) each.classList.toggle("selected", each === item);
    const before = selected;
    selected = item ? item.id : null;
    if (selected && selected !== before) tell("selected", selected.slice(2));
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
    for (const item of items()) {
      item.classList.toggle("mine", item.dataset.by === words.me);
      item.classList.toggle("held", waits.has(item.id));
    }
  }

  // What is fresh takes the place of what is shown, node by node: what is open, half typed, shown in
  // full or has the focus stays so for as long as it is about the same.

  // What was asked for in full, and of what: of whom, or of links that were not revoked since.
  const masked = new Map();
  const whose = (place) => [...place.querySelectorAll("bdi, .number")].map((each) => each.textContent).join("\n");

  // The rows as the server wrote them last: one that it writes the same again stays as it is.
  const asWritten = (place) => new Map(rows(place).map((row) => [row.id, row.outerHTML]));
  let written = new Map();
  let isSame = () => false;

  const careful = {
    beforeNodeMorphed(old, fresh) {
      if (old.nodeType !== 1) return true;
      if (isSame(old)) return false;
      if (old.matches("[aria-busy=true]")) return false;
      return !(old.matches("[data-masked]") && old.querySelector("[data-revealed]") && whose(fresh) === masked.get(old.id));
    },
    // The act on the row that is selected is the pane's, and comes with no list.
    beforeNodeRemoved: (node) => !(node.nodeType === 1 && node.matches(".do")),
    beforeAttributeUpdated: (name, node, how) =>
      !(name === "inert" || (name === "open" && (how === "remove" || node.matches("dialog")))),
  };
  const morph = (place, fresh) => Idiomorph.morph(place, fresh, { morphStyle: "outerHTML", callbacks: careful });

  // Rows do not move under a pointer, nor away from who has the focus in them: what would move them
  // waits until it is asked for, or until they have left.

  let pending = null;
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

  // A list that was written before the one that is shown or waits, and comes after it.
  const isOlder = (fresh) => Number(fresh.dataset.newest) < Number((pending || shown()).dataset.newest);

  function offer(fresh, isToWait = isInUse(), isOwn = undefined) {
    const place = shown();
    if (!place || !fresh || isOlder(fresh)) return;
    const n = changes(ids(place), ids(fresh));
    if (!n || !isToWait) { apply(fresh, isOwn); return; }
    pending = fresh;
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
      if (!now || now.outerHTML === written.get(row.id)) continue;
      written.set(row.id, now.outerHTML);
      morph(row, now);
    }
    const counts = place.querySelector(".counts");
    if (counts) morph(counts, list.querySelector(".counts"));
    // No alarm waits: it stands over the page until it has its place.
    const known = new Set([...place.querySelectorAll(".alarms li")].map((each) => each.textContent));
    const news = [...list.querySelectorAll(".alarms li")].filter((each) => !known.has(each.textContent));
    $("alarms").replaceChildren(...news);
  }

  // What somebody looks at in the pane stays there, also when others have settled it: only one's own act leads on.
  function apply(fresh, isOwn = !$("pane")) {
    const place = shown();
    const after = isOwn && selected && next(selected);
    const inside = isInside();
    pending = null;
    const before = written;
    written = asWritten(fresh);
    isSame = ({ id }) => id !== "" && before.has(id) && before.get(id) === written.get(id);
    steadily(() => morph(place, fresh));
    isSame = () => false;
    for (const row of rows(shown())) {
      row.classList.remove("gone");
      quiet(row);
    }
    $("changes").hidden = true;
    $("alarms").replaceChildren();
    // What is settled is gone: the next one takes its place, and the focus that was in it.
    afresh(after && $(after.id), inside);
  }

  function afresh(after, inside) {
    const item = selected && ($(selected) || after);
    if (item || !$("pane")) select(item || null, Boolean(item && inside && document.activeElement === document.body));
    // It looks at every node, which a list without forms of its own can be spared.
    if (shown().querySelector("[hx-get], [hx-post]")) htmx.process(shown());
    own();
    const { now, version } = (pending || shown()).dataset;
    tell("fresh", { now, version });
  }

  const isInUse = () => pointed !== null || isInside();
  const release = () => { if (pending && !isInUse()) apply(pending); };
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
  $("changes").addEventListener("click", () => { if (pending) apply(pending); });

  // An act has its answer. By then its item may have gone, or ask for something else: for a moment no
  // second press reaches it, and the next most urgent one is selected.

  // Down the list, then from its top, so that two operators do not meet. Urgent items come first, then those
  // with a clock, and what one has just recorded something on after all others.
  const URGENT_S = 600; // the last step of the countdown but two
  const settled = new Map(); // when, by item
  const isSettled = ({ id }) => performance.now() - settled.get(id) < URGENT_S * 1000 / clock.speed;
  const left = (item) => { const due = item.querySelector("time[data-ticks=clock]"); return due ? clock.left(due) : Infinity; };
  const isUrgent = (item) => left(item) > 0 && left(item) <= URGENT_S;

  function next(of) {
    const all = items();
    const at = all.findIndex((item) => item.id === of);
    const free = (item) => !item.matches(".gone, .held") && (!item.dataset.by || item.dataset.by === words.me);
    const others = [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))].filter(free);
    const open = others.filter((item) => !isSettled(item));
    const from = open.length ? open : others;
    const urgent = from.filter(isUrgent).sort((one, other) => left(one) - left(other));
    return urgent[0] || from.find((item) => left(item) < Infinity) || from[0] || $(of);
  }

  document.addEventListener("act:answered", ({ detail: { act, done, list } }) => {
    // Who works by keys goes with the selection, and their own act may move what is around it.
    const keys = act.byKey;
    if (list && isOlder(list)) tell("old");
    else offer(list, keys ? pointed !== null : isInUse(), selected === act.item);
    if (!act.item || !list) return;
    const goes = done && !act.stays && !act.wasHeld && selected === act.item;
    if (goes) advance(act.item, keys);
    release();
  });

  // The next most urgent one, once this one needs nothing more from here.
  function advance(from, focus) {
    settled.set(from, performance.now());
    const to = next(from);
    select(to, Boolean(focus && to));
  }

  // What waits to be sent: its row is nobody's next.
  const waits = new Set();
  function held(id, is) {
    if (is) waits.add(id);
    else waits.delete(id);
    const row = $(id);
    if (row) row.classList.toggle("held", is);
  }
  document.addEventListener("focusin", (event) => {
    const item = event.target.closest && event.target.closest("#items .item");
    if (item && item.id !== selected) select(item, false);
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

  if (shown()) written = asWritten(shown());
  own();

  // The one whose pane the page came with.
  const first = $("pane") && $(`i-${$("pane").dataset.shown}`);
  if (first) select(first, false);

  return { move, offer, select, advance, held, undone: (id) => settled.delete(id), morph, offers, settle, newest: () => pending || document, selected: () => selected && $(selected) };
})();
