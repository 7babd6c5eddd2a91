import { mkdirSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../../../core/model/errors.ts'
import { takeLock } from './lock.ts'
import { migrate } from './migrations.ts'
import { SCHEMA, SCHEMA_VERSION } from './schema.ts'

/** `process`: what was acknowledged survives a killed process. `power`: a power cut as well. */
export type Durability = 'process' | 'power'

/** The path of a database that lives in memory and ends with the process. */
export const IN_MEMORY = ':memory:'

/** `Tabc`: the program that a file belongs to, in SQLite's header (`PRAGMA application_id`). */
const APPLICATION_ID = 0x54616263

/** How long a statement waits for another program that writes into the file or makes a backup of it, in milliseconds. */
const TIMEOUT = 100

const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

/** An open database that no other process serves. */
export interface OpenDatabase {
  database: DatabaseSync
  /** Closes it, and lets others have it. */
  close(): void
}

/**
 * Opens a file, or creates it, and locks it until it is closed or the process has ended, in whatever way: other processes can read it then, and
 * none can serve it. Throws an `OperatorError` if the file is open in another process or is not Tabcast's.
 */
export function openDatabase(path: string, durability: Durability): OpenDatabase {
  if (path !== IN_MEMORY) mkdirSync(dirname(path), { recursive: true })
  let database: DatabaseSync | undefined
  let unlock: (() => void) | undefined
  try {
    database = new DatabaseSync(path, { timeout: TIMEOUT })
    // Before the lock, which is a new file: a database of another program is left alone, and so is its folder.
    isPrepared(database, path)
    unlock = path === IN_MEMORY ? () => undefined : lockFile(path)
    database.exec('BEGIN EXCLUSIVE')
    if (!isPrepared(database, path)) prepareSchema(database)
    database.exec('COMMIT')
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'};
      PRAGMA cache_size = -32768;
    `)
    const [opened, giveBack] = [database, unlock]
    return {
      database: opened,
      close() {
        if (opened.isOpen) opened.close()
        giveBack()
      },
    }
  } catch (error) {
    if (database?.isOpen) database.close()
    unlock?.()
    throw explain(error as Error, path)
  }
}

function lockFile(path: string): () => void {
  const real = realpathSync(path)
  if (statSync(real).nlink > 1)
    throw new OperatorError(
      `${path} has a second name (a hard link), under which another process could open it. Make a copy, or choose another file.`,
    )
  const unlock = takeLock(real)
  if (unlock === undefined) throw new OperatorError(inUse(path))
  return unlock
}

/** True if the database has the tables of this version, false if it is new or of an older one. Throws if it is somebody else's. */
function isPrepared(database: DatabaseSync, path: string): boolean {
  const application = pragma(database, 'application_id')
  const version = Number(pragma(database, 'user_version'))
  if (application === APPLICATION_ID && version > SCHEMA_VERSION)
    throw new OperatorError(
      `${path} has schema version ${version}, and this Tabcast knows ${SCHEMA_VERSION}. Use the version of Tabcast that wrote it, or choose another file.`,
    )
  if (application === APPLICATION_ID) return version === SCHEMA_VERSION
  if (application !== 0 || database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined)
    throw new OperatorError(`${path} is a database of another program. Choose another file.`)
  return false
}

function prepareSchema(database: DatabaseSync): void {
  if (pragma(database, 'application_id') === APPLICATION_ID)
    migrate(database, Number(pragma(database, 'user_version')), SCHEMA_VERSION)
  else database.exec(SCHEMA)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`)
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name]
}

const inUse = (path: string): string =>
  `${path} is open in another process, and only one may serve it. Stop that process, or choose another file.`

/** The error to show an operator whose file cannot be opened. */
export function explain(error: Error & { errcode?: number }, path: string): Error {
  if (error.errcode === SQLITE_BUSY) return new OperatorError(inUse(path), { cause: error })
  if (error.errcode === SQLITE_NOTADB)
    return new OperatorError(`${path} is not a database. Choose another file.`, { cause: error })
  if (error.errcode !== undefined)
    return new OperatorError(`${path} cannot be opened as a database: ${error.message}.`, { cause: error })
  return error
}
