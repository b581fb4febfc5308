// The page: asks for its state each second and redraws only what has changed, so that a
// scroll position, a focus or an open select is left alone.

import { renderBlocks } from "./blocks.js";
import { el, send } from "./dom.js";
import { renderDay, renderMessage } from "./message.js";
import { confirmed, showTop, whenDone } from "./modal.js";

const $ = (id) => document.getElementById(id);
const chat = $("chat");
const HOME = "home";
let user = localStorage.getItem("slack-user") ?? "U0OWNER";
let { place, thread } = fromAddress();
let state = null;
let version = "";
let asking = false;
let shownPlace = "";

// -- state --------------------------------------------------------------------------

async function ask(force = false) {
  if (asking && !force) return;
  asking = true;
  try {
    const channel = place === HOME ? "" : place;
    const query = new URLSearchParams({ user, channel, version: force ? "" : version });
    const reply = await fetch(`../_state?${query}`);
    if (reply.status === 200) {
      state = await reply.json();
      version = String(state.version);
      draw();
    }
  } catch {
    // The stand-ins are being restarted; the next second will tell.
  } finally {
    asking = false;
  }
}

function go(nextPlace, nextThread = "") {
  place = nextPlace;
  thread = nextThread;
  history.replaceState(null, "", `#${[place, thread].filter(Boolean).join("/")}`);
  $("messages").replaceChildren();
  if (place === HOME) send("_home", { user }).then((reply) => reply.ok || trouble(reply));
  ask(true);
}

function fromAddress() {
  const [first, second] = location.hash.slice(1).split("/");
  return { place: first || "C0LEADS", thread: second ?? "" };
}

// -- drawing ------------------------------------------------------------------------

function draw() {
  drawChannels();
  if (place === HOME) drawHome();
  else drawRoom();
  drawThread();
  showTop(state.views, user, state.people, pressInView);
}

function drawChannels() {
  const lines = [channelLink(HOME, "Home", "⌂", false)];
  for (const channel of state.channels) {
    const seen = localStorage.getItem(`seen-${user}-${channel.id}`) ?? "";
    if (channel.id === place) localStorage.setItem(`seen-${user}-${channel.id}`, channel.latest);
    lines.push(channelLink(channel.id, channel.name, "#", channel.id !== place && channel.latest > seen));
  }
  keyed($("channels"), lines);
  const here = $("channels").querySelector("[aria-current]");
  if (here && place !== shownPlace) {
    const strip = $("channels");
    strip.scrollLeft = here.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  }
  shownPlace = place;
}

function channelLink(id, name, sign, unread) {
  return el("button", {
    type: "button",
    class: unread ? "unread" : "",
    "aria-current": id === place ? "page" : null,
    "data-key": id,
    onclick: () => go(id),
  }, el("span", { class: "sign", "aria-hidden": "true" }, sign), name, unread ? el("span", { class: "visually-hidden" }, " (unread)") : null);
}

function drawHome() {
  $("room-name").textContent = "Home";
  $("room-purpose").textContent = "The app's own tab";
  $("composer").hidden = true;
  const home = state.home;
  const body = home
    ? renderBlocks(home.blocks, state.people, (element, chosen, at) => pressInView(element, chosen, at, home.id))
    : [el("p", { class: "empty" }, "The engine has not published this tab yet.")];
  keyed($("messages"), [el("div", { class: "home", "data-key": "home" }, body)]);
}

function drawRoom() {
  $("room-name").textContent = `# ${state.channel.name}`;
  $("room-purpose").textContent = state.channel.purpose?.value ?? "";
  $("composer").hidden = false;
  const lines = [];
  let day = "";
  for (const message of state.messages) {
    const reply = message.thread_ts && message.thread_ts !== message.ts;
    if (reply && !message.broadcast) continue;
    const today = new Date(Number(message.ts) * 1000).toDateString();
    if (today !== day) {
      const line = renderDay(message.ts);
      line.dataset.key = today;
      lines.push(line);
      day = today;
    }
    lines.push(messageLine(message, (ts) => openThread(ts)));
  }
  if (!lines.length) lines.push(el("p", { class: "empty", "data-key": "empty" }, "Nothing has been posted here yet."));
  keepingScroll($("messages"), lines);
}

