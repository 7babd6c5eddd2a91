import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ACK_PATIENCE } from '../../../src/core/delivery/ack-group.ts'
import { EVERYTHING } from '../../../src/core/inbox/inboxes.ts'
import { startApp, type TestApp } from '../../support/app.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import type { TestTab } from '../../support/tab.ts'
import { until } from '../../support/until.ts'

/** So many calls, one after the other: the fastest shows whether they wait, however busy the machine is. */
const CALLS = 12

let redis: RedisServer | undefined
let app: TestApp
afterEach(async () => {
  await app.close()
  await redis?.stop()
  redis = undefined
})

/** A tab that acknowledges what it is shown and asks for no answer, as the page in the README does. */
const acknowledging = (tab: TestTab): TestTab => {
  tab.socket.on('notification', ({ seq }: { seq: number }) => tab.socket.emit('ack', seq))
  return tab
}

describe.each(['embedded', 'redis'])('acknowledgements on %s', (engine) => {
  beforeEach(async () => {
    if (engine === 'redis') redis = await startRedis()
    app = await startApp(redis === undefined ? {} : { REDIS_URL: redis.url })
  })

  const deliveredAt = async (user: string, id: string) =>
    (await app.app.engine.inbox.find(`user:${user}`, id))?.deliveredAt

  test('what a call waits for is noted at once, however it reached the tab', async () => {
    const tab = acknowledging(app.tab('ada', { since: {} }))
    await tab.sees('position')
    let heardAt = 0
    const waits: number[] = []
    for (const socket of app.io.sockets.sockets.values())
      socket.on('ack', () => (heardAt = performance.now()))
    const { inbox } = app.app.engine
    const { acknowledgeAll } = inbox
    inbox.acknowledgeAll = (acks, at) => {
      waits.push(performance.now() - heardAt)
      return acknowledgeAll.call(inbox, acks, at)
    }
    for (let call = 0; call < CALLS; call++)
      expect(await app.notify('ada', { title: 'A' }, { prefer: 'wait=20' })).toMatchObject({
        delivered: true,
      })
    expect(waits.length).toBeGreaterThan(0)
    expect(Math.min(...waits)).toBeLessThan(ACK_PATIENCE / 2)
    const { seq, epoch } = tab.all('notification').at(-1)!
    tab.close()
    await until(async () => app.app.sockets!.counts.connections === 0, 5000)
    const waiting = app.notify('ada', { title: 'A' }, { prefer: 'wait=20' })
    await until(
      async () => (await app.app.engine.inbox.list('user:ada', { ...EVERYTHING, limit: 0 })).seq > seq,
      5000,
    )
    acknowledging(app.tab('ada', { since: { seq, epoch } }))
    expect(await waiting).toMatchObject({ delivered: true })
  })

  test('what nobody waits for is noted a moment later, in order with what the tab asks next', async () => {
    const tab = await app.tab('ada').connected()
    const { id } = await app.notify('ada', { title: 'A' })
    await tab.sees('notification')
    tab.socket.emit('ack', 1)
    await until(async () => (await deliveredAt('ada', id)) !== undefined, 5000)
    const next = await app.notify('ada', { title: 'A' })
    await tab.sees('notification', 2)
    const order: string[] = []
    tab.socket.emit('ack', 2, () => order.push('ack 2'))
    tab.socket.emit('ack', 3, () => order.push('ack 3'))
    tab.socket.emit('ack', 2, () => order.push('ack 2 again'))
    await tab.ask('unsubscribe', 'hall')
    expect(order).toEqual(['ack 2', 'ack 3', 'ack 2 again'])
    expect(await deliveredAt('ada', next.id)).toBeDefined()
  })

  test('a tab that began above what others have acknowledged leaves that to them', async () => {
    const { id: first } = await app.notify('ada', { title: 'A' })
    const [late, other] = [await app.tab('ada').connected(), app.tab('ada', { since: { seq: 0 } })]
    await other.sees('position')
    const { id: second } = await app.notify('ada', { title: 'A' })
    await Promise.all([late.sees('notification'), other.sees('notification', 2)])
    expect(await late.ask('ack', 2)).toEqual({ ok: true })
    expect([await deliveredAt('ada', first), await deliveredAt('ada', second)]).toEqual([
      undefined,
      expect.any(String),
    ])
    expect(await Promise.all([late.ask('ack', 2), other.ask('ack', 1)])).toEqual([{ ok: true }, { ok: true }])
    expect(await deliveredAt('ada', first)).toBeDefined()
  })
})

test('what waits when the process is stopped is noted before its tabs are gone', async () => {
  app = await startApp()
  const users = ['ada', 'bob']
  const tabs = await Promise.all(users.map((user) => app.tab(user, { reconnection: false }).connected()))
  const sent = await Promise.all(users.map((user) => app.notify(user, { title: 'A' })))
  await Promise.all(tabs.map((tab) => tab.sees('notification')))
  const heard = [...app.io.sockets.sockets.values()].map((socket) => once(socket, 'ack'))
  for (const tab of tabs) tab.socket.emit('ack', 1)
  await Promise.all(heard)
  await app.app.sockets!.drain(0)
  for (const [index, user] of users.entries())
    expect(await app.app.engine.inbox.find(`user:${user}`, sent[index]!.id)).toMatchObject({
      deliveredAt: expect.any(String) as string,
    })
})
