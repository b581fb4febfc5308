// Asks before what cannot be taken back, in the page's own dialog.

export function ask(question, _form, submitter) {
  const dialog = document.getElementById("confirm")
  dialog.querySelector("p").textContent = question
  const yes = dialog.querySelector("button[value=yes]")
  yes.textContent = submitter?.dataset.confirmYes || submitter?.textContent.trim() || "Yes"
  yes.classList.toggle("button-primary", !submitter?.classList.contains("button-danger"))
  yes.classList.toggle("button-danger", Boolean(submitter?.classList.contains("button-danger")))
  dialog.returnValue = "no"
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true })
  })
}
