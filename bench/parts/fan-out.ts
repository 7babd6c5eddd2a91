import { Arena, interleave, processesOf, requireOpenFiles, tabsFor, users } from '../arena.ts'
import { startRawWs } from '../contestants/bare.ts'
import { CENTRIFUGO, startCentrifugo } from '../contestants/centrifugo.ts'
import type { Contestant } from '../contestants/contestant.ts'
import { hasNchan, startNchan } from '../contestants/nchan.ts'
import { startStock } from '../contestants/socket-io.ts'
import { HALL, startEmbedded, startOnRedis } from '../contestants/tabcast.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { cpuOf, untilIdle } from '../figures/processes.ts'
import type { LoadClient } from '../load/client.ts'
import { part } from '../part.ts'

const CONCURRENCY = 100

interface Outcome {
  seconds: number
  /** CPU of all processes, in microseconds per delivery. */
  cpu: number
  load: number
}

/** One message to everyone. Each contestant has a load process of its own with all its tabs, of which only one works at a time. */
export const fanOut = part(
  'fan-out',
  'one message to everyone, against `ws` that writes one ready-made frame to each socket',
  {
    full: { rounds: 5, tabs: 5000, messages: 20 },
    quick: { rounds: 2, tabs: 5000, messages: 10 },
    tiny: { rounds: 1, tabs: 20, messages: 2 },
  },
  ({ rounds, tabs, messages }) =>
    Arena.run(async (arena) => {
      requireOpenFiles(tabs)
      const poster = await arena.client()
      const [embedded] = await arena.start(() => startEmbedded(HALL))
      const tabsOf = new Map<Contestant, LoadClient>()
      const open = async (contestant: Contestant, listener: LoadClient): Promise<void> => {
        const names =
          contestant.name === 'nchan' || contestant.name === 'centrifugo' ? undefined : users('user', tabs)
        const targets = tabsFor(contestant, names ?? Array.from({ length: tabs }, () => 'everyone'))
        await listener.call('open', { group: contestant.name, targets, concurrency: CONCURRENCY })
        tabsOf.set(contestant, listener)
      }
      const run = async (contestant: Contestant): Promise<Outcome> => {
        const listener = tabsOf.get(contestant)!
        await untilIdle(processesOf(contestant))
        await listener.call('listen', { group: contestant.name })
        const [before, loadBefore] = [cpuOf(processesOf(contestant)), cpuOf([listener.pid])]
        const [posted, heardAt] = await Promise.all([
          poster.call('post', {
            target: contestant.broadcast,
            users: ['all'],
            posts: messages,
            connections: 1,
          }),
          listener.call('heard', { group: contestant.name, notifications: messages * tabs }),
        ])
        if (posted.failed > 0) throw new Error(`${contestant.name}: ${posted.failed} posts failed`)
        const seconds = (heardAt - posted.startedAt) / 1e6
        return {
          seconds,
          cpu: (cpuOf(processesOf(contestant)) - before) / (messages * tabs),
          load: (cpuOf([listener.pid]) - loadBefore) / 1e6 / seconds,
        }
      }
      const first = await arena.client()
      await open(embedded!, first)
      await run(embedded!)
      const text = await first.call('text', { group: embedded!.name })
      const contestants = [
        embedded!,
        ...(await arena.start<Contestant>(
          () => startRawWs(text),
          () => startOnRedis(1, HALL),
          startStock,
          ...(hasNchan() ? [startNchan] : []),
          ...(CENTRIFUGO === undefined ? [] : [startCentrifugo]),
        )),
      ]
      for (const contestant of contestants.slice(1)) await open(contestant, await arena.client())
      const runs = await interleave(rounds, contestants, run)
      const named = new Map([...runs].map(([{ name }, outcomes]) => [name, outcomes]))
      return figuresOf(named, messages * tabs)
    }),
)

function figuresOf(runs: ReadonlyMap<string, Outcome[]>, deliveries: number): Figure[] {
  const column = (name: string, of: keyof Outcome): number[] => runs.get(name)!.map((outcome) => outcome[of])
  const names = [...runs.keys()]
  return [
    ...names
      .filter((name) => name !== 'raw ws')
      .map((name) =>
        ratio(`${name} ÷ raw ws, deliveries a second`, column('raw ws', 'seconds'), column(name, 'seconds')),
      ),
    ...names.flatMap((name) => [
      figure(
        `${name}: deliveries`,
        '/s',
        column(name, 'seconds').map((seconds) => deliveries / seconds),
      ),
      figure(`${name}: CPU per delivery, all processes`, 'µs', column(name, 'cpu')),
      figure(`${name}: load process`, 'cores', column(name, 'load')),
    ]),
  ]
}
