import { afterEach, expect, test } from 'vitest'
import { type Channel, roomChannel } from '../../../src/core/model/channel.ts'
import { draftOf } from '../../support/drafts.ts'
import { TopicRecorder } from '../../support/listener.ts'
import { openProbed, type ProbedEngine } from '../../support/probed-engine.ts'
import { startProxy, type TcpProxy } from '../../support/programs/proxy.ts'
import { startRedis, startRedisCluster } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

/** An answer within two seconds; the rest is for a busy machine. */
const ANSWERED = 2400

/** Milliseconds for which a silent connection may go unnoticed. */
const NOTICED = 5000

const open: { close?(): Promise<void>; stop?(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await (thing.close ?? thing.stop)!.call(thing)
})
const keep = <Thing extends (typeof open)[number]>(thing: Thing): Thing => {
  open.push(thing)
  return thing
}

async function startSingle() {
  const redis = keep(await startRedis())
  const proxy = keep(await startProxy(redis.port))
  return { proxies: [proxy], url: `redis://127.0.0.1:${proxy.port}` }
}

/** Three masters that give out the addresses of the proxies in front of them. */
async function startProxiedCluster() {
  const cluster = keep(await startRedisCluster())
  const proxies: TcpProxy[] = []
  for (const node of cluster.nodes) {
    const proxy = keep(await startProxy(node.port))
    proxies.push(proxy)
    await node.cli('config', 'set', 'cluster-announce-port', String(proxy.port))
  }
  await until(async () => {
    const known = await Promise.all(cluster.nodes.map((node) => node.cli('cluster', 'slots')))
    return known.every((slots) => proxies.every(({ port }) => slots.includes(String(port))))
  }, 10_000)
  return { proxies, url: proxies.map(({ port }) => `redis://127.0.0.1:${port}`).join(',') }
}

const worlds = [
  ['a single Redis', startSingle],
  ['a Cluster', startProxiedCluster],
] as const

/** The commands as a connection sends them, and not in the text of a script. */
const SUBSCRIBE = ['\r\nsubscribe\r\n', '\r\nssubscribe\r\n']

/** Channels enough to have some on every master. */
const CHANNELS: Channel[] = Array.from({ length: 12 }, (_, index) => roomChannel(`room ${index}`))

const freeze = (
  proxies: readonly TcpProxy[],
  which: (sent: (text: string) => boolean) => boolean,
): number => {
  let frozen = 0
  for (const { connections } of proxies)
    for (const connection of connections)
      if (which((text) => connection.hasSent(text))) {
        connection.set('frozen')
        frozen++
      }
  return frozen
}

/** Publishes on every channel; answers how many were stored. Each is answered in time. */
async function publishEverywhere({ broker }: ProbedEngine): Promise<number> {
  const stored = await Promise.all(
    CHANNELS.map(async (channel) => {
      const start = performance.now()
      const done = await broker.publish(draftOf(channel)).then(
        () => 1,
        (error) => {
          expect(error).toMatchObject({ status: 503, temporary: true })
          return 0
        },
      )
      expect(performance.now() - start).toBeLessThan(ANSWERED)
      return done
    }),
  )
  return stored.reduce<number>((sum, one) => sum + one, 0)
}

test.each(worlds)(
  '%s: a subscribing connection that falls silent is replaced',
  async (_, start) => {
    const { proxies, url } = await start()
    const engine = await openProbed(url)
    keep(engine)
    const recorders = CHANNELS.map(() => new TopicRecorder())
    await Promise.all(
      CHANNELS.map((channel, index) => engine.broker.subscribe(channel, recorders[index]!.hear)),
    )
    expect(freeze(proxies, (sent) => SUBSCRIBE.some(sent))).toBe(proxies.length)
    const before = engine.restorations
    const frozenAt = performance.now()
    expect(await publishEverywhere(engine)).toBe(CHANNELS.length)
    await until(async () => engine.restorations >= before + proxies.length, NOTICED)
    expect(performance.now() - frozenAt).toBeLessThan(NOTICED)
    await publishEverywhere(engine)
    // The first ones are in the log: the broker has said that it is to be asked.
    await Promise.all(recorders.map((recorder) => recorder.hasHeard(1)))
  },
  30_000,
)

test.each(worlds)(
  '%s: a connection for commands that falls silent is replaced',
  async (_, start) => {
    const { proxies, url } = await start()
    const engine = keep(await openProbed(url))
    expect(await publishEverywhere(engine)).toBe(CHANNELS.length)
    expect(freeze(proxies, () => true)).toBeGreaterThan(0)
    await until(async () => (await publishEverywhere(engine)) === CHANNELS.length, NOTICED)
  },
  30_000,
)

test.each(worlds)(
  '%s: every publish is answered while connections end in a black hole or are refused',
  async (_, start) => {
    const { proxies, url } = await start()
    const engine = keep(await openProbed(url))
    await publishEverywhere(engine)
    for (const proxy of proxies) proxy.set('frozen')
    for (const _ of [1, 2, 3]) expect(await publishEverywhere(engine)).toBe(0)
    for (const proxy of proxies) {
      proxy.refuse(true)
      proxy.cut()
    }
    for (const _ of [1, 2]) expect(await publishEverywhere(engine)).toBe(0)
    for (const proxy of proxies) {
      proxy.refuse(false)
      proxy.set('open')
    }
    await until(async () => (await publishEverywhere(engine)) === CHANNELS.length, NOTICED)
  },
  30_000,
)
