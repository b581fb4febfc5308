// Block Kit as elements. `act(element, chosen)` is called when something is pressed.

import { el } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

export function renderBlocks(blocks, people, act) {
  return blocks.map((block) => (DRAW[block.type] ?? unknown)(block, people, act));
}

export function renderText(object, people) {
  if (object.type === "mrkdwn") return mrkdwn(object.text, people);
  return [object.text];
}

const DRAW = {
  header: (block) => el("h2", { class: "b-header" }, block.text.text),
  divider: () => el("hr", { class: "b-divider" }),
  section(block, people, act) {
    const body = el("div", { class: "b-section" });
    if (block.text) body.append(textBox(block.text, people));
    if (block.fields) {
      body.append(el("div", { class: "b-fields" }, block.fields.map((field) => textBox(field, people))));
    }
    if (block.accessory) body.append(control(block.accessory, act));
    return body;
  },
  context: (block, people) =>
    el("div", { class: "b-context" }, block.elements.map((part) => textBox(part, people, "span"))),
  actions: (block, _people, act) =>
    el("div", { class: "b-actions" }, block.elements.map((element) => control(element, act))),
  rich_text: (block) =>
    el("div", { class: "b-rich" }, block.elements.map((line) =>
      el(line.type === "rich_text_quote" ? "blockquote" : "div", {}, line.elements.map(richPart)))),
  input,
};

function richPart(part) {
  return part.style?.bold ? el("strong", {}, part.text) : part.text;
}

function textBox(object, people, tag = "div") {
  const kind = object.type === "plain_text" ? "plain" : "mrkdwn";
  return el(tag, { class: `b-text ${kind}` }, renderText(object, people));
}

function control(element, act) {
  if (element.type === "button") {
    return el("button", {
      type: "button",
      class: `b-button ${element.style ?? ""}`,
      onclick: (event) => act(element, null, event.currentTarget),
    }, element.text.text);
  }
  if (element.type === "static_select") {
    const placeholder = element.placeholder?.text ?? "Choose";
    return el("select", {
      class: "b-select",
      "aria-label": placeholder,
      onchange: (event) => {
        const chosen = element.options[event.currentTarget.selectedIndex - 1];
        if (chosen) act(element, chosen, event.currentTarget);
      },
    },
    el("option", { value: "" }, placeholder),
    element.options.map((option) => el("option", { value: option.value }, option.text.text)));
  }
  return unknown(element);
}

function input(block) {
  const { element } = block;
  if (element.type === "radio_buttons" || element.type === "checkboxes") return choices(block);
  const id = `input-${block.block_id}`;
  const shared = {
    id,
    name: block.block_id,
    maxLength: element.max_length ?? 3000,
    placeholder: element.placeholder?.text ?? "",
    required: !block.optional,
    "aria-describedby": `${id}-error`,
  };
  const initial = element.initial_value ?? "";
  const entry = element.multiline
    ? el("textarea", { ...shared, rows: Math.min(16, Math.max(4, initial.split("\n").length + 2)) })
    : el("input", { ...shared, type: "text" });
  // As a property and not as content: a textarea drops a leading line break otherwise.
  entry.value = initial;
  return el("div", { class: "b-input" },
    el("label", { htmlFor: id }, block.label.text, block.optional ? el("span", { class: "quiet" }, " (optional)") : null),
    entry,
    el("p", { class: "field-error", id: `${id}-error`, role: "alert" }));
}

// Radio buttons and boxes: their heading, and each option as a line that can be tapped.
function choices(block) {
  const { element } = block;
  const kind = element.type === "checkboxes" ? "checkbox" : "radio";
  const ticked = (element.initial_options ?? []).map((option) => option.value);
  return el("fieldset", { class: "b-input b-choices" },
    el("legend", {}, block.label.text, block.optional ? el("span", { class: "quiet" }, " (optional)") : null),
    element.options.map((option) => {
      const entry = el("input", { type: kind, name: block.block_id, value: option.value });
      entry.checked = ticked.includes(option.value);
      return el("label", {}, entry, option.text.text);
    }),
    el("p", { class: "field-error", role: "alert" }));
}

function unknown(block) {
  return el("div", { class: "b-context" }, `[${block.type}]`);
}
