import { readdir } from 'node:fs/promises'
import { get } from 'node:http'
import { json } from 'node:stream/consumers'
import { idOfSocketPath, socketPathOf, type WorkerProcess } from './worker-process.ts'

/** What a process is asked for at its side door. No path of Socket.IO can have a colon. */
export const QUESTION = '/:tell'

/** How long a sibling may take to answer, in milliseconds. */
const PATIENCE = 1000

/** Asks every other process of this machine. What does not answer in time, such as one that has just died, is left out. */
export async function askSiblings({ folder, id }: WorkerProcess): Promise<unknown[]> {
  const others = (await readdir(folder))
    .map(idOfSocketPath)
    .filter((other) => other !== undefined && other !== id)
  const answers = await Promise.allSettled(others.map((other) => ask(socketPathOf(folder, other!))))
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
}

function ask(socketPath: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  get({ socketPath, path: QUESTION, agent: false, signal: AbortSignal.timeout(PATIENCE) }, (response) => {
    json(response).then(resolve, reject)
  }).once('error', reject)
  return promise
}
