import { until } from '../until.ts'
import { type RedisServer, type RedisServerOptions, startRedis } from './redis.ts'

/** The master's name for the Sentinels. */
const NAME = 'tabcast-test'

export interface RedisSentinel {
  /** `redis-sentinel://…/name`. */
  readonly url: string
  /** One master and two replicas, in the order in which they began. */
  readonly servers: readonly RedisServer[]
  readonly sentinels: readonly RedisServer[]
  /** The master that most Sentinels agree on. */
  master(): Promise<RedisServer>
  /** Resolves when both replicas have all that was written to the first master. */
  replicated(): Promise<void>
  /** The replicas lose the first master: nobody can sign in to it any more, while who is connected stays so and may go on writing. */
  cutReplicas(): Promise<void>
  /** After `cutReplicas`: the Sentinels lose the first master as well, and begin to replace it. */
  cutSentinels(): Promise<void>
  stop(): Promise<void>
}

/** A master with two replicas and three Sentinels that replace it after half a second; resolves when all know one another. */
export async function startRedisSentinel(options: RedisServerOptions = {}): Promise<RedisSentinel> {
  const password = options.password ?? 'the-password'
  const first = await startRedis({ ...options, password })
  const settings = { ...options.settings, replicaof: `127.0.0.1 ${first.port}` }
  const replicas = await Promise.all([1, 2].map(() => startRedis({ ...options, password, settings })))
  const servers = [first, ...replicas]
  await until(
    async () => (await first.cli('info', 'replication')).match(/state=online/g)?.length === 2,
    10_000,
  )
  const sentinels = await Promise.all(
    [1, 2, 3].map(() =>
      startRedis({
        sentinel: [
          `sentinel monitor ${NAME} 127.0.0.1 ${first.port} 2`,
          `sentinel auth-pass ${NAME} "${password}"`,
          `sentinel down-after-milliseconds ${NAME} 500`,
          `sentinel failover-timeout ${NAME} 3000`,
        ],
      }),
    ),
  )
  for (const sentinel of sentinels)
    await until(async () => {
      const known = await sentinel.cli('sentinel', 'master', NAME)
      return /num-other-sentinels\s+2\s/.test(known) && /num-slaves\s+2\s/.test(known)
    }, 15_000)

  /** Closes the connections of the first master that a line of its list matches. */
  const kick = async (kind: RegExp): Promise<void> => {
    const other = ['-a', 'another-password', 'client']
    for (const line of (await first.cli(...other, 'list')).split('\n'))
      if (kind.test(line)) await first.cli(...other, 'kill', 'id', /id=(\d+)/.exec(line)![1]!)
  }
  const hosts = sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
  return {
    url: `redis-sentinel://:${encodeURIComponent(password)}@${hosts}/${NAME}`,
    servers,
    sentinels,
    async master() {
      const ports = await Promise.all(
        sentinels.map(async (sentinel) =>
          Number((await sentinel.cli('sentinel', 'get-master-addr-by-name', NAME)).split('\n')[1]),
        ),
      )
      const agreed = servers.find(({ port }) => ports.filter((other) => other === port).length > 1)
      if (agreed === undefined) throw new Error('the Sentinels do not agree on a master')
      return agreed
    },
    async replicated() {
      const info = (): Promise<string> => first.cli('info', 'replication')
      const written = Number(/master_repl_offset:(\d+)/.exec(await info())![1])
      await until(async () => {
        const received = [...(await info()).matchAll(/state=online,offset=(\d+),/g)]
        return received.filter(([, offset]) => Number(offset) >= written).length === 2
      }, 5000)
    },
    async cutReplicas() {
      await first.cli('config', 'set', 'requirepass', 'another-password')
      await kick(/ flags=S/)
    },
    cutSentinels: () => kick(/ name=sentinel-/),
    async stop() {
      await Promise.all([...sentinels, ...servers].map((server) => server.stop()))
    },
  }
}
