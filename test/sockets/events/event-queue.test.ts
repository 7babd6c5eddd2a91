import { afterEach, beforeEach, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import type { TestTab } from '../../support/tab.ts'

let app: TestApp
beforeEach(async () => {
  app = await startApp({ MAX_CONNECTION_BYTES: '300000', MAX_MESSAGES_PER_SECOND: '10' })
})
afterEach(() => app.close())

/** Number of events that are worked on at once, and a second after them. */
const BURST = 330
const RATE = 110

const askAll = (tab: TestTab, count: number, ...args: unknown[]): Promise<{ ok: boolean }[]> =>
  Promise.all(Array.from({ length: count }, () => tab.ask('unsubscribe', 'x', ...args)))

test('events beyond the rate are worked on later, and none is refused', async () => {
  const tab = await app.tab('ada').connected()
  const begin = performance.now()
  const answers = await askAll(tab, BURST + RATE)
  expect(answers).toEqual(answers.map(() => ({ ok: true })))
  expect(performance.now() - begin).toBeGreaterThan(900)
})

test('as many bytes of events may wait as of answers, and no more', async () => {
  const tab = await app.tab('ada', { reconnection: false }).connected()
  await askAll(tab, BURST)
  const large = 'x'.repeat(60_000)
  for (const { ok } of await askAll(tab, 4, large)) expect(ok).toBe(true)
  const gone = tab.disconnected()
  askAll(tab, 400, { [large]: [large.slice(0, 1000)] }).catch(() => undefined)
  await gone
  expect(app.app.sockets!.counts.closed.slow).toBe(1)
})

test('a thousand events may wait, and no more', async () => {
  const faster = await startApp({ MAX_MESSAGES_PER_SECOND: '1000' })
  try {
    const tab = await faster.tab('ada', { reconnection: false }).connected()
    for (const { ok } of await askAll(tab, 1000)) expect(ok).toBe(true)
    const gone = tab.disconnected()
    askAll(tab, 5000).catch(() => undefined)
    await gone
    expect(faster.app.sockets!.counts.closed.slow).toBe(1)
  } finally {
    await faster.close()
  }
})

test('an ack that waits is replaced by a later one, so that a page may acknowledge each entry of a long replay', async () => {
  const tab = app.tab('ada', { since: {}, reconnection: false })
  await tab.sees('position')
  const sent = await Promise.all(['a', 'b', 'c'].map((title) => app.notify('ada', { title })))
  await tab.sees('notification', 3)
  await askAll(tab, BURST)
  for (const seq of [1, 2, 3]) tab.socket.emit('ack', seq)
  expect(await tab.ask('unsubscribe', 'x')).toEqual({ ok: true })
  for (const { id } of sent)
    expect(await app.app.engine.inbox.find('user:ada', id)).toMatchObject({
      deliveredAt: expect.any(String) as string,
    })
  // One that can't be is refused, and two that ask are both answered.
  for (let seq = 4; seq < 2000; seq++) tab.socket.emit('ack', seq)
  const answers = await Promise.all([1, 2, 9].map((seq) => tab.ask('ack', seq)))
  expect(answers.map((answer) => answer.ok)).toEqual([true, true, false])
  expect(app.app.sockets!.counts.closed.slow).toBe(0)
})
