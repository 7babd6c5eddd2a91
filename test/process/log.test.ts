import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { internalError } from '../../src/core/lifecycle/faults.ts'
import { createLog } from '../../src/process/log.ts'
import { startRedis } from '../support/programs/redis.ts'

test('a fault that a command of Redis has met is logged without what the command was to store', async () => {
  const redis = await startRedis()
  const client = new Redis(redis.url)
  await client.set('log', 'x')
  const error: unknown = await client.rpush('log', 'a one-time code').catch((reason: unknown) => reason)
  client.disconnect()
  await redis.stop()
  expect(JSON.stringify(error)).toContain('one-time')
  const lines: string[] = []
  const { report, log } = createLog('info', { write: (line: string) => lines.push(line) })
  report(internalError(error))
  log.error({ err: new Error('around it', { cause: error }) }, 'another way')
  expect(lines).toHaveLength(2)
  expect(lines.join()).not.toContain('one-time')
  const [{ err }] = lines.map((line) => JSON.parse(line))
  expect(err).toMatchObject({
    type: expect.stringMatching(/Error$/),
    message: expect.stringContaining('WRONGTYPE'),
    command: 'rpush',
  })
  expect(err.stack).toContain('WRONGTYPE')
})

test('what is thrown and is no error is logged as text', () => {
  const lines: string[] = []
  createLog('info', { write: (line: string) => lines.push(line) }).report('away')
  expect(JSON.parse(lines[0]!)).toMatchObject({ err: 'away' })
})
