import { Decoder, ExtData, ExtensionCodec } from '@msgpack/msgpack'
import { type Address, ephemeralEvent, faultOfEvent } from '../core/delivery/ephemeral-event.ts'
import { refuseDepth } from '../core/json/depth.ts'
import { rawNumber } from '../core/json/exact-json.ts'
import { faultOfId, roomChannel, userChannel } from '../core/model/channel.ts'
import { type BridgedEvent, type LiveParts, openLiveBridge } from './live.ts'

/** The type of a Socket.IO packet that is an event without binary arguments. */
const EVENT = 2

/** The most rooms that one event may name, and the most that it may except. */
export const MAX_EMITTER_ROOMS = 1000

/** The beginning of the name of a room that stands for one user. */
const USER_ROOM = 'user:'

/** notepack.io writes `undefined` as an extension of its own. */
const extensions = new ExtensionCodec()
extensions.register({ type: 0, encode: () => null, decode: () => undefined })
const decoder = new Decoder({ extensionCodec: extensions, useBigInt64: true })

/**
 * Delivers what `@socket.io/redis-emitter` and other emitters with its wire format publish: `[uid, packet, options]` as msgpack, on
 * `<key>#/#` or `<key>#/#<room>#`. `key` is the emitters' own, without the `#`. Returns what closes the bridge.
 */
export function openSocketioEmitterBridge(key: string, parts: LiveParts): { close(): void } {
  return openLiveBridge([`${key}#/#*`], (_pattern, _channel, message) => [readEmitted(message)], parts)
}

/** Reads what an emitter has published. Throws an error that says what is wrong with it. */
function readEmitted(message: Buffer): BridgedEvent {
  const [, packet, options] = listOf(decoder.decode(message), 'the message')
  const { type, data, nsp = '/' } = fieldsOf(packet, 'the packet')
  if (type !== EVENT) throw new Error('the packet is not an event without binary arguments')
  if (nsp !== '/') throw new Error('the namespace is not /')
  const [event, ...args] = listOf(data, 'data')
  const fault = faultOfEvent(event)
  if (fault !== undefined) throw new Error(`the name of the event ${fault}`)
  for (const arg of args) refuseDepth(arg)
  const { rooms, except } = fieldsOf(options ?? {}, 'options')
  const to = addressesOf(rooms)
  return {
    publication: ephemeralEvent(event as string, args.map(jsonOf)),
    audience: { to: to.length === 0 ? undefined : to, except: addressesOf(except) },
  }
}

/**
 * The addresses of rooms of Socket.IO. Each is a user, or both a room of Tabcast and the connection of that id: in Socket.IO, every socket is
 * in a room named after it.
 */
function addressesOf(rooms: unknown): Address[] {
  const names = listOf(rooms ?? [], 'the list of rooms')
  if (names.length > MAX_EMITTER_ROOMS) throw new Error(`it names more than ${MAX_EMITTER_ROOMS} rooms`)
  return names.flatMap((name): Address[] => {
    const fault = faultOfId(name)
    if (fault !== undefined) throw new Error(`a room ${fault}`)
    const room = name as string
    if (room.startsWith(USER_ROOM)) return [userChannel(room.slice(USER_ROOM.length))]
    return [roomChannel(room), `connection:${room}`]
  })
}

/** A decoded value in a form that JSON can hold, every integer exact. Throws if there is something binary in it. */
function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return rawNumber(String(value))
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (Array.isArray(value)) return value.map(jsonOf)
  if (value instanceof Uint8Array || value instanceof ExtData)
    throw new Error('binary arguments are not supported')
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonOf(inner)]))
}

function listOf(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${name} is not a list`)
  return value
}

function fieldsOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${name} is not an object`)
  return value as Record<string, unknown>
}
