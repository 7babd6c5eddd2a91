import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Channel, roomChannel, userChannel } from '../../src/core/model/channel.ts'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
/** The log that takes its time: `asked` resolves when it is to be read, which waits for `pages`. */
let slow: { channel: Channel; asked: PromiseWithResolvers<void>; pages: PromiseWithResolvers<void> }
beforeEach(async () => {
  app = await startApp({ JOIN_ROOMS: 'all', PUBLIC_ROOMS: 'square' })
  const { broker } = app.app.engine
  const since = broker.since.bind(broker)
  broker.since = async (channel, cursor, limit) => {
    if (channel === slow.channel) {
      slow.asked.resolve()
      await slow.pages.promise
    }
    return since(channel, cursor, limit)
  }
})
afterEach(() => app.close())

const slowDown = (channel: Channel): void => {
  slow = { channel, asked: Promise.withResolvers(), pages: Promise.withResolvers() }
}

test.each<[from: string, since: object, titles: string[]]>([
  ['its beginning', { seq: 0 }, ['before', 'meanwhile']],
  ['now', {}, ['meanwhile']],
])(
  'what was counted as sent while the user’s log was read from %s is shown, also in rooms that go on from now',
  async (_, since, titles) => {
    slowDown(userChannel('ada'))
    await app.join('ada', 'den')
    await app.notify('ada', { title: 'before' })
    for (const room of ['all', 'den']) await app.message(room, { body: 'before' })
    const tab = await app.tab('ada', { since }).connected()
    await slow.asked.promise
    for (const room of ['all', 'den'])
      expect(await app.message(room, { body: `to ${room}` })).toMatchObject({ connections: 1 })
    expect(await app.notify('ada', { title: 'meanwhile' })).toMatchObject({ connections: 1 })
    slow.pages.resolve()
    await tab.sees('position', 3)
    await app.message('den', { body: 'then' })
    await tab.sees('message', 3)
    expect(tab.all('message').map(({ body }) => body)).toEqual(['to all', 'to den', 'then'])
    expect(tab.all('notification').map(({ title }) => title)).toEqual(titles)
    expect(tab.all('gap')).toEqual([])
  },
)

test('what was counted as sent while a tab subscribed from now is shown after the answer', async () => {
  slowDown(roomChannel('square'))
  await app.message('square', { body: 'before' })
  const tab = await app.tab('ada').connected()
  const { connections } = app.app.engine
  const announce = connections.announce.bind(connections)
  connections.announce = async (...args) => {
    connections.announce = announce
    const head = await announce(...args)
    // Stands for an answer that is under way for a while.
    expect(await app.message('square', { body: 'meanwhile' })).toMatchObject({ connections: 1 })
    return head
  }
  slow.pages.resolve()
  expect(await tab.ask('subscribe', 'square', { since: {} })).toMatchObject({ seq: 1, messages: [] })
  expect((await tab.sees('message')).map(({ body }) => body)).toEqual(['meanwhile'])
})
