/** The thread that writes the log of a database back into its file: each message is one checkpoint that waits for nobody, the last one ends it. */
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { Order, Report } from './checkpoints.ts'

const port = parentPort!
// A file that is not there any more is not made anew.
const location = pathToFileURL(resolve((workerData as { path: string }).path))
location.searchParams.set('mode', 'rw')
const database = new DatabaseSync(location, { timeout: 0 })
const checkpoint = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')

port.on('message', (order: Order) => {
  if (order === 'end') {
    database.close()
    port.close()
    return
  }
  const report: Report = {}
  try {
    checkpoint.get()
  } catch (error) {
    report.error = error as Error
  }
  port.postMessage(report)
})
