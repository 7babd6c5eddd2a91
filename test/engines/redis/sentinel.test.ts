import { afterAll, describe, expect, test } from 'vitest'
import { userChannel } from '../../../src/core/model/channel.ts'
import { startApp } from '../../support/app.ts'
import { draftOf } from '../../support/drafts.ts'
import { openProbed } from '../../support/probed-engine.ts'
import { startRedisSentinel } from '../../support/programs/redis-sentinel.ts'
import { until } from '../../support/until.ts'

const ALL = { entries: 100_000, bytes: 100_000_000 }

/** A failover of Sentinels that wait half a second takes two to five; the rest is for a busy machine. */
const FAILED_OVER = 15_000

/** An answer within two seconds; the rest is for a busy machine. */
const ANSWERED = 2400

describe('a master that its Sentinels replace', () => {
  const open: { close?(): Promise<void>; stop?(): Promise<void> }[] = []
  const keep = <Thing extends (typeof open)[number]>(thing: Thing): Thing => {
    open.push(thing)
    return thing
  }
  afterAll(async () => {
    for (const thing of open.splice(0).reverse()) await (thing.close ?? thing.stop)!.call(thing)
  })

  test.concurrent('a killed one: what a replica had to have is there, posts and subscriptions go on by themselves', async () => {
    const redis = keep(await startRedisSentinel())
    const engine = keep(await openProbed(redis.url, { replicas: 1 }))
    const { broker } = engine
    const channel = userChannel('ada')
    const heard: number[] = []
    await broker.subscribe(channel, ({ seq }) => heard.push(seq))
    // As a backend does: the same key until it is answered.
    const publish = async (number: number, by = engine): Promise<number> => {
      const idempotency = { key: `key ${number}`, fingerprint: 'f' }
      for (;;) {
        const start = performance.now()
        try {
          return (await by.broker.publish(draftOf(channel, number, { idempotency }))).seq
        } catch (error) {
          expect(error).toMatchObject({ temporary: true })
        } finally {
          expect(performance.now() - start).toBeLessThan(ANSWERED)
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }
    for (let number = 1; number <= 50; number++) await publish(number)
    const before = (await broker.since(channel, {}, ALL)).head
    const [first] = redis.servers
    await first!.kill()

    const seqs: number[] = []
    for (let number = 51; number <= 60; number++) seqs.push(await publish(number))
    expect(seqs).toEqual([51, 52, 53, 54, 55, 56, 57, 58, 59, 60])
    const page = await broker.since(channel, { seq: 0, epoch: before.epoch }, ALL)
    expect(page.gap).toBeUndefined()
    expect(page.publications.map(({ seq }) => seq)).toEqual(
      Array.from({ length: 60 }, (_, index) => index + 1),
    )
    expect(page.head.epoch).not.toBe(before.epoch)
    await until(async () => engine.restorations > 0, FAILED_OVER)
    const last = await publish(61)
    await until(async () => heard.includes(last), FAILED_OVER)

    // It comes back as a master of its own, until the Sentinels tell it otherwise.
    await first!.restart()
    const late = keep(await openProbed(redis.url))
    for (const [index, by] of [engine, late].entries()) {
      expect(await publish(62 + index, by)).toBe(62 + index)
      expect((await by.broker.since(channel, {}, ALL)).head.epoch).toBe(page.head.epoch)
    }
    expect((await late.broker.since(channel, {}, ALL)).head.seq).toBe(63)
  }, 60_000)

  test.concurrent('one that goes on writing alone: what only it had is a gap, for tabs that are there and that come', async () => {
    const redis = keep(await startRedisSentinel())
    const server = keep(await startApp({ REDIS_URL: redis.url }))
    for (let number = 1; number <= 8; number++) await server.notify('ada', { title: String(number) })
    await redis.replicated()
    await redis.cutReplicas()
    const tab = await server.tab('ada', { since: { seq: 0 } }).connected()
    await tab.sees('notification', 8)
    for (let number = 9; number <= 10; number++) await server.notify('ada', { title: String(number) })
    const { seq, epoch } = (await tab.sees('notification', 10)).at(-1)
    expect(seq).toBe(10)
    await redis.cutSentinels()
    await until(async () => (await redis.master()) !== redis.servers[0], FAILED_OVER)
    // The old master still takes what it is sent, and so nobody may send it anything.
    let answer = { seq: 0, epoch: '' }
    await until(async () => {
      answer = await server.notify('ada', { title: 'after' })
      return answer.epoch !== epoch
    }, 5000)
    expect(answer.seq).toBe(9)
    const [gap] = await tab.sees('gap')
    expect(gap).toMatchObject({ from: 9, to: expect.any(Number), reason: 'failover' })
    await until(async () => tab.all('notification').at(-1)?.title === 'after', 5000)

    const late = await server.tab('ada', { since: { seq: 10, epoch } }).connected()
    await late.sees('position')
    expect(late.all('gap')).toMatchObject([{ from: 9, to: 10, reason: 'failover' }])
    expect(late.all('notification').map(({ title }) => title)).toEqual(['after'])
  }, 60_000)
})
