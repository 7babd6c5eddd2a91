import { IDEMPOTENCY_SECONDS } from '../../core/engine/broker.ts'
import type { EngineOptions, Retention } from '../../core/engine/engine.ts'
import { isUserChannel } from '../../core/model/channel.ts'
import { encodeEnding, encodeOpening } from '../../core/model/encoding.ts'
import { endOf, type ItemDraft, type UpsertOutcome } from '../../core/model/item.ts'
import type { Draft } from '../../core/model/publication.ts'
import { NONE, WITH_WEBHOOK, wordOf } from './inbox.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { Envelope, ScriptedClient } from './scripts/calls.ts'

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

  /** Stores a draft and announces it. `runId`: the run id of the store as far as it is known, or empty. */
  async put(draft: Draft, runId: string): Promise<Stored> {
    if (draft.item === undefined) return this.#publish(draft, runId)
    const [stored] = await this.putAll([draft], draft.item, runId)
    return stored!
  }

  async #publish(draft: Draft, runId: string): Promise<Stored> {
    const [status, seq, epoch, id, connections, known] = await this.#scripts.publishBuffer(
      ...this.#keysOf(draft),
      ...this.envelope(draft, runId),
      encodeOpening(draft),
      draft.tail,
      draft.stored ? 1 : 0,
      draft.idempotency?.fingerprint ?? '',
      IDEMPOTENCY_SECONDS,
    )
    return storedOf(status, seq, epoch, id, connections, known)
  }

  /** Stores drafts with an item that differ in their channels and ids alone, like `put`; on a Cluster they must share a slot. */
  async putAll(drafts: readonly Draft[], item: ItemDraft, runId: string): Promise<Stored[]> {
    const { seconds } = this.#retention.user
    const first = drafts[0]!
    const { event, createdAt, expiresAt, idempotency } = first
    const keys = drafts.flatMap((draft) => [...this.#keysOf(draft), ...this.#keys.inbox(draft.channel)])
    const ends = endOf(item, createdAt, seconds)
    const [results] = await Promise.all([
      this.#scripts.notifyBuffer(
        keys.length,
        ...keys,
        ...this.envelope(first, runId),
        event,
        encodeEnding(first),
        item.content,
        idempotency?.fingerprint ?? '',
        item.waiter ?? NONE,
        IDEMPOTENCY_SECONDS,
        wordOf(item.tag),
        item.version ?? '',
        item.progressState,
        item.renotify ? 1 : 0,
        item.alert ? 1 : 0,
        item.updatedAt,
        ends.text,
        ends.time,
        wordOf(item.type),
        wordOf(item.category),
        item.webhook === undefined ? NONE : WITH_WEBHOOK,
        ...(drafts.map((draft) => draft.id) as [string]),
      ),
      expiresAt > 0 && this.#noteEnd(drafts, ends.time),
    ])
    // Nearly every notification ends after one that was in its inbox before, whose end is noted already.
    const alone = expiresAt > 0 ? [] : drafts.filter((_, index) => results[index]![9] === 1)
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
    // The end of an id is random enough for an incarnation.
    return [runId, id.slice(-8), createdAt, count, this.#connection.publishCommand, id, seconds * 1000]
  }

  #noteEnd(drafts: readonly Draft[], time: number): Promise<unknown> {
    return this.#scripts.noteEnd(this.#keys.due, time, ...drafts.map(({ channel }) => channel))
  }

  #keysOf({
    channel,
    idempotency,
  }: Draft): [log: string, meta: string, connections: string, idempotency: string, topic: string] {
    const keys = this.#keys
    return [
      keys.log(channel),
      keys.meta(channel),
      keys.connections(channel),
      idempotency === undefined ? keys.meta(channel) : keys.idempotency(channel, idempotency.key),
      keys.topic(channel),
    ]
  }
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
