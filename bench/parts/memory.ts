import { setTimeout as delay } from 'node:timers/promises'
import { Arena, processesOf, requireOpenFiles, tabsFor, users } from '../arena.ts'
import { startRawWs } from '../contestants/bare.ts'
import { CENTRIFUGO, startCentrifugo } from '../contestants/centrifugo.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { hasNchan, startNchan } from '../contestants/nchan.ts'
import { startStock } from '../contestants/socket-io.ts'
import { startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import { figure, ratio } from '../figures/figure.ts'
import { memoryOf, untilIdle } from '../figures/processes.ts'
import { part } from '../part.ts'

const CONCURRENCY = 100

/** Processes whose memory counts: Redis has what is stored, and an api no tabs. */
const withTabs = ({ roles }: Contestant): readonly number[] => roles.worker ?? roles.server!

/** Idle tabs, each of another user, on servers that have just started. */
export const memory = part(
  'memory',
  'memory of a tab that is connected and hears nothing: growth of the process that has the tabs ÷ tabs',
  {
    full: { rounds: 2, tabs: 10_000, settling: 10 },
    quick: { rounds: 1, tabs: 10_000, settling: 5 },
    tiny: { rounds: 1, tabs: 50, settling: 0.1 },
  },
  async ({ rounds, tabs, settling }) => {
    requireOpenFiles(tabs)
    const found = new Map<string, number[]>()
    for (let round = 0; round < rounds; round++)
      for (const [name, bytes] of await oneRound(tabs, settling))
        found.set(name, [...(found.get(name) ?? []), bytes / 1024])
    const stock = found.get('stock')!
    return [
      ratio('embedded ÷ stock', found.get('embedded')!, stock),
      ratio('redis ÷ stock', found.get('redis')!, stock),
      ...[...found].map(([name, kibibytes]) => figure(`${name}: per connection`, 'KiB', kibibytes)),
    ]
  },
)

/** Bytes per connection, by contestant. */
function oneRound(tabs: number, settling: number): Promise<Map<string, number>> {
  return Arena.run(async (arena) => {
    const contestants = await arena.start<Contestant>(
      startEmbedded,
      startStock,
      startOnRedis,
      startRawWs,
      ...(hasNchan() ? [startNchan] : []),
      ...(CENTRIFUGO === undefined ? [] : [startCentrifugo]),
    )
    const before = new Map<string, number>()
    for (const contestant of contestants) {
      const { name } = contestant
      await untilIdle(processesOf(contestant))
      before.set(name, memoryOf(withTabs(contestant)))
      // Each has a process of its own with its tabs: their number is limited per process.
      const client = await arena.client()
      const targets = tabsFor(contestant, users('user', tabs))
      await client.call('open', { group: name, targets, concurrency: CONCURRENCY })
    }
    await delay(settling * 1000)
    return new Map(
      contestants.map((contestant) => {
        const grown = memoryOf(withTabs(contestant)) - before.get(contestant.name)!
        return [contestant.name, grown / tabs]
      }),
    )
  })
}
