// Security keys (WebAuthn): asks the browser for one, and puts its answer into the form.
"use strict";
(() => {
  // Without a script, or a browser that knows no keys, the button stays off.
  function prepare() {
    for (const form of document.querySelectorAll("form[data-webauthn]")) {
      if (window.PublicKeyCredential) form.querySelector("button").disabled = false;
      else fail(form);
    }
  }

  function fail(form) {
    const failed = form.querySelector("[role=alert]");
    failed.textContent = form.dataset.failed;
    failed.hidden = false;
  }

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  async function asked(form) {
    const given = JSON.parse(form.dataset.options);
    const publicKey = { ...given, challenge: bytes(given.challenge) };
    if (form.dataset.webauthn === "create") {
      publicKey.user = { ...given.user, id: bytes(given.user.id) };
      publicKey.excludeCredentials = known(given.excludeCredentials);
      return navigator.credentials.create({ publicKey });
    }
    publicKey.allowCredentials = known(given.allowCredentials);
    return navigator.credentials.get({ publicKey });
  }

  function written(found) {
    const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const response = {};
    for (const name of names) if (found.response[name]) response[name] = text(found.response[name]);
    return JSON.stringify({
      id: found.id, rawId: text(found.rawId), type: found.type, response,
      clientExtensionResults: found.getClientExtensionResults(),
    });
  }

  // Before the form is sent by anything else: without the key's answer there is nothing to send.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form[data-webauthn]")) return;
    const field = form.elements[form.dataset.field || "credential"];
    if (field.value) return;
    event.preventDefault();
    event.stopPropagation();
    const button = form.querySelector("button");
    form.querySelector("[role=alert]").hidden = true;
    button.disabled = true;
    try {
      field.value = written(await asked(form));
    } catch {
      fail(form);
    }
    button.disabled = false;
    if (field.value) form.requestSubmit(button);
    field.value = "";
  }, true);

  // The form may come with the page, or in the answer to an act.
  prepare();
  document.addEventListener("act:answered", prepare);
})();
