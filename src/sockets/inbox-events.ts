import type { Hub } from '../core/delivery/hub.ts'
import type { InboxPage, InboxQuery } from '../core/engine/inbox.ts'
import type { Inboxes } from '../core/inbox/inboxes.ts'
import { encodeInboxCursor } from '../core/inbox/page-cursor.ts'
import { parseExact } from '../core/json/exact-json.ts'
import { userChannel } from '../core/model/channel.ts'
import { ServiceError } from '../core/model/errors.ts'
import type { Item } from '../core/model/item.ts'
import { fieldsOf } from '../core/model/publication.ts'
import { parseAcknowledged, parseInboxQuery, parseMark } from './inbox-arguments.ts'
import type { TabConnection } from './tab-connection.ts'

/** What the events of the inbox work with. */
export interface InboxEventOptions {
  hub: Hub
  inboxes: Inboxes
}

/** The most bytes of notifications that an answer carries, beyond the first; the rest comes with the next page. */
const MOST_BYTES = 262_144

/** What a tab can do with the inbox of its user, by event: each resolves to the answer. */
export function inboxHandlers(
  connection: TabConnection,
  { hub, inboxes }: InboxEventOptions,
): Record<'inbox' | 'mark' | 'ack', (args: unknown[]) => Promise<object>> {
  return {
    inbox: async ([options]) => {
      const user = userOf(connection)
      const query = parseInboxQuery(options)
      const { answer, shownAbove } = answerOf(await inboxes.list(user, query))
      // A list of some of them, or of older ones, leaves out what the tab was not sent.
      if (isWhole(query))
        hub.subscriptionOf(connection, userChannel(user))?.ackWindow.reachesDownTo(shownAbove)
      return answer
    },
    mark: async ([mark]) => inboxes.mark(userOf(connection), parseMark(mark)),
    ack: async ([seq]) => {
      const user = userOf(connection)
      const subscription = hub.subscriptionOf(connection, userChannel(user))
      const processed = parseAcknowledged(seq, subscription?.position.seq ?? 0)
      const epoch = subscription?.position.epoch
      await inboxes.acknowledge(user, processed, subscription?.ackWindow.above)
      // In another life of the log the numbers are given again.
      if (subscription?.position.epoch === epoch) subscription?.ackWindow.acknowledged(processed)
      return {}
    },
  }
}

function userOf({ claims }: TabConnection): string {
  if (claims === undefined)
    throw new ServiceError('token_missing', 'a connection without a token is nobody, and has no inbox')
  return claims.user
}

/** Whether a list begins with the newest and leaves none out. */
const isWhole = ({ status, category, type, tag, before }: InboxQuery): boolean =>
  [status, category, type, tag, before].every((filter) => filter === undefined)

/** The answer, and above which seq it has everything. */
function answerOf({ items, complete, unread, unseen, seq, epoch }: InboxPage): {
  answer: object
  shownAbove: number
} {
  const texts = items.map((item) => textOf(item, epoch))
  const count = fitting(texts)
  const last = items[count - 1]
  const more = !complete || count < items.length
  const answer = {
    // Content is passed on as it was sent, digit for digit.
    items: texts.slice(0, count).map((text) => parseExact(text)),
    ...(more && last !== undefined ? { nextCursor: encodeInboxCursor(last.seq) } : {}),
    ...{ unread, unseen, seq, epoch },
  }
  return { answer, shownAbove: more && last !== undefined ? last.seq - 1 : 0 }
}

const textOf = (item: Item, epoch: string): string =>
  `{${fieldsOf(item)},"seq":${item.seq},"epoch":"${epoch}"}`

/** How many from the front an answer carries; at least one. */
function fitting(texts: readonly string[]): number {
  let bytes = 0
  const end = texts.findIndex((text, index) => {
    bytes += Buffer.byteLength(text)
    return bytes > MOST_BYTES && index > 0
  })
  return end < 0 ? texts.length : end
}
