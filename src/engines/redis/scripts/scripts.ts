import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import { type Argument, Script } from '../links/script.ts'
import type { ScriptedClient } from './calls.ts'

/** Eight random characters: the incarnation of a log, if the call founds one. */
export const newIncarnation = (): string => randomBytes(6).toString('base64url')

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')

/** The files that a script may need, in this order: together they are the body of the function `library` in front of it, see log.lua. */
const LIBRARIES = {
  room: ['log', 'stream'],
  user: ['log', 'times', 'inbox', 'inbox-log', 'replace', 'adopt'],
  any: ['log', 'stream', 'times', 'inbox', 'inbox-log', 'replace', 'adopt'],
} as const

/** The files that are put in front of a script as they are. */
const PRELUDES = { none: [], webhooks: ['webhooks'], presence: ['presence'] } as const

/** What goes before each script, by its file: the name of the command, and the number of its keys; with `n` the caller gives that number first. */
const SCRIPTS: Readonly<Record<string, keyof typeof LIBRARIES | keyof typeof PRELUDES>> = {
  'publish-n': 'any',
  'notify-n': 'user',
  'mark-n': 'user',
  'withdraw-n': 'user',
  'list-n': 'user',
  'acknowledge-n': 'none',
  'expire-n': 'user',
  'note-end-1': 'none',
  'note-next-end-1': 'none',
  'schedule-2': 'none',
  'cancel-1': 'none',
  'conclude-1': 'none',
  'put-webhook-2': 'webhooks',
  'take-webhooks-2': 'webhooks',
  'hasten-webhooks-2': 'webhooks',
  'give-back-webhook-2': 'webhooks',
  'room-log-n': 'room',
  'user-log-n': 'user',
  'announce-n': 'user',
  'enter-n': 'user',
  'heartbeat-2': 'none',
  'revoke-1': 'none',
  'grant-n': 'user',
  'state-presence-4': 'presence',
  'remove-presence-4': 'presence',
}

/** The text of a script with what goes before it. */
function textOf(file: string, before: keyof typeof LIBRARIES | keyof typeof PRELUDES): string {
  if (before in PRELUDES) return [...PRELUDES[before as keyof typeof PRELUDES], file].map(read).join('')
  const library = LIBRARIES[before as keyof typeof LIBRARIES].map(read).join('')
  return `local function library()\n${library}return lib\nend\n${read(file)}`
}

/** The command of a file: `listInbox` for `list-inbox-8`. */
const commandOf = (file: string): string =>
  file.slice(0, file.lastIndexOf('-')).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The scripts as functions that run them on a client: one whose name ends in `Buffer` resolves to Buffers. */
export function withScripts(client: Redis | Cluster): ScriptedClient {
  const scripts: Record<string, (...args: Argument[]) => Promise<unknown>> = {}
  for (const [file, before] of Object.entries(SCRIPTS)) {
    const keys = Number(file.split('-').at(-1))
    const script = new Script(client, textOf(file, before))
    const define = (name: string, encoding?: 'utf8'): void => {
      scripts[name] = Number.isNaN(keys)
        ? (...args) => script.run(args, encoding)
        : (...args) => script.run([keys, ...args], encoding)
    }
    define(commandOf(file), 'utf8')
    define(`${commandOf(file)}Buffer`)
  }
  return scripts as unknown as ScriptedClient
}
