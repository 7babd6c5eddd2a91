import { afterEach, beforeEach, expect, test } from 'vitest'
import { RedisConnection } from '../../src/engines/redis/connection.ts'
import { Keys } from '../../src/engines/redis/keys.ts'
import { RedisRegistry } from '../../src/engines/redis/registry.ts'
import { RedisRoster } from '../../src/engines/redis/roster.ts'
import { withScripts } from '../../src/engines/redis/scripts.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

/** How long a busy machine may take, in milliseconds. */
const DONE = 5000

let redis: RedisServer
let connection: RedisConnection
let registry: RedisRegistry
let roster: RedisRoster
/** The statements that were sent: their room as JSON text, and what is answered. */
let sent: { room: unknown; answer: Promise<number> }[]
/** Is called when one has been sent. */
let afterwards: () => void

beforeEach(async () => {
  redis = await startRedis()
  connection = new RedisConnection({ url: redis.url, commandTimeout: 1000 })
  const scripts = withScripts(connection.client)
  const keys = new Keys('tabcast', connection.database)
  registry = new RedisRegistry(connection, scripts, keys)
  roster = new RedisRoster(connection, scripts, keys, registry)
  sent = []
  afterwards = () => undefined
  const attend = scripts.attend.bind(scripts)
  scripts.attend = (...args) => {
    const answer = attend(...args)
    sent.push({ room: args[5], answer })
    afterwards()
    return answer
  }
  // What follows the first sign of life is over.
  await registry.peers()
})
afterEach(async () => {
  roster.close()
  await registry.close()
  await connection.close()
  await redis.stop()
})

/** Resolves when so many statements have been answered in all. */
async function answered(count: number): Promise<void> {
  await until(async () => sent.length >= count, DONE)
  await Promise.all(sent.map(({ answer }) => answer))
}

test('one who leaves while everybody is stated again has left', async () => {
  await roster.state('den', new Map(Array.from({ length: 501 }, (_, index) => [`user ${index}`, 1])))
  sent = []
  afterwards = () => {
    afterwards = () => undefined
    // Its end is awaited with the others'.
    void roster.state('den', new Map([['user 500', 0]]))
  }
  roster.stateAgain()
  await answered(3)
  expect((await roster.list('den', 1)).count).toBe(500)
})

test('a leave that failed is stated until it has been taken note of, and no longer', async () => {
  await roster.state('den', new Map([['ada', 1]]))
  await roster.state('yard', new Map([['bob', 1]]))
  redis.pause()
  await expect(roster.state('den', new Map([['ada', 0]]))).rejects.toMatchObject({ temporary: true })
  redis.resume()
  await answered(3)
  for (const _ of ['the first time', 'and again']) {
    const before = sent.length
    roster.stateAgain()
    await until(async () => sent.slice(before).some(({ room }) => room === '"yard"'), DONE)
    await answered(sent.length)
  }
  expect(sent.slice(3).map(({ room }) => room)).toEqual(['"den"', '"yard"', '"yard"'])
})
