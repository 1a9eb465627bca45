// The desk's time, and the countdowns. The server's time counts, and not that of a computer that is wrong;
// in a rehearsal it may run faster.
"use strict";
const clock = (() => {
  const words = document.body.dataset;
  const speed = Number(words.speed || 1);
  const SLEPT_MS = 2000;
  let base, since, wall;

  function start(time) {
    base = Date.parse(time);
    since = performance.now();
    wall = Date.now();
  }
  start(words.now);

  // On some computers the stopwatch stands still while they sleep, and their own clock does not.
  function now() {
    const slept = Date.now() - wall - (performance.now() - since);
    if (slept > SLEPT_MS) {
      base += slept * speed;
      wall += slept;
      document.dispatchEvent(new CustomEvent("clock:slept"));
    }
    return base + (performance.now() - since) * speed;
  }
  const set = (time) => { start(time); tick(); };

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

  // As a stopwatch shows it: 12:43, 1:12:43. Days have words.
  function digits(seconds) {
    const left = Math.floor(Math.abs(seconds));
    if (left >= 86400) return (seconds < 0 ? "−" : "") + span(left);
    const two = (n) => String(n).padStart(2, "0");
    const [h, min, s] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
    return (seconds < 0 ? "−" : "") + (h ? `${h}:${two(min)}:${two(s)}` : `${two(min)}:${two(s)}`);
  }

  const STEPS = [[300, "5"], [600, "10"], [1800, "30"]];
  const step = (left) => (left < 0 ? "overdue" : (STEPS.find(([most]) => left < most) || [0, ""])[1]);

  function tick() {
    const at = now();
    for (const time of document.querySelectorAll("time[data-ticks]")) {
      const left = (Date.parse(time.dateTime) - at) / 1000;
      const text = time.dataset.ticks === "clock"
        ? digits(left)
        : (left >= 0 ? words.wLeft : words.wOverdue).replace("{span}", span(Math.abs(left)));
      if (time.textContent !== text) time.textContent = text;
      const is = step(left);
      if (time.dataset.step !== is) time.dataset.step = is;
    }
    document.dispatchEvent(new CustomEvent("clock:tick", { detail: at }));
  }

  // What a screen reader says of a countdown, and the seconds that are left by it.
  const left = (time) => (Date.parse(time.dateTime) - now()) / 1000;

  setInterval(tick, 1000);
  return { speed, now, set, tick, left };
})();
