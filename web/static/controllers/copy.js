// Copies a value, or all of them as lines, for whoever writes them down elsewhere.

import { Controller } from "@hotwired/stimulus"

const SAID = 2000

export default class extends Controller {
  static targets = ["button", "value"]

  connect() {
    // Without a clipboard (a page that is not on https) text is selected by hand.
    if (!navigator.clipboard) return
    for (const button of this.buttonTargets) button.hidden = false
  }

  disconnect() {
    clearTimeout(this.timer)
  }

  one({ currentTarget, params }) {
    this.put(this.valueTargets[params.number].textContent, currentTarget)
  }

  all({ currentTarget }) {
    const lines = this.valueTargets.map((value) => `${value.dataset.label}: ${value.textContent}`)
    this.put(lines.join("\n"), currentTarget)
  }

  async put(text, button) {
    const label = button.querySelector("[data-copy-label]")
    const before = label.textContent
    try {
      await navigator.clipboard.writeText(text)
      label.textContent = "Copied"
    } catch {
      label.textContent = "Not copied"
    }
    button.disabled = true
    this.timer = setTimeout(() => {
      label.textContent = before
      button.disabled = false
    }, SAID)
  }
}
