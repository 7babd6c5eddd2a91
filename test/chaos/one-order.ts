import { setTimeout as delay } from 'node:timers/promises'
import type { StreamPosition } from '../../src/core/model/position.ts'
import { startRedis } from '../support/programs/redis.ts'
import { startTabcast, type Tabcast } from '../support/programs/tabcast.ts'
import { TestTab } from '../support/tab.ts'
import { browserToken } from '../support/tokens.ts'
import { until } from '../support/until.ts'

/** Figures of channels that were published to through two APIs, as tabs on two workers saw them. */
export interface OrderFigures {
  /** Posts that were not answered with 201 in the end, with what came instead. */
  failed: string[]
  /** Number of times that a post was repeated with its key, because it was answered 503: a busy machine stops Redis for longer than it may take. */
  repeated: number
  /** The channels of which two tabs were shown something different, or in another order. */
  differing: string[]
  /** The channels where what a tab was shown is not numbered 1, 2, 3, … */
  holed: string[]
  /** The channels where a post was answered with another seq than it was shown with. */
  misplaced: string[]
  /** Events, over all tabs. */
  shown: number
  /** Number of times that two neighbours in a log came through different APIs: parallel it was. */
  interleaved: number
  seconds: number
}

const JWT_SECRET = 'o'.repeat(40)
const API_KEY = 'api-key-of-the-order-of-everything'
const CHANNELS = ['user:a', 'user:b', 'room:c', 'room:d'] as const
/** Number of publishers for each channel and API; each publishes one after the other. */
const PUBLISHERS = 8
/** Milliseconds for which a publisher waits before it repeats a post. */
const PAUSE = 100
/** Milliseconds that it may take before it counts as never. */
const PATIENCE = 30_000

/** Publishes so many messages in parallel through two APIs; tabs on two workers hear them, and others read the log in the end. */
export async function oneOrder(messages: number): Promise<OrderFigures> {
  const redis = await startRedis({ aof: true })
  const start = (role: string): Promise<Tabcast> =>
    startTabcast({
      REDIS_URL: redis.url,
      ROLE: role,
      JWT_SECRET,
      API_KEYS: `test:${API_KEY}`,
      RETENTION_COUNT: '1000000',
      ROOM_RETENTION_COUNT: '1000000',
    })
  const servers = await Promise.all(['api', 'api', 'worker', 'worker'].map(start))
  const [apis, workers] = [servers.slice(0, 2), servers.slice(2)]
  const tabs: OrderTab[] = []
  const open = async (since: object): Promise<void> => {
    const opened = CHANNELS.flatMap((channel) =>
      workers.flatMap(({ url }) => [
        new OrderTab(url, channel, 'websocket', since),
        new OrderTab(url, channel, 'polling', since),
      ]),
    )
    tabs.push(...opened)
    await Promise.all(opened.map((tab) => tab.begins()))
  }
  try {
    await open({})
    const began = performance.now()
    const posts = new Posts(messages)
    await Promise.all(
      CHANNELS.flatMap((channel) =>
        apis.flatMap((api, index) =>
          Array.from({ length: PUBLISHERS }, () => posts.publish(api, channel, `api-${index}`)),
        ),
      ),
    )
    const seconds = Math.round((performance.now() - began) / 1000)
    // What never comes is the finding, not an error.
    const isComplete = ({ channel, shown }: OrderTab): boolean =>
      shown.length >= posts.answered.get(channel)!.size
    await until(async () => tabs.every(isComplete), PATIENCE).catch(() => undefined)
    await open({ seq: 0 })
    await until(async () => tabs.every(isComplete), PATIENCE).catch(() => undefined)
    return { ...judge(tabs, posts), seconds }
  } finally {
    for (const tab of tabs) tab.close()
    await Promise.all(servers.map((server) => server.kill()))
    await redis.stop()
  }
}

