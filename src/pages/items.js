/** The look of a notification on the development page, in its list and as a toast. */

const $ = (id) => document.getElementById(id)

/** Makes a list item that shows a notification as it is now. */
export function render(notification) {
  const { title, body, type, data, seq, severity, updatedAt, progress } = notification
  const item = $('item').content.firstElementChild.cloneNode(true)
  item.dataset.severity = severity
  const time = new Date(updatedAt).toLocaleTimeString()
  const number = seq === undefined ? 'not stored' : `no. ${seq}`
  item.querySelector('.title').textContent = title ?? body ?? type
  item.querySelector('.body').textContent = title ? (body ?? '') : body ? '' : JSON.stringify(data)
  item.querySelector('.meta').textContent = `${time} · ${type} · ${number}`
  item.toggleAttribute('data-read', isRead(notification))
  if (progress) renderProgress(item, notification)
  return item
}

/** True unless a notification is unread; one that was not stored is in no inbox, so it cannot be. */
export const isRead = ({ seq, readAt, archivedAt }) => seq === undefined || Boolean(readAt ?? archivedAt)

function renderProgress(item, { progress: { status, value, max = 100, text, staleAfter }, updatedAt }) {
  const bar = item.querySelector('progress')
  const over = status !== 'queued' && status !== 'running'
  item.querySelector('.progress').hidden = false
  if (value !== undefined || over) bar.value = status === 'succeeded' ? 1 : (value ?? 0) / max
  const share = value === undefined || over ? status : `${Math.floor((value / max) * 100)} %`
  item.querySelector('.share').textContent = text ?? share
  if (!over && staleAfter !== undefined) showStaleFrom(item, Date.parse(updatedAt) + staleAfter * 1000)
}

/** The next update brings an item of its own, so this one only has to look whether it is still there. */
function showStaleFrom(item, time) {
  setTimeout(
    () => {
      if (!item.isConnected) return
      item.toggleAttribute('data-stale', true)
      item.querySelector('.share').textContent = 'stale: no news of this task'
    },
    Math.max(0, time - Date.now()),
  )
}
