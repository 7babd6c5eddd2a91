import type { Socket } from 'socket.io'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

const listenersOf = (socket: Socket): number => socket.eventNames().length

test.each([
  ['one that is known', 'inbox', { ok: true }],
  ['an unknown one', 'nonsense', { ok: false, error: { code: 'unknown_event' } }],
])('what handles events is made with the first one: %s', async (_, event, answer) => {
  const sockets: Socket[] = []
  app.io.on('connection', (socket) => sockets.push(socket))
  const tab = await app.tab('ada').connected()
  const socket = sockets.find(({ id }) => id === tab.socket.id)!
  const before = listenersOf(socket)
  expect(socket.listenersAny()).toHaveLength(1)
  expect(await tab.ask(event)).toMatchObject(answer)
  expect(listenersOf(socket)).toBeGreaterThan(before)
  expect(socket.listenersAny()).toHaveLength(1)
  // The next ones are answered once each.
  expect(await tab.ask('nonsense')).toMatchObject({ ok: false, error: { code: 'unknown_event' } })
  expect(await tab.ask('inbox')).toMatchObject({ ok: true })
})
