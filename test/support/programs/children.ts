import { readFile } from 'node:fs/promises'

/** The processes that a process has started and that are alive, oldest first; of a process that has gone, none. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .sort((a, b) => a - b)
}

/** True if a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
