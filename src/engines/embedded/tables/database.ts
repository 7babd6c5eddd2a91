import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OperatorError } from '../../../core/model/errors.ts'
import { MIGRATIONS } from './migrations.ts'
import { SCHEMA, SCHEMA_VERSION } from './schema.ts'

/** `process`: what was acknowledged survives a killed process. `power`: a power cut as well. */
export type Durability = 'process' | 'power'

/** The path of a database that lives in memory and ends with the process. */
export const IN_MEMORY = ':memory:'

/** `Tabc`: the program that a file belongs to, in SQLite's header (`PRAGMA application_id`). */
const APPLICATION_ID = 0x54616263

const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

/**
 * Opens a file, or creates it, and locks it until the database is closed or the process has ended, in whatever way.
 * Throws an `OperatorError` if the file is open in another process or is not Tabcast's.
 */
export function openDatabase(path: string, durability: Durability): DatabaseSync {
  if (path !== IN_MEMORY) mkdirSync(dirname(path), { recursive: true })
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0 })
    // The lock is the operating system's, so that no dead process holds it. It also saves WAL its shared memory.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    prepareSchema(database, path)
    database.exec('COMMIT')
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${durability === 'power' ? 'FULL' : 'NORMAL'};
      PRAGMA wal_autocheckpoint = 4000;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -32768;
    `)
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    throw explain(error as Error & { errcode?: number }, path)
  }
}

/** Looks before it writes: a database of another program is left as it was. */
function prepareSchema(database: DatabaseSync, path: string): void {
  const application = pragma(database, 'application_id')
  const version = pragma(database, 'user_version')
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return
  if (application === APPLICATION_ID && Number(version) < SCHEMA_VERSION) {
    for (let from = Number(version); from < SCHEMA_VERSION; from++) database.exec(MIGRATIONS[from]!)
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    return
  }
  if (application === APPLICATION_ID)
    throw new OperatorError(
      `${path} has schema version ${version}, and this Tabcast knows ${SCHEMA_VERSION}. Use the version of Tabcast that wrote it, or choose another file.`,
    )
  if (application !== 0 || database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined)
    throw new OperatorError(`${path} is a database of another program. Choose another file.`)
  database.exec(SCHEMA)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`)
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name]
}

function explain(error: Error & { errcode?: number }, path: string): Error {
  if (error.errcode === SQLITE_BUSY)
    return new OperatorError(
      `${path} is open in another process, and only one may serve it. Stop that process, or choose another file.`,
      { cause: error },
    )
  if (error.errcode === SQLITE_NOTADB)
    return new OperatorError(`${path} is not a database. Choose another file.`, { cause: error })
  if (error.errcode !== undefined)
    return new OperatorError(`${path} cannot be opened as a database: ${error.message}.`, { cause: error })
  return error
}
