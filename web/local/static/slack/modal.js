// Dialogs: the confirmation before a dangerous button, and the modals that the engine
// opens. A modal is drawn once for each state it is in, so that typing is never lost.

import { renderBlocks } from "./blocks.js";
import { el, send } from "./dom.js";

const box = document.getElementById("modal");
const confirmBox = document.getElementById("confirm");
let shown = "";
let onDone = () => {};
let onTrouble = () => {};

export function whenDone(done, trouble) {
  onDone = done;
  onTrouble = trouble;
}

export function showTop(views, user, people, act) {
  const view = views.at(-1);
  const key = view ? `${user} ${view.id} ${view.hash}` : "";
  if (key === shown) return;
  shown = key;
  if (!view) {
    if (box.open) box.close();
    return;
  }
  draw(view, user, people, act);
  if (!box.open) box.showModal();
}

function draw(view, user, people, act) {
  const blocks = renderBlocks(view.blocks, people, (element, chosen, at) => act(element, chosen, at, view.id));
  const submit = view.submit ? el("button", { class: "b-button primary" }, view.submit.text) : null;
  const close = el("button", { type: "button", class: "b-button", onclick: () => putAway(view, user) },
    view.close?.text ?? "Cancel");
  const form = el("form", { novalidate: true, onsubmit: (event) => sendOff(event, view, user, submit) },
    el("header", {}, el("h2", { id: "modal-title", tabIndex: -1 }, view.title.text)),
    el("div", { class: "modal-body" }, blocks),
    el("footer", {}, close, submit));
  const pressed = box.contains(document.activeElement) ? document.activeElement.textContent : "";
  box.replaceChildren(form);
  if (box.open) focusAgain(form, pressed);
  box.setAttribute("aria-labelledby", "modal-title");
  box.oncancel = (event) => {
    event.preventDefault();
    putAway(view, user);
  };
}

// Where a page is turned, on the same button; in another modal, on what is to be filled in.
function focusAgain(form, pressed) {
  const again = [...form.querySelectorAll(".modal-body button")].find((one) => one.textContent === pressed);
  (again ?? form.querySelector("[name]") ?? form.querySelector("h2")).focus();
}

async function putAway(view, user) {
  await send("_close", { view_id: view.id, user });
  onDone();
}

async function sendOff(event, view, user, button) {
  event.preventDefault();
  const form = event.currentTarget;
  const values = valuesOf(form);
  button.disabled = true;
  const reply = await send("_submit", { view_id: view.id, values, user });
  button.disabled = false;
  showErrors(form, reply.errors ?? {});
  if (reply.error && reply.error !== "not_sent") onTrouble(reply);
  else if (reply.status && !reply.ok) onTrouble(reply);
  onDone();
}

function valuesOf(form) {
  const values = {};
  for (const input of form.querySelectorAll(".b-input [name]")) {
    if (input.type !== "radio" && input.type !== "checkbox") values[input.name] = input.value;
    else if (input.checked) values[input.name] = input.value;
    else values[input.name] ??= "";
  }
  return values;
}

function showErrors(form, errors) {
  for (const input of form.querySelectorAll(".b-input [name]")) {
    const said = errors[input.name] ?? "";
    input.closest(".b-input").querySelector(".field-error").textContent = said;
    input.setAttribute("aria-invalid", said ? "true" : "false");
  }
  form.querySelector('[aria-invalid="true"]')?.focus();
}

export function confirmed(asked) {
  return new Promise((resolve) => {
    const answer = (yes) => {
      confirmBox.close();
      resolve(yes);
    };
    confirmBox.oncancel = () => resolve(false);
    confirmBox.replaceChildren(
      el("form", { method: "dialog" },
        el("header", {}, el("h2", { id: "confirm-title" }, asked.title.text)),
        el("div", { class: "modal-body" }, el("p", {}, asked.text.text)),
        el("footer", {},
          el("button", { type: "button", class: "b-button", onclick: () => answer(false) }, asked.deny.text),
          el("button", { type: "button", class: `b-button ${asked.style === "danger" ? "danger filled" : "primary"}`, onclick: () => answer(true) }, asked.confirm.text))));
    confirmBox.setAttribute("aria-labelledby", "confirm-title");
    confirmBox.showModal();
  });
}
