// A question's card. While one of its forms stands open the card is kept as it is, whatever
// the live list says, so that nobody's typing is taken away; the others are told.

import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  static targets = ["form", "putAway"]
  static values = { editing: String }

  connect() {
    this.opened = (event) => this.toggled(event.target)
    this.sending = () => this.keep(false)
    this.sent = (event) => {
      // No answer at all: the network is gone, and the text must not go with it.
      if (!event.detail.fetchResponse) this.keep(true)
    }
    this.element.addEventListener("toggle", this.opened, true)
    this.element.addEventListener("turbo:submit-start", this.sending)
    this.element.addEventListener("turbo:submit-end", this.sent)
    for (const button of this.putAwayTargets) button.hidden = false
    this.keep(this.formTargets.some((form) => form.open))
  }

  disconnect() {
    this.element.removeEventListener("toggle", this.opened, true)
    this.element.removeEventListener("turbo:submit-start", this.sending)
    this.element.removeEventListener("turbo:submit-end", this.sent)
  }

  toggled(form) {
    if (!this.formTargets.includes(form)) return
    if (!form.open) {
      this.keep(this.formTargets.some((other) => other.open))
      return
    }
    for (const other of this.formTargets) if (other !== form) other.open = false
    this.keep(true)
    form.querySelector("textarea, input:not([type=hidden])")?.focus({ preventScroll: true })
    form.scrollIntoView({ block: "nearest" })
    if (form.dataset.form !== "reason") this.tellOthers()
  }

  typed() {
    this.keep(true)
  }

  putAway(event) {
    const form = event.target.closest("details")
    form.querySelector("form").reset()
    form.open = false
    form.querySelector("summary").focus()
  }

  keep(kept) {
    if (kept) this.element.setAttribute("data-turbo-permanent", "")
    else this.element.removeAttribute("data-turbo-permanent")
  }

  tellOthers() {
    if (this.told || !this.editingValue) return
    this.told = true
    const token = document.querySelector("meta[name=csrf-token]")?.content
    fetch(this.editingValue, {
      method: "POST",
      headers: { "X-CSRFToken": token },
      credentials: "same-origin",
    }).catch(() => (this.told = false))
  }
}
