import type { WorkerProcess } from './worker-process.ts'

/** What a worker tells its parent. */
export type FromWorker =
  /** It listens to orders now. */
  | { kind: 'hello' }
  /** It takes connections. `banner` is for whoever started the parent. */
  | { kind: 'started'; banner: string }
  /** It can't start, in words for the operator. */
  | { kind: 'failed'; reason: string }
  /** How many Socket.IO connections it has. */
  | { kind: 'connections'; count: number }

/** What a parent tells a worker. */
export type FromParent<Orders> = { kind: 'orders'; orders: Orders; self: WorkerProcess } | { kind: 'stop' }
