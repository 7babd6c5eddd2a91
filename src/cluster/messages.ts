import type { WorkerProcess } from './worker-process.ts'

/** A message from a worker to its parent. */
export type FromWorker =
  /** It is ready for its orders. */
  | { kind: 'hello' }
  /** It takes connections. `banner` is for whoever started the parent. */
  | { kind: 'started'; banner: string }
  /** It cannot start; the reason is for the operator. */
  | { kind: 'failed'; reason: string }
  /** It has this many Socket.IO connections. */
  | { kind: 'connections'; count: number }

/** A message from a parent to a worker. */
export type FromParent<Orders> = { kind: 'orders'; orders: Orders; self: WorkerProcess } | { kind: 'stop' }
