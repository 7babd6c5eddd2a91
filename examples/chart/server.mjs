/**
 * Serves the page of the chart on port 8080, and gets it a token from Tabcast: the API key stays here.
 * TABCAST_URL and TABCAST_KEY come from the environment.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'

const { PORT = '8080', TABCAST_URL = 'http://127.0.0.1:3000', TABCAST_KEY } = process.env

const files = {
  '/': ['./index.html', 'text/html'],
  '/chart.js': ['./chart.js', 'text/javascript'],
  '/style.css': ['../style.css', 'text/css'],
  '/echarts.js': ['../../node_modules/echarts/dist/echarts.min.js', 'text/javascript'],
}

createServer(async ({ url }, response) => {
  try {
    if (url === '/token') return response.end(await mintToken())
    if (!Object.hasOwn(files, url)) return response.writeHead(404).end('There is no such page')
    const [file, type] = files[url]
    response.setHeader('Content-Type', `${type}; charset=utf-8`)
    response.end(await readFile(new URL(file, import.meta.url)))
  } catch (error) {
    response.writeHead(502).end(error.message)
  }
}).listen(Number(PORT), '127.0.0.1')

/** Everybody may see this chart and nothing else. Of your users, say here who is logged in. */
async function mintToken() {
  const answer = await fetch(`${TABCAST_URL}/tokens`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${TABCAST_KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ user: 'viewer', rooms: ['chart'] }),
    signal: AbortSignal.timeout(2000),
  })
  const { token, detail } = await answer.json()
  if (!answer.ok) throw new Error(`Tabcast gives no token: ${detail}`)
  return token
}