function judge(
  tabs: readonly OrderTab[],
  { failed, repeated, answered }: Posts,
): Omit<OrderFigures, 'seconds'> {
  const first = new Map(
    CHANNELS.map((name): [string, OrderTab['shown']] => [
      name,
      tabs.find(({ channel }) => channel === name)!.shown,
    ]),
  )
  const names = (shown: OrderTab['shown']): string => shown.map(({ name }) => name).join()
  const channelsOf = (isWrong: (tab: OrderTab) => boolean): string[] => [
    ...new Set(tabs.filter(isWrong).map(({ channel }) => channel)),
  ]
  const interleaved = [...first.values()].map(
    (shown) =>
      shown.filter(({ name }, index) => name.slice(0, 5) !== shown[index + 1]?.name.slice(0, 5)).length,
  )
  return {
    failed,
    repeated,
    differing: channelsOf(({ channel, shown }) => names(shown) !== names(first.get(channel)!)),
    holed: channelsOf(({ shown }) => shown.some(({ seq }, index) => seq !== index + 1)),
    misplaced: channelsOf(({ channel, shown }) => {
      const seqs = answered.get(channel)!
      return shown.length !== seqs.size || shown.some(({ name, seq }) => seqs.get(name) !== seq)
    }),
    shown: tabs.reduce((sum, { shown }) => sum + shown.length, 0),
    interleaved: interleaved.reduce((sum, count) => sum + count, 0),
  }
}

/** The posts of all publishers together. */
class Posts {
  readonly failed: string[] = []
  repeated = 0
  /** The seq that each was answered with, by channel and name. */
  readonly answered = new Map<string, Map<string, number>>(CHANNELS.map((channel) => [channel, new Map()]))
  readonly #left: Map<string, number>
  #number = 0

  constructor(messages: number) {
    this.#left = new Map(CHANNELS.map((channel) => [channel, Math.ceil(messages / CHANNELS.length)]))
  }

  /** Publishes to a channel as long as there is something left for it; `by` begins each name. */
  async publish({ url, apiKey }: Tabcast, channel: string, by: string): Promise<void> {
    const [kind, id] = channel.split(':')
    const path = kind === 'user' ? `/notify/${id}` : `/rooms/${id}/messages`
    for (let left = this.#left.get(channel)!; left > 0; left = this.#left.get(channel)!) {
      this.#left.set(channel, left - 1)
      const name = `${by}-${this.#number++}`
      const headers = {
        authorization: `Bearer ${apiKey}`,
        'content-type': 'application/json',
        'idempotency-key': name,
      }
      const post = () => fetch(url + path, { method: 'POST', headers, body: JSON.stringify({ data: name }) })
      let response = await post()
      for (; response.status === 503; response = await post()) {
        await response.text()
        this.repeated++
        await delay(PAUSE)
      }
      const text = await response.text()
      if (response.status === 201) this.answered.get(channel)!.set(name, JSON.parse(text).seq)
      else this.failed.push(`${response.status} ${text}`)
    }
  }
}

/** A stock client on one channel. */
class OrderTab extends TestTab {
  readonly channel: string
  /** Everything that its callback got. */
  readonly shown: { name: string; seq: number }[] = []

  constructor(url: string, channel: string, transport: 'websocket' | 'polling', since: object) {
    const [kind, id] = channel.split(':') as ['user' | 'room', string]
    const [user, rooms] = kind === 'user' ? [id, []] : ['reader', [id]]
    super(url, {
      token: browserToken(JWT_SECRET, { user, rooms }),
      transports: [transport],
      since: kind === 'user' ? since : { rooms: { [id]: since } },
    })
    this.channel = channel
    this.socket.on(
      kind === 'user' ? 'notification' : 'message',
      ({ data, seq }: StreamPosition & { data: string }) => {
        this.shown.push({ name: data, seq })
        this.seen.length = 0
      },
    )
  }

  /** Resolves when it has the position of its channel. */
  async begins(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.socket.on('position', ({ channel }: { channel: string }) => {
        if (channel === this.channel) resolve()
      })
    })
  }
}
