import { ServerResponse } from 'node:http'
import type { Server } from 'socket.io'
import { type EngineRequest, type EngineSocket, engineSessionsOf } from './engine-socket.ts'

/**
 * Checks that answers to polls are read: their bytes no longer count in the backlog of the engine session, so each must have been read before
 * the next poll. `end` is called with an engine session that polls again without that; a connection on which an answer is not read for
 * `patience` milliseconds is closed, whatever has become of its engine session.
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
