import { ServerResponse } from 'node:http'
import type { Server } from 'socket.io'
import { type EngineRequest, type EngineSocket, engineSessionsOf } from './engine-socket.ts'

/**
 * Minds the answers to polls: what is in one is no backlog of its session any more, so each must have been read before the next is asked for.
 * `end` is called with a session that asks again without that; a connection on which an answer is not read for `patience` milliseconds is
 * closed, whatever has become of its session.
 */
export function mindPolls(
  engine: Server['engine'],
  patience: number,
  end: (conn: EngineSocket) => void,
): void {
  const last = new WeakMap<EngineSocket, ServerResponse>()
  engine.use((request: EngineRequest, response: unknown, next: () => void) => {
    const { sid = '' } = request._query
    const sessions = engineSessionsOf(engine)
    if (request.method === 'GET' && response instanceof ServerResponse && Object.hasOwn(sessions, sid)) {
      const conn = sessions[sid]!
      const before = last.get(conn)
      if (before?.writableEnded && !before.writableFinished) end(conn)
      last.set(conn, response)
      response.setTimeout(patience)
    }
    next()
  })
}