function drawThread() {
  const messages = state.messages.filter((m) => m.ts === thread || m.thread_ts === thread);
  const open = Boolean(thread) && place !== HOME && messages.length > 0;
  chat.dataset.thread = open ? "open" : "closed";
  if (open) keepingScroll($("thread-messages"), messages.map((m) => messageLine(m, null)));
  else $("thread-messages").replaceChildren();
}

function messageLine(message, open) {
  const press = (element, chosen, at) => pressInMessage(message, element, chosen, at);
  const line = renderMessage(message, state.people, press, open);
  line.dataset.key = message.ts;
  line.dataset.is = JSON.stringify(message);
  return line;
}

// Put `lines` into `box`, leaving alone each whose key and content are there already.
function keyed(box, lines) {
  const old = new Map([...box.children].map((node) => [node.dataset.key, node]));
  const same = (a, b) => (b.dataset.is ? a.dataset.is === b.dataset.is : a.outerHTML === b.outerHTML);
  const kept = lines.map((line) => {
    const before = old.get(line.dataset.key);
    return before && same(before, line) ? before : line;
  });
  const focused = box.contains(document.activeElement) && document.activeElement.closest("[data-key]");
  for (const [place, node] of kept.entries()) {
    if (box.children[place] !== node) box.insertBefore(node, box.children[place] ?? null);
  }
  while (box.children.length > kept.length) box.lastElementChild.remove();
  if (focused && !focused.isConnected) refocus(kept, focused.dataset.key);
}

// What had the focus was redrawn: its successor takes it, for those who use the keys.
function refocus(nodes, key) {
  const node = nodes.find((each) => each.dataset.key === key);
  const target = node?.matches("button") ? node : node?.querySelector("button, select, a");
  target?.focus({ preventScroll: true });
}

function keepingScroll(box, lines) {
  const fresh = box.children.length === 0;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const before = box.scrollTop;
  keyed(box, lines);
  box.scrollTop = fresh || atEnd ? box.scrollHeight : before;
}

// -- hands --------------------------------------------------------------------------

async function pressInMessage(message, element, chosen, at) {
  await press({ channel: place, message_ts: message.ts }, element, chosen, at);
}

async function pressInView(element, chosen, at, viewId) {
  await press({ view_id: viewId }, element, chosen, at);
}

async function press(where, element, chosen, at) {
  if (element.confirm && !(await confirmed(element.confirm))) {
    if (chosen) at.selectedIndex = 0;
    return;
  }
  // Not `disabled`, which would throw the focus away.
  if (at.hasAttribute("aria-busy")) return;
  at.setAttribute("aria-busy", "true");
  const reply = await send("_press", { ...where, action_id: element.action_id, value: chosen?.value ?? "", user });
  at.removeAttribute("aria-busy");
  if (chosen) at.selectedIndex = 0;
  if (!reply.ok) trouble(reply);
  ask(true);
}

function openThread(ts) {
  go(place, ts);
  $("thread-messages").replaceChildren();
}

async function say(form, about) {
  const entry = form.elements.words;
  const words = entry.value.trim();
  if (!words) return;
  entry.value = "";
  const [command, ...rest] = words.split(" ");
  const reply = words.startsWith("/")
    ? await send("_command", { command, text: rest.join(" "), channel: place, user })
    : await send("_say", { text: words, channel: place, user, ...about });
  if (!reply.ok) trouble(reply);
  ask(true);
}

function trouble(reply) {
  const status = reply.status ? `status ${reply.status}` : reply.error;
  const toast = $("toast");
  toast.textContent = `⚠ The engine did not accept that (${status}).`;
  toast.classList.add("shown");
  setTimeout(() => toast.classList.remove("shown"), 6000);
}

$("who").value = user;
$("who").addEventListener("change", (event) => {
  user = event.currentTarget.value;
  localStorage.setItem("slack-user", user);
  go(place, thread);
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say(event.currentTarget, {});
});
$("thread-composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say(event.currentTarget, { thread_ts: thread });
});
$("thread-close").addEventListener("click", () => go(place));
addEventListener("hashchange", () => {
  const next = fromAddress();
  go(next.place, next.thread);
});
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && thread && !document.querySelector("dialog[open]")) go(place);
});
whenDone(() => ask(true), trouble);
go(place, thread);
setInterval(() => document.hidden || ask(), 1000);
