// What every page runs. Pages work without it; it makes them live and quick under the keys.

import { openHead } from "controllers/still_head"
import * as Turbo from "@hotwired/turbo"
import { Application } from "@hotwired/stimulus"
import CardController from "controllers/card"
import CopyController from "controllers/copy"
import CountdownController from "controllers/countdown"
import KeysController from "controllers/keys"
import LiveController from "controllers/live"
import NoticeController from "controllers/notice"
import SubmitController from "controllers/submit"
import { keepAgesTrue } from "controllers/ages"
import { ask } from "controllers/confirm"

const application = Application.start()
application.register("card", CardController)
application.register("copy", CopyController)
application.register("countdown", CountdownController)
application.register("keys", KeysController)
application.register("live", LiveController)
application.register("notice", NoticeController)
application.register("submit", SubmitController)

openHead()
// The bar of the stylesheet stands in for Turbo's, whose inline style the policy refuses.
Turbo.config.drive.progressBarDelay = 3_600_000
Turbo.config.forms.confirm = ask

// What a reader has unfolded or ticked stays so while the page is brought up to date.
document.addEventListener("turbo:before-morph-attribute", (event) => {
  const { attributeName } = event.detail
  if (event.target.matches("details") && attributeName === "open") event.preventDefault()
  if (event.target.matches("input[type=checkbox]") && attributeName === "checked") event.preventDefault()
})

keepAgesTrue()
