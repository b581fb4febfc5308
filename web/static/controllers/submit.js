// Sends a form as soon as something in it is chosen; without it there is a button.

import { Controller } from "@hotwired/stimulus"

export default class extends Controller {
  now() {
    this.element.requestSubmit()
  }
}
