import { globSync, readFileSync } from 'node:fs'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ErrorCode, ServiceError } from '../../src/core/model/errors.ts'
import { SERVER_EVENT_NAMES } from '../../src/core/model/events.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { snippetsIn } from '../support/snippets.ts'
import type { TestTab } from '../support/tab.ts'

const root = new URL('../..', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const sources = (pattern: string): string => globSync(pattern, { cwd: root.pathname }).map(read).join('\n')

/** The cells of the tables below a heading of the document. */
function rowsBelow(heading: string): string[][] {
  const section = read('docs/events.md').split(`\n## ${heading}\n`)[1]!.split('\n## ')[0]!
  return [...section.matchAll(/^\| (`.*) \|$/gm)].map(([, row]) => row!.split(' | '))
}

const namesIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
/** All names in a row, however they are put together. */
const wordsIn = (cells: string[]): string[] =>
  namesIn(cells.join(' ')).flatMap((code) => code.match(/\w+/g) ?? [])
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort()

/** What only the HTTP API says. */
const HTTP_ONLY = [
  'credential_invalid',
  'credential_missing',
  'header_too_large',
  'malformed_json',
  'malformed_url',
  'method_not_allowed',
  'not_found',
  'request_timeout',
  'scope_missing',
  'too_large',
  'too_many_memberships',
  'unsupported_field',
  'unsupported_media_type',
  'uri_too_long',
]
/** What closes the transport before anybody could be told. */
const NEVER_TOLD = ['keys_unavailable']

const sent = rowsBelow('From the server to the tab')
const [events, codes] = [
  rowsBelow('From the tab to the server').filter(([, , last]) => !/^(yes|no)$/.test(last!)),
  rowsBelow('From the tab to the server').filter(([, , last]) => /^(yes|no)$/.test(last!)),
]
const refusals = rowsBelow('When it is refused').filter(([name]) => /^`\w+`$/.test(name!))

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

describe('docs/events.md', () => {
  test('has every event that is sent to a tab, and no other', () => {
    expect(sorted(sent.flatMap(([name]) => namesIn(name!)))).toEqual(sorted(SERVER_EVENT_NAMES))
  })

  test('has every event that a tab may send, and no other', async () => {
    const tab = await app.tab('ada').connected()
    // What handles them is made with the first one.
    await tab.ask('inbox')
    const [socket] = app.io.sockets.sockets.values()
    const own = socket!.eventNames().filter((name) => name !== 'error' && name !== 'disconnect')
    expect(sorted(events.flatMap(([name]) => namesIn(name!)))).toEqual(sorted(own as string[]))
  })

  test('has every code that a tab may be told, and says whether it passes by itself', () => {
    const table = read('src/core/model/errors.ts')
    const known = [...table.matchAll(/^ {2}(\w+): \{/gm)].map(([, code]) => code!)
    const told = codes.flatMap(([names, , temporary]) =>
      namesIn(names!).map((code) => [code, temporary === 'yes']),
    )
    expect(told).toEqual(told.map(([code]) => [code, new ServiceError(code as ErrorCode, '').temporary]))
    expect(sorted([...told.map(([code]) => code as string), ...HTTP_ONLY, ...NEVER_TOLD])).toEqual(
      sorted(known),
    )
  })

  test('has codes of a connect_error that do not pass by themselves', () => {
    const told = refusals.flatMap(([name]) => namesIn(name!))
    expect(told.length).toBeGreaterThan(0)
    for (const code of told)
      expect([code, new ServiceError(code as ErrorCode, '').temporary]).toEqual([code, false])
    const thrown = [
      ...sources('src/{sockets/handshake,core/session/enter}.ts').matchAll(/ServiceError\(\s*'(\w+)'/g),
    ].map(([, code]) => code!)
    expect(told).toEqual(expect.arrayContaining(thrown))
  })

  test('has every field of what comes and of what is answered', async () => {
    const grants = { rooms: ['lobby'], publish: ['lobby'] }
    const rooms = { lobby: { seq: 3, epoch: 'another' }, vault: {} }
    const tab = await app.tab('grace', { since: { rooms }, grants }).connected()
    await tab.sees('position', 2)
    const answers: Record<string, object> = {
      subscribe: await tab.ask('subscribe', 'lobby', { since: { seq: 3, epoch: 'another' }, presence: true }),
      publish: await tab.ask('publish', 'lobby', { body: 'Hello', data: 1 }),
      unsubscribe: await tab.ask('unsubscribe', 'nowhere'),
    }
    await app.tab('eve', { grants }).ask('subscribe', 'lobby')
    const { id, seq } = await app.notify('grace', { title: 'one' })
    await app.notify('grace', { title: 'two' })
    await tab.sees('notification', 2)
    await app.join('grace', 'team')
    await tab.sees('subscribed')
    Object.assign(answers, {
      mark: await tab.ask('mark', { ids: [id], read: true }),
      ack: await tab.ask('ack', seq),
      inbox: await tab.ask('inbox', { limit: 1 }),
      refresh: await tab.ask('refresh', app.token('grace', grants)),
    })
    await tab.ask('mark', { all: true, before: new Date().toISOString(), archived: true })
    await fetch(`${app.url}/notify/grace/${id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${app.apiKey}` },
    })
    await Promise.all(
      ['notification:removed', 'presence', 'message', 'unsubscribed', 'gap'].map((name) => tab.sees(name)),
    )
    for (const [event, answer] of Object.entries(answers))
      expectFields(rowOf(events, event), { ...answer, event })
    for (const row of sent) for (const name of namesIn(row[0]!)) expectPayloads(row, name, tab)
  })

  test('has lines that go on with a new token when the old one has expired', async () => {
    const [lines] = snippetsIn('docs/events.md', 'js')
    const tokens = [app.token('ada', { ttl: -1 }), app.token('ada')]
    const code = `${lines!.replace('http://127.0.0.1:3000', app.url)}; return socket`
    const socket = new Function('io', 'getToken', code)(io, async () => tokens.shift())
    try {
      await new Promise<void>((resolve) => socket.on('connect', resolve))
      expect(tokens).toEqual([])
    } finally {
      socket.disconnect()
    }
  })
})

const rowOf = (rows: string[][], name: string): string[] =>
  rows.find(([names]) => namesIn(names!).includes(name))!

/** The content of a notification has a document of its own. */
const CONTENT = ['title', 'type', 'severity', 'urgency', 'renotify', 'silent', 'requireInteraction']

function expectFields(row: string[], payload: object): void {
  const documented = new Set([...wordsIn(row), 'ok', 'event'])
  const unknown = Object.keys(payload).filter((field) => !documented.has(field))
  expect([row[0], unknown]).toEqual([row[0], []])
}

function expectPayloads(row: string[], name: string, tab: TestTab): void {
  if (name === 'going-away') return
  expect([name, tab.all(name).length]).not.toEqual([name, 0])
  for (const payload of tab.all(name)) {
    const fields = Object.entries(payload).filter(
      ([field]) => name !== 'notification' || !CONTENT.includes(field),
    )
    expectFields(row, Object.fromEntries(fields))
  }
}
