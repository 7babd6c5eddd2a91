/** The development page: a plain Socket.IO client, no framework. */

import { isRead, render } from './items.js'
import { endToast, toast } from './toasts.js'

/** @param {string} id */
const $ = (id) => document.getElementById(id)

/** The most notifications that the list shows. */
const SHOWN = 50

const user = new URLSearchParams(location.search).get('user') || 'demo'
/** The notifications that are shown, by id: each as it last came, and its item in the list. */
const shown = new Map()
/** The position of this page in the user's log, from which it goes on after a lost connection. */
let position = { seq: 0 }
/** The facts that the server gives this page: where posts go, and with which key. */
let server
let socket

const TITLE = document.title

$('user').value = user
$('empty-user').textContent = user
$('second-tab').href = `/?user=${encodeURIComponent(user)}`

async function loadSettings() {
  const response = await fetch(`/demo/session?user=${encodeURIComponent(user)}`)
  const settings = await response.json()
  if (!response.ok) throw new Error(settings.detail)
  return settings
}

/** @param {'connecting' | 'connected' | 'refused'} state */
function showStatus(state, text) {
  $('status').dataset.state = state
  $('status').textContent = text
}

/** Shows the end of a connection, after which the client does not try again by itself, and a button that does. */
function showEnded(text) {
  showStatus('refused', text)
  const again = document.createElement('button')
  again.className = 'quiet small'
  again.textContent = 'Connect again'
  again.onclick = () => {
    showStatus('connecting', 'Connecting …')
    socket.connect()
  }
  $('status').append(again)
}

/** Follows the position and the number of unread notifications, which every event of the user's log has. */
function follow({ channel, seq, epoch, unread }) {
  // Rooms have positions of their own, and events that are not stored have none.
  if (seq === undefined || channel?.startsWith('room:')) return
  position = { seq, epoch }
  if (unread === undefined) return
  $('badge').hidden = unread === 0
  $('badge').textContent = unread > 99 ? '99+' : unread
  $('unread').textContent = unread === 0 ? 'No unread notifications' : `${unread} unread`
  $('read-all').disabled = unread === 0
  document.title = unread === 0 ? TITLE : `(${unread}) ${TITLE}`
}

function show(notification) {
  follow(notification)
  const known = shown.get(notification.id)
  if (known && known.notification.version >= notification.version) return
  known?.item.remove()
  const item = render(notification)
  shown.set(notification.id, { notification, item })
  $('empty').hidden = true
  $('inbox').prepend(item)
  while ($('inbox').children.length > SHOWN) $('inbox').lastElementChild.remove()
  toast(notification)
}

/** Shows a notification, and acknowledges it: without that, it does not count as delivered. */
function receive(notification) {
  show(notification)
  if (notification.seq !== undefined) socket.emit('ack', notification.seq)
}

/** Shows that notifications were marked, in this tab or in another one. */
function showState({ ids, before, readAt, archivedAt, ...state }) {
  follow(state)
  for (const id of ids ?? shown.keys()) {
    const { notification, item } = shown.get(id) ?? {}
    if (!notification || (before && notification.updatedAt > before)) continue
    if (readAt !== undefined) notification.readAt = readAt
    if (archivedAt !== undefined) notification.archivedAt = archivedAt
    item.toggleAttribute('data-read', isRead(notification))
  }
}

function showRemoved({ ids, ...state }) {
  follow(state)
  for (const id of ids) {
    shown.get(id)?.item.remove()
    shown.delete(id)
    endToast(id)
  }
  $('empty').hidden = $('inbox').children.length > 0
}

function showGap({ from, to, reason }) {
  const notice = document.createElement('li')
  notice.className = 'notice'
  notice.textContent = `Numbers ${from} to ${to} are no longer there (${reason}).`
  $('inbox').prepend(notice)
}

