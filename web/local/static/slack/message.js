// One message: who, when, its blocks or its text, and the way into its thread.

import { renderBlocks } from "./blocks.js";
import { el } from "./dom.js";
import { clock, emoji, mrkdwn, prettyDay } from "./mrkdwn.js";

export function renderMessage(message, people, act, openThread) {
  const at = new Date(Number(message.ts) * 1000);
  const name = message.username ?? people[message.user] ?? message.user;
  const body = message.blocks?.length
    ? renderBlocks(message.blocks, people, act)
    : [el("div", { class: "b-text mrkdwn" }, mrkdwn(message.text ?? "", people))];
  return el("article", { class: `message${message.ephemeral ? " ephemeral" : ""}`, "data-ts": message.ts },
    avatar(message, name),
    el("div", { class: "message-body" },
      message.ephemeral ? el("p", { class: "only-you" }, "Only visible to you") : null,
      el("header", {},
        el("strong", { class: "name" }, name),
        message.bot_id ? el("span", { class: "badge" }, "APP") : null,
        el("time", { dateTime: at.toISOString(), title: at.toLocaleString() }, clock(at)),
        message.edited ? el("span", { class: "quiet edited" }, "edited") : null),
      message.broadcast ? el("p", { class: "only-you" }, "replied to a thread") : null,
      el("div", { class: "blocks" }, body),
      openThread && !message.ephemeral ? threadButton(message, openThread) : null));
}

export function renderDay(ts) {
  const day = prettyDay(new Date(Number(ts) * 1000));
  return el("div", { class: "day" }, el("span", {}, day));
}

function threadButton(message, openThread) {
  const count = message.reply_count ?? 0;
  const words = count ? `${count} ${count === 1 ? "reply" : "replies"}` : "Reply in thread";
  return el("button", {
    type: "button",
    class: `thread-link${count ? "" : " faint"}`,
    onclick: () => openThread(message.thread_ts ?? message.ts),
  }, words);
}

function avatar(message, name) {
  const icon = emoji(message.icon_emoji);
  const letters = name.split(/\s+/).map((word) => word[0]).join("").slice(0, 2).toUpperCase();
  const hue = [...name].reduce((sum, letter) => sum + letter.codePointAt(0), 0) % 6;
  return el("div", { class: `avatar hue-${hue}${icon ? " icon" : ""}`, "aria-hidden": "true" }, icon ?? letters);
}
