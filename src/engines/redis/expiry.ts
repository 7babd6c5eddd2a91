import type { EngineOptions } from '../../core/engine/engine.ts'
import { isTemporary } from '../../core/lifecycle/faults.ts'
import type { Channel } from '../../core/model/channel.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'
import type { Store } from './store.ts'

/** Milliseconds between two looks for notifications that have ended. All processes look; the first one removes them. */
const INTERVAL = 1000

/** The most inboxes that are looked at in one go. */
const AT_ONCE = 100

/** Begins to remove notifications from the inboxes when they end, so that open tabs receive that in time. Returns the function that stops it. */
export function startExpiry(
  connection: CommandConnection,
  scripts: ScriptedClient,
  keys: Keys,
  store: Store,
  report: EngineOptions['report'],
): () => void {
  /** Expires one inbox; resolves to true if nothing else in it has ended. `seen`: the time that was noted for it. */
  const expire = async (channel: Channel, seen: string): Promise<boolean> => {
    const next = await connection.run(() =>
      scripts.expire(...keys.of(channel), ...store.eventEnvelope(channel)),
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
      // Inboxes that cannot be finished wait for the next look, instead of being tried without a pause.
      if (due.length < AT_ONCE * 2 || !done.includes(true)) return
    }
  }
  let looking = false
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      // While the store is away there is nothing to report; the next look finds it all.
      .catch((error: unknown) => {
        if (!isTemporary(error)) report(error)
      })
      .finally(() => {
        looking = false
      })
  }, INTERVAL).unref()
  return () => clearInterval(timer)
}
