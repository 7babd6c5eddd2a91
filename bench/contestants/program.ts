import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Debian has nginx where the PATH of a user who is not root does not lead. */
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
/** How long a program may take until it listens, in milliseconds. */
const PATIENCE = 20_000

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM')
})

/** A program that is not ours, and that listens on a port of loopback. */
export interface Program {
  readonly pid: number
  stop(): Promise<void>
}

/** Starts a program; resolves when it listens, and rejects with what it printed if it ends before. */
export async function startProgram(command: string, args: readonly string[], port: number): Promise<Program> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed = (printed + text).slice(-5000)
    })
  const exited = once(child, 'exit').then(
    () => running.delete(child),
    (error: Error) => {
      printed += error.message
    },
  )
  for (const deadline = Date.now() + PATIENCE; !(await isListening(port)); await delay(20))
    if (child.exitCode !== null || child.pid === undefined || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${command} does not listen on port ${port}:\n${printed}`)
    }
  return {
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return once(socket, 'connect')
    .then(
      () => true,
      () => false,
    )
    .finally(() => socket.destroy())
}
