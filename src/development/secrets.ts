import { hash, randomBytes, randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credentials } from '../config/rules.ts'

/** Secrets that a development server made for itself. */
export interface DevelopmentSecrets {
  apiKey: string
  jwtSecret: string
  /** A sentence for the operator about where they come from. */
  note: string
}

const FILE = 'development.json'

/**
 * Loads the secrets of a directory, which are made if it has none. Several processes that start at once end up with the same: each writes a
 * file of its own and links it into place, which succeeds for one of them. Without a directory, or if it cannot be written, the secrets end
 * with the process.
 */
export function loadDevelopmentSecrets(directory: string | undefined): DevelopmentSecrets {
  if (directory === undefined)
    return { ...make(), note: 'Development secrets were made for this process only; they end with it.' }
  const path = join(directory, FILE)
  try {
    const secrets = read(path) ?? create(directory, path)
    return { ...secrets, note: `Development secrets are kept in ${path}.` }
  } catch (error) {
    const reason = (error as Error).message
    return { ...make(), note: `Development secrets end with this process: they cannot be kept (${reason}).` }
  }
}

/** The credentials of a process, complete. */
export interface CompletedCredentials {
  credentials: Credentials
  /** The API key of development, if one was needed. */
  apiKey: string | undefined
  /** A sentence for the operator about the secrets that were made, if any were. */
  note: string | undefined
}

/** Completes the credentials of the configuration with secrets of development; see `loadDevelopmentSecrets`. */
export function completeCredentials(
  credentials: Credentials,
  directory: string | undefined,
): CompletedCredentials {
  const { apiKeys, jwtSecrets, jwtPublicKeys, jwksUrl } = credentials
  const wantsKey = apiKeys.length === 0
  const wantsSecret = jwtSecrets.length === 0 && jwtPublicKeys.length === 0 && jwksUrl === undefined
  if (!wantsKey && !wantsSecret) return { credentials, apiKey: undefined, note: undefined }
  const secrets = loadDevelopmentSecrets(directory)
  const sha256 = hash('sha256', secrets.apiKey, 'buffer')
  const scopes = new Set(['admin'] as const)
  return {
    credentials: {
      ...credentials,
      ...(wantsKey ? { apiKeys: [{ name: 'development', sha256, scopes }] } : {}),
      ...(wantsSecret ? { jwtSecrets: [secrets.jwtSecret] } : {}),
    },
    apiKey: wantsKey ? secrets.apiKey : undefined,
    note: secrets.note,
  }
}

type Stored = Pick<DevelopmentSecrets, 'apiKey' | 'jwtSecret'>

const make = (): Stored => ({
  apiKey: randomBytes(32).toString('base64url'),
  jwtSecret: randomBytes(32).toString('base64url'),
})

function read(path: string): Stored | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const { apiKey, jwtSecret } = JSON.parse(text) as Record<string, unknown>
  if (typeof apiKey !== 'string' || typeof jwtSecret !== 'string' || jwtSecret.length < 32)
    throw new Error(`${path} has no valid secrets: delete it`)
  return { apiKey, jwtSecret }
}

function create(directory: string, path: string): Stored {
  mkdirSync(directory, { recursive: true })
  const own = `${path}.${randomUUID()}`
  const secrets = make()
  writeFileSync(own, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(own, path)
    return secrets
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return read(path)!
  } finally {
    rmSync(own)
  }
}
