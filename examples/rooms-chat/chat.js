const $ = (id) => document.getElementById(id)
const roomid = new URLSearchParams(location.search).get('roomid') ?? 'lobby'
const room = `chat:${roomid}`
/** Who is in the room. */
let people = new Set()
/** Where this page stands in the room; undefined before it was in. */
let position
/** Whether the page is waiting to hear where it stands. */
let entering = false

const socket = io('http://127.0.0.1:3000', {
  autoConnect: false,
  auth: async (send) => {
    const token = await fetchToken()
    if (token) send({ token })
  },
})

socket.on('connect', () => {
  $('status').textContent = 'Connected'
  enter()
})
socket.on('disconnect', (reason) => {
  entering = false
  $('status').textContent = `Not connected: ${reason}`
})
socket.on('connect_error', ({ message }) => {
  $('status').textContent = `Not connected: ${message}`
})
socket.on('gap', tellGap)
socket.on('presence', ({ user, action, count }) => {
  action === 'join' ? people.add(user) : people.delete(user)
  add('soft', element('span', action === 'join' ? `${user} joined` : `${user} left`))
  showPeople(count)
  // Who comes and goes is not replayed: one who was missed is found by the number. A list has 1,000 names at most.
  if (people.size !== count && count <= 1000) enter()
})

/** A new connection is in no room yet; one that stood in it before is told what it missed. */
function enter() {
  if (entering) return
  entering = true
  // What comes before the answer is in the answer, too.
  socket.off('message', hear)
  const from = position ? { since: position } : { last: 50 }
  socket.emit('subscribe', room, { ...from, presence: true }, ({ ok, error, ...answer }) => {
    entering = false
    if (!ok) return leave(error.detail)
    if (answer.gap) tellGap()
    answer.messages.forEach(hear)
    position = { seq: answer.seq, epoch: answer.epoch }
    socket.on('message', hear)
    people = new Set(answer.users)
    showPeople(answer.count)
  })
}

function hear({ from, body, createdAt, seq, epoch }) {
  position = { seq, epoch }
  const time = element('time', new Date(createdAt).toLocaleTimeString([], { timeStyle: 'short' }))
  add('', time, element('strong', from), element('span', body))
}

/** Says it once, however often it takes: Tabcast knows a repeated message by its key. Until it is answered, it is shown as being sent. */
async function say(body) {
  const idempotencyKey = crypto.randomUUID()
  const note = element('em', 'Sending …')
  const item = add('soft', element('span', body), note)
  item.ariaBusy = 'true'
  const end = (text) => {
    item.ariaBusy = null
    note.textContent = text
  }
  while (isJoined()) {
    try {
      const { ok, error } = await socket
        .timeout(5000)
        .emitWithAck('publish', room, { body }, { idempotencyKey })
      if (ok) return item.remove()
      if (!error.temporary) return end(`Not said: ${error.detail}`)
      await new Promise((resolve) => setTimeout(resolve, 1000))
    } catch {
      // No answer came; whether it was said is not known.
    }
  }
  end('Left before it was known to be said')
}

/** The token; undefined if there is none, and then it is asked for again later, unless it was refused. */
async function fetchToken() {
  const response = await fetch(`/token?${new URLSearchParams({ name: $('name').value, roomid })}`).catch(
    () => null,
  )
  const text = (await response?.text().catch(() => null)) ?? 'The server of this page does not answer'
  if (response?.ok) return text
  if (response?.status < 500) return leave(text)
  socket.disconnect()
  $('status').textContent = `Not connected: ${text}`
  setTimeout(() => isJoined() && socket.connect(), 1000)
}

const isJoined = () => !$('chat').hidden

function leave(reason) {
  socket.disconnect()
  $('status').textContent = reason
  show('join')
}

function show(id) {
  $('join').hidden = id !== 'join'
  $('chat').hidden = id !== 'chat'
  $(id === 'join' ? 'name' : 'text').focus()
}

function showPeople(count) {
  $('people').textContent = `${count} here: ${[...people].sort().join(', ')}`
}

function tellGap() {
  add('soft', element('span', 'Some of what was said is not kept any more'))
}

function add(className, ...children) {
  const item = document.createElement('li')
  item.className = className
  item.append(...children)
  $('log').prepend(item)
  return item
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text })
}

$('room').textContent = roomid
$('join').onsubmit = (event) => {
  event.preventDefault()
  $('status').textContent = 'Waiting for Tabcast on port 3000 …'
  socket.connect()
  show('chat')
}
$('say').onsubmit = (event) => {
  event.preventDefault()
  say($('text').value)
  $('say').reset()
}
// What is still being sent would be lost with the page.
window.onbeforeunload = (event) => $('log').querySelector('[aria-busy]') && event.preventDefault()
$('leave').onclick = () => leave('Not joined')
