import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const run = promisify(execFile)

// Debian has it where the PATH of a user who is not root does not lead.
const env = { ...process.env, PATH: `${process.env.PATH}${delimiter}/usr/sbin` }

export interface Nginx {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/**
 * Checks a file of deploy/ with nginx itself and runs it on a free port of loopback. Names are replaced that only a network of
 * containers has: `hosts` maps `api:3000` to `127.0.0.1:12345`.
 */
export async function startNginx(hosts: Record<string, string>, name = 'nginx.conf'): Promise<Nginx> {
  const dir = await mkdtemp(join(tmpdir(), 'tabcast-nginx-'))
  // Started by root, its workers are somebody else, and keep large bodies there.
  await chmod(dir, 0o755)
  const port = await freePort()
  const file = join(dir, 'nginx.conf')
  const given = await readFile(join(import.meta.dirname, '../../../deploy', name), 'utf8')
  await writeFile(file, localConfiguration(given, dir, port, hosts))
  const args = ['-p', dir, '-c', file, '-e', 'stderr']
  try {
    await run('nginx', [...args, '-t'], { env })
    const child = spawn('nginx', args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
    running.add(child)
    child.once('exit', () => running.delete(child))
    await listens(child, port)
    return {
      url: `http://127.0.0.1:${port}`,
      port,
      async stop() {
        if (child.exitCode === null) {
          const exited = once(child, 'exit')
          child.kill('SIGTERM')
          await exited
        }
        await rm(dir, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM')
})

function localConfiguration(given: string, dir: string, port: number, hosts: Record<string, string>): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${dir}/${name};`,
  )
  let text = `daemon off; pid ${dir}/pid; error_log stderr emerg; ${given}`
    .replace('listen 80;', `listen 127.0.0.1:${port};`)
    .replace('http {', `http { access_log off; ${folders.join(' ')}`)
  for (const [name, address] of Object.entries(hosts)) {
    if (!text.includes(`server ${name} `)) throw new Error(`the configuration knows no server ${name}`)
    text = text.replaceAll(`server ${name} `, `server ${address} `)
  }
  return text
}

async function listens(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch {
      // Nothing says that it has begun to listen, so it is asked.
      await delay(20)
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`nginx ended with ${child.exitCode}`)
}
