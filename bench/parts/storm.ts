import { Arena, interleave, processesOf, requireOpenFiles, tabsFor, users } from '../arena.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { startStock } from '../contestants/socket-io.ts'
import { startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import { figure, ratio } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import type { LoadClient } from '../load/client.ts'
import { part } from '../part.ts'

/** Tabs that connect at the same time. */
const CONCURRENCY = 100
const CONNECTIONS = 64

/** All tabs are cut, each misses a notification, and all come back at once, from where they were. */
export const storm = part(
  'storm',
  'tabs that come back with `since` until each has what it missed, against the time in which as many connect to stock',
  {
    full: { rounds: 3, tabs: 5000 },
    quick: { rounds: 1, tabs: 5000 },
    tiny: { rounds: 1, tabs: 10 },
  },
  ({ rounds, tabs }) =>
    Arena.run(async (arena) => {
      requireOpenFiles(tabs)
      const contestants = await arena.start<Contestant>(startEmbedded, startStock, startOnRedis)
      const clients = new Map<Contestant, LoadClient>()
      for (const contestant of contestants) clients.set(contestant, await arena.client())
      const names = users('user', tabs)
      const runs = await interleave(rounds, contestants, async (contestant) => {
        const client = clients.get(contestant)!
        const { name: group } = contestant
        const pids = processesOf(contestant)
        const plain = tabsFor(contestant, names)
        if (group === 'stock') {
          await untilIdle(pids)
          const { startedAt, endedAt } = await client.call('open', {
            group,
            targets: plain,
            concurrency: CONCURRENCY,
          })
          await client.call('close', { group })
          return (endedAt - startedAt) / 1e6
        }
        const since = await client.call('positions', { group })
        const target = contestant.notify
        if (since.length === 0) {
          // The first time each of them comes, it has no place yet.
          const targets = names.map((user, index) => contestant.tab(user, index, '{}'))
          await client.call('listen', { group })
          await client.call('open', { group, targets, concurrency: CONCURRENCY })
          await client.call('heard', { group, notifications: 0, positions: tabs })
          await client.call('close', { group })
          since.push(...(await client.call('positions', { group })))
        }
        await client.call('post', { target, users: names, posts: tabs, connections: CONNECTIONS })
        const targets = names.map((user, index) => contestant.tab(user, index, since[index]))
        await untilIdle(pids)
        await client.call('listen', { group })
        const heard = client.call('heard', { group, notifications: tabs, positions: tabs })
        const { startedAt } = await client.call('open', { group, targets, concurrency: CONCURRENCY })
        const heardAt = await heard
        await client.call('close', { group })
        return (heardAt - startedAt) / 1e6
      })
      const [embedded, stock, redis] = contestants.map((contestant) => runs.get(contestant)!)
      const milliseconds = (seconds: number[]): number[] => seconds.map((figure) => figure * 1000)
      return [
        ratio('embedded, until all have caught up ÷ stock, until all have connected', embedded!, stock!),
        ratio('redis, until all have caught up ÷ stock, until all have connected', redis!, stock!),
        figure('embedded: until all have caught up', 'ms', milliseconds(embedded!)),
        figure('redis: until all have caught up', 'ms', milliseconds(redis!)),
        figure('stock: until all have connected', 'ms', milliseconds(stock!)),
      ]
    }),
)
