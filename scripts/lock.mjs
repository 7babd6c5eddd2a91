import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * Runs `work` while no other process runs work under the same lock. The lock is a directory with one file, named after the process
 * that holds it; the file says the id of the child that does the work, if there is one. A lock whose processes are gone is taken over.
 * `work` gets a function to name its child; `onWait` is told once who is waited for.
 */
export async function withLock(directory, onWait, work) {
  const claim = join(directory, String(process.pid))
  for (let told = false; !tryLock(directory, claim); told = true) {
    if (!told) onWait(ownerOf(directory))
    await delay(100)
  }
  const release = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', release)
  try {
    return await work((childPid) => writeFileSync(claim, String(childPid)))
  } finally {
    process.removeListener('exit', release)
    release()
  }
}

function tryLock(directory, claim) {
  try {
    mkdirSync(directory)
    writeFileSync(claim, '')
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return takeOver(directory, claim)
    throw error
  }
}

function takeOver(directory, claim) {
  try {
    const owner = ownerOf(directory)
    if (owner === undefined) {
      // Its maker has not signed it yet, or died before it could.
      if (Date.now() - statSync(directory).mtimeMs > 2000) rmdirSync(directory)
      return false
    }
    const held = join(directory, owner)
    // Killed with SIGKILL, a set-up leaves its npm running: two of them in one directory would ruin it.
    if ([owner, readFileSync(held, 'utf8')].some(isRunning)) return false
    // Of several that see the same dead owner, the rename succeeds for one.
    renameSync(held, claim)
    return true
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTEMPTY') return false
    throw error
  }
}

function ownerOf(directory) {
  try {
    return readdirSync(directory)[0]
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

function isRunning(pid) {
  // A lock with our own id comes from an earlier process, of another container for instance.
  if (pid === '' || Number(pid) === process.pid) return false
  try {
    return process.kill(Number(pid), 0)
  } catch (error) {
    return error.code === 'EPERM'
  }
}
