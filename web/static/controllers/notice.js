// A message that its reader can put away; those that report success go by themselves.

import { Controller } from "@hotwired/stimulus"

const SHOWN = 8000

export default class extends Controller {
  static targets = ["close"]
  static values = { focus: Boolean }

  connect() {
    for (const button of this.closeTargets) button.hidden = false
    // What must not be missed comes to the reader, wherever on the page they are.
    if (this.focusValue) {
      this.element.focus({ preventScroll: true })
      this.element.scrollIntoView({ block: "center" })
    }
    if (this.element.classList.contains("tone-good")) {
      this.timer = setTimeout(() => this.close(), SHOWN)
    }
  }

  disconnect() {
    clearTimeout(this.timer)
  }

  close() {
    this.element.remove()
  }
}
