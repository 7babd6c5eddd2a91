import { randomUUIDv7 } from 'node:crypto'
import type { EngineOptions } from '../../core/engine/engine.ts'
import { isTemporary } from '../../core/lifecycle/faults.ts'
import type { Channel } from '../../core/model/channel.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'
import { newIncarnation } from './scripts/scripts.ts'

/** How often it is looked for what has ended, in milliseconds. All processes look; whoever comes first takes it out. */
const INTERVAL = 1000

/** How many inboxes are looked at in one go. */
const AT_ONCE = 100

/** Takes notifications out of the inboxes when they end, so that open tabs are told in time. Answers how to stop it. */
export function startExpiry(
  connection: CommandConnection,
  scripts: ScriptedClient,
  keys: Keys,
  { retention, report }: EngineOptions,
): () => void {
  /** Answers whether nothing is to be done there any more for now. */
  const expire = async (channel: Channel, seen: string): Promise<boolean> => {
    const next = await connection.run(() =>
      scripts.expire(
        ...keys.logKeys(channel),
        ...keys.inbox(channel),
        ...([connection.runId, newIncarnation(), Date.now(), retention.user.count] as const),
        ...([connection.publishCommand, randomUUIDv7(), retention.user.seconds * 1000] as const),
      ),
    )
    await connection.run(() => scripts.noteNextEnd(keys.due, channel, seen, next))
    return next === '' || Number(next) > Date.now()
  }
  const look = async (): Promise<void> => {
    for (;;) {
      const due = await connection.run(() =>
        connection.client.zrangebyscore(keys.due, '-inf', Date.now(), 'WITHSCORES', 'LIMIT', 0, AT_ONCE),
      )
      const expiring: Promise<boolean>[] = []
      for (let index = 0; index < due.length; index += 2)
        expiring.push(expire(due[index] as Channel, due[index + 1]!))
      const done = await Promise.all(expiring)
      // What can not be got rid of waits for the next round, instead of being tried without a pause.
      if (due.length < AT_ONCE * 2 || !done.includes(true)) return
    }
  }
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      // While the store is away nothing is to be told; the next round finds it all.
      .catch((error: unknown) => {
        if (!isTemporary(error)) report(error)
      })
      .finally(() => {
        looking = false
      })
  }, INTERVAL).unref()
  return () => clearInterval(timer)
}
