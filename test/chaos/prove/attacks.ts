import { setTimeout as delay } from 'node:timers/promises'
import type { TcpProxy } from '../../support/programs/proxy.ts'
import type { Instance } from './instance.ts'
import type { Random } from './random.ts'
import type { Stage } from './stage.ts'
import type { Target } from './target.ts'

/** One way to break something. */
export interface Attack<T extends Target = Target> {
  /** As the report calls it. */
  readonly name: string
  /** Share of it in a long run, against the others. */
  readonly share: number
  /** Everything that it may be done to. */
  readonly targets: readonly T[]
  /** Breaks the target and mends it; answers whether it really hurt. */
  run(target: T): Promise<boolean>
}

/** Somebody who is away while a room's log goes on beyond its retention. */
export interface Absence {
  readonly targets: readonly Target[]
  /** Answers whether it came back to a gap. */
  run(target: Target): Promise<boolean>
}

/** Everything that can be done to these processes; how long each thing lasts, `random` says. */
export function attacksOn(stage: Stage, random: Random, absence: Absence): Attack[] {
  const { apis, workers, redis } = stage
  const pause = (least: number, most: number): Promise<void> => delay(random.between(least, most))
  const attack = <T extends Target>(
    name: string,
    share: number,
    targets: readonly T[],
    run: (target: T) => Promise<boolean>,
  ): Attack => ({ name, share, targets, run: (target) => run(target as T) })

  const kill = async (instance: Instance): Promise<boolean> => {
    await instance.kill()
    await pause(50, 1000)
    await instance.startAgain()
    return true
  }
  const deploy = async (instance: Instance): Promise<boolean> => {
    await instance.stop()
    await instance.startAgain()
    return true
  }
  const stun = async (target: { pause(): void; resume(): void }, most: number): Promise<boolean> => {
    target.pause()
    await pause(500, most)
    target.resume()
    return true
  }
  const freeze = async (proxy: TcpProxy): Promise<boolean> => {
    const before = proxy.connections.size
    proxy.set('frozen')
    await pause(500, 4000)
    // A connection that has come meanwhile is frozen, too.
    const hurt = before + proxy.connections.size > 0
    proxy.set('open')
    return hurt
  }
  /** Loses all that is answered meanwhile; nobody can go on in the middle of an answer, so the connections end. */
  const deafen = async (proxy: TcpProxy): Promise<boolean> => {
    const before = proxy.dropped
    proxy.set('deaf')
    await pause(200, 2000)
    proxy.set('open')
    proxy.cut()
    return proxy.dropped > before
  }
  const processes = [...new Set([...apis, ...workers])]

  const everywhere = [
    attack('tabs cut', 6, workers, async ({ proxy }) => proxy.cut() > 0),
    attack('tabs frozen', 2, workers, ({ proxy }) => freeze(proxy)),
    attack('answers to backends dropped', 3, apis, ({ proxy }) => deafen(proxy)),
    attack('process frozen', 2, processes, (instance) => stun(instance, 4000)),
    attack('trimmed while away', 2, absence.targets, (target) => absence.run(target)),
  ]
  if (redis === undefined)
    return [
      ...everywhere,
      attack('process killed', 8, processes, kill),
      attack('process deployed', 2, processes, deploy),
    ]
  return [
    ...everywhere,
    attack('worker killed', 4, workers, kill),
    attack('worker deployed', 1, workers, deploy),
    attack('API killed', 3, apis, kill),
    attack('API deployed', 1, apis, deploy),
    attack('Redis killed', 4, [redis], async ({ server }) => {
      await server.kill()
      await pause(0, 1500)
      await server.restart()
      return true
    }),
    attack('Redis frozen', 1, [redis], ({ server }) => stun(server, 3000)),
    attack('Redis wiped', 1, [redis], async ({ server }) => (await server.cli('flushall')).startsWith('OK')),
    attack('link to Redis cut', 4, processes, async ({ link }) => link!.cut() > 0),
    attack('link to Redis frozen', 2, processes, ({ link }) => freeze(link!)),
    attack('answers of Redis dropped', 3, processes, ({ link }) => deafen(link!)),
    attack('subscription silenced', 2, workers, async ({ link }) => {
      const silent = [...link!.connections].filter((connection) => connection.hasSent('subscribe'))
      for (const connection of silent) connection.set('deaf')
      // Until the worker replaces it by itself.
      await pause(3000, 6000)
      for (const connection of silent) connection.cut()
      return silent.length > 0
    }),
  ]
}
