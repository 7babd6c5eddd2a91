import { randomUUIDv7 } from 'node:crypto'
import { iso } from '../../core/drafts/draft.ts'
import { IDEMPOTENCY_SECONDS } from '../../core/engine/broker.ts'
import type { EngineOptions, Retention } from '../../core/engine/engine.ts'
import { type Channel, isUserChannel } from '../../core/model/channel.ts'
import { encodeEnding, encodeOpening, stampOf } from '../../core/model/encoding.ts'
import { type End, endOf, type ItemDraft, type UpsertOutcome } from '../../core/model/item.ts'
import { rememberedFor } from '../../core/model/position.ts'
import type { Draft } from '../../core/model/publication.ts'
import { hashOf, NONE, WITH_WEBHOOK, wordOf } from './entry.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ChannelKeys, Envelope, EventEnvelope, ItemArguments, ScriptedClient } from './scripts/calls.ts'
import { newIncarnation } from './scripts/scripts.ts'

/** The answer of a script that stores a draft. */
export interface Stored {
  status: 'stored' | 'replayed' | 'conflict'
  seq: number
  epoch: string
  id: string
  /** As `HGETALL` has it: process, number of connections, … */
  connections: Buffer[]
  /** The run id of the server, if it is not that of the epoch; otherwise empty. */
  runId: string
  upsert?: UpsertOutcome
}

const STATUS = ['stored', 'replayed', 'conflict'] as const

/** Stores drafts, each call by one script. */
export class Store {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys
  readonly #retention: EngineOptions['retention']

