/** The name of one log: everything of a user, or everything of a room. */
export type Channel = `user:${string}` | `room:${string}`

/** The channel of a user. Ids are compared code unit by code unit: no case folding, no normalisation. */
export const userChannel = (user: string): Channel => `user:${user}`

/** The channel of a room. */
export const roomChannel = (room: string): Channel => `room:${room}`

/** The channel on which one process is woken. No user can have this id: it has a control character. */
export const processChannel = (name: string): Channel => userChannel(`\u0000process ${name}`)

/** True if a channel is a user's. */
export const isUserChannel = (channel: Channel): boolean => channel.startsWith('user:')

/** The id of the user or room that a channel belongs to. */
export const idOfChannel = (channel: Channel): string => channel.slice(5)

/** The most code points that an id may have. */
export const MAX_ID_LENGTH = 256

const CONTROL = /\p{Cc}/u

/**
 * The fault of a user or room id, as words that follow on its name; `undefined` if it has none.
 *
 * A lone surrogate is refused because SQLite and UTF-8 would turn two different ids into the same one.
 */
export function faultOfId(id: unknown): string | undefined {
  if (typeof id !== 'string') return 'must be a string'
  if (id === '') return 'must not be empty'
  if (!id.isWellFormed()) return 'must be well-formed Unicode (it has a lone surrogate)'
  if (CONTROL.test(id)) return 'must not have control characters'
  // A code point is one or two code units: only ids between the two bounds have to be counted.
  if (id.length > MAX_ID_LENGTH && (id.length > 2 * MAX_ID_LENGTH || [...id].length > MAX_ID_LENGTH))
    return `must have at most ${MAX_ID_LENGTH} characters`
  return undefined
}
