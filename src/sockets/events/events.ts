import type { Socket } from 'socket.io'
import { ServiceError } from '../../core/model/errors.ts'
import type { TabEvent } from '../../core/model/events.ts'
import type { TabSession } from '../../core/session/tab-session.ts'
import { handleAcks } from './acks.ts'
import { EventQueue } from './event-queue.ts'
import { errorAnswer, failureOf } from './failure.ts'
import type { Handler } from './handler.ts'
import { type InboxEventOptions, inboxHandlers } from './inbox-events.ts'
import { type RefreshOptions, refreshHandler } from './refresh.ts'
import { type RoomEventOptions, roomHandlers } from './room-events.ts'
import { type SpeakingOptions, speaker } from './speaking.ts'
import { type TabAckOptions, TabAcks } from './tab-acks.ts'

/** The parts and limits of the events of tabs. */
export interface EventOptions extends InboxEventOptions, SpeakingOptions, RoomEventOptions, RefreshOptions {
  engine: RoomEventOptions['engine'] & RefreshOptions['engine']
  /** The most bytes that may wait for one connection, or for its events to be handled, before it is closed. */
  maxBacklog: number
  /** Receives errors that a tab cannot have caused. */
  report(error: unknown): void
}

/** The events that are worked on one after the other, to their answers. */
type OrderedEvent = Exclude<TabEvent, 'ack'>
type Handlers = { [Event in OrderedEvent]: Handler<Event> }
type AnyHandler = Handlers[OrderedEvent]

/** The events of a connection that are handled in a second, besides those by which it publishes. */
const EVENTS_PER_SECOND = 100

/** The most characters of an unknown name that are repeated in the answer. */
const MAX_ECHO = 100

/**
 * Handles the events of a connected socket. Each is answered with `{ok: true, …}` or `{ok: false, error: {code, …}}`. Most tabs only listen,
 * so what handles their events is made when the first one comes.
 */
export function handleEvents(socket: Socket, tab: TabSession, options: EventOptions & TabAckOptions): void {
  // Socket.IO calls this before the listeners of the event itself.
  const begin = (event: unknown, ...args: unknown[]): void => {
    socket.offAny(begin)
    addListeners(socket, tab, options)
    answerUnknown(socket, event, args)
  }
  socket.onAny(begin)
}

function addListeners(socket: Socket, tab: TabSession, options: EventOptions & TabAckOptions): void {
  const { maxBacklog, maxMessages } = options
  const handlers: Handlers = {
    ...roomHandlers(tab, options),
    ...inboxHandlers(tab, options),
    publish: speaker(tab, options),
    refresh: refreshHandler(tab, options),
  }
  const queue = new EventQueue(tab, { maxBytes: maxBacklog, rate: EVENTS_PER_SECOND + maxMessages })
  const failureOfAck = (error: unknown): ServiceError => failureOf(socket, 'ack', error, options.report)
  const acks = new TabAcks(tab, options, failureOfAck)
  handleAcks(socket, queue, acks, failureOfAck)
  for (const [event, handler] of Object.entries(handlers) as [OrderedEvent, AnyHandler][])
    socket.on(event, (...args: unknown[]) => {
      const askedAt = performance.now()
      queue.add(args, async () => {
        await acks.settle()
        if (socket.connected) await run(socket, event, (values) => handler(values, askedAt), args, options)
      })
    })
  socket.onAny((event: unknown, ...args: unknown[]) => answerUnknown(socket, event, args))
}

/** Answers an event without a handler, if the tab asks for an answer. */
function answerUnknown(socket: Socket, event: unknown, args: readonly unknown[]): void {
  // Socket.IO's parser lets a number pass as the name.
  const text = String(event)
  const acknowledge = args.at(-1)
  // An embedding program may have handlers of its own. Socket.IO itself has one for `error`, which does nothing.
  const handlers = socket.listenerCount(text) - (text === 'error' ? 1 : 0)
  if (typeof acknowledge !== 'function' || handlers > 0) return
  const name = JSON.stringify(text.slice(0, MAX_ECHO))
  acknowledge(errorAnswer(new ServiceError('unknown_event', `there is no event ${name}`)))
}

type Acknowledge = (answer: object) => void

async function run(
  socket: Socket,
  event: OrderedEvent,
  handler: (values: unknown[]) => ReturnType<AnyHandler>,
  args: unknown[],
  options: Pick<EventOptions, 'report'>,
): Promise<void> {
  const last = args.at(-1)
  const acknowledge: Acknowledge = typeof last === 'function' ? (last as Acknowledge) : () => undefined
  const values = typeof last === 'function' ? args.slice(0, -1) : args
  const fail = (error: unknown): ServiceError => failureOf(socket, event, error, options.report)
  try {
    const { answer, afterwards } = await handler(values)
    acknowledge({ ok: true, ...answer })
    // Not waited for: a long replay must not hold up the next event, which may end it.
    afterwards?.().catch(fail)
  } catch (error) {
    acknowledge(errorAnswer(fail(error)))
  }
}
