import { Arena, interleave, users } from '../arena.ts'
import { jsonTarget, NOTIFICATION } from '../contestants/contestant.ts'
import { startBothEngines, store } from '../engine-run.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { part } from '../part.ts'

const AT_ONCE = 64

/** One call for many users against a call for each: one after the other, as a backend's loop does it, and with many at once. */
export const many = part(
  'many',
  'one call for 1,000 users against 1,000 calls',
  {
    full: { rounds: 15, users: 1000 },
    quick: { rounds: 5, users: 1000 },
    tiny: { rounds: 1, users: 20 },
  },
  ({ rounds, users: count }) =>
    Arena.run(async (arena) => {
      const client = await arena.client()
      const names = users('user', count)
      const figures: Figure[] = []
      for (const engine of await startBothEngines(arena)) {
        const body = { users: names, notification: NOTIFICATION }
        const target = jsonTarget(engine.port, '/notify', body, engine.apiKey)
        const ways = {
          one: () => store(client, engine, ['all'], 1, { target, connections: 1 }),
          inTurn: () => store(client, engine, names, count, { connections: 1 }),
          atOnce: () => store(client, engine, names, count, { connections: AT_ONCE }),
        }
        const runs = await interleave(rounds, Object.values(ways), (way) => way())
        const seconds = (way: keyof typeof ways): number[] => runs.get(ways[way])!.map((run) => run.seconds)
        figures.push(
          ratio(`${engine.name}: ${AT_ONCE} calls at once ÷ one call`, seconds('atOnce'), seconds('one')),
          ratio(`${engine.name}: one call after the other ÷ one call`, seconds('inTurn'), seconds('one')),
          figure(
            `${engine.name}: one call`,
            'ms',
            seconds('one').map((figure) => figure * 1000),
          ),
        )
      }
      return figures
    }),
)
