// The seconds in which an answer can still be taken back, by this page's own clock.

import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  static targets = ["text", "button"]
  static values = { seconds: Number }

  connect() {
    this.until = performance.now() + this.secondsValue * 1000
    this.timer = setInterval(() => this.tick(), 250)
    this.tick()
  }

  disconnect() {
    clearInterval(this.timer)
  }

  // The live list brings the server's own count.
  secondsValueChanged() {
    this.until = performance.now() + this.secondsValue * 1000
  }

  tick() {
    const left = Math.max(0, Math.ceil((this.until - performance.now()) / 1000))
    const text = left > 0 ? `in ${left} s` : "now"
    if (this.textTarget.textContent !== text) this.textTarget.textContent = text
    if (this.hasButtonTarget) this.buttonTarget.disabled = left === 0
    if (left === 0) clearInterval(this.timer)
  }
}
