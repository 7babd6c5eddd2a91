import { Arena, interleave, processesOf, users } from '../arena.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { startTutorial } from '../contestants/socket-io.ts'
import { startOnRedis } from '../contestants/tabcast.ts'
import {
  type DeliveryRun,
  deliver,
  deliveryFigures,
  loadOf,
  openTabs,
  postsOf,
  type Subject,
} from '../delivery-run.ts'
import { type Figure, ratio } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import { part } from '../part.ts'

const WORKERS = 4

/** Notifications to one tab each, with the tabs spread over four workers: with the classic adapter every worker hears all of them. */
export const workers = part(
  'workers',
  'four workers with the tabs spread over them: CPU per notification of the whole system, and of the workers alone',
  {
    full: { rounds: 5, posts: 20_000, users: 200 },
    quick: { rounds: 2, posts: 8000, users: 200 },
    tiny: { rounds: 1, posts: 100, users: 8 },
  },
  ({ rounds, posts, users: count }) =>
    Arena.run(async (arena) => {
      const load = loadOf(await arena.client())
      const contestants = await arena.start<Contestant>(
        () => startOnRedis(WORKERS),
        () => startTutorial('classic', WORKERS),
        () => startTutorial('sharded', WORKERS),
      )
      const subjects = contestants.map((contestant): Subject => {
        return { name: contestant.name, contestant, users: users('user', count), tabs: 1 }
      })
      for (const subject of subjects) await openTabs(load, subject)
      const runs = await interleave(rounds, subjects, async (subject, round) => {
        await untilIdle(processesOf(subject.contestant))
        return deliver(load, subject, postsOf(round, posts))
      })
      const [redis, classic, sharded] = subjects.map((subject) => runs.get(subject)!)
      return [
        ...compared('redis ÷ classic adapter', redis!, classic!),
        ...compared('sharded adapter ÷ classic adapter', sharded!, classic!),
        ...subjects.flatMap((subject) => deliveryFigures(subject.name, runs.get(subject)!, posts)),
      ]
    }),
)

function compared(label: string, runs: DeliveryRun[], base: DeliveryRun[]): Figure[] {
  const totals = (all: DeliveryRun[]): number[] => all.map(({ total }) => total)
  const ofWorkers = (all: DeliveryRun[]): number[] => all.map(({ cpu }) => cpu.worker!)
  return [
    ratio(`${label}, CPU of the whole system`, totals(runs), totals(base)),
    ratio(`${label}, CPU of the workers`, ofWorkers(runs), ofWorkers(base)),
  ]
}
