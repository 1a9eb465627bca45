// Shows what has changed, every two seconds; what has not stays as it is, with its focus.
"use strict";
setInterval(async () => {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    if (!answer.ok) return;
    const read = new DOMParser().parseFromString(await answer.text(), "text/html");
    const [was, is] = [document.querySelector("main"), read.querySelector("main")];
    if (is && was.innerHTML !== is.innerHTML) was.replaceWith(document.adoptNode(is));
  } catch {
    // The demonstration has ended, or is busy: the page stays as it was.
  }
}, 2000);
