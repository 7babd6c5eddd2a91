import { Arena, interleave, processesOf, users } from '../arena.ts'
import { startEmbedded, startOnRedis, type TabcastContestant } from '../contestants/tabcast.ts'
import { type DeliveryRun, deliver, loadOf, openTabs, postsOf, type Subject } from '../delivery-run.ts'
import { type Figure, figure, ratio } from '../figures/figure.ts'
import { untilIdle } from '../figures/processes.ts'
import { part } from '../part.ts'

/** Pages that acknowledge each notification, against pages that do not. */
export const acknowledge = part(
  'ack',
  'pages that acknowledge each notification, against pages that do not',
  {
    full: { rounds: 5, posts: 20_000, users: 200 },
    quick: { rounds: 2, posts: 8000, users: 200 },
    tiny: { rounds: 1, posts: 200, users: 5 },
  },
  ({ rounds, posts, users: count }) =>
    Arena.run(async (arena) => {
      const load = loadOf(await arena.client())
      const contestants = await arena.start<TabcastContestant>(startOnRedis, startEmbedded)
      const subjects = contestants.map((contestant): Subject => {
        return { name: contestant.name, contestant, users: users('user', count), tabs: 1 }
      })
      for (const subject of subjects) await openTabs(load, subject)
      const runs = await interleave(
        rounds,
        subjects.flatMap((subject) => [false, true].map((acknowledge) => ({ subject, acknowledge }))),
        ({ subject, acknowledge }, round) => {
          const afterwards = (): Promise<void> => untilIdle(processesOf(subject.contestant))
          return deliver(load, subject, postsOf(round, posts), { acknowledge, afterwards })
        },
      )
      const [redisWithout, redisWith, embeddedWithout, embeddedWith] = [...runs.values()]
      return [
        ...figuresOf('redis', redisWithout!, redisWith!, posts),
        ...figuresOf('embedded', embeddedWithout!, embeddedWith!, posts),
      ]
    }),
)

function figuresOf(
  name: string,
  without: DeliveryRun[],
  acknowledged: DeliveryRun[],
  posts: number,
): Figure[] {
  const seconds = (runs: DeliveryRun[]): number[] => runs.map((run) => run.seconds)
  return [
    ratio(
      `${name}: with acknowledgements ÷ without, notifications a second`,
      seconds(without),
      seconds(acknowledged),
    ),
    figure(
      `${name}: CPU per acknowledgement, all processes`,
      'µs',
      acknowledged.map(({ total }, round) => total - without[round]!.total),
    ),
    figure(
      `${name}: notifications acknowledged`,
      '/s',
      acknowledged.map((run) => posts / run.seconds),
    ),
  ]
}
