import { stat } from 'node:fs/promises'
import { Arena, interleave, processesOf, users } from '../arena.ts'
import { CENTRIFUGO, startCentrifugo } from '../contestants/centrifugo.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { startStock, startTutorial } from '../contestants/socket-io.ts'
import { startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import { deliver, openTabs, type Subject } from '../delivery-run.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import { deliverAtRate, latency, type OpenLoopRun } from '../open-loop-run.ts'
import { part } from '../part.ts'

/** The share of the time that suffices for the round that does not count. */
const WARM_UP = 0.25

const RATES = [500, 2000, 4000]
const SHARES = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p99.9', 0.999],
  ['max', 1],
] as const

/** How long a notification takes when they come by a schedule, whatever the server does (open loop). */
export const latencies = part(
  'latency',
  'from when a POST was due to when the tab heard it, with posts by a schedule: 500, 2,000 and 4,000 a second',
  {
    full: { rounds: 3, seconds: 3, users: 1000, warmUp: 20_000 },
    quick: { rounds: 1, seconds: 2, users: 1000, warmUp: 10_000 },
    tiny: { rounds: 1, seconds: 0.08, users: 5, warmUp: 10 },
  },
  ({ rounds, seconds, users: count, warmUp }) =>
    Arena.run(async (arena) => {
      const load = { poster: await arena.punctualClient(), listener: await arena.punctualClient() }
      const [embedded] = await arena.start(startEmbedded)
      const others = await arena.start<Contestant>(
        startOnRedis,
        startTutorial,
        startStock,
        ...(CENTRIFUGO === undefined ? [] : [startCentrifugo]),
      )
      const subjects = [embedded!, ...others].map((contestant): Subject => {
        return { name: contestant.name, contestant, users: users('user', count), tabs: 1 }
      })
      for (const subject of subjects) {
        await openTabs(load, subject)
        await deliver(load, subject, warmUp)
      }
      const runs = await interleave(
        rounds,
        RATES.flatMap((rate) => subjects.map((subject) => ({ subject, rate }))),
        async ({ subject, rate }, round) => {
          await untilIdle(processesOf(subject.contestant))
          return deliverAtRate(load, subject, rate, round === 0 ? seconds * WARM_UP : seconds)
        },
      )
      const of = (name: string, rate: number): OpenLoopRun[] =>
        [...runs].find(([key]) => key.subject.name === name && key.rate === rate)![1]
      const { size } = await stat(`${embedded!.file}-wal`)
      return [
        ...RATES.flatMap((rate) => [
          p99Ratio('redis', of('redis', rate), 'tutorial', of('tutorial', rate), rate),
          p99Ratio('embedded', of('embedded', rate), 'tutorial', of('tutorial', rate), rate),
          p99Ratio('embedded', of('embedded', rate), 'stock', of('stock', rate), rate),
        ]),
        ...RATES.flatMap((rate) => subjects.flatMap(({ name }) => percentiles(name, of(name, rate), rate))),
        figure('embedded: write-ahead log of SQLite at the end', 'MB', [size / 1e6]),
      ]
    }),
)

function p99Ratio(
  name: string,
  runs: OpenLoopRun[],
  baseName: string,
  base: OpenLoopRun[],
  rate: number,
): Figure {
  const p99 = (all: OpenLoopRun[]): number[] => all.map((run) => latency(run.latencies, 0.99))
  return ratio(`${name} ÷ ${baseName}, p99 at ${rate}/s`, p99(runs), p99(base))
}

function percentiles(name: string, runs: OpenLoopRun[], rate: number): Figure[] {
  return [
    ...SHARES.map(([label, share]) =>
      figure(
        `${name} at ${rate}/s: ${label}`,
        'ms',
        runs.map((run) => latency(run.latencies, share)),
      ),
    ),
    figure(
      `${name} at ${rate}/s: p99 of the load's own delay`,
      'ms',
      runs.map(({ late }) => late / 1000),
    ),
  ]
}
