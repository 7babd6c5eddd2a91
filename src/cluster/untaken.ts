import type { Worker } from 'node:cluster'

interface Handle {
  close(): void
}

/**
 * Closes the connection that is on its way to a worker when the worker dies. Node hands a worker one at a time, and keeps it open until the
 * worker has taken it; a dead worker never does, and the client would wait for ever.
 */
export function closeUntaken({ process: child }: Worker): void {
  const send = child.send
  let last: Handle | undefined
  child.send = (...args: unknown[]): boolean => {
    if (isHandle(args[1])) last = args[1]
    return Reflect.apply(send, child, args)
  }
  // A connection that was taken has been closed here before; closing it again does nothing.
  child.once('exit', () => last?.close())
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
