const status = document.getElementById('status')
const messages = document.getElementById('messages')
/** Where this page stands: at first before everything that is kept for the user. */
let position = { seq: 0 }

const socket = io('http://127.0.0.1:3000', {
  auth: async (send) => send({ token: await fetchToken(), since: position }),
  // Polling goes through where websockets do not.
  transports: location.search === '?polling' ? ['polling'] : ['websocket', 'polling'],
})

socket.on('connect', () => {
  status.textContent = `Connected by ${socket.io.engine.transport.name}`
})
socket.on('disconnect', (reason) => {
  status.textContent = `Not connected: ${reason}`
})
socket.on('connect_error', ({ message }) => {
  status.textContent = `Not connected: ${message}`
})
socket.on('position', keep)
socket.on('notification', (notification) => {
  keep(notification)
  onPush({ code: 0, data: notification.body ?? notification.title })
  if (notification.seq) socket.emit('ack', notification.seq)
})

/** Rooms have positions of their own, and what is not stored has none. */
function keep({ channel, seq, epoch }) {
  if (seq !== undefined && !channel?.startsWith('room:')) position = { seq, epoch }
}

/** The handler of the old page, as it was. */
function onPush(result) {
  if (result.code !== 0) return
  const item = document.createElement('li')
  item.textContent = result.data
  messages.prepend(item)
}

async function fetchToken() {
  const response = await fetch('/token.php')
  if (response.status === 401) location.href = `/login.php${location.search}`
  if (response.ok) return response.text()
  status.textContent = `No token (${response.status}): see what PHP has logged`
  throw new Error(status.textContent)
}
