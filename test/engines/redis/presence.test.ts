import { afterEach, beforeEach, expect, test } from 'vitest'
import { Keys } from '../../../src/engines/redis/keys.ts'
import { CommandConnection } from '../../../src/engines/redis/links/command-connection.ts'
import { RedisPresence } from '../../../src/engines/redis/presence.ts'
import { RedisRegistry } from '../../../src/engines/redis/registry.ts'
import { withScripts } from '../../../src/engines/redis/scripts/scripts.ts'
import { report } from '../../support/engines.ts'
import { type RedisServer, startRedis } from '../../support/programs/redis.ts'
import { until } from '../../support/until.ts'

/** Milliseconds that a busy machine may take. */
const DONE = 5000

let redis: RedisServer
let connection: CommandConnection
let registry: RedisRegistry
let presence: RedisPresence
/** The statements that were sent: their room as JSON text, and what is answered. */
let sent: { room: unknown; answer: Promise<number> }[]
/** Is called when one has been sent. */
let afterwards: () => void

beforeEach(async () => {
  redis = await startRedis()
  connection = new CommandConnection({ url: redis.url, commandTimeout: 1000 }, report)
  const scripts = withScripts(connection.client)
  const keys = new Keys('tabcast', connection.database, false)
  registry = new RedisRegistry(connection, scripts, keys)
  presence = new RedisPresence(connection, scripts, keys, registry)
  sent = []
  afterwards = () => undefined
  const statePresence = scripts.statePresence.bind(scripts)
  scripts.statePresence = (...args) => {
    const answer = statePresence(...args)
    sent.push({ room: args[5], answer })
    afterwards()
    return answer
  }
  // What follows the first sign of life is over.
  await registry.peers()
})
afterEach(async () => {
  presence.close()
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
  await presence.state('den', new Map(Array.from({ length: 501 }, (_, index) => [`user ${index}`, 1])))
  sent = []
  afterwards = () => {
    afterwards = () => undefined
    // Its end is awaited with the others'.
    void presence.state('den', new Map([['user 500', 0]]))
  }
  presence.stateAgain()
  await answered(3)
  expect((await presence.list('den', 1)).count).toBe(500)
})

test('a leave that failed is stated until it has been taken note of, and no longer', async () => {
  await presence.state('den', new Map([['ada', 1]]))
  await presence.state('yard', new Map([['bob', 1]]))
  redis.pause()
  await expect(presence.state('den', new Map([['ada', 0]]))).rejects.toMatchObject({ temporary: true })
  redis.resume()
  await answered(3)
  for (const _ of ['the first time', 'and again']) {
    const before = sent.length
    presence.stateAgain()
    await until(async () => sent.slice(before).some(({ room }) => room === '"yard"'), DONE)
    await answered(sent.length)
  }
  expect(sent.slice(3).map(({ room }) => room)).toEqual(['"den"', '"yard"', '"yard"'])
})
