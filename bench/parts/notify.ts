import { Arena, interleave, processesOf, users } from '../arena.ts'
import { startBareFastify } from '../contestants/bare.ts'
import { CENTRIFUGO, startCentrifugo } from '../contestants/centrifugo.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { hasNchan, startNchan } from '../contestants/nchan.ts'
import { startStock, startTutorial } from '../contestants/socket-io.ts'
import { startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import {
  comparedFigures,
  type DeliveryRun,
  deliver,
  deliveryFigures,
  loadOf,
  openTabs,
  postsOf,
  type Subject,
} from '../delivery-run.ts'
import type { Figure } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import { part } from '../part.ts'

const subjectOf = (contestant: Contestant, tabs: number, count: number): Subject => {
  const name = tabs === 0 ? contestant.name : `${contestant.name}, ${tabs} ${tabs === 1 ? 'tab' : 'tabs'}`
  return { name, contestant, users: users(`user-${tabs}`, count), tabs }
}

/** End to end: HTTP in, one tab or three tabs of each user out. */
export const notify = part(
  'notify',
  'one notification from the POST to the tab: how many a second, and the CPU that each costs',
  {
    full: { rounds: 5, posts: 15_000, users: 200 },
    quick: { rounds: 2, posts: 8000, users: 200 },
    tiny: { rounds: 1, posts: 200, users: 5 },
  },
  ({ rounds, posts, users: count }) =>
    Arena.run(async (arena) => {
      const load = loadOf(await arena.client())
      const [bare] = await arena.start(startBareFastify)
      const many = await arena.start(startEmbedded, startStock, startOnRedis, startTutorial)
      const single = await arena.start(
        ...(hasNchan() ? [startNchan] : []),
        ...(CENTRIFUGO === undefined ? [] : [startCentrifugo]),
      )
      const subjects = [
        subjectOf(bare!, 0, count),
        ...many.flatMap((contestant) => [subjectOf(contestant, 1, count), subjectOf(contestant, 3, count)]),
        ...single.map((contestant) => subjectOf(contestant, 1, count)),
      ]
      for (const subject of subjects) await openTabs(load, subject)
      const runs = await interleave(rounds, subjects, async (subject, round) => {
        await untilIdle(processesOf(subject.contestant))
        return deliver(load, subject, postsOf(round, posts))
      })
      const named = new Map([...runs].map(([{ name }, all]) => [name, all]))
      return [
        ...comparisons(named),
        ...[...named].flatMap(([name, all]) => deliveryFigures(name, all, posts)),
      ]
    }),
)

/** What is durable against what is not, and Redis against Redis. */
function comparisons(runs: ReadonlyMap<string, DeliveryRun[]>): Figure[] {
  const pairs = [
    ['redis, 1 tab', ['tutorial, 1 tab', 'nchan, 1 tab', 'centrifugo, 1 tab']],
    ['redis, 3 tabs', ['tutorial, 3 tabs']],
    ['embedded, 1 tab', ['stock, 1 tab', 'bare Fastify']],
    ['embedded, 3 tabs', ['stock, 3 tabs']],
  ] as const
  return pairs.flatMap(([name, bases]) =>
    bases
      .filter((base) => runs.has(base))
      .flatMap((base) => comparedFigures([name, runs.get(name)!], [base, runs.get(base)!])),
  )
}
