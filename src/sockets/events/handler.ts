import type { TabEvent, TabEvents } from '../../core/model/events.ts'

/**
 * Handles one event: resolves to what is acknowledged besides `ok`, and to what follows the acknowledgement; rejects with a `ServiceError`.
 * `askedAt`: when the event came, by `performance.now()`.
 */
export type Handler<Event extends TabEvent> = (
  args: unknown[],
  askedAt: number,
) => Promise<{ answer: TabEvents[Event]['answer']; afterwards?: () => Promise<void> }>
