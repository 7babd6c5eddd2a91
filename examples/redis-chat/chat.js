const status = document.getElementById('status')
const messages = document.getElementById('messages')
const socket = io('http://127.0.0.1:3000')

socket.on('connect', () => {
  status.textContent = 'Connected'
})
socket.on('disconnect', (reason) => {
  status.textContent = `Not connected: ${reason}`
})
socket.on('connect_error', ({ message }) => {
  status.textContent = `Not connected: ${message}`
})

// The page joins nothing: Tabcast puts every connection into the room (JOIN_ROOMS=chat).
socket.on('msgReceived', (message) => {
  const item = document.createElement('li')
  // JSON arrives as what it says, so 1234567890 is a number.
  item.textContent = typeof message === 'string' ? message : JSON.stringify(message)
  messages.prepend(item)
})
