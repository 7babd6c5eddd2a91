/** A load process: does the jobs that it is sent, and ends with whoever started it. Only `client.ts` starts it. */
import { jobs } from './jobs.ts'

interface Call {
  id: number
  job: keyof typeof jobs
  argument: never
}

process.on('message', async ({ id, job, argument }: Call) => {
  try {
    process.send!({ id, answer: await jobs[job](argument) })
  } catch (error) {
    process.send!({ id, error: String(error) })
  }
})
process.once('disconnect', () => process.exit())
