// Slack's mrkdwn, as far as cards use it: *bold*, _italic_, ~strike~, `code`, > quotes,
// <links|with labels>, <!date^…>, mentions and :emoji:.

import { el } from "./dom.js";

const EMOJI = {
  alarm_clock: "⏰", bar_chart: "📊", bell: "🔔", brain: "🧠", broom: "🧹", calendar: "📅",
  chart_with_upwards_trend: "📈", credit_card: "💳", date: "📅", dollar: "💵",
  email: "📧", envelope: "✉️", evergreen_tree: "🌲", exclamation: "❗", eyes: "👀",
  four_leaf_clover: "🍀", gear: "⚙️", herb: "🌿", hourglass: "⌛", inbox_tray: "📥",
  incoming_envelope: "📨", leaves: "🍃", loudspeaker: "📢", mailbox: "📫",
  mailbox_with_mail: "📬", mega: "📣", memo: "📝", moneybag: "💰", no_entry: "⛔",
  no_entry_sign: "🚫", outbox_tray: "📤", pencil: "📝", pencil2: "✏️", receipt: "🧾",
  robot_face: "🤖", rotating_light: "🚨", scroll: "📜", seedling: "🌱", snowflake: "❄️",
  snowman: "⛄", sos: "🆘", sparkles: "✨", spiral_calendar_pad: "🗓️", star: "⭐",
  stopwatch: "⏱️", telephone_receiver: "📞", tractor: "🚜", warning: "⚠️", wave: "👋",
  white_check_mark: "✅", wrench: "🔧", x: "❌", zap: "⚡",
};

const INLINE =
  /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|:([a-z0-9_+-]+):|(^|[\s(“"'·:])([*_~])(\S|\S[^\n]*?\S)\6(?=$|[\s).,;:!?”"'·])/;

export function emoji(name) {
  const bare = (name ?? "").replaceAll(":", "");
  return EMOJI[bare] ?? null;
}

export function mrkdwn(text, people) {
  const lines = [];
  let quote = null;
  for (const [number, line] of text.split("\n").entries()) {
    const quoted = line.match(/^(?:&gt;|>) ?(.*)/);
    if (quoted) {
      if (!quote) lines.push((quote = el("blockquote")));
      else quote.append(el("br"));
      quote.append(...inline(quoted[1], people));
      continue;
    }
    if (number && !quote) lines.push(el("br"));
    quote = null;
    lines.push(...inline(line, people));
  }
  return lines;
}

function inline(text, people) {
  const found = text.match(INLINE);
  if (!found) return text ? [unescape(text)] : [];
  const [whole, block, code, angle, shortcode, before, mark, inner] = found;
  const nodes = inline(text.slice(0, found.index), people);
  if (block !== undefined || code !== undefined) nodes.push(el("code", {}, unescape(block ?? code)));
  else if (angle !== undefined) nodes.push(reference(angle, people));
  else if (shortcode !== undefined) nodes.push(emoji(shortcode) ?? `:${shortcode}:`);
  else {
    const tag = { "*": "strong", _: "em", "~": "s" }[mark];
    nodes.push(before, el(tag, {}, ...inline(inner, people)));
  }
  return [...nodes, ...inline(text.slice(found.index + whole.length), people)];
}

function reference(inside, people) {
  const [target, label] = split(inside);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("@")) return el("span", { class: "mention" }, `@${people[target.slice(1)] ?? label ?? target}`);
  if (target.startsWith("!")) return el("span", { class: "mention loud" }, `@${label ?? target.slice(1)}`);
  if (target.startsWith("#")) return el("span", { class: "mention" }, `#${label ?? target.slice(1)}`);
  const address = unescape(target);
  if (!/^(https?|mailto):/.test(address)) return unescape(label ?? target);
  return el("a", { href: address, target: "_blank", rel: "noopener" }, unescape(label ?? address));
}

function date(target, fallback) {
  const [, seconds, format] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback ?? "";
  const shown = format
    .replace("{date_short_pretty}", prettyDay(at))
    .replace("{time_secs}", at.toLocaleTimeString([], { hour: "numeric", minute: "2-digit", second: "2-digit" }))
    .replace("{time}", clock(at));
  return el("time", { dateTime: at.toISOString(), title: at.toLocaleString() }, shown);
}

export function clock(at) {
  return at.toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

export function prettyDay(at) {
  const days = Math.round((midnight(at) - midnight(new Date())) / 86400000);
  const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days];
  return near ?? at.toLocaleDateString([], { weekday: "short", month: "short", day: "numeric" });
}

function midnight(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate());
}

function split(inside) {
  const bar = inside.indexOf("|");
  return bar < 0 ? [inside, undefined] : [inside.slice(0, bar), inside.slice(bar + 1)];
}

function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