  constructor(
    connection: CommandConnection,
    scripts: ScriptedClient,
    keys: Keys,
    retention: EngineOptions['retention'],
  ) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#retention = retention
  }

  /** The limits of a channel's log. */
  retentionOf(channel: Draft['channel']): Retention {
    return isUserChannel(channel) ? this.#retention.user : this.#retention.room
  }

  /** The envelope of a script that may have to report what has ended. */
  eventEnvelope(channel: Channel): EventEnvelope {
    const { count, seconds } = this.retentionOf(channel)
    const { runId, publishCommand } = this.#connection
    const now = Date.now()
    return [
      ...([runId, newIncarnation(), now, count, publishCommand, this.#keys.topicEnding] as const),
      ...([seconds * 1000, randomUUIDv7()] as const),
    ]
  }

  /** The lifetime of the keys of a channel's log after their last use, in milliseconds; as in `scripts/log.lua`. */
  lifetimeOf(channel: Channel): number {
    return this.keptFor(channel) * 2 + 60_000
  }

  /** The time for which the log of a channel is remembered, in milliseconds. */
  keptFor(channel: Channel): number {
    return rememberedFor(this.retentionOf(channel).seconds * 1000)
  }

  /** Stores a draft and announces it. `runId`: the run id of the store as far as it is known, or empty. */
  put(draft: Draft, runId: string): Promise<Stored> {
    if (draft.item === undefined) return this.#publish(draft, runId)
    return this.putAll([draft], draft.item, runId).then(first)
  }

  async #publish(draft: Draft, runId: string): Promise<Stored> {
    const { channel, idempotency, stored, id } = draft
    const [status, seq, epoch, storedId, connections, known] = await this.#scripts.publishBuffer(
      ...this.#keys.of(channel, idempotency?.key),
      ...this.envelope(draft, runId),
      id,
      encodeOpening(draft),
      draft.tail,
      stored ? (isUserChannel(channel) ? 'user' : 'room') : 'none',
      idempotency?.key ?? '',
      idempotency?.fingerprint ?? '',
      IDEMPOTENCY_SECONDS,
    )
    return storedOf(status, seq, epoch, storedId, connections, known)
  }

  /** Stores drafts with an item that differ in their channels and ids alone, like `put`; on a Cluster they must share a slot. */
  async putAll(drafts: readonly Draft[], item: ItemDraft, runId: string): Promise<Stored[]> {
    const [draft] = drafts as [Draft]
    const { createdAt, expiresAt, idempotency } = draft
    const ends = endOf(item, createdAt, this.#retention.user.seconds)
    const storing = this.#scripts.notifyBuffer(
      ...this.#keysOf(drafts),
      ...this.envelope(draft, runId),
      ...itemArguments(draft, item, ends),
      idempotency?.key ?? '',
      idempotency?.fingerprint ?? '',
      IDEMPOTENCY_SECONDS,
      ...(drafts.map(({ id }) => id) as [string]),
    )
    const hasOwnEnd = expiresAt > 0
    if (hasOwnEnd) await Promise.all([storing, this.#noteEnd(drafts, ends.time)])
    const results = await storing
    // Nearly every notification ends after one that was in its inbox before, whose end is noted already.
    const alone = hasOwnEnd ? [] : drafts.filter((_, index) => results[index]![9] === 1)
    // An end weeks ahead that could not be noted is found when the inbox is used next, so it is no reason to reject the publish.
    if (alone.length > 0) this.#noteEnd(alone, ends.time).catch(() => undefined)
    return results.map(([status, seq, epoch, id, connections, known, version, created, applied]) => ({
      ...storedOf(status, seq, epoch, id, connections, known),
      // As a text, since ioredis reads the highest of these numbers wrongly.
      upsert: { version: Number(version), created: created === 1, applied: applied === 1 },
    }))
  }

  /** The envelope of a script that stores a draft in this run of the store. */
  envelope({ channel, id, createdAt }: Draft, runId: string): Envelope {
    const { count, seconds } = this.retentionOf(channel)
    const { publishCommand } = this.#connection
    // The end of an id is random enough for an incarnation.
    return [runId, id.slice(-8), createdAt, count, publishCommand, this.#keys.topicEnding, seconds * 1000]
  }

  /** The keys of the drafts; on a Cluster there is only one. */
  #keysOf(drafts: readonly Draft[]): ChannelKeys {
    const { channel, idempotency } = drafts[0]!
    if (drafts.length === 1) return this.#keys.of(channel, idempotency?.key)
    return [drafts.length, ...(drafts.map((draft) => this.#keys.base(draft.channel)) as [string])]
  }

  #noteEnd(drafts: readonly Draft[], time: number): Promise<unknown> {
    return this.#scripts.noteEnd(this.#keys.due, time, ...drafts.map(({ channel }) => channel))
  }
}

const first = ([stored]: readonly Stored[]): Stored => stored!

/** The arguments of `notify` that say what is stored. */
function itemArguments(draft: Draft, item: ItemDraft, ends: End): ItemArguments {
  const createdAt = iso(draft.createdAt)
  const { updatedAt, version, waiter = NONE, webhook } = item
  const [type, tag, category] = [wordOf(item.type), wordOf(item.tag), wordOf(item.category)]
  return [
    draft.event,
    encodeEnding(draft),
    ends.time,
    item.content,
    stampOf({ version: version ?? 1, createdAt, updatedAt, expiresAt: ends.text }),
    updatedAt === createdAt ? draft.createdAt : Date.parse(updatedAt),
    item.alert ? 1 : 0,
    `${waiter} ${webhook === undefined ? NONE : WITH_WEBHOOK}`,
    version ?? '',
    item.progressState,
    `${type} ${tag} ${category}`,
    hashOf(type),
    hashOf(category),
    tag,
    item.renotify ? 1 : 0,
  ]
}

function storedOf(
  status: number,
  seq: number,
  epoch: Buffer | undefined,
  id: Buffer | undefined,
  connections: Buffer[] = [],
  runId: Buffer | undefined,
): Stored {
  return {
    status: STATUS[status]!,
    seq,
    epoch: epoch?.toString() ?? '',
    id: id?.toString() ?? '',
    connections,
    runId: runId?.toString() ?? '',
  }
}
