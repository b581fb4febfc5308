// Fetches the page again every two seconds and puts its `data-live` part in place of the
// old one, keeping what is open. Forms stand outside of that part.

const region = document.querySelector("[data-live]");

async function refresh() {
  if (document.hidden) return;
  const reply = await fetch(location.href).catch(() => null);
  if (!reply?.ok) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const fresh = page.querySelector("[data-live]");
  if (!fresh) return;
  const seen = new Map([...region.querySelectorAll("details")].map((d) => [d.id, d.open]));
  for (const details of fresh.querySelectorAll("details")) {
    if (seen.has(details.id)) details.open = seen.get(details.id);
  }
  if (fresh.innerHTML === region.innerHTML || !getSelection().isCollapsed) return;
  const focused = document.activeElement?.closest("details")?.id;
  region.replaceChildren(...fresh.childNodes);
  if (focused) document.getElementById(focused)?.querySelector("summary")?.focus();
}

if (region) setInterval(refresh, 2000);
document.querySelector(".frame [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
