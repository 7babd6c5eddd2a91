import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { CommandConnection } from '../../../../src/engines/redis/links/command-connection.ts'
import { Script } from '../../../../src/engines/redis/links/script.ts'
import { report } from '../../../support/engines.ts'
import { type RedisServer, startRedis } from '../../../support/programs/redis.ts'

const COUNT = "redis.call('INCR', KEYS[1]) return {redis.call('GET', KEYS[1]), ARGV[1], ARGV[2]}"

async function connect(): Promise<{ redis: RedisServer; client: Redis }> {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const client = new Redis(redis.url)
  onTestFinished(() => client.disconnect())
  return { redis, client }
}

const callsOf = async ({ cli }: RedisServer, command: string): Promise<number> =>
  Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(await cli('info', 'commandstats'))?.[1] ?? 0)

test('a connection is sent the whole script once, and its hash from then on', async () => {
  const { redis, client } = await connect()
  const script = new Script(client, COUNT)
  for (let call = 1; call <= 20; call++)
    expect(await script.run([1, 'n', 'ü', call], 'utf8')).toEqual([String(call), 'ü', String(call)])
  expect(await callsOf(redis, 'eval')).toBe(1)
  expect(await callsOf(redis, 'evalsha')).toBe(19)
})

test('texts are Buffers without an encoding', async () => {
  const { client } = await connect()
  const reply = await new Script(client, COUNT).run([1, 'n', 'ü', 7])
  expect(reply).toEqual([Buffer.from('1'), Buffer.from('ü'), Buffer.from('7')])
})

test('a server that has lost the script is sent it again, and every call takes effect once', async () => {
  const { client, redis } = await connect()
  const script = new Script(client, COUNT)
  await script.run([1, 'n', '', ''])
  await redis.cli('script', 'flush')
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => script.run([1, 'n', '', ''], 'utf8') as Promise<string[]>),
  )
  expect(new Set(replies.map(([count]) => count)).size).toBe(50)
  expect(await redis.cli('get', 'n')).toBe('51\n')
})

test('the error of a script is that of its call alone', async () => {
  const { client } = await connect()
  const broken = new Script(client, "return redis.error_reply('NOSCRIPT of our own')")
  await expect(broken.run([0])).rejects.toThrow('NOSCRIPT of our own')
  expect(await new Script(client, COUNT).run([1, 'n', 'x', 'y'], 'utf8')).toEqual(['1', 'x', 'y'])
})

test('calls of one turn are answered in their order', async () => {
  const { redis } = await connect()
  const connection = new CommandConnection({ url: redis.url, commandTimeout: 1000 }, report)
  onTestFinished(() => connection.close())
  const script = new Script(connection.client, COUNT)
  const replies = await Promise.all(
    Array.from({ length: 300 }, (_, index) =>
      connection.run(() => script.run([1, 'n', '', index], 'utf8') as Promise<string[]>),
    ),
  )
  expect(replies).toEqual(Array.from({ length: 300 }, (_, index) => [String(index + 1), '', String(index)]))
})
