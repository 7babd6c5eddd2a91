import type { Socket } from 'socket.io'
import { isFault } from '../../core/lifecycle/faults.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { ErrorAnswer, TabEvent } from '../../core/model/events.ts'

/** Returns the error that a tab is told of; reports what it cannot have caused, and ends the connection where that helps. */
export function failureOf(
  socket: Socket,
  event: TabEvent,
  error: unknown,
  report: (error: unknown) => void,
): ServiceError {
  if (isFault(error)) report(error)
  const failure = error instanceof ServiceError ? error : new ServiceError('internal', `${event} failed`)
  // After a temporary error the tab connects again and goes on from its cursor; only a message to publish is known to the page alone.
  if (failure.temporary && event !== 'publish') socket.conn.close()
  return failure
}

/** Returns an error as the acknowledgement of an event. */
export function errorAnswer({ code, title, message, temporary, help }: ServiceError): ErrorAnswer {
  return { ok: false, error: { code, title, detail: message, temporary, help } }
}
