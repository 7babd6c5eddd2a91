import cluster, { type Worker } from 'node:cluster'
import { rmdirSync } from 'node:fs'
import { OperatorError } from '../core/model/errors.ts'
import type { FromParent, FromWorker } from './messages.ts'
import type { WorkerProcess } from './worker-process.ts'

/** Milliseconds between two reports of how many connections there are. */
const REPORT_INTERVAL = 1000

/** What a worker has of the process that started it. */
export interface ParentLink<Orders> {
  readonly orders: Orders
  readonly self: WorkerProcess
  /** Tells that connections are taken; from then on the parent hears how many there are. */
  started(banner: string, connections: () => number): void
  /** Tells why there will be no start. Resolves when it has been sent. */
  failed(reason: string): Promise<void>
  /** Calls the listener once, when the parent wants a stop or has gone itself; the reason is for the log. */
  onStop(listener: (reason: string) => void): void
  /** To be called last: a parent that has gone leaves the folder to those that it started. */
  leave(): void
}

/** The link to the parent, with its orders; undefined in a process that nobody started as a worker. */
export async function linkToParent<Orders>(): Promise<ParentLink<Orders> | undefined> {
  const { worker } = cluster
  if (worker === undefined) return undefined
  const wantsStop = Promise.withResolvers<string>()
  const given = Promise.withResolvers<Extract<FromParent<Orders>, { kind: 'orders' }>>()
  worker.on('message', (message: FromParent<Orders>) => {
    if (message.kind === 'orders') given.resolve(message)
    else wantsStop.resolve('the parent stops')
  })
  worker.on('disconnect', () => {
    // Else Node ends the process right here.
    worker.exitedAfterDisconnect = true
    wantsStop.resolve('the parent has gone')
    given.reject(new OperatorError('The parent has gone.'))
  })
  tell(worker, { kind: 'hello' })
  const { orders, self } = await given.promise
  return {
    orders,
    self,
    started(banner, connections) {
      tell(worker, { kind: 'started', banner })
      report(worker, connections)
    },
    failed: (reason) => tell(worker, { kind: 'failed', reason }),
    onStop: (listener) => void wantsStop.promise.then(listener),
    leave() {
      if (!worker.isConnected()) removeIfEmpty(self.folder)
    },
  }
}

function report(worker: Worker, connections: () => number): void {
  let told = 0
  setInterval(() => {
    const count = connections()
    if (count === told) return
    told = count
    void tell(worker, { kind: 'connections', count })
  }, REPORT_INTERVAL).unref()
}

/** Resolves when it has been sent, or can't be: a parent that has gone is told of by the disconnect. */
function tell(worker: Worker, message: FromWorker): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (worker.isConnected()) worker.send(message, () => resolve())
  else resolve()
  return promise
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {
    // Somebody else is still in it, and will remove it.
  }
}
