/** The toasts of the development page: notifications that alert are shown for a while beside the list. */

import { render } from './items.js'

/** The time for which a toast stays, in milliseconds. */
const TOAST_TIME = 5000

/** The most toasts at once. */
const MOST_TOASTS = 3

const container = document.getElementById('toasts')
/** The toasts that are there, by the id of their notification, the oldest first. */
const toasts = new Map()

/** Shows a notification if it alerts. If its toast is there already, that shows the new state, and stays longer only if this one alerts. */
export function toast(notification) {
  const { id, alert } = notification
  const before = toasts.get(id)
  if (!before && !alert) return
  const item = render(notification)
  if (before) before.item.replaceWith(item)
  else container.append(item)
  if (alert) clearTimeout(before?.timer)
  const timer = alert ? setTimeout(() => endToast(id), TOAST_TIME) : before.timer
  toasts.set(id, { item, timer })
  if (toasts.size > MOST_TOASTS) endToast(toasts.keys().next().value)
}

/** Removes the toast of a notification, if there is one. */
export function endToast(id) {
  toasts.get(id)?.item.remove()
  clearTimeout(toasts.get(id)?.timer)
  toasts.delete(id)
}
