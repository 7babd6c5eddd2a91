import { DatabaseSync } from 'node:sqlite'

const SQLITE_BUSY = 5

/**
 * Takes the lock that keeps a second process from a file: `<path>.lock` beside it, which SQLite locks with the operating system's means, so that
 * no dead process holds it. Returns a function that gives it back; undefined if somebody else has it. `path`: without symbolic links, so that
 * all who name the same file meet at the same lock.
 *
 * The database itself stays open for readers, such as a backup. The lock file stays when the lock is given back: whoever removed it could remove
 * one that was just taken.
 */
export function takeLock(path: string): (() => void) | undefined {
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 })
  try {
    // Nothing is written, and a journal on the disk would be left behind by a killed process.
    lock.exec('PRAGMA journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined
    throw error
  }
  return () => lock.close()
}
