import { Arena, interleave, processesOf, users } from '../arena.ts'
import { NOTIFICATION } from '../contestants/contestant.ts'
import type { TabcastContestant } from '../contestants/tabcast.ts'
import { startBothEngines, store } from '../engine-run.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import type { PostTarget } from '../load/http-posts.ts'
import { part } from '../part.ts'

/** How many notifications an inbox has when it is full: the default of `RETENTION_COUNT`. */
const FULL = 1000

/** Notifications that end after a second. */
function ending({ notify }: TabcastContestant): PostTarget {
  return { ...notify, body: JSON.stringify({ ...NOTIFICATION, ttl: 1 }) }
}

/** What takes the place of others, or ends all the time, may not cost what looking through all of an inbox does. */
export const inboxes = part(
  'inboxes',
  'posts into full inboxes, and of notifications that end after a second, against new inboxes',
  {
    full: { rounds: 4, posts: 10_000, users: 20 },
    quick: { rounds: 2, posts: 5000, users: 10 },
    tiny: { rounds: 1, posts: 50, users: 1 },
  },
  ({ rounds, posts, users: count }) =>
    Arena.run(async (arena) => {
      const client = await arena.client()
      const figures: Figure[] = []
      for (const engine of await startBothEngines(arena)) {
        await store(client, engine, users('full', count), count * FULL)
        const kinds = ['fresh', 'full', 'ending']
        const runs = await interleave(rounds, kinds, async (kind, round) => {
          await untilIdle(processesOf(engine))
          const names = users(kind === 'fresh' ? `fresh-${round}` : kind, count)
          const target = kind === 'ending' ? ending(engine) : engine.notify
          return store(client, engine, names, posts, { target })
        })
        const seconds = (kind: string): number[] => runs.get(kind)!.map((run) => run.seconds)
        figures.push(
          ratio(`${engine.name}: full ÷ new, notifications a second`, seconds('fresh'), seconds('full')),
          ratio(`${engine.name}: ending ÷ new, notifications a second`, seconds('fresh'), seconds('ending')),
          figure(
            `${engine.name}: new, notifications`,
            '/s',
            seconds('fresh').map((figure) => posts / figure),
          ),
        )
      }
      return figures
    }),
)
