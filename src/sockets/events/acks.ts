import type { Socket } from 'socket.io'
import type { ServiceError } from '../../core/model/errors.ts'
import type { EventQueue } from './event-queue.ts'
import { errorAnswer } from './failure.ts'
import type { TabAcks } from './tab-acks.ts'
import { WaitingAck } from './waiting-ack.ts'

/**
 * Handles `ack`, which a page may send for each entry that it is sent. It holds up no `ack` that follows it, and one that asks for no answer
 * passes the queue while nothing waits there. `failureOf` returns the error to answer with.
 */
export function handleAcks(
  socket: Socket,
  queue: EventQueue,
  acks: TabAcks,
  failureOf: (error: unknown) => ServiceError,
): void {
  const waiting = new WaitingAck()
  const take = (seq: unknown): void => {
    try {
      acks.take(seq)
    } catch (error) {
      failureOf(error)
    }
  }
  socket.on('ack', (...args: unknown[]) => {
    if (args.length === 1 && typeof args[0] === 'number' && queue.passes()) {
      take(args[0])
      return
    }
    if (waiting.absorbs(args)) return
    queue.add(args, async () => {
      waiting.begun(args)
      if (!socket.connected) return
      const acknowledge = args.at(-1)
      if (typeof acknowledge !== 'function') {
        take(args[0])
        return
      }
      const answer = (error?: unknown): void => {
        acknowledge(error === undefined ? { ok: true } : errorAnswer(failureOf(error)))
      }
      try {
        acks.take(args.length > 1 ? args[0] : undefined, answer)
      } catch (error) {
        await acks.settle()
        answer(error)
      }
    })
  })
}
