import { backoff } from './backoff.ts'
import { isTemporary } from './faults.ts'

/**
 * Calls `ask` until the engine answers: while it is away, which its probe reports, it is asked again and again. Resolves to undefined when
 * `isOver` says that the answer is no longer wanted. Rejects with what does not pass by itself.
 */
export async function whileAway<T>(ask: () => Promise<T>, isOver: () => boolean): Promise<T | undefined> {
  for (let attempt = 0; !isOver(); attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (!isTemporary(error)) throw error
      await backoff(attempt)
    }
  }
  return undefined
}
