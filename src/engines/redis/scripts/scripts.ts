import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Cluster, Redis } from 'ioredis'
import type { ScriptedClient } from './calls.ts'

/** Eight random characters: the incarnation of a log, if the call founds one. */
export const newIncarnation = (): string => randomBytes(6).toString('base64url')

const read = (name: string): string => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')

/** The files that are put in front of a script. */
const PRELUDES = {
  none: [],
  log: ['log'],
  inbox: ['log', 'inbox'],
  webhooks: ['webhooks'],
  presence: ['presence'],
} as const

/** The prelude of each script, by its file: the name of the command, and the number of its keys; with `n` the caller gives that number first. */
const SCRIPTS: Readonly<Record<string, keyof typeof PRELUDES>> = {
  'publish-5': 'log',
  'notify-n': 'inbox',
  'mark-8': 'inbox',
  'withdraw-8': 'inbox',
  'list-inbox-8': 'inbox',
  'acknowledge-3': 'inbox',
  'expire-8': 'inbox',
  'note-end-1': 'none',
  'note-next-end-1': 'none',
  'schedule-2': 'none',
  'cancel-1': 'none',
  'conclude-1': 'none',
  'put-webhook-2': 'webhooks',
  'take-webhooks-2': 'webhooks',
  'hasten-webhooks-2': 'webhooks',
  'give-back-webhook-2': 'webhooks',
  'read-log-3': 'log',
  'announce-3': 'log',
  'heartbeat-2': 'none',
  'revoke-1': 'none',
  'grant-4': 'log',
  'state-presence-4': 'presence',
  'remove-presence-4': 'presence',
}

/** The command of a file: `listInbox` for `list-inbox-8`. */
const commandOf = (file: string): string =>
  file.slice(0, file.lastIndexOf('-')).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** Defines the scripts as commands of a client, and returns it with their types. */
export function withScripts(client: Redis | Cluster): ScriptedClient {
  for (const [file, prelude] of Object.entries(SCRIPTS)) {
    const keys = Number(file.split('-').at(-1))
    const lua = [...PRELUDES[prelude], file].map(read).join('')
    client.defineCommand(commandOf(file), Number.isNaN(keys) ? { lua } : { numberOfKeys: keys, lua })
  }
  return client as unknown as ScriptedClient
}
