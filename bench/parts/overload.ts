import { setTimeout as delay } from 'node:timers/promises'
import { Arena, interleave, users } from '../arena.ts'
import { startBothEngines } from '../engine-run.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { percentile } from '../figures/ratio.ts'
import { part } from '../part.ts'

/** Callers for each that the server lets wait. */
const OVERLOAD = 5
const USERS = 200

/** The goodput when more callers press than the server lets wait, none of whom heeds `Retry-After`. */
export const overload = part(
  'overload',
  'goodput with five times as many callers as may wait, against as many as may wait',
  {
    // `callers` is the default of MAX_WAITING_PUBLISHES; `settling` is for what was left when a round ended.
    full: { rounds: 3, seconds: 4, callers: 1000, settling: 2 },
    quick: { rounds: 1, seconds: 2, callers: 1000, settling: 1 },
    tiny: { rounds: 1, seconds: 0.1, callers: 20, settling: 0.1 },
  },
  ({ rounds, seconds, callers, settling }) =>
    Arena.run(async (arena) => {
      const client = await arena.client()
      const figures: Figure[] = []
      for (const engine of await startBothEngines(arena)) {
        const runs = await interleave(rounds, [1, OVERLOAD], async (times) => {
          const pressed = await client.call('press', {
            target: engine.notify,
            users: users('user', USERS),
            connections: callers * times,
            seconds,
          })
          await delay(settling * 1000)
          return pressed
        })
        const goodput = (times: number): number[] =>
          runs.get(times)!.map((run) => run.accepted.length / run.seconds)
        const pressed = runs.get(OVERLOAD)!
        figures.push(
          ratio(`${engine.name}: goodput under overload ÷ without`, goodput(OVERLOAD), goodput(1)),
          figure(`${engine.name}: goodput under overload`, '/s', goodput(OVERLOAD)),
          ...(['accepted', 'refused'] as const).flatMap((outcome) =>
            ([0.5, 1] as const).map((share) =>
              figure(
                `${engine.name}: time until ${outcome}, ${share === 1 ? 'max' : 'p50'}`,
                'ms',
                pressed
                  .filter((run) => run[outcome].length > 0)
                  .map((run) => percentile(run[outcome], share)),
              ),
            ),
          ),
        )
      }
      return figures.filter(({ rounds }) => rounds.length > 0)
    }),
)
