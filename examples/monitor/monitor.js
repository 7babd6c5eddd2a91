const $ = (id) => document.getElementById(id)
const socket = io('http://127.0.0.1:3000')
const channels = new Set()

socket.on('connect', () => {
  $('status').textContent = 'Connected'
  // A new connection is in no room yet, also after the network was away.
  for (const channel of channels) subscribe(channel)
})
socket.on('disconnect', (reason) => {
  $('status').textContent = `Not connected: ${reason}`
  $('answer').textContent = ''
})
socket.on('connect_error', ({ message }) => {
  $('status').textContent = `Not connected: ${message}`
})

socket.on('message', ({ room, body, data, createdAt }) => {
  const item = document.createElement('li')
  item.append(
    element('time', new Date(createdAt).toLocaleTimeString()),
    element('strong', room),
    element('span', body ?? JSON.stringify(data)),
  )
  $('messages').prepend(item)
})

function subscribe(channel) {
  socket.emit('subscribe', channel, ({ ok, error }) => {
    if (ok) channels.add(channel)
    show(ok ? `OK, ${channel} is subscribed` : error.detail)
  })
}

function unsubscribe(channel) {
  socket.emit('unsubscribe', channel, ({ ok, error }) => {
    if (ok) channels.delete(channel)
    show(ok ? `OK, ${channel} is not subscribed any more` : error.detail)
  })
}

function show(answer) {
  $('answer').textContent = answer
  $('channels').replaceChildren(
    ...[...channels].map((channel) => {
      const item = document.createElement('li')
      const button = element('button', 'Unsubscribe')
      button.onclick = () => unsubscribe(channel)
      item.append(element('strong', channel), button)
      return item
    }),
  )
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text })
}

$('subscribe').onsubmit = (event) => {
  event.preventDefault()
  subscribe($('channel').value)
  $('subscribe').reset()
}
