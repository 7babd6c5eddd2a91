import { setTimeout as delay } from 'node:timers/promises'
import { Arena, interleave, processesOf, users } from '../arena.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { startStock, startTutorial } from '../contestants/socket-io.ts'
import { startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import { deliver, openTabs, type Subject } from '../delivery-run.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import type { LoadClient } from '../load/client.ts'
import { deliverAtRate, latency } from '../open-loop-run.ts'
import { part } from '../part.ts'

const RATE = 500
const USERS = 200
/** How long is watched before the tabs are cut, in milliseconds, and after the last is back, in microseconds. */
const BEFORE = 500
const AFTER = 4e6
/** Tabs that connect at the same time. */
const CONCURRENCY = 50

/** Percentiles at 99 %, in milliseconds, of those that were due at these times. */
interface Outcome {
  during: number
  after: number
  /** How long the tabs took to come back. */
  back: number
}

/** What others notice when many tabs come back at once. */
export const reconnects = part(
  'reconnects',
  'p99 of other tabs at 500 a second while tabs come back at once with `since`, and in the 4 s after',
  {
    full: { rounds: 3, tabs: 1000, seconds: 7, warmUp: 20_000 },
    quick: { rounds: 1, tabs: 1000, seconds: 7, warmUp: 5000 },
    tiny: { rounds: 1, tabs: 5, seconds: 1, warmUp: 10 },
  },
  ({ rounds, tabs, seconds, warmUp }) =>
    Arena.run(async (arena) => {
      const load = { poster: await arena.punctualClient(), listener: await arena.punctualClient() }
      const returning = await arena.client()
      const contestants = await arena.start<Contestant>(
        startOnRedis,
        startEmbedded,
        startTutorial,
        startStock,
      )
      const subjects = contestants.map((contestant): Subject => {
        return { name: contestant.name, contestant, users: users('user', USERS), tabs: 1 }
      })
      for (const subject of subjects) {
        await openTabs(load, subject)
        await deliver(load, subject, warmUp)
        await connect(returning, subject.contestant, tabs)
      }
      const runs = await interleave(rounds, subjects, async (subject): Promise<Outcome> => {
        await untilIdle(processesOf(subject.contestant))
        const back = delay(BEFORE).then(() => reconnect(returning, subject.contestant, tabs))
        const [run, { startedAt, endedAt }] = await Promise.all([
          deliverAtRate(load, subject, RATE, seconds),
          back,
        ])
        const p99 = (from: number, to: number): number =>
          latency(
            run.latencies.filter((_, index) => run.dues[index]! >= from && run.dues[index]! < to),
            0.99,
          )
        return {
          during: p99(startedAt, endedAt),
          after: p99(endedAt, endedAt + AFTER),
          back: (endedAt - startedAt) / 1000,
        }
      })
      const named = new Map([...runs].map(([{ name }, outcomes]) => [name, outcomes]))
      return [
        afterRatio(named, 'redis', 'tutorial'),
        afterRatio(named, 'embedded', 'stock'),
        ...[...named].flatMap(([name, outcomes]) => figuresOf(name, outcomes)),
      ]
    }),
)

function connect(client: LoadClient, contestant: Contestant, tabs: number, since?: string[]) {
  const targets = users('returning', tabs).map((user, index) =>
    contestant.tab(user, 0, since?.[index] ?? '{}'),
  )
  return client.call('open', { group: contestant.name, targets, concurrency: CONCURRENCY })
}

async function reconnect(client: LoadClient, contestant: Contestant, tabs: number) {
  const since = await client.call('positions', { group: contestant.name })
  await client.call('close', { group: contestant.name })
  return connect(client, contestant, tabs, since)
}

function afterRatio(runs: ReadonlyMap<string, Outcome[]>, name: string, base: string): Figure {
  const after = (of: string): number[] => runs.get(of)!.map((outcome) => outcome.after)
  return ratio(`${name} ÷ ${base}, p99 in the 4 s after`, after(name), after(base))
}

function figuresOf(name: string, outcomes: Outcome[]): Figure[] {
  const column = (of: keyof Outcome): number[] => outcomes.map((outcome) => outcome[of])
  return [
    figure(`${name}: p99 while they come back`, 'ms', column('during')),
    figure(`${name}: p99 in the 4 s after`, 'ms', column('after')),
    figure(`${name}: until all were back`, 'ms', column('back')),
  ]
}