/** Loads the stock client, which every Socket.IO server brings along. */
function loadClient() {
  const script = document.createElement('script')
  script.src = `${server.socketPath}socket.io.min.js`
  document.head.append(script)
  return new Promise((resolve, reject) => {
    script.onload = resolve
    script.onerror = () => reject(new Error('The Socket.IO client could not be loaded.'))
  })
}

function connect() {
  // A few lines are the whole integration: connect with a token and a cursor, and listen.
  socket = io({
    path: server.socketPath,
    auth: async (send) => send({ token: (await loadSettings()).token, since: position }),
  })
  socket.on('notification', receive)
  socket.on('notification:state', showState)
  socket.on('notification:removed', showRemoved)
  socket.on('position', follow)
  socket.on('gap', showGap)

  socket.on('connect', () => showStatus('connected', `Connected as ${user}`))
  socket.on('disconnect', () => {
    if (socket.active) showStatus('connecting', 'Connection lost. Trying again …')
    else showEnded('The server has ended this connection.')
  })
  socket.on('connect_error', (error) => {
    if (socket.active) showStatus('connecting', 'No connection. Trying again …')
    else showEnded(`Refused: ${error.message}`)
  })
}

function curlLine() {
  const { api, apiKey } = server
  const body = JSON.stringify({
    title: $('title').value,
    body: $('body').value || undefined,
    severity: $('severity').value,
  })
  const quoted = body.replaceAll("'", "'\\''")
  return `curl ${api ?? 'http://<the API>'}/notify/${encodeURIComponent(user)} \\\n  -H 'Authorization: Bearer ${apiKey ?? '<your API key>'}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${quoted}'`
}

const showCurl = () => {
  $('curl').textContent = curlLine()
}

async function send(event) {
  event.preventDefault()
  const response = await fetch(`/notify/${encodeURIComponent(user)}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${server.apiKey}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      title: $('title').value,
      body: $('body').value || undefined,
      severity: $('severity').value,
    }),
  })
  const answer = await response.json()
  $('answer').classList.toggle('bad', !response.ok)
  const connections = answer.connections === 1 ? '1 connection' : `${answer.connections} connections`
  $('answer').textContent = response.ok
    ? `Stored as no. ${answer.seq}, sent to ${connections}.`
    : answer.detail
}

function explainRole({ role, api, apiKey, workers }) {
  if (!apiKey) {
    $('send').disabled = true
    $('answer').textContent = 'This page does not know your API keys: use the line below with one of them.'
  }
  if (role === 'worker') {
    $('send').disabled = true
    $('answer').textContent = 'This process serves tabs only.'
    $('curl-hint').textContent = api
      ? `Send it to the API at ${api}:`
      : 'No API process is running yet: start one with ROLE=api.'
  }
  if (role === 'api') {
    const [worker] = workers
    showStatus(
      'refused',
      worker
        ? ''
        : 'This process serves the API only, and no worker is running yet: start one with ROLE=worker.',
    )
    if (!worker) return
    const link = document.createElement('a')
    link.href = `${worker}/?user=${encodeURIComponent(user)}`
    link.textContent = worker
    $('status').append('This process serves the API only. Tabs connect to ', link)
  }
}

try {
  server = await loadSettings()
  explainRole(server)
  showCurl()
  for (const id of ['title', 'body', 'severity']) $(id).addEventListener('input', showCurl)
  // The answer needs no handling: this tab receives the same event as all others.
  $('read-all').addEventListener('click', () => socket.emit('mark', { all: true, read: true }))
  $('send-form').addEventListener('submit', send)
  $('copy').addEventListener('click', async () => {
    await navigator.clipboard.writeText($('curl').textContent)
    $('copy').textContent = 'Copied'
  })
  if (server.role !== 'api') {
    await loadClient()
    connect()
  }
} catch (error) {
  showStatus('refused', error.message)
}

$('user-form').addEventListener('submit', (event) => {
  event.preventDefault()
  location.href = `/?user=${encodeURIComponent($('user').value)}`
})
