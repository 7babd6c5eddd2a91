/**
 * Serves the page of the chat on port 8080, and gets it a token for its room from Tabcast: the API key stays here.
 * TABCAST_URL and TABCAST_KEY come from the environment.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

const { PORT = '8080', TABCAST_URL = 'http://127.0.0.1:3000', TABCAST_KEY } = process.env

const files = {
  '/': ['./index.html', 'text/html'],
  '/chat.js': ['./chat.js', 'text/javascript'],
  '/style.css': ['../style.css', 'text/css'],
}

createServer(async (request, response) => {
  try {
    const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1')
    if (pathname === '/token') return await giveToken(searchParams, response)
    if (!Object.hasOwn(files, pathname)) return response.writeHead(404).end('There is no such page')
    const [file, type] = files[pathname]
    response.setHeader('Content-Type', `${type}; charset=utf-8`)
    response.end(await readFile(new URL(file, import.meta.url)))
  } catch (error) {
    response.writeHead(502).end(error.message)
  }
}).listen(Number(PORT), '127.0.0.1')

/** Anybody may take any name here. Of your users, say here who is logged in, and whether the room is theirs. */
async function giveToken(asked, response) {
  const roomid = asked.get('roomid') ?? ''
  // A star would be a pattern, and open every room.
  if (!/^[\w-]{1,50}$/.test(roomid))
    return response.writeHead(400).end('A room is named by letters, digits, - and _')
  const rooms = [`chat:${roomid}`]
  const answer = await fetch(`${TABCAST_URL}/tokens`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TABCAST_KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: asked.get('name') ?? '', rooms, publish: rooms }),
    signal: AbortSignal.timeout(2000),
  })
  const { token, detail } = await answer.json()
  response.setHeader('Cache-Control', 'no-store')
  if (answer.ok) response.end(token)
  else response.writeHead(answer.status).end(`Tabcast gives no token: ${detail}`)
}
