// Passkeys: the one thing of these pages that needs script (W3C Web Authentication has no other way).
"use strict";
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const post = async (path, message) => {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(message) });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
};
const said = document.getElementById("said");
const begin = (id, act) => {
  const button = document.getElementById(id);
  if (!button || !window.PublicKeyCredential) return;
  button.disabled = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    said.textContent = "";
    try {
      const { challenge, site } = await post("/passkey/challenges", {});
      await act(challenge, site);
    } catch {
      said.textContent = said.dataset.failed;
      button.disabled = false;
    }
  });
};
begin("use", async (challenge, site) => {
  const publicKey = { challenge: bytes(challenge), rpId: site, userVerification: "required", timeout: 240000 };
  const { rawId, response } = await navigator.credentials.get({ publicKey });
  await post("/passkey/sign-ins", {
    challenge, credential: text(rawId), client: text(response.clientDataJSON),
    data: text(response.authenticatorData), signature: text(response.signature),
  });
  location.assign("/");
});
begin("enrol", async (challenge, site) => {
  const publicKey = {
    challenge: bytes(challenge),
    rp: { id: site, name: "Musubi" },
    // Nothing of the person: the passkey's own name is the portal's.
    user: { id: crypto.getRandomValues(new Uint8Array(16)), name: "Musubi", displayName: "Musubi" },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }],
    authenticatorSelection: { residentKey: "required", userVerification: "required" },
    attestation: "none",
    timeout: 240000,
  };
  const { response } = await navigator.credentials.create({ publicKey });
  await post("/passkeys", {
    challenge, client: text(response.clientDataJSON), attestation: text(response.attestationObject),
  });
  location.assign("/certificates");
});
