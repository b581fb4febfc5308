// Asks the server what is new, as long as somebody looks. No connection is held: each
// question is short, the next one follows the answer, and a hidden page asks nothing.

import { Controller } from "@hotwired/stimulus"
import { renderStreamMessage } from "@hotwired/turbo"

const SLOWEST = 30_000

export default class extends Controller {
  static targets = ["state"]
  static values = { url: String, every: { type: Number, default: 1000 }, over: Boolean }

  connect() {
    this.failures = 0
    this.seen = () => this.next()
    document.addEventListener("visibilitychange", this.seen)
    this.next()
  }

  disconnect() {
    clearTimeout(this.timer)
    document.removeEventListener("visibilitychange", this.seen)
    this.url = null
  }

  next() {
    clearTimeout(this.timer)
    if (this.overValue || document.visibilityState !== "visible") return
    const wait = Math.min(this.everyValue * 2 ** this.failures, SLOWEST)
    this.timer = setTimeout(() => this.look(), wait)
  }

  async look() {
    try {
      const response = await fetch(this.address(), {
        headers: { Accept: "text/vnd.turbo-stream.html" },
        credentials: "same-origin",
      })
      if (response.status === 401) return this.signedOut()
      if (!response.ok) throw new Error(response.status)
      const streams = response.status === 200 ? await response.text() : ""
      if (!this.element.isConnected) return
      if (streams) renderStreamMessage(streams)
      if (response.headers.get("X-Live") === "over") this.overValue = true
      this.failures = 0
      delete document.documentElement.dataset.offline
    } catch {
      this.failures += 1
      if (this.failures > 2) document.documentElement.dataset.offline = ""
    }
    this.next()
  }

  // The address, with what the page shows now: every data-param-* of the state.
  address() {
    const url = new URL(this.urlValue, location.href)
    for (const state of this.stateTargets) {
      for (const { name, value } of state.attributes) {
        if (name.startsWith("data-param-")) url.searchParams.set(name.slice(11), value)
      }
    }
    return url
  }

  signedOut() {
    const link = document.createElement("a")
    link.href = "/sign-in"
    link.textContent = "Sign in again."
    const told = document.createElement("p")
    told.className = "tone-warn mt-4 rounded-lg px-4 py-3"
    told.append("You are signed out. What you have typed is still here; copy it first. ", link)
    document.getElementById("notices").append(told)
  }
}
