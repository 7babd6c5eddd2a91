import { afterEach, expect, test, vi } from 'vitest'
import { Readiness } from '../../../src/core/lifecycle/readiness.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** Everything that a listener hears if a canary ends at each of these seconds, with this error if there is one. */
async function told(canaries: readonly (readonly [second: number, error?: string])[]): Promise<unknown[]> {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const said: unknown[] = []
  const over = Promise.withResolvers<void>()
  const left = [...canaries]
  const probe = async (): Promise<void> => {
    const [second, error] = left.shift() ?? []
    if (second === undefined) return over.resolve()
    now = second * 1000
    if (error !== undefined) throw new Error(error)
  }
  const readiness = new Readiness(
    { probe },
    {
      found: () => said.push([now / 1000, 'found']),
      lost: (reason) => said.push([now / 1000, 'lost', reason]),
      back: (seconds) => said.push([now / 1000, 'back', seconds]),
    },
  )
  await over.promise
  readiness.stop('the test is over')
  return said
}

test('a loss is reported once, however long it lasts, and so is the return with the seconds in between', async () => {
  expect(await told([[0], [5, 'cut'], [6, 'refused'], [50, 'refused'], [51]])).toEqual([
    [0, 'found'],
    [5, 'lost', 'cut'],
    [51, 'back', 46],
  ])
})

test('an engine that is not there at the start is a loss', async () => {
  expect(await told([[1, 'refused'], [2, 'refused'], [3]])).toEqual([
    [1, 'lost', 'refused'],
    [3, 'back', 2],
    [3, 'found'],
  ])
})

test('a loss within ten seconds of a reported one is reported when these are over, if it lasts', async () => {
  expect(
    await told([[0, 'one'], [2], [3, 'passes'], [4], [8, 'two'], [9.999, 'two'], [10, 'two'], [11]]),
  ).toEqual([
    [0, 'lost', 'one'],
    [2, 'back', 2],
    [2, 'found'],
    [10, 'lost', 'two'],
    [11, 'back', 3],
  ])
})

test('a stop is no loss', async () => {
  const said: string[] = []
  const canary = Promise.withResolvers<void>()
  const readiness = new Readiness(
    { probe: () => canary.promise },
    { found: () => said.push('found'), lost: (reason) => said.push(reason), back: () => said.push('back') },
  )
  readiness.stop('the process is draining')
  canary.reject(new Error('closed'))
  await canary.promise.catch(() => undefined)
  await Promise.resolve()
  expect([readiness.reason, said]).toEqual(['the process is draining', []])
})
