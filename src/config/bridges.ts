/** The bridges for those who speak to Redis already: each is closed until its variable is set. */

import { faultOfEvent } from '../core/delivery/ephemeral-event.ts'
import { parseExact } from '../core/json/exact-json.ts'
import type { Environment } from './variables.ts'

/** A rule that leads from channels of Redis to rooms. */
export interface PublishRule {
  /** A channel's name, or a prefix and one final `*`. */
  channel: string
  /** `*` in it stands for what the star of the channel matched. */
  room: string
  /** The event that the tabs get; undefined: a room message. */
  event?: string
  /** Replacements in the room's name, text by text, one after the other. */
  replace?: Readonly<Record<string, string>>
}

/** The settings of the bridges: which are open, and what each needs. */
export interface BridgeSettings {
  /** The rules; none: closed. */
  redisPublish: readonly PublishRule[]
  /** The name of the stream; undefined: closed. */
  redisStream: string | undefined
  /** The key of the emitters; undefined: closed. */
  socketioEmitter: string | undefined
}

/** Reads the variables of the bridges, and notes what is wrong with them. */
export function bridgesOf(env: Environment, engine: 'embedded' | 'redis', faults: string[]): BridgeSettings {
  for (const name of ['BRIDGE_REDIS_PUBLISH', 'BRIDGE_REDIS_STREAM', 'BRIDGE_SOCKETIO_EMITTER'] as const)
    if (engine === 'embedded' && env[name] !== undefined)
      faults.push(`${name} is set, but that bridge listens to Redis: set REDIS_URL too, or leave it out`)
  return {
    redisPublish: rulesOf(env.BRIDGE_REDIS_PUBLISH, faults),
    redisStream: env.BRIDGE_REDIS_STREAM,
    socketioEmitter: env.BRIDGE_SOCKETIO_EMITTER,
  }
}

const EXAMPLE = '[{"channel": "news.*", "room": "*"}]'

function rulesOf(text: string | undefined, faults: string[]): PublishRule[] {
  if (text === undefined) return []
  let rules: unknown
  try {
    rules = parseExact(text)
  } catch (error) {
    faults.push(`BRIDGE_REDIS_PUBLISH is not JSON (${(error as Error).message}): write ${EXAMPLE}`)
    return []
  }
  if (!Array.isArray(rules) || rules.length === 0) {
    faults.push(`BRIDGE_REDIS_PUBLISH must be a list of rules, such as ${EXAMPLE}`)
    return []
  }
  return rules.flatMap((rule: unknown, index) => {
    const fault = faultOfRule(rule)
    if (fault === undefined) return [rule as PublishRule]
    faults.push(`BRIDGE_REDIS_PUBLISH: rule ${index + 1} ${fault}`)
    return []
  })
}

function faultOfRule(rule: unknown): string | undefined {
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) return 'must be an object'
  const { channel, room, event, replace = {}, ...others } = rule as Record<string, unknown>
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) return `has "${unknown}", which is not known`
  for (const [name, value] of Object.entries({ channel, room }))
    if (typeof value !== 'string' || value === '') return `needs a "${name}", which is text`
  if (/\*./.test(channel as string))
    return 'has a channel with a * before its end; only the last character may be one'
  const stars = (room as string).split('*').length - 1
  if (stars > 1) return 'has a room with more than one *'
  if (stars === 1 && !(channel as string).endsWith('*')) return 'has a * in its room and none in its channel'
  const fault = event === undefined ? undefined : faultOfEvent(event)
  if (fault !== undefined) return `has an event that ${fault}`
  const isText = (value: unknown): boolean => typeof value === 'string'
  const pairs = typeof replace === 'object' && replace !== null ? Object.entries(replace) : [['', '']]
  if (pairs.some(([from, to]) => from === '' || !isText(to)))
    return 'has a "replace" that is not an object from text to text'
  return undefined
}
