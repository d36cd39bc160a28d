// The same as the form does, without leaving the page.
const button = document.getElementById("script");
const said = document.getElementById("said");
button.addEventListener("click", async () => {
  const agent = button.dataset.agent;
  const purpose = button.dataset.purpose;
  const challenge = button.dataset.challenge;
  try {
    const asked = await fetch(agent + "/requests", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ challenge, purpose }),
    });
    if (asked.status === 409) throw new Error("別の求めが待っています / another request waits");
    if (!asked.ok) throw new Error("カード代理が断りました / the agent refused");
    const { id, page } = await asked.json();
    const link = document.getElementById("assent");
    link.href = page;
    link.hidden = false;
    link.focus();
    for (let tries = 0; tries < 600; tries++) {
      const answer = await fetch(agent + "/requests/" + id);
      if (!answer.ok) throw new Error("時間切れです / too late");
      const reply = await answer.json();
      if (reply.state === "refused") throw new Error("断られました / refused");
      if (reply.state === "signed") {
        const { signed, signature, certificate } = reply;
        const done = await fetch("/in", { method: "POST", body: new URLSearchParams({ signed, signature, certificate }) });
        document.open();
        document.write(await done.text());
        document.close();
        return;
      }
      await new Promise((wake) => setTimeout(wake, 200));
    }
  } catch (error) {
    said.textContent = error.message + "（カード代理は動いていますか / is the agent running?）";
  }
});
