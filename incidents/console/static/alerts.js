// The alerts: the title counts what is due soon, and who asks for it is called at ten and five minutes.
"use strict";
const alerts = (() => {
  const words = document.body.dataset;
  const title = document.title;
  const SOON_S = 600;
  const CALLS_S = [600, 300];
  const before = new Map(); // how many seconds were left of each item, a moment ago

  const kept = (name) => { try { return localStorage.getItem(name) === "on"; } catch { return false; } };
  const wants = { notify: kept("notify"), sound: kept("sound") };
  const on = () => wants.notify || wants.sound;

  function beep() {
    const audio = new AudioContext();
    audio.resume();
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    volume.gain.value = 0.1;
    tone.frequency.value = 660;
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.25);
    tone.onended = () => audio.close();
  }

  function call(row, minutes) {
    const site = row.querySelector(".where bdi").textContent;
    const text = words.wDueSoon.replace("{site}", site).replace("{n}", minutes);
    if (wants.sound) beep();
    if (!wants.notify || Notification.permission !== "granted") return;
    const told = new Notification(text, { tag: row.id });
    told.onclick = () => { window.focus(); list.select(document.getElementById(row.id) || row, true); told.close(); };
  }

  function look() {
    // Also what waits to be shown while somebody works in the list.
    const rows = [...list.newest().querySelectorAll("#items.work .item")];
    let soon = 0;
    let first = Infinity;
    for (const row of rows) {
      const time = row.querySelector("time[data-ticks=clock]");
      if (!time) continue;
      const left = clock.left(time);
      const was = before.get(row.id);
      before.set(row.id, left);
      if (left < SOON_S) soon += 1;
      if (left >= 0) first = Math.min(first, left);
      const passed = CALLS_S.filter((at) => was !== undefined && was > at && left <= at && left > 0);
      if (passed.length && on()) call(row, Math.min(...passed) / 60);
    }
    if (!rows.length && !document.getElementById("desk")) return;
    const next = first < 3600 ? ` ${Math.ceil(first / 60)} ${words.wMin}` : "";
    const text = `${soon ? `(${soon})` : ""}${next} ${title}`.trim();
    if (document.title !== text) document.title = text;
  }

  for (const name of ["notify", "sound"]) {
    const box = document.getElementById(`alert-${name}`);
    if (!box) continue;
    box.closest("li").hidden = false;
    box.checked = wants[name];
    box.addEventListener("change", async () => {
      wants[name] = box.checked;
      if (name === "notify" && box.checked && (await Notification.requestPermission()) !== "granted") {
        wants.notify = box.checked = false;
        acts.say("refused", words.wNotifyRefused);
      }
      if (name === "sound" && box.checked) beep();
      try { localStorage.setItem(name, wants[name] ? "on" : "off"); } catch { /* for this page alone */ }
    });
  }
  document.addEventListener("clock:tick", look);

  return { on };
})();
