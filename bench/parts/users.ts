import { Arena, interleave, processesOf, shuffled, users } from '../arena.ts'
import { type StoredRun, startBothEngines, store } from '../engine-run.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import { part } from '../part.ts'

/** The same posts to many users and to few, on the same server; both have been posted to before. */
export const manyUsers = part(
  'users',
  'CPU per notification with 100,000 users against 1,000, and of the first that a user gets',
  {
    full: { rounds: 5, posts: 20_000, many: 100_000, few: 1000 },
    quick: { rounds: 1, posts: 20_000, many: 40_000, few: 1000 },
    tiny: { rounds: 1, posts: 100, many: 200, few: 10 },
  },
  ({ rounds, posts, many, few }) =>
    Arena.run(async (arena) => {
      const client = await arena.client()
      const engines = await startBothEngines(arena)
      const manyNames = shuffled(users('many', many))
      const fewNames = shuffled(users('few', few))
      const figures: Figure[] = []
      for (const engine of engines) {
        await store(client, engine, fewNames, posts)
        const firsts: StoredRun[] = []
        const furthers: StoredRun[] = []
        for (let from = 0; from < many; from += posts) {
          firsts.push(
            await store(client, engine, manyNames.slice(from, from + posts), Math.min(posts, many - from)),
          )
          furthers.push(await store(client, engine, fewNames, posts))
        }
        const runs = await interleave(rounds, [manyNames, fewNames], async (names, round) => {
          await untilIdle(processesOf(engine))
          const from = (round * posts) % names.length
          return store(client, engine, [...names.slice(from), ...names.slice(0, from)].slice(0, posts), posts)
        })
        const cpu = (of: readonly StoredRun[]): number[] => of.map((run) => run.cpu)
        const [inMany, inFew] = [cpu(runs.get(manyNames)!), cpu(runs.get(fewNames)!)]
        figures.push(
          ratio(
            `${engine.name}: ${many.toLocaleString('en')} users ÷ ${few.toLocaleString('en')}, CPU per notification`,
            inMany,
            inFew,
          ),
          ratio(
            `${engine.name}: a user's first ÷ further ones, CPU per notification`,
            cpu(firsts),
            cpu(furthers),
          ),
          figure(`${engine.name}: CPU per notification, ${many.toLocaleString('en')} users`, 'µs', inMany),
          figure(`${engine.name}: CPU per notification, ${few.toLocaleString('en')} users`, 'µs', inFew),
          figure(`${engine.name}: CPU of a user's first notification`, 'µs', cpu(firsts)),
        )
      }
      return figures
    }),
)
