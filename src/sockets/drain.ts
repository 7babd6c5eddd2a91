import { setTimeout as delay } from 'node:timers/promises'
import type { Server, Socket } from 'socket.io'

type EngineSocket = Socket['conn']

/** How long connections that have been closed may take to hear of it, in milliseconds: a poll comes within one round trip. */
const PATIENCE = 2000

/**
 * Closes every connection, one after the other, spread over so many seconds, so that each client tries again. What was sent before goes
 * out first; resolves when all have gone, or when those that do not read have had their time. Those that leave by themselves are not
 * waited for.
 */
export async function closeSpread(
  engine: Server['engine'],
  seconds: number,
  onClose: () => void,
): Promise<void> {
  const close = (conn: EngineSocket): void => {
    if (conn.readyState !== 'open') return
    onClose()
    conn.close()
  }
  const leaving = clientsOf(engine)
  const begin = Date.now()
  for (const [index, conn] of leaving.entries()) {
    if (conn.readyState !== 'open') continue
    const due = begin + (seconds * 1000 * (index + 1)) / leaving.length
    if (due > Date.now()) await delay(due - Date.now())
    close(conn)
  }
  // Handshakes that were let in a moment before came after the list was made.
  const left = clientsOf(engine)
  left.forEach(close)
  const gone = left.map((conn) => new Promise<void>((resolve) => onceClosed(conn, resolve)))
  const given = new AbortController()
  await Promise.race([Promise.all(gone), delay(PATIENCE, undefined, { signal: given.signal })])
  given.abort()
}

function onceClosed(conn: EngineSocket, resolve: () => void): void {
  if (conn.readyState === 'closed') resolve()
  else conn.once('close', resolve)
}

/** All sessions of Engine.IO, those without a CONNECT and those of an embedding program's namespaces included. */
function clientsOf(engine: Server['engine']): EngineSocket[] {
  return Object.values((engine as unknown as { clients: Record<string, EngineSocket> }).clients)
}
