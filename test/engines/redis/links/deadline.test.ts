import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { ServiceError } from '../../../../src/core/model/errors.ts'
import { CommandConnection } from '../../../../src/engines/redis/links/command-connection.ts'
import { Deadlines, withDeadline } from '../../../../src/engines/redis/links/deadline.ts'
import { report } from '../../../support/engines.ts'
import { startRedis } from '../../../support/programs/redis.ts'

/** Keeps this process from running, as a long collection of garbage or a machine without a free core does. */
const freeze = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

async function connect(commandTimeout: number): Promise<{ connection: CommandConnection; pause: Redis }> {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const connection = new CommandConnection({ url: redis.url, commandTimeout }, report)
  onTestFinished(() => connection.close())
  const pause = new Redis(redis.url)
  onTestFinished(() => pause.disconnect())
  await connection.run(() => connection.client.ping())
  return { connection, pause }
}

test('an answer that came while this process did not run is taken, however late', async () => {
  const { connection } = await connect(200)
  const answer = connection.run(() => connection.client.ping())
  // Until it has been written.
  await setImmediate()
  freeze(600)
  expect(await answer).toBe('PONG')
})

test('after that a moment is granted, in which Redis can run too, and no more', async () => {
  const later = withDeadline(delay(650, 'later'), 200)
  freeze(600)
  expect(await later).toBe('later')

  const never = withDeadline(new Promise<never>(() => undefined), 200)
  const began = performance.now()
  freeze(600)
  await expect(never).rejects.toMatchObject({ code: 'engine_timeout' })
  expect(performance.now() - began).toBeGreaterThan(800)
})

test('a Redis that does not answer in time is an error, and late answers do no harm', async () => {
  const { connection, pause } = await connect(200)
  await pause.client('PAUSE', 600, 'ALL')
  const began = performance.now()
  await expect(connection.run(() => connection.client.ping())).rejects.toMatchObject({
    code: 'engine_timeout',
  })
  expect(performance.now() - began).toBeGreaterThanOrEqual(199)
  await delay(500)
  expect(await connection.run(() => connection.client.echo('next'))).toBe('next')
})

const unchanged = (reason: unknown): ServiceError => reason as ServiceError

test('each of many has its own deadline, whatever becomes of the others', async () => {
  const deadlines = new Deadlines(150)
  const began = performance.now()
  const times: Record<string, number> = {}
  const never = (name: string): Promise<void> =>
    deadlines.within(new Promise<never>(() => undefined), unchanged).catch((error: unknown) => {
      times[name] = performance.now() - began
      expect(error).toMatchObject({ code: 'engine_timeout' })
    })
  const first = never('first')
  const answered = deadlines.within(delay(20, 'answered'), unchanged)
  await delay(60)
  const second = never('second')
  expect(await answered).toBe('answered')
  const refused = new ServiceError('internal', 'refused')
  await expect(deadlines.within(Promise.reject(refused), unchanged)).rejects.toBe(refused)
  await Promise.all([first, second])
  expect(times.first).toBeGreaterThanOrEqual(150)
  expect(times.second).toBeGreaterThanOrEqual(210)
  // And again, after there were none.
  const third = performance.now()
  await never('third')
  expect(times.third! + began - third).toBeGreaterThanOrEqual(150)
})

test('those that a frozen process could not hear of are granted a moment, all of them', async () => {
  const deadlines = new Deadlines(200)
  const later = Array.from({ length: 20 }, (_, index) => deadlines.within(delay(650, index), unchanged))
  const never = deadlines.within(new Promise<never>(() => undefined), unchanged)
  freeze(600)
  await expect(never).rejects.toMatchObject({ code: 'engine_timeout' })
  expect(await Promise.all(later)).toEqual(Array.from({ length: 20 }, (_, index) => index))
})
