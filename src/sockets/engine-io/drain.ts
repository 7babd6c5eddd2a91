import { setTimeout as delay } from 'node:timers/promises'
import type { Server } from 'socket.io'
import { type EngineSocket, engineSessionsOf } from './engine-socket.ts'

/** The longest that connections may take to notice that they were closed, in milliseconds: a poll comes within one round trip. */
const PATIENCE = 2000

/**
 * Closes every connection, one after the other, spread over this many seconds; earlier if all leave by themselves. Resolves when all have
 * gone, or when those that do not read have had their time.
 */
export async function closeSpread(
  engine: Server['engine'],
  seconds: number,
  close: (conn: EngineSocket) => void,
): Promise<void> {
  const leaving = Object.values(engineSessionsOf(engine))
  const allGone = gone(leaving)
  const begin = Date.now()
  for (const [index, conn] of leaving.entries()) {
    if (conn.readyState !== 'open') continue
    await withinTime(allGone, begin + (seconds * 1000 * (index + 1)) / leaving.length - Date.now())
    close(conn)
  }
  // Handshakes that were let in a moment before have connected after the list was made.
  const left = Object.values(engineSessionsOf(engine))
  left.forEach(close)
  await withinTime(gone(left), PATIENCE)
}

async function gone(connections: readonly EngineSocket[]): Promise<void> {
  await Promise.all(
    connections.map((conn) =>
      conn.readyState === 'closed'
        ? undefined
        : new Promise<void>((resolve) => conn.once('close', () => resolve())),
    ),
  )
}

/** Resolves when the goal does, or after so many milliseconds. */
async function withinTime(goal: Promise<void>, patience: number): Promise<void> {
  if (patience <= 0) return
  const over = new AbortController()
  const time = delay(patience, undefined, { signal: over.signal }).catch(() => undefined)
  await Promise.race([goal, time])
  over.abort()
}
