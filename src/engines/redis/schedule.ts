import { IDEMPOTENCY_SECONDS } from '../../core/engine/broker.ts'
import { CANCELLED_FOR, type Schedule, type Scheduled } from '../../core/engine/schedule.ts'
import type { Channel } from '../../core/model/channel.ts'
import { ServiceError } from '../../core/model/errors.ts'
import type { Keys } from './keys.ts'
import type { CommandConnection } from './links/command-connection.ts'
import type { ScriptedClient } from './scripts/calls.ts'

/** The time for which a call that has noted a time, but no notification yet, may still be under way, in milliseconds. */
const NOTED_BEFORE = 60_000

/**
 * The scheduled notifications: a hash per user, and one sorted set of all times. The time is noted first, so that no notification is ever kept
 * without one; a time without a notification is forgotten. One that was cancelled is an empty text, and forgotten when its time comes.
 */
export class RedisSchedule implements Schedule {
  readonly #connection: CommandConnection
  readonly #scripts: ScriptedClient
  readonly #keys: Keys

  constructor(connection: CommandConnection, scripts: ScriptedClient, keys: Keys) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
  }

  async add(scheduled: Scheduled): Promise<{ id: string; replayed: boolean }> {
    const { draft, at } = scheduled
    const { channel, id, idempotency } = draft
    const keys = this.#keys
    await this.#connection.run(() => this.#connection.client.zadd(keys.times, at, nameOf(channel, id)))
    const [status, kept] = await this.#connection.run(() =>
      this.#scripts.schedule(
        idempotency === undefined ? keys.scheduled(channel) : keys.idempotency(channel, idempotency.key),
        keys.scheduled(channel),
        id,
        JSON.stringify(scheduled),
        idempotency?.fingerprint ?? '',
        IDEMPOTENCY_SECONDS,
      ),
    )
    // A call that keeps nothing takes back its time. A call that was sent twice may find its own notification, whose time stays.
    if (kept !== id) await this.#forgetTime(channel, id)
    if (status === 2)
      throw new ServiceError(
        'idempotency_conflict',
        'this Idempotency-Key was used with another body in the last 24 hours',
      )
    return { id: kept, replayed: status === 1 }
  }

  async due(now: number, limit: number): Promise<Scheduled[]> {
    const due: Scheduled[] = []
    // The next page begins behind those that stay, so that times without a notification hold up nothing.
    let staying = 0
    for (;;) {
      const noted = await this.#noted(now, staying, limit)
      const texts = await Promise.all(
        noted.map(({ channel, id }) =>
          this.#connection.run(() => this.#connection.client.hget(this.#keys.scheduled(channel), id)),
        ),
      )
      for (const [index, { channel, id, at }] of noted.entries()) {
        const text = texts[index]
        if (text) due.push(JSON.parse(text))
        if (text === '' || (!text && at < now - NOTED_BEFORE)) await this.#forget(channel, id)
        else staying++
      }
      if (due.length >= limit || noted.length < limit) return due.slice(0, limit)
    }
  }

  async find(channel: Channel, idOrTag: string): Promise<Scheduled | undefined> {
    const key = this.#keys.scheduled(channel)
    const known = await this.#connection.run(() => this.#connection.client.hget(key, idOrTag))
    if (known) return JSON.parse(known)
    // Perhaps a tag. Most users have nothing scheduled, so this is cheap.
    const texts = await this.#connection.run(() => this.#connection.client.hvals(key))
    const found = texts
      .filter((text) => text !== '')
      .map((text): Scheduled => JSON.parse(text))
      .filter(({ draft }) => draft.id === idOrTag || draft.item?.tag === idOrTag)
    return found.sort((a, b) => a.at - b.at)[0]
  }

  async cancel(channel: Channel, id: string): Promise<boolean> {
    const cancelled = await this.#connection.run(() =>
      this.#scripts.cancel(this.#keys.scheduled(channel), id),
    )
    if (cancelled === 0) return false
    await this.#connection.run(() =>
      this.#connection.client.zadd(this.#keys.times, Date.now() + CANCELLED_FOR, nameOf(channel, id)),
    )
    return true
  }

  async conclude(channel: Channel, id: string): Promise<boolean> {
    const cancelled = await this.#connection.run(() =>
      this.#scripts.conclude(this.#keys.scheduled(channel), id),
    )
    if (cancelled === 1) return true
    await this.#forgetTime(channel, id)
    return false
  }

  /** The times that have come by `now`, the oldest first, without the first `from` of them. */
  async #noted(
    now: number,
    from: number,
    limit: number,
  ): Promise<{ channel: Channel; id: string; at: number }[]> {
    const { client } = this.#connection
    const flat = await this.#connection.run(() =>
      client.zrangebyscore(this.#keys.times, '-inf', now, 'WITHSCORES', 'LIMIT', from, limit),
    )
    return Array.from({ length: flat.length / 2 }, (_, index) => ({
      ...partsOf(flat[2 * index]!),
      at: Number(flat[2 * index + 1]),
    }))
  }

  async #forget(channel: Channel, id: string): Promise<void> {
    await this.#connection.run(() => this.#connection.client.hdel(this.#keys.scheduled(channel), id))
    await this.#forgetTime(channel, id)
  }

  async #forgetTime(channel: Channel, id: string): Promise<void> {
    await this.#connection.run(() => this.#connection.client.zrem(this.#keys.times, nameOf(channel, id)))
  }
}

/** An id has no space, so the first one ends it. */
const nameOf = (channel: Channel, id: string): string => `${id} ${channel}`

function partsOf(name: string): { channel: Channel; id: string } {
  const space = name.indexOf(' ')
  return { id: name.slice(0, space), channel: name.slice(space + 1) as Channel }
}
