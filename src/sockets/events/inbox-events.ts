import type { Hub } from '../../core/delivery/hub.ts'
import type { InboxPage } from '../../core/engine/inbox.ts'
import type { Inboxes } from '../../core/inbox/inboxes.ts'
import { type ItemTexts, isWhole, writeItems } from '../../core/inbox/page-text.ts'
import { parseExact } from '../../core/json/exact-json.ts'
import { userChannel } from '../../core/model/channel.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { NotificationPayload, TabEvents } from '../../core/model/events.ts'
import type { TabSession } from '../../core/session/tab-session.ts'
import type { Handler } from './handler.ts'
import { parseInboxQuery, parseMark } from './inbox-arguments.ts'

/** The parts that the events of the inbox work with. */
export interface InboxEventOptions {
  hub: Hub
  inboxes: Inboxes
}

/** The most bytes of notifications in an answer, beyond the first; the rest comes with the next page. */
const MAX_ANSWER_BYTES = 262_144

/** The handlers of `inbox` and `mark`. */
export function inboxHandlers(
  tab: TabSession,
  { hub, inboxes }: InboxEventOptions,
): { inbox: Handler<'inbox'>; mark: Handler<'mark'> } {
  return {
    inbox: async ([options]) => {
      const user = userOf(tab)
      const query = parseInboxQuery(options)
      const page = await inboxes.list(user, query)
      const written = writeItems(page, MAX_ANSWER_BYTES)
      // A list with a filter or a cursor leaves out notifications that the tab has not been sent.
      if (isWhole(query))
        hub.subscriptionOf(tab, userChannel(user))?.ackWindow.reachesDownTo(written.completeAbove)
      return { answer: answerOf(page, written) }
    },
    mark: async ([mark]) => ({ answer: await inboxes.mark(userOf(tab), parseMark(mark)) }),
  }
}

/** Returns the user of a tab. Throws `token_missing` for one without. */
export function userOf({ user }: TabSession): string {
  if (user === undefined)
    throw new ServiceError('token_missing', 'a connection without a token has no user, and so no inbox')
  return user
}

function answerOf(
  { unread, unseen, seq, epoch }: InboxPage,
  { texts, nextCursor }: ItemTexts,
): TabEvents['inbox']['answer'] {
  return {
    // Numbers are passed on as they were sent, digit for digit.
    items: texts.map((text) => parseExact(text) as NotificationPayload),
    ...(nextCursor === undefined ? {} : { nextCursor }),
    ...{ unread, unseen, seq, epoch },
  }
}
