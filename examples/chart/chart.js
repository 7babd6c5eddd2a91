const $ = (id) => document.getElementById(id)
const dark = matchMedia('(prefers-color-scheme: dark)')
const socket = io('http://127.0.0.1:3000', { auth: async (send) => send({ token: await fetchToken() }) })
let chart

socket.on('connect', () => {
  $('status').textContent = 'Connected'
  // What the old page heard as `init chart data`: the last message of the room, then everything that is new, with no hole between.
  socket.emit('subscribe', 'chart', { last: 1 }, ({ messages: [message] }) => {
    if (message) draw(message.data, 'Initial data')
  })
})
socket.on('disconnect', (reason) => {
  $('status').textContent = `Not connected: ${reason}`
})
socket.on('connect_error', ({ message }) => {
  $('status').textContent = `Not connected: ${message}`
})

// What was posted to the room. It is stored, so it is also the initial data of the next page.
socket.on('message', ({ data }) => draw(data, 'New data'))
// What a Socket.IO emitter sends. It reaches the pages that are open, and is not stored.
socket.on('new chart data', (data) => draw(data, 'New data'))

function draw({ labels, values }, caption) {
  chart ??= echarts.init($('chart'), theme(), { renderer: 'svg' })
  chart.setOption({
    aria: { enabled: true },
    backgroundColor: 'transparent',
    tooltip: {},
    grid: { top: 16, right: 8, bottom: 32, left: 8 },
    xAxis: { data: labels },
    yAxis: {},
    series: [{ type: 'bar', data: values }],
  })
  $('caption').textContent = `${caption}, ${new Date().toLocaleTimeString()}`
}

async function fetchToken() {
  const response = await fetch('/token')
  const text = await response.text()
  if (response.ok) return text
  $('status').textContent = text
  throw new Error(text)
}

function theme() {
  return dark.matches ? 'dark' : 'default'
}

dark.onchange = () => chart?.setTheme(theme())
window.onresize = () => chart?.resize()
