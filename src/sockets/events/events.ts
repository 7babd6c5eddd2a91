import type { Socket } from 'socket.io'
import { isFault } from '../../core/lifecycle/faults.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { ErrorAnswer, TabEvent } from '../../core/model/events.ts'
import type { TabSession } from '../../core/session/tab-session.ts'
import { EventQueue } from './event-queue.ts'
import type { Handler } from './handler.ts'
import { type InboxEventOptions, inboxHandlers } from './inbox-events.ts'
import { type RefreshOptions, refreshHandler } from './refresh.ts'
import { type RoomEventOptions, roomHandlers } from './room-events.ts'
import { type SpeakingOptions, speaker } from './speaking.ts'
import { WaitingAck } from './waiting-ack.ts'

/** The parts and limits of the events of tabs. */
export interface EventOptions extends InboxEventOptions, SpeakingOptions, RoomEventOptions, RefreshOptions {
  engine: RoomEventOptions['engine'] & RefreshOptions['engine']
  /** The most bytes that may wait for one connection, or for its events to be handled, before it is closed. */
  maxBacklog: number
  /** Receives errors that a tab cannot have caused. */
  report(error: unknown): void
}

type Handlers = { [Event in TabEvent]: Handler<Event> }
type AnyHandler = Handlers[TabEvent]

/** The events of a connection that are handled in a second, besides those by which it publishes. */
const EVENTS_PER_SECOND = 100

/** The most characters of an unknown name that are repeated in the answer. */
const MAX_ECHO = 100

/** Handles the events of a connected socket. Each is answered with `{ok: true, …}` or `{ok: false, error: {code, …}}`. */
export function handleEvents(socket: Socket, tab: TabSession, options: EventOptions): void {
  const { maxBacklog, maxMessages } = options
  const handlers: Handlers = {
    ...roomHandlers(tab, options),
    ...inboxHandlers(tab, options),
    publish: speaker(tab, options),
    refresh: refreshHandler(tab, options),
  }
  const queue = new EventQueue(tab, { maxBytes: maxBacklog, rate: EVENTS_PER_SECOND + maxMessages })
  const acks = new WaitingAck()
  for (const [event, handler] of Object.entries(handlers) as [TabEvent, AnyHandler][])
    socket.on(event, (...args: unknown[]) => {
      if (event === 'ack' && acks.absorbs(args)) return
      const askedAt = performance.now()
      queue.add(args, async () => {
        acks.begun(args)
        if (socket.connected) await run(socket, event, (values) => handler(values, askedAt), args, options)
      })
    })
  answerUnknown(socket)
}

/** Answers events without a handler, if the tab asks for an answer. */
function answerUnknown(socket: Socket): void {
  // Socket.IO's parser lets a number pass as the name.
  socket.onAny((event: unknown, ...args: unknown[]) => {
    const text = String(event)
    const acknowledge = args.at(-1)
    // An embedding program may have handlers of its own. Socket.IO itself has one for `error`, which does nothing.
    const handlers = socket.listenerCount(text) - (text === 'error' ? 1 : 0)
    if (typeof acknowledge !== 'function' || handlers > 0) return
    const name = JSON.stringify(text.slice(0, MAX_ECHO))
    acknowledge(errorAnswer(new ServiceError('unknown_event', `there is no event ${name}`)))
  })
}

type Acknowledge = (answer: object) => void

async function run(
  socket: Socket,
  event: TabEvent,
  handler: (values: unknown[]) => ReturnType<AnyHandler>,
  args: unknown[],
  options: Pick<EventOptions, 'report'>,
): Promise<void> {
  const last = args.at(-1)
  const acknowledge: Acknowledge = typeof last === 'function' ? (last as Acknowledge) : () => undefined
  const values = typeof last === 'function' ? args.slice(0, -1) : args
  const fail = (error: unknown): ServiceError => {
    if (isFault(error)) options.report(error)
    const failure = error instanceof ServiceError ? error : new ServiceError('internal', `${event} failed`)
    // After a temporary error the tab connects again and goes on from its cursor; only a message to publish is known to the page alone.
    if (failure.temporary && event !== 'publish') socket.conn.close()
    return failure
  }
  try {
    const { answer, afterwards } = await handler(values)
    acknowledge({ ok: true, ...answer })
    // Not waited for: a long replay must not hold up the next event, which may end it.
    afterwards?.().catch(fail)
  } catch (error) {
    acknowledge(errorAnswer(fail(error)))
  }
}

function errorAnswer({ code, title, message, temporary, help }: ServiceError): ErrorAnswer {
  return { ok: false, error: { code, title, detail: message, temporary, help } }
}
