import { hash, randomUUIDv7 } from 'node:crypto'
import { type Channel, roomChannel, userChannel } from './channel.ts'
import type { Broker, Published } from './engine.ts'
import { type Fault, ServiceError } from './errors.ts'
import type { ItemDraft } from './inbox.ts'
import {
  alerts,
  courseOf,
  faultsOfMessage,
  faultsOfNotification,
  MAX_TTL_SECONDS,
  type MessageInput,
  type NotificationInput,
  notificationContent,
} from './notification.ts'
import type { Draft, Idempotency, PublicationEvent } from './publication.ts'

/** What a caller may add to a publish. */
export interface PublishOptions {
  /** Who calls: one caller's idempotency keys do not meet another's. */
  credential: string
  idempotencyKey?: string | undefined
  /** The connection that is left out of the live delivery. */
  exceptConnection?: string | undefined
  /** The process that waits to hear of the first acknowledgement; see `Deliveries`. */
  waiter?: string | undefined
}

/** What the server says to itself on a user's log, so that a lost bell is repaired like that of any other publication. */
export interface Control {
  action: 'disconnect'
}

/**
 * The one way in: checks what is to be said, stamps it with an id and the time, and hands it to the log.
 */
export class Publisher {
  readonly #broker: Broker
  readonly #maxWaiting: number
  #waiting = 0

  /** `maxWaiting`: how many publishes may wait for the engine; what comes beyond them is refused. */
  constructor(broker: Broker, maxWaiting = Number.POSITIVE_INFINITY) {
    this.#broker = broker
    this.#maxWaiting = maxWaiting
  }

  /** Whether a publish would be refused now, because too many wait already. */
  get isFull(): boolean {
    return this.#waiting >= this.#maxWaiting
  }

  /** Notifies a user. Rejects with `invalid_request`, `idempotency_conflict`, `overloaded`, or an engine's error. */
  async notify(user: string, input: NotificationInput, options: PublishOptions): Promise<Published> {
    const content = JSON.stringify(notificationContent(input))
    refuse(faultsOfNotification(input, content))
    const { ttl = MAX_TTL_SECONDS, version } = input
    const now = Date.now()
    const expiresAt = now + ttl * 1000
    const course = courseOf(input)
    const parts = {
      now,
      content,
      // A version is no part of the content, since the store may give another one.
      fingerprinted: `${content}${ttl}${version === undefined ? '' : ` ${version}`}`,
      expiresAt: input.ttl === undefined ? 0 : expiresAt,
    }
    if (ttl === 0) {
      const times = `"createdAt":"${iso(now)}","updatedAt":"${iso(now)}","expiresAt":"${iso(now)}"`
      return this.#publish(userChannel(user), 'notification', options, {
        ...parts,
        stamp: `,"version":1,${times}`,
        tail: `,"alert":${alerts(input)}}]`,
        stored: false,
      })
    }
    const { type = 'message', category, tag, renotify = false } = input
    return this.#publish(userChannel(user), course === 'running' ? 'progress' : 'notification', options, {
      ...parts,
      stamp: '',
      tail: '',
      stored: true,
      item: {
        type,
        course,
        renotify,
        alert: alerts(input),
        content: content.slice(1, -1),
        updatedAt: iso(now),
        expiresAt: isoExpiry(expiresAt),
        ...(category === undefined ? {} : { category }),
        ...(tag === undefined ? {} : { tag }),
        ...(version === undefined ? {} : { version }),
        ...(options.waiter === undefined ? {} : { waiter: options.waiter }),
      },
    })
  }

  /**
   * Says something in a room. `from` is the speaking user's id, and is never taken from the message itself. Rejects like `notify`.
   */
  async message(
    room: string,
    input: MessageInput,
    options: PublishOptions,
    from?: string,
  ): Promise<Published> {
    const { type = 'message', body, data } = input
    const content = JSON.stringify({ room, type, from, body, data })
    refuse(faultsOfMessage(input, content))
    const now = Date.now()
    return this.#publish(roomChannel(room), 'message', options, {
      now,
      content,
      fingerprinted: content,
      stamp: `,"createdAt":"${iso(now)}"`,
      tail: '}]',
      stored: true,
      expiresAt: 0,
    })
  }

  /** Tells every process that serves the user to do something; no tab is shown it, and it is never refused for want of room. */
  async control(user: string, control: Control): Promise<void> {
    const now = Date.now()
    const content = JSON.stringify(control)
    await this.#publish(
      userChannel(user),
      'control',
      { credential: '' },
      {
        now,
        content,
        fingerprinted: content,
        stamp: '',
        tail: '}]',
        stored: true,
        expiresAt: 0,
      },
    )
  }

  async #publish(
    channel: Channel,
    event: PublicationEvent,
    options: PublishOptions,
    parts: Parts,
  ): Promise<Published> {
    // What would wait for longer than its caller is promised an answer is better refused at once.
    if (this.isFull && event !== 'control')
      throw new ServiceError('overloaded', 'too many publishes are waiting to be stored')
    const id = randomUUIDv7()
    const draft: Draft = {
      channel,
      id,
      event,
      head:
        parts.item === undefined
          ? `["${event}",{"id":"${id}",${parts.content.slice(1, -1)}${parts.stamp}`
          : '',
      tail: parts.tail,
      stored: parts.stored,
      createdAt: parts.now,
      expiresAt: parts.expiresAt,
    }
    if (parts.item !== undefined) draft.item = parts.item
    if (options.exceptConnection !== undefined) draft.except = options.exceptConnection
    if (options.idempotencyKey !== undefined)
      draft.idempotency = idempotency(options.credential, options.idempotencyKey, parts.fingerprinted)
    this.#waiting++
    try {
      return await this.#broker.publish(draft)
    } finally {
      this.#waiting--
    }
  }
}

interface Parts {
  now: number
  content: string
  fingerprinted: string
  stamp: string
  tail: string
  stored: boolean
  expiresAt: number
  item?: ItemDraft
}

function refuse(faults: Fault[]): void {
  if (faults.length > 0)
    throw new ServiceError(
      'invalid_request',
      faults.map(({ pointer, detail }) => `${pointer} ${detail}`.trim()).join('; '),
      {
        faults,
      },
    )
}

function idempotency(credential: string, key: string, body: string): Idempotency {
  // The length in front keeps ('a', 'bc') and ('ab', 'c') apart.
  return {
    key: hash('sha256', `${credential.length}:${credential}${key}`, 'base64url'),
    fingerprint: hash('sha256', body, 'base64url'),
  }
}

/** RFC 3339, in UTC. Many publications share a millisecond, so the last text is kept. */
function createFormat(): (time: number) => string {
  let lastTime = Number.NaN
  let lastText = ''
  return (time) => {
    if (time !== lastTime) {
      lastTime = time
      lastText = new Date(time).toISOString()
    }
    return lastText
  }
}

const iso = createFormat()
/** Most expire the same time after they were made. */
const isoExpiry = createFormat()
