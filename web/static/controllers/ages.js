// Keeps ages such as "3 min" true while a page stands open; the words are formats.py's.

const EVERY = 30_000

export function keepAgesTrue() {
  setInterval(() => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      time.textContent = ago((Date.now() - Date.parse(time.dateTime)) / 1000)
    }
  }, EVERY)
}

function ago(seconds) {
  if (seconds < 45) return "just now"
  if (seconds < 90 * 60) return `${Math.max(1, Math.round(seconds / 60))} min`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86400)} days`
}
