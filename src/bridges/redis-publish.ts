import { isUtf8 } from 'node:buffer'
import { type Address, ephemeralEvent } from '../core/delivery/ephemeral-event.ts'
import { refuseDepth, tooDeep } from '../core/json/depth.ts'
import { parseExact } from '../core/json/exact-json.ts'
import { refuseProto } from '../core/json/proto.ts'
import { faultOfId, roomChannel } from '../core/model/channel.ts'
import { type BridgedEvent, type LiveParts, openLiveBridge } from './live.ts'

/** A rule that leads from channels of Redis to rooms. */
export interface PublishRule {
  /** A channel's name, or a prefix and one final `*`. */
  channel: string
  /** `*` in it stands for what the star of the channel matched. */
  room: string
  /** The event that the tabs get, with what was published as its only argument; undefined: a room message. */
  event?: string
  /** Replacements in the room's name, text by text, one after the other. */
  replace?: Readonly<Record<string, string>>
}

/** Delivers what is published on channels of Redis to rooms, by these rules. Returns what closes the bridge. */
export function openRedisPublishBridge(rules: readonly PublishRule[], parts: LiveParts): { close(): void } {
  const patterns = [...new Set(rules.map(({ channel }) => channel))]
  return openLiveBridge(
    patterns,
    (pattern, channel, message) =>
      rules.filter((rule) => rule.channel === pattern).map((rule) => readPublished(rule, channel, message)),
    parts,
  )
}

/** Reads a message by a rule. Throws an error that says what is wrong with it. */
function readPublished(rule: PublishRule, channel: string, message: Buffer): BridgedEvent {
  const room = roomOf(rule, channel)
  const fault = faultOfId(room)
  if (fault !== undefined) throw new Error(`the room ${fault}`)
  if (!isUtf8(message)) throw new Error('the message is not UTF-8')
  const value = jsonOrText(message.toString())
  refuseDepth(value)
  refuseProto(value)
  const to = [roomChannel(room)]
  if (rule.event !== undefined) return { publication: ephemeralEvent(rule.event, [value]), audience: { to } }
  const { socket, ...content } = contentOf(value)
  const payload = { room, ...content, createdAt: new Date().toISOString() }
  const except: Address[] = typeof socket === 'string' ? [`connection:${socket}`] : []
  return { publication: ephemeralEvent('message', [payload]), audience: { to, except } }
}

function roomOf({ channel: pattern, room, replace = {} }: PublishRule, channel: string): string {
  const matched = pattern.endsWith('*') ? channel.slice(pattern.length - 1) : ''
  return Object.entries(replace).reduce(
    (name, [from, to]) => name.replaceAll(from, () => to),
    room.replace('*', () => matched),
  )
}

/** The value that JSON stands for; anything else is text. */
function jsonOrText(text: string): unknown {
  try {
    return parseExact(text)
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep()
    return text
  }
}

interface Content {
  type: string
  body?: string
  data?: unknown
  /** The connection that is left out, as Laravel names it. */
  socket?: unknown
}

function contentOf(value: unknown): Content {
  if (typeof value === 'string') return { type: 'message', body: value }
  return isOfLaravel(value)
    ? { type: value.event, data: value.data, socket: value.socket }
    : { type: 'message', data: value }
}

/** True for a message of Laravel's Redis broadcaster. */
function isOfLaravel(value: unknown): value is { event: string; data: unknown; socket?: unknown } {
  if (typeof value !== 'object' || value === null) return false
  const { event, data, socket: _, ...others } = value as Record<string, unknown>
  return typeof event === 'string' && data !== undefined && Object.keys(others).length === 0
}
