import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import { Instance } from './instance.ts'
import { Target } from './target.ts'

export type EngineName = 'redis' | 'embedded'

export const JWT_SECRET = 'p'.repeat(40)
export const API_KEY = 'api-key-of-the-proof-that-nothing-is-lost'

/** Entries that a room's log keeps: few, so that somebody who is away loses something now and then. */
export const ROOM_RETENTION = 100
/** More than a user gets in a run. */
export const USER_RETENTION = 100_000

/** Redis, as one that can be broken. */
export class RedisTarget extends Target {
  readonly server: RedisServer

  constructor(server: RedisServer) {
    super()
    this.server = server
  }
}

/** The processes under attack. */
export interface Stage {
  /** Those that take posts. */
  readonly apis: readonly Instance[]
  /** Those that tabs connect to. */
  readonly workers: readonly Instance[]
  readonly redis?: RedisTarget
  /** Ends all of them. */
  close(): Promise<void>
}

const COMMON = {
  API_KEYS: `prove:${API_KEY}`,
  JWT_SECRET,
  DRAIN_SECONDS: '1',
  RETENTION_COUNT: String(USER_RETENTION),
  ROOM_RETENTION_COUNT: String(ROOM_RETENTION),
}

/** Two APIs and three workers on a Redis that keeps what it acknowledged; or everything in one process on a file. */
export function startStage(engine: EngineName): Promise<Stage> {
  return engine === 'redis' ? startOnRedis() : startEmbedded()
}

async function startOnRedis(): Promise<Stage> {
  const server = await startRedis({ aof: true })
  const instances = await Promise.all(
    ['api', 'api', 'worker', 'worker', 'worker'].map((role) =>
      Instance.start({ ...COMMON, ROLE: role }, server.port),
    ),
  )
  return {
    apis: instances.slice(0, 2),
    workers: instances.slice(2),
    redis: new RedisTarget(server),
    async close() {
      await Promise.all(instances.map((instance) => instance.close()))
      await server.stop()
    },
  }
}

async function startEmbedded(): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'tabcast-prove-'))
  const instances = [await Instance.start({ ...COMMON, DATA: join(directory, 'tabcast.db') })]
  return {
    apis: instances,
    workers: instances,
    async close() {
      await instances[0]!.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
