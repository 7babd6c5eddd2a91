import { startNode } from '../../test/support/programs/tabcast.ts'
import { ANNOUNCEMENT, type Contestant, jsonTarget, NOTIFICATION } from './contestant.ts'

/** Fastify that takes the same body and answers 201, and does nothing else: it has no tabs. */
export async function startBareFastify(): Promise<Contestant> {
  const server = await startNode('bench/contestants/bare-server.ts')
  return { ...contestant('bare Fastify', server.port, NOTIFICATION), ...lifeOf(server) }
}

/** `ws` with one shared frame per message: it has no users. `text` is sent as it is; as long as what others send, unless given. */
export async function startRawWs(text?: string): Promise<Contestant> {
  const server = await startNode('bench/contestants/raw-ws-server.ts')
  const { broadcast, ...rest } = contestant('raw ws', server.port, ANNOUNCEMENT)
  return {
    ...rest,
    ...lifeOf(server),
    broadcast: text === undefined ? broadcast : { ...broadcast, body: text },
  }
}

function contestant(name: string, port: number, content: unknown): Omit<Contestant, 'roles' | 'stop'> {
  return {
    name,
    notify: jsonTarget(port, '/notify/{user}', content),
    broadcast: jsonTarget(port, '/', content),
    tab: () => ({ protocol: 'websocket', port, path: '/' }),
  }
}

function lifeOf({ pid, kill }: { pid: number; kill(): Promise<void> }): Pick<Contestant, 'roles' | 'stop'> {
  return { roles: { server: [pid] }, stop: kill }
}
