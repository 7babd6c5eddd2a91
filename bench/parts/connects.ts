import { Arena, interleave, processesOf, requireOpenFiles, tabsFor, users } from '../arena.ts'
import { CENTRIFUGO, startCentrifugo } from '../contestants/centrifugo.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { startStock, startTutorial } from '../contestants/socket-io.ts'
import { startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { cpuOf, untilIdle } from '../figures/processes.ts'
import { part } from '../part.ts'

/** Tabs that connect at the same time. */
const CONCURRENCY = 64

interface Outcome {
  seconds: number
  /** CPU of all processes, in microseconds per connect. */
  cpu: number
  load: number
}

/** Tabs with a token, each of another user, that connect as fast as they are let in. */
export const connects = part(
  'connects',
  'tabs that connect with a JWT, each of another user',
  {
    full: { rounds: 5, tabs: 3000 },
    quick: { rounds: 2, tabs: 2000 },
    tiny: { rounds: 1, tabs: 10 },
  },
  ({ rounds, tabs }) =>
    Arena.run(async (arena) => {
      requireOpenFiles(tabs)
      const client = await arena.client()
      const contestants = await arena.start<Contestant>(
        startEmbedded,
        startStock,
        startOnRedis,
        startTutorial,
        ...(CENTRIFUGO === undefined ? [] : [startCentrifugo]),
      )
      const runs = await interleave(rounds, contestants, async (contestant): Promise<Outcome> => {
        const pids = processesOf(contestant)
        const targets = tabsFor(contestant, users('user', tabs))
        await untilIdle(pids)
        const [before, loadBefore] = [cpuOf(pids), cpuOf([client.pid])]
        const { startedAt, endedAt } = await client.call('open', {
          group: contestant.name,
          targets,
          concurrency: CONCURRENCY,
        })
        const seconds = (endedAt - startedAt) / 1e6
        const outcome = {
          seconds,
          cpu: (cpuOf(pids) - before) / tabs,
          load: (cpuOf([client.pid]) - loadBefore) / 1e6 / seconds,
        }
        await client.call('close', { group: contestant.name })
        return outcome
      })
      const named = new Map([...runs].map(([{ name }, outcomes]) => [name, outcomes]))
      const column = (name: string, of: keyof Outcome): number[] =>
        named.get(name)!.map((outcome) => outcome[of])
      const compared = (name: string, base: string): Figure =>
        ratio(`${name} ÷ ${base}, connects a second`, column(base, 'seconds'), column(name, 'seconds'))
      return [
        compared('embedded', 'stock'),
        compared('redis', 'stock'),
        compared('redis', 'tutorial'),
        ...(named.has('centrifugo') ? [compared('centrifugo', 'stock')] : []),
        ...[...named.keys()].flatMap((name) => [
          figure(
            `${name}: connects`,
            '/s',
            column(name, 'seconds').map((seconds) => tabs / seconds),
          ),
          figure(`${name}: CPU per connect, all processes`, 'µs', column(name, 'cpu')),
          figure(`${name}: load process`, 'cores', column(name, 'load')),
        ]),
      ]
    }),
)
