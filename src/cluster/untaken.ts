import type { Worker } from 'node:cluster'

interface Handle {
  close(): void
}

/**
 * Closes the connection that was on its way to a worker when it died. Node gives a worker one at a time and keeps it open until the worker
 * has taken it; one that died never does, and the client would wait for ever.
 */
export function closeUntaken({ process: child }: Worker): void {
  const send = child.send
  let last: Handle | undefined
  child.send = (...args: unknown[]): boolean => {
    if (isHandle(args[1])) last = args[1]
    return Reflect.apply(send, child, args)
  }
  // What was taken has been closed here before; to close it again does nothing.
  child.once('exit', () => last?.close())
}

const isHandle = (value: unknown): value is Handle =>
  typeof value === 'object' && value !== null && 'close' in value && typeof value.close === 'function'
