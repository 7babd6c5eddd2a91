import type { Engine } from '../../../../src/core/engine/engine.ts'
import type { InboxQuery } from '../../../../src/core/engine/inbox.ts'
import { roomChannel, userChannel } from '../../../../src/core/model/channel.ts'
import type { Cursor } from '../../../../src/core/model/position.ts'

/** The retention of the store. */
export const RETENTION = { count: 12, seconds: 86_400 }

/** Who has something in it. */
export const CHANNELS = [userChannel('ada'), userChannel('full'), userChannel('tasks'), roomChannel('den')]

const PAGES = [
  { entries: 1000, bytes: 1_000_000 },
  { entries: 3, bytes: 1_000_000 },
]

const QUERY: InboxQuery = {
  ...{
    status: undefined,
    category: undefined,
    type: undefined,
    tag: undefined,
    before: undefined,
    limit: 50,
  },
}

const FILTERS: Partial<InboxQuery>[] = [
  ...[{}, { limit: 3 }, { category: 'Fünf & mehr' }, { type: 'order shipped' }, { tag: 'export' }],
  ...(['active', 'unread', 'unseen', 'read', 'archived'] as const).map((status) => ({ status })),
]

/** Everything that an engine says of the store through its ports, as JSON. Nothing is changed by it. */
export async function askAll({ broker, inbox, memberships, revocations, schedule, connections }: Engine) {
  const answers: Record<string, unknown> = {}
  for (const channel of CHANNELS) {
    const { head } = await broker.since(channel, {}, PAGES[0]!)
    const cursors: Cursor[] = [
      {},
      { seq: 0 },
      ...[0, 2, 5, 9, 14, 40].map((seq) => ({ seq, epoch: head.epoch })),
    ]
    const whole = await broker.since(channel, { seq: 0 }, PAGES[0]!)
    // Version 6 did not say who waits.
    const entries = whole.publications.map(({ isAwaited: _, ...publication }) => publication)
    answers[`log ${channel}`] = { ...whole, publications: entries }
    for (const cursor of cursors)
      for (const limit of PAGES) {
        const { publications, ...page } = await broker.since(channel, cursor, limit)
        const question = `since ${channel} ${JSON.stringify(cursor)} ${limit.entries}`
        answers[question] = { ...page, seqs: publications.map(({ seq }) => seq) }
      }
    const { publications, ...page } = await broker.latest(channel, undefined, PAGES[1]!)
    answers[`latest ${channel}`] = { ...page, seqs: publications.map(({ seq }) => seq) }
    if (!channel.startsWith('user:')) continue
    const inboxPage = await inbox.list(channel, QUERY)
    answers[`inbox ${channel}`] = inboxPage
    for (const filter of FILTERS) {
      const { items, complete } = await inbox.list(channel, { ...QUERY, ...filter })
      answers[`list ${channel} ${JSON.stringify(filter)}`] = [complete, ...items.map(({ seq }) => seq)]
    }
    const seqOf = async (name: string) => (await inbox.find(channel, name))?.seq ?? null
    const names = [...inboxPage.items.map(({ id }) => id), 'export', 'gone', 't5', 't20', 'nothing']
    answers[`find ${channel}`] = await Promise.all(names.map(seqOf))
    answers[`scheduled ${channel}`] = (await schedule.find(channel, 'later')) ?? null
  }
  answers.memberships = [...(await memberships.of('ada'))]
  answers.revoked = await revocations.revokedUntil('ada')
  answers.seen = await connections.count(CHANNELS)
  return JSON.parse(
    JSON.stringify(answers, (_, value) => (isBuffer(value) ? Buffer.from(value.data).toString() : value)),
  )
}

const isBuffer = (value: unknown): value is { type: 'Buffer'; data: number[] } =>
  (value as { type?: string } | null)?.type === 'Buffer'
