/** The toasts of the development page: what may alert is shown for a while beside the list. */

import { render } from './items.js'

/** How long a toast stays, in milliseconds. */
const TOAST_TIME = 5000

/** How many are there at once. */
const MOST_TOASTS = 3

const place = document.getElementById('toasts')
/** Those that are there, by the id of their notification, the oldest first. */
const toasts = new Map()

/** Shows a notification if it may alert. One whose toast is there already is replaced in it, and what does not alert lets it stay no longer. */
export function toast(notification) {
  const { id, alert } = notification
  const before = toasts.get(id)
  if (!before && !alert) return
  const item = render(notification)
  if (before) before.item.replaceWith(item)
  else place.append(item)
  if (alert) clearTimeout(before?.timer)
  const timer = alert ? setTimeout(() => endToast(id), TOAST_TIME) : before.timer
  toasts.set(id, { item, timer })
  if (toasts.size > MOST_TOASTS) endToast(toasts.keys().next().value)
}

/** Takes the toast of a notification away, if there is one. */
export function endToast(id) {
  toasts.get(id)?.item.remove()
  clearTimeout(toasts.get(id)?.timer)
  toasts.delete(id)
}
