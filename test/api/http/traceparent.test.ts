import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.ts'
import { Receiver, WEBHOOK_SECRET } from '../../support/programs/receiver.ts'
import { startRedis } from '../../support/programs/redis.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const another = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-00'

describe.each(['embedded', 'redis'])('the trace context, on %s', (engine) => {
  let app: TestApp
  let receiver: Receiver
  const ends: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    receiver = await Receiver.start()
    ends.push(() => receiver.close())
    const env: Record<string, string> = { WEBHOOK_SECRET, WEBHOOK_URL: receiver.url }
    if (engine === 'redis') {
      const redis = await startRedis()
      ends.push(() => redis.stop())
      env.REDIS_URL = redis.url
    }
    app = await startApp(env)
    ends.push(() => app.close())
  })
  afterAll(async () => {
    for (const end of ends.reverse()) await end()
  })

  test('goes with a notification: to the tab, into the inbox, and to the webhook', async () => {
    const tab = await app.tab('ada').connected()
    const webhook = { events: ['delivered'] }
    const { seq } = await app.notify('ada', { title: 'A', webhook }, { traceparent })
    expect(await tab.sees('notification')).toMatchObject([{ title: 'A', traceparent }])
    expect((await tab.ask('inbox')).items).toMatchObject([{ title: 'A', traceparent }])
    await tab.ask('ack', seq)
    expect(await receiver.hears(1)).toMatchObject([
      { headers: { traceparent }, json: { data: { user: 'ada' } } },
    ])
    await app.notify('ada', { title: 'Ephemeral', ttl: 0 }, { traceparent })
    expect(await tab.sees('notification', 2)).toMatchObject([{}, { title: 'Ephemeral', traceparent }])
  })

  test('goes with a message of a room', async () => {
    const tab = await app.tab('ben', { grants: { rooms: ['den'] } }).connected()
    await tab.ask('subscribe', 'den')
    await app.message('den', { body: 'Hello' }, { traceparent })
    expect(await tab.sees('message')).toMatchObject([{ body: 'Hello', traceparent }])
  })

  test('is no part of the body: a repeated call has another one, and the first counts', async () => {
    const tab = await app.tab('cy').connected()
    const key = { 'idempotency-key': 'one' }
    const first = await app.notify('cy', { title: 'A' }, { ...key, traceparent })
    expect(await app.notify('cy', { title: 'A' }, { ...key, traceparent: another })).toEqual(first)
    expect(await tab.sees('notification')).toMatchObject([{ traceparent }])
  })

  test.each([
    ['of a later version', `01${traceparent.slice(2)}`],
    ['without a trace', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['without a parent', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['in capitals', traceparent.toUpperCase()],
    ['with a character more', `${traceparent}0`],
    ['with a character less', traceparent.slice(0, -1)],
    ['twice', `${traceparent}, ${another}`],
    ['with a quotation mark', `${traceparent.slice(0, -1)}"`],
  ])('%s it is ignored', async (_name, header) => {
    const tab = await app.tab('dan').connected()
    await app.notify('dan', { title: 'A' }, { traceparent: header })
    expect((await tab.sees('notification'))[0]).not.toHaveProperty('traceparent')
  })
})
