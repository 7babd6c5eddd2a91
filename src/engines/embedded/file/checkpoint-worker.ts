/** The thread that writes the log of a database back into its file: each message is one checkpoint that waits for nobody, the last one ends it. */
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { Order, Report } from './checkpoints.ts'

const port = parentPort!
const database = new DatabaseSync((workerData as { path: string }).path, { timeout: 0 })
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
