import { afterEach, describe, expect, test } from 'vitest'
import type { LogPage } from '../../../src/core/engine/broker.ts'
import type { Engine } from '../../../src/core/engine/engine.ts'
import { roomChannel, userChannel } from '../../../src/core/model/channel.ts'
import type { StreamPosition } from '../../../src/core/model/position.ts'
import { seqsOf } from '../../contract/engine/harness.ts'
import { draftOf } from '../../support/drafts.ts'
import { openRedis } from '../../support/engines.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

const PLENTY = { count: 1000, seconds: 3600 }
const ALL = { entries: 1000, bytes: 10_000_000 }

describe('what only Redis can do to a log', () => {
  const servers: RedisServer[] = []
  const engines: Engine[] = []
  const serve = async (settings: Record<string, string> = {}) => {
    const server = await startRedis({ settings })
    servers.push(server)
    return server
  }
  const open = async (url: string, retention = PLENTY) => {
    const engine = await openRedis(url, { retention: { user: retention, room: retention } })
    engines.push(engine)
    return engine
  }
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()))
    await Promise.all(servers.splice(0).map((server) => server.stop()))
  })

  test('a replica that attaches begins no epoch, whoever publishes', async () => {
    const server = await serve()
    const channel = userChannel('ada')
    const before = await open(server.url)
    await before.broker.publish(draftOf(channel, 1))
    const { epoch } = (await before.broker.since(channel, {}, ALL)).head
    const replica = await serve({ replicaof: `127.0.0.1 ${server.port}` })
    await until(
      async () => (await replica.cli('info', 'replication')).includes('master_link_status:up'),
      10_000,
    )
    // One that connects now reads another replication id than the first one did.
    const after = await open(server.url)
    for (let number = 2; number <= 9; number++)
      await (number % 2 === 0 ? after : before).broker.publish(draftOf(channel, number))
    const page = await before.broker.since(channel, { seq: 1, epoch }, ALL)
    expect(page.gap).toBeUndefined()
    expect(page.publications.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
    for (const { seq, epoch } of page.publications)
      expect((await after.broker.since(channel, { seq, epoch }, ALL)).gap).toBeUndefined()
  })

  test('two databases of one server keep apart what is stored and what is ephemeral', async () => {
    const server = await serve()
    const one = await open(`${server.url}/0`)
    const two = await open(`${server.url}/1`)
    const channel = roomChannel('den')
    const recorders = [new TopicRecorder(), new TopicRecorder()] as const
    await one.broker.subscribe(channel, recorders[0].hear)
    await two.broker.subscribe(channel, recorders[1].hear)
    await one.broker.publish(draftOf(channel, 1, { stored: false }))
    await two.broker.publish(draftOf(channel, 2, { stored: false }))
    await Promise.all(recorders.map((recorder) => recorder.hasHeard(1)))
    expect(recorders.map(({ data }) => data)).toEqual([[1], [2]])
  })

  test('a log that was evicted or has expired becomes a gap', async () => {
    const server = await serve()
    const { broker } = await open(server.url)
    const channel = roomChannel('den')
    for (let number = 1; number <= 5; number++) await broker.publish(draftOf(channel, number))
    const { epoch } = (await broker.since(channel, {}, ALL)).head
    await server.cli('del', 'tabcast:{room:den}:log')
    const page = await broker.since(channel, { seq: 2, epoch }, ALL)
    expect(page.gap).toEqual({ from: 3, to: 5, reason: 'trimmed' })
    expect((await broker.since(channel, { seq: 5, epoch }, ALL)).gap).toBeUndefined()
  })

  test('it becomes a gap as well if a publish comes before the next reader', async () => {
    const server = await serve()
    const { broker } = await open(server.url, { count: 1000, seconds: 1 })
    const channel = roomChannel('den')
    for (let number = 1; number <= 5; number++) await broker.publish(draftOf(channel, number))
    const { epoch } = (await broker.since(channel, {}, ALL)).head
    await until(async () => (await server.cli('exists', 'tabcast:{room:den}:log')).trim() === '0', 5000)
    expect(await broker.publish(draftOf(channel, 6))).toMatchObject({ seq: 6, epoch })
    const page = await broker.since(channel, { seq: 2, epoch }, ALL)
    expect(page.gap).toEqual({ from: 3, to: 5, reason: 'trimmed' })
    expect(page.publications.map(({ seq }) => seq)).toEqual([6])
    expect((await broker.since(channel, { seq: 5, epoch }, ALL)).gap).toBeUndefined()
  })

  test('a log whose facts were evicted is founded anew, and goes on from 1', async () => {
    const server = await serve()
    const { broker } = await open(server.url)
    const channel = roomChannel('den')
    for (let number = 1; number <= 5; number++) await broker.publish(draftOf(channel, number))
    const { epoch } = (await broker.since(channel, {}, ALL)).head
    await server.cli('del', 'tabcast:{room:den}:meta')
    expect((await broker.publish(draftOf(channel, 6))).seq).toBe(1)
    const page = await broker.since(channel, { seq: 3, epoch }, ALL)
    expect(page.gap).toMatchObject({ reason: 'wiped' })
    expect(page.publications.map(({ seq }) => seq)).toEqual([1])
  })

  test('a foreign entry in a log is passed over', async () => {
    const server = await serve()
    const { broker } = await open(server.url)
    const channel = roomChannel('den')
    for (let number = 1; number <= 3; number++) await broker.publish(draftOf(channel, number))
    await server.cli('xadd', 'tabcast:{room:den}:log', '3-5', 'foo', 'bar')
    await broker.publish(draftOf(channel, 4))
    const page = await broker.since(channel, { seq: 0 }, ALL)
    expect(page.gap).toBeUndefined()
    expect(page.publications.map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
  })

  test('pages that hold nothing but entries which are no publications end where those end', async () => {
    const server = await serve()
    const { broker } = await open(server.url)
    const channel = roomChannel('den')
    const log = 'tabcast:{room:den}:log'
    await broker.publish(draftOf(channel, 1))
    for (const id of ['1-1', '1-2', '1-3', '2-0', '3-0', '4-0'])
      await server.cli('xadd', log, id, 'm', 'rubbish')
    await server.cli('hset', 'tabcast:{room:den}:meta', 'seq', '4')
    await broker.publish(draftOf(channel, 5))
    const limit = { entries: 2, bytes: ALL.bytes }
    const upwards = await pagesOf((from: StreamPosition | undefined) =>
      broker.since(channel, from ?? { seq: 0 }, limit),
    )
    expect(upwards).toEqual([1, 5])
    const downwards = await pagesOf((from) => broker.latest(channel, from?.seq, limit))
    expect(downwards).toEqual([5, 1])
  })

  test('rubbish on a topic is heard by nobody', async () => {
    const server = await serve()
    const { broker } = await open(server.url)
    const channel = roomChannel('den')
    const recorder = new TopicRecorder()
    await broker.subscribe(channel, recorder.hear)
    for (const rubbish of [
      '',
      'rubbish',
      '{"a":1}',
      'x y message id 1 0 \n{}',
      '1.5 e message id 1 0 \n[]',
      '0  message id 1 0 \nnot json',
      '-1 e nonsense id 1 0 \n[]',
    ])
      await server.cli('publish', 'tabcast:{room:den}', rubbish)
    await broker.publish(draftOf(channel, 1))
    await recorder.hasHeard(1)
    expect(recorder.data).toEqual([1])
  })
})

/** The seqs of all pages, one read on from the end of the other. */
async function pagesOf(read: (from: StreamPosition | undefined) => Promise<LogPage>): Promise<number[]> {
  const seqs: number[] = []
  let page: LogPage | undefined
  for (let pages = 0; page?.complete !== true && pages < 10; pages++) {
    page = await read(page?.end)
    seqs.push(...seqsOf(page))
  }
  expect(page?.complete).toBe(true)
  return seqs
}
