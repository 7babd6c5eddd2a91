import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { freePort } from '../support/programs/free-port.ts'
import { OTHER_WEBHOOK_SECRET, signatureOf, WEBHOOK_SECRET } from '../support/programs/receiver.ts'
import { snippetsIn } from '../support/snippets.ts'
import { until } from '../support/until.ts'

/** The code block of a language that speaks of the secret. */
const receiverIn = (language: string): string =>
  snippetsIn('docs/notifications.md', language).find((code) => code.includes('WEBHOOK_SECRET'))!

/** Resolves with the first line that a program prints which matches. */
async function lineOf(child: ChildProcess, pattern: RegExp): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  for (const stream of [child.stdout!, child.stderr!])
    createInterface({ input: stream }).on('line', (line) => {
      if (pattern.test(line)) resolve(line)
    })
  return promise
}

const listens = async (port: number): Promise<boolean> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.destroy()
  return true
}

/** A request that anybody could send to the receiver. */
const send = async (port: number, secret: string, timestamp: number): Promise<number> => {
  const text = '{"type":"notification.read","data":{"user":"eve","id":"x"}}'
  const headers = { 'webhook-id': 'x.1.read', 'webhook-timestamp': String(timestamp) }
  const received = { headers, text, method: 'POST', path: '/', json: undefined, at: 0 }
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { ...headers, 'webhook-signature': `v1,AAAA ${signatureOf(received, secret)}` },
    body: text,
  })
  return response.status
}

/** Sends a request as it is written, and resolves with the status line of the answer. */
const sendRaw = async (port: number, ...lines: string[]): Promise<string> => {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8').setTimeout(5000)
  socket.on('timeout', () => socket.destroy())
  socket.write(['POST /hook HTTP/1.1', 'Host: here', 'Connection: close', ...lines].join('\r\n'))
  const text = (await socket.toArray()).join('')
  return text.split('\r\n')[0]!
}

test.each([
  ['php', (file: string, port: number) => ['php', '-S', `127.0.0.1:${port}`, file]],
  ['python', (file: string, port: number) => ['python3', file, String(port)]],
])(
  'the receiver in %s takes what Tabcast sends, and refuses what is forged or old',
  async (language, commandOf) => {
    const directory = await mkdtemp(join(tmpdir(), 'tabcast-receiver-'))
    const file = join(directory, `webhook.${language}`)
    await writeFile(file, receiverIn(language))
    const port = await freePort()
    const [program, ...args] = commandOf(file, port)
    const child = spawn(program!, args, { env: { PATH: process.env.PATH, WEBHOOK_SECRET } })
    const app = await startApp({ WEBHOOK_SECRET, WEBHOOK_URL: `http://127.0.0.1:${port}/hook` })
    try {
      const line = lineOf(child, /notification\.delivered/)
      await until(() => listens(port), 10_000)
      const tab = await app.tab('ada').connected()
      const { id, seq } = await app.notify('ada', { title: 'A', webhook: { events: ['delivered'] } })
      await tab.sees('notification')
      await tab.ask('ack', seq)
      expect(await line).toContain(`notification.delivered ada ${id}.1.delivered`)
      const metrics = async (): Promise<string> => (await fetch(`${app.url}/metrics`)).text()
      await until(async () => (await metrics()).includes('tabcast_webhooks_total{result="sent"} 1'), 5000)
      const now = Math.floor(Date.now() / 1000)
      expect(await send(port, WEBHOOK_SECRET, now)).toBe(204)
      expect(await send(port, WEBHOOK_SECRET, now - 290)).toBe(204)
      expect(await send(port, WEBHOOK_SECRET, now - 310)).toBe(401)
      expect(await send(port, WEBHOOK_SECRET, now + 310)).toBe(401)
      expect(await send(port, OTHER_WEBHOOK_SECRET, now)).toBe(401)
      const refused = expect.stringMatching(/^HTTP\/1\.[01] 401 /)
      for (const signature of ['v1,é', 'v1,\u{1f511} v1,A', 'v1', ''])
        expect(await sendRaw(port, `webhook-signature: ${signature}`, 'Content-Length: 2', '', '{}')).toEqual(
          refused,
        )
      expect(await sendRaw(port, 'webhook-id: x', '', '')).toEqual(refused)
      expect(await sendRaw(port, 'webhook-timestamp: now', 'webhook-id: é', '', '')).toEqual(refused)
    } finally {
      child.kill('SIGKILL')
      await app.close()
      await rm(directory, { recursive: true })
    }
  },
  20_000,
)
