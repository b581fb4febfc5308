// The inbox under the keys: j and k walk through the cards; a, e, r, x and the digits press
// the button of the card that has the focus, u and A that of the page. Ctrl and Enter send
// off the form that is being filled in. They can be turned off, for those whose
// dictation would press them.

import { Controller } from "@hotwired/stimulus"

const STORE = "keys"

export default class extends Controller {
  static targets = ["card", "help", "toggle"]

  connect() {
    this.pressed = (event) => this.press(event)
    document.addEventListener("keydown", this.pressed)
    this.taken = (event) => this.keep(event)
    document.addEventListener("focusin", this.taken)
    this.drawings = 0
    this.drawing = () => this.watchDrawing()
    document.addEventListener("turbo:before-stream-render", this.drawing)
    if (this.hasHelpTarget) this.helpTarget.hidden = false
    this.show()
    if (this.on && matchMedia("(hover: hover)").matches && document.activeElement === document.body) {
      this.cardTargets[0]?.focus({ preventScroll: true })
    }
  }

  disconnect() {
    document.removeEventListener("keydown", this.pressed)
    document.removeEventListener("focusin", this.taken)
    document.removeEventListener("turbo:before-stream-render", this.drawing)
  }

  // The card under the focus was answered and is gone: the next one takes its place.
  cardTargetDisconnected(card) {
    if (document.activeElement !== document.body || !this.place) return
    if (this.place.card === card) this.focus(this.place.index)
  }

  press(event) {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog")
    if (typing?.form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) return typing.form.requestSubmit()
    if (!this.on || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === "Escape" && typing) return typing.blur()
    if (typing) return
    const card = document.activeElement.closest("[data-keys-target=card]")
    if (event.key === "j") this.focus(card ? this.cardTargets.indexOf(card) + 1 : 0)
    else if (event.key === "k") this.focus(card ? this.cardTargets.indexOf(card) - 1 : 0)
    else if (!this.tap(card, event.key)) return
    event.preventDefault()
  }

  tap(card, key) {
    const within = "uA".includes(key) ? this.element : card
    const button = within?.querySelector(`[data-key="${CSS.escape(key)}"]`)
    if (!button) return false
    if (card) this.place = { card, index: this.cardTargets.indexOf(card) }
    button.click()
    return true
  }

  focus(index) {
    const card = this.cardTargets[Math.max(0, Math.min(index, this.cardTargets.length - 1))]
    if (!card) return
    if (this.drawings) this.moved = card
    card.focus({ preventScroll: true })
    card.scrollIntoView({ block: "start" })
  }

  // Turbo draws in the next frame, however late that comes, and then puts the focus back to
  // where it was before; a key pressed in between would be undone, and the next one would
  // answer another draft.
  watchDrawing() {
    this.drawings += 1
    requestAnimationFrame(() => setTimeout(() => {
      this.drawings -= 1
      if (!this.drawings) this.moved = null
    }))
  }

  keep(event) {
    if (!this.moved?.isConnected || event.target === this.moved) return
    if (this.cardTargets.includes(event.target)) this.moved.focus({ preventScroll: true })
  }

  toggle() {
    localStorage.setItem(STORE, this.on ? "off" : "on")
    this.show()
  }

  show() {
    document.documentElement.dataset.keys = this.on ? "on" : "off"
    if (this.hasToggleTarget) {
      this.toggleTarget.textContent = this.on ? "Turn the keys off" : "Turn the keys on"
    }
  }

  get on() {
    return localStorage.getItem(STORE) !== "off"
  }
}
