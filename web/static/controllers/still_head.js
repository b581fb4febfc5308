// Turbo puts a style for its progress bar into the page's head as it loads; the policy refuses
// it, and the console tells so on every page. The bar is the stylesheet's, so until Turbo has
// loaded the head takes no style. Imported before Turbo; app.js opens the head again.

const { head } = document

head.insertBefore = (node, before) =>
  node.localName === "style" ? node : Node.prototype.insertBefore.call(head, node, before)

export function openHead() {
  delete head.insertBefore
}
