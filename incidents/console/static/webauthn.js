// Security keys (WebAuthn): asks the browser for one, and puts its answer into the form.
"use strict";
(() => {
  const form = document.querySelector("form[data-webauthn]");
  if (!form) return;
  const button = form.querySelector("button");
  const failed = form.querySelector("[role=alert]");
  if (!window.PublicKeyCredential) {
    failed.textContent = form.dataset.failed;
    failed.hidden = false;
    return;
  }
  button.disabled = false;

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((each) => ({ ...each, id: bytes(each.id) }));

  async function asked() {
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
  form.addEventListener("submit", async (event) => {
    const field = form.elements.credential;
    if (field.value) return;
    event.preventDefault();
    event.stopPropagation();
    failed.hidden = true;
    button.disabled = true;
    try {
      field.value = written(await asked());
    } catch {
      failed.textContent = form.dataset.failed;
      failed.hidden = false;
    }
    button.disabled = false;
    if (field.value) form.requestSubmit(button);
    field.value = "";
  }, true);
})();
